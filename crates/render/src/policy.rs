//! Prefix lists and route maps as lines.

use frrk8s_document::Line;
use frrk8s_model::Family;

use crate::layout::{Layout, Map, Purpose};
use crate::numbers::{CLOSING_NUMBER, Numbers};
use crate::running::LIST_PREFIX;
use crate::subject::{NodeSetting, Subject, Subjects};

/// FRR's word for a family.
pub(crate) fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ipv6",
    }
}

/// All lists, then all maps.
pub(crate) fn lines(layout: &Layout, numbers: &Numbers, subjects: &mut Subjects) -> Vec<Line> {
    let mut lines = Vec::with_capacity(layout.lists.iter().map(|list| list.ranges.len()).sum());
    for (list, (number, sequence)) in layout.lists.iter().zip(&numbers.lists) {
        let mark = subjects.note(match list.purpose {
            Purpose::Block => Subject::Node(NodeSetting::AlwaysBlock),
            Purpose::Audience(direction, audience) => Subject::Listed(direction, audience),
        });
        let ip = ip(list.family);
        for (range, seq) in list.ranges.iter().zip(sequence) {
            let text = format!("{ip} prefix-list {LIST_PREFIX}{number} seq {seq} permit {range}");
            lines.push(Line::leaf(text).marked(mark));
        }
    }
    for (map, (entries, permit_all)) in layout.maps.iter().zip(&numbers.maps) {
        for (&(list, sets), entry) in map.uses.iter().zip(entries) {
            lines.push(entry_line(map, layout, numbers, (list, sets, *entry), subjects));
        }
        if map.permit_all {
            let text = format!("route-map {} permit {permit_all}", map.name);
            let place =
                frrk8s_model::Place::Neighbor(map.peer.clone(), frrk8s_model::NeighborField::ReceiveMode);
            let mark = subjects.note(Subject::Place(place));
            lines.push(Line::context(text, Vec::new()).marked(mark));
        }
        let text = format!("route-map {} deny {CLOSING_NUMBER}", map.name);
        let mark = subjects.note(Subject::Node(NodeSetting::ClosingDeny));
        lines.push(Line::context(text, Vec::new()).marked(mark));
    }
    lines
}

/// One entry of a map: (list, what it sets, its number).
fn entry_line(
    map: &Map,
    layout: &Layout,
    numbers: &Numbers,
    (list, sets, entry): (usize, u32, u16),
    subjects: &mut Subjects,
) -> Line {
    let (number, _) = numbers.lists[list];
    let list = &layout.lists[list];
    let (action, subject) = match list.purpose {
        Purpose::Block => ("deny", Subject::Node(NodeSetting::AlwaysBlock)),
        Purpose::Audience(direction, audience) => {
            let subject = Subject::Carried(map.peer.clone(), direction, audience);
            ("permit", subject)
        }
    };
    let mark = subjects.note(subject);
    let ip = ip(list.family);
    let mut inside = vec![format!("match {ip} address prefix-list {LIST_PREFIX}{number}")];
    inside.extend(layout.sets[sets as usize].iter().cloned());
    let inside = inside.into_iter().map(|text| Line::leaf(text).marked(mark));
    let text = format!("route-map {} {action} {entry}", map.name);
    Line::context(text, inside.collect()).marked(mark)
}
