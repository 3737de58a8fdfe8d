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

/// How the lines that open contexts are written; `*` is any word. Longer ones first.
const OPENERS: &[(Option<&str>, &[&str])] = &[
    (None, &["router", "bgp", "*", "vrf|view", "*"]),
    (None, &["router", "bgp", "*"]),
    (None, &["router", "bgp"]),
    (None, &["route-map", "*", "permit|deny", "*"]),
    (None, &["interface", "*"]),
    (None, &["vrf", "*"]),
    (None, &["bfd"]),
    (Some("router"), &["address-family", "ipv4|ipv6", "unicast|multicast|vpn|labeled-unicast|flowspec"]),
    (Some("router"), &["address-family", "ipv4|ipv6"]),
    (Some("router"), &["address-family", "l2vpn", "evpn"]),
    (Some("address-family"), &["vni", "*"]),
    (Some("bfd"), &["profile|peer", "*"]),
];

/// A line with `no` and the words that open a context written out: FRR takes any beginning of a word that is clear. The
/// line must have single blanks.
pub(crate) fn written_out(parent: Option<&str>, line: &str) -> String {
    let (no, rest) = match line.split_once(' ') {
        Some(("n" | "no", rest)) => ("no ", rest),
        _ => ("", line),
    };
    let parent = parent.map(|parent| parent.split(' ').next().unwrap_or_default());
    let words: Vec<&str> = rest.split(' ').collect();
    let openers =
        OPENERS.iter().filter(|(within, pattern)| *within == parent && pattern.len() == words.len());
    for (_, pattern) in openers {
        let pairs = pattern.iter().zip(&words);
        let written: Option<Vec<&str>> = pairs.map(|(choices, word)| whole_word(choices, word)).collect();
        if let Some(written) = written {
            return format!("{no}{}", written.join(" "));
        }
    }
    format!("{no}{rest}")
}

/// The word of these that a word begins.
fn whole_word<'a>(choices: &'a str, word: &'a str) -> Option<&'a str> {
    let mut choices = choices.split('|');
    choices.find_map(|choice| match choice {
        "*" => Some(word),
        choice => (!word.is_empty() && choice.starts_with(word)).then_some(choice),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_cut_short_are_written_out() {
        for (parent, line, expected) in [
            (None, "rou b 64512", "router bgp 64512"),
            (None, "router bgp", "router bgp"),
            (None, "n rou bgp 64512 v red", "no router bgp 64512 vrf red"),
            (None, "route a p 10", "route-map a permit 10"),
            (Some("router bgp 1"), "addr ipv4 u", "address-family ipv4 unicast"),
            (Some("router bgp 1"), "addr l e", "address-family l2vpn evpn"),
            (Some("router bgp 1"), "n neighbor a", "no neighbor a"),
            (None, "router ospf", "router ospf"),
            (None, "ip route 0.0.0.0/0 10.0.0.1", "ip route 0.0.0.0/0 10.0.0.1"),
        ] {
            assert_eq!(written_out(parent, line), expected);
        }
    }
}
