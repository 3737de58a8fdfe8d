//! Raw lines that FRR does not take back: they are said, and hold nobody.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{
    Agent, Home, findings, isolated, neighbor, object, on_each, wait_for_config, wait_for_config_of,
};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_testkit::lab::Daemon;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// FRR 8.4 knows no `no` for it.
const LINE: &str = "detect-multiplier 5";

#[test]
fn a_raw_line_that_frr_does_not_take_back_stays_and_is_named_and_all_else_is_applied() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let proxy = Proxy::new(&router, Daemon::Bfdd, |_| Act::HandOn);
        let raw = |lines: &str| format!(", raw: {{rawConfig: \"bfd\\n peer 192.0.2.9\\n{lines}\"}}");
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        home.put("b.yaml", &object("b", &neighbor(4, ""), &raw(&format!("  {LINE}\\n"))));
        let agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        agent.wait_for_reason("Applied");
        wait_for_config_of(&router, Daemon::Bfdd, "the raw line", |text| text.contains(LINE));

        home.put("b.yaml", &object("b", &neighbor(5, ""), &raw("")));
        wait_for_config(&router, "the rest", |text| {
            text.contains("192.0.2.5 remote-as") && !text.contains("192.0.2.4 remote-as")
        });
        let stays = install.release().starts_with("8.");
        let count = usize::from(stays);
        let is_said = |report: &serde_json::Value| findings(report, "raw-left-behind").len() == count;
        let report = agent.wait_for("what stays to be said", |report| is_said(report));
        assert_eq!(report["reason"], "Applied", "{report:#}");
        if stays {
            let [finding] = findings(&report, "raw-left-behind")[..] else { panic!("{report:#}") };
            assert_eq!(
                (&finding["object"], &finding["path"]),
                (&"frr-k8s-system/b".into(), &"spec.raw.rawConfig".into())
            );
            let message = finding["message"].as_str().unwrap();
            assert!(message.contains("bfd / peer 192.0.2.9 / detect-multiplier 5"), "{message}");
        }

        // It is not tried again, whatever else comes; nor is it drift.
        home.put("c.yaml", &object("c", &neighbor(6, ""), ""));
        wait_for_config(&router, "another object", |text| text.contains("192.0.2.6 remote-as"));
        let report = agent.wait_for_reason("Applied");
        assert!(is_said(&report), "{report:#}");
        let tries =
            proxy.told().iter().filter(|line| line.ends_with(LINE) && line.starts_with("no ")).count();
        assert_eq!(tries, 1, "{:?}", proxy.told());

        // It is wanted again, and with the whole context it goes.
        home.put("b.yaml", &object("b", &neighbor(5, ""), &raw(&format!("  {LINE}\\n"))));
        agent.wait_for("it to be wanted", |report| findings(report, "raw-left-behind").is_empty());
        home.put("b.yaml", &object("b", &neighbor(5, ""), ""));
        wait_for_config_of(&router, Daemon::Bfdd, "the peer to go", |text| !text.contains("192.0.2.9"));
        let report = agent.wait_for_reason("Applied");
        assert!(findings(&report, "raw-left-behind").is_empty(), "{report:#}");
    });
}
