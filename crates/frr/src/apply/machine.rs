//! The states of an apply. Pure: what happened goes in, what is to be done comes out.

use std::collections::BTreeSet;

use frrk8s_delta::{Clear, Delta, Documents};
use frrk8s_document::{Daemon, Dialect, Document, Line};

use super::left::{Left, left};
use super::{Cause, Goal, Refused, Residue, Verdict};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read what every daemon runs.
    Read,
    /// Tell the daemons.
    Send(Delta),
    /// It is over.
    Done(Verdict),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// What of ours the daemons run.
    Running(Documents),
    /// Everything was told; what was refused of it.
    Sent(Vec<Refused>),
    /// A daemon went away, or fell silent.
    Lost(Cause),
}

/// Where nothing is known.
static NOTHING: Documents = Documents::new();

/// How often what runs may differ from what was told, before that counts as a failure: somebody may have typed.
const DIFFERENCES_MAX: u8 = 1;

/// Where an apply stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is known of what runs.
    Planning,
    /// The delta is being told.
    Applying,
    /// It was told; what runs is being read.
    Verifying,
    /// It failed; what runs is being read, to go back from there.
    Returning,
    /// The way back is being told.
    RollingBack,
    /// It was told; what runs is being read.
    VerifyingReturn,
    /// It is over.
    Over,
}

/// One apply.
#[derive(Debug)]
pub struct Machine {
    dialect: Dialect,
    goal: Goal,
    /// What to return to; where nobody knows, what ran at the beginning.
    last_good: Option<Documents>,
    phase: Phase,
    differences: u8,
    cause: Option<Cause>,
    /// What was just read; later what ran when the delta was made.
    running: Option<Documents>,
    /// The clears of the delta.
    clears: BTreeSet<Clear>,
    /// What FRR does not let go of.
    left: Vec<Left>,
}

impl Machine {
    /// An apply of a goal, and where to return to when it fails.
    pub fn new(dialect: Dialect, goal: Goal, last_good: Option<Documents>) -> Self {
        Self {
            dialect,
            goal,
            last_good,
            phase: Phase::Planning,
            differences: 0,
            cause: None,
            running: None,
            clears: BTreeSet::new(),
            left: Vec::new(),
        }
    }

    /// The same, with what of ours the daemons were just read to run: it is not read again before they are told.
    #[must_use]
    pub fn knowing(self, running: Documents) -> Self {
        Self { running: Some(running), ..self }
    }

    /// The dialect of the FRR that it is about.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The daemons that it is about.
    pub fn daemons(&self) -> Vec<Daemon> {
        let last_good = self.last_good.iter().flat_map(Documents::keys);
        self.dialect.daemons_and(self.goal.documents.keys().chain(last_good))
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The lines that stay although nobody wants them.
    pub fn into_left(self) -> Vec<Left> {
        self.left
    }

    /// The first step.
    pub fn start(&mut self) -> Step {
        self.phase = Phase::Planning;
        match self.running.take() {
            Some(running) => self.plan(running),
            None => Step::Read,
        }
    }

    /// The step that follows what happened.
    pub fn after(&mut self, event: Event) -> Step {
        match (self.phase, event) {
            (Phase::Planning, Event::Running(running)) => self.plan(running),
            (Phase::Applying, Event::Sent(refused)) if refused.is_empty() => self.read_in(Phase::Verifying),
            (Phase::Applying, Event::Sent(refused)) => self.refused(refused),
            (Phase::Verifying, Event::Running(running)) => self.verify(running),
            (Phase::Returning, Event::Running(running)) => {
                let running = self.besides(running, self.return_to());
                self.go_back(&running)
            }
            // What else is refused on the way back shows in what runs then.
            (Phase::RollingBack, Event::Sent(refused)) => {
                let left = self.left_of(&refused, self.return_to());
                self.leave(left.unwrap_or_default());
                self.read_in(Phase::VerifyingReturn)
            }
            (Phase::VerifyingReturn, Event::Running(running)) => {
                self.left.retain(|left| left.is_in(running.values()));
                let running = self.besides(running, self.return_to());
                self.verify_return(&running)
            }
            (Phase::Planning, Event::Lost(cause)) => self.over(Verdict::Unreachable(cause)),
            (Phase::Applying | Phase::Verifying, Event::Lost(cause)) => self.fail(cause),
            (_, Event::Lost(lost)) => {
                let cause = self.cause.take().unwrap_or(lost);
                self.over(Verdict::Stuck { cause, differs: Vec::new() })
            }
            (_, Event::Running(_) | Event::Sent(_)) => self.over(Verdict::Stuck {
                cause: self.cause.clone().unwrap_or(Cause::Confused),
                differs: Vec::new(),
            }),
        }
    }

    fn over(&mut self, verdict: Verdict) -> Step {
        self.phase = Phase::Over;
        Step::Done(verdict)
    }

    fn read_in(&mut self, phase: Phase) -> Step {
        self.phase = phase;
        Step::Read
    }

    /// Lines were refused. Where they only took back what nobody renders, that stays, and the rest counts: without the
    /// clears, which are not told where something was refused, it would not take effect at once.
    fn refused(&mut self, refused: Vec<Refused>) -> Step {
        let Some(left) = self.left_of(&refused, &self.goal.documents) else {
            return self.fail(Cause::Refused(refused));
        };
        self.leave(left);
        let clears = std::mem::take(&mut self.clears);
        if clears.is_empty() {
            return self.read_in(Phase::Verifying);
        }
        Step::Send(Delta { clears, ..Delta::default() })
    }

    /// The lines that stay because of refusals; `None` where something else was refused as well.
    fn left_of(&self, refused: &[Refused], wanted: &Documents) -> Option<Vec<Left>> {
        left(refused, (self.running.as_ref().unwrap_or(&NOTHING), wanted))
    }

    fn leave(&mut self, left: Vec<Left>) {
        self.left.extend(left);
        self.left.sort();
        self.left.dedup();
    }

    /// What is returned to.
    fn return_to(&self) -> &Documents {
        self.last_good.as_ref().unwrap_or(&NOTHING)
    }

    /// What runs without what stays although nobody wants it.
    fn besides(&self, running: Documents, wanted: &Documents) -> Documents {
        let is_unwanted = |left: &&Left| !left.is_in(wanted.values());
        let of_one = |document| {
            let unwanted = self.left.iter().filter(is_unwanted);
            unwanted.fold(document, |document, left| left.taken_from(document))
        };
        running.into_iter().map(|(daemon, document)| (daemon, of_one(document))).collect()
    }

    fn plan(&mut self, running: Documents) -> Step {
        let delta = Delta::new(self.dialect, &running, &self.goal.documents);
        if delta.is_empty() {
            return self.over(Verdict::Unchanged);
        }
        self.clears.clone_from(&delta.clears);
        self.running = Some(running.clone());
        self.last_good.get_or_insert(running);
        self.phase = Phase::Applying;
        Step::Send(delta)
    }

    fn verify(&mut self, running: Documents) -> Step {
        self.left.retain(|left| left.is_in(running.values()));
        let running = self.besides(running, &self.goal.documents);
        if same(&running, &self.goal.documents) {
            return self.over(Verdict::Applied { residue: None });
        }
        if let Some(residue) = self.goal.residue(&running) {
            // Lines that left no trace may have been lost on the way (mgmtd of 10.3 does so at times): they are told once more.
            if residue.is_without_trace() && self.differences < DIFFERENCES_MAX {
                self.differences += 1;
                return self.plan(running);
            }
            return self.over(Verdict::Applied { residue: Some(residue) });
        }
        if self.differences == DIFFERENCES_MAX {
            return self.fail(Cause::Differs(differences(&self.goal.documents, &running)));
        }
        self.differences += 1;
        self.plan(running)
    }

    /// Whatever happened: what runs now is read, and the way back starts there.
    fn fail(&mut self, cause: Cause) -> Step {
        self.cause = Some(cause);
        self.differences = 0;
        self.read_in(Phase::Returning)
    }

    fn go_back(&mut self, running: &Documents) -> Step {
        self.running = Some(running.clone());
        let last_good = self.last_good.get_or_insert_default();
        let delta = Delta::new(self.dialect, running, last_good);
        if delta.is_empty() {
            return self.rolled_back();
        }
        self.phase = Phase::RollingBack;
        Step::Send(delta)
    }

    fn verify_return(&mut self, running: &Documents) -> Step {
        let last_good = self.last_good.get_or_insert_default();
        if same(running, last_good) {
            return self.rolled_back();
        }
        if self.differences == DIFFERENCES_MAX {
            let differs = differences(last_good, running);
            let cause = self.cause.take().unwrap_or(Cause::Confused);
            return self.over(Verdict::Stuck { cause, differs });
        }
        self.differences += 1;
        self.go_back(running)
    }

    fn rolled_back(&mut self) -> Step {
        let cause = self.cause.take().unwrap_or(Cause::Confused);
        self.over(Verdict::RolledBack(cause))
    }
}

/// Whether documents say the same, secrets included. [`differences`] does not show those.
pub fn same(one: &Documents, other: &Documents) -> bool {
    let empty = Document::default();
    let daemons: BTreeSet<Daemon> = one.keys().chain(other.keys()).copied().collect();
    daemons.iter().all(|daemon| one.get(daemon).unwrap_or(&empty) == other.get(daemon).unwrap_or(&empty))
}

/// Every line that only one side has, with its contexts, secrets masked: `-` for what is wanted and does not run, `+` for
/// what runs and is not wanted.
pub fn differences(wanted: &Documents, running: &Documents) -> Vec<String> {
    let flat = |documents: &Documents| -> BTreeSet<String> {
        let of_daemon = |(daemon, document): (&Daemon, &Document)| {
            let mut lines = Vec::new();
            flatten(daemon.name(), document.lines(), &mut lines);
            lines
        };
        documents.iter().flat_map(of_daemon).collect()
    };
    let (wanted, running) = (flat(wanted), flat(running));
    let missing = wanted.difference(&running).map(|line| format!("- {line}"));
    missing.chain(running.difference(&wanted).map(|line| format!("+ {line}"))).collect()
}

fn flatten(path: &str, lines: &[Line], flat: &mut Vec<String>) {
    for line in lines {
        let path = format!("{path} / {}", frrk8s_model::masked(line.text()));
        flatten(&path, line.inside(), flat);
        flat.push(path);
    }
}

impl Residue {
    /// Whether a daemon prints nothing at all in place of lines that it was told.
    fn is_without_trace(&self) -> bool {
        let appeared = |daemon: &Daemon| self.more.get(daemon).is_some_and(|more| !more.is_empty());
        self.missing.iter().any(|(daemon, missing)| !missing.is_empty() && !appeared(daemon))
    }
}

impl Goal {
    /// What FRR made of raw lines, where nothing else differs from the goal.
    fn residue(&self, running: &Documents) -> Option<Residue> {
        if self.raw.values().all(Document::is_empty) {
            return None;
        }
        let mut residue = Residue::default();
        let empty = Document::default();
        let daemons: BTreeSet<Daemon> = running.keys().chain(self.documents.keys()).copied().collect();
        for daemon in daemons {
            let [wanted, runs] = [&self.documents, running].map(|side| side.get(&daemon).unwrap_or(&empty));
            let raw = self.raw.get(&daemon).unwrap_or(&empty);
            let (missing, more) = (wanted.without(runs), runs.without(wanted));
            // For each raw line at most one stands there in its place: what else is there, others have told.
            if !missing.without(raw).is_empty() || more.leaves() > missing.leaves() {
                return None;
            }
            residue.missing.insert(daemon, missing);
            residue.more.insert(daemon, more);
        }
        Some(residue)
    }
}
