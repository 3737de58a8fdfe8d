//! What a node says of itself in the cluster, and what its peer receives meanwhile, on a real API server, real FRR and a
//! real peer.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_api::{FRRConfiguration, FRRNodeStateStatus};
use frrk8s_e2e::agent::{on_each, wait_for_config_of};
use frrk8s_e2e::scenario::{Duo, object, objects};
use frrk8s_testkit::lab::{Daemon, RouterOptions};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const V4: &str = "192.0.2.1";

fn with_duo(test: impl Fn(Duo) + Sync) {
    on_each(|install| {
        if let Some(duo) = Duo::start(Path::new(EXECUTABLE), install, RouterOptions::default()) {
            test(duo);
        }
    });
}

/// The peer is a neighbor that receives a prefix.
fn receives(prefix: &str, more: &str) -> FRRConfiguration {
    let router = format!(
        "asn: 64512\nprefixes: [{prefix}]\nneighbors:\n\
         - {{address: 192.0.2.2, asn: 65001, connectTime: 1s{more}, toAdvertise: {{allowed: {{mode: all}}}}}}\n"
    );
    objects(&[&router]).remove(0)
}

fn named(name: &str, mut object: FRRConfiguration) -> FRRConfiguration {
    object.metadata.name = Some(name.to_owned());
    object
}

fn config(state: &FRRNodeStateStatus) -> &str {
    state.running_config.as_deref().unwrap_or_default()
}

#[test]
fn success_is_said_and_the_password_is_not() {
    with_duo(|mut duo| {
        duo.tell_peer("router bgp 65001\nneighbor 192.0.2.1 password swordfish");
        duo.subject.apply_yaml(
            "apiVersion: v1
kind: Secret
metadata: {name: fabric, namespace: NAMESPACE}
type: kubernetes.io/basic-auth
stringData: {password: swordfish}
",
        );
        duo.subject.put(vec![receives("10.1.0.0/16", ", passwordSecret: {name: fabric}")]);
        duo.wait_received("with the password", V4, &["10.1.0.0/16"]);
        duo.subject.wait_in_force("with the password");
        let state = duo.subject.state();
        assert!(config(&state).contains("router bgp 64512\n"), "{state:#?}");
        assert!(config(&state).contains("neighbor 192.0.2.2 password <retracted>\n"), "{state:#?}");
        assert!(!serde_json::to_string(&state).unwrap().contains("swordfish"), "{state:#?}");
        // A neighbor that goes is gone from there, too.
        duo.subject.put(objects(&["asn: 64512\nprefixes: [10.1.0.0/16]\n"]));
        duo.wait_received("without neighbor", V4, &[]);
        duo.subject.wait_in_force("without neighbor");
        assert!(!config(&duo.subject.state()).contains("192.0.2.2"));
    });
}

#[test]
fn a_raw_line_that_frr_refuses_changes_nothing() {
    with_duo(|mut duo| {
        duo.subject.put(vec![receives("10.1.0.0/16", "")]);
        duo.wait_received("before", V4, &["10.1.0.0/16"]);
        duo.subject.wait_in_force("before");
        let raw = "raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.2 no-such-thing\\n\"}";
        duo.subject.add(vec![object("raw", raw)]);
        let state = duo.subject.wait_for_state("the refusal", |state| {
            state.last_reload_result.as_deref().is_some_and(|result| result.contains("ERROR"))
        });
        assert!(state.last_reload_result.as_deref().unwrap().contains("no-such-thing"), "{state:#?}");
        assert!(config(&state).contains("neighbor 192.0.2.2 remote-as 65001\n"), "{state:#?}");
        let refused: Vec<_> = state.configurations.iter().filter(|result| result.reason.is_some()).collect();
        assert!(refused.iter().all(|result| result.name.as_deref() == Some("step-1-raw")), "{state:#?}");
        duo.wait_received("meanwhile", V4, &["10.1.0.0/16"]);
        assert_eq!(duo.ends().counters().unwrap()[0].dropped, 0);
        // It goes, and all is well again.
        duo.subject.put(vec![receives("10.2.0.0/16", "")]);
        duo.wait_received("after", V4, &["10.2.0.0/16"]);
        duo.subject.wait_in_force("after");
    });
}

#[test]
fn a_secret_that_is_missing_is_named_and_nothing_changes() {
    with_duo(|mut duo| {
        duo.subject.put(vec![receives("10.1.0.0/16", "")]);
        duo.wait_received("before", V4, &["10.1.0.0/16"]);
        duo.subject.wait_in_force("before");
        let other = "asn: 64512
prefixes: [10.2.0.0/16]
neighbors:
- {address: 192.0.2.2, asn: 65001, connectTime: 1s, toAdvertise: {allowed: {mode: all}}}
- {address: 192.0.2.3, asn: 65002, passwordSecret: {name: nonexisting}}
";
        duo.subject.add(vec![named("secret", objects(&[other]).remove(0))]);
        let state = duo.subject.wait_for_state("the missing Secret", |state| {
            state.last_conversion_result.as_deref().is_some_and(|result| result.starts_with("failed"))
        });
        let result = state.last_conversion_result.as_deref().unwrap();
        assert!(result.contains("nonexisting") && result.contains("step-1-secret"), "{result}");
        assert_eq!(state.last_reload_result.as_deref(), Some("success"));
        duo.wait_received("meanwhile", V4, &["10.1.0.0/16"]);
        // It comes.
        duo.subject.apply_yaml(
            "apiVersion: v1
kind: Secret
metadata: {name: nonexisting, namespace: NAMESPACE}
type: kubernetes.io/basic-auth
stringData: {password: swordfish}
",
        );
        duo.wait_received("with the Secret", V4, &["10.1.0.0/16", "10.2.0.0/16"]);
        duo.subject.wait_for_state("with the Secret", |state| {
            state.last_conversion_result.as_deref() == Some("success")
                && config(state).contains("neighbor 192.0.2.3 remote-as 65002\n")
        });
    });
}

#[test]
fn an_object_in_another_namespace_is_never_applied() {
    with_duo(|mut duo| {
        duo.subject.apply_yaml(
            "apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE-other}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: foreign, namespace: NAMESPACE-other}
spec:
  bgp:
    routers:
    - asn: 64512
      prefixes: [10.3.0.0/16]
      neighbors: [{address: 192.0.2.2, asn: 65001, toAdvertise: {allowed: {mode: all}}}]
",
        );
        // What was written later has been applied: the agent has had time to see the other one.
        for prefix in ["10.1.0.0/16", "10.2.0.0/16"] {
            duo.subject.put(vec![receives(prefix, "")]);
            duo.wait_received("the own object", V4, &[prefix]);
            duo.subject.wait_in_force("the own object");
        }
        assert!(!config(&duo.subject.state()).contains("10.3.0.0/16"));
    });
}

#[test]
fn raw_snippets_of_two_objects_make_a_neighbor_by_their_priorities() {
    with_duo(|mut duo| {
        // By name, the second would come first, and FRR would refuse it.
        let objects = vec![
            object(
                "z-first",
                "raw:
  priority: 5
  rawConfig: |
    router bgp 64512
     no bgp ebgp-requires-policy
     no bgp network import-check
     no bgp default ipv4-unicast
     neighbor 192.0.2.2 remote-as 65001
     neighbor 192.0.2.2 timers connect 1
",
            ),
            object(
                "a-second",
                "raw:
  priority: 10
  rawConfig: |
    router bgp 64512
     address-family ipv4 unicast
      neighbor 192.0.2.2 activate
      network 10.1.0.0/16
     exit-address-family
",
            ),
        ];
        duo.subject.put(objects);
        duo.wait_received("of raw lines", V4, &["10.1.0.0/16"]);
        duo.wait_believed("of raw lines", "192.0.2.2", &["10.9.0.0/16"]);
        let state = duo.subject.wait_for_state("raw lines", |state| {
            let counts = state.counts.clone().unwrap_or_default();
            state.last_reload_result.as_deref() == Some("success")
                && (counts.accepted, counts.sessions_up) == (2, 1)
        });
        assert!(config(&state).contains("neighbor 192.0.2.2 remote-as 65001\n"), "{state:#?}");
        // They go with their objects.
        duo.subject.put(Vec::new());
        duo.wait_received("nothing", V4, &[]);
        wait_for_config_of(&duo.subject.router, Daemon::Bgpd, "no router", |text| {
            !text.contains("router bgp")
        });
    });
}

#[test]
fn the_level_of_the_log_is_that_of_the_configuration_object() {
    const DEBUG_LINES: [&str; 3] = ["debug zebra events", "debug zebra kernel", "debug zebra rib"];
    let level = |level: &str| {
        format!(
            "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRK8sConfiguration\n\
             metadata: {{name: config, namespace: NAMESPACE}}\nspec: {{logLevel: {level}}}\n"
        )
    };
    with_duo(|mut duo| {
        duo.subject.put(vec![receives("10.1.0.0/16", "")]);
        duo.wait_received("before", V4, &["10.1.0.0/16"]);
        let wait_for_line = |duo: &Duo, line: &str| {
            for daemon in [Daemon::Bgpd, Daemon::Bfdd, Daemon::Zebra] {
                wait_for_config_of(&duo.subject.router, daemon, line, |text| {
                    text.lines().any(|found| found == line)
                });
            }
        };
        wait_for_line(&duo, "log stdout informational");
        duo.subject.apply_yaml(&level("debug"));
        // FRR prints this level by saying none.
        wait_for_line(&duo, "log stdout");
        wait_for_config_of(&duo.subject.router, Daemon::Zebra, "its debug lines", |text| {
            DEBUG_LINES.iter().all(|line| text.contains(line))
        });
        wait_for_config_of(&duo.subject.router, Daemon::Bgpd, "its debug lines", |text| {
            text.contains("debug bgp neighbor-events") && text.contains("debug bgp keepalives")
        });
        // The agent itself: this line is of that level.
        duo.subject.agent.wait_for_log(&["DEBUG"]);
        duo.subject.apply_yaml(&level("warn"));
        wait_for_line(&duo, "log stdout warnings");
        duo.subject
            .cluster()
            .kubectl(&["delete", "frrk8sconfiguration", "config", "-n", duo.subject.namespace()])
            .unwrap();
        wait_for_line(&duo, "log stdout informational");
        wait_for_config_of(&duo.subject.router, Daemon::Bgpd, "no debug lines", |text| {
            !text.contains("debug bgp")
        });
        // One with another name does not count, and nobody lost a session over all this.
        duo.subject.apply_yaml(&level("error").replace("name: config", "name: other"));
        duo.subject.put(vec![receives("10.2.0.0/16", "")]);
        duo.wait_received("after", V4, &["10.2.0.0/16"]);
        wait_for_line(&duo, "log stdout informational");
        assert_eq!(duo.ends().counters().unwrap()[0].dropped, 0);
        duo.subject.wait_in_force("after");
    });
}
