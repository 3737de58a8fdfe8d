//! An agent that dies in the midst of an apply: whatever it had told FRR by then, the next one brings it to what the
//! objects ask for.
//!
//! The ways to die are not made up: a transport counts what it is asked, and each count is tried once; and of each delta
//! each number of lines.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::pending;
use std::sync::Arc;

use frrk8s_agent::{Engine, Node, OnDrift};
use frrk8s_delta::Delta;
use frrk8s_document::{Daemon, Version};
use frrk8s_e2e::agent::{isolated, on_each};
use frrk8s_e2e::permitted::{Permitted, permitted};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, StartupFile, Store, Transport, Verdict};
use frrk8s_intake::{Input, Terms};
use frrk8s_testkit::lab::{self, FrrInstall, Router};
use tempfile::TempDir;
use tokio::sync::Notify;

/// How an agent dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// Instead of the answer to its n-th question.
    AtCall(usize),
    /// When it has told so many lines of the delta.
    AtLine(usize),
    Never,
}

/// The sockets of a router, until death.
struct Mortal {
    sockets: Sockets,
    death: Death,
    died: Arc<Notify>,
    calls: usize,
    /// How many lines the delta had, when it came to that.
    lines: usize,
}

impl Mortal {
    fn new(router: &Router, death: Death) -> Self {
        let sockets = Sockets::new(router.run_directory());
        Self { sockets, death, died: Arc::default(), calls: 0, lines: 0 }
    }

    async fn die(&self) {
        self.died.notify_one();
        pending::<()>().await;
    }

    async fn call(&mut self) {
        self.calls += 1;
        if matches!(self.death, Death::AtCall(last) if last == self.calls) {
            self.die().await;
        }
    }
}

impl Transport for &mut Mortal {
    async fn version(&mut self) -> Result<Version, FrrError> {
        self.call().await;
        self.sockets.version().await
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.call().await;
        self.sockets.running(daemon).await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        self.sockets.ask(daemon, command).await
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        self.call().await;
        self.lines = self.lines.max(change.delta.count());
        if let Death::AtLine(lines) = self.death {
            let delta = first(change.delta, lines);
            let _ = self.sockets.send(&Change { delta: &delta, desired: change.desired }).await;
            self.die().await;
        }
        self.sockets.send(change).await
    }
}

/// The first commands of a delta.
fn first(delta: &Delta, mut count: usize) -> Delta {
    let mut first = Delta::default();
    for batch in &delta.batches {
        let mut batch = batch.clone();
        batch.commands.truncate(count);
        count -= batch.commands.len();
        if !batch.commands.is_empty() {
            first.batches.push(batch);
        }
    }
    first
}

fn input(yaml: &str) -> Input {
    let mut input = Input::default();
    input.add("objects.yaml", yaml.to_owned().into_bytes());
    input
}

/// One pass of a new agent. `None` when it died on the way; else how the apply ended, and what the transport counted.
fn pass(router: &Router, home: &TempDir, yaml: &str, death: Death) -> (Option<Verdict>, Mortal) {
    let mut mortal = Mortal::new(router, death);
    let died = Arc::clone(&mortal.died);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Store::open(home.path().join("state")).unwrap();
    let startup = StartupFile::new(home.path().join("frr.conf"));
    let verdict = {
        let engine = Engine::new(Terms::default(), None);
        let mut node = Node::new(&mut mortal, engine, store, (Some(startup), OnDrift::Undo));
        node.restore().unwrap();
        runtime.block_on(async {
            tokio::select! {
                pass = node.pass(Ok(input(yaml))) => Some(pass),
                () = died.notified() => None,
            }
        })
    };
    (verdict.map(|pass| pass.verdict().cloned().unwrap_or_else(|| panic!("{pass:#?}"))), mortal)
}

const BEFORE: &str = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: {bgp: {bfdProfiles: [{name: fast, receiveInterval: 100}], \
    routers: [{asn: 64512, prefixes: [10.1.0.0/16, 10.2.0.0/16], neighbors: [\
    {address: 192.0.2.3, asn: 64513, bfdProfile: fast, toAdvertise: {allowed: {mode: all}}}, \
    {address: 192.0.2.4, asn: 64514, toAdvertise: {allowed: {prefixes: [10.1.0.0/16]}}}]}]}}\n";
const AFTER: &str = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: {bgp: {bfdProfiles: [{name: slow}], \
    routers: [{asn: 64512, prefixes: [10.1.0.0/16, 10.3.0.0/16], neighbors: [\
    {address: 192.0.2.3, asn: 64513, holdTime: 30s, keepaliveTime: 10s, toAdvertise: {allowed: {prefixes: [10.3.0.0/16]}, withCommunity: [{community: '64512:7', prefixes: [10.3.0.0/16]}]}}, \
    {address: 192.0.2.5, asn: 64515, bfdProfile: slow, toReceive: {allowed: {mode: all}}}]}]}}\n";

fn ways(install: &FrrInstall) {
    let mut router = isolated(install);
    let home = TempDir::new().unwrap();
    let begin = |router: &Router, home: &TempDir| {
        let (verdict, _) = pass(router, home, BEFORE, Death::Never);
        assert!(verdict.as_ref().unwrap().cause().is_none(), "{verdict:?}");
    };
    begin(&router, &home);
    let (verdict, counted) = pass(&router, &home, AFTER, Death::Never);
    assert_eq!(verdict, Some(Verdict::Applied { residue: None }));
    let desired = router.running_config(lab::Daemon::Bgpd).unwrap();
    assert_eq!(permitted(&desired), asked_for());
    let calls = (1..=counted.calls).map(Death::AtCall);
    for death in calls.chain((0..=counted.lines).map(Death::AtLine)) {
        let home = TempDir::new().unwrap();
        router.wipe().unwrap();
        begin(&router, &home);
        let (verdict, _) = pass(&router, &home, AFTER, death);
        assert_eq!(verdict, None, "{death:?}");
        let (verdict, _) = pass(&router, &home, AFTER, Death::Never);
        assert!(
            matches!(verdict, Some(Verdict::Applied { .. } | Verdict::Unchanged)),
            "{death:?} on {}: {verdict:?}",
            install.release()
        );
        let runs = router.running_config(lab::Daemon::Bgpd).unwrap();
        assert_eq!(lines(&runs), lines(&desired), "{death:?}");
        assert_eq!(permitted(&runs), asked_for(), "{death:?}");
    }
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

/// The lines, with the names and numbers of lists left out: those depend on what ran before, and [`permitted`] looks behind
/// them.
fn lines(config: &str) -> Vec<String> {
    let is_numbered = |line: &str| {
        let starts = ["ip prefix-list ", "ipv6 prefix-list ", "route-map ", " match ip"];
        starts.iter().any(|start| line.starts_with(start))
    };
    config.lines().filter(|line| !is_numbered(line)).map(str::to_owned).collect()
}

#[test]
fn the_next_agent_ends_what_one_that_died_had_begun() {
    on_each(ways);
}
