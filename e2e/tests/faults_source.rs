//! Files that are half there, replaced, gone, or for somebody else: nothing is withdrawn that nobody asked to withdraw,
//! and FRR ends at what the objects ask for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use frrk8s_e2e::agent::{Agent, Home, bgpd, findings, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_e2e::wait_for_plan;
use frrk8s_testkit::lab::{FrrInstall, FrrVersion, Router, installs};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// So that there are lists and maps as well.
const ADVERTISES: &str = ", toAdvertise: {allowed: {mode: all}}";

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

fn runs(router: &Router, what: &str, numbers: &[u8]) {
    wait_for_config(router, what, |text| {
        (3..=9).all(|number| {
            text.contains(&format!("192.0.2.{number} remote-as 6451{number}")) == numbers.contains(&number)
        })
    });
}

/// Waits until a pass has begun and ended from now on.
fn wait_for_passes(agent: &Agent) {
    agent.wait_for_passes(2);
}

#[test]
fn a_directory_that_is_gone_withdraws_nothing_and_one_that_is_back_counts() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        let away = home.objects().with_file_name("away");
        fs::rename(home.objects(), &away).unwrap();
        let report = running.wait_for_reason("SourceUnreadable");
        assert!(report["message"].as_str().unwrap().contains("objects"), "{report:#}");
        wait_for_passes(&running);
        assert_eq!(bgpd(&router), before);
        assert_eq!(running.report()["reason"], "SourceUnreadable");
        // Another directory under the name, as a mount that comes back; and then changes in it are seen.
        fs::create_dir(home.objects()).unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        runs(&router, "what the new directory has", &[3]);
        running.wait_for_reason("Applied");
        home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
        runs(&router, "a change in the new directory", &[3, 5]);
    });
}

#[test]
fn a_directory_that_is_removed_file_by_file_ends_at_what_was_seen_last_and_one_made_anew_counts() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let text_of = |number: u8| object(&format!("of-{number}"), &neighbor(number, ADVERTISES), "");
        let all: String = (3..=9).map(|number| text_of(number) + "---\n").collect();
        let put_all = || (3..=9).for_each(|number| home.put(&format!("{number}.yaml"), &text_of(number)));
        put_all();
        let running = agent(&router, &home, &[]);
        let mut left = Vec::new();
        for pause in [0, 10, 20, 40] {
            wait_for_plan(&router, &all);
            running.wait_for_reason("Applied");
            // As `rm -r` does it, on disks that are slower and slower: passes come while it goes on, each over the files
            // that are still there.
            for entry in fs::read_dir(home.objects()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
                thread::sleep(Duration::from_millis(pause));
            }
            fs::remove_dir(home.objects()).unwrap();
            running.wait_for_reason("SourceUnreadable");
            wait_for_passes(&running);
            let report = running.wait_for_reason("SourceUnreadable");
            for said in [&report["message"], &report["sourceError"]] {
                assert!(said.as_str().is_some_and(|text| text.contains("objects")), "{report:#}");
            }
            running.wait_for_log(&["SourceUnreadable", "objects"]);
            let is_in_force = |number: &u8| {
                let name = format!("frr-k8s-system/of-{number}");
                let objects = report["objects"].as_array().unwrap();
                objects.iter().any(|object| object["object"] == *name && object["fate"] == "Accepted")
            };
            let seen: Vec<u8> = (3..=9).filter(is_in_force).collect();
            assert_eq!(report["objects"].as_array().unwrap().len(), seen.len(), "{report:#}");
            wait_for_plan(&router, &seen.iter().map(|number| text_of(*number) + "---\n").collect::<String>());
            left.push(seen.len());
            fs::create_dir(home.objects()).unwrap();
            put_all();
        }
        wait_for_plan(&router, &all);
        running.wait_for_reason("Applied");
        println!("FRR {}: of 7 objects {left:?} were left", install.release());
    });
}

#[test]
fn a_file_that_is_replaced_or_deleted_is_followed() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        home.put("b.yaml", &object("other", &neighbor(5, ""), ""));
        runs(&router, "the object in place of the other", &[3, 5]);
        home.remove("a.yaml");
        runs(&router, "the deleted object to go", &[5]);
        // One file becomes two under other names.
        home.put("d.yaml", &object("d", &neighbor(6, ""), ""));
        fs::rename(home.objects().join("b.yaml"), home.objects().join("c.yaml")).unwrap();
        runs(&router, "an object that moved", &[5, 6]);
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_file_that_is_written_slowly_in_place_withdraws_nothing_on_the_way() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let both = |last: u8| {
            let one = object("a", &neighbor(3, ""), "");
            format!("{one}---\n{}", object("b", &neighbor(last, ""), ""))
        };
        home.put("a.yaml", &both(4));
        let running = agent(&router, &home, &["--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        let text = both(5);
        let half = text.len() / 2 - 40;
        let mut file =
            OpenOptions::new().write(true).truncate(true).open(home.objects().join("a.yaml")).unwrap();
        for part in text.as_bytes()[..half].chunks(16) {
            file.write_all(part).unwrap();
            assert_eq!(bgpd(&router), before);
        }
        // Whoever takes too long is not waited for: then there is half a file, and it is said.
        let report =
            running.wait_for("the half file to be seen", |report| !findings(report, "unreadable").is_empty());
        assert_eq!(report["reason"], "Quarantined", "{report:#}");
        wait_for_passes(&running);
        assert_eq!(bgpd(&router), before);
        for part in text.as_bytes()[half..].chunks(16) {
            file.write_all(part).unwrap();
            let now = bgpd(&router);
            assert!(now.contains("192.0.2.3 remote-as"), "{now}");
        }
        drop(file);
        runs(&router, "what the whole file says", &[3, 5]);
        running.wait_for_reason("Applied");
    });
}

#[test]
fn a_half_written_file_that_an_agent_finds_when_it_starts_withdraws_nothing() {
    on_each(|install| {
        for policy in ["--conflict-policy=freeze", "--conflict-policy=quarantine"] {
            let (router, home) = (isolated(install), Home::new());
            home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
            home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
            let running = agent(&router, &home, &[policy]);
            running.wait_for_reason("Applied");
            running.stop();
            let before = bgpd(&router);
            let whole = object("b", &neighbor(4, ""), "");
            home.put("b.yaml", &whole[..whole.len() - 12]);
            let again = agent(&router, &home, &[policy]);
            let report = again
                .wait_for("the half file to be seen", |report| !findings(report, "unreadable").is_empty());
            assert_ne!(report["reason"], "Applied");
            wait_for_passes(&again);
            assert_eq!(bgpd(&router), before, "{policy}");
            home.put("b.yaml", &object("b", &neighbor(5, ""), ""));
            runs(&router, "the whole file", &[3, 5]);
            again.wait_for_reason("Applied");
        }
    });
}

#[test]
fn objects_of_other_namespaces_do_not_count() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let in_namespace = |namespace: &str, text: &str| {
            text.replace("metadata: {", &format!("metadata: {{namespace: {namespace}, "))
        };
        home.put("a.yaml", &in_namespace("default", &object("a", &neighbor(3, ""), "")));
        home.put("b.yaml", &in_namespace("frr-k8s-system", &object("b", &neighbor(4, ""), "")));
        home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
        let running = agent(&router, &home, &["--namespace=default"]);
        let report = running.wait_for_reason("Applied");
        runs(&router, "the objects of the namespace, and those of none", &[3, 5]);
        let objects: Vec<_> = report["objects"].as_array().unwrap().iter().map(|o| &o["object"]).collect();
        assert_eq!(objects, ["default/a", "default/c"], "{report:#}");
        running.stop();
        let other = agent(&router, &home, &[]);
        runs(&router, "the objects of the other namespace", &[4, 5]);
        other.wait_for_reason("Applied");
    });
}

#[test]
fn while_the_file_of_the_node_cannot_be_read_what_its_labels_select_stays() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {rack: r7}}\n";
        home.put("node.yaml", node);
        let selected = object("a", &neighbor(3, ""), ", nodeSelector: {matchLabels: {rack: r7}}");
        home.put("a.yaml", &selected);
        home.put("b.yaml", &object("b", &neighbor(4, ""), ", nodeSelector: {matchLabels: {rack: r8}}"));
        let running = agent(&router, &home, &["--node=n1", "--conflict-policy=quarantine"]);
        running.wait_for_reason("Applied");
        runs(&router, "what the node's labels select", &[3]);
        home.put("node.yaml", &node[..node.len() - 6]);
        running.wait_for("the half file to be seen", |report| !findings(report, "unreadable").is_empty());
        home.put("c.yaml", &object("c", &neighbor(5, ""), ""));
        runs(&router, "what others change meanwhile", &[3, 5]);
        // Also for an agent that has never seen the node.
        running.stop();
        let again = agent(&router, &home, &["--node=n1", "--conflict-policy=quarantine"]);
        again.wait_for("the half file to be seen", |report| !findings(report, "unreadable").is_empty());
        wait_for_passes(&again);
        runs(&router, "what was in force", &[3, 5]);
        home.put("node.yaml", &node.replace("r7", "r8"));
        runs(&router, "what the new labels select", &[4, 5]);
        again.wait_for_reason("Applied");
    });
}

#[test]
fn raw_lines_may_rest_on_other_raw_lines_and_on_what_is_generated() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("Applied");
        let before = bgpd(&router);
        // The group is refused where it is not made first, and so is the neighbor's without the neighbor.
        let group = ", raw: {priority: 5, rawConfig: \"router bgp 64512\\n neighbor far peer-group\\n neighbor far remote-as 64600\\n\"}";
        let member =
            ", raw: {priority: 10, rawConfig: \"router bgp 64512\\n neighbor 192.0.2.77 peer-group far\\n\"}";
        home.put("b.yaml", &object("b", "neighbors: []", member));
        running.wait_for_reason("RolledBack");
        assert_eq!(bgpd(&router), before);
        home.put("c.yaml", &object("c", "neighbors: []", group));
        running.wait_for_reason("Applied");
        let text = bgpd(&router);
        assert!(text.contains("neighbor 192.0.2.77 peer-group far"), "{text}");
        home.remove("b.yaml");
        home.remove("c.yaml");
        wait_for_config(&router, "the raw lines to go", |text| text == before);
        running.wait_for_reason("Applied");
    });
}

#[test]
fn an_frr_that_is_upgraded_under_the_agent_runs_the_same() {
    let of = |version| installs().into_iter().find(|install: &FrrInstall| install.version() == version);
    let (Some(old), Some(new)) = (of(FrrVersion::V8_4), of(FrrVersion::V10_3)) else { return };
    for (from, to) in [(&old, &new), (&new, &old)] {
        let home = Home::new();
        let routers = "prefixes: [10.1.0.0/16, 2001:db8:1::/48], neighbors: [\
             {address: 192.0.2.3, asn: 64513, bfdProfile: fast, password: s3cret, toAdvertise: {allowed: {mode: all}}}, \
             {address: 2001:db8::4, asn: 64514, toReceive: {allowed: {mode: all}}}]";
        let whole = object("a", routers, "").replace("bgp: {", "bgp: {bfdProfiles: [{name: fast}], ");
        home.put("a.yaml", &whole);
        for install in [from, to] {
            let router = isolated(install);
            let running = agent(&router, &home, &["--node=n1"]);
            let report = running.wait_for_reason("Applied");
            assert!(
                report["frrVersion"].as_str().unwrap().starts_with(&install.release()[..3]),
                "{report:#}"
            );
            let text = bgpd(&router);
            for line in ["192.0.2.3 password s3cret", "network 10.1.0.0/16", "2001:db8::4 remote-as 64514"] {
                assert!(text.contains(line), "{line}\n{text}");
            }
            // And a file that cannot be read holds it there.
            home.put("a.yaml", &whole[..whole.len() - 12]);
            running.wait_for("the half file to be seen", |report| !findings(report, "unreadable").is_empty());
            assert_eq!(bgpd(&router), text);
            running.stop();
            home.put("a.yaml", &whole);
        }
    }
}

#[test]
fn nobody_elsewhere_can_pause_the_agent() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        // The agent in the router's namespace, where it has an address that is not loopback's.
        let (pid, port) = (router.run_directory().join("bgpd.pid"), "7572");
        let pid = fs::read_to_string(pid).unwrap().trim().to_owned();
        let within = |script: &str| {
            Command::new("nsenter").args(["--net", "--target", &pid, "sh", "-ec", script]).output().unwrap()
        };
        let added = within(
            "ip link add outside type veth peer name inside && ip address add 192.0.2.1/24 dev inside && ip link set inside up",
        );
        assert!(added.status.success(), "{added:?}");
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let wrapper = home.objects().with_file_name("within");
        let script = format!(
            "#!/bin/sh\nfor word; do shift; case $word in --listen=*) word=--listen=0.0.0.0:{port} ;; esac; set -- \"$@\" \"$word\"; \
         done\nexec nsenter --net --target {pid} {EXECUTABLE} \"$@\"\n"
        );
        let write = r#"printf %s "$1" > "$0" && chmod +x "$0""#;
        assert!(Command::new("sh").args(["-c", write]).arg(&wrapper).arg(script).status().unwrap().success());
        let _running = Agent::start(&wrapper, &router, &home, &[]);
        wait_for_config(&router, "the neighbor", |text| text.contains("192.0.2.3 remote-as"));
        let frrk8s = |words: &str| {
            let output = within(&format!("{EXECUTABLE} {words}"));
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
        };
        let (code, said) = frrk8s(&format!("status --address=192.0.2.1:{port}"));
        assert_eq!(code, Some(0), "everybody may look: {said}");
        for words in ["pause 1h --reason=mischief", "resume"] {
            let (code, said) = frrk8s(&format!("{words} --address=192.0.2.1:{port}"));
            assert!(code == Some(1) && said.contains("only from the node itself"), "{said}");
        }
        let (_, said) = frrk8s(&format!("status --address=127.0.0.1:{port}"));
        assert!(!said.contains("Paused"), "{said}");
        let (code, said) = frrk8s(&format!("pause 1h --reason=ours --address=127.0.0.1:{port}"));
        assert_eq!(code, Some(0), "{said}");
    });
}
