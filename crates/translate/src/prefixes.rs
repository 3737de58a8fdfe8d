//! Prefixes in CIDR notation.

use std::net::IpAddr;

use frrk8s_model::{IpNet, Rule, canonical_prefix, shown};

use crate::report::{Path, Report};

/// A prefix that a router originates.
pub(crate) fn own(text: &str, path: &Path<'_>, report: &mut Report<'_>) -> Option<IpNet> {
    let prefix = prefix(text, || path.to_string(), report)?;
    // FRR looks at the address only (measured on 8.4.4 and 10.3): `fe80::/9` is refused, `fe00::/8` is not.
    if matches!(prefix.network(), IpAddr::V6(address) if address.is_unicast_link_local()) {
        let message = format!("{prefix} is link-local: FRR refuses to originate it");
        report.value(Rule::PrefixLinkLocal, path, text, message);
        return None;
    }
    Some(prefix)
}

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
