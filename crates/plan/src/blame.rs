//! Who is behind a line.

use frrk8s_document::{Mark, Statement, normal, slot, statements};
use frrk8s_merge::{NodeFacts, Origins, Source};
use frrk8s_model::{Fragment, NeighborField, NodeConfig, Origin, Place, RawSnippet, masked, parse_prefix};
use frrk8s_render::{Direction, Rendered, Subject, listed_range};

/// The fields of objects that lead to a line of a rendering, which has this mark; none for what stands there on every
/// node.
pub fn behind(
    (config, rendered): (&NodeConfig, &Rendered),
    fragments: &[&Fragment],
    facts: &NodeFacts,
    (mark, line): (Mark, &str),
) -> Vec<Source> {
    let Some(subject) = rendered.subjects.at(mark) else {
        return Vec::new();
    };
    let origins = Origins::new(fragments, facts);
    let places = places(config, subject, line);
    let mut sources: Vec<Source> = places.iter().flat_map(|place| origins.of(place)).collect();
    sources.sort();
    sources.dedup();
    sources
}

/// The places that a line stands for. Of what many prefixes have in common, the first.
fn places(config: &NodeConfig, subject: &Subject, line: &str) -> Vec<Place> {
    let policy = |direction: &Direction| match direction {
        Direction::In => &config.incoming,
        Direction::Out => &config.outgoing,
    };
    let carried = |id: &frrk8s_model::PeerId, direction: &Direction, range: frrk8s_model::PrefixRange| {
        match direction {
            Direction::In => Place::Incoming(id.clone(), range),
            Direction::Out => Place::Outgoing(id.clone(), range.prefix()),
        }
    };
    match subject {
        Subject::Node(_) => Vec::new(),
        Subject::Place(place) => vec![place.clone()],
        Subject::Neighbor(id) => vec![Place::Neighbor(id.clone(), NeighborField::RemoteAs)],
        Subject::Networks(vrf) => {
            let prefix = line.rsplit(' ').next().and_then(parse_prefix);
            prefix.map(|prefix| Place::Network(vrf.clone(), prefix)).into_iter().collect()
        }
        Subject::Carried(id, direction, audience) => {
            let entries = policy(direction).entries().iter();
            let first = entries.filter(|(_, with)| with == audience).map(|(range, _)| *range).next();
            first.map(|range| carried(id, direction, range)).into_iter().collect()
        }
        Subject::Listed(direction, audience) => {
            let members = policy(direction).members(*audience).iter();
            let range = listed_range(line);
            range.map_or_else(Vec::new, |range| {
                members.map(|(peer, _)| carried(config.peer(*peer), direction, range)).collect()
            })
        }
    }
}

/// The snippets that have a line: in this context, from the top level on, or in any.
pub fn behind_raw(snippets: &[RawSnippet], (context, line): (Option<&[Box<str>]>, &str)) -> Vec<Source> {
    let is_it = |statement: &Statement| match context {
        Some(context) => is_at(statement, context, line),
        None => is_same(statement.context.last().map(|parent| &**parent), &statement.line, line),
    };
    let says = |snippet: &&RawSnippet| statements(&snippet.text).iter().any(is_it);
    let origin = |snippet: &RawSnippet| Origin {
        object: snippet.object.clone(),
        path: "spec.raw.rawConfig".to_owned(),
    };
    snippets
        .iter()
        .filter(says)
        .map(|snippet| Source { origin: origin(snippet), value: String::new() })
        .collect()
}

fn is_at(statement: &Statement, context: &[Box<str>], line: &str) -> bool {
    fn path<'a>(context: &'a [Box<str>], line: &'a str) -> Vec<&'a str> {
        context.iter().map(|line| &**line).chain([line]).collect()
    }
    let (told, written) = (path(context, line), path(&statement.context, &statement.line));
    let parent = |at: usize| at.checked_sub(1).map(|at| told[at]);
    told.len() == written.len() && (0..told.len()).all(|at| is_same(parent(at), written[at], told[at]))
}

/// Whether a line that people wrote is one of a document, where lines stand in normal form. An entry of a map is told as
/// `deny` before it is told as `permit`. A secret may be masked.
fn is_same(parent: Option<&str>, written: &str, told: &str) -> bool {
    let Some(written) = normal(parent, written) else {
        return false;
    };
    let is_entry = |line: &str| parent.is_none() && line.starts_with("route-map ");
    written == told
        || is_entry(&written) && is_entry(told) && slot(None, &written) == slot(None, told)
        || told.ends_with(MASK) && masked(&written) == told
}

/// What [`masked`] puts in the place of a secret.
const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use frrk8s_model::ObjectId;

    use super::*;

    fn behind(path: &[&str]) -> String {
        const TEXTS: [(&str, &str); 4] = [
            ("a", "route-map m permit 10\n set metric 5\nroute-map m2 permit 10\n set metric 50\n"),
            ("b", "router bgp 1\n neighbor 10.0.0.1 timers 3 9\n neighbor 10.0.0.1 password hush\n"),
            (
                "c",
                "router bgp 1 vrf red\nneighbor 10.0.0.1 timers 3 9\nneighbor 10.0.0.1 ebgp-multihop 255\n",
            ),
            ("d", "router bgp 1\n neighbor 10.0.0.1 timers 3 90\n neighbor 10.0.0.11 timers 3 9\n"),
        ];
        let snippet = |(name, text): (&str, &str)| RawSnippet {
            object: ObjectId::new("n", name),
            priority: 0,
            text: text.into(),
        };
        let (line, context) = path.split_last().unwrap();
        let context: Vec<Box<str>> = context.iter().map(|line| (*line).into()).collect();
        let found = behind_raw(&TEXTS.map(snippet), (Some(&context), line));
        found.iter().map(|source| source.origin.object.name.to_string()).collect()
    }

    #[test]
    fn a_raw_line_is_that_of_whoever_wrote_all_of_it_in_its_context() {
        for (path, expected) in [
            (&["router bgp 1", "neighbor 10.0.0.1 timers 3 9"][..], "b"),
            (&["router bgp 1 vrf red", "neighbor 10.0.0.1 timers 3 9"], "c"),
            (&["router bgp 1", "neighbor 10.0.0.1 timers"], ""),
            (&["neighbor 10.0.0.1 timers 3 9"], ""),
            (&["router bgp 1"], "bd"),
            (&["router bgp 1", "neighbor 10.0.0.1 password hush"], "b"),
            // As documents have it.
            (&["router bgp 1 vrf red", "neighbor 10.0.0.1 ebgp-multihop"], "c"),
            // As an entry is born.
            (&["route-map m deny 10"], "a"),
            (&["route-map m deny 10", "set metric 5"], "a"),
            (&["route-map m2 deny 10", "set metric 5"], ""),
        ] {
            assert_eq!(behind(path), expected, "{path:?}");
        }
    }
}
