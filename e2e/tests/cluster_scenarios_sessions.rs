//! What objects say of a session, on a real API server, real FRR and a real peer: each as IPv4 and as IPv6.
//!
//! The peer is passive: the session comes up as the node begins it, or not at all.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::Duration;

use frrk8s_e2e::agent::{on_each, wait_for_config};
use frrk8s_e2e::oracle::taken;
use frrk8s_e2e::scenario::{Families, Subject, ground, objects};
use frrk8s_model::IpNet;
use frrk8s_testkit::cluster::Cluster;
use frrk8s_testkit::lab::{Daemon, Family, FrrInstall, Host, Lan, Router, RouterOptions, wait_until};
use serde_json::{Value, json};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const LIMIT: Duration = Duration::from_mins(1);

/// What a session is to be like.
struct Session {
    rule: &'static str,
    /// Of the neighbor in the object, beside its address.
    neighbor: &'static str,
    /// Other objects.
    others: &'static str,
    /// The AS of the peer.
    asn: u32,
    /// Of the peer, beside that the node is its neighbor.
    peer: &'static str,
    /// The address of the peer, and that of the node as the peer sees it.
    addresses: [&'static str; 2],
    /// What FRR says of it on the node, and on the peer: a path in its JSON, and the value.
    node_says: &'static [(&'static str, &'static str)],
    peer_says: &'static [(&'static str, &'static str)],
    /// The port at which the peer listens.
    port: u16,
}

const PLAIN: Session = Session {
    rule: "",
    neighbor: "asn: 65001",
    others: "",
    asn: 65001,
    peer: "neighbor 192.0.2.1 remote-as 64512",
    addresses: ["192.0.2.2", "192.0.2.1"],
    node_says: &[],
    peer_says: &[],
    port: 179,
};

const SESSIONS: &[Session] = &[
    Session { rule: "a plain session", node_says: &[("/connectRetryTimer", "1")], ..PLAIN },
    Session {
        rule: "timers are those that are asked for",
        neighbor: "asn: 65001, holdTime: 100s, keepaliveTime: 20s, connectTime: 3s",
        node_says: &[
            ("/bgpTimerConfiguredHoldTimeMsecs", "100000"),
            ("/bgpTimerConfiguredKeepAliveIntervalMsecs", "20000"),
            ("/bgpTimerHoldTimeMsecs", "100000"),
            ("/connectRetryTimer", "3"),
        ],
        peer_says: &[("/bgpTimerHoldTimeMsecs", "100000")],
        ..PLAIN
    },
    Session {
        rule: "a password in the object",
        neighbor: "asn: 65001, password: swordfish",
        peer: "neighbor 192.0.2.1 remote-as 64512\nneighbor 192.0.2.1 password swordfish",
        node_says: &[("/authenticationEnabled", "1")],
        ..PLAIN
    },
    Session {
        rule: "a password in a Secret",
        neighbor: "asn: 65001, passwordSecret: {name: fabric}",
        others: "apiVersion: v1
kind: Secret
metadata: {name: fabric, namespace: NAMESPACE}
type: kubernetes.io/basic-auth
stringData: {password: open-sesame}
",
        peer: "neighbor 192.0.2.1 remote-as 64512\nneighbor 192.0.2.1 password open-sesame",
        node_says: &[("/authenticationEnabled", "1")],
        ..PLAIN
    },
    Session {
        rule: "another port",
        neighbor: "asn: 65001, port: 1180",
        node_says: &[("/portForeign", "1180")],
        port: 1180,
        ..PLAIN
    },
    Session {
        rule: "a peer beyond the link",
        neighbor: "asn: 65001, ebgpMultiHop: true",
        peer: "neighbor 192.0.2.1 remote-as 64512
neighbor 192.0.2.1 ebgp-multihop 2
neighbor 192.0.2.1 update-source 198.51.100.2",
        addresses: ["198.51.100.2", "192.0.2.1"],
        node_says: &[("/externalBgpNbrMaxHopsAway", "255")],
        ..PLAIN
    },
    Session {
        rule: "from an address of its own",
        neighbor: "asn: 64512, sourceaddress: 198.51.100.1",
        asn: 64512,
        peer: "neighbor 198.51.100.1 remote-as 64512",
        addresses: ["192.0.2.2", "198.51.100.1"],
        node_says: &[("/hostLocal", "198.51.100.1"), ("/nbrInternalLink", "true")],
        ..PLAIN
    },
    Session {
        rule: "any other AS",
        neighbor: "dynamicASN: external",
        node_says: &[("/remoteAs", "65001"), ("/nbrExternalLink", "true")],
        ..PLAIN
    },
    Session {
        rule: "the same AS",
        neighbor: "dynamicASN: internal",
        asn: 64512,
        node_says: &[("/remoteAs", "64512"), ("/nbrInternalLink", "true")],
        ..PLAIN
    },
    Session {
        rule: "an AS that only this peer sees",
        neighbor: "asn: 65001, localASN: 64520",
        peer: "neighbor 192.0.2.1 remote-as 64520",
        node_says: &[("/localAs", "64520")],
        peer_says: &[("/remoteAs", "64520")],
        ..PLAIN
    },
    Session {
        rule: "graceful restart: the peer helps",
        neighbor: "asn: 65001, enableGracefulRestart: true",
        node_says: &[
            ("/gracefulRestartInfo/localGrMode", "Restart"),
            ("/gracefulRestartInfo/remoteGrMode", "Helper"),
        ],
        peer_says: &[
            ("/gracefulRestartInfo/localGrMode", "Helper*"),
            ("/gracefulRestartInfo/remoteGrMode", "Restart"),
            ("/gracefulRestartInfo/nBit", "true"),
        ],
        ..PLAIN
    },
];

/// A node, and a place for its peer.
struct Table {
    subject: Subject,
    families: Families,
    install: FrrInstall,
    peer: Host,
    _lan: Lan,
}

impl Table {
    fn lay(cluster: &'static Cluster, install: &FrrInstall, families: Families) -> Self {
        let mut lan = Lan::new().unwrap();
        let (node, peer) = (lan.host().unwrap(), lan.host().unwrap());
        let word = |text: &str| families.words(text);
        for (host, own, other, via) in [
            (&node, "198.51.100.1", "198.51.100.2", "192.0.2.2"),
            (&peer, "198.51.100.2", "198.51.100.1", "192.0.2.1"),
        ] {
            let bits = if families == Families::V6 { 128 } else { 32 };
            host.namespace.add_address("lo", &format!("{}/{bits}", word(own))).unwrap();
            host.namespace.add_route(&[&format!("{}/{bits}", word(other)), "via", &word(via)]).unwrap();
        }
        let router = Router::start(install, &node.namespace, RouterOptions::default()).unwrap();
        let subject = Subject::start(Path::new(EXECUTABLE), cluster, router, &[]);
        Self { subject, families, install: install.clone(), peer, _lan: lan }
    }

    fn play(&mut self, session: &Session) {
        let what = format!("{} as {:?} on FRR {}", session.rule, self.families, self.install.release());
        let [peer, node] = session.addresses.map(|address| self.families.words(address));
        // The new peer is not to be met by what the one before was to be.
        self.subject.put(Vec::new());
        wait_for_config(&self.subject.router, "no neighbor", |text| !text.contains(" neighbor "));
        let router = self.start_peer(session);
        if !session.others.is_empty() {
            self.subject.apply_yaml(session.others);
        }
        let connect = if session.neighbor.contains("connectTime") { "" } else { ", connectTime: 1s" };
        let object = format!(
            "asn: 64512\nprefixes: [10.1.0.0/16]\nneighbors:\n- {{address: {}, {}{connect}, \
             toAdvertise: {{allowed: {{mode: all}}}}, toReceive: {{allowed: {{prefixes: [{{prefix: 10.9.0.0/16}}]}}}}}}\n",
            session.addresses[0], session.neighbor
        );
        let objects = objects(&[&object]);
        self.subject.put(objects.iter().map(|object| self.families.object(object)).collect());
        let what_is_up = format!("{what}: the session");
        let up = wait_until(LIMIT, &what_is_up, || self.subject.router.established(&peer, None));
        self.subject.expect(&up, || router.show_running_config().unwrap_or_default());
        let (own, others) = (self.families.words("10.1.0.0/16"), self.families.words("10.9.0.0/16"));
        let arrived = wait_until(LIMIT, &format!("{what}: both routes"), || {
            let believed = taken(&self.subject.router, None, peer.parse().unwrap());
            let received = taken(&router, None, node.parse().unwrap());
            let only = |prefixes: &BTreeSet<IpNet>, prefix: &str| {
                prefixes.iter().map(ToString::to_string).eq([prefix.to_owned()])
            };
            Ok(only(&believed, &others) && only(&received, &own))
        });
        self.subject.expect(&arrived, || format!("{:#?}", router.bgp_table(Family::Ipv4, None)));
        self.says(&what, (&self.subject.router, &peer), session.node_says);
        self.says(&what, (&router, &node), session.peer_says);
        self.subject.wait_in_force(&what);
    }

    fn start_peer(&self, session: &Session) -> Router {
        let bgpd_arguments = vec!["-p".to_owned(), session.port.to_string()];
        let options = RouterOptions { bgpd_arguments, ..RouterOptions::default() };
        let router = Router::start(&self.install, &self.peer.namespace, options).unwrap();
        let (asn, node) = (session.asn, session.addresses[1]);
        let config = format!(
            "router bgp {asn}
no bgp ebgp-requires-policy
no bgp network import-check
no bgp default ipv4-unicast
{}
neighbor {node} passive
address-family ipv4 unicast
neighbor {node} activate
network 10.9.0.0/16
",
            session.peer
        );
        let config = self.families.words(&config);
        // The option that turns it off is named after one family whatever the session speaks.
        let config = config.replace("default ipv6-unicast", "default ipv4-unicast");
        assert_eq!(router.configure(Daemon::Bgpd, &config.lines().collect::<Vec<_>>()).unwrap(), []);
        router
    }

    fn says(&self, what: &str, (router, peer): (&Router, &str), expected: &[(&str, &str)]) {
        let shown = router.show_json(Daemon::Bgpd, &format!("show bgp neighbors {peer} json")).unwrap();
        let shown = &shown[peer];
        for (path, value) in expected {
            let wanted = serde_json::from_str(value).unwrap_or_else(|_| json!(self.families.words(value)));
            assert_eq!(shown.pointer(path), Some(&wanted), "{what}: {path} of {peer}\n{shown:#}");
        }
        // Of its own family alone.
        let family = if self.families == Families::V6 { "ipv6Unicast" } else { "ipv4Unicast" };
        let families = shown["addressFamilyInfo"].as_object().map(|it| it.keys().collect::<Vec<_>>());
        assert_eq!(families, Some(vec![&family.to_owned()]), "{what}: {peer}");
        assert_ne!(shown["bgpState"], Value::Null);
    }
}

#[test]
fn sessions_are_as_they_are_asked_for() {
    let Some(cluster) = ground() else { return };
    on_each(|install| {
        thread::scope(|scope| {
            for families in [Families::V4, Families::V6] {
                scope.spawn(move || {
                    let mut table = Table::lay(cluster, install, families);
                    for session in SESSIONS {
                        table.play(session);
                    }
                });
            }
        });
    });
}
