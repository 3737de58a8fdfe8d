//! Which lines open a context, and what closes it.

/// Whether a line of a configuration opens a context, given the line of the context it stands in
/// (`None` at the top). This table, not indentation, decides for text that people wrote.
pub fn opens_context(parent: Option<&str>, line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let Some(parent) = parent else {
        return opens_at_top(first, &words.collect::<Vec<_>>());
    };
    let parent = parent.split_ascii_whitespace().next().unwrap_or_default();
    match parent {
        "router" => matches!(first, "address-family" | "segment-routing" | "vrf-policy"),
        "address-family" => first == "vni",
        "bfd" => matches!(first, "profile" | "peer"),
        "key" => first == "key",
        "segment-routing" => matches!(first, "srv6" | "traffic-eng"),
        "mpls" => first == "address-family",
        _ => false,
    }
}

fn opens_at_top(first: &str, rest: &[&str]) -> bool {
    match first {
        "router" | "interface" | "pseudowire" | "nexthop-group" | "pbr-map" | "l2vpn" => !rest.is_empty(),
        "route-map" => rest.len() >= 3 || rest.len() == 1,
        "vrf" => rest.len() == 1,
        "bfd" | "rpki" | "segment-routing" => rest.is_empty(),
        "key" => rest.first() == Some(&"chain"),
        "mpls" => rest == ["ldp"],
        "line" => rest == ["vty"],
        _ => false,
    }
}

/// Whether a line that opens nothing can only stand at the top.
pub(crate) fn stands_at_top(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "access-list ",
        "bgp as-path ",
        "bgp community-list ",
        "bgp extcommunity-list ",
        "bgp large-community-list ",
        "debug ",
        "frr ",
        "hostname ",
        "ip forwarding",
        "ip nht ",
        "ip prefix-list ",
        "ip route ",
        "ip router-id ",
        "ipv6 access-list ",
        "ipv6 forwarding",
        "ipv6 nht ",
        "ipv6 prefix-list ",
        "ipv6 route ",
        "log ",
        "service ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

/// The line that FRR prints behind a context.
pub fn closing(line: &str) -> &'static str {
    match line.split_ascii_whitespace().next() {
        Some("address-family") => "exit-address-family",
        Some("vrf") => "exit-vrf",
        Some("vni") => "exit-vni",
        _ => "exit",
    }
}
