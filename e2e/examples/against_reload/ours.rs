//! The agent: from the changed file to verified.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::fleet::Fleet;
use frrk8s_testkit::lab::Router;
use jiff::Timestamp;

use crate::settings::{Settings, Size};
use crate::state::State;
use crate::table::median;

/// How long anything of ours may take at all: FRR 8.4 takes half a minute for a list of 2,000.
const LIMIT: Duration = Duration::from_mins(10);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_micros(200);
/// How long the neighbors may take to be sent everything.
pub const SETTLE_LIMIT: Duration = Duration::from_mins(2);

/// One change: from the file to verified, and until it is on the disk and said; and what of it the agent says that it told
/// and read FRR.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub whole: Duration,
    pub said: Duration,
    pub sending: Duration,
    pub reading: Duration,
}

/// What the agent needs.
#[derive(Clone, Debug)]
pub struct Ours {
    pub first_load: Change,
    /// One prefix more or fewer, at the front.
    pub prefix: Change,
    /// One prefix more or fewer for one neighbor, where the audience stands.
    pub neighbor: Change,
    /// The same, where the audience is new.
    pub new_audience: Change,
    /// The sessions that had everything all the time.
    pub sessions: usize,
    /// `VmRSS` and `VmHWM`, in KiB.
    pub memory: [u64; 2],
}

struct Measured<'a> {
    agent: Agent,
    home: &'a Home,
    router: &'a Router,
    fleet: &'a Fleet,
    size: Size,
    sessions: usize,
}

impl Measured<'_> {
    /// Writes the file, and waits until the agent says that FRR was seen to run it; then, beyond what is measured, until
    /// every neighbor has it.
    fn change(&mut self, state: State) -> Change {
        let seen = fs::metadata(self.home.log()).map_or(0, |log| log.len());
        let object = state.object(self.size);
        let (started, at) = (Instant::now(), SystemTime::now());
        self.home.put("a.yaml", &object);
        while !has_applied(self.home, seen) {
            assert!(started.elapsed() < LIMIT, "{:#}", self.agent.report());
            sleep(LOOK);
        }
        let said = started.elapsed();
        let report = &self.agent.report()["lastApply"];
        let verified: Timestamp = report["at"].as_str().and_then(|text| text.parse().ok()).unwrap();
        let whole = SystemTime::from(verified).duration_since(at).unwrap();
        let part = |name: &str| Duration::from_secs_f64(report[name].as_f64().unwrap() / 1000.0);
        let (sending, reading) = (part("sendingMilliseconds"), part("readingMilliseconds"));
        self.sessions =
            self.fleet.wait_sent(self.router, SETTLE_LIMIT, |at| Some(state.count(self.size, at)));
        Change { whole, said, sending, reading }
    }

    fn there_and_back(&mut self, runs: usize, [there, back]: [State; 2]) -> Change {
        let states = [there, back].into_iter().cycle().take(2 * runs);
        middle(&states.map(|state| self.change(state)).collect::<Vec<_>>())
    }
}

/// The median of each part.
fn middle(changes: &[Change]) -> Change {
    let of = |part: fn(&Change) -> Duration| median(changes.iter().map(part).collect());
    Change {
        whole: of(|change| change.whole),
        said: of(|change| change.said),
        sending: of(|change| change.sending),
        reading: of(|change| change.reading),
    }
}

/// Whether the agent has logged since then that it has applied something.
fn has_applied(home: &Home, seen: u64) -> bool {
    if fs::metadata(home.log()).is_ok_and(|log| log.len() <= seen) {
        return false;
    }
    let log = fs::read_to_string(home.log()).unwrap_or_default();
    let new = usize::try_from(seen).ok().and_then(|seen| log.get(seen..)).unwrap_or_default();
    let Some(line) = new.lines().find(|line| line.contains(" outcome=")) else { return false };
    assert!(line.contains("outcome=\"Applied\""), "{new}");
    line.contains("lines=")
}

/// Measures the agent on an empty router. It is left at the base.
pub fn measure(settings: &Settings, size: Size, (router, fleet): (&Router, &Fleet)) -> Ours {
    let home = Home::new();
    let agent = Agent::start(Path::new("frrk8s"), router, &home, &[]);
    agent.wait_for_reason("Idle");
    let mut measured = Measured { agent, home: &home, router, fleet, size, sessions: 0 };
    let first_load = measured.change(State::Base);
    let prefix = measured.there_and_back(settings.runs, [State::Front, State::Base]);
    let mut fewest = measured.sessions;
    let mut new_audiences = Vec::new();
    for _ in 0..3 {
        new_audiences.push(measured.change(State::FrontWithheld));
        measured.change(State::Base);
    }
    let new_audience = middle(&new_audiences);
    measured.change(State::LastWithheld);
    let neighbor = measured.there_and_back(settings.runs, [State::TwoWithheld, State::LastWithheld]);
    fewest = fewest.min(measured.sessions);
    measured.change(State::Base);
    let memory = measured.agent.memory();
    measured.agent.stop();
    Ours { first_load, prefix, neighbor, new_audience, sessions: fewest, memory }
}
