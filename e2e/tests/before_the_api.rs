//! Nodes that need BGP before there is an API server: the static pod and the unit of `manifests/`, at work; and FRR of each
//! version takes the options that the manifests give its daemons.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_e2e::deployed::{FrrPod, agent_command, packaged_frr};
use frrk8s_e2e::pod::{Kubelet, container};
use frrk8s_e2e::rendered::manifests;
use frrk8s_testkit::lab::{Daemon, FrrInstall, Namespace, wait_until};
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

#[test]
fn a_static_pod_brings_up_frr_and_the_agent_without_an_api_server() {
    if packaged_frr().is_none() {
        return;
    }
    let text = fs::read_to_string(manifests("static-pod/frrk8s.yaml")).unwrap();
    let pod: Value = serde_saphyr::from_str(&text).unwrap();
    let pod = &pod["spec"];
    let kubelet = Kubelet::new("n1").with_program(Path::new(EXECUTABLE), "/frrk8s");
    // As docs/install.md says it.
    for file in ["daemons", "vtysh.conf", "prepare.sh"] {
        kubelet.put_file(&manifests("frr").join(file), &format!("/etc/frrk8s/frr/{file}"));
    }
    let home = Home::new();
    home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
    kubelet.put_file(&home.objects().join("a.yaml"), "/etc/frrk8s/objects/a.yaml");
    let namespace = Namespace::new("static").unwrap();
    let frr = FrrPod::start(pod, &kubelet, &namespace);
    let words = agent_command(container(pod, "agent"));
    let executable = kubelet.executable(pod, "agent", (&words, &[]));
    let running = Agent::start_with(&executable, Path::new("/"), &home, &[]);
    running.wait_for_reason("Applied");
    wait_until(LIMIT, "the neighbor", || Ok(frr.bgpd().contains("192.0.2.3 remote-as"))).unwrap();
    assert!(frr.bgpd().contains("hostname n1"));
    let startup = kubelet.on_the_node("/var/lib/frrk8s/startup/frr.conf");
    assert!(fs::read_to_string(startup).unwrap().contains("192.0.2.3 remote-as"));
    running.stop();
}

/// An executable of its own directory that runs ours as the unit says, from the words of its `ExecStart` aside.
fn as_the_unit(home: &Home) -> PathBuf {
    let unit = fs::read_to_string(manifests("systemd/frrk8s.service")).unwrap();
    let value =
        |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(value("CapabilityBoundingSet="), "");
    let script = format!(
        "#!/bin/sh\nexec setpriv --reuid={} --regid={} --groups={} --inh-caps=-all --bounding-set=-all --no-new-privs -- {EXECUTABLE} \"$@\"\n",
        value("User="),
        value("Group="),
        value("SupplementaryGroups="),
    );
    let path = home.objects().with_file_name("as-the-unit");
    // Written by another process: one of ours that is forked meanwhile would keep it open, and nobody could run it.
    let write = r#"printf %s "$1" > "$0" && chmod +x "$0""#;
    assert!(Command::new("sh").args(["-c", write]).arg(&path).arg(script).status().unwrap().success());
    // Its state directory is its own, as systemd makes it, and so is /etc/frr.
    let whole = home.objects().parent().unwrap().to_owned();
    assert!(Command::new("chown").args(["-R", "frr:frr"]).arg(whole).status().unwrap().success());
    path
}

#[test]
fn the_units_user_may_do_what_an_agent_needs() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let running = Agent::start(&as_the_unit(&home), &router, &home, &["--node=n1"]);
        running.wait_for_reason("Applied");
        wait_for_config(&router, "the neighbor", |text| text.contains("192.0.2.3 remote-as"));
        assert!(fs::read_to_string(home.frr_config()).unwrap().contains("192.0.2.3 remote-as"));
        running.stop();
    });
}

/// What `daemons` makes of the options of a daemon, by a shell as FRR reads it.
fn options(daemon: Daemon, listen: Option<&str>) -> Vec<String> {
    let script =
        format!(". {}; printf %s \"${}_options\"", manifests("frr/daemons").display(), daemon.name());
    let mut shell = Command::new("sh");
    shell.args(["-euc", &script]);
    if let Some(port) = listen {
        shell.env("BGP_LISTEN_PORT", port);
    }
    // FRR has no `set -u`; ours must not need its absence.
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// Whether a daemon takes options, by a dry run, or by asking for help behind them; what it said where it does not.
fn takes(install: &FrrInstall, daemon: Daemon, options: &[String]) -> Result<(), String> {
    // Of 10.3, what mgmtd configures has no dry run.
    let has_none = install.version().has_mgmtd() && matches!(daemon, Daemon::Mgmtd | Daemon::Staticd);
    let then = if has_none { "--help" } else { "-C" };
    let output = Command::new(install.program(daemon)).args(options).arg(then).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn frr_takes_the_options_of_its_daemons() {
    assert_eq!(options(Daemon::Bgpd, None), ["-P", "0", "-p", "0", "--limit-fds", "100000"]);
    assert_eq!(options(Daemon::Bgpd, Some("179"))[3], "179");
    assert!(options(Daemon::Zebra, None).windows(2).any(|words| words == ["-K", "120"]));
    on_each(|install| {
        for daemon in Daemon::ALL {
            if daemon == Daemon::Mgmtd && !install.version().has_mgmtd() {
                continue;
            }
            let mut options = options(daemon, None);
            takes(install, daemon, &options)
                .unwrap_or_else(|said| panic!("{daemon} {}: {said}", install.release()));
            options.push("--no-such-option".to_owned());
            assert!(takes(install, daemon, &options).is_err(), "{daemon} looks at options");
        }
    });
}
