//! The agent as the manifests run it: with the token of its pod, under exactly the rules of `manifests/rbac`, as root without
//! any capability; and what somebody with such a token cannot do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use frrk8s_e2e::agent::{Home, LIMIT, bgpd, isolated, wait_for_config};
use frrk8s_e2e::audit::{Access, Audit, Request, granted};
use frrk8s_e2e::deployed::{ACCOUNT, Deployed, NAMESPACE};
use frrk8s_e2e::https;
use frrk8s_e2e::pod::Kubelet;
use frrk8s_testkit::cluster::{BoundTo, ClusterOptions};
use frrk8s_testkit::lab::{Router, installs, wait_until};
use serde_json::json;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// What the roles grant and the test below does not bring about, and why it is granted all the same.
const UNSEEN: [(&str, &str); 3] = [
    ("get frrk8sconfigurations.frrk8s.metallb.io", "asked for when one vanished between two lists"),
    (
        "delete frrnodestates.frrk8s.metallb.io",
        "the admission plugin for owner references asks for it, not the agent",
    ),
    ("patch events.events.k8s.io", "the same happens again"),
];

fn user() -> String {
    format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}")
}

/// The pods of a node whose FRR is a router of the lab.
fn kubelet(deployed: &Deployed, router: &Router) -> Kubelet {
    deployed.kubelet("n1", Path::new(EXECUTABLE)).with_place("/run/frrk8s/frr", router.run_directory())
}

fn configuration(name: &str, neighbor: u8, more: &str, spec: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\n\
         spec: {{bgp: {{routers: [{{asn: 64512, neighbors: [{{address: 192.0.2.{neighbor}, asn: 64513{more}}}]}}]}}{spec}}}\n"
    )
}

fn secret(name: &str, password: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": {"password": password},
    })
    .to_string()
}

#[test]
fn the_rules_are_exactly_what_an_agent_asks() {
    let logs = tempfile::tempdir().unwrap();
    let audit = Audit::new(logs.path(), &user());
    let mut arguments = audit.arguments();
    // Some clusters have it; it looks at who says whose an object is.
    arguments.push("--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned());
    let options = ClusterOptions { api_server_arguments: arguments, ..ClusterOptions::default() };
    let Some(deployed) = Deployed::start(&options, &["n1"]) else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let kubelet = kubelet(&deployed, &router);
    deployed.prepare(&kubelet);
    live_through_everything(&deployed, &router, (&kubelet, &home));

    let log = fs::read_to_string(home.log()).unwrap();
    let refused: Vec<&str> = log.lines().filter(|line| line.to_lowercase().contains("forbidden")).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let requests = audit.requests();
    let refused: Vec<&Request> = requests.iter().filter(|request| request.is_refused()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let asked: BTreeSet<Access> = requests.iter().flat_map(Request::accesses).collect();
    let bound = ["ClusterRole", "Role"].into_iter().flat_map(|kind| deployed.objects.kind(kind));
    let granted =
        granted(bound.filter(|role| role["metadata"]["name"].as_str().unwrap().starts_with(ACCOUNT)));
    assert!(asked.is_subset(&granted), "{:?}", asked.difference(&granted).collect::<Vec<_>>());
    let unused: Vec<String> = granted.difference(&asked).map(Access::to_string).collect();
    for access in &unused {
        let reason = UNSEEN.iter().find(|(unseen, _)| unseen == access);
        assert!(reason.is_some(), "nobody asked for {access}, and there is no reason for it");
    }
    println!("{} kinds of requests seen, {} granted without: {unused:?}", asked.len(), unused.len());
}

/// All that makes an agent ask for something.
fn live_through_everything(deployed: &Deployed, router: &Router, (kubelet, home): (&Kubelet, &Home)) {
    let cluster = &deployed.cluster;
    let wait_for_session = |what: &str, is_there: bool| {
        let sessions = || cluster.kubectl(&["get", "bgpsessionstates", "-n", NAMESPACE]);
        wait_until(LIMIT, what, || Ok(sessions()?.contains("192.0.2.4") == is_there)).unwrap();
    };
    // What upstream's daemon left: it belongs to nobody.
    cluster
        .apply_yaml("{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRNodeState, metadata: {name: n1}}")
        .unwrap();
    cluster.apply_yaml(&secret("fabric", "first")).unwrap();
    cluster.apply_yaml(&configuration("a", 3, "", "")).unwrap();
    cluster.apply_yaml(&configuration("b", 4, "", ", nodeSelector: {matchLabels: {rack: '7'}}")).unwrap();
    let running = deployed.agent(kubelet, home);
    wait_for_config(router, "the first neighbor", |text| text.contains("192.0.2.3 remote-as"));
    deployed.wait_for_field("frrnodestate/n1", "{.status.lastReloadResult}", "success");
    deployed.wait_for_field("frrnodestate/n1", "{.metadata.ownerReferences[0].name}", "n1");
    assert!(!bgpd(router).contains("192.0.2.4"));
    // A label selects an object that was left out.
    cluster.kubectl(&["label", "node", "n1", "rack=7"]).unwrap();
    wait_for_config(router, "what the label selects", |text| text.contains("192.0.2.4 remote-as"));
    wait_for_session("its session to be said", true);
    // An object names a Secret that nobody had named.
    cluster.apply_yaml(&configuration("a", 3, ", passwordSecret: {name: fabric}", "")).unwrap();
    wait_for_config(router, "the password", |text| text.contains("192.0.2.3 password first"));
    cluster.apply_yaml(&secret("fabric", "second")).unwrap();
    wait_for_config(router, "the new password", |text| text.contains("192.0.2.3 password second"));
    let level = "{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRK8sConfiguration, \
                 metadata: {name: config, namespace: frr-k8s-system}, spec: {logLevel: debug}}";
    cluster.apply_yaml(level).unwrap();
    wait_for_config(router, "the level", |text| text.contains("debug bgp"));
    cluster.kubectl(&["delete", "frrconfiguration", "b", "--namespace", NAMESPACE]).unwrap();
    wait_for_config(router, "what was deleted to go", |text| !text.contains("192.0.2.4"));
    wait_for_session("its session to go", false);
    // Somebody deletes what the agent said: it says it again.
    cluster.kubectl(&["delete", "frrnodestate", "n1"]).unwrap();
    cluster.apply_yaml(&configuration("c", 5, "", "")).unwrap();
    deployed.wait_for_field("frrnodestate/n1", "{.status.summary.configurations}", "2/2");
    deployed.wait_for_field("frrnodestate/n1", "{.metadata.ownerReferences[0].name}", "n1");
    // Two objects conflict, and somebody reads the figures.
    cluster.apply_yaml(&configuration("d", 5, ", port: 1790", "")).unwrap();
    wait_until(LIMIT, "an event", || {
        Ok(cluster.kubectl(&["get", "events", "--namespace=default"])?.contains("Conflict"))
    })
    .unwrap();
    cluster.kubectl(&["delete", "frrconfiguration", "d", "--namespace", NAMESPACE]).unwrap();
    deployed.wait_for_field("frrnodestate/n1", "{.status.summary.configurations}", "2/2");
    serves_figures(deployed, home);
    what_it_keeps_is_closed(kubelet);
    running.stop();
}

/// Two of the addresses that the agent listens on give somebody with the shipped role their figures over TLS.
fn serves_figures(deployed: &Deployed, home: &Home) {
    let cluster = &deployed.cluster;
    cluster.kubectl(&["create", "serviceaccount", "prometheus", "--namespace", NAMESPACE]).unwrap();
    let account = format!("--serviceaccount={NAMESPACE}:prometheus");
    let role = "--clusterrole=frr-k8s-metrics-reader";
    cluster.kubectl(&["create", "clusterrolebinding", "prometheus", role, &account]).unwrap();
    let token = cluster.service_account_token(NAMESPACE, "prometheus", BoundTo::Nothing).unwrap();
    let log = fs::read_to_string(home.log()).unwrap();
    let addresses = || log.lines().filter_map(|line| line.split("listening address=").nth(1));
    let serves = |address: &&str| {
        let answer = https::get(address.trim(), "/metrics", Some(&token));
        answer.is_ok_and(|answer| answer.status == 200 && answer.body.contains("frrk8s_"))
    };
    // The API server comes to know a new binding in its own time.
    wait_until(LIMIT, "two addresses with figures over TLS", || Ok(addresses().filter(serves).count() == 2))
        .unwrap();
}

/// FRR reads the start-up file through its group; nobody else reads anything.
fn what_it_keeps_is_closed(kubelet: &Kubelet) {
    let startup = kubelet.on_the_node("/var/lib/frrk8s/startup/frr.conf");
    assert!(fs::read_to_string(&startup).unwrap().contains("192.0.2.5 remote-as"));
    let directory = fs::metadata(startup.parent().unwrap()).unwrap();
    let file = fs::metadata(&startup).unwrap();
    assert_eq!((file.mode() & 0o7777, file.gid()), (0o640, directory.gid()), "the group is frrvty");
    for closed in ["/var/lib/frrk8s", "/var/lib/frrk8s/state"] {
        assert_eq!(fs::metadata(kubelet.on_the_node(closed)).unwrap().mode() & 0o7777, 0o700, "{closed}");
    }
}

#[test]
fn without_the_group_of_the_sockets_the_agent_names_it_and_its_number() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &["n1"]) else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let kubelet = kubelet(&deployed, &router);
    deployed.prepare(&kubelet);
    deployed.cluster.apply_yaml(&configuration("a", 3, "", "")).unwrap();
    let mut pod = deployed.agent_pod().clone();
    pod["securityContext"]["supplementalGroups"] = json!([]);
    let executable = deployed.agent_executable(&kubelet, &pod);
    let running = frrk8s_e2e::agent::Agent::start_with(&executable, Path::new("/"), &home, &[]);
    running.wait_for_reason("SocketDenied");
    deployed.wait_for_field(
        "frrnodestate/n1",
        "{.status.conditions[?(@.type==\"Applied\")].reason}",
        "SocketDenied",
    );
    let message = deployed.field("frrnodestate/n1", "{.status.conditions[?(@.type==\"Applied\")].message}");
    let group = fs::metadata(router.run_directory().join("bgpd.vty")).unwrap().gid();
    assert!(message.contains(&format!("the supplementary group frrvty, here number {group},")), "{message}");
    assert!(!bgpd(&router).contains("router bgp"));
    running.stop();
    // With the group, as the manifest has it, the same works.
    let running = deployed.agent(&kubelet, &home);
    running.wait_for_reason("Applied");
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let capabilities: Vec<&str> = status.lines().filter(|line| line.starts_with("Cap")).collect();
    assert!(capabilities.iter().all(|line| line.ends_with("\t0000000000000000")), "{capabilities:?}");
    assert!(status.contains("Uid:\t0\t0\t0\t0") && status.contains("NoNewPrivs:\t1"), "{status}");
}

/// An object of a kind of ours, with a label and a status.
fn state(kind: &str, name: &str, (label, node): (&str, &str)) -> String {
    let (namespace, status) = match kind {
        "BGPSessionState" => (json!(NAMESPACE), json!({"node": node})),
        _ => (json!(null), json!({"lastReloadResult": node})),
    };
    json!({
        "apiVersion": "frrk8s.metallb.io/v1beta1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"frrk8s.metallb.io/node": label}},
        "status": status,
    })
    .to_string()
}

fn event(node: &str) -> String {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "eventTime": "2026-11-28T12:00:00.000000Z",
        "metadata": {"name": format!("of-{node}"), "namespace": "default"}, "action": "Apply", "reason": "Frozen", "type": "Normal",
        "reportingController": "frrk8s", "reportingInstance": "n1", "note": "x",
        "regarding": {"apiVersion": "v1", "kind": "Node", "name": node},
    })
    .to_string()
}

#[test]
fn an_agent_writes_about_its_own_node_only() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &["n1", "n2"]) else { return };
    let (n1, n2) = (deployed.kubeconfig("n1"), deployed.kubeconfig("n2"));
    let unbound = deployed.cluster.service_account_token(NAMESPACE, ACCOUNT, BoundTo::Nothing).unwrap();
    let unbound = deployed.cluster.kubeconfig_for("unbound", &unbound).unwrap();
    let files = tempfile::tempdir().unwrap();
    let write = |who: &Path, text: &str, more: &[&str]| {
        let file = files.path().join("object.json");
        fs::write(&file, text).unwrap();
        let words = ["apply", "--server-side", "--force-conflicts", "--validate=false", "--filename"];
        let file = file.display().to_string();
        deployed
            .cluster
            .kubectl_as(who, &[&words[..], &[&file], more].concat())
            .map_err(|error| error.to_string())
    };
    let denied = |who: &Path, text: &str, more: &[&str], why: &str| {
        let said = write(who, text, more).unwrap_err();
        assert!(said.contains(why), "{said}");
    };
    let may_not = "may not write";
    // The policies count as soon as the API server has seen them.
    let of_n1 = state("FRRNodeState", "n1", ("n1", "n1"));
    wait_until(LIMIT, "the policy to count", || Ok(write(&n2, &of_n1, &["--dry-run=server"]).is_err()))
        .unwrap();

    denied(&n2, &of_n1, &[], "may not write the FRRNodeState of the node n1");
    denied(&unbound, &of_n1, &[], "does not say on which node its pod runs");
    write(&n1, &of_n1, &[]).unwrap();
    denied(&n2, &of_n1, &[], may_not);
    let status = ["--subresource=status"];
    write(&n1, &of_n1, &status).unwrap();
    denied(&n2, &of_n1, &status, may_not);

    let session = |label: &str, node: &str| state("BGPSessionState", "n1-abcde", (label, node));
    denied(&n2, &session("n1", "n1"), &[], may_not);
    denied(&unbound, &session("n1", "n1"), &[], "does not say on which node");
    write(&n1, &session("n1", "n1"), &[]).unwrap();
    write(&n1, &session("n1", "n1"), &status).unwrap();
    denied(&n1, &session("n1", "n2"), &status, may_not);
    denied(&n1, &session("n2", "n1"), &[], may_not);
    // Also not by taking it over.
    denied(&n2, &session("n2", "n2"), &[], may_not);
    denied(&n2, &session("n2", "n2"), &status, may_not);
    let delete = |who: &Path, what: &str| {
        deployed.cluster.kubectl_as(who, &["delete", what, "--namespace", NAMESPACE, "--wait=false"])
    };
    for what in ["bgpsessionstate/n1-abcde", "frrnodestate/n1"] {
        let said = delete(&n2, what).unwrap_err().to_string();
        assert!(said.contains(may_not), "{said}");
    }
    delete(&n1, "bgpsessionstate/n1-abcde").unwrap();

    denied(&n2, &event("n1"), &[], "regarding its own Node only");
    write(&n2, &event("n2"), &[]).unwrap();
    denied(&n1, &event("n2"), &[], "regarding its own Node only");
    // Everybody else writes what RBAC lets them.
    write(deployed.cluster.kubeconfig(), &state("BGPSessionState", "x", ("n9", "n9")), &[]).unwrap();
}

#[test]
fn an_agent_reads_and_changes_nothing_beside_what_it_needs() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &["n1"]) else { return };
    let agent = deployed.kubeconfig("n1");
    let can = |words: &[&str]| {
        let asked = deployed.cluster.kubectl_as(&agent, &[&["auth", "can-i", "--quiet"], words].concat());
        asked.is_ok()
    };
    let ours = format!("--namespace={NAMESPACE}");
    assert!(can(&["list", "secrets", &ours]) && can(&["watch", "frrconfigurations", &ours]));
    for words in [
        ["list", "secrets", "--namespace=kube-system"],
        ["get", "secrets", "--all-namespaces"],
        ["list", "frrconfigurations", "--namespace=default"],
        ["update", "secrets", &ours],
        ["create", "frrconfigurations", &ours],
        ["patch", "frrconfigurations", &ours],
        ["patch", "frrconfigurations/status", &ours],
        ["deletecollection", "bgpsessionstates", &ours],
        ["patch", "nodes", &ours],
        ["update", "frrnodestates", &ours],
        ["get", "bgpsessionstates", &ours],
        ["get", "pods", &ours],
        ["create", "events", &ours],
        ["list", "customresourcedefinitions", &ours],
        ["get", "namespaces/kube-system", "--namespace=kube-system"],
    ] {
        assert!(!can(&words), "{words:?}");
    }
}

#[test]
fn people_with_the_usual_roles_see_and_change_what_they_should() {
    let Some(deployed) = Deployed::start(&ClusterOptions::default(), &[]) else { return };
    let can = |role: &str, verb: &str, what: &str| {
        let user = format!("--as={role}er");
        let asked = deployed.cluster.kubectl(&[
            "auth",
            "can-i",
            "--quiet",
            verb,
            what,
            "--namespace",
            NAMESPACE,
            &user,
        ]);
        asked.is_ok()
    };
    for role in ["view", "edit", "admin"] {
        let (user, name, role_name) =
            (format!("--user={role}er"), format!("{role}-it"), format!("--clusterrole={role}"));
        let bind = ["create", "rolebinding", &name, &role_name, &user, "--namespace", NAMESPACE];
        deployed.cluster.kubectl(&bind).unwrap();
        // The controller manager adds aggregated roles up; here is none, so they are bound as they are.
        for ours in ["frr-k8s-viewer", "frr-k8s-editor"] {
            let labels = &deployed.objects.one("ClusterRole", ours)["metadata"]["labels"];
            if labels[format!("rbac.authorization.k8s.io/aggregate-to-{role}")] == "true" {
                let (name, role) = (format!("{role}-{ours}"), format!("--clusterrole={ours}"));
                let bind = ["create", "rolebinding", &name, &role, &user, "--namespace", NAMESPACE];
                deployed.cluster.kubectl(&bind).unwrap();
            }
        }
    }
    let waited =
        wait_until(LIMIT, "the bindings to count", || Ok(can("admin", "create", "frrconfigurations")));
    assert!(waited.is_ok());
    for role in ["view", "edit", "admin"] {
        assert!(can(role, "list", "frrconfigurations") && can(role, "get", "bgpsessionstates"), "{role}");
        assert_eq!(can(role, "create", "frrconfigurations"), role != "view", "{role}");
        assert!(!can(role, "patch", "bgpsessionstates"), "{role}");
    }
}
