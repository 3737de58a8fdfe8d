//! A node's configuration into FRR's.
//!
//! ```text
//! NodeConfig ─► layout: lists and maps ─► numbers kept from what runs ─► Document + Subjects
//! ```
//!
//! Invariants:
//! * Equal configurations give equal documents, byte for byte, whatever the order of the input.
//! * Rendered against itself, a document does not change.
//! * Every line has a subject, from which the objects behind it can be found.
//! * Every map ends in `deny 65535`, and every prefix of an audience is permitted by exactly one entry.

mod bfd;
mod evpn;
mod layout;
mod names;
mod numbers;
mod options;
mod ownership;
mod policy;
mod preamble;
mod raw;
mod router;
mod running;
mod subject;

use frrk8s_document::Document;
use frrk8s_model::{COMMUNITIES_MAX, LARGE_COMMUNITIES_MAX, NodeConfig, PeerId};

use layout::Layout;
use numbers::Numbers;
use router::RouterLines;
use running::Running;

pub use names::{Direction, peer_name};
pub use options::{Hostname, LogLevel, NodeOptions, router_id_of};
pub use ownership::{Divided, divide};
pub use raw::{check_raw, print_raw};
pub use running::listed_range;
pub use subject::{NodeSetting, Subject, Subjects};

/// A node's configuration as FRR reads it, raw snippets aside.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The configuration, the same for every version of FRR.
    pub document: Document,
    /// What its lines stand for.
    pub subjects: Subjects,
}

/// What cannot be rendered although it merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A route map has no numbers left.
    #[error("neighbor {peer} needs {count} route map entries; {max} is the most that fits")]
    TooManyAudiences {
        /// Whose map.
        peer: PeerId,
        /// How many entries it would have.
        count: usize,
        /// How many it can have.
        max: usize,
    },
    /// Objects together give a route more communities than fit into a line.
    #[error(
        "prefixes to neighbor {peer} have {count} communities together; {COMMUNITIES_MAX} standard and {LARGE_COMMUNITIES_MAX} large ones are the most"
    )]
    TooManyCommunities {
        /// Towards whom.
        peer: PeerId,
        /// How many there are, of both kinds.
        count: usize,
    },
}

/// Renders a configuration. Names of lists and numbers of entries are kept from `running`, which must
/// be in normal form, as far as it has any of ours.
pub fn render(
    config: &NodeConfig,
    options: &NodeOptions,
    running: Option<&Document>,
) -> Result<Rendered, RenderError> {
    check_communities(config)?;
    let layout = Layout::new(config, &options.always_block);
    let max = numbers::audiences_max();
    if let Some(map) = layout.maps.iter().find(|map| map.uses.len() > max) {
        return Err(RenderError::TooManyAudiences { peer: map.peer.clone(), count: map.uses.len(), max });
    }
    let running = running.map(Running::read).unwrap_or_default();
    let numbers = Numbers::new(&layout, &running);
    let names = names::peer_names(config);
    let mut subjects = Subjects::default();
    let mut lines = preamble::lines(options, &mut subjects);
    lines.extend(policy::lines(&layout, &numbers, &mut subjects));
    for (vrf, router) in &config.routers {
        lines.extend(evpn::vrf_stanza(vrf, router, &mut subjects));
        let router = RouterLines { vrf, router, options, names: &names };
        lines.push(router.build(&mut subjects));
    }
    lines.extend(bfd::line(config, &mut subjects));
    Ok(Rendered { document: Document::new(lines), subjects })
}

/// Each object keeps to what fits; several together may not.
fn check_communities(config: &NodeConfig) -> Result<(), RenderError> {
    let count = |at: frrk8s_model::AttributesIx| {
        let carried = config.outgoing.attributes(at);
        let fits = carried.communities.len() <= COMMUNITIES_MAX
            && carried.large_communities.len() <= LARGE_COMMUNITIES_MAX;
        (!fits).then(|| carried.communities.len() + carried.large_communities.len())
    };
    let mut members = config.outgoing.audiences().flat_map(|(_, members)| members);
    let found = members.find_map(|(peer, carried)| Some((*peer, count(*carried)?)));
    match found {
        Some((peer, count)) => {
            Err(RenderError::TooManyCommunities { peer: config.peer(peer).clone(), count })
        }
        None => Ok(()),
    }
}
