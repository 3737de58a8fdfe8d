//! Where a configuration counts: VRFs that import each other, interfaces without addresses, and nodes that are selected.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use frrk8s_api::FRRConfiguration;
use frrk8s_api::k8s::ResourceExt as _;
use frrk8s_e2e::agent::on_each;
use frrk8s_e2e::other::{Other, Sent};
use frrk8s_e2e::scenario::{By, Families, NODE_ASN, Subject, ground, object, objects, split};
use frrk8s_model::IpNet;
use frrk8s_testkit::lab::{
    Daemon, Family, FrrInstall, FrrVersion, Host, Lan, Pair, Router, RouterOptions, wait_until,
};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const LIMIT: Duration = Duration::from_mins(1);

/// Waits until a peer has just these prefixes of the node's addresses.
fn wait_received(subject: &Subject, (other, from): (&Other, &Host), what: &str, wanted: &[String]) {
    let wanted = set(wanted);
    let mut found = BTreeSet::new();
    let arrived = wait_until(LIMIT, &format!("{what}: what is received of {}", from.v4), || {
        let routes = [other.received(from.v4.into()), other.received(from.v6.into())];
        found = routes.iter().flat_map(|routes| routes.keys().copied()).collect();
        Ok(found == wanted)
    });
    subject.expect(&arrived, || format!("--- wanted {wanted:?}\n--- found {found:?}"));
}

/// Waits until a node has just these prefixes in a VRF.
fn wait_known(subject: &Subject, vrf: Option<&str>, what: &str, wanted: &[String]) {
    let wanted = set(wanted);
    let mut found = BTreeSet::new();
    let arrived = wait_until(LIMIT, &format!("{what}: what is known in VRF {vrf:?}"), || {
        let tables = [Family::Ipv4, Family::Ipv6].map(|family| subject.router.bgp_table(family, vrf));
        found =
            tables.into_iter().flatten().flatten().filter_map(|(prefix, _)| prefix.parse().ok()).collect();
        Ok(found == wanted)
    });
    subject.expect(&arrived, || format!("--- wanted {wanted:?}\n--- found {found:?}"));
}

fn set(prefixes: &[String]) -> BTreeSet<IpNet> {
    prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect()
}

/// A node with a wire in the default VRF and one in `red`, and a peer on each.
struct TwoVrfs {
    subject: Subject,
    default: (Host, Other),
    red: (Host, Other),
    _wires: [Lan; 2],
}

impl TwoVrfs {
    fn start(install: &FrrInstall) -> Option<Self> {
        let cluster = ground()?;
        let (mut lan, mut red_lan) = (Lan::new().unwrap(), Lan::new().unwrap());
        let (host, red_host) = (lan.host().unwrap(), red_lan.host().unwrap());
        let vrfs = vec![("red".to_owned(), red_host.namespace.clone())];
        let options = RouterOptions { vrfs, ..RouterOptions::default() };
        let router = Router::start(install, &host.namespace, options).unwrap();
        let sent = |v4, v6| Sent { v4, v6 };
        let (blue, red) =
            (sent(&["10.9.0.0/16"], &["fd00:a09::/32"]), sent(&["10.8.0.0/16"], &["fd00:a08::/32"]));
        let default = Other::frr_that_sends(&mut lan, install, ((65001, NODE_ASN), &host), blue);
        let red = Other::frr_that_sends(&mut red_lan, install, ((65002, NODE_ASN), &red_host), red);
        let subject = Subject::start(Path::new(EXECUTABLE), cluster, router, &[]);
        Some(Self { subject, default: (host, default), red: (red_host, red), _wires: [lan, red_lan] })
    }
}

/// One object with a router a VRF; each believes its peer, and tells it what is allowed.
fn vrfs([default_imports, red_imports]: [&str; 2], [default_tells, red_tells]: [&str; 2]) -> String {
    let router = |(vrf, asn, prefix, imports, tells): (&str, u32, &str, &str, &str)| {
        format!(
            "  - asn: 64512
    id: 192.0.2.1
    vrf: '{vrf}'
    prefixes: [{prefix}]
    imports: [{imports}]
    neighbors:
    - {{address: 192.0.2.2, asn: {asn}, connectTime: 1s, toAdvertise: {{allowed: {tells}}}, toReceive: {{allowed: {{mode: all}}}}}}
"
        )
    };
    let default = router(("", 65001, "10.1.0.0/16", default_imports, default_tells));
    let red = router(("red", 65002, "10.2.0.0/16", red_imports, red_tells));
    format!("bgp:\n  routers:\n{default}{red}")
}

/// Which VRF imports the other, and to whom that is told.
struct Imports {
    rule: &'static str,
    of: [&'static str; 2],
    tells: [&'static str; 2],
}

const IMPORTS: &[Imports] = &[
    Imports { rule: "default imports red", of: ["{vrf: red}", ""], tells: ["{mode: all}", "{mode: all}"] },
    Imports {
        rule: "red imports default",
        of: ["", "{vrf: default}"],
        tells: ["{mode: all}", "{mode: all}"],
    },
    Imports {
        rule: "each imports the other",
        of: ["{vrf: red}", "{vrf: default}"],
        tells: ["{mode: all}", "{prefixes: [10.2.0.0/16, 10.1.0.0/16]}"],
    },
];

impl TwoVrfs {
    fn play(&mut self, imports: &Imports, families: Families) {
        let release = self.subject.router.install().release().to_owned();
        let whole = families.object(&object("a", &vrfs(imports.of, imports.tells)));
        for parts in [vec![whole.clone()], split(&whole, By::Neighbor), split(&whole, By::Direction)] {
            let what = format!("{} as {} objects, {families:?} on FRR {release}", imports.rule, parts.len());
            self.subject.put(parts);
            self.check(&what, imports.of.map(|it| !it.is_empty()), families);
            self.subject.wait_in_force(&what);
        }
    }

    fn check(&self, what: &str, [default_imports, red_imports]: [bool; 2], families: Families) {
        let with = |own: &[&'static str], is_imported: bool, other: &[&'static str]| {
            let other: &[&'static str] = if is_imported { other } else { &[] };
            families.prefixes(&[own, other].concat())
        };
        // Between VRFs that are namespaces, 8.4 finds what is imported inaccessible: it has it, and tells nobody.
        let counts = self.subject.router.install().version() != FrrVersion::V8_4;
        let (default, red) = (["10.1.0.0/16"], ["10.2.0.0/16"]);
        let told = with(&default, default_imports && counts, &red);
        wait_received(&self.subject, (&self.default.1, &self.default.0), what, &told);
        let told = with(&red, red_imports && counts, &default);
        wait_received(&self.subject, (&self.red.1, &self.red.0), what, &told);
        let (default, red) = (["10.1.0.0/16", "10.9.0.0/16"], ["10.2.0.0/16", "10.8.0.0/16"]);
        wait_known(&self.subject, None, what, &with(&default, default_imports, &red));
        wait_known(&self.subject, Some("red"), what, &with(&red, red_imports, &default));
    }
}

#[test]
fn a_vrf_has_what_it_imports_and_tells_it_to_whom_it_is_allowed() {
    on_each(|install| {
        let Some(mut lab) = TwoVrfs::start(install) else { return };
        for families in [Families::V4, Families::V6, Families::OneSession] {
            for imports in IMPORTS {
                lab.play(imports, families);
            }
        }
    });
}

#[test]
fn a_peer_without_an_address_is_found_by_the_interface() {
    on_each(|install| {
        let Some(cluster) = ground() else { return };
        let pair = Pair::start(install, install).unwrap();
        let (node, peer) = (pair.a, pair.b);
        let mut subject = Subject::start(Path::new(EXECUTABLE), cluster, node.router, &[]);
        for (kind, remote, asn) in [("internal", "64512", 64512), ("external", "65001", 65001)] {
            let config = format!(
                "bgp route-map delay-timer 1
router bgp {asn}
no bgp ebgp-requires-policy
no bgp network import-check
no bgp default ipv4-unicast
neighbor e0 interface remote-as 64512
neighbor e0 timers connect 1
neighbor e0 bfd
address-family ipv4 unicast
neighbor e0 activate
network 10.9.0.0/16
exit-address-family
address-family ipv6 unicast
neighbor e0 activate
network fd00:a09::/32
exit-address-family"
            );
            let lines: Vec<&str> = config.lines().collect();
            assert_eq!(peer.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
            for by in [format!("dynamicASN: {kind}"), format!("asn: {remote}")] {
                let router = format!(
                    "bgp:
  bfdProfiles: [{{name: fabric}}]
  routers:
  - asn: 64512
    prefixes: [10.1.0.0/16, 'fd00:a01::/32']
    neighbors:
    - interface: e0
      {by}
      connectTime: 1s
      bfdProfile: fabric
      toAdvertise: {{allowed: {{mode: all}}, withCommunity: [{{community: '64512:1', prefixes: [10.1.0.0/16, 'fd00:a01::/32']}}]}}
      toReceive: {{allowed: {{mode: all}}}}
"
                );
                let whole = object("a", &router);
                for parts in [vec![whole.clone()], split(&whole, By::Direction), split(&whole, By::Community)]
                {
                    let what = format!("{by} as {} objects on FRR {}", parts.len(), install.release());
                    subject.put(parts);
                    for (router, prefix, v6, communities) in [
                        (&peer.router, "10.1.0.0/16", "fd00:a01::/32", vec!["64512:1".to_owned()]),
                        (&subject.router, "10.9.0.0/16", "fd00:a09::/32", Vec::new()),
                    ] {
                        let has = |family, prefix: &str| {
                            let paths = router.bgp_paths(family, None, prefix)?;
                            Ok(paths.iter().any(|path| path.best && path.communities == communities))
                        };
                        let arrived = wait_until(LIMIT, &format!("{what}: {prefix}"), || {
                            Ok(has(Family::Ipv4, prefix)? && has(Family::Ipv6, v6)?)
                        });
                        subject.expect(&arrived, || format!("{:#?}", router.bgp_table(Family::Ipv4, None)));
                    }
                    frrk8s_e2e::bfd::wait([&subject.router, &peer.router], true).unwrap();
                    subject.wait_in_force(&what);
                }
            }
            subject.put(Vec::new());
            assert_eq!(peer.router.configure(Daemon::Bgpd, &[format!("no router bgp {asn}")]).unwrap(), []);
        }
    });
}

/// Two nodes whose objects are in one namespace, and a peer of both.
struct TwoNodes {
    one: Subject,
    other: Subject,
    hosts: [Host; 2],
    peer: Other,
    _lan: Lan,
}

impl TwoNodes {
    fn start(install: &FrrInstall) -> Option<Self> {
        let cluster = ground()?;
        let mut lan = Lan::new().unwrap();
        let hosts = [lan.host().unwrap(), lan.host().unwrap()];
        let start = |host: &Host| Router::start(install, &host.namespace, RouterOptions::default()).unwrap();
        let one = Subject::start(Path::new(EXECUTABLE), cluster, start(&hosts[0]), &[]);
        let other = one.another(start(&hosts[1]));
        let peer = lan.router(install, RouterOptions::default()).unwrap();
        let mut lines = [
            "bgp route-map delay-timer 1",
            "router bgp 65001",
            "no bgp ebgp-requires-policy",
            "no bgp network import-check",
            "no bgp default ipv4-unicast",
            "bgp graceful-restart-disable",
            "address-family ipv4 unicast",
            "network 10.9.0.0/16",
            "address-family ipv6 unicast",
            "network fd00:a09::/32",
            "exit-address-family",
        ]
        .map(str::to_owned)
        .to_vec();
        for host in &hosts {
            for (address, family) in [(host.v4.to_string(), "ipv4"), (host.v6.to_string(), "ipv6")] {
                lines.push(format!("neighbor {address} remote-as {NODE_ASN}"));
                lines.push(format!("neighbor {address} timers connect 1"));
                lines.push(format!("address-family {family} unicast"));
                lines.push(format!("neighbor {address} activate"));
                lines.push("exit-address-family".to_owned());
            }
        }
        assert_eq!(peer.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
        Some(Self { one, other, hosts, peer: Other::Frr(Box::new(peer)), _lan: lan })
    }

    /// What the peer receives of each node, and what each says of itself: just these objects are in force.
    fn check(&self, what: &str, families: Families, nodes: [(&[&str], &[&str]); 2]) {
        for (node, (host, (names, prefixes))) in
            [&self.one, &self.other].into_iter().zip(self.hosts.iter().zip(nodes))
        {
            wait_received(node, (&self.peer, host), what, &families.prefixes(prefixes));
            let is_named = |object: &&FRRConfiguration| {
                names.iter().any(|name| object.name_any().ends_with(&format!("-{name}")))
            };
            let objects: Vec<_> = self.one.standing().iter().filter(is_named).cloned().collect();
            node.wait_in_force_of(what, &objects);
            let believed: &[&str] = if names.is_empty() { &[] } else { &["10.9.0.0/16"] };
            let all = families.prefixes(&[prefixes, believed].concat());
            wait_known(node, None, what, &all);
        }
    }
}

/// An object by which the peer is a neighbor that receives a prefix.
fn tells(name: &str, prefix: &str, families: Families) -> FRRConfiguration {
    let router = format!(
        "asn: 64512
prefixes: [{prefix}]
neighbors:
- {{address: 192.0.2.3, asn: 65001, connectTime: 1s, toAdvertise: {{allowed: {{mode: all}}}}, toReceive: {{allowed: {{mode: all}}}}}}
"
    );
    let mut object = families.object(&objects(&[&router])[0]);
    object.metadata.name = Some(name.to_owned());
    object
}

fn for_node(node: &str, mut object: FRRConfiguration) -> FRRConfiguration {
    object.spec.node_selector.match_labels =
        Some([("kubernetes.io/hostname".to_owned(), node.to_owned())].into());
    object
}

#[test]
fn an_object_counts_on_the_nodes_that_it_selects() {
    on_each(|install| {
        let Some(mut lab) = TwoNodes::start(install) else { return };
        for families in [Families::V4, Families::V6, Families::Both] {
            let what = |what: &str| format!("{what}, {families:?} on FRR {}", install.release());
            let [one, other] = [&lab.one, &lab.other].map(|node| node.node().to_owned());
            lab.one.put(vec![for_node(&one, tells("here", "10.2.0.0/16", families))]);
            lab.check(&what("one node"), families, [(&["here"], &["10.2.0.0/16"]), (&[], &[])]);
            lab.one.add(vec![tells("everywhere", "10.1.0.0/16", families)]);
            let both: (&[&str], &[&str]) = (&["here", "everywhere"], &["10.1.0.0/16", "10.2.0.0/16"]);
            lab.check(&what("every node"), families, [both, (&["everywhere"], &["10.1.0.0/16"])]);
            // Narrowed to each one of them.
            let narrowed = [
                for_node(&one, tells("here", "10.2.0.0/16", families)),
                for_node(&other, tells("there", "10.3.0.0/16", families)),
            ];
            lab.one.put(narrowed.to_vec());
            let nodes: [(&[&str], &[&str]); 2] =
                [(&["here"], &["10.2.0.0/16"]), (&["there"], &["10.3.0.0/16"])];
            lab.check(&what("one object a node"), families, nodes);
            lab.one.put(Vec::new());
            lab.check(&what("no object"), families, [(&[], &[]), (&[], &[])]);
        }
    });
}
