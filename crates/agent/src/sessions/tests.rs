#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use frrk8s_document::{Daemon, Dialect, Version};
use frrk8s_frr::{Change, FrrError, Place, Refusal, Transport};
use jiff::Timestamp;

use super::bfd::{self, BfdKey};
use super::ledger::Ledger;
use super::pulse::{Life, Pulse};
use super::read::{self, Neighbor};
use super::watch::{Seen, Watcher};

macro_rules! fixture {
    ($name:literal) => {
        [
            ("8.4", include_str!(concat!("fixtures/v84-", $name, ".json"))),
            ("10.3", include_str!(concat!("fixtures/v103-", $name, ".json"))),
            ("10.7", include_str!(concat!("fixtures/v107-", $name, ".json"))),
        ]
    };
}

fn outline(neighbor: &Neighbor) -> String {
    let Neighbor { vrf, peer, state, prefixes_in, prefixes_out, bfd, .. } = neighbor;
    format!("{vrf} {peer} {state} {prefixes_in} {prefixes_out} {}", bfd.as_deref().unwrap_or("-"))
}

#[test]
fn every_version_names_its_sessions() {
    for (version, json) in fixture!("bgp-vrf-all-neighbors") {
        let neighbors = read::neighbors(json).unwrap();
        let bfd = if version == "10.7" { "Down" } else { "Up" };
        let expected = [
            format!("default 10.99.0.2 Established 1 1 {bfd}"),
            "default 10.99.0.77 Idle 0 0 -".to_owned(),
            "default fd99::2 Established 1 1 -".to_owned(),
        ];
        assert_eq!(neighbors.iter().map(outline).collect::<Vec<_>>(), expected, "{version}");
        assert!(neighbors[0].since.is_some() && neighbors[1].since.is_none(), "{version}");
        assert!(neighbors[0].messages.total_sent >= neighbors[0].messages.updates_sent, "{version}");
        assert_eq!(neighbors[0].asn, 64513, "{version}");
    }
}

#[test]
fn sessions_of_vrfs_stand_beside_facts_about_them() {
    for (version, json) in fixture!("bgp-vrf-all-neighbors-vrfnetns") {
        let neighbors: Vec<String> =
            read::neighbors(json).unwrap().iter().map(|it| format!("{} {}", it.vrf, it.peer)).collect();
        assert_eq!(neighbors, ["default 10.99.0.2", "red 10.98.0.2", "red fd98::2"], "{version}");
        // Two families are added up.
        assert_eq!(read::neighbors(json).unwrap()[2].prefixes_out, 2, "{version}");
    }
}

#[test]
fn the_summary_has_what_changes_by_itself() {
    for (version, json) in fixture!("bgp-vrf-all-summary-vrfnetns") {
        let states = read::states(json).unwrap();
        let red = states[&("red".to_owned(), "fd98::2".to_owned())].clone();
        assert_eq!(red, ("Established".to_owned(), 1, 0), "{version}");
        assert_eq!(states.len(), 3, "{version}");
    }
    for (version, json) in fixture!("bgp-vrf-all-summary") {
        assert!(!read::states(json).unwrap().is_empty(), "{version}");
    }
    for (version, json) in fixture!("bgp-vrfs") {
        assert_eq!(read::counts(json).unwrap(), [("default".to_owned(), 3)].into(), "{version}");
    }
}

#[test]
fn a_bgpd_without_bgp_has_no_sessions_and_other_words_are_an_error() {
    assert_eq!(read::neighbors("{\n}\n").unwrap(), []);
    assert!(read::states("{\n}\n").unwrap().is_empty());
    assert!(read::counts("{\n  \"vrfs\":{\n  },\n  \"totalVrfs\":0\n}\n").unwrap().is_empty());
    assert!(read::neighbors("").is_err());
    assert!(read::neighbors("{\"default\":{\"vrfId\":0,").is_err());
    assert!(bfd::peers("BFD is not running").is_err());
}

#[test]
fn bfd_sessions_have_a_state_and_counters() {
    for (version, json) in fixture!("bfd-peers") {
        let peers = bfd::peers(json).unwrap();
        let (key, status) = peers.first_key_value().unwrap();
        assert_eq!((key.vrf.as_str(), key.peer.as_str()), ("default", "10.99.0.2"), "{version}");
        let is_up = if version == "10.7" { "down" } else { "up" };
        assert_eq!(status, is_up, "{version}");
    }
    for (version, json) in fixture!("bfd-peers-counters") {
        let counters = bfd::counters(json).unwrap();
        let (_, counters) = counters.first_key_value().unwrap();
        assert!(counters.control_packet_input > 0 && counters.zebra_notifications > 0, "{version}");
    }
    let red = bfd::peers(include_str!("fixtures/v107-bfd-peers-vrfnetns.json")).unwrap();
    assert!(red.keys().any(|key| key.vrf == "red"));
    // Two sessions with one address are two.
    let two = r#"[{"peer": "fe80::1", "vrf": "default", "interface": "e0", "status": "up"},
                  {"peer": "fe80::1", "vrf": "default", "interface": "e1", "status": "down"}]"#;
    assert_eq!(bfd::peers(two).unwrap().len(), 2);
    assert!(bfd::peers(two).unwrap().contains_key(&BfdKey {
        vrf: "default".to_owned(),
        peer: "fe80::1".to_owned(),
        local: String::new(),
        interface: "e0".to_owned(),
    }));
}

fn up(peer: &str, since: i64) -> Neighbor {
    let since = Some(Timestamp::from_second(since).unwrap());
    let (vrf, peer, state) = ("default".to_owned(), peer.to_owned(), "Established".to_owned());
    Neighbor { vrf, peer, state, since, ..Neighbor::default() }
}

fn known(ledger: &Ledger) -> Vec<String> {
    let sessions = ledger.sessions().unwrap();
    sessions.iter().map(|it| format!("{} {}", it.peer, it.state)).collect()
}

#[test]
fn a_new_bgpd_that_knows_nothing_yet_takes_nothing_away() {
    let (start, clock) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let at = |seconds| (start + Duration::from_secs(seconds), clock);
    let mut ledger = Ledger::default();
    assert_eq!(ledger.sessions(), None);
    ledger.take(&[up("a", 100), up("b", 100)], false, at(0));
    ledger.note_gone(start + Duration::from_secs(1));
    assert_eq!(known(&ledger), ["a Idle", "b Idle"], "nobody runs them");
    assert_eq!(ledger.sessions().unwrap()[0].last_reset.as_deref(), Some("bgpd does not run"));
    ledger.take(&[], true, at(2));
    ledger.take(&[up("a", 103)], false, at(4));
    assert_eq!(known(&ledger), ["a Established", "b Idle"]);
    assert!(ledger.is_waiting());
    ledger.take(&[up("a", 103)], false, at(13));
    assert_eq!(known(&ledger), ["a Established"], "it did not come back");
    assert!(!ledger.is_waiting());
}

#[test]
fn a_session_that_is_removed_goes_at_once() {
    let (start, clock) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let mut ledger = Ledger::default();
    ledger.take(&[up("a", 100), up("b", 100)], false, (start, clock));
    ledger.take(&[up("a", 100)], false, (start + Duration::from_secs(1), clock));
    assert_eq!(known(&ledger), ["a Established"]);
}

#[test]
fn a_moment_that_is_computed_again_stays_the_same() {
    let (start, clock) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let mut ledger = Ledger::default();
    let since = |ledger: &Ledger| ledger.sessions().unwrap()[0].established_since.unwrap().as_second();
    for (said, expected) in [(100, 100), (101, 100), (99, 100), (200, 200)] {
        ledger.take(&[up("a", said)], false, (start, clock));
        assert_eq!(since(&ledger), expected);
    }
}

#[test]
fn how_long_ago_prefixes_were_counted_is_known() {
    let (start, clock) = (Instant::now(), Timestamp::UNIX_EPOCH);
    let mut ledger = Ledger::default();
    let age = |ledger: &Ledger, now| {
        let session = ledger.sessions().unwrap().remove(0);
        session.at(Timestamp::from_second(now).unwrap()).counted_seconds
    };
    ledger.take(&[up("a", 100)], false, (start, clock));
    assert_eq!(age(&ledger, 240), Some(240));
    ledger.take(&[up("a", 100)], false, (start, Timestamp::from_second(300).unwrap()));
    assert_eq!(age(&ledger, 301), Some(1));
    ledger.note_gone(start);
    assert_eq!(age(&ledger, 302), None, "there are none");
}

#[test]
fn slow_daemons_live_and_missing_ones_do_not() {
    let start = Instant::now();
    let later = |seconds| start + Duration::from_secs(seconds);
    let (bgpd, ok) = (Daemon::Bgpd, Ok::<(), FrrError>(()));
    let late = || {
        Err::<(), _>(FrrError::TimedOut { daemon: bgpd, at: Place::default(), limit: Duration::from_mins(1) })
    };
    let gone = || Err::<(), _>(FrrError::NoSocket { daemon: bgpd, path: "/run/frr/bgpd.vty".into() });
    let mut pulse = Pulse::new(start);
    assert_eq!(pulse.life(start), Life::Missing(vec![bgpd]), "nobody has looked");
    let dialect = Dialect::new(Version { major: 8, minor: 4 });
    pulse.want(dialect);
    for daemon in dialect.all_daemons().into_iter().filter(|daemon| *daemon != Daemon::Staticd) {
        pulse.note(daemon, &ok, later(1));
    }
    assert_eq!(pulse.life(later(2)), Life::Lives, "without staticd, which was never seen");
    pulse.note(bgpd, &late(), later(300));
    assert_eq!(pulse.life(later(300)), Life::Lives, "a long commit");
    assert!(pulse.note(bgpd, &gone(), later(301)), "news");
    assert!(!pulse.note(bgpd, &gone(), later(301)), "no news");
    assert_eq!(pulse.life(later(301)), Life::Missing(vec![bgpd]));
    for daemon in dialect.all_daemons() {
        pulse.note(daemon, &ok, later(302));
    }
    assert_eq!(pulse.life(later(303)), Life::Lives);
    let others = dialect.all_daemons().into_iter().filter(|daemon| *daemon != bgpd);
    for daemon in others {
        pulse.note(daemon, &ok, later(1000));
    }
    assert_eq!(pulse.life(later(1000)), Life::Silent(vec![bgpd]));
}

/// An FRR that answers what it is given, and counts.
struct Fake {
    asked: Arc<std::sync::Mutex<Vec<String>>>,
    state: Arc<std::sync::Mutex<&'static str>>,
}

impl Transport for Fake {
    async fn version(&mut self) -> Result<Version, FrrError> {
        Ok(Version { major: 10, minor: 3 })
    }

    async fn running(&mut self, _: Daemon) -> Result<String, FrrError> {
        Ok(String::new())
    }

    async fn ask(&mut self, _: Daemon, command: &str) -> Result<String, FrrError> {
        self.asked.lock().unwrap().push(command.to_owned());
        let state = *self.state.lock().unwrap();
        Ok(match command {
            read::SUMMARY => {
                format!(r#"{{"default": {{"ipv4Unicast": {{"peers": {{"a": {{"state": "{state}"}}}}}}}}}}"#)
            }
            read::VRFS => r#"{"vrfs": {"default": {"numConfiguredPeers": 1}}}"#.to_owned(),
            read::NEIGHBORS => format!(r#"{{"default": {{"vrfId": 0, "a": {{"bgpState": "{state}"}}}}}}"#),
            _ => "[]".to_owned(),
        })
    }

    async fn send(&mut self, _: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn all_of_it_is_read_only_when_something_changed() {
    let (asked, state) = (Arc::default(), Arc::new(std::sync::Mutex::new("Idle")));
    let seen = Arc::new(Seen::default());
    let fake = Fake { asked: Arc::clone(&asked), state: Arc::clone(&state) };
    let mut watcher = Watcher::new(fake, Arc::clone(&seen));
    let read = |asked: &std::sync::Mutex<Vec<String>>| {
        asked.lock().unwrap().iter().filter(|command| *command == read::NEIGHBORS).count()
    };
    let told = || seen.sessions.borrow().clone().unwrap()[0].state.clone();
    watcher.look().await;
    assert_eq!((read(&asked), told().as_str()), (1, "Idle"));
    watcher.look().await;
    assert_eq!(read(&asked), 1, "nothing has changed");
    *state.lock().unwrap() = "Established";
    watcher.look().await;
    assert_eq!((read(&asked), told().as_str()), (2, "Established"));
}

#[tokio::test]
async fn who_scrapes_at_the_same_time_shares_a_reading() {
    let asked: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let fake = Fake { asked: Arc::clone(&asked), state: Arc::new(std::sync::Mutex::new("Idle")) };
    let seen = Arc::new(Seen::default());
    let task = tokio::spawn(Watcher::new(fake, Arc::clone(&seen)).run());
    let scrapes = (0..20).map(|_| seen.scrape());
    let all = futures_util::future::join_all(scrapes).await;
    assert!(all.iter().all(|scrape| scrape.as_ref().unwrap().bgp.as_ref().unwrap().len() == 1));
    let counted = asked.lock().unwrap().iter().filter(|command| *command == bfd::COUNTERS).count();
    assert_eq!(counted, 1);
    task.abort();
}
