//! The executable as people run it: what it prints where, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/objects");
const RIVAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/conflict");
const PASSWORD: &str = "s3cret";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs `frrk8s` with these words, separated by blanks, and a text on its standard input.
fn run_with_input(words: &str, input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_frrk8s"))
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(words: &str) -> Ran {
    run_with_input(words, "")
}

/// Runs on objects in a file, with `FILE` in the words standing for it.
fn run_on(words: &str, yaml: &str) -> Ran {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("objects.yaml");
    fs::write(&file, yaml).unwrap();
    let file = file.to_string_lossy();
    let ran = run(&words.replace("FILE", &file));
    Ran { out: ran.out.replace(&*file, "FILE"), err: ran.err.replace(&*file, "FILE"), ..ran }
}

/// An object with one router.
fn object(name: &str, metadata: &str, router: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}{metadata}}}\n\
         spec: {{bgp: {{routers: [{{asn: 64512, {router}}}]}}}}\n---\n"
    )
}

#[test]
fn render_prints_the_configuration_and_nothing_else_on_stdout() {
    let ran = run(&format!("render -f {DEMO}"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("hostname worker-1\n"), "{}", ran.out);
    assert!(ran.out.contains(" neighbor 192.0.2.2 password s3cret\n"));
    assert!(ran.out.ends_with("exit\n"));
}

#[test]
fn only_render_shows_passwords_and_not_when_asked_not_to() {
    for words in [
        format!("render -f {DEMO} --mask-secrets"),
        format!("merge -f {DEMO}"),
        format!("merge -f {DEMO} -o json"),
        format!("check -f {DEMO} -f {RIVAL}"),
        format!("check -f {DEMO} -f {RIVAL} -o json"),
        format!("check -f {DEMO} -f {RIVAL} -o sarif"),
        format!("explain -f {DEMO} neighbor 192.0.2.2"),
        format!("explain -f {DEMO} line password"),
    ] {
        let ran = run(&words);
        assert!(
            !ran.out.contains(PASSWORD) && !ran.err.contains(PASSWORD),
            "{words}\n{}{}",
            ran.out,
            ran.err
        );
        assert!(!ran.out.is_empty(), "{words}");
    }
    let yaml = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1, password: 's3cret two'}]");
    let ran = run_on("check -f FILE", &yaml);
    assert!(ran.code == 3 && ran.out.contains("password-invalid"), "{}", ran.out);
    assert!(!ran.out.contains(PASSWORD), "{}", ran.out);
}

#[test]
fn a_conflict_shows_the_source_lines_of_every_party() {
    let ran = run(&format!("check -f {DEMO} -f {RIVAL}"));
    assert_eq!(ran.code, 3);
    for part in [
        "error[conflict-neighbor]: different asns for neighbor 192.0.2.2",
        "2-fabric.yaml:16:9",
        "asn: 64512",
        "rival.yaml:13:9",
        "asn: 65001",
        "^^^^^^^^^^",
        "----------",
        "help: agree on one value",
        "4 objects on 1 node: 1 error, 0 warnings, 0 infos",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
    assert!(!ran.out.contains('\u{1b}'), "colours where there is no terminal");
}

#[test]
fn under_freeze_a_conflict_leaves_stdout_empty_and_under_quarantine_what_is_in_order() {
    let frozen = run(&format!("render -f {DEMO} -f {RIVAL}"));
    assert_eq!((frozen.code, frozen.out.as_str()), (3, ""));
    assert!(frozen.err.contains("error[conflict-neighbor]"));
    let quarantined = run(&format!("render -f {DEMO} -f {RIVAL} --conflict-policy quarantine"));
    assert_eq!(quarantined.code, 3);
    assert_eq!(quarantined.out, run(&format!("render -f {DEMO}")).out);
}

#[test]
fn findings_as_json_have_a_version_and_places() {
    let ran = run(&format!("check -f {DEMO} -f {RIVAL} -o json"));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["schemaVersion"], &report["errors"]), (3, &"frrk8s/v1".into(), &1.into()));
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "conflict-neighbor");
    assert_eq!(finding["object"]["name"], "fabric-rack-a");
    assert_eq!(finding["path"], "spec.bgp.routers[0].neighbors[0].asn");
    assert_eq!((&finding["location"]["line"], &finding["location"]["column"]), (&16.into(), &9.into()));
    assert_eq!(finding["others"].as_array().unwrap().len(), 3);
    assert_eq!(finding["nodes"][0], "worker-1");
}

#[test]
fn findings_as_sarif_are_what_review_tools_read() {
    let ran = run(&format!("check -f {DEMO} -f {RIVAL} -o sarif"));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["version"], "2.1.0");
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], result["ruleId"]);
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("2-fabric.yaml"));
    assert_eq!(place["region"]["startLine"], 16);
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 3);
}

#[test]
fn merge_says_who_gave_each_value() {
    let ran = run(&format!("merge -f {DEMO} -o json"));
    let merged: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &merged["schemaVersion"], &merged["node"]),
        (0, &"frrk8s/v1".into(), &"worker-1".into())
    );
    let neighbor = &merged["routers"][0]["neighbors"][0];
    assert_eq!(neighbor["peer"], "192.0.2.2");
    assert_eq!(neighbor["port"]["from"][0]["object"], "frr-k8s-system/metallb-worker-1");
    assert_eq!(neighbor["sent"][0]["prefix"], "10.244.1.0/24");
    assert_eq!(neighbor["sent"][0]["communities"][0], "large:64512:244:1");
    let yaml = run(&format!("merge -f {DEMO}"));
    let same: Value = serde_saphyr::from_str(&yaml.out).unwrap();
    assert_eq!(same, merged);
}

#[test]
fn explain_says_who_and_why_not() {
    let neighbor = run(&format!("explain -f {DEMO} neighbor 192.0.2.2"));
    assert!(neighbor.out.contains("port = 179\n    frr-k8s-system/metallb-worker-1"), "{}", neighbor.out);
    assert!(neighbor.out.contains("3-metallb.yaml:20:9"));
    let absent = run(&format!("explain -f {DEMO} neighbor 192.0.2.99"));
    assert!(
        absent.code == 0 && absent.out.contains("no valid object of the input names it"),
        "{}",
        absent.out
    );
    let prefix = run(&format!("explain -f {DEMO} --always-block 10.96.0.0/12 prefix 10.250.0.0/16"));
    assert!(prefix.out.contains("to 192.0.2.2: not sent, no object allows it"), "{}", prefix.out);
    let blocked = run(&format!("explain -f {DEMO} --always-block 10.96.0.0/12 prefix 10.96.1.0/24"));
    assert!(blocked.out.contains("never taken, 10.96.0.0/12 is always blocked"), "{}", blocked.out);
    let line = run(&format!("explain -f {DEMO} line permit 203.0.113.11/32"));
    assert!(
        line.out.contains("metallb-worker-1 spec.bgp.routers[0].neighbors[0].toAdvertise"),
        "{}",
        line.out
    );
    let own = run(&format!("explain -f {DEMO} line no bgp default"));
    assert!(own.out.contains("how FRR-K8s sets up every router"), "{}", own.out);
}

#[test]
fn explain_names_objects_that_would_have_the_neighbor_but_for_their_selector_or_the_node_itself() {
    let node = "kind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\n";
    let mesh =
        object("mesh", "", "neighbors: [{address: 10.0.0.1, asn: 64512}, {address: 10.0.0.2, asn: 64512}]");
    let ran = run_on("explain -f FILE neighbor 10.0.0.1", &format!("{node}{mesh}"));
    assert!(ran.out.contains("ns/mesh") || ran.out.contains("this node's own address"), "{}", ran.out);
    let other = mesh.replace("spec: {", "spec: {nodeSelector: {matchLabels: {rack: b}}, ");
    let ran = run_on("explain -f FILE --node n9 neighbor 10.0.0.2", &other);
    assert!(ran.out.contains("does not select node n9"), "{}", ran.out);
    assert!(ran.err.contains("1 object does not select node n9"), "{}", ran.err);
}

#[test]
fn names_and_numbers_are_kept_from_what_runs() {
    let directory = TempDir::new().unwrap();
    let running = directory.path().join("running.conf");
    let first = run(&format!("render -f {DEMO}")).out;
    // As if the lists had got other names, and an entry another number, in the course of time.
    let moved = first.replace("frrk8s-4", "frrk8s-40").replace("-out permit 103", "-out permit 117");
    fs::write(&running, format!("Building configuration...\n\nfrr version 8.4.4\n{moved}end\n")).unwrap();
    let again = run(&format!("render -f {DEMO} --against {}", running.display()));
    assert_eq!((again.code, again.out), (0, moved));
}

#[test]
fn lists_and_standard_input_are_read_as_kubectl_prints_them() {
    let item = "{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRConfiguration, metadata: {name: a, namespace: x}, \
                spec: {bgp: {routers: [{asn: 7}]}}}";
    let list = format!("{{apiVersion: v1, kind: List, items: [{item}]}}");
    let ran = run_with_input("render -f -", &list);
    assert!(ran.code == 0 && ran.out.contains("router bgp 7\n"), "{}{}", ran.out, ran.err);
    let typed =
        format!("{{kind: FRRConfigurationList, items: [{}]}}", item.replace("kind: FRRConfiguration, ", ""));
    let ran = run_with_input("render -f -", &typed);
    assert!(ran.code == 0 && ran.out.contains("router bgp 7\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn the_namespace_that_counts_is_the_one_that_all_are_in_or_the_daemons() {
    let one = object("a", ", namespace: metallb-system", "neighbors: [{address: 10.0.0.1, asn: 1}]");
    assert_eq!(run_on("render -f FILE", &one).code, 0);
    let two = format!(
        "{one}{}",
        object("b", ", namespace: frr-k8s-system", "neighbors: [{address: 10.0.0.2, asn: 1}]")
    );
    let ran = run_on("render -f FILE", &two);
    assert!(ran.out.contains("10.0.0.2") && !ran.out.contains("10.0.0.1"), "{}", ran.out);
    assert!(ran.err.contains("warning[namespace-ignored]"), "{}", ran.err);
    let ran = run_on("render -f FILE -n metallb-system", &two);
    assert!(ran.out.contains("10.0.0.1") && !ran.out.contains("10.0.0.2"), "{}", ran.out);
    // An object without one counts as ours.
    let bare = format!("{two}{}", object("c", "", "neighbors: [{address: 10.0.0.3, asn: 1}]"));
    assert!(run_on("render -f FILE", &bare).out.contains("10.0.0.3"));
}

#[test]
fn a_node_is_chosen_where_there_are_several() {
    let nodes = "kind: Node\nmetadata: {name: n1, labels: {rack: a}}\n---\nkind: Node\nmetadata: {name: n2, labels: {rack: b}}\n---\n";
    let selecting = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1}]")
        .replace("spec: {", "spec: {nodeSelector: {matchLabels: {rack: a}}, ");
    let both = format!("{nodes}{selecting}");
    let ran = run_on("render -f FILE", &both);
    assert!(ran.code == 1 && ran.err.contains("choose one with --node"), "{}", ran.err);
    assert!(run_on("render -f FILE --node n1", &both).out.contains("10.0.0.1"));
    assert!(!run_on("render -f FILE --node n2", &both).out.contains("10.0.0.1"));
    assert!(run_on("render -f FILE --node n3 --node-label rack=a", &both).out.contains("10.0.0.1"));
    let checked = run_on("check -f FILE", &both);
    assert!(checked.out.contains("1 object on 2 nodes: 0 errors"), "{}", checked.out);
}

#[test]
fn two_objects_of_one_name_are_an_error_unless_they_are_the_same() {
    let a = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1}]");
    assert_eq!(run_on("check -f FILE", &format!("{a}{a}")).code, 0);
    let ran = run_on("check -f FILE", &format!("{a}{}", a.replace("asn: 1}", "asn: 2}")));
    assert!(ran.code == 3 && ran.out.contains("error[duplicate-object]"), "{}", ran.out);
    // A file that is named twice is read once.
    assert_eq!(
        run(&format!("render -f {DEMO} -f {DEMO}/2-fabric.yaml")).out,
        run(&format!("render -f {DEMO}")).out
    );
}

#[test]
fn a_missing_secret_stops_rendering_and_is_assumed_in_a_review() {
    let yaml = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1, passwordSecret: {name: elsewhere}}]");
    let rendered = run_on("render -f FILE", &yaml);
    assert!(rendered.code == 3 && rendered.err.contains("secret elsewhere not found"), "{}", rendered.err);
    let checked = run_on("check -f FILE", &yaml);
    assert!(checked.code == 0 && checked.out.contains("warning[secret-assumed]"), "{}", checked.out);
}

#[test]
fn other_kinds_are_skipped_with_a_note() {
    let yaml = format!("kind: Service\nmetadata: {{name: x}}\n---\n{}", object("a", "", "vrf: red"));
    let ran = run_on("render -f FILE", &yaml);
    assert!(ran.code == 0 && ran.err.contains("note: skipped 1 Service"), "{}", ran.err);
}

#[test]
fn the_log_level_of_the_daemon_is_rendered() {
    let daemon = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRK8sConfiguration\nmetadata: {name: config}\n\
                  spec: {logLevel: debug}\n---\n";
    let ran = run_on("render -f FILE", &format!("{daemon}{}", object("a", "", "vrf: red")));
    assert!(ran.out.contains("log stdout\n") && ran.out.contains("debug bgp nht\n"), "{}", ran.out);
}

#[test]
fn crds_are_those_of_the_manifests() {
    let ran = run("crds");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../manifests/crds");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    // The kustomization beside them has no ending.
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some()).collect();
    files.sort();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let body: String = text
            .lines()
            .filter(|line| !line.starts_with('#') && *line != "---")
            .flat_map(|line| [line, "\n"])
            .collect();
        assert!(ran.out.contains(body.trim()), "{}", file.display());
    }
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&format!("completions {shell}"));
        assert!(ran.code == 0 && ran.out.contains("frrk8s"), "{shell}");
    }
}

const SECRET: &str =
    "kind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/basic-auth\nstringData: {password: ";

#[test]
fn two_secrets_or_nodes_of_one_name_count_only_when_they_are_the_same() {
    let user = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1, passwordSecret: {name: s}}]");
    let secret = |password: &str| format!("{SECRET}{password}}}\n---\n");
    let same = run_on("render -f FILE", &format!("{user}{}{}", secret("one"), secret("one")));
    assert_eq!((same.code, same.err.as_str()), (0, ""));
    assert!(same.out.contains(" password one\n"), "{}", same.out);
    for policy in ["freeze", "quarantine"] {
        let yaml = format!("{user}{}{}", secret("one"), secret("two"));
        let ran = run_on(&format!("render -f FILE --conflict-policy {policy}"), &yaml);
        assert_eq!((ran.code, ran.out.contains("password")), (3, false), "{}", ran.out);
        assert!(ran.err.contains("error[duplicate-object]: the Secret s stands in"), "{}", ran.err);
    }
    let node = |label: &str| format!("kind: Node\nmetadata: {{name: node-1, labels: {{a: {label}}}}}\n---\n");
    let ran = run_on("render -f FILE", &format!("{}{}{}", object("a", "", ""), node("one"), node("two")));
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(ran.err.contains("the Node node-1 stands in"), "{}", ran.err);
}

#[test]
fn of_two_different_objects_of_one_name_none_counts() {
    let one = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1}]");
    let other = object("a", "", "neighbors: [{address: 10.0.0.2, asn: 1}]");
    for yaml in [format!("{one}{other}"), format!("{other}{one}")] {
        let ran = run_on("render -f FILE --conflict-policy quarantine", &yaml);
        assert_eq!((ran.code, ran.out.contains("neighbor")), (3, false), "{}", ran.out);
    }
}

#[test]
fn what_is_wrong_for_other_nodes_does_not_matter_to_one() {
    let elsewhere = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: bad}\n\
                     spec: {nodeSelector: {matchLabels: {a: b}}, bgp: {routers: [{asn: 0}]}}\n---\n";
    let yaml = format!("{elsewhere}{}", object("fine", "", ""));
    let ran = run_on("render -f FILE --node n", &yaml);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err, "note: 1 object does not select node n\n");
    assert_eq!(run_on("check -f FILE --node n", &yaml).code, 3);
    assert_eq!(run_on("render -f FILE --node n --node-label a=b", &yaml).code, 3);
}

#[test]
fn always_block_may_be_empty_and_said_twice() {
    let yaml = object("a", "", "neighbors: [{address: 10.0.0.1, asn: 1}]");
    let plain = run_on("render -f FILE", &yaml);
    assert_eq!(run_on("render -f FILE --always-block=", &yaml).out, plain.out);
    let both =
        run_on("render -f FILE --always-block=10.0.0.0/8 --always-block=172.16.0.0/12,fd00::/8", &yaml);
    for prefix in ["10.0.0.0/8", "172.16.0.0/12", "fd00::/8"] {
        assert!(both.out.contains(prefix), "{}", both.out);
    }
}

#[test]
fn a_session_without_unicast_is_sent_no_prefix() {
    let evpn = "addressFamilies: [evpn], toAdvertise: {allowed: {mode: all}}";
    let neighbor = format!("neighbors: [{{address: 10.0.0.1, asn: 1, {evpn}}}], evpn: {{}}");
    let yaml = object("a", "", &format!("prefixes: [10.9.0.0/16], {neighbor}"));
    let ran = run_on("explain -f FILE neighbor 10.0.0.1", &yaml);
    assert!(ran.out.contains("sent: no unicast routes"), "{}{}", ran.out, ran.err);
    let ran = run_on("explain -f FILE prefix 10.9.0.0/16", &yaml);
    assert!(ran.out.contains("to 10.0.0.1: not sent, the session does not carry its family"), "{}", ran.out);
    let ran = run_on("merge -f FILE -o json", &yaml);
    let merged: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(merged["routers"][0]["neighbors"][0]["sent"], serde_json::json!([]), "{}", ran.out);
}

#[test]
fn diff_prints_the_lines_between_two_configurations_and_what_happens_to_sessions() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let before = run(&format!("render -f {DEMO}")).out;
    let from = file("from.conf", &format!("frr version 8.4.4\n{before}ip route 0.0.0.0/0 192.0.2.2\n"));
    let same = run(&format!("diff --from {from} --to {}", file("same.conf", &before)));
    assert_eq!((same.code, same.out.as_str()), (0, "nothing to do\nsessions:\n  192.0.2.2: untouched\n"));
    assert_eq!(same.err, "note: 1 line of what runs are none of ours: they stay as they are\n");
    let to = before.replace("203.0.113.10/32", "203.0.113.12/32").replace(PASSWORD, "another");
    let to = file("to.conf", &to);
    let ran = run(&format!("diff --from {from} --to {to}"));
    for part in [
        "to bgpd:\n  ip prefix-list frrk8s-",
        "\n   address-family ipv4 unicast\n    no network 203.0.113.10/32\n",
        "\n  192.0.2.2: reset, because of `neighbor 192.0.2.2 password ***`\n",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
    assert!(!ran.out.contains(PASSWORD) && !ran.out.contains("another"), "{}", ran.out);
    let ran = run(&format!("diff --from {from} --to {to} -o json"));
    let delta: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&delta["schemaVersion"], &delta["frrVersion"]), (&"frrk8s/v1".into(), &"8.4".into()));
    assert_eq!(delta["sessions"][0]["change"], "reset");
    assert_eq!(delta["batches"][0]["daemon"], "bgpd");
    assert!(!ran.out.contains("another"), "{}", ran.out);
    let piped = run_with_input(&format!("diff --from - --to {to} --frr-version 10.3"), &before);
    assert!(piped.code == 0 && piped.out.contains("reset"), "{}{}", piped.out, piped.err);
    for (words, code, expected) in [
        ("diff --from /nowhere --to /nowhere", 1, "cannot read /nowhere"),
        ("diff --from x", 2, "--to"),
        ("diff --from x --to y --frr-version ten", 2, "is no version of FRR"),
    ] {
        let ran = run(words);
        assert!(ran.code == code && ran.err.contains(expected), "{words}: {} {}", ran.code, ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_route_target_is_explained_by_those_who_name_it() {
    let vni = |targets: &str| {
        format!(
            "neighbors: [{{address: 10.0.0.1, asn: 64512, addressFamilies: [evpn]}}], evpn: {{advertiseVNIs: All, \
             l2vnis: [{{vni: 100, importRTs: [{targets}]}}]}}"
        )
    };
    let yaml = object("a", "", &vni("'1:1'")) + &object("b", "", &vni("'1:1', '2:2'"));
    let ran = run_on("explain -f FILE line 'route-target import 2:2'", &yaml);
    let ran = if ran.out.contains("no line") { run_on("explain -f FILE line 2:2", &yaml) } else { ran };
    assert!(
        ran.out.contains("frr-k8s-system/b spec") && !ran.out.contains("frr-k8s-system/a spec"),
        "{}",
        ran.out
    );
    let ran = run_on("explain -f FILE line vni", &yaml);
    let vni = ran.out.lines().skip_while(|line| !line.ends_with("/ vni 100")).nth(1).unwrap();
    assert!(vni.contains("frr-k8s-system/a spec.bgp.routers[0].evpn.l2vnis[0].vni"), "{}", ran.out);
}
