//! `BGPSessionState` on a real API server, of sessions between real FRRs: what kubectl shows is what FRR has.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::Path;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home, LIMIT, isolated, on_each};
use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions};
use frrk8s_testkit::lab::{
    Daemon, FrrInstall, Lan, Namespace, Pair, Router, RouterOptions, installs, wait_until,
};
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const NAMESPACE: &str = "frr-k8s-system";
/// Long enough for bgpd's delay timer and a busy machine.
const SESSION_LIMIT: Duration = Duration::from_mins(2);

fn cluster(options: &ClusterOptions) -> Option<Cluster> {
    let cluster = Cluster::start(&cluster::tools()?, options).unwrap();
    cluster.install_crds().unwrap();
    cluster.kubectl(&["create", "namespace", NAMESPACE]).unwrap();
    Some(cluster)
}

fn add_node(cluster: &Cluster, node: &str) {
    let labels = format!("{{kubernetes.io/hostname: {node}}}");
    let yaml = format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {node}, labels: {labels}}}\n");
    cluster.apply_yaml(&yaml).unwrap();
}

fn agent(cluster: &Cluster, router: &Router, (node, home): (&str, &Home)) -> Agent {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let node = format!("--node={node}");
    Agent::start_with(
        Path::new(EXECUTABLE),
        router.run_directory(),
        home,
        &["--source=kube", &node, &kubeconfig],
    )
}

/// An object for one node.
fn configuration(node: &str, bgp: &str, raw: &str) -> String {
    let raw = if raw.is_empty() { String::new() } else { format!(", raw: {{rawConfig: \"{raw}\"}}") };
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {node}, namespace: {NAMESPACE}}}\n\
         spec: {{nodeSelector: {{matchLabels: {{kubernetes.io/hostname: {node}}}}}, bgp: {{{bgp}}}{raw}}}\n"
    )
}

fn routers(neighbors: &str) -> String {
    format!("routers: [{{asn: 64512, neighbors: [{neighbors}]}}]")
}

/// The objects of a node, by peer.
fn sessions(cluster: &Cluster, selector: &str) -> Vec<Value> {
    let shown = cluster.kubectl(&["get", "bgpsessionstates", "-n", NAMESPACE, "-l", selector, "-o", "json"]);
    let list: Value = serde_json::from_str(&shown.unwrap_or_default()).unwrap_or_default();
    let mut items = list["items"].as_array().cloned().unwrap_or_default();
    items.sort_by_key(|item| item["status"]["peer"].to_string());
    items
}

fn wait_for(cluster: &Cluster, selector: &str, what: &str, is_it: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut last = Vec::new();
    let waited = wait_until(SESSION_LIMIT, what, || {
        last = sessions(cluster, selector);
        Ok(is_it(&last))
    });
    assert!(waited.is_ok(), "{waited:?}\n{last:#?}");
    last
}

fn bgp(session: &Value) -> &str {
    session["status"]["bgpStatus"].as_str().unwrap_or_default()
}

fn bfd(session: &Value) -> &str {
    session["status"]["bfdStatus"].as_str().unwrap_or_default()
}

fn is_trying(session: &Value) -> bool {
    ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm"].contains(&bgp(session))
}

/// The other router of a pair, with BFD that a busy machine does not bring down.
const OTHER: &str = "bgp route-map delay-timer 1
bfd
 profile slow
  receive-interval 1000
  transmit-interval 1000
  detect-multiplier 5
 exit
exit
router bgp 64513
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 192.0.2.1 remote-as 64512
 neighbor 192.0.2.1 timers connect 1
 neighbor 192.0.2.1 bfd profile slow
 address-family ipv4 unicast
  network 198.51.100.0/24
 exit-address-family
exit
";

fn whole_life(cluster: &Cluster, install: &FrrInstall) {
    let node = format!("life-{}", install.release().replace('.', "-"));
    let (pair, home) = (Pair::start(install, install).unwrap(), Home::new());
    add_node(cluster, &node);
    let _agent = agent(cluster, &pair.a.router, (&node, &home));
    let selector =
        format!("frrk8s.metallb.io/node={node},frrk8s.metallb.io/peer=192.0.2.2,frrk8s.metallb.io/vrf=");
    let neighbor = "{address: 192.0.2.2, asn: 64513, connectTime: 1s, toReceive: {allowed: {mode: all}}";
    let apply = |more: &str, profiles: &str| {
        let bgp = format!("{}{profiles}", routers(&format!("{neighbor}{more}}}")));
        cluster.apply_yaml(&configuration(&node, &bgp, "")).unwrap();
    };
    apply("", "");
    let first = wait_for(cluster, &selector, "a session that tries, without BFD", |those| {
        those.len() == 1 && is_trying(&those[0]) && bfd(&those[0]) == "N/A"
    });
    // It goes with what the agent says of the node.
    let owner = &first[0]["metadata"]["ownerReferences"][0];
    let uid = cluster.kubectl(&["get", "frrnodestate", &node, "-o", "jsonpath={.metadata.uid}"]).unwrap();
    assert_eq!((owner["kind"].as_str(), owner["uid"].as_str()), (Some("FRRNodeState"), Some(uid.as_str())));
    apply(
        ", bfdProfile: slow",
        ", bfdProfiles: [{name: slow, receiveInterval: 1000, transmitInterval: 1000, detectMultiplier: 5}]",
    );
    wait_for(cluster, &selector, "BFD that is down", |those| those.len() == 1 && bfd(&those[0]) == "Down");
    pair.b.router.load(OTHER).unwrap();
    let up = wait_for(cluster, &selector, "a session and BFD that are up", |those| {
        those.len() == 1 && bgp(&those[0]) == "Established" && bfd(&those[0]) == "Up"
    });
    assert_eq!(up[0]["metadata"]["name"], first[0]["metadata"]["name"], "one object a session");
    assert!(up[0]["status"]["establishedSince"].is_string(), "{up:#?}");
    wait_for(cluster, &selector, "the prefix to be counted", |those| {
        those.first().is_some_and(|session| session["status"]["prefixesReceived"] == 1)
    });
    let wide = cluster
        .kubectl(&["get", "bgpsessionstates", "-n", NAMESPACE, "-l", &selector, "-o", "wide"])
        .unwrap();
    let heading: Vec<&str> = wide.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading[..6], ["NAME", "NODE", "PEER", "VRF", "BGP", "BFD"], "{wide}");
    assert!(wide.contains("192.0.2.2"), "{wide}");
    // The other end resets it for good.
    pair.b.router.configure(Daemon::Bgpd, &["router bgp 64513", "neighbor 192.0.2.1 shutdown"]).unwrap();
    let down =
        wait_for(cluster, &selector, "a session that is down", |those| those.first().is_some_and(is_trying));
    assert!(down[0]["status"]["lastResetReason"].is_string(), "{down:#?}");
    assert!(down[0]["status"]["establishedSince"].is_null(), "{down:#?}");
    // Another node is meant: what is gone from FRR goes from the API.
    cluster.kubectl(&["delete", "frrconfiguration", &node, "-n", NAMESPACE]).unwrap();
    wait_for(cluster, &selector, "no session", <[Value]>::is_empty);
}

#[test]
fn a_session_is_seen_from_its_first_try_to_its_end() {
    let Some(cluster) = cluster(&ClusterOptions::default()) else { return };
    on_each(|install| whole_life(&cluster, install));
}

fn many_kinds(cluster: &Cluster, install: &FrrInstall) {
    let node = format!("kinds-{}", install.release().replace('.', "-"));
    let (pair, home) = (Pair::start(install, install).unwrap(), Home::new());
    add_node(cluster, &node);
    let _agent = agent(cluster, &pair.a.router, (&node, &home));
    let six = "2001-0db8-0000-0000-0000-0000-0000-0002";
    let (selector, address) =
        (format!("frrk8s.metallb.io/node={node}"), "{address: '2001:db8::2', asn: 64513, connectTime: 1s}");
    // Without an address family: only raw lines can make such a neighbor.
    let raw = "router bgp 64512\\n neighbor 192.0.2.77 remote-as 64999\\nexit";
    cluster.apply_yaml(&configuration(&node, &routers(address), raw)).unwrap();
    pair.b.router.load(OTHER_V6).unwrap();
    let two = wait_for(cluster, &selector, "two sessions, one of them up", |those| {
        those.iter().map(|it| bgp(it) == "Established").eq([false, true])
    });
    assert_eq!((two[0]["status"]["peer"].as_str(), bgp(&two[0])), (Some("192.0.2.77"), "Idle"));
    assert_eq!(two[1]["status"]["peer"], six);
    assert_eq!(two[1]["metadata"]["labels"]["frrk8s.metallb.io/peer"], six);
    // Not earlier: routers that advertise themselves over the link give each other addresses, and FRR connects from those.
    let both = format!("{address}, {{interface: e0, dynamicASN: external}}");
    cluster.apply_yaml(&configuration(&node, &routers(&both), raw)).unwrap();
    let lines = [
        "router bgp 64513",
        "neighbor e0 interface remote-as external",
        "neighbor e0 timers connect 1",
        "address-family ipv6 unicast",
        "neighbor e0 activate",
    ];
    pair.b.router.configure(Daemon::Bgpd, &lines).unwrap();
    wait_for(cluster, &selector, "the session over the interface", |those| {
        those.len() == 3 && those[2]["status"]["peer"] == "e0" && bgp(&those[2]) == "Established"
    });
}

/// The other router, with a session over IPv6.
const OTHER_V6: &str = "bgp route-map delay-timer 1
router bgp 64513
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor 2001:db8::1 remote-as 64512
 neighbor 2001:db8::1 timers connect 1
 address-family ipv6 unicast
  neighbor 2001:db8::1 activate
 exit-address-family
exit
";

#[test]
fn peers_of_every_kind_have_an_object_each() {
    let Some(cluster) = cluster(&ClusterOptions::default()) else { return };
    on_each(|install| many_kinds(&cluster, install));
}

#[test]
fn a_session_of_a_vrf_says_which() {
    let Some(cluster) = cluster(&ClusterOptions::default()) else { return };
    for install in installs() {
        let node = format!("vrf-{}", install.release().replace('.', "-"));
        let red = Namespace::new("red").unwrap();
        let options = RouterOptions { vrfs: vec![("red".to_owned(), red)], ..RouterOptions::default() };
        let mut lan = Lan::new().unwrap();
        let (at, home) = (lan.router(&install, options).unwrap(), Home::new());
        add_node(&cluster, &node);
        let _agent = agent(&cluster, &at.router, (&node, &home));
        let neighbors = "neighbors: [{address: 192.0.2.9, asn: 64513}]";
        let bgp = format!("routers: [{{asn: 64512, {neighbors}}}, {{asn: 64512, vrf: red, {neighbors}}}]");
        cluster.apply_yaml(&configuration(&node, &bgp, "")).unwrap();
        let of = |vrf: &str| format!("frrk8s.metallb.io/node={node},frrk8s.metallb.io/vrf={vrf}");
        // An object is there before its status is.
        wait_for(&cluster, &of("red"), "the session in the VRF", |those| {
            those.len() == 1 && those[0]["status"]["vrf"] == "red"
        });
        let default = wait_for(&cluster, &of(""), "the other one", |those| {
            those.len() == 1 && those[0]["status"]["peer"] == "192.0.2.9"
        });
        assert_eq!(default[0]["status"]["vrf"].as_str().unwrap_or_default(), "");
    }
}

/// What upstream's daemon leaves: an object by another name for a session, and one for none.
fn left_by_another(node: &str, name: &str, peer: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: BGPSessionState\nmetadata:\n  name: {node}-{name}\n  namespace: {NAMESPACE}\n  \
         labels: {{frrk8s.metallb.io/node: {node}, frrk8s.metallb.io/peer: {peer}, frrk8s.metallb.io/vrf: ''}}\n"
    )
}

#[test]
fn what_others_leave_goes_and_what_they_take_comes_back() {
    let Some(cluster) = cluster(&ClusterOptions::default()) else { return };
    let Some(install) = installs().pop() else { return };
    let (mut router, home) = (isolated(&install), Home::new());
    add_node(&cluster, "n1");
    for (name, peer) in [("abcde", "192.0.2.3"), ("fghij", "192.0.2.99")] {
        cluster.apply_yaml(&left_by_another("n1", name, peer)).unwrap();
    }
    cluster.apply_yaml(&left_by_another("n2", "other", "192.0.2.3")).unwrap();
    let bgp = routers("{address: 192.0.2.3, asn: 64513}");
    cluster.apply_yaml(&configuration("n1", &bgp, "")).unwrap();
    let _agent = agent(&cluster, &router, ("n1", &home));
    let ours = "frrk8s.metallb.io/node=n1";
    let is_one = |those: &[Value]| those.len() == 1 && is_trying(&those[0]);
    let one = wait_for(&cluster, ours, "one object for one session", is_one);
    let name = one[0]["metadata"]["name"].as_str().unwrap();
    assert!(!name.ends_with("abcde"), "{name}");
    assert_eq!(sessions(&cluster, "frrk8s.metallb.io/node=n2").len(), 1, "another node's is none of ours");
    // Deleted, it is made again; with another state, it is put right.
    let uid = one[0]["metadata"]["uid"].clone();
    cluster.kubectl(&["delete", "bgpsessionstate", name, "-n", NAMESPACE]).unwrap();
    wait_for(&cluster, ours, "the object again", |those| is_one(those) && those[0]["metadata"]["uid"] != uid);
    let wrong = r#"{"status":{"bgpStatus":"Established"}}"#;
    let patch = [
        "patch",
        "bgpsessionstate",
        name,
        "-n",
        NAMESPACE,
        "--subresource=status",
        "--type=merge",
        "-p",
        wrong,
    ];
    cluster.kubectl(&patch).unwrap();
    wait_for(&cluster, ours, "what FRR says", is_one);
    // A bgpd that dies has no sessions; the objects stay until its successor is told, and as they are.
    let uid = sessions(&cluster, ours)[0]["metadata"]["uid"].clone();
    router.kill(Daemon::Bgpd).unwrap();
    router.start_daemon(Daemon::Bgpd).unwrap();
    wait_until(LIMIT, "bgpd to be told again", || {
        Ok(router.running_config(Daemon::Bgpd)?.contains("192.0.2.3"))
    })
    .unwrap();
    let again = wait_for(&cluster, ours, "the session", is_one);
    assert_eq!(again[0]["metadata"]["uid"], uid);
}

#[test]
fn what_changes_in_frr_is_seen_within_two_seconds() {
    let Some(cluster) = cluster(&ClusterOptions::default()) else { return };
    for install in installs() {
        let node = format!("fresh-{}", install.release().replace('.', "-"));
        let (pair, home) = (Pair::start(&install, &install).unwrap(), Home::new());
        add_node(&cluster, &node);
        let _agent = agent(&cluster, &pair.a.router, (&node, &home));
        let bgp_text = routers("{address: 192.0.2.2, asn: 64513, connectTime: 1s}");
        cluster.apply_yaml(&configuration(&node, &bgp_text, "")).unwrap();
        // 10.3 keeps a session down whose BFD only one end has.
        pair.b.router.load(&OTHER.replace(" neighbor 192.0.2.1 bfd profile slow\n", "")).unwrap();
        let selector = format!("frrk8s.metallb.io/node={node}");
        wait_for(&cluster, &selector, "the session to be up", |those| {
            those.len() == 1 && bgp(&those[0]) == "Established"
        });
        let mut lags = Vec::new();
        for (line, to_be_up) in [("", false), ("no ", true), ("", false), ("no ", true)] {
            let line = format!("{line}neighbor 192.0.2.1 shutdown");
            pair.b.router.configure(Daemon::Bgpd, &["router bgp 64513", &line]).unwrap();
            wait_until(SESSION_LIMIT, "FRR's own change", || {
                Ok(pair.a.router.established("192.0.2.2", None)? == to_be_up)
            })
            .unwrap();
            let since = Instant::now();
            wait_for(&cluster, &selector, "the change in the API", |those| {
                those.len() == 1 && (bgp(&those[0]) == "Established") == to_be_up
            });
            lags.push(since.elapsed());
        }
        lags.sort();
        eprintln!("FRR {}: seen in the API after {lags:?}", install.release());
        // Two seconds are the promise; the machine of the tests is busy, and kubectl alone takes some of it.
        assert!(lags[1] < Duration::from_secs(15), "{lags:?}");
    }
}

#[test]
fn the_objects_of_a_node_go_with_it() {
    let Some(tools) = cluster::tools() else { return };
    let Some(mut cluster) = cluster(&ClusterOptions::default()) else { return };
    let Some(install) = installs().pop() else { return };
    if !tools.have_controller_manager() {
        return;
    }
    cluster.start_controller_manager().unwrap();
    let (router, home) = (isolated(&install), Home::new());
    add_node(&cluster, "n1");
    let bgp = routers("{address: 192.0.2.3, asn: 64513}");
    cluster.apply_yaml(&configuration("n1", &bgp, "")).unwrap();
    let running = agent(&cluster, &router, ("n1", &home));
    let ours = "frrk8s.metallb.io/node=n1";
    wait_for(&cluster, ours, "the session", |those| those.len() == 1);
    // The agent goes on for a while, as a pod does whose node was deleted: it makes nothing anew.
    cluster.kubectl(&["delete", "node", "n1"]).unwrap();
    wait_for(&cluster, ours, "the objects to go with the node", <[Value]>::is_empty);
    let more = routers("{address: 192.0.2.3, asn: 64513}, {address: 192.0.2.4, asn: 64513}");
    cluster.apply_yaml(&configuration("n1", &more, "")).unwrap();
    running.wait_for("the second session", |report| {
        report["sessions"].as_array().is_some_and(|sessions| sessions.len() == 2)
    });
    running.stop();
    wait_for(&cluster, ours, "nothing to be there", <[Value]>::is_empty);
    assert_eq!(cluster.kubectl(&["get", "frrnodestates", "--output=name"]).unwrap(), "");
}
