//! What happens to objects: their CRD or namespace goes, a node gets other labels, a Secret changes or goes, an object is written
//! past the schema. Nothing is withdrawn that nobody withdrew, what is wrong is said, and it recovers by itself.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use frrk8s_e2e::agent::{Home, LIMIT, bgpd, wait_for_config};
use frrk8s_e2e::cluster_lab::{self, GROUND, NAMESPACE, delete, object, status, wait_for_status};
use frrk8s_e2e::cluster_peer::{RECOVERY, Watched, advertises, nothing_leaves_for};
use frrk8s_e2e::standing::SESSION_LIMIT;
use frrk8s_testkit::cluster::ClusterOptions;
use frrk8s_testkit::lab::{Daemon, Family, Lan, RouterOptions, installs, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const CRD: &str = "frrconfigurations.frrk8s.metallb.io";

#[test]
fn a_crd_or_a_namespace_that_is_deleted_takes_no_route_along() {
    let options = ClusterOptions { controller_manager: false, ..ClusterOptions::default() };
    let Some(mut watched) = Watched::start(&options) else { return };
    if !frrk8s_testkit::cluster::tools().unwrap().have_controller_manager() {
        return;
    }
    watched.cluster.start_controller_manager().unwrap();
    let agent = watched.agent(EXECUTABLE, &[]);
    let objects = advertises("a", &["10.1.0.0/24"], "") + &advertises("b", &["10.2.0.0/24"], "");
    watched.apply(&objects);
    let all = ["10.1.0.0/24", "10.2.0.0/24"];
    watched.wait_for(&all);
    agent.wait_for_reason("Applied");
    watched.mark();
    let are_missed = |what: &str| {
        agent.wait_long_for(RECOVERY, what, |report| {
            report["findings"].to_string().matches("missing-in-api").count() >= 2
        });
        nothing_leaves_for(&watched, Duration::from_secs(6));
    };
    watched.cluster.kubectl(&["delete", "crd", CRD]).unwrap();
    are_missed("the objects of the CRD to be missed");
    watched.cluster.install_crds().unwrap();
    watched.apply(&objects);
    agent.wait_long_for(RECOVERY, "them to be back", |report| report["reason"] == "Applied");
    watched.cluster.kubectl(&["delete", "namespace", NAMESPACE]).unwrap();
    are_missed("the objects of the namespace to be missed");
    watched.apply(&(GROUND.to_owned() + "---\n" + &objects));
    // What somebody deletes is gone: also at once, before everything was listed anew.
    delete(&watched.cluster, "frrconfiguration", "b");
    watched.wait_for(&["10.1.0.0/24"]);
    agent.wait_long_for(RECOVERY, "the other one to be back", |report| report["reason"] == "Applied");
    watched.assert_left_only(&["10.2.0.0/24"]);
    delete(&watched.cluster, "frrconfiguration", "a");
    watched.wait_for(&[]);
}

#[test]
fn an_agent_that_did_not_run_while_the_crd_was_made_again_believes_nothing() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &[]);
    let all = ["10.1.0.0/24", "10.2.0.0/24"];
    watched.apply(&(advertises("a", &all[..1], "") + &advertises("b", &all[1..], "")));
    watched.wait_for(&all);
    agent.wait_for_reason("Applied");
    let is_remembered = || {
        let text = std::fs::read_to_string(watched.home.state().join("api.json")).unwrap_or_default();
        Ok(["\"a\"", "\"b\"", "\"crd\""].iter().all(|word| text.contains(word)))
    };
    wait_until(LIMIT, "what was seen of the API to be kept", is_remembered).unwrap();
    watched.mark();
    agent.kill();
    watched.cluster.kubectl(&["delete", "crd", CRD]).unwrap();
    watched.cluster.install_crds().unwrap();
    let agent = watched.agent(EXECUTABLE, &[]);
    agent.wait_long_for(RECOVERY, "both to be missed for good", |report| {
        report["findings"].to_string().matches("was made again").count() >= 2
    });
    nothing_leaves_for(&watched, Duration::from_secs(8));
    // One comes back with other prefixes, for it is another object; the other is accepted to be gone.
    watched.apply(&advertises("a", &["10.1.0.0/24", "10.3.0.0/24"], ""));
    let accept = ["annotate", "node", "n1", "frrk8s.metallb.io/accept-withdrawals=1"];
    watched.cluster.kubectl(&accept).unwrap();
    watched.wait_for(&["10.1.0.0/24", "10.3.0.0/24"]);
    watched.assert_left_only(&["10.2.0.0/24"]);
}

#[test]
fn another_label_of_the_node_changes_what_selects_it() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let _agent = watched.agent(EXECUTABLE, &[]);
    let of_rack = |rack: u8| format!(", nodeSelector: {{matchLabels: {{rack: '{rack}'}}}}");
    watched.apply(&advertises("all", &["10.1.0.0/24"], ""));
    watched.apply(&advertises("seven", &["10.7.0.0/24"], &of_rack(7)));
    watched.apply(&advertises("eight", &["10.8.0.0/24"], &of_rack(8)));
    watched.wait_for(&["10.1.0.0/24", "10.7.0.0/24"]);
    watched.mark();
    let label = |text: &str| watched.cluster.kubectl(&["label", "--overwrite", "node", "n1", text]).unwrap();
    label("rack=8");
    watched.wait_for(&["10.1.0.0/24", "10.8.0.0/24"]);
    wait_for_status(&watched.cluster, "{.status.counts.selected}", "2");
    label("rack-");
    watched.wait_for(&["10.1.0.0/24"]);
    label("rack=7");
    watched.wait_for(&["10.1.0.0/24", "10.7.0.0/24"]);
    watched.apply(&advertises("all", &["10.1.0.0/24"], &of_rack(9)));
    watched.wait_for(&["10.7.0.0/24"]);
    // A Node that is deleted and not made again has its labels still.
    watched.mark();
    watched.cluster.kubectl(&["delete", "node", "n1"]).unwrap();
    nothing_leaves_for(&watched, Duration::from_secs(6));
}

fn secret(password: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: peer, namespace: {NAMESPACE}}}\ntype: kubernetes.io/basic-auth\n\
         stringData: {{password: {password}}}\n---\n"
    )
}

#[test]
fn a_secret_that_changes_is_used_and_one_that_goes_is_held() {
    let Some(install) = installs().pop() else { return };
    let Some(cluster) = cluster_lab::cluster() else { return };
    let (mut lan, home) = (Lan::new().unwrap(), Home::new());
    let node = lan.router(&install, RouterOptions::default()).unwrap().router;
    let peer = lan.router(&install, RouterOptions::default()).unwrap().router;
    let agent = cluster_lab::agent(Path::new(EXECUTABLE), (&cluster, &node), &home, &[]);
    let neighbor = "{address: 192.0.2.2, asn: 64513, connectTime: 1s, passwordSecret: {name: peer}, \
                    toAdvertise: {allowed: {mode: all}}}";
    let router = format!("{{asn: 64512, prefixes: [10.1.0.0/24], neighbors: [{neighbor}]}}");
    cluster
        .apply_yaml(&(secret("one") + &object("a", &format!("{{bgp: {{routers: [{router}]}}}}"))))
        .unwrap();
    let as_peer = |password: &str| {
        let lines = [
            "router bgp 64513".to_owned(),
            "no bgp ebgp-requires-policy".to_owned(),
            "neighbor 192.0.2.1 remote-as 64512".to_owned(),
            "neighbor 192.0.2.1 timers connect 1".to_owned(),
            format!("neighbor 192.0.2.1 password {password}"),
        ];
        assert_eq!(peer.configure(Daemon::Bgpd, &lines).unwrap(), []);
    };
    let has_route = |what: &str| {
        let has = || Ok(!peer.bgp_paths(Family::Ipv4, None, "10.1.0.0/24")?.is_empty());
        wait_until(SESSION_LIMIT, what, has).unwrap();
    };
    as_peer("one");
    has_route("the route, with the first password");
    as_peer("two");
    cluster.apply_yaml(&secret("two")).unwrap();
    wait_for_config(&node, "the second password", |text| text.contains("password two"));
    peer.wait_established("192.0.2.1", None, SESSION_LIMIT).unwrap();
    has_route("the route, with the second password");
    assert!(!status(&cluster, "{.status.runningConfig}").contains("password two"));
    // Without it the session stays as it is.
    let drops = |router: &frrk8s_testkit::lab::Router| {
        let shown = router.show_json(Daemon::Bgpd, "show bgp neighbors 192.0.2.1 json").unwrap();
        shown["192.0.2.1"]["connectionsDropped"].as_u64()
    };
    agent.wait_for_reason("Applied");
    let (before, dropped) = (bgpd(&node), drops(&peer));
    delete(&cluster, "secret", "peer");
    wait_for_status(&cluster, "{.status.configurations[0].reason}", "SecretMissing");
    assert!(status(&cluster, "{.status.lastConversionResult}").contains("secret peer not found"));
    assert_eq!((bgpd(&node), drops(&peer)), (before, dropped));
    cluster.apply_yaml(&secret("two")).unwrap();
    agent.wait_for_reason("Applied");
    wait_for_status(&cluster, "{.status.lastConversionResult}", "success");
    assert_eq!(drops(&peer), dropped);
}

#[test]
fn an_object_that_was_written_past_the_schema_stalls_nothing_else() {
    let Some(watched) = Watched::start(&ClusterOptions::default()) else { return };
    let agent = watched.agent(EXECUTABLE, &["--conflict-policy=quarantine"]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.apply(&advertises("b", &["10.2.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24"]);
    watched.mark();
    let relaxed = "[{\"op\": \"replace\", \"path\": \"/spec/versions/0/schema/openAPIV3Schema\", \
                   \"value\": {\"type\": \"object\", \"x-kubernetes-preserve-unknown-fields\": true}}]";
    watched.cluster.kubectl(&["patch", "crd", CRD, "--type=json", "--patch", relaxed]).unwrap();
    let broken = object("a", "{bgp: {routers: [{asn: many, prefixes: 7}]}}");
    let is_taken = || Ok(watched.cluster.apply_yaml(&broken).is_ok());
    wait_until(LIMIT, "the API server to take anything", is_taken).unwrap();
    watched.apply(&object("nonsense", "[1, 2]"));
    agent.wait_for_reason("Quarantined");
    wait_for_status(&watched.cluster, "{.status.configurations[?(@.name==\"a\")].reason}", "Undecodable");
    watched.apply(&advertises("c", &["10.3.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
    delete(&watched.cluster, "frrconfiguration", "nonsense");
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    agent.wait_for_reason("Applied");
    watched.assert_left_only(&[]);
}

#[test]
fn objects_of_a_directory_and_of_the_api_go_together() {
    let Some(mut watched) = Watched::start(&ClusterOptions::default()) else { return };
    let source = format!("--source=dir:{}", watched.home.objects().display());
    let local = |prefix: &str| advertises("local", &[prefix], "");
    watched.home.put("local.yaml", &local("10.4.0.0/24"));
    let agent = watched.agent(EXECUTABLE, &[&source]);
    watched.apply(&advertises("a", &["10.1.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.4.0.0/24"]);
    wait_for_status(&watched.cluster, "{.status.summary.configurations}", "2/2");
    watched.mark();
    watched.cluster.stop_api_server();
    agent.wait_for("the trouble to be said", |report| report["apiTrouble"]["message"].is_string());
    watched.home.put("local.yaml", &local("10.5.0.0/24"));
    watched.wait_for(&["10.1.0.0/24", "10.5.0.0/24"]);
    watched.cluster.start_api_server().unwrap();
    watched.apply(&advertises("b", &["10.2.0.0/24"], ""));
    watched.wait_for(&["10.1.0.0/24", "10.2.0.0/24", "10.5.0.0/24"]);
    watched.assert_left_only(&["10.4.0.0/24"]);
}
