//! The normal form: one spelling for what FRR's versions and people spell differently, and nothing
//! that is there anyway. Measured on 8.4.4 and 10.3; the reference is FRR's own printing.

use std::net::{IpAddr, Ipv6Addr};

use crate::context::opens_context;
use crate::document::{Document, Line, is_derived_target, router_asn};
use crate::text::{Node, Text, is_closing};

/// What FRR prints around a configuration.
const FRAME: &[&str] =
    &["Building configuration...", "Current configuration:", "end", "service integrated-vtysh-config"];

/// Contexts that mean nothing when nothing is in them.
const HOLLOW: &[&str] = &["vrf ", "address-family ", "interface ", "vni "];

/// A text in normal form.
pub(crate) fn document(text: &Text) -> Document {
    let mut lines: Vec<Line> = text.lines.iter().filter_map(|node| line(&[], node)).collect();
    join_directions(&mut lines);
    Document::new(lines)
}

/// `debug bgp updates` is printed as two lines, one a direction.
fn join_directions(lines: &mut Vec<Line>) {
    const BOTH: &str = "debug bgp updates";
    const EACH: [&str; 2] = ["debug bgp updates in", "debug bgp updates out"];
    let has = |text: &&str| lines.iter().any(|line| line.text() == *text);
    if EACH.iter().all(has) {
        lines.retain(|line| !EACH.contains(&line.text()));
        lines.push(Line::leaf(BOTH));
    }
}

fn line(parents: &[&str], node: &Node) -> Option<Line> {
    let parent = parents.last().copied();
    let text = normal(parent, &node.line)?;
    if parent.is_none() && (FRAME.contains(&text.as_str()) || text.starts_with("frr ")) {
        return None;
    }
    // It closes nothing where it stands; in a document it would close what comes to stand before it.
    if is_closing(&text) {
        return None;
    }
    let is_context = !node.children.is_empty() || node.closed_by.is_some() || opens_context(parent, &text);
    if !is_context {
        return Some(Line::leaf(text));
    }
    let parents: Vec<&str> = parents.iter().copied().chain([text.as_str()]).collect();
    let inside: Vec<Line> = node.children.iter().filter_map(|child| line(&parents, child)).collect();
    let hollow = inside.is_empty() && HOLLOW.iter().any(|start| text.starts_with(start));
    (!hollow).then(|| Line::context(text, inside))
}

/// A line of a context in normal form; `None` when it says what is so anyway.
pub fn normal(parent: Option<&str>, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let parent = parent.map(|parent| parent.split(' ').next().unwrap_or_default());
    match (parent, words.as_slice()) {
        // `debugging` is what a target without a level logs.
        (None, ["log", target, "debugging"]) => Some(format!("log {target}")),
        (None, ["router", "bgp", asn, "vrf", "default"]) => Some(format!("router bgp {asn}")),
        (Some("router"), ["address-family", family @ ("ipv4" | "ipv6")]) => {
            Some(format!("address-family {family} unicast"))
        }
        (Some("router"), ["neighbor", _, "port", "179"]) => None,
        (Some("router"), ["neighbor", peer, "ebgp-multihop", "255"]) => {
            Some(format!("neighbor {} ebgp-multihop", address(peer)))
        }
        (Some("route-map"), ["set", kind @ ("community" | "large-community"), values @ ..]) => {
            Some(communities(kind, values))
        }
        (Some("profile"), words) if PROFILE_DEFAULTS.contains(&words.join(" ").as_str()) => None,
        _ => Some(plain(line, &words)),
    }
}

/// What a BFD profile has when nothing is said.
const PROFILE_DEFAULTS: &[&str] = &[
    "detect-multiplier 3",
    "receive-interval 300",
    "transmit-interval 300",
    "echo receive-interval 50",
    "echo transmit-interval 50",
    "minimum-ttl 254",
];

/// Single blanks, and IPv6 in one spelling.
fn plain(line: &str, words: &[&str]) -> String {
    if !line.contains("::") && line.matches(':').count() < 7 {
        return words.join(" ");
    }
    let words: Vec<String> = words.iter().map(|word| address(word)).collect();
    words.join(" ")
}

/// An IPv6 address or prefix in RFC 5952's spelling; anything else as it is.
fn address(word: &str) -> String {
    if !word.contains(':') {
        return word.to_owned();
    }
    let (address, behind) =
        word.split_once('/').map_or((word, ""), |(address, _)| (address, &word[address.len()..]));
    match address.parse::<Ipv6Addr>() {
        Ok(address) => format!("{}{behind}", IpAddr::from(address)),
        Err(_) => word.to_owned(),
    }
}

/// The values of a `set community` line, as numbers, sorted.
fn communities(kind: &str, values: &[&str]) -> String {
    let (additive, values) = match values {
        [values @ .., "additive"] => (" additive", values),
        values => ("", values),
    };
    let mut numbers: Vec<Vec<u64>> = Vec::with_capacity(values.len());
    for value in values {
        let value = well_known(value).unwrap_or(value);
        let parts: Result<Vec<u64>, _> = value.split(':').map(str::parse).collect();
        match parts {
            Ok(parts) => numbers.push(parts),
            // `none`, or a word of a later version.
            Err(_) => return format!("set {kind} {}{additive}", values.join(" ")),
        }
    }
    numbers.sort();
    numbers.dedup();
    let texts: Vec<String> =
        numbers.iter().map(|parts| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(":")).collect();
    format!("set {kind} {}{additive}", texts.join(" "))
}

/// The number of a community that has a name (IANA's registry of well-known communities).
fn well_known(name: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("internet", "0:0"),
        ("graceful-shutdown", "65535:0"),
        ("accept-own", "65535:1"),
        ("route-filter-translated-v4", "65535:2"),
        ("route-filter-v4", "65535:3"),
        ("route-filter-translated-v6", "65535:4"),
        ("route-filter-v6", "65535:5"),
        ("llgr-stale", "65535:6"),
        ("no-llgr", "65535:7"),
        ("accept-own-nexthop", "65535:8"),
        ("blackhole", "65535:666"),
        ("no-export", "65535:65281"),
        ("no-advertise", "65535:65282"),
        ("local-AS", "65535:65283"),
        ("no-peer", "65535:65284"),
    ];
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// A router without the route targets that FRR derives itself: under `vni N` of AS `A`, `A:N` alone.
pub(crate) fn without_derived_targets(router: Line) -> Line {
    let Some(asn) = router_asn(router.text()) else {
        return router;
    };
    router.map_inside(|family| {
        if family.text() != "address-family l2vpn evpn" {
            return Some(family);
        }
        let family = family.map_inside(|vni| without_derived_target(vni, asn));
        (!family.inside().is_empty()).then_some(family)
    })
}

fn without_derived_target(mut vni: Line, asn: u32) -> Option<Line> {
    let Some(number) = vni.text().strip_prefix("vni ").map(str::to_owned) else {
        return Some(vni);
    };
    for start in ["route-target import ", "route-target export "] {
        if vni.inside().iter().filter(|line| line.text().starts_with(start)).count() == 1 {
            let is_derived =
                |line: &Line| line.text().starts_with(start) && is_derived_target(line.text(), asn, &number);
            vni = vni.map_inside(|line| (!is_derived(&line)).then_some(line));
        }
    }
    (!vni.inside().is_empty()).then_some(vni)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        document(&Text::parse(text)).print()
    }

    #[test]
    fn spellings_of_versions_and_people_become_one() {
        assert_eq!(
            read(
                "router bgp 1 vrf default\n neighbor 2001:DB8:0::1 ebgp-multihop 255\n neighbor 10.0.0.1 port 179\n \
                 address-family ipv4\n  network 10.0.0.0/8\n exit-address-family\n !\nexit\n"
            ),
            "router bgp 1\n neighbor 2001:db8::1 ebgp-multihop\n address-family ipv4 unicast\n  \
             network 10.0.0.0/8\n exit-address-family\nexit\n"
        );
        assert_eq!(
            normal(Some("route-map a permit 1"), "set community no-export 1:2 65535:666 additive").as_deref(),
            Some("set community 1:2 65535:666 65535:65281 additive")
        );
        assert_eq!(normal(Some("profile a"), "receive-interval 300"), None);
        assert_eq!(
            normal(None, "ipv6 route ::ffff:a00:1/128 blackhole").as_deref(),
            Some("ipv6 route ::ffff:10.0.0.1/128 blackhole")
        );
    }

    #[test]
    fn the_target_that_frr_derives_comes_last_and_is_nothing_alone() {
        let vni = |targets: &[&str]| {
            let lines: String =
                targets.iter().flat_map(|target| ["   route-target ", target, "\n"]).collect();
            let text = format!(
                "router bgp 4200000000\n address-family l2vpn evpn\n  vni 100\n{lines}  exit-vni\n exit-address-family\nexit\n"
            );
            let document = document(&Text::parse(&text));
            let lines = document.into_lines().into_iter().map(without_derived_targets);
            Document::new(lines.collect()).print()
        };
        assert_eq!(vni(&["import 59904:100"]), "router bgp 4200000000\nexit\n");
        let several = vni(&["export 59904:100", "export 65001:100", "import 1:1"]);
        let targets: Vec<&str> =
            several.lines().filter_map(|line| line.trim().strip_prefix("route-target ")).collect();
        assert_eq!(targets, ["export 65001:100", "import 1:1", "export 59904:100"]);
    }

    #[test]
    fn what_closes_nothing_and_what_frames_a_text_are_nothing_however_they_are_written() {
        for text in [
            "exit\nrouter bgp 1\n  exit\n no bgp network import-check\nexit\nexit\nhostname a\n",
            "frr\tversion 8.4.4\nBuilding  configuration...\nhostname a\nrouter bgp 1\n no bgp network import-check\n",
        ] {
            let once = read(text);
            assert_eq!(once, "hostname a\nrouter bgp 1\n no bgp network import-check\nexit\n", "{text}");
            assert_eq!(read(&once), once);
        }
    }

    #[test]
    fn what_is_hollow_is_nothing() {
        assert_eq!(
            read("vrf red\nexit-vrf\nbfd\n profile a\n exit\n !\nexit\n"),
            "bfd\n profile a\n exit\nexit\n"
        );
    }
}
