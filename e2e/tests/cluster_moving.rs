//! From the existing FRR-K8s to this one, and back: its sessions stand, its objects stay, and ours are not in its way.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use frrk8s_api::crds;
use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd};
use frrk8s_e2e::rendered::manifests;
use frrk8s_e2e::standing::{Counters, End};
use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions};
use frrk8s_testkit::lab::{
    Daemon, Family, FrrInstall, Lan, Node, Router, RouterOptions, installs, wait_until,
};
use serde_json::{Value, json};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const NAMESPACE: &str = "frr-k8s-system";

/// The definitions as upstream has them: of the same fields, with a status that is empty, or of strings only.
fn upstream_crds() -> Vec<Value> {
    let strings = |fields: &[&str]| -> Value {
        fields
            .iter()
            .map(|field| ((*field).to_owned(), json!({"type": "string"})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let all = crds().into_iter().map(|crd| {
        let mut crd = serde_json::to_value(crd).unwrap();
        let fields = match crd["spec"]["names"]["kind"].as_str().unwrap() {
            "FRRNodeState" => strings(&["runningConfig", "lastConversionResult", "lastReloadResult"]),
            "BGPSessionState" => strings(&["bgpStatus", "bfdStatus", "node", "peer", "vrf"]),
            _ => json!({}),
        };
        let version = &mut crd["spec"]["versions"][0];
        version["schema"]["openAPIV3Schema"]["properties"]["status"] =
            json!({"type": "object", "properties": fields});
        version.as_object_mut().unwrap().remove("additionalPrinterColumns");
        crd["spec"]["names"].as_object_mut().unwrap().remove("shortNames");
        crd
    });
    all.collect()
}

/// A list of objects as kubectl takes it.
fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start(&cluster::tools()?, &ClusterOptions::default()).unwrap();
    cluster
        .apply_yaml(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}"))
        .unwrap();
    cluster.apply_yaml("{apiVersion: v1, kind: Node, metadata: {name: n1}}").unwrap();
    Some(cluster)
}

/// What kubectl does with a text, by its ordinary ways that people used before.
fn kubectl_with(cluster: &Cluster, verb: &[&str], text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("objects.json");
    fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    cluster.kubectl(&[verb, &["--filename", &file]].concat()).unwrap()
}

fn wait_for_kinds(cluster: &Cluster) {
    cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).unwrap();
    let served = || {
        cluster.kubectl(&[
            "get",
            "frrconfigurations,frrnodestates,bgpsessionstates,frrk8sconfigurations",
            "-A",
        ])
    };
    wait_until(LIMIT, "the kinds to be served", || served().map(|_| true)).unwrap();
}

/// What FRR of the existing FRR-K8s ran, of two neighbors and ten prefixes, as objects ask for it.
fn configuration() -> String {
    let neighbor = |number: u8| {
        format!(
            "{{address: 172.30.0.{number}, asn: {}, bfdProfile: prof1, password: topsecret{}, ebgpMultiHop: true, \
             holdTime: 90s, keepaliveTime: 30s, connectTime: 2m, toAdvertise: {{allowed: {{mode: all}}}}}}",
            64999 + u32::from(number),
            number - 1,
        )
    };
    let prefixes: Vec<String> = (1..=10).map(|number| format!("10.128.{number}.0/24")).collect();
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: a, namespace: {NAMESPACE}}}\n\
         spec: {{bgp: {{bfdProfiles: [{{name: prof1}}], routers: [{{asn: 64512, id: 10.1.1.1, prefixes: [{}], \
         neighbors: [{}, {}]}}]}}}}\n",
        prefixes.join(", "),
        neighbor(1),
        neighbor(2)
    )
}

/// The node as upstream's daemon left it, and its two peers, with their sessions up.
struct Ground {
    node: Node,
    peers: [Node; 2],
    /// Where all of them are joined.
    _lan: Lan,
}

fn ground(install: &FrrInstall) -> Ground {
    let release = if install.release().starts_with("8.") { "v84" } else { "v103" };
    let file = format!("../crates/document/tests/fixtures/{release}-frrk8s-2x10-running-config.txt");
    let config = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    // 8.4 prints the router before the lists, 10.3 behind them.
    let start = ["router bgp", "ip prefix-list"].iter().filter_map(|line| config.find(line)).min().unwrap();
    let mut lan = Lan::new().unwrap();
    let mut add = |number: u8| {
        let node = lan.router(install, RouterOptions::default()).unwrap();
        node.host.namespace.add_address("e0", &format!("172.30.0.{number}/24")).unwrap();
        node
    };
    let (node, peers) = (add(100), [add(1), add(2)]);
    for (number, peer) in (0..).zip(&peers) {
        let lines = [
            "bgp route-map delay-timer 1".to_owned(),
            format!("router bgp {}", 65000 + number),
            "no bgp ebgp-requires-policy".to_owned(),
            "neighbor 172.30.0.100 remote-as 64512".to_owned(),
            format!("neighbor 172.30.0.100 password topsecret{number}"),
            "neighbor 172.30.0.100 ebgp-multihop 255".to_owned(),
            "neighbor 172.30.0.100 timers connect 2".to_owned(),
            "neighbor 172.30.0.100 bfd profile slow".to_owned(),
        ];
        // The node's own profile counts on packets every 300 ms; a busy machine may be later than three of them.
        let slow = [
            "bfd",
            "profile slow",
            "detect-multiplier 50",
            "transmit-interval 1000",
            "receive-interval 10000",
        ];
        assert_eq!(peer.router.configure(Daemon::Bfdd, &slow).unwrap(), []);
        assert_eq!(peer.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
    }
    // Without BFD at first: a bgpd of 10.3 that hears early enough that BFD is down begins no session, and without a session
    // there is no address from which a multi-hop BFD could come up.
    let (with_bfd, without): (Vec<&str>, Vec<&str>) = config[start..]
        .lines()
        .partition(|line| line.trim_start().starts_with("neighbor ") && line.contains(" bfd"));
    assert_eq!(node.router.load(&(without.join("\n") + "\n")).unwrap(), []);
    let ground = Ground { node, peers, _lan: lan };
    let waited = wait_until(LIMIT * 4, "the sessions to come up with all routes", || {
        Ok(ground.peers.iter().all(|peer| routes(&peer.router) == 10))
    });
    let shown = ground.node.router.show_json(Daemon::Bgpd, "show bgp neighbors json");
    assert!(waited.is_ok(), "{waited:?} {} {shown:#?}", install.release());
    let lines: Vec<&str> = ["router bgp 64512"].into_iter().chain(with_bfd).collect();
    assert_eq!(ground.node.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
    ground
}

/// How many routes of the node a peer has.
fn routes(peer: &Router) -> usize {
    peer.bgp_table(Family::Ipv4, None).map(|table| table.len()).unwrap_or_default()
}

/// What both ends of both sessions count.
fn counters(ground: &Ground) -> Vec<Counters> {
    let end = |router, peer: &str| End { router, vrf: None, peer: peer.to_owned() }.counters().unwrap();
    let node = ["172.30.0.1", "172.30.0.2"].map(|peer| end(&ground.node.router, peer));
    let peers = ground.peers.iter().map(|peer| end(&peer.router, "172.30.0.100"));
    node.into_iter().chain(peers).collect()
}

fn agent(cluster: &Cluster, router: &Router, home: &Home) -> Agent {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let options = ["--source=kube", "--node=n1", &kubeconfig];
    Agent::start_with(Path::new(EXECUTABLE), router.run_directory(), home, &options)
}

#[test]
fn over_what_upstreams_daemon_configured_no_session_is_reset_and_no_route_leaves() {
    let Some(cluster) = cluster() else { return };
    cluster.install_crds().unwrap();
    wait_for_kinds(&cluster);
    cluster.apply_yaml(&configuration()).unwrap();
    thread::scope(|scope| {
        for install in installs() {
            let cluster = &cluster;
            scope.spawn(move || move_in(cluster, &install));
        }
    });
}

fn move_in(cluster: &Cluster, install: &FrrInstall) {
    let ground = ground(install);
    let home = Home::new();
    let before = counters(&ground);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for peer in &ground.peers {
                    assert_eq!(routes(&peer.router), 10, "{}", install.release());
                }
            }
        });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let running = agent(cluster, &ground.node.router, &home);
            let report = running.wait_for_reason("Applied");
            let sessions = report["lastApply"]["sessions"].as_object().unwrap();
            assert!(!sessions.values().any(|change| change == "reset"), "{report:#}");
            let text = bgpd(&ground.node.router);
            assert!(!text.contains("allowed-ipv4") && text.contains("ip prefix-list frrk8s-1 "), "{text}");
        }));
        // Whatever happened, the watcher must end.
        is_over.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
        worked.unwrap();
    });
    assert_eq!(counters(&ground), before, "{}", install.release());
    assert!(before.iter().all(|counters| counters.dropped == 0), "{before:?}");
}

/// Objects of each kind as upstream's daemon and its users write them.
fn upstreams_objects() -> Vec<Value> {
    let metadata = |name: &str| json!({"name": name, "namespace": NAMESPACE});
    let api = "frrk8s.metallb.io/v1beta1";
    vec![
        json!({"apiVersion": api, "kind": "FRRConfiguration", "metadata": metadata("a"), "spec": {
            "bgp": {"routers": [{"asn": 64512, "neighbors": [
                {"address": "192.0.2.3", "asn": 64513, "disableMP": true, "toReceive": {"allowed": {"mode": "all"}}},
            ]}]},
            "raw": {"priority": 5, "rawConfig": "route-map x permit 10\n"},
            "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "n1"}},
        }}),
        json!({"apiVersion": api, "kind": "FRRK8sConfiguration", "metadata": metadata("config"), "spec": {"logLevel": "warn"}}),
        json!({"apiVersion": api, "kind": "FRRNodeState", "metadata": {"name": "n1"}}),
        json!({"apiVersion": api, "kind": "BGPSessionState", "metadata": {
            "name": "n1-x7k2p", "namespace": NAMESPACE,
            "labels": {"frrk8s.metallb.io/node": "n1", "frrk8s.metallb.io/peer": "192.0.2.3", "frrk8s.metallb.io/vrf": ""},
        }}),
    ]
}

/// Specifications and UIDs of every object of our kinds.
fn objects_there(cluster: &Cluster) -> Vec<(String, Value, Value)> {
    let kinds = "frrconfigurations,frrk8sconfigurations,frrnodestates,bgpsessionstates";
    let shown = cluster.kubectl(&["get", kinds, "-A", "--output=json"]).unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let items = shown["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let name =
                format!("{}/{}", item["kind"].as_str().unwrap(), item["metadata"]["name"].as_str().unwrap());
            (name, item["metadata"]["uid"].clone(), item["spec"].clone())
        })
        .collect()
}

#[test]
fn our_definitions_take_the_place_of_upstreams_and_lose_nothing() {
    // However somebody had installed them.
    for installed in [vec!["apply"], vec!["create"], vec!["apply", "--server-side", "--field-manager=helm"]] {
        let Some(cluster) = cluster() else { return };
        kubectl_with(&cluster, &installed, &list(&upstream_crds()));
        wait_for_kinds(&cluster);
        kubectl_with(&cluster, &["create"], &list(&upstreams_objects()));
        let patch = r#"{"status":{"runningConfig":"router bgp 64512\n","lastConversionResult":"success","lastReloadResult":"success"}}"#;
        cluster
            .kubectl(&[
                "patch",
                "frrnodestate",
                "n1",
                "--subresource=status",
                "--type=merge",
                "--patch",
                patch,
            ])
            .unwrap();
        let before = objects_there(&cluster);
        assert_eq!(before.len(), 4);
        // As docs/install.md says it.
        let directory = manifests("default").display().to_string();
        let words = ["apply", "--server-side", "--force-conflicts", "--kustomize", &directory];
        cluster.kubectl(&words).unwrap();
        wait_for_kinds(&cluster);
        assert_eq!(objects_there(&cluster), before, "{installed:?}");
        let columns = || cluster.kubectl(&["get", "frrns", "n1"]).map(|table| table.contains("APPLIED"));
        wait_until(LIMIT, "the new columns", columns).unwrap();
        let result = ["get", "frrnodestate", "n1", "--output=jsonpath={.status.lastReloadResult}"];
        assert_eq!(cluster.kubectl(&result).unwrap(), "success");
    }
}

#[test]
fn back_at_upstreams_definitions_our_objects_are_not_in_the_way() {
    let Some(cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    cluster.install_crds().unwrap();
    wait_for_kinds(&cluster);
    kubectl_with(&cluster, &["create"], &list(&upstreams_objects()[..2]));
    let router = Router::isolated(&install, RouterOptions::default()).unwrap();
    let home = Home::new();
    cluster.kubectl(&["label", "node", "n1", "kubernetes.io/hostname=n1"]).unwrap();
    let running = agent(&cluster, &router, &home);
    let summary = ["get", "frrnodestate", "n1", "--output=jsonpath={.status.summary.configurations}"];
    let says = || Ok(cluster.kubectl(&summary).is_ok_and(|said| said == "1/1"));
    wait_until(LIMIT, "the agent to have written", says).unwrap();
    running.stop();
    let before = objects_there(&cluster);
    for again in [vec!["apply"], vec!["apply", "--server-side", "--force-conflicts"]] {
        kubectl_with(&cluster, &again, &list(&upstream_crds()));
    }
    wait_for_kinds(&cluster);
    assert_eq!(objects_there(&cluster), before);
    // What upstream's status has not is not shown; what its daemon writes is taken, by its ways: an update and a patch.
    let status = || -> Value {
        let shown = cluster.kubectl(&["get", "frrnodestate", "n1", "--output=json"]).unwrap();
        serde_json::from_str::<Value>(&shown).unwrap()["status"].clone()
    };
    let pruned = || Ok(status()["conditions"].is_null() && status()["runningConfig"].is_string());
    wait_until(LIMIT, "our fields to be left out", pruned).unwrap();
    let patch = r#"{"status":{"lastReloadResult":"upstream's"}}"#;
    cluster
        .kubectl(&["patch", "frrnodestate", "n1", "--subresource=status", "--type=merge", "--patch", patch])
        .unwrap();
    assert_eq!(status()["lastReloadResult"], "upstream's");
    let whole = cluster.kubectl(&["get", "frrnodestate", "n1", "--output=json"]).unwrap();
    kubectl_with(&cluster, &["replace", "--subresource=status"], &whole.replace("upstream's", "again"));
    assert_eq!(status()["lastReloadResult"], "again");
    let edit = r#"{"spec":{"nodeSelector":null}}"#;
    cluster
        .kubectl(&["patch", "frrconfiguration", "a", "-n", NAMESPACE, "--type=merge", "--patch", edit])
        .unwrap();
    for object in ["frrconfiguration/a", "frrnodestate/n1"] {
        cluster.kubectl(&["delete", object, "-n", NAMESPACE, "--timeout=20s"]).unwrap();
    }
}
