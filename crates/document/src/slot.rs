//! Which setting a line sets. Two lines of one context with the same slot replace each other.

/// The slot of a line. For lines that stand beside others of their kind, the line itself.
pub fn slot(parent: Option<&str>, line: &str) -> String {
    let plain = line.strip_prefix("no ").unwrap_or(line);
    let words: Vec<&str> = plain.split(' ').collect();
    let first = |count: usize| words[..count.min(words.len())].join(" ");
    match parent.map(|parent| parent.split(' ').next().unwrap_or_default()) {
        None => match words.as_slice() {
            ["hostname", ..] => first(1),
            ["log", ..] | ["ip" | "ipv6", "nht", ..] => first(2),
            ["ip" | "ipv6", "prefix-list", _, "seq", ..] => first(5),
            ["route-map", name, _, number] => format!("route-map {name} {number}"),
            ["router", "bgp", _, rest @ ..] => format!("router bgp {}", rest.join(" ")),
            _ => plain.to_owned(),
        },
        Some("router") => match words.as_slice() {
            ["bgp", "router-id", ..] => first(2),
            ["neighbor", peer, rest @ ..] => format!("neighbor {peer} {}", neighbor_option(rest)),
            _ => plain.to_owned(),
        },
        Some("address-family") => match words.as_slice() {
            [
                "neighbor",
                peer,
                option @ ("route-map" | "prefix-list" | "filter-list" | "distribute-list"),
                _,
                way,
            ] => {
                format!("neighbor {peer} {option} {way}")
            }
            ["rd", ..] => first(1),
            _ => plain.to_owned(),
        },
        Some("vni") => match words.as_slice() {
            ["rd", ..] => first(1),
            _ => plain.to_owned(),
        },
        Some("vrf") => match words.as_slice() {
            ["vni", ..] => first(1),
            _ => plain.to_owned(),
        },
        Some("route-map") => match words.as_slice() {
            ["match", _, "address", ..] => first(4),
            ["set" | "match", ..] => first(2),
            _ => plain.to_owned(),
        },
        Some("profile") => match words.as_slice() {
            ["echo", ..] => first(2),
            _ => first(1),
        },
        Some(_) => plain.to_owned(),
    }
}

/// The option of a neighbor without its value.
fn neighbor_option(rest: &[&str]) -> String {
    match rest {
        ["interface" | "remote-as", ..] => "remote-as".to_owned(),
        ["timers", "connect", ..] => "timers connect".to_owned(),
        ["bfd", "profile", ..] => "bfd profile".to_owned(),
        [
            option @ ("timers"
            | "port"
            | "password"
            | "update-source"
            | "local-as"
            | "ebgp-multihop"
            | "description"
            | "advertisement-interval"
            | "ttl-security"
            | "peer-group"),
            ..,
        ] => (*option).to_owned(),
        rest => rest.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::slot;

    #[test]
    fn lines_that_replace_each_other_share_a_slot() {
        let router = Some("router bgp 1");
        let pairs = [
            (None, "router bgp 1", "router bgp 2"),
            (None, "route-map a permit 1", "route-map a deny 1"),
            (router, "neighbor 10.0.0.1 timers 1 3", "no neighbor 10.0.0.1 timers 2 6"),
            (router, "neighbor eth0 interface remote-as 1", "neighbor eth0 remote-as external"),
            (Some("address-family ipv4 unicast"), "neighbor a route-map x in", "neighbor a route-map y in"),
            (Some("route-map a permit 1"), "set community 1:1", "set community 1:2 additive"),
            (Some("profile fast"), "receive-interval 10", "receive-interval 20"),
        ];
        for (parent, a, b) in pairs {
            assert_eq!(slot(parent, a), slot(parent, b));
        }
    }

    #[test]
    fn lines_that_stand_beside_each_other_do_not() {
        let pairs = [
            (None, "router bgp 1", "router bgp 1 vrf red"),
            (None, "ip prefix-list a seq 1 permit any", "ip prefix-list a seq 2 permit any"),
            (Some("router bgp 1"), "neighbor a timers 1 3", "neighbor a timers connect 5"),
            (Some("address-family ipv4 unicast"), "neighbor a route-map x in", "neighbor a route-map x out"),
            (Some("address-family ipv4 unicast"), "network 10.0.0.0/8", "network 11.0.0.0/8"),
        ];
        for (parent, a, b) in pairs {
            assert_ne!(slot(parent, a), slot(parent, b));
        }
    }
}
