//! A line that FRR refuses for a reason that goes away, such as somebody who typed at the same time: its object is not
//! left out for ever, and not at once where FRR has taken it before.
#![allow(clippy::unwrap_used, clippy::panic)]

use frrk8s_agent::{Engine, Node, OnDrift, Pass};
use frrk8s_document::{Daemon, Version};
use frrk8s_e2e::agent::{LIMIT, bgpd, isolated, neighbor, object, on_each};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, Store, Transport, Verdict};
use frrk8s_intake::{Input, Terms};
use frrk8s_merge::{ConflictPolicy, Fate};
use frrk8s_testkit::lab::{self, Router, wait_until};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The sockets of a router, which say of a line that it is refused, so often.
struct Refusing {
    sockets: Sockets,
    line: &'static str,
    times: usize,
}

impl Transport for Refusing {
    async fn version(&mut self) -> Result<Version, FrrError> {
        self.sockets.version().await
    }

    async fn running(&mut self, daemon: Daemon) -> Result<String, FrrError> {
        self.sockets.running(daemon).await
    }

    async fn ask(&mut self, daemon: Daemon, command: &str) -> Result<String, FrrError> {
        self.sockets.ask(daemon, command).await
    }

    async fn send(&mut self, change: &Change<'_>) -> Result<Vec<Refusal>, FrrError> {
        let mut refused = self.sockets.send(change).await?;
        for (number, batch) in change.delta.batches.iter().enumerate() {
            let at = batch.commands.iter().position(|command| &*command.line == self.line);
            if let Some(at) = at.filter(|_| self.times > 0) {
                self.times -= 1;
                refused.push(Refusal {
                    daemon: batch.daemon,
                    batch: number,
                    command: Some(at),
                    line: self.line.into(),
                    text: "% not just now".to_owned(),
                });
            }
        }
        Ok(refused)
    }
}

/// An agent without its loop.
struct Passes {
    node: Node<Refusing>,
    /// Its connections live in it.
    runtime: Runtime,
}

impl Passes {
    fn new(router: &Router, home: &TempDir, line: &'static str, times: usize) -> Self {
        let terms = Terms { conflict_policy: ConflictPolicy::Quarantine, ..Terms::default() };
        let transport = Refusing { sockets: Sockets::new(router.run_directory()), line, times };
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
