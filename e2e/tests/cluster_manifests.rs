//! What users apply: every kustomization is taken by a real API server as it is, and says what it promises; real FRR takes
//! the options that the manifests give it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use frrk8s_e2e::pod::{command, container};
use frrk8s_e2e::rendered::{Rendered, manifests};
use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions, ClusterTools};
use frrk8s_testkit::lab::wait_until;
use serde_json::{Value, json};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
/// What users apply, with the `DaemonSet` objects that run FRR and the agent there.
const SHAPES: [(&str, &str, &str); 2] = [("default", "frr", "frr-k8s"), ("one-pod", "frr-k8s", "frr-k8s")];

fn rendered(tools: &ClusterTools, room: &str) -> Rendered {
    Rendered::of(tools, &manifests(room)).unwrap()
}

/// Every directory with a kustomization, components aside: those are nothing by themselves.
fn kustomizations() -> Vec<String> {
    let mut rooms = Vec::new();
    for entry in fs::read_dir(manifests("")).unwrap() {
        let path = entry.unwrap().path();
        if ["kustomization.yaml", "Kustomization"].iter().any(|file| path.join(file).exists()) {
            rooms.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    rooms.sort();
    rooms
}

#[test]
fn every_kustomization_is_taken_by_an_api_server_that_is_strict() {
    let Some(tools) = cluster::tools() else { return };
    let rooms = kustomizations();
    assert_eq!(rooms, ["agent", "base", "crds", "default", "frr", "one-pod", "rbac"]);
    let cluster = Cluster::start(&tools, &ClusterOptions::default()).unwrap();
    let apply = |room: &str, more: &[&str]| {
        let directory = manifests(room).display().to_string();
        let words = ["apply", "--server-side", "--validate=strict", "--kustomize", &directory];
        cluster.kubectl(&[&words, more].concat()).unwrap()
    };
    // All at once into an empty cluster, as people do it.
    for shape in ["default", "one-pod"] {
        let applied = apply(shape, &[]);
        assert!(applied.contains("daemonset.apps/frr-k8s serverside-applied"), "{applied}");
    }
    for room in &rooms {
        apply(room, &["--dry-run=server"]);
    }
    make_the_default_account(&cluster);
    let directory = manifests("static-pod").display().to_string();
    let words = ["apply", "--server-side", "--validate=strict", "--dry-run=server", "--filename", &directory];
    cluster.kubectl(&words).unwrap();
    no_policy_has_warnings(&cluster);
}

/// The controller manager makes it, which is not here. It may be there already.
fn make_the_default_account(cluster: &Cluster) {
    let _ = cluster.kubectl(&["create", "serviceaccount", "default", "--namespace=frr-k8s-system"]);
}

/// The API server compiles a policy when it comes, and says in its status what it thinks of it where the controller manager
/// runs; what cannot be compiled it refuses. That the policies do what they say is tested in `cluster_permissions.rs`.
fn no_policy_has_warnings(cluster: &Cluster) {
    let policies = cluster.kubectl(&["get", "validatingadmissionpolicies", "--output=name"]).unwrap();
    assert_eq!(policies.lines().count(), 3, "{policies}");
}

#[test]
fn pods_are_accepted_as_their_daemon_sets_would_make_them() {
    let Some(tools) = cluster::tools() else { return };
    let cluster = Cluster::start(&tools, &ClusterOptions::default()).unwrap();
    for (shape, ..) in SHAPES {
        cluster
            .kubectl(&["apply", "--server-side", "--kustomize", &manifests(shape).display().to_string()])
            .unwrap();
        make_the_default_account(&cluster);
        for daemon_set in rendered(&tools, shape).kind("DaemonSet") {
            let template = &daemon_set["spec"]["template"];
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
                "metadata": {
                    "name": "made", "namespace": "frr-k8s-system", "labels": template["metadata"]["labels"],
                },
            });
            // Pod security, priority classes and service accounts are looked at now.
            let made = wait_until(std::time::Duration::from_secs(30), "the pod to be accepted", || {
                let mut text = tempfile::NamedTempFile::new().unwrap();
                std::io::Write::write_all(&mut text, pod.to_string().as_bytes()).unwrap();
                let path = text.path().to_string_lossy().into_owned();
                cluster
                    .kubectl(&["create", "--validate=strict", "--dry-run=server", "--filename", &path])
                    .map(|_| true)
            });
            assert!(made.is_ok(), "{shape}: {made:?}");
        }
    }
}

#[test]
fn labels_containers_and_ports_are_those_that_others_rely_on() {
    let Some(tools) = cluster::tools() else { return };
    for (shape, frr, agent) in SHAPES {
        let objects = rendered(&tools, shape);
        assert_eq!(container(objects.pod(frr), "frr")["image"], "quay.io/frrouting/frr:10.4.3", "{shape}");
        assert_eq!(
            container(objects.pod(frr), "prepare")["image"],
            "quay.io/frrouting/frr:10.4.3",
            "{shape}"
        );
        let pod = objects.pod(agent);
        assert_eq!(container(pod, "agent")["image"], "frrk8s:0.1.0", "{shape}");
        let labels = &objects.one("DaemonSet", agent)["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/component"], "frr-k8s", "{shape}");
        assert_eq!(pod["serviceAccountName"], "frr-k8s-daemon", "{shape}");
        let ports: Vec<&Value> = container(pod, "agent")["ports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|port| &port["containerPort"])
            .collect();
        assert_eq!(ports, [&json!(9140), &json!(9141)], "{shape}");
        // An agent whose FRR is away is well.
        assert_eq!(container(pod, "agent")["livenessProbe"]["httpGet"]["path"], "/healthz", "{shape}");
        let strategy = |name: &str| {
            objects.kind("DaemonSet").find(|set| set["metadata"]["name"] == name).unwrap()["spec"]["updateStrategy"]["type"].clone()
        };
        // What restarts FRR is for people to decide.
        assert_eq!(strategy(frr), "OnDelete", "{shape}");
        assert_eq!(strategy(agent), if agent == frr { "OnDelete" } else { "RollingUpdate" }, "{shape}");
        let namespace = objects.one("Namespace", "frr-k8s-system");
        let privileged = &namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
        assert_eq!(privileged, "privileged", "{shape}");
    }
}

#[test]
fn frr_is_the_same_in_every_shape() {
    let Some(tools) = cluster::tools() else { return };
    let objects = rendered(&tools, "default");
    let (alone, together) = (objects.pod("frr"), rendered(&tools, "one-pod"));
    let static_pod = fs::read_to_string(manifests("static-pod/frrk8s.yaml")).unwrap();
    let static_pod: Value = serde_saphyr::from_str(&static_pod).unwrap();
    for pod in [together.pod("frr-k8s"), &static_pod["spec"]] {
        assert_eq!(container(alone, "frr"), container(pod, "frr"));
        let mut prepare = container(alone, "prepare").clone();
        if pod["volumes"].as_array().unwrap().iter().all(|volume| volume["name"] != "host-run") {
            let mounts = prepare["volumeMounts"].as_array_mut().unwrap();
            mounts.retain(|mount| mount["name"] != "host-run");
        }
        assert_eq!(&prepare, container(pod, "prepare"));
    }
    let agent = container(objects.pod("frr-k8s"), "agent");
    assert_eq!(agent, container(together.pod("frr-k8s"), "agent"));
    let context = |container: &Value| container["securityContext"]["capabilities"].clone();
    assert_eq!(context(agent), context(container(&static_pod["spec"], "agent")));
    let groups = |pod: &Value| pod["securityContext"]["supplementalGroups"].clone();
    assert_eq!(groups(objects.pod("frr-k8s")), groups(&static_pod["spec"]));
}

#[test]
fn the_agent_has_no_capability_and_writes_to_three_directories_only() {
    let Some(tools) = cluster::tools() else { return };
    let objects = rendered(&tools, "default");
    let pod = objects.pod("frr-k8s");
    let agent = container(pod, "agent");
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    let context = &agent["securityContext"];
    assert_eq!(
        *context,
        json!({
            "runAsUser": 0, "runAsGroup": 0, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        })
    );
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let writes: Vec<&str> = agent["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mount| mount["readOnly"] != true)
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(writes, ["/run/frr", "/etc/frr", "/var/lib/frrk8s"]);
    // And FRR has no token.
    for (shape, frr, _) in SHAPES {
        let objects = rendered(&tools, shape);
        assert_eq!(objects.pod(frr)["automountServiceAccountToken"], false, "{shape}");
        let mounts = &container(objects.pod(frr), "frr")["volumeMounts"];
        assert!(!mounts.to_string().contains("api-access"), "{mounts}");
    }
}

/// The words of a unit's `ExecStart`.
fn unit_command() -> Vec<String> {
    let unit = fs::read_to_string(manifests("systemd/frrk8s.service")).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    line.replace(" $FRRK8S_OPTIONS", "").split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn the_executable_knows_every_option_of_the_manifests() {
    let Some(tools) = cluster::tools() else { return };
    let help = Command::new(EXECUTABLE).args(["agent", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> =
        help.split_whitespace().filter_map(|word| word.strip_suffix(',').or(Some(word))).collect();
    let static_pod = fs::read_to_string(manifests("static-pod/frrk8s.yaml")).unwrap();
    let static_pod: Value = serde_saphyr::from_str(&static_pod).unwrap();
    let mut all = unit_command();
    for pod in [&static_pod["spec"], rendered(&tools, "default").pod("frr-k8s")] {
        all.extend(command(container(pod, "agent"), &[]));
    }
    for word in all {
        let option = word.split('=').next().unwrap();
        let is_known = !option.starts_with("--") || known.contains(option);
        assert!(is_known, "{option}: {known:?}");
    }
    // And it takes what they are set to: an unreadable value would be wrong usage.
    let words: Vec<String> = unit_command().into_iter().map(|word| word.replace("%H", "n1")).collect();
    let stray = Command::new(EXECUTABLE).args(words).arg("--no-such-option").output().unwrap();
    let said = String::from_utf8_lossy(&stray.stderr).into_owned();
    assert!(stray.status.code() == Some(2) && said.contains("--no-such-option"), "{said}");
}

#[test]
fn a_component_makes_bgpd_listen_in_either_shape() {
    let Some(tools) = cluster::tools() else { return };
    for (shape, frr, _) in SHAPES {
        // A kustomization of theirs beside a copy of ours.
        let directory = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").arg("-r").arg(manifests("")).arg(directory.path().join("ours")).status();
        assert!(copied.unwrap().success());
        let theirs = directory.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        let text =
            format!("resources:\n- ../ours/{shape}\ncomponents:\n- ../ours/components/incoming-sessions\n");
        fs::write(theirs.join("kustomization.yaml"), text).unwrap();
        let objects = Rendered::of(&tools, &theirs).unwrap();
        let env = container(objects.pod(frr), "frr")["env"].as_array().unwrap().clone();
        assert!(env.contains(&json!({"name": "BGP_LISTEN_PORT", "value": "179"})), "{shape}: {env:?}");
        for set in objects.kind("DaemonSet").filter(|set| set["metadata"]["name"] != frr) {
            let names: Vec<&Value> = set["spec"]["template"]["spec"]["containers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| &it["name"])
                .collect();
            assert_eq!(names, [&json!("agent")], "{shape}");
        }
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let Ok(found) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("SKIPPED: no systemd-analyze");
        return;
    };
    assert!(found.status.success());
    // Its executable is not here; the rest is looked at.
    let directory = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(manifests("systemd/frrk8s.service")).unwrap();
    let path = directory.path().join("frrk8s.service");
    fs::write(&path, unit.replace("/usr/local/bin/frrk8s ", &format!("{EXECUTABLE} "))).unwrap();
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("frrk8s.service") && !line.contains("frr.service"))
        .collect();
    assert!(about.is_empty(), "{said}");
}

#[test]
fn the_crds_are_still_files_for_kubectl() {
    // A kustomization with an ending would be taken for one of them.
    let names = fs::read_dir(manifests("crds")).unwrap().map(|entry| entry.unwrap().path());
    let yaml = names.filter(|path| path.extension() == Some("yaml".as_ref()));
    let is_crd = |path: &Path| fs::read_to_string(path).unwrap().contains("kind: CustomResourceDefinition");
    assert!(yaml.into_iter().all(|path| is_crd(&path)));
}
