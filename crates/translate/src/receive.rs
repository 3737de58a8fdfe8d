//! What is taken from a neighbor.

use frrk8s_api as api;
use frrk8s_model::{PeerIx, PolicyBuilder, PrefixRange, Rule, shown};

use crate::prefixes;
use crate::report::{Path, Report};
use crate::router::End;

/// The longest bound that the API takes.
const BOUND_MAX: i64 = 128;

/// What is taken from the neighbors of one router, peer by peer.
#[derive(Default)]
pub(crate) struct Received(Vec<(PeerIx, Vec<PrefixRange>)>);

impl Received {
    pub(crate) fn policy(self) -> PolicyBuilder {
        let mut ranges: Vec<PrefixRange> = self.0.iter().flat_map(|(_, ranges)| ranges).copied().collect();
        ranges.sort();
        ranges.dedup();
        let mut builder = PolicyBuilder::new(ranges);
        for (peer, ranges) in self.0 {
            let at = |range: &PrefixRange| builder.ranges().binary_search(range).ok();
            let mut positions: Vec<usize> = ranges.iter().filter_map(at).collect();
            positions.sort_unstable();
            positions.dedup();
            builder.add(peer, positions, |_| None);
        }
        builder
    }
}

/// Adds what is taken from a neighbor.
pub(crate) fn receive(
    given: &api::Receive,
    end: &End<'_>,
    received: &mut Received,
    neighbor_path: &Path<'_>,
    report: &mut Report<'_>,
) {
    let path = neighbor_path.field("toReceive");
    let path = path.field("allowed");
    match &given.allowed.mode {
        // Everything: a list beside it means nothing.
        Some(api::PrefixMode::All) => return,
        Some(api::PrefixMode::Other(text)) => {
            let message = format!("mode is {:?}; it must be all or filtered", shown(text));
            report.value(Rule::ValueUnknown, &path.field("mode"), text, message);
        }
        Some(api::PrefixMode::Filtered) | None => {}
    }
    let mut ranges = Vec::with_capacity(given.allowed.prefixes.len());
    for (at, selector) in given.allowed.prefixes.iter().enumerate() {
        let path = path.item("prefixes", at);
        let Some(range) = range(selector, &path, report) else {
            continue;
        };
        if end.peer.carries(range.family(), end.dual_stack) {
            ranges.push(range);
        } else {
            let (peer, family) = (end.peer, range.family());
            let message = format!("neighbor {peer} without an {family} address family sends no {range}");
            report.value(Rule::ReceivedFamily, &path.field("prefix"), range, message);
        }
    }
    if !ranges.is_empty() {
        received.0.push((end.number, ranges));
    }
}

fn range(selector: &api::PrefixSelector, path: &Path<'_>, report: &mut Report<'_>) -> Option<PrefixRange> {
    let text = selector.prefix.as_deref().unwrap_or_default();
    let prefix = prefixes::prefix(text, || path.field("prefix").to_string(), report);
    let mut bound = |value: Option<i64>, name: &str| match value {
        None => Ok(None),
        Some(value) if (1..=BOUND_MAX).contains(&value) => Ok(u8::try_from(value).ok()),
        Some(value) => {
            let message = format!("{name} is {value}; it must be 1 to {BOUND_MAX}");
            report.value(Rule::NumberOutOfRange, &path.field(name), value, message);
            Err(())
        }
    };
    let (ge, le) = (bound(selector.ge, "ge"), bound(selector.le, "le"));
    let (Some(prefix), Ok(ge), Ok(le)) = (prefix, ge, le) else {
        return None;
    };
    match PrefixRange::new(prefix, ge, le) {
        Ok(range) => Some(range),
        Err(error) => {
            let message = format!("prefix {prefix}: {error}");
            report.value(Rule::ReceivedRange, path, prefix, message);
            None
        }
    }
}
