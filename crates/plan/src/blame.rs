//! Who is behind a line.

use frrk8s_document::{Mark, statements};
use frrk8s_merge::{NodeFacts, Origins, Source};
use frrk8s_model::{Fragment, NeighborField, NodeConfig, Origin, Place, RawSnippet, parse_prefix};
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

/// The snippets that have a line, whatever stands around it.
pub fn behind_raw(snippets: &[RawSnippet], line: &str) -> Vec<Source> {
    let says = |snippet: &&RawSnippet| {
        // Where FRR names no line, nobody is to be blamed for it.
        !line.is_empty()
            && statements(&snippet.text)
                .iter()
                .any(|statement| *statement.line == *line || statement.line.contains(line))
    };
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
