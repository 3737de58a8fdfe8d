//! A line that FRR refuses for a reason that goes away, such as somebody who typed at the same time: its object is not
//! left out for ever, and not at once where FRR has taken it before.
#![allow(clippy::unwrap_used, clippy::panic)]

use frrk8s_agent::{Engine, Node, OnDrift, Pass};
use frrk8s_e2e::agent::{LIMIT, bgpd, isolated, neighbor, object, on_each};
use frrk8s_e2e::intercepted::{Intercepted, OnSend};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, Store, Transport as _, Verdict};
use frrk8s_intake::{Input, Terms};
use frrk8s_merge::{ConflictPolicy, Fate};
use frrk8s_testkit::lab::{self, Router, wait_until};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Says of a line that it is refused, so often.
struct Refusing {
    line: &'static str,
    times: usize,
}

impl OnSend for Refusing {
    async fn on_send(
        &mut self,
        sockets: &mut Sockets,
        change: &Change<'_>,
    ) -> Result<Vec<Refusal>, FrrError> {
        let mut delta = change.delta.clone();
        let mut refused = Vec::new();
        for (number, batch) in delta.batches.iter_mut().enumerate() {
            let at = batch.commands.iter().position(|command| &*command.line == self.line);
            let Some(at) = at.filter(|_| self.times > 0) else {
                continue;
            };
            self.times -= 1;
            let (daemon, line, text) = (batch.daemon, self.line.into(), "% not just now".to_owned());
            let (command, among) = (Some(at), Vec::new());
            refused.push(Refusal { daemon, batch: number, command, among, line, text });
            // What needs the line would be refused as well.
            let peer = self.line.split(' ').nth(1).unwrap_or_default();
            batch.commands.retain(|command| !command.line.contains(&format!("neighbor {peer} ")));
        }
        refused.extend(sockets.send(&Change { delta: &delta, desired: change.desired }).await?);
        Ok(refused)
    }
}

/// An agent without its loop.
struct Passes {
    node: Node<Intercepted<Refusing>>,
    /// Its connections live in it.
    runtime: Runtime,
}

impl Passes {
    fn new(router: &Router, home: &TempDir, line: &'static str, times: usize) -> Self {
        let terms = Terms { conflict_policy: ConflictPolicy::Quarantine, ..Terms::default() };
        let sockets = Sockets::new(router.run_directory());
        let transport = Intercepted { sockets, by: Refusing { line, times } };
        let store = Store::open(home.path().join("state")).unwrap();
        let mut node = Node::new(transport, Engine::new(terms, None), store, (None, OnDrift::Undo));
        node.restore().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { node, runtime }
    }

    fn pass(&mut self, objects: &[String]) -> Pass {
        let mut input = Input::default();
        input.add("objects.yaml", objects.join("---\n").into_bytes());
        self.runtime.block_on(self.node.pass(Ok(input)))
    }
}

/// The fates of the objects, in the order of their names.
fn fates(pass: &Pass) -> Vec<Fate> {
    pass.decision.as_ref().unwrap().fates.values().copied().collect()
}

fn objects() -> [String; 2] {
    [object("a", &neighbor(3, ""), ""), object("b", &neighbor(4, ""), "")]
}

#[test]
fn a_new_version_is_left_out_for_a_while_and_tried_again() {
    on_each(|install| {
        let (router, home) = (isolated(install), TempDir::new().unwrap());
        let mut agent = Passes::new(&router, &home, "neighbor 192.0.2.4 remote-as 64514", 1);
        let first = agent.pass(&objects());
        assert_eq!(fates(&first), [Fate::Accepted, Fate::Rejected]);
        assert_eq!(first.verdict(), Some(&Verdict::Applied { residue: None }), "the rest is applied");
        let text = bgpd(&router);
        assert!(text.contains("192.0.2.3 remote-as") && !text.contains("192.0.2.4"), "{text}");
        let soon = agent.pass(&objects());
        assert_eq!(fates(&soon), [Fate::Accepted, Fate::Rejected]);
        let accepted = || Ok(fates(&agent.pass(&objects())) == [Fate::Accepted; 2]);
        wait_until(LIMIT, "its second chance", accepted).unwrap();
        assert!(bgpd(&router).contains("192.0.2.4 remote-as"));
    });
}

#[test]
fn a_version_that_was_in_force_is_not_taken_away_for_one_refusal() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), TempDir::new().unwrap());
        Passes::new(&router, &home, "", 0).pass(&objects());
        let before = bgpd(&router);
        router.kill(lab::Daemon::Bgpd).unwrap();
        router.start_daemon(lab::Daemon::Bgpd).unwrap();
        let mut agent = Passes::new(&router, &home, "neighbor 192.0.2.4 remote-as 64514", 1);
        let first = agent.pass(&objects());
        assert_eq!(fates(&first), [Fate::Accepted; 2], "{first:#?}");
        assert!(matches!(first.verdict(), Some(Verdict::RolledBack(_))), "{first:#?}");
        assert_eq!(bgpd(&router), before, "the way back leads to the same");
        let is_well = || Ok(agent.pass(&objects()).verdict().is_some_and(|it| it.cause().is_none()));
        wait_until(LIMIT, "its second chance", is_well).unwrap();
        assert_eq!(bgpd(&router), before);
    });
}

#[test]
fn raw_lines_that_were_told_when_the_agent_died_are_ours() {
    on_each(|install| {
        let (router, home) = (isolated(install), TempDir::new().unwrap());
        Passes::new(&router, &home, "", 0).pass(&objects()[..1]);
        let raw = ", raw: {rawConfig: \"ip prefix-list PEOPLE seq 5 permit 10.0.0.0/8\\n\"}";
        let with_raw = [objects()[0].clone(), object("b", &neighbor(4, ""), raw)];
        // It dies as soon as it was told, before it could see that it runs.
        let mut dies = Passes::new(&router, &home, "", 0);
        let mut input = Input::default();
        input.add("objects.yaml", with_raw.join("---\n").into_bytes());
        dies.runtime.block_on(async {
            let is_told = async {
                while !bgpd(&router).contains("PEOPLE") {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                () = is_told => {}
                _ = dies.node.pass(Ok(input)) => {}
            }
        });
        drop(dies);
        assert!(home.path().join("state/told.conf").exists(), "it lived too long");
        let after = Passes::new(&router, &home, "", 0).pass(&objects()[..1]);
        let text = bgpd(&router);
        assert!(!text.contains("PEOPLE") && !text.contains("192.0.2.4"), "{after:#?}\n{text}");
    });
}

#[test]
fn a_version_that_frr_never_takes_again_keeps_the_others_waiting_for_one_chance_only() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), TempDir::new().unwrap());
        Passes::new(&router, &home, "", 0).pass(&objects());
        router.kill(lab::Daemon::Bgpd).unwrap();
        router.start_daemon(lab::Daemon::Bgpd).unwrap();
        // Its newest version cannot be taken, so that the one before counts, and FRR has forgotten it.
        let newest = object("b", &neighbor(4, ", passwordSecret: {name: nosuch}"), "");
        let all = [objects()[0].clone(), newest];
        let mut agent = Passes::new(&router, &home, "neighbor 192.0.2.4 remote-as 64514", usize::MAX);
        let rest_runs = || {
            let pass = agent.pass(&all);
            Ok(fates(&pass) == [Fate::Accepted, Fate::Rejected]
                && bgpd(&router).contains("192.0.2.3 remote-as"))
        };
        wait_until(LIMIT, "the rest", rest_runs).unwrap();
        assert!(!bgpd(&router).contains("192.0.2.4"));
    });
}
