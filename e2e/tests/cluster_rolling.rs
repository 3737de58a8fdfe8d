//! Agents come and go beside FRR, as the two `DaemonSet`s let them: no session notices. FRR runs as its own pod does, with its
//! start script and watchfrr.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use frrk8s_e2e::agent::{Agent, Home, LIMIT};
use frrk8s_e2e::deployed::{Deployed, FrrPod, NAMESPACE, packaged_frr};
use frrk8s_e2e::pod::Kubelet;
use frrk8s_e2e::standing::{Counters, End};
use frrk8s_testkit::cluster::ClusterOptions;
use frrk8s_testkit::lab::{Daemon, Family, Host, Lan, Node, Router, RouterOptions, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const PREFIX: &str = "10.1.0.0/16";

fn configuration(prefixes: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: a, namespace: {NAMESPACE}}}\n\
         spec: {{bgp: {{routers: [{{asn: 64512, prefixes: [{prefixes}], neighbors: [{{address: 192.0.2.2, asn: 64513, \
         connectTime: 2s, toAdvertise: {{allowed: {{mode: all}}}}, toReceive: {{allowed: {{mode: all}}}}}}]}}]}}}}\n"
    )
}

const PEER: [&str; 7] = [
    "bgp route-map delay-timer 1",
    "router bgp 64513",
    "no bgp ebgp-requires-policy",
    "neighbor 192.0.2.1 remote-as 64512",
    "neighbor 192.0.2.1 timers connect 2",
    "address-family ipv4 unicast",
    "network 10.9.0.0/16",
];

/// A node with its FRR in a pod, and a peer that watches it.
struct Ground {
    frr: FrrPod,
    peer: Node,
    node: Host,
    lan: Lan,
}

fn ground(deployed: &Deployed, kubelet: &Kubelet) -> Option<Ground> {
    let install = packaged_frr()?;
    let mut lan = Lan::new().unwrap();
    let node = lan.host().unwrap();
    let peer = lan.router(&install, RouterOptions::default()).unwrap();
    let mut lines = PEER.to_vec();
    lines.insert(3, "no bgp network import-check");
    assert_eq!(peer.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
    let frr = FrrPod::start(deployed.objects.pod("frr"), kubelet, &node.namespace);
    Some(Ground { frr, peer, node, lan })
}

fn has_route(peer: &Router, prefix: &str) -> bool {
    peer.bgp_paths(Family::Ipv4, None, prefix).is_ok_and(|paths| !paths.is_empty())
}

fn wait_for_route(peer: &Router, prefix: &str) {
    wait_until(LIMIT * 2, &format!("the peer to have {prefix}"), || Ok(has_route(peer, prefix))).unwrap();
}

fn counters(peer: &Router) -> Counters {
    End { router: peer, vrf: None, peer: "192.0.2.1".to_owned() }.counters().unwrap()
}

/// Looks at the peer's table all the while that something is done; how often it looked.
fn while_the_route_stays(peer: &Router, work: impl FnOnce()) -> u64 {
    let (is_over, looks) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                assert!(has_route(peer, PREFIX), "the route left after {looks:?} looks");
                looks.fetch_add(1, Ordering::Relaxed);
            }
        });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        is_over.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
        worked.unwrap();
    });
    looks.into_inner()
}

#[test]
fn agents_roll_and_no_session_notices() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &["n1"]) else { return };
    let kubelet = deployed.kubelet("n1", Path::new(EXECUTABLE));
    let Some(ground) = ground(&deployed, &kubelet) else { return };
    let peer = &ground.peer.router;
    let start = || {
        let home = Home::new();
        (deployed.agent(&kubelet, &home), home)
    };
    deployed.cluster.apply_yaml(&configuration(PREFIX)).unwrap();
    let (first, _home) = start();
    first.wait_for_reason("Applied");
    wait_for_route(peer, PREFIX);
    let before = counters(peer);
    let looks = while_the_route_stays(peer, || roll(&deployed, first, start));
    assert!(looks > 20, "{looks}");
    assert_eq!(counters(peer), before, "no session was reset");
    assert_eq!(before.dropped, 0);
    // The last of them works.
    wait_for_route(peer, "10.2.0.0/16");
}

/// One agent after the other, as a `DaemonSet` does it; then two at a time, of which one stands by; then one that is killed.
fn roll(deployed: &Deployed, first: Agent, start: impl Fn() -> (Agent, Home)) {
    first.stop();
    let (second, _home) = start();
    second.wait_for_reason("Applied");
    let (third, _home) = start();
    third.wait_for_reason("StandingBy");
    second.stop();
    third.wait_for_reason("Applied");
    third.kill();
    let (fourth, _home) = start();
    fourth.wait_for_reason("Applied");
    deployed.cluster.apply_yaml(&configuration("10.1.0.0/16, 10.2.0.0/16")).unwrap();
    let applied = || Ok(fourth.report()["lastApply"]["lines"].as_u64().is_some_and(|lines| lines > 0));
    wait_until(LIMIT, "the change to be applied", applied).unwrap();
    fourth.wait_for_reason("Applied");
}

#[test]
fn frr_starts_with_what_was_applied_last_before_there_is_an_agent() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &["n1"]) else { return };
    let kubelet = deployed.kubelet("n1", Path::new(EXECUTABLE));
    let Some(Ground { frr, peer, node, lan: _lan }) = ground(&deployed, &kubelet) else { return };
    let home = Home::new();
    deployed.cluster.apply_yaml(&configuration(PREFIX)).unwrap();
    let running = deployed.agent(&kubelet, &home);
    running.wait_for_reason("Applied");
    wait_for_route(&peer.router, PREFIX);
    running.stop();
    drop(frr);
    // The numbers that the dead ones left are anybody's in a new pod; at the worst that of its first process.
    for daemon in ["zebra", "staticd", "bfdd", "bgpd"] {
        let pid = kubelet.on_the_node(&format!("/run/frrk8s/frr/{daemon}.pid"));
        assert!(pid.exists(), "{}", pid.display());
        fs::write(pid, "1\n").unwrap();
    }
    let frr = FrrPod::start(deployed.objects.pod("frr"), &kubelet, &node.namespace);
    wait_until(LIMIT, "FRR to load its start-up file", || Ok(frr.bgpd().contains(PREFIX))).unwrap();
    wait_for_route(&peer.router, PREFIX);
    // The agent that comes finds what it wants (vtysh keeps the name of the node to itself), and can read what somebody saves.
    let without_name = |text: String| {
        text.lines().filter(|line| !line.starts_with("hostname ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told_before = without_name(frr.bgpd());
    let again = deployed.agent(&kubelet, &home);
    again.wait_for_reason("Applied");
    assert_eq!(without_name(frr.bgpd()), told_before);
    // Not while the agent writes the same file.
    again.signal("-STOP");
    save_by_hand(&deployed, &kubelet, &frr);
    again.signal("-CONT");
    deployed.cluster.apply_yaml(&configuration("10.1.0.0/16, 10.2.0.0/16")).unwrap();
    wait_for_route(&peer.router, "10.2.0.0/16");
    let startup = kubelet.on_the_node("/var/lib/frrk8s/startup/frr.conf");
    let whole = |text: &str| {
        ["10.2.0.0/16", "ip prefix-list theirs", "router ospf"].iter().all(|it| text.contains(it))
    };
    let waited = wait_until(LIMIT, "the start-up file", || Ok(whole(&fs::read_to_string(&startup).unwrap())));
    assert!(waited.is_ok(), "{}", fs::read_to_string(&startup).unwrap());
}

/// `write` by somebody in FRR's pod: the file is of frr:frr then.
fn save_by_hand(deployed: &Deployed, kubelet: &Kubelet, frr: &FrrPod) {
    frr.configure("bgpd", &["ip prefix-list theirs seq 5 permit 10.77.0.0/16"]);
    let words = ["vtysh", "-c", "write"].map(str::to_owned);
    let vtysh = kubelet.executable(deployed.objects.pod("frr"), "frr", (&words, &[]));
    let output = Command::new(vtysh).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("[OK]"), "{said}");
    // And a daemon that we do not drive has its lines there too.
    let startup = kubelet.on_the_node("/var/lib/frrk8s/startup/frr.conf");
    let mut file = fs::OpenOptions::new().append(true).open(startup).unwrap();
    file.write_all(b"router ospf\n ospf router-id 192.0.2.1\nexit\n").unwrap();
}
