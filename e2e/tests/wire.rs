//! Whoever kills the agent in the midst of an apply, and at whatever byte: no neighbor is ever sent a route that neither
//! the configuration before nor the one after has for it, and none that both have is taken from it meanwhile.
//!
//! The neighbors see every message. They ask for all routes again and again, so that bgpd sends them what its policy is
//! just then, and not only what it comes to in the end.
//!
//! `FRRK8S_WIRE_KILLS` says how often it is killed on each version of FRR, 60 times by default.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use frrk8s_agent::{Engine, Node, OnDrift};
use frrk8s_delta::{Delta, SessionChange};
use frrk8s_document::Daemon;
use frrk8s_e2e::chain::{ASNS, WITH_BFD as WITH_BOTH, Wanted, id, policy_steps, sessions};
use frrk8s_e2e::cut::Cut;
use frrk8s_e2e::intercepted::{Intercepted, OnSend};
use frrk8s_e2e::oracle::{Route, received_by};
use frrk8s_e2e::speaker::wire::{Table, Wire};
use frrk8s_e2e::speaker::{Seen, Speaker};
use frrk8s_e2e::standing::{COALESCE, SESSION_LIMIT, up_for};
use frrk8s_e2e::{dialect, read_back};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, Store, Transport as _, Verdict};
use frrk8s_intake::{Input, Terms};
use frrk8s_model::Family;
use frrk8s_testkit::lab::{self, FrrInstall, FrrVersion, Lan, Router, RouterOptions, wait_until};
use proptest::prelude::RngExt as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tempfile::TempDir;
use tokio::sync::Notify;

/// How soon a neighbor has what is so: less than FRR's delay timer of 5 s.
const SOON: Duration = Duration::from_secs(4);
/// The same where nothing makes bgpd look at its policy but its delay timer.
const LATER: Duration = Duration::from_secs(20);
/// bgpd gathers for 50 ms what it has to send again, and once more what it sends.
const QUIET: Duration = Duration::from_millis(120);
/// How often the neighbors ask while the agent works.
const ASK: Duration = Duration::from_millis(2);

/// An agent that dies when its sockets are cut.
struct Mortal {
    died: Arc<Notify>,
}

impl OnSend for Mortal {
    async fn on_send(
        &mut self,
        sockets: &mut Sockets,
        change: &Change<'_>,
    ) -> Result<Vec<Refusal>, FrrError> {
        let sent = sockets.send(change).await;
        if sent.is_err() {
            self.died.notify_one();
            pending::<()>().await;
        }
        sent
    }
}

/// One pass of a new agent. `None` when it died on the way.
fn pass(sockets: Sockets, home: &TempDir, wanted: &Wanted) -> Option<Verdict> {
    let died = Arc::<Notify>::default();
    let mortal = Intercepted { sockets, by: Mortal { died: Arc::clone(&died) } };
    let mut input = Input::default();
    input.add("objects.yaml", wanted.yaml().into_bytes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (engine, store) = (Engine::new(Terms::default(), None), Store::open(home.path()).unwrap());
    let mut node = Node::new(mortal, engine, store, (None, OnDrift::Undo));
    node.restore().unwrap();
    let pass = runtime.block_on(async {
        tokio::select! {
            pass = node.pass(Ok(input)) => Some(pass),
            () = died.notified() => None,
        }
    })?;
    Some(pass.verdict().cloned().unwrap_or_else(|| panic!("{pass:#?}")))
}

/// The node, its neighbors, and what it last ran.
struct Standing {
    router: Router,
    cut: Cut,
    home: TempDir,
    wire: Arc<Wire>,
    speakers: Vec<Speaker>,
    wanted: Wanted,
    routes: Vec<Table>,
    _lan: Lan,
}

/// What each neighbor is to have.
fn routes(wanted: &Wanted) -> Vec<Table> {
    let planned = wanted.input().plan();
    let of = |(_, peer)| -> Table {
        let routes = received_by(&planned.config, &id(peer));
        // Whose next hop it is does not matter here.
        routes.into_iter().map(|(prefix, route)| (prefix, Route { next_hop: None, ..route })).collect()
    };
    sessions().into_iter().map(of).collect()
}

/// Whether each neighbor has exactly that.
fn have(tables: &BTreeMap<usize, Table>, wanted: &[Table]) -> bool {
    let has = |session: usize, wanted: &Table| tables.get(&session).unwrap_or(&Table::new()) == wanted;
    wanted.iter().enumerate().all(|(session, wanted)| has(session, wanted))
}

/// What a step came to on the way.
struct Came {
    killed: bool,
    /// Whether the neighbors were seen to have neither what was before nor what is after: the test is about that.
    was_between: bool,
}

impl Standing {
    /// Everything stands, and every neighbor has what it is to have, for longer than FRR keeps things back.
    fn start(install: &FrrInstall, wanted: Wanted) -> Self {
        let mut lan = Lan::new().unwrap();
        let node = lan.router(install, RouterOptions::default()).unwrap();
        let host = lan.host().unwrap();
        for address in ["192.0.2.3/24", "192.0.2.4/24", "2001:db8::4/64"] {
            host.namespace.add_address("e0", address).unwrap();
        }
        let wire = Arc::<Wire>::default();
        let speaker = |(session, (router, peer)): (usize, (usize, _))| {
            let asn = u32::try_from(ASNS[router]).unwrap();
            Speaker::start(&host.namespace, (peer, asn), Some(wire.witness(session))).unwrap()
        };
        let speakers = sessions().into_iter().enumerate().map(speaker).collect();
        let cut = Cut::new(&node.router);
        let routes = routes(&wanted);
        let home = TempDir::new().unwrap();
        let standing = Self { router: node.router, cut, home, wire, speakers, wanted, routes, _lan: lan };
        standing.recover("the start", &standing.wanted);
        standing.await_tables("the start", &standing.routes, SESSION_LIMIT);
        for (_, peer) in sessions() {
            let of_age = || Ok(up_for(&standing.router, peer)? > COALESCE);
            wait_until(SESSION_LIMIT, "the sessions to be of age", of_age).unwrap();
        }
        standing
    }

    fn recover(&self, name: &str, wanted: &Wanted) {
        let verdict = pass(Sockets::new(self.router.run_directory()), &self.home, wanted);
        assert!(matches!(verdict, Some(Verdict::Applied { .. } | Verdict::Unchanged)), "{name}: {verdict:?}");
    }

    fn await_tables(&self, name: &str, wanted: &[Table], limit: Duration) {
        let came = self.wire.wait(limit, |sessions| have(&sessions.tables, wanted));
        assert!(came, "{name}:\n--- wanted {wanted:#?}\n--- have {:#?}", self.wire.now().tables);
    }

    /// Makes bgpd send everything that its policy comes to now, and waits until it has.
    fn refresh(&self, name: &str) {
        let before = self.wire.now().refreshed;
        let mut asked = Vec::new();
        for (session, (_, peer)) in sessions().into_iter().enumerate() {
            for family in Family::ALL {
                if id(peer).peer.carries(family, session == WITH_BOTH) {
                    assert!(self.speakers[session].refresh(family), "{name}: {peer} has no session");
                    asked.push((session, family));
                }
            }
        }
        let count = |of: &BTreeMap<_, usize>, key| of.get(key).copied().unwrap_or_default();
        let answered = self.wire.wait(SOON, |sessions| {
            asked.iter().all(|key| count(&sessions.refreshed, key) > count(&before, key))
        });
        assert!(answered, "{name}: {asked:?} were {before:?}, then {:?}", self.wire.now().refreshed);
        self.wire.wait_quiet(QUIET);
    }

    /// What leads to a configuration.
    fn delta(&self, wanted: &Wanted) -> Delta {
        let dialect = dialect(&self.router);
        let known = self.wanted.input().plan().document;
        let running = read_back(&self.router, &[&known]).unwrap();
        let planned = wanted.input().plan_against(running.get(&Daemon::Bgpd));
        Delta::new(dialect, &running, &dialect.by_daemon(&planned.document))
    }

    /// From the present configuration to the next, by an agent that is killed after so many bytes, and by its successor.
    fn step(&mut self, (name, wanted): (&str, &Wanted), bytes: usize, looks: bool) -> Came {
        let routes = routes(wanted);
        self.wire.forget();
        self.cut.after(bytes);
        let works = AtomicBool::new(true);
        let verdict = thread::scope(|scope| {
            scope.spawn(|| {
                while works.load(Ordering::Relaxed) {
                    self.speakers.iter().for_each(|speaker| _ = speaker.refresh(Family::V4));
                    self.speakers.iter().for_each(|speaker| _ = speaker.refresh(Family::V6));
                    thread::sleep(ASK);
                }
            });
            let verdict = pass(Sockets::new(self.cut.directory()), &self.home, wanted);
            works.store(false, Ordering::Relaxed);
            verdict
        });
        let (passed, killed) = self.cut.came_to();
        assert_eq!(verdict.is_none(), killed, "{name}: {verdict:?} after {passed} bytes");
        let mut was_between = false;
        if looks {
            self.refresh(name);
            let tables = self.wire.now().tables;
            was_between =
                self.routes != routes && ![&self.routes, &routes].into_iter().any(|side| have(&tables, side));
        }
        self.recover(name, wanted);
        self.await_tables(name, &routes, LATER);
        self.refresh(name);
        self.await_tables(name, &routes, SOON);
        self.judge(name, &routes);
        self.wanted = wanted.clone();
        self.routes = routes;
        Came { killed, was_between }
    }

    /// Nothing came that neither side has, and nothing went that both have.
    fn judge(&self, name: &str, after: &[Table]) {
        for (session, seen) in self.wire.now().log {
            let (old, new) = (&self.routes[session], &after[session]);
            if let Some(wrong) = wrong(&seen, old, new) {
                let (_, peer) = sessions()[session];
                let before = self.wanted.yaml();
                panic!(
                    "{name}: {peer} has seen {seen:?}: {wrong}\n--- old {old:#?}\n--- new {new:#?}\n{before}"
                );
            }
        }
    }
}

/// What is wrong with what was seen on the way from one table to another.
fn wrong(seen: &Seen, old: &Table, new: &Table) -> Option<&'static str> {
    match seen {
        Seen::SendsAgain(_) => None,
        Seen::Up | Seen::Down | Seen::Garbled(_) => Some("the session was to stay"),
        Seen::Withdrawn(prefix) => {
            let both = old.contains_key(prefix) && new.contains_key(prefix);
            both.then_some("both sides have it")
        }
        Seen::Announced(prefix, route) => {
            let sides: Vec<&Route> = [old.get(prefix), new.get(prefix)].into_iter().flatten().collect();
            if sides.is_empty() {
                return Some("neither side has it");
            }
            // The lines of an entry are told one by one: each attribute is that of one side.
            let one_has = |same: &dyn Fn(&Route) -> bool| sides.iter().any(|side| same(side));
            let is_known = one_has(&|side| side.communities == route.communities)
                && one_has(&|side| side.large_communities == route.large_communities)
                && one_has(&|side| side.local_pref == route.local_pref);
            (!is_known).then_some("it has an attribute of neither side")
        }
    }
}

/// How many bytes an agent would send to bgpd from `configure terminal` on.
fn bytes(delta: &Delta) -> usize {
    let lines = |batch: &frrk8s_delta::Batch| -> usize {
        let envelope = "configure terminal XFRR_start_configuration XFRR_end_configuration end ".len();
        envelope + batch.lines().iter().map(|sent| sent.line.len() + 1).sum::<usize>()
    };
    let batches = delta.batches.iter().filter(|batch| batch.daemon == Daemon::Bgpd);
    batches.map(lines).sum::<usize>()
        + delta.clears.iter().map(|clear| clear.command().len() + 1).sum::<usize>()
}

fn kills_count() -> usize {
    std::env::var("FRRK8S_WIRE_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(60)
}

fn check_version(version: FrrVersion, seed: u8) {
    for install in lab::installs().into_iter().filter(|install| install.version() == version) {
        let mut steps = policy_steps(seed);
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut standing = Standing::start(&install, steps.next().unwrap());
        let started = Instant::now();
        let (mut kills, mut between, mut messages) = (0, 0, 0);
        for (number, wanted) in steps.enumerate() {
            if kills == kills_count() {
                break;
            }
            let delta = standing.delta(&wanted);
            let all = bytes(&delta);
            if all == 0 {
                continue;
            }
            let drops = delta.sessions.values().any(|session| session.change >= SessionChange::Reset);
            assert!(!drops, "{:?}", delta.sessions);
            let after = random.random_range(0..all);
            let looks = random.random_range(0..4) > 0;
            let name =
                format!("step {number} of seed {seed} on FRR {}, {after} of {all} bytes", install.release());
            let came = standing.step((&name, &wanted), after, looks);
            kills += usize::from(came.killed);
            between += usize::from(came.was_between);
            messages += standing.wire.now().log.len();
        }
        println!(
            "FRR {}: {kills} kills in {:?}, {between} of them seen on the wire, {messages} messages",
            install.release(),
            started.elapsed()
        );
        assert!(between * 10 >= kills, "the neighbors hardly saw anything between old and new");
    }
}

#[test]
fn no_route_outside_old_and_new_on_the_wire_of_frr_8_4() {
    check_version(FrrVersion::V8_4, 1);
}

#[test]
fn no_route_outside_old_and_new_on_the_wire_of_frr_10_3() {
    check_version(FrrVersion::V10_3, 2);
}
