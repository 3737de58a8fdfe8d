//! Two routers with one session, `192.0.2.1` of AS 64512 and `192.0.2.2` of AS 64513, and what is asked of the first.

use frrk8s_testkit::lab::Family;

use super::{Kind, has};

/// What the second router is told, beyond its address.
pub const PEER: [&str; 10] = [
    "router bgp 64513",
    "no bgp ebgp-requires-policy",
    "no bgp network import-check",
    "neighbor 192.0.2.1 remote-as 64512",
    "neighbor 192.0.2.1 timers connect 1",
    "address-family ipv4 unicast",
    "network 172.20.0.0/16",
    "network 172.16.0.0/12",
    "exit-address-family",
    "exit",
];

fn object(advertised: &str, router: &str, more: &str) -> String {
    format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, {router}, \
         neighbors: [{{address: 192.0.2.2, asn: 64513, toAdvertise: {{{advertised}}}{more}}}]}}]}}}}\n"
    )
}

/// What is changed, each there and back. The first way of the first is where all of it begins.
pub fn kinds() -> Vec<Kind> {
    const ALL: &str = "allowed: {mode: all}";
    const ONE: &str = "allowed: {prefixes: [10.1.0.0/16]}";
    const TWO: &str = "prefixes: [10.1.0.0/16, 10.2.0.0/16]";
    let tagged = |tag: &str| {
        format!(
            "allowed: {{prefixes: [10.1.0.0/16]}}, withCommunity: [{{community: '64512:{tag}', prefixes: [10.1.0.0/16]}}]"
        )
    };
    vec![
        Kind {
            names: ["a new prefix", "a withdrawn prefix"],
            objects: [object(ALL, TWO, ""), object(ALL, "prefixes: [10.1.0.0/16]", "")],
            arrived: |routers, way| Ok(has(routers.other, "10.2.0.0/16")? == (way == 0)),
        },
        Kind {
            names: ["allowed to the neighbor", "no longer allowed"],
            objects: [object(ALL, TWO, ""), object(ONE, TWO, "")],
            arrived: |routers, way| Ok(has(routers.other, "10.2.0.0/16")? == (way == 0)),
        },
        Kind {
            names: ["another community", "the first community again"],
            objects: [object(&tagged("2"), TWO, ""), object(&tagged("1"), TWO, "")],
            arrived: |routers, way| {
                let paths = routers.other.bgp_paths(Family::Ipv4, None, "10.1.0.0/16")?;
                let wanted = ["64512:2", "64512:1"][way];
                Ok(paths.iter().flat_map(|path| &path.communities).any(|community| community == wanted))
            },
        },
        Kind {
            names: ["taken from the neighbor", "no longer taken"],
            objects: [
                object(ONE, TWO, ", toReceive: {allowed: {mode: all}}"),
                object(ONE, TWO, ", toReceive: {allowed: {prefixes: [{prefix: 172.16.0.0/12}]}}"),
            ],
            arrived: |routers, way| Ok(has(routers.node, "172.20.0.0/16")? == (way == 0)),
        },
    ]
}
