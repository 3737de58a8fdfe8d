//! The bare cost: our lines over the sockets, without an agent, and reading back what runs.

use std::time::{Duration, Instant};

use frrk8s_delta::{Delta, Documents};
use frrk8s_document::{Daemon, Dialect, Document};
use frrk8s_e2e::fleet::Fleet;
use frrk8s_e2e::{PlannedInput, dialect};
use frrk8s_frr::{Change, Reader, Sockets, Transport as _, read_running};
use frrk8s_render::divide;
use frrk8s_testkit::lab::{LabError, Router};

use crate::ours::SETTLE_LIMIT;
use crate::settings::Size;
use crate::state::State;
use crate::table::median;

/// Medians of one change, there and back.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// The most lines of the two.
    pub lines: usize,
    pub clears: usize,
    /// Lines and soft clears.
    pub sending: Duration,
    /// Every daemon's running configuration, read into a document.
    pub reading: Duration,
}

struct Bare<'a> {
    sockets: Sockets,
    reader: Reader,
    dialect: Dialect,
    router: &'a Router,
    fleet: &'a Fleet,
    size: Size,
}

impl Bare<'_> {
    async fn read(&mut self) -> Documents {
        let ours = |running: Document| divide(running, &[]).ours;
        read_running((&mut self.sockets, &mut self.reader), (self.dialect, self.dialect.daemons()), &ours)
            .await
            .unwrap()
    }

    /// Changes to a state: the lines, the clears, and how long each half took.
    async fn change(&mut self, state: State) -> (usize, usize, Duration, Duration) {
        let running = self.read().await;
        let input = PlannedInput::read(&state.object(self.size));
        let planned = input.plan_against(running.get(&Daemon::Bgpd));
        let desired = self.dialect.by_daemon(&planned.document);
        let delta = Delta::new(self.dialect, &running, &desired);
        let started = Instant::now();
        let refused = self.sockets.send(&Change { delta: &delta, desired: "" }).await.unwrap();
        let sending = started.elapsed();
        assert!(refused.is_empty(), "{refused:?}");
        let started = Instant::now();
        let runs = self.read().await;
        let reading = started.elapsed();
        assert!(runs.get(&Daemon::Bgpd) == desired.get(&Daemon::Bgpd), "bgpd runs something else");
        self.fleet.wait_sent(self.router, SETTLE_LIMIT, |at| Some(state.count(self.size, at)));
        (delta.count(), delta.clears.len(), sending, reading)
    }

    async fn there_and_back(&mut self, runs: usize, states: [State; 2]) -> Floor {
        self.change(states[1]).await;
        let mut all = Vec::new();
        for state in states.into_iter().cycle().take(2 * runs) {
            all.push(self.change(state).await);
        }
        Floor {
            lines: all.iter().map(|(lines, ..)| *lines).max().unwrap_or_default(),
            clears: all.iter().map(|(_, clears, ..)| *clears).max().unwrap_or_default(),
            sending: median(all.iter().map(|(_, _, sending, _)| *sending).collect()),
            reading: median(all.iter().map(|(.., reading)| *reading).collect()),
        }
    }
}

/// Measures on a router that an agent has configured and left: one prefix more or fewer for all, and for one neighbor.
/// It is left at the base.
pub fn measure(runs: usize, size: Size, (router, fleet): (&Router, &Fleet)) -> Result<[Floor; 2], LabError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(LabError::io("cannot make a runtime"))?;
    let sockets = Sockets::new(router.run_directory());
    let mut bare = Bare { sockets, reader: Reader::default(), dialect: dialect(router), router, fleet, size };
    Ok(runtime.block_on(async {
        let prefix = bare.there_and_back(runs, [State::Front, State::Base]).await;
        let neighbor = bare.there_and_back(runs, [State::TwoWithheld, State::LastWithheld]).await;
        bare.change(State::Base).await;
        [prefix, neighbor]
    }))
}
