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
use frrk8s_model::NodeConfig;

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

/// Renders a configuration. Names of lists and numbers of entries are kept from `running`, which must
/// be in normal form, as far as it has any of ours.
pub fn render(config: &NodeConfig, options: &NodeOptions, running: Option<&Document>) -> Rendered {
    let layout = Layout::new(config, &options.always_block);
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
    Rendered { document: Document::new(lines), subjects }
}
