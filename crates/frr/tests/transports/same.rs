//! The same cases over every way, on every version of real FRR.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use frrk8s_delta::Delta;
use frrk8s_document::{Daemon, Document};
use frrk8s_frr::{FrrError, Limits, Transport as _};
use frrk8s_testkit::lab;

use super::ground::{Way, delta, grounds, sample};

const SAMPLES: [&str; 6] =
    ["bfd-echo", "communities", "password-in-object", "advertise-some", "graceful-restart", "evpn-l3vni"];

#[tokio::test]
async fn each_way_leads_from_one_configuration_to_the_next() {
    for mut ground in grounds(&Way::ALL) {
        let started = Instant::now();
        let mut before = Document::default();
        for &name in ground.samples(&SAMPLES) {
            let after = sample(name);
            let at = format!("{}, to {name}", ground.name);
            let running = ground.runs(&[&before, &after]).await;
            let desired = ground.wants(&after);
            let delta = Delta::new(ground.dialect(), &running, &desired);
            for _ in 0..ground.sends() {
                let refused = ground.send(&delta, &after.print()).await.unwrap();
                assert!(refused.is_empty(), "{at}: {refused:#?}");
            }
            let found = ground.runs(&[&before, &after]).await;
            for (daemon, wanted) in &desired {
                assert_eq!(found[daemon].print(), wanted.print(), "{at}: {}", daemon.name());
            }
            before = after;
        }
        println!("{}: {:?}", ground.name, started.elapsed());
    }
}

#[tokio::test]
async fn each_way_tells_the_version_and_answers_questions() {
    for mut ground in grounds(&Way::ALL) {
        assert_eq!(ground.transport.version().await.unwrap(), ground.dialect().version(), "{}", ground.name);
        let answer = ground.transport.ask(Daemon::Bgpd, "show bgp vrf nope summary json").await.unwrap();
        assert_eq!(answer.trim(), "{}", "{}", ground.name);
        let error = ground.transport.ask(Daemon::Bgpd, "show nonsense").await.unwrap_err();
        assert_eq!(error.reason(), "UnknownCommand", "{}: {error}", ground.name);
    }
}

const LINES: [&str; 5] = [
    "router bgp 64512 / no bgp default ipv4-unicast",
    "router bgp 64512 / neighbor 192.0.2.1 remote-as 64513",
    "router bgp 64512 / neighbor 192.0.2.1 timers 10 30",
    "route-map m permit 1 / set metric 5",
    "ip prefix-list l seq 1 permit 10.0.0.0/8",
];

#[tokio::test]
async fn a_refused_line_is_named_wherever_it_stands_and_the_others_are_taken() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        for at in 0..=LINES.len() {
            // Unknown to the daemon, and with a value that it does not take.
            for bad in ["bogus", "router bgp 64512 / neighbor 192.0.2.9 timers 30 2"] {
                let mut lines = LINES.to_vec();
                lines.insert(at, bad);
                let refused = ground.tell(&lines).await.unwrap();
                let named: Vec<_> = refused.iter().map(|refusal| (refusal.command, &*refusal.line)).collect();
                let told = bad.rsplit(" / ").next().unwrap();
                assert_eq!(named, [(Some(at), told)], "{}: {refused:?}", ground.name);
                let runs = ground.bgpd().await;
                for line in LINES {
                    assert!(runs.contains(line.rsplit(" / ").next().unwrap()), "{}: {runs}", ground.name);
                }
                assert_eq!(
                    ground
                        .tell(&["no route-map m", "no ip prefix-list l", "no router bgp 64512"])
                        .await
                        .unwrap(),
                    []
                );
            }
        }
    }
}

#[tokio::test]
async fn what_frr_reload_cannot_do_is_an_error_without_passwords() {
    for mut ground in grounds(&[Way::Reload]) {
        let desired = "router bgp 64512\n neighbor 192.0.2.1 remote-as 64513\n neighbor 192.0.2.1 password s3cret two\n";
        let error = ground.send(&Delta::default(), desired).await.unwrap_err();
        assert_eq!(error.reason(), "ProgramFailed", "{}", ground.name);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{}: {error:?}", ground.name);
    }
}

#[tokio::test]
async fn lists_that_are_refused_together_are_blamed_on_the_entry_that_is_named() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        let refused = ground
            .tell(&[
                "ip prefix-list a seq 5 permit 10.0.0.0/8",
                "ip prefix-list b seq 5 permit 10.0.0.0/8 ge 4",
                "route-map m permit 1 / match ip address prefix-list a",
                "router bgp 64512 / neighbor 192.0.2.1 remote-as 64513",
            ])
            .await
            .unwrap();
        let [refusal] = &refused[..] else { panic!("{}: {refused:?}", ground.name) };
        assert_eq!(refusal.command, Some(1), "{}", ground.name);
        assert!(refusal.text.contains("Invalid prefix range for 10.0.0.0/8"), "{refusal}");
        let runs = ground.bgpd().await;
        assert!(runs.contains("neighbor 192.0.2.1 remote-as 64513"), "{}: {runs}", ground.name);
        assert!(!runs.contains("prefix-list a"), "{}: {runs}", ground.name);
    }
}

#[tokio::test]
async fn lists_that_are_refused_together_without_a_name_are_blamed_on_all() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        // The last thing of the batch: bgpd says so when it ends.
        let refused =
            ground.tell(&["route-map m permit 10", "route-map m permit 10 / on-match goto 5"]).await.unwrap();
        let [refusal] = &refused[..] else { panic!("{}: {refused:?}", ground.name) };
        assert_eq!(
            (refusal.command, &*refusal.among, &*refusal.line),
            (None, &[0, 1][..], "route-map m permit 10 … on-match goto 5"),
            "{}",
            ground.name
        );
    }
}

#[tokio::test]
async fn vrfs_that_their_daemon_refuses_are_named() {
    let mut settled = BTreeSet::new();
    // mgmtd of 10.3 dies now and then when it refuses a commit. That is an error of its own, which names nobody.
    for _ in 0..10 {
        for mut ground in grounds(&Way::OF_DELTAS) {
            if settled.contains(&ground.name) {
                continue;
            }
            let daemon = if ground.dialect().version().major >= 10 { Daemon::Mgmtd } else { Daemon::Zebra };
            let vrfs = delta(daemon, &["vrf red / vni 5", "vrf blue / vni 5"]);
            let refused = match ground.send(&vrfs, "").await {
                Err(FrrError::Closed { daemon: Daemon::Mgmtd, .. }) => continue,
                sent => sent.unwrap(),
            };
            let [refusal] = &refused[..] else { panic!("{}: {refused:?}", ground.name) };
            assert_eq!((refusal.command, &*refusal.line), (Some(1), "vni 5"), "{}: {refusal}", ground.name);
            settled.insert(ground.name);
        }
        if settled.len() == 4 {
            return;
        }
    }
    panic!("only {settled:?}");
}

#[tokio::test]
async fn nothing_inside_a_refused_context_is_told() {
    for mut ground in grounds(&[Way::Sockets]) {
        assert_eq!(ground.tell(&LINES).await.unwrap(), []);
        let refused = ground
            .tell(&[
                "router bgp 64512 / address-family ipv4 bogus / neighbor 192.0.2.1 activate",
                "router bgp 64512 / address-family ipv4 bogus / neighbor 192.0.2.1 shutdown",
                "router bgp 64999 / neighbor 192.0.2.1 shutdown",
                "router bgp 64512 / neighbor 192.0.2.1 description taken",
            ])
            .await
            .unwrap();
        let named: Vec<_> = refused.iter().map(|refusal| (refusal.command, &*refusal.line)).collect();
        assert_eq!(named, [(Some(0), "address-family ipv4 bogus"), (Some(2), "router bgp 64999")]);
        let runs = ground.bgpd().await;
        assert!(!runs.contains("shutdown") && runs.contains("description taken"), "{}: {runs}", ground.name);
    }
}

#[tokio::test]
async fn a_clear_is_told_when_all_was_taken() {
    use frrk8s_delta::{Clear, SessionId, Way as Direction};
    let session = |peer: &str| SessionId { vrf: None, peer: peer.into() };
    for mut ground in grounds(&Way::OF_DELTAS) {
        let mut delta = delta(Daemon::Bgpd, &LINES);
        for (peer, family) in [("192.0.2.1", "ipv6"), ("192.0.2.77", "ipv4")] {
            delta.clears.insert(Clear { session: session(peer), family, way: Direction::Out });
        }
        let refused = ground.send(&delta, "").await.unwrap();
        let [refusal] = &refused[..] else { panic!("{}: {refused:?}", ground.name) };
        assert_eq!(&*refusal.line, "clear bgp ipv4 unicast 192.0.2.77 soft out", "{}", ground.name);
        assert_eq!((refusal.command, refusal.batch), (None, 1), "{}", ground.name);
    }
}

#[tokio::test]
async fn vtysh_keeps_the_host_name_to_itself() {
    for mut ground in grounds(&Way::OF_DELTAS) {
        assert_eq!(ground.tell(&["hostname worker-1"]).await.unwrap(), [], "{}", ground.name);
        let runs = ground.router.running_config(lab::Daemon::Bgpd).unwrap();
        assert_eq!(runs.contains("hostname worker-1"), ground.way == Way::Sockets, "{}", ground.name);
    }
}

/// 100 lists of 100 entries: what 8.4 commits is quadratic in the length of a list. It takes longer than any other reply
/// may.
#[tokio::test]
async fn ten_thousand_lines_of_lists_go_in_one_batch() {
    let line = |n: usize| {
        format!(
            "ip prefix-list frrk8s-{} seq {} permit 10.{}.{}.0/24",
            n / 100,
            n % 100 + 1,
            n / 100,
            n % 100
        )
    };
    let lines: Vec<String> = (0..10_000).map(line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let limits = Limits { reply: Duration::from_secs(5), ..Limits::default() };
    for mut ground in grounds(&Way::OF_DELTAS) {
        ground.transport = ground.way.to(&ground.router, limits);
        let started = Instant::now();
        assert_eq!(ground.tell(&lines).await.unwrap(), [], "{}", ground.name);
        println!("{}: {} lines in {:?}", ground.name, lines.len(), started.elapsed());
        let runs = ground.bgpd().await;
        assert_eq!(
            runs.lines().filter(|line| line.starts_with("ip prefix-list ")).count(),
            lines.len(),
            "{}",
            ground.name
        );
        assert!(started.elapsed() < Duration::from_mins(5));
    }
}
