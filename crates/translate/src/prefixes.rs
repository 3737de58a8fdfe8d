//! Prefixes in CIDR notation.

use frrk8s_model::{IpNet, Rule, canonical_prefix, shown};

use crate::report::{Path, Report};

/// The prefix that a text stands for, with a word about what it reads differently from what it says.
pub(crate) fn prefix(text: &str, path: impl FnOnce() -> String, report: &mut Report<'_>) -> Option<IpNet> {
    let Ok(written) = text.parse::<IpNet>() else {
        let path = path();
        let message = format!("unknown ipfamily for {:?}: not a prefix in CIDR notation", shown(text));
        report.value(Rule::PrefixInvalid, &Path::Root(&path), text, message);
        return None;
    };
    let prefix = canonical_prefix(written);
    if written != prefix {
        let (rule, what) = match (written, prefix) {
            (IpNet::V6(_), IpNet::V4(_)) => (Rule::Ipv4Mapped, "is the IPv4 prefix"),
            _ => (Rule::PrefixHostBits, "has host bits set; it is read as"),
        };
        let message = format!("{} {what} {prefix}", shown(text));
        report.value(rule, &Path::Root(&path()), text, message);
    }
    Some(prefix)
}
