//! What disturbs a conversation with real FRR: daemons that die, other people, locks, and no permission.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use frrk8s_delta::Delta;
use frrk8s_document::Daemon;
use frrk8s_frr::{Change, FrrError, Limits, Refusal, Sockets, Transport as _, Vtysh};
use frrk8s_testkit::lab::{self, Router, RouterOptions, wait_until};
use tokio::runtime::Runtime;

use super::ground::{Ground, Way, delta, grounds};

const LIMIT: Duration = Duration::from_secs(30);

/// So many lines that whoever looks meanwhile sees that it has begun.
fn many(count: usize) -> Delta {
    let lines: Vec<String> = (0..count)
        .map(|number| format!("router bgp 64512 / neighbor 192.0.2.1 description number-{number}-"))
        .collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.insert(0, "router bgp 64512 / neighbor 192.0.2.1 remote-as 64513");
    delta(Daemon::Bgpd, &lines)
}

fn runs(router: &Router, text: &str) -> bool {
    router.running_config(lab::Daemon::Bgpd).is_ok_and(|config| config.contains(text))
}

/// Sends a delta, and does something to the router once a part of it has arrived.
fn send_and_disturb(
    runtime: &Runtime,
    ground: &mut Ground,
    delta: &Delta,
    disturb: impl FnOnce(&mut Router) + Send,
) -> Result<Vec<Refusal>, FrrError> {
    let Ground { router, transport, .. } = ground;
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_until(LIMIT, "the batch to begin", || Ok(runs(router, "description number-"))).unwrap();
            disturb(router);
        });
        let desired = "router bgp 64512\n";
        runtime.block_on(transport.send(&Change { delta, desired }))
    })
}

#[test]
fn a_daemon_that_dies_in_a_batch_is_an_outcome_with_the_line() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        let delta = many(100_000);
        let runtime = Runtime::new().unwrap();
        let error =
            send_and_disturb(&runtime, &mut ground, &delta, |router| router.kill(lab::Daemon::Bgpd).unwrap())
                .unwrap_err();
        let FrrError::Closed { daemon: Daemon::Bgpd, at } = &error else {
            panic!("{}: {error}", ground.name)
        };
        println!("{}: {error}", ground.name);
        assert_eq!(at.batch, Some(0), "{error}");
        // vtysh does not say at which line.
        let named = at.command.map(|command| &delta.batches[0].commands[command].line);
        assert!(ground.way == Way::Vtysh || named == Some(&at.line), "{error}");

        // The next use finds the next daemon.
        ground.router.start_daemon(lab::Daemon::Bgpd).unwrap();
        assert_eq!(
            runtime.block_on(ground.tell(&["router bgp 64512 / no bgp default ipv4-unicast"])).unwrap(),
            []
        );
        assert!(runs(&ground.router, "no bgp default ipv4-unicast"));
    }
}

#[tokio::test]
async fn a_dead_daemon_is_an_error_except_to_frr_reload() {
    for mut ground in grounds(&Way::ALL) {
        ground.router.kill(lab::Daemon::Bgpd).unwrap();
        let sent = ground.send(&delta(Daemon::Bgpd, &["router bgp 64512"]), "router bgp 64512\nexit\n").await;
        let outcome = sent.as_ref().map_or_else(FrrError::reason, |_| "Sent");
        let expected = match ground.way {
            Way::Sockets => "NotListening",
            Way::Vtysh => "ProgramFailed",
            Way::Reload => "Sent",
        };
        assert_eq!(outcome, expected, "{}: {sent:?}", ground.name);
    }
}

#[tokio::test]
async fn a_daemon_that_died_between_two_uses_is_no_loss() {
    for mut ground in grounds(&[Way::Sockets]) {
        assert_eq!(ground.tell(&["router bgp 64512"]).await.unwrap(), []);
        ground.router.kill(lab::Daemon::Bgpd).unwrap();
        let error = ground.tell(&["router bgp 64512"]).await.unwrap_err();
        assert_eq!(error.reason(), "NotListening", "{}", ground.name);
        ground.router.start_daemon(lab::Daemon::Bgpd).unwrap();
        assert_eq!(ground.tell(&["router bgp 64513"]).await.unwrap(), []);
        assert!(ground.bgpd().await.contains("router bgp 64513"), "{}", ground.name);
    }
}

/// Sends a signal to bgpd, which the lab has started.
fn signal(router: &Router, name: &str) {
    let pid = fs::read_to_string(router.run_directory().join("bgpd.pid")).unwrap();
    let script = format!("kill -s {name} {}", pid.trim());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

#[tokio::test]
async fn a_daemon_that_is_mute_ends_in_a_timeout_and_can_be_used_when_it_speaks_again() {
    let limits =
        Limits { reply: Duration::from_secs(1), program: Duration::from_secs(2), ..Limits::default() };
    for mut ground in grounds(&Way::ALL) {
        let delta = delta(Daemon::Bgpd, &["router bgp 64512"]);
        let desired = "router bgp 64512\nexit\n";
        let mut hasty = ground.way.to(&ground.router, limits);
        signal(&ground.router, "STOP");
        let error = hasty.send(&Change { delta: &delta, desired }).await.unwrap_err();
        let expected = if ground.way == Way::Sockets { "DaemonTimedOut" } else { "ProgramTimedOut" };
        assert_eq!(error.reason(), expected, "{}: {error}", ground.name);
        signal(&ground.router, "CONT");
        if ground.way == Way::Sockets {
            ground.transport = hasty;
        }
        assert_eq!(ground.send(&delta, desired).await.unwrap(), [], "{}", ground.name);
        assert!(ground.bgpd().await.contains("router bgp 64512"), "{}", ground.name);
    }
}

#[test]
fn a_batch_that_is_given_up_leaves_a_way_that_works() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        let (runtime, delta) = (Runtime::new().unwrap(), many(100_000));
        let Ground { router, transport, .. } = &mut ground;
        let change = Change { delta: &delta, desired: "" };
        let (begun, seen) = tokio::sync::oneshot::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                wait_until(LIMIT, "the batch to begin", || Ok(runs(router, "description number-"))).unwrap();
                begun.send(()).unwrap();
            });
            runtime.block_on(async {
                tokio::select! {
                    sent = transport.send(&change) => panic!("{sent:?}"),
                    seen = seen => seen.unwrap(),
                }
            });
        });
        let line = "neighbor 192.0.2.2 remote-as 64513";
        let sent = runtime.block_on(ground.tell(&[&format!("router bgp 64512 / {line}")]));
        assert_eq!(sent.unwrap(), [], "{}", ground.name);
        assert!(runs(&ground.router, line), "{}", ground.name);
    }
}

#[tokio::test]
async fn who_finds_mgmtd_locked_waits_and_says_so() {
    let limits =
        Limits { lock: Duration::from_millis(300), program: Duration::from_secs(2), ..Limits::default() };
    for mut ground in grounds(&Way::OF_DELTAS) {
        if ground.dialect().version().major < 10 {
            continue;
        }
        let delta = delta(Daemon::Mgmtd, &["vrf red / vni 5"]);
        let mut other = ground.router.vty(lab::Daemon::Mgmtd).unwrap();
        assert_eq!(other.command("configure terminal file-lock").unwrap().status, 0);
        let change = Change { delta: &delta, desired: "" };
        let error = ground.way.to(&ground.router, limits).send(&change).await.unwrap_err();
        let expected = if ground.way == Way::Sockets { "Locked" } else { "ProgramTimedOut" };
        assert_eq!(error.reason(), expected, "{}: {error}", ground.name);
        println!("{}: {error}", ground.name);
        assert!(!ground.transport.running(Daemon::Mgmtd).await.unwrap().contains("vni 5"));

        // The lock goes with the session, while we wait.
        let (sent, ()) = tokio::join!(ground.transport.send(&change), async {
            // Whichever comes first, it ends well: this way it has waited.
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(other);
        });
        assert_eq!(sent.unwrap(), [], "{}", ground.name);
        assert!(ground.transport.running(Daemon::Mgmtd).await.unwrap().contains("vni 5"));
    }
}

#[test]
fn somebody_else_may_type_meanwhile() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        let (runtime, ended) = (Runtime::new().unwrap(), AtomicBool::new(false));
        let lists: Vec<String> =
            (1..=200).map(|n| format!("ip prefix-list frrk8s-1 seq {n} permit 10.0.{n}.0/24")).collect();
        let mut lines: Vec<&str> = lists.iter().map(String::as_str).collect();
        lines.extend([
            "route-map m permit 1 / match ip address prefix-list frrk8s-1",
            "router bgp 64512 / neighbor 192.0.2.1 remote-as 64513",
        ]);
        let mut other = ground.router.vty(lab::Daemon::Bgpd).unwrap();
        let typed = thread::scope(|scope| {
            let typing = scope.spawn(|| {
                let mut typed = 0;
                while typed < 255 && !ended.load(Ordering::Relaxed) {
                    typed += 1;
                    for line in [
                        "configure terminal",
                        &format!("ip prefix-list other seq {typed} permit 10.200.{typed}.0/24"),
                        "end",
                    ] {
                        assert_eq!(other.command(line).unwrap().status, 0, "{line}");
                    }
                }
                typed
            });
            let refused = runtime.block_on(ground.tell(&lines));
            ended.store(true, Ordering::Relaxed);
            assert_eq!(refused.unwrap(), [], "{}", ground.name);
            typing.join().unwrap()
        });
        let config = runtime.block_on(ground.bgpd());
        println!("{}: {typed} lines typed meanwhile", ground.name);
        let count = |start: &str| config.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("ip prefix-list frrk8s-1 "), count("ip prefix-list other ")),
            (lists.len(), typed),
            "{}",
            ground.name
        );
        assert!(config.contains("neighbor 192.0.2.1 remote-as 64513"), "{config}");
    }
}

const DENIED: &str = "FRRK8S_FRR_TEST_DENIED";

#[test]
fn a_socket_without_permission_says_what_to_do() {
    // Run by itself with DENIED, this test is the process without capabilities.
    if let Some(directory) = std::env::var_os(DENIED) {
        let directory = Path::new(&directory);
        let runtime = Runtime::new().unwrap();
        let error = runtime.block_on(Sockets::new(directory).running(Daemon::Bgpd)).unwrap_err();
        assert_eq!(error.reason(), "SocketDenied");
        let group = fs::metadata(directory.join("bgpd.vty")).unwrap().gid();
        assert!(error.to_string().contains(&format!("group frrvty, here number {group},")), "{error}");
        let pathspace = directory.file_name().unwrap().to_string_lossy();
        let mut vtysh = Vtysh::new("/usr/bin/vtysh").with_pathspace(pathspace);
        let error = runtime.block_on(vtysh.running(Daemon::Bgpd)).unwrap_err();
        assert_eq!(error.reason(), "ProgramFailed", "{error}");
        return;
    }
    for install in lab::installs() {
        let router = Router::isolated(&install, RouterOptions::default()).unwrap();
        let output = Command::new("setpriv")
            .args(["--bounding-set=-all", "--inh-caps=-all", "--clear-groups"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "disturbed::a_socket_without_permission_says_what_to_do"])
            .env(DENIED, router.run_directory())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        // It also succeeds where no test has the name.
        assert!(output.status.success() && said.contains(" 1 passed"), "{said}");
    }
}
