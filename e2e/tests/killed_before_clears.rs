//! An agent that dies when FRR has its lines, and before it could make them take effect: the next one does, though it finds
//! nothing to tell. FRR itself takes 5 s.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::pending;
use std::time::{Duration, Instant};

use frrk8s_agent::{Engine, Node, OnDrift};
use frrk8s_e2e::agent::on_each;
use frrk8s_e2e::intercepted::{Intercepted, OnSend};
use frrk8s_e2e::standing::{COALESCE, SESSION_LIMIT, up_for};
use frrk8s_frr::{Change, FrrError, Refusal, Sockets, Store, Transport as _, Verdict};
use frrk8s_intake::{Input, Terms};
use frrk8s_testkit::lab::{self, Family, Pair, wait_until};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// An agent that dies when its lines were told, where somebody is to hear of it.
struct Mortal {
    died: Option<mpsc::UnboundedSender<()>>,
}

impl OnSend for Mortal {
    async fn on_send(
        &mut self,
        sockets: &mut Sockets,
        change: &Change<'_>,
    ) -> Result<Vec<Refusal>, FrrError> {
        let Some(died) = &self.died else {
            return sockets.send(change).await;
        };
        let mut delta = change.delta.clone();
        assert!(!delta.clears.is_empty(), "there is something to be lost");
        delta.clears.clear();
        sockets.send(&Change { delta: &delta, desired: change.desired }).await?;
        died.send(()).unwrap();
        pending().await
    }
}

/// One pass of a new agent; `None` where it died.
fn pass(pair: &Pair, home: &TempDir, allowed: &str, is_mortal: bool) -> Option<Verdict> {
    let yaml = format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, \
         prefixes: [10.1.0.0/16, 10.2.0.0/16], neighbors: [{{address: {}, asn: 64513, \
         toAdvertise: {{allowed: {{{allowed}}}}}}}]}}]}}}}\n",
        pair.b.host.v4
    );
    let mut input = Input::default();
    input.add("a.yaml", yaml.into_bytes());
    let (died, mut deaths) = mpsc::unbounded_channel();
    let sockets = Sockets::new(pair.a.router.run_directory());
    let store = Store::open(home.path().join("state")).unwrap();
    let transport = Intercepted { sockets, by: Mortal { died: is_mortal.then_some(died) } };
    let mut node = Node::new(transport, Engine::new(Terms::default(), None), store, (None, OnDrift::Undo));
    node.restore().unwrap();
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        tokio::select! {
            pass = node.pass(Ok(input)) => pass.verdict().cloned(),
            Some(()) = deaths.recv() => None,
        }
    })
}

#[test]
fn the_next_agent_makes_policy_take_effect_though_every_line_runs() {
    on_each(|install| {
        let (pair, home) = (Pair::start(install, install).unwrap(), TempDir::new().unwrap());
        let node = pair.a.host.v4;
        let peer = [
            "router bgp 64513".to_owned(),
            "no bgp ebgp-requires-policy".to_owned(),
            format!("neighbor {node} remote-as 64512"),
            format!("neighbor {node} timers connect 1"),
        ];
        assert_eq!(pair.b.router.configure(lab::Daemon::Bgpd, &peer).unwrap(), []);
        let all = pass(&pair, &home, "mode: all", false);
        assert_eq!(all, Some(Verdict::Applied { residue: None }));
        let has = |prefix: &str| Ok(pair.b.router.bgp_table(Family::Ipv4, None)?.contains_key(prefix));
        wait_until(SESSION_LIMIT, "both prefixes", || Ok(has("10.1.0.0/16")? && has("10.2.0.0/16")?))
            .unwrap();
        let stands = || Ok(up_for(&pair.a.router, pair.b.host.v4.into())? > COALESCE);
        wait_until(SESSION_LIMIT, "the session to stand", stands).unwrap();
        assert_eq!(pass(&pair, &home, "prefixes: [10.1.0.0/16]", true), None);
        let died = Instant::now();
        let next = pass(&pair, &home, "prefixes: [10.1.0.0/16]", false);
        assert_eq!(next, Some(Verdict::Unchanged), "every line runs");
        wait_until(SESSION_LIMIT, "the prefix to go", || Ok(!has("10.2.0.0/16")?)).unwrap();
        assert!(died.elapsed() < Duration::from_secs(4), "FRR's own timer did it: {:?}", died.elapsed());
        assert!(has("10.1.0.0/16").unwrap());
    });
}
