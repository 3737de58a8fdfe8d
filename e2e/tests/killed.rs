//! An agent that dies at any moment of an apply, and daemons that do: whatever FRR had been told by then, it comes to what
//! the objects ask for, or back to what was last good.
//!
//! The moments are not made up: a proxy before every daemon counts what the agent says, reading and telling, there and
//! back. It kills at the first of it, then at the second, and so on, until an apply ends before it came to that.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd, findings, isolated, on_each};
use frrk8s_e2e::permitted::{Permitted, permitted};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_frr::Store;
use frrk8s_testkit::lab::{Daemon, FrrInstall, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

const BEFORE: &str = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: {bgp: {bfdProfiles: [{name: fast, receiveInterval: 100}], \
    routers: [{asn: 64512, prefixes: [10.1.0.0/16, 10.2.0.0/16], neighbors: [\
    {address: 192.0.2.3, asn: 64513, bfdProfile: fast, toAdvertise: {allowed: {mode: all}}}, \
    {address: 192.0.2.4, asn: 64514, toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}}}]}]}}\n";
const AFTER: &str = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: {bgp: {bfdProfiles: [{name: slow}], \
    routers: [{asn: 64512, prefixes: [10.1.0.0/16, 10.3.0.0/16], neighbors: [\
    {address: 192.0.2.3, asn: 64513, holdTime: 30s, keepaliveTime: 10s, toAdvertise: {allowed: {prefixes: [10.3.0.0/16]}, withCommunity: [{community: '64512:7', prefixes: [10.3.0.0/16]}]}}, \
    {address: 192.0.2.5, asn: 64515, bfdProfile: slow, toReceive: {allowed: {mode: all}}}]}]}}\n";
/// How much is logged: zebra has to be told as well (mgmtd from FRR 10.3 on).
const QUIET: &str = "---\nkind: FRRK8sConfiguration\nmetadata: {name: config}\nspec: {logLevel: error}\n";
/// What FRR refuses behind all that.
const REFUSED: &str = "raw: {rawConfig: \"router bgp 64512\\n no such line\\n\"}, ";
/// Fewer things are not said in an apply; a test that came to fewer has not killed anywhere.
const SAID_MIN: usize = 20;

/// Where an apply leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To other objects.
    There,
    /// To what FRR refuses at the end, and back.
    AndBack,
}

impl Way {
    const ALL: [Self; 2] = [Self::There, Self::AndBack];

    fn objects(self) -> String {
        let object = match self {
            Self::There => AFTER.to_owned(),
            Self::AndBack => AFTER.replace("spec: {", &format!("spec: {{{REFUSED}")),
        };
        object + QUIET
    }

    fn outcome(self) -> &'static str {
        match self {
            Self::There => "Applied",
            Self::AndBack => "RolledBack",
        }
    }
}

/// Counts what is said.
#[derive(Clone, Debug, Default)]
struct Countdown(Arc<AtomicUsize>);

impl Countdown {
    /// From now on, until so much was said. 0: never.
    fn set(&self, count: usize) {
        self.0.store(count, Ordering::SeqCst);
    }

    /// Whether it is over with this line. The sessions are looked at at any time: that does not count.
    fn is_over_with(&self, line: &str) -> bool {
        let counts = !line.ends_with(" json");
        let less = |left: usize| left.checked_sub(1);
        counts && self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) == Ok(1)
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

/// What every daemon runs, in an order that does not depend on what ran before: names and numbers of lists do, and
/// [`permitted`] looks behind them.
#[derive(Debug, PartialEq)]
struct Runs {
    lines: Vec<(Daemon, Vec<String>)>,
    permitted: Permitted,
}

impl Runs {
    fn read(router: &mut Router) -> Self {
        let daemons: Vec<Daemon> = Daemon::ALL.into_iter().filter(|it| router.is_alive(*it)).collect();
        let lines = |daemon: &Daemon| (*daemon, lines(&router.running_config(*daemon).unwrap()));
        Self { lines: daemons.iter().map(lines).collect(), permitted: permitted(&bgpd(router)) }
    }

    /// Whether a text is the same, by what tells one object from the other: neighbors, prefixes and profiles.
    fn are_those_of(&self, text: &str) -> bool {
        let tells = |line: &&str| {
            let words = ["remote-as", "network", "profile"];
            line.starts_with(' ') && words.iter().any(|word| line.split(' ').any(|it| it == *word))
        };
        let ours = self.lines.iter().flat_map(|(_, lines)| lines.iter().map(String::as_str));
        let ours: BTreeSet<&str> = ours.filter(tells).map(str::trim).collect();
        !ours.is_empty() && ours == text.lines().filter(tells).map(str::trim).collect()
    }
}

fn lines(config: &str) -> Vec<String> {
    let is_numbered = |line: &str| {
        let starts = ["ip prefix-list ", "ipv6 prefix-list ", "route-map ", " match ip"];
        starts.iter().any(|start| line.starts_with(start))
    };
    config.lines().filter(|line| !is_numbered(line)).map(str::to_owned).collect()
}

/// What has been logged since a moment.
fn logged(home: &Home, since: usize) -> String {
    fs::read_to_string(home.log()).unwrap_or_default().split_off(since)
}

fn log_length(home: &Home) -> usize {
    fs::read_to_string(home.log()).unwrap_or_default().len()
}

fn has_logged(log: &str, outcome: &str) -> bool {
    log.contains(&format!("outcome=\"{outcome}\""))
}

/// Whether the first that was logged is the end of an apply that nobody died in.
fn is_undisturbed(log: &str, way: Way) -> bool {
    let first = log.lines().find(|line| line.contains(" outcome=")).unwrap_or_default();
    has_logged(first, way.outcome()) && (way == Way::There || first.contains("refused"))
}

/// What runs before and after, when nobody dies. The router is left as it is before.
fn undisturbed(router: &mut Router, home: &Home, way: Way) -> [Runs; 2] {
    home.put("a.yaml", BEFORE);
    let agent = Agent::start(Path::new(EXECUTABLE), router, home, &[]);
    agent.wait_for_reason("Applied");
    let before = Runs::read(router);
    let since = log_length(home);
    home.put("a.yaml", &way.objects());
    let ended = || Ok(has_logged(&logged(home, since), way.outcome()));
    wait_until(LIMIT, "the apply to end", ended).unwrap();
    let after = Runs::read(router);
    match way {
        Way::There => assert_eq!(after.permitted, asked_for()),
        Way::AndBack => assert_eq!(after, before),
    }
    agent.stop();
    [before, after]
}

/// An agent is killed with the n-th thing that it says, for each n. Returns how many those were.
fn agent_dies(install: &FrrInstall, way: Way) -> usize {
    let (mut router, home) = (isolated(install), Home::new());
    let (countdown, pid) = (Countdown::default(), Arc::new(AtomicUsize::new(0)));
    let (counted, killed) = (countdown.clone(), Arc::clone(&pid));
    let proxy = Proxy::before(&router, &Daemon::ALL, move |_, line| {
        if !counted.is_over_with(line) {
            return Act::HandOn;
        }
        let pid = killed.load(Ordering::SeqCst).to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        Act::Swallow
    });
    let [_, after] = undisturbed(&mut router, &home, way);
    for said in 1.. {
        home.put("a.yaml", BEFORE);
        let mut agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        agent.wait_for_reason("Applied");
        pid.store(usize::try_from(agent.pid()).unwrap(), Ordering::SeqCst);
        let since = log_length(&home);
        countdown.set(said);
        home.put("a.yaml", &way.objects());
        let what = format!("the agent to die at {said} or to end");
        let waited = wait_until(LIMIT, &what, || {
            Ok(agent.has_ended() || has_logged(&logged(&home, since), way.outcome()))
        });
        waited.unwrap();
        if !agent.has_ended() && !countdown.is_over() {
            return said;
        }
        countdown.set(0);
        let next = Agent::start(Path::new(EXECUTABLE), &router, &home, &[]);
        let report = next.wait_for_reason(way.outcome());
        let runs = Runs::read(&mut router);
        let at = format!("{way:?}, killed at {said} on FRR {}: {report:#}", install.release());
        assert_eq!(runs, after, "{at}");
        // What was refused is not tried again at once, though lists may have other names by now.
        home.put("other.yaml", &format!("kind: FRRConfiguration\nmetadata: {{name: other}}\nspec: {{nodeSelector: {{matchLabels: {{a: b{said}}}}}}}\n"));
        let again = next.wait_for("another pass", |again| again["passedAt"] != report["passedAt"]);
        assert_eq!(again["lastApply"]["at"], report["lastApply"]["at"], "{at}: {again:#}");
        assert_eq!(findings(&report, "frr-refused").is_empty(), way == Way::There, "{at}");
        next.stop();
        assert!(!home.state().join("told.conf").exists(), "{at}");
        assert!(after.are_those_of(&fs::read_to_string(home.frr_config()).unwrap()), "{at}");
        let kept = Store::open(home.state()).unwrap().load().unwrap();
        assert!(kept.set_aside.is_empty(), "{at}");
        assert!(after.are_those_of(&kept.last_good.unwrap().text), "{at}");
    }
    unreachable!("more is said than can be counted")
}

/// A daemon is killed with the n-th thing that the agent says to it, for each n, and started again. Returns how many those
/// were.
fn daemon_dies(install: &FrrInstall, way: Way, daemon: Daemon) -> usize {
    let (mut router, home) = (isolated(install), Home::new());
    let countdown = Countdown::default();
    let counted = countdown.clone();
    let proxy =
        Proxy::before(
            &router,
            &[daemon],
            move |_, line| {
                if counted.is_over_with(line) { Act::Kill } else { Act::HandOn }
            },
        );
    let [before, after] = undisturbed(&mut router, &home, way);
    let agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
    for said in 1.. {
        home.put("a.yaml", BEFORE);
        let runs_before = || Ok(agent.report()["reason"] == "Applied" && Runs::read(&mut router) == before);
        wait_until(LIMIT, "what is before", runs_before).unwrap();
        let since = log_length(&home);
        countdown.set(said);
        home.put("a.yaml", &way.objects());
        let waited = wait_until(LIMIT, &format!("{daemon} to die at {said}, or the end"), || {
            let has_ended = has_logged(&logged(&home, since), way.outcome());
            Ok(!router.is_alive(daemon) || (has_ended && !countdown.is_over()))
        });
        let at = format!("{way:?}, {daemon} killed at {said} on FRR {}", install.release());
        assert!(waited.is_ok(), "{at}: {waited:?}\n{:#}", agent.report());
        if router.is_alive(daemon) {
            return said;
        }
        router.start_daemon(daemon).unwrap();
        let ended = wait_until(LIMIT, "the apply to end", || {
            let report = agent.report();
            let expected = match report["reason"].as_str() {
                Some("Applied") => Some(&after),
                Some("RolledBack") => Some(&before),
                _ => None,
            };
            Ok(expected.is_some_and(|expected| Runs::read(&mut router) == *expected))
        });
        assert!(ended.is_ok(), "{at}: {ended:?}\n{:#}\n{:#?}", agent.report(), Runs::read(&mut router));
        let log = logged(&home, since);
        if is_undisturbed(&log, way) {
            // It was killed behind it.
            return said;
        }
        assert!(log.lines().any(|line| line.contains(&daemon.to_string())), "{at}: {log}");
    }
    unreachable!("more is said than can be counted")
}

/// A neighbor, `in` or `out`, and what becomes of which routes.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// What the second objects permit, by hand.
fn asked_for() -> Permitted {
    let (all, none) = (("*", "permit"), ("*", "deny"));
    let ways: [Asked; 4] = [
        ("192.0.2.3", "in", &[none]),
        ("192.0.2.3", "out", &[("10.3.0.0/16", "permit set community 64512:7 additive"), none]),
        ("192.0.2.5", "in", &[all]),
        ("192.0.2.5", "out", &[none]),
    ];
    let way = |(peer, direction, fates): &Asked| {
        let fates = fates.iter().map(|(range, fate)| ((*range).to_owned(), (*fate).to_owned())).collect();
        (((*peer).to_owned(), "ipv4 unicast".to_owned(), (*direction).to_owned()), fates)
    };
    Permitted { ways: ways.iter().map(way).collect(), ..Permitted::default() }
}

#[test]
fn the_next_agent_ends_what_one_that_died_had_begun() {
    on_each(|install| {
        thread::scope(|scope| {
            let ways = Way::ALL.map(|way| scope.spawn(move || agent_dies(install, way)));
            let said = ways.map(|way| way.join().unwrap());
            assert!(said.iter().all(|said| *said > SAID_MIN), "{said:?}");
            assert!(said[1] > said[0], "the way back was not walked: {said:?}");
        });
    });
}

#[test]
fn a_daemon_that_dies_at_any_moment_of_an_apply_comes_to_what_is_asked_or_back() {
    on_each(|install| {
        let of_one = [Daemon::Bfdd, Daemon::Zebra]
            .into_iter()
            .chain(install.version().has_mgmtd().then_some(Daemon::Mgmtd));
        let both = Way::ALL.map(|way| (Daemon::Bgpd, way));
        thread::scope(|scope| {
            let deaths = both.into_iter().chain(of_one.map(|daemon| (daemon, Way::There)));
            let deaths: Vec<_> = deaths
                .map(|(daemon, way)| (daemon, scope.spawn(move || daemon_dies(install, way, daemon))))
                .collect();
            for (daemon, died) in deaths {
                // Reading before and after, each with a connection of its own at the least.
                let said = died.join().unwrap();
                assert!(said > if daemon == Daemon::Bgpd { SAID_MIN } else { 2 }, "{daemon}: {said}");
            }
        });
    });
}
