//! What the system refuses the agent: sockets, a disk that is read only or full, and files that are not what was written.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_testkit::lab::{Daemon, FrrInstall, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

fn agent(router: &Router, home: &Home, options: &[&str]) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, options)
}

/// A program that runs the agent in a way that a script says, which has `"$@"` for the agent and its arguments.
fn wrapper(home: &Home, script: &str) -> PathBuf {
    let path = home.objects().with_file_name("wrapped");
    // Written by another process: one of ours that is forked meanwhile would keep it open, and nobody could run it.
    let words = format!("#!/bin/sh\nset -- {EXECUTABLE} \"$@\"\n{script}\n");
    let write = r#"printf %s "$1" > "$0" && chmod +x "$0""#;
    assert!(Command::new("sh").args(["-c", write]).arg(&path).arg(words).status().unwrap().success());
    path
}

/// Runs a shell command where the agent sees its own mounts.
fn inside(agent: &Agent, script: &str) {
    let pid = agent.pid().to_string();
    let status = Command::new("nsenter").args(["--mount", "--target", &pid, "sh", "-ec", script]).status();
    assert!(status.unwrap().success(), "{script}");
}

/// Figures are set a moment after the report.
fn wait_for_figure(agent: &Agent, what: &str, is_unkept: bool) {
    let name = format!("frrk8s_unkept{{what=\"{what}\"}}");
    wait_until(LIMIT, &name, || Ok((agent.figure(&name) > 0.5) == is_unkept)).unwrap();
}

/// Waits until an agent says everywhere that something cannot be kept.
fn wait_for_unkept(agent: &Agent, what: &str, reason: &str) {
    let report = agent.wait_for(&format!("{what} to be {reason}"), |report| {
        let unkept = report["unkept"].as_array().map(Vec::as_slice).unwrap_or_default();
        unkept.iter().any(|it| it["what"] == what && it["reason"] == reason)
    });
    let address = format!("--address={}", agent.address());
    let output = Command::new(EXECUTABLE).args(["status", &address]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.starts_with(&format!("disk      {what} cannot be kept since ")));
    assert!(line.is_some_and(|line| line.contains(&format!(": {reason}: cannot "))), "{said}\n{report:#}");
    wait_for_figure(agent, what, true);
    // Once, however often it is tried.
    let log = agent.log();
    let all = log.lines().filter(|line| line.contains("cannot be kept") && line.contains(what));
    assert_eq!(all.count(), 1, "{log}");
}

/// Waits until an agent says nowhere any more that something cannot be kept.
fn wait_for_kept(agent: &Agent, what: &str) {
    agent.wait_for("everything to be kept", |report| report["unkept"] == serde_json::json!([]));
    wait_for_figure(agent, what, false);
    agent.wait_for_log(&["can be kept again", what]);
}

/// The generations that an agent sees in its state directory.
fn generations(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state).into_iter().flatten().flatten().map(|entry| entry.path());
    let number =
        |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("generation-")?.parse::<u64>().ok();
    let mut numbered: Vec<(u64, PathBuf)> = entries.filter_map(|path| Some((number(&path)?, path))).collect();
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

fn copy(from: &str, to: &Path) {
    assert!(Command::new("cp").args(["-a", from]).arg(to).status().unwrap().success(), "{from}");
}

/// Wipes bgpd, as a restart with nothing does.
fn restart(router: &mut Router) {
    router.kill(Daemon::Bgpd).unwrap();
    router.start_daemon(Daemon::Bgpd).unwrap();
}

#[test]
fn an_agent_that_may_not_use_the_sockets_says_which_group_it_lacks_and_works_when_it_is_let_in() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        // Somebody without groups and capabilities, whose home it is.
        let whole = home.objects().parent().unwrap().display().to_string();
        let script = format!(
            "chown -R 65534:65534 {whole}\nexec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\""
        );
        let wrapped = wrapper(&home, &script);
        let grant = |what: &str| {
            let script = format!("chmod 0777 {}/{what}", router.run_directory().display());
            assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
        };
        let running = Agent::start(&wrapped, &router, &home, &[]);
        let report = running.wait_for_reason("SocketDenied");
        let message = report["message"].as_str().unwrap();
        assert!(message.contains("run with the supplementary group frrvty"), "{message}");
        assert!(!bgpd(&router).contains("router bgp"));
        grant("*.vty");
        running.wait_for_reason("Applied");
        assert!(bgpd(&router).contains("192.0.2.3 remote-as"));
    });
}

#[test]
fn a_state_directory_that_is_read_only_is_said_and_keeps_nothing_from_frr() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        fs::create_dir(home.state()).unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let state = home.state().display().to_string();
        let script = format!(
            "exec unshare --mount sh -ec 'mount -t tmpfs tmpfs {state}; chmod 0700 {state}; mount -o remount,ro {state}; exec \"$@\"' sh \"$@\""
        );
        let running = Agent::start(&wrapper(&home, &script), &router, &home, &[]);
        running.wait_for_reason("Applied");
        wait_for_unkept(&running, "LastGood", "DiskReadOnly");
        wait_for_unkept(&running, "Told", "DiskReadOnly");
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        wait_for_config(&router, "the change", |text| {
            text.contains("192.0.2.4 remote-as") && !text.contains("192.0.2.3")
        });
        // What could not be kept is kept at a later pass.
        inside(&running, &format!("mount -o remount,rw {state}"));
        let kept = || {
            let seen = generations(Path::new(&format!("/proc/{}/root{state}", running.pid())));
            let text = seen.last().map(|last| fs::read_to_string(last.join("frr.conf")).unwrap_or_default());
            Ok(text.is_some_and(|text| text.contains("192.0.2.4")))
        };
        wait_until(LIMIT, "the last good configuration to be kept", kept).unwrap();
        wait_for_kept(&running, "LastGood");
    });
}

#[test]
fn a_pause_that_cannot_be_kept_is_said_until_it_is_over() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        fs::create_dir(home.state()).unwrap();
        let state = home.state().display().to_string();
        let script = format!(
            "exec unshare --mount sh -ec 'mount -t tmpfs tmpfs {state}; chmod 0700 {state}; mount -o remount,ro {state}; exec \"$@\"' sh \"$@\""
        );
        let running = Agent::start(&wrapper(&home, &script), &router, &home, &[]);
        running.wait_for_reason("Idle");
        let frrk8s = |words: &[&str]| {
            let address = format!("--address={}", running.address());
            assert!(Command::new(EXECUTABLE).args(words).arg(address).status().unwrap().success());
        };
        frrk8s(&["pause", "1h", "--reason=hands on"]);
        wait_for_unkept(&running, "Pause", "DiskReadOnly");
        frrk8s(&["resume"]);
        wait_for_kept(&running, "Pause");
    });
}

/// A start-up file on a disk of the agent's own: how it is mounted, what is wrong with it then, and how that is mended.
fn start_up_file_on_a_disk(mount: &str, reason: &'static str, mend: &str) {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let directory = home.objects().with_file_name("frr");
        fs::create_dir(&directory).unwrap();
        let (at, state) = (directory.display().to_string(), home.state());
        let script = format!(
            "for word; do shift; case $word in --frr-config=*) word=--frr-config={at}/frr.conf;; esac; \
             set -- \"$@\" \"$word\"; done\n\
             exec unshare --mount sh -ec '{}; exec \"$@\"' sh \"$@\"",
            mount.replace("DISK", &at)
        );
        let running = Agent::start(&wrapper(&home, &script), &router, &home, &[]);
        running.wait_for_reason("Applied");
        wait_for_unkept(&running, "StartupFile", reason);
        assert_eq!(running.report()["unkept"].as_array().unwrap().len(), 1);
        assert!(!generations(&state).is_empty(), "the state directory has nothing to do with it");
        inside(&running, &mend.replace("DISK", &at));
        wait_for_kept(&running, "StartupFile");
        let seen = format!("/proc/{}/root{at}/frr.conf", running.pid());
        assert!(fs::read_to_string(seen).unwrap().contains("192.0.2.3 remote-as"));
    });
}

#[test]
fn a_start_up_file_in_a_directory_that_is_read_only_is_said_until_it_can_be_written() {
    start_up_file_on_a_disk(
        "mount -t tmpfs tmpfs DISK; mount -o remount,ro DISK",
        "DiskReadOnly",
        "mount -o remount,rw DISK",
    );
}

#[test]
fn a_start_up_file_on_a_full_disk_is_said_until_there_is_room() {
    start_up_file_on_a_disk(
        "mount -t tmpfs -o size=8k tmpfs DISK; dd if=/dev/zero of=DISK/ballast bs=4k count=2 status=none || true",
        "DiskFull",
        "rm DISK/ballast; mount -o remount,size=1m DISK",
    );
}

#[test]
fn what_a_full_disk_did_not_take_is_kept_when_there_is_room_and_held_by_the_next_agent() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        fs::create_dir(home.state()).unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let state = home.state().display().to_string();
        // A disk of the agent's own, which is full.
        let script = format!(
            "exec unshare --mount sh -ec 'mount -t tmpfs -o size=8k tmpfs {state}; chmod 0700 {state}; \
             dd if=/dev/zero of={state}/ballast bs=4k count=2 status=none || true; exec \"$@\"' sh \"$@\""
        );
        let first = Agent::start(&wrapper(&home, &script), &router, &home, &[]);
        first.wait_for_reason("Applied");
        wait_for_unkept(&first, "LastGood", "DiskFull");
        inside(&first, &format!("rm {state}/ballast; mount -o remount,size=1m {state}"));
        let seen = format!("/proc/{}/root{state}", first.pid());
        let is_kept = || Ok(!generations(Path::new(&seen)).is_empty());
        wait_until(LIMIT, "the last good configuration to be kept", is_kept).unwrap();
        wait_for_kept(&first, "LastGood");
        // The disk goes with the agent: what is on it is moved to another one.
        let away = home.objects().with_file_name("away");
        copy(&seen, &away);
        let before = bgpd(&router);
        first.kill();
        copy(&format!("{}/.", away.display()), &home.state());
        fs::remove_dir_all(home.objects()).unwrap();
        restart(&mut router);
        let next = agent(&router, &home, &[]);
        next.wait_for_reason("SourceUnreadable");
        wait_for_config(&router, "the last good configuration", |text| text == before);
    });
}

#[test]
fn of_a_last_good_configuration_that_is_corrupt_the_one_before_is_held_and_the_objects_prevail() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        for number in [3, 4] {
            home.put("a.yaml", &object("a", &neighbor(number, ""), ""));
            let running = agent(&router, &home, &[]);
            running.wait_for_reason("Applied");
            running.stop();
        }
        let corrupt = |generation: &Path| {
            let path = generation.join("frr.conf");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, &text[..text.len() / 2]).unwrap();
        };
        let kept = generations(&home.state());
        assert_eq!(kept.len(), 2);
        corrupt(&kept[1]);
        let away = home.objects().with_file_name("away");
        fs::rename(home.objects(), &away).unwrap();
        let before = bgpd(&router);
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("SourceUnreadable");
        running.wait_for_log(&["WARN", "LastGoodCorrupt", "set-aside-"]);
        assert_eq!(bgpd(&router), before, "what runs is newer than what is left on the disk");
        restart(&mut router);
        wait_for_config(&router, "the one before", |text| text.contains("192.0.2.3 remote-as"));
        fs::rename(&away, home.objects()).unwrap();
        running.wait_for_reason("Applied");
        let text = bgpd(&router);
        assert!(text.contains("192.0.2.4 remote-as") && !text.contains("192.0.2.3"), "{text}");
    });
}

#[test]
fn with_neither_a_last_good_configuration_nor_a_source_frr_is_left_alone() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        for number in [3, 4] {
            home.put("a.yaml", &object("a", &neighbor(number, ""), ""));
            let running = agent(&router, &home, &[]);
            running.wait_for_reason("Applied");
            running.stop();
        }
        for generation in generations(&home.state()) {
            fs::write(generation.join("frr.conf"), "router bgp 1\n").unwrap();
        }
        fs::rename(home.objects(), home.objects().with_file_name("away")).unwrap();
        let before = bgpd(&router);
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("SourceUnreadable");
        for moved in ["set-aside-1", "set-aside-2"] {
            running.wait_for_log(&["LastGoodCorrupt", moved]);
        }
        let passed = running.report()["passedAt"].clone();
        running.wait_for("another pass", |report| report["passedAt"] != passed);
        assert_eq!(bgpd(&router), before);
        assert_eq!(running.lines_told(), 0);
    });
}

/// Two neighbors, of which only the newest generation on the disk, which is corrupt, has the second; and no source.
fn with_the_newest_corrupt(install: &FrrInstall) -> (Router, Home, PathBuf) {
    let (router, home) = (isolated(install), Home::new());
    home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
    let running = agent(&router, &home, &[]);
    running.wait_for_reason("Applied");
    home.put("b.yaml", &object("b", &neighbor(4, ""), ""));
    wait_for_config(&router, "both", |text| text.contains("192.0.2.4 remote-as"));
    running.wait_for_reason("Applied");
    running.stop();
    let newest = generations(&home.state()).pop().unwrap();
    fs::write(newest.join("frr.conf"), "router bgp 1\n").unwrap();
    let away = home.objects().with_file_name("away");
    fs::rename(home.objects(), &away).unwrap();
    (router, home, away)
}

#[test]
fn what_runs_is_left_over_restarts_while_only_an_older_last_good_can_be_read() {
    on_each(|install| {
        let (router, home, away) = with_the_newest_corrupt(install);
        let before = bgpd(&router);
        for _ in 0..3 {
            let running = agent(&router, &home, &[]);
            running.wait_for_reason("SourceUnreadable");
            running.stop();
            assert_eq!(bgpd(&router), before);
        }
        // A source that FRR does not take leads back to what ran, not to what could be read.
        fs::rename(&away, home.objects()).unwrap();
        let raw = ", raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.5 no-such-option 7\\n\"}";
        home.put("c.yaml", &object("c", &neighbor(5, ""), raw));
        let running = agent(&router, &home, &[]);
        running.wait_for_reason("RolledBack");
        assert_eq!(bgpd(&router), before);
        home.remove("c.yaml");
        running.wait_for_reason("Applied");
        assert_eq!(bgpd(&router), before);
    });
}

#[test]
fn files_that_an_agent_left_half_written_do_not_keep_the_next_one_from_starting() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        fs::create_dir(home.state()).unwrap();
        for name in ["unfinished-7", "unfinished-told.conf", "pause-Xy12ab"] {
            fs::write(home.state().join(name), "{").unwrap();
        }
        fs::write(home.state().join("pause.json"), "{").unwrap();
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        agent(&router, &home, &[]).wait_for_reason("Applied");
    });
}
