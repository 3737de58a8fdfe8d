//! One FRR, and one pass over it: decide, apply, verify, keep.

mod blame;
mod describe;
mod keep;
mod left;
mod pass;
mod running;

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use frrk8s_delta::Documents;
use frrk8s_document::{Daemon, Dialect, Document, Line, Text};
use frrk8s_frr::{
    Cause, Driven, FrrError, Goal, LastGood, Machine, RawRecord, Reader, SetAside, StartupFile, Store,
    StoreError, Transport, Verdict, drive,
};
use frrk8s_intake::Input;
use frrk8s_model::Finding;
use frrk8s_render::divide;

use crate::engine::Engine;
use crate::foreign::Foreign;
use crate::gate::Gate;
use crate::resets::resets;
use crate::retry::Retry;
use crate::sources::SourceError;
use crate::wanted::{Asked, Wanted, raw_record, whole};

use left::LeftBehind;
pub use pass::{OnDrift, Pass, PassError};
use running::Running;

/// What was last seen to run in order.
#[derive(Clone, Debug)]
struct Applied {
    documents: Documents,
    raw: Option<RawRecord>,
    /// The dialect that it is divided in.
    dialect: Dialect,
    /// Whether there was a newer one that could not be read: what runs may be that.
    is_old: bool,
}

/// An FRR with what is known of it from one pass to the next.
#[derive(Debug)]
pub struct Node<T> {
    transport: T,
    reader: Reader,
    engine: Engine,
    store: Store,
    startup: Option<StartupFile>,
    on_drift: OnDrift,
    /// What the store had when we started, until it is known which dialect it is in; and whether that is not the newest.
    found: Option<(LastGood, bool)>,
    applied: Option<Applied>,
    /// What the objects ask for, where it failed.
    retry: Retry<Asked>,
    /// What was last good, where it could not be returned to.
    held: Retry<Documents>,
    /// What FRR does not let go of.
    left: LeftBehind,
    /// Whether the last good configuration is not on the disk yet.
    unsaved: bool,
    /// Lines that were told, and not seen to run in order since (or not on the disk yet).
    told: Option<Document>,
    /// Whether an agent died while it told FRR something: lists and maps may have changed without anybody being told to act
    /// on it, and FRR takes 5 s for that.
    is_in_doubt: bool,
    /// Whether somebody wants to know all of what runs.
    is_described: bool,
    /// The same as the store had it when we started.
    found_told: Option<String>,
    gate: Gate,
    /// Since when staticd is mute, and how that was said.
    mute_staticd: Option<(Instant, Cause)>,
}

impl<T: Transport> Node<T> {
    /// An FRR that is to run what an engine decides.
    pub fn new(
        transport: T,
        engine: Engine,
        store: Store,
        (startup, on_drift): (Option<StartupFile>, OnDrift),
    ) -> Self {
        let (found, applied) = (None, None);
        let (retry, held) = (Retry::default(), Retry::default());
        Self {
            transport,
            reader: Reader::default(),
            engine,
            store,
            startup,
            on_drift,
            found,
            applied,
            retry,
            held,
            left: LeftBehind::default(),
            unsaved: false,
            told: None,
            is_in_doubt: false,
            is_described: false,
            found_told: None,
            gate: Gate::default(),
            mute_staticd: None,
        }
    }

    /// Takes over what was kept before a restart: what was set aside, and what a newer release takes no more.
    pub fn restore(&mut self) -> Result<(Vec<SetAside>, Vec<Finding>), StoreError> {
        if let Some(startup) = &self.startup {
            startup.remove_unfinished();
        }
        let loaded = self.store.load()?;
        let record = loaded.last_good.as_ref().and_then(|last_good| last_good.record.as_ref());
        let findings = record.map(|record| self.engine.restore(record)).unwrap_or_default();
        let is_old = loaded.is_old;
        self.found = loaded.last_good.map(|last_good| (last_good, is_old));
        self.found_told = self.store.told();
        self.is_in_doubt |= self.found_told.is_some();
        Ok((loaded.set_aside, findings))
    }

    /// The same, told nothing while a gate is closed.
    #[must_use]
    pub fn through(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// When what the store had was kept; known until the first pass.
    pub fn kept_at(&self) -> Option<SystemTime> {
        let (last_good, _) = self.found.as_ref()?;
        self.store.kept_at(last_good.generation)
    }

    /// From now on each pass says what runs.
    pub fn describe_all(&mut self) {
        self.is_described = true;
    }

    /// Whether nothing was ever accepted, as far as the store knows.
    pub fn is_blank(&self) -> bool {
        self.engine.is_blank() && self.applied.is_none() && self.found.is_none()
    }

    /// The names of the objects of the Kubernetes API that are in force.
    pub fn names_of_the_api(&self) -> BTreeSet<String> {
        let kept = self.engine.in_force().values().filter(|kept| kept.is_of_the_api());
        kept.map(|kept| kept.fragment.object.name.to_string()).collect()
    }

    /// Asks bgpd.
    pub async fn ask(&mut self, command: &str) -> Result<String, FrrError> {
        self.transport.ask(Daemon::Bgpd, command).await
    }

    /// One pass: FRR is made to run what the objects of the source ask for.
    pub async fn pass(&mut self, source: Result<Input, SourceError>) -> Pass {
        self.pass_over(|| source).await
    }

    /// The same with a source that is read while FRR prints what it runs.
    pub async fn pass_over(&mut self, source: impl FnOnce() -> Result<Input, SourceError>) -> Pass {
        let mut pass = Pass::new();
        let (looked, source) = tokio::join!(self.look(&mut pass), async { source() });
        match looked {
            Ok((dialect, running)) => {
                pass.error = self.work(source, (dialect, &running), &mut pass).await.err();
                self.describe(&running, &mut pass);
            }
            Err(error) => pass.error = Some(error),
        }
        let is_verified = pass.verdict().is_some_and(|verdict| verdict.cause().is_none());
        if self.is_in_doubt && is_verified && self.gate.enter() {
            // Where it fails, the next pass tries again.
            self.is_in_doubt = self.clear_all().await.is_err();
        }
        pass
    }

    /// What FRR runs.
    async fn look(&mut self, pass: &mut Pass) -> Result<(Dialect, Running), PassError> {
        let started = Instant::now();
        let dialect = Dialect::new(self.transport.version().await?);
        pass.version = Some(dialect.version().to_string());
        self.adopt(dialect);
        let running = self.read_known(dialect).await?;
        pass.reading = started.elapsed();
        pass.foreign = Some(Foreign::of(&running.foreign));
        Ok((dialect, running))
    }

    async fn work(
        &mut self,
        source: Result<Input, SourceError>,
        (dialect, running): (Dialect, &Running),
        pass: &mut Pass,
    ) -> Result<(), PassError> {
        let (started, mut again) = (Instant::now(), None);
        let input = match source {
            Ok(input) => input,
            Err(error) => {
                // An agent that died while it told FRR something did not come to keep it: what runs stays until a source answers.
                if !self.is_in_doubt || !running.has_routers() {
                    self.hold(dialect, running, pass).await;
                }
                return Err(error.into());
            }
        };
        // Each round sets at least one object aside.
        loop {
            if pass.driven.is_some() {
                again = Some(self.read_known(dialect).await?);
            }
            let running = again.as_ref().unwrap_or(running);
            let against = self.against(running);
            let mut decision = match self.engine.decide(&input, against.as_ref(), dialect.version(), started)
            {
                Ok(decision) => decision,
                Err(error) => {
                    self.hold(dialect, running, pass).await;
                    return Err(error.into());
                }
            };
            self.left.say(&mut decision);
            let Some(wanted) = decision.wanted.take() else {
                pass.decision = Some(decision);
                self.hold(dialect, running, pass).await;
                return Ok(());
            };
            if self.is_idle(&wanted) {
                pass.decision = Some(decision);
                return Ok(());
            }
            let in_force = self.engine.in_force().values().filter_map(|kept| kept.fragment.raw.clone());
            self.left.note_written(in_force.chain(wanted.raw().iter().cloned()));
            let driven = self.apply(&wanted, dialect, running, pass).await;
            self.left.say(&mut decision);
            let certain = driven.as_ref().map(|driven| self.blame(&wanted, &driven.verdict, &mut decision));
            // What failed earlier, and is not tried now, is no new reason to leave anybody out.
            let certain = certain.filter(|_| pass.is_tried).unwrap_or_default();
            let is_out = self.set_aside(&wanted, certain);
            pass.decision = Some(decision);
            pass.driven = driven.or(pass.driven.take());
            if !is_out {
                return Ok(());
            }
        }
    }

    /// What names and numbers of lists and maps are kept from: what bgpd runs of ours. Where drift is only to be reported,
    /// what we told it: else what somebody changed would look like another wish, and be told.
    fn against(&self, running: &Running) -> Option<Document> {
        let applied = self.applied.as_ref().filter(|_| self.on_drift == OnDrift::Report);
        let documents = applied.map_or(&running.ours, |applied| &applied.documents);
        documents.get(&Daemon::Bgpd).cloned()
    }

    /// Nothing is told to an FRR of which nobody ever wanted anything. What was told, and never seen to run in order, has to
    /// go again.
    fn is_idle(&self, wanted: &Wanted) -> bool {
        wanted.kept.is_empty() && self.applied.is_none() && self.told.is_none()
    }

    /// What the store had, now that the dialect is known.
    fn adopt(&mut self, dialect: Dialect) {
        if let Some((found, is_old)) = self.found.take() {
            let documents = dialect.by_daemon(&dialect.read(&Text::parse(&found.text)));
            let documents = self.told(Goal { documents, raw: Documents::new() }).documents;
            let raw = found.record.and_then(|record| record.raw);
            self.applied = Some(Applied { documents, raw, dialect, is_old });
        }
        // FRR may have been replaced by another release meanwhile.
        if let Some(applied) = self.applied.as_mut().filter(|applied| applied.dialect != dialect) {
            let text = whole(&applied.documents).print();
            applied.documents = dialect.by_daemon(&dialect.read(&Text::parse(&text)));
            applied.dialect = dialect;
        }
    }

    /// Whether what runs may be newer than what could be read from the disk: then it stays.
    fn may_run_newer(&self, running: &Running) -> bool {
        self.applied.as_ref().is_some_and(|applied| applied.is_old) && running.has_routers()
    }

    /// FRR is held at what was last good, on the terms of today.
    async fn hold(&mut self, dialect: Dialect, running: &Running, pass: &mut Pass) {
        if self.may_run_newer(running) {
            return;
        }
        let against = self.against(running);
        match self.engine.on_new_terms(against.as_ref(), dialect.version()) {
            Some(wanted) => pass.driven = self.apply(&wanted, dialect, running, pass).await,
            None => self.hold_as_it_was(dialect, running, pass).await,
        }
    }

    async fn hold_as_it_was(&mut self, dialect: Dialect, running: &Running, pass: &mut Pass) {
        let Some(applied) = self.applied.clone().filter(|_| !self.may_run_newer(running)) else {
            return;
        };
        let goal = self.told(Goal { documents: applied.documents, raw: Documents::new() });
        if self.is_left(&goal.documents, running, pass) || self.held.waits(&goal.documents).is_some() {
            return;
        }
        let documents = goal.documents.clone();
        pass.driven = if frrk8s_frr::same(&documents, &running.ours) {
            Some(Driven::not_told(Verdict::Unchanged))
        } else {
            let text = whole(&documents).print();
            self.drive(dialect, goal, (&text, running), pass).await
        };
        if let Some(driven) = &pass.driven {
            self.held.note(&documents, &driven.verdict);
        }
    }

    async fn apply(
        &mut self,
        wanted: &Wanted,
        dialect: Dialect,
        running: &Running,
        pass: &mut Pass,
    ) -> Option<Driven> {
        pass.is_tried = true;
        let homeless = wanted.homeless(dialect, running.no_staticd.is_none());
        let raw = self.applied.as_ref().and_then(|applied| applied.raw.clone());
        let goal = self.told(wanted.goal(dialect, raw.as_ref()));
        pass.asked = self.is_described.then(|| goal.documents.clone());
        if !homeless.is_empty() {
            let runs_without = self.applied.as_ref().and_then(|it| it.documents.get(&Daemon::Staticd));
            let verdict = match &running.no_staticd {
                // It ran lines of ours: it has gone, and nobody is to be blamed.
                Some(cause) if runs_without.is_some_and(|ours| !ours.is_empty()) => {
                    Verdict::Unreachable(cause.clone())
                }
                _ => Verdict::RolledBack(Cause::Refused(homeless)),
            };
            return Some(self.wait_with(verdict, dialect, running, pass).await);
        }
        if self.is_left(&goal.documents, running, pass) {
            return None;
        }
        let asked = wanted.asked();
        if let Some(verdict) = self.retry.waits(&asked).cloned() {
            pass.is_tried = false;
            return Some(self.wait_with(verdict, dialect, running, pass).await);
        }
        let documents = goal.documents.clone();
        let driven = if frrk8s_frr::same(&documents, &running.ours) {
            // It was just read: to read it again takes time, and somebody may type meanwhile.
            Driven::not_told(Verdict::Unchanged)
        } else {
            self.drive(dialect, goal, (&wanted.print(), running), pass).await?
        };
        self.retry.note(&asked, &driven.verdict);
        // Also where it failed: the session was reset, and as a rule the way back reset it again.
        pass.resets.extend(resets(&driven.sessions, self.engine.in_force(), wanted));
        match &driven.verdict {
            Verdict::Unchanged => self.keep(wanted, (documents, raw, dialect), pass),
            Verdict::Applied { residue: None } => {
                let raw = raw.filter(|record| record.told == wanted.raw_text());
                self.keep(wanted, (documents, raw, dialect), pass);
            }
            Verdict::Applied { residue: Some(residue) } => {
                let mut residue = residue.clone();
                // What came at the top level under another name than it was told is known only by its coming.
                if let Ok(after) = self.read(dialect, &documents.values().collect::<Vec<_>>()).await {
                    let came = after.foreign.without(&running.foreign);
                    let told = residue.missing.values().map(Document::leaves).sum();
                    // More than that somebody else has typed: it stays theirs.
                    let came = if came.leaves() <= told { came } else { Document::default() };
                    for (daemon, document) in dialect.by_daemon(&came) {
                        let more = residue.more.remove(&daemon).unwrap_or_default();
                        residue.more.insert(daemon, more.joined(document));
                    }
                }
                let record = raw_record(wanted.raw_text(), &residue);
                let documents = self.told(wanted.goal(dialect, Some(&record))).documents;
                self.keep(wanted, (documents, Some(record), dialect), pass);
            }
            Verdict::RolledBack(_) => self.forget_told(pass),
            Verdict::Stuck { .. } | Verdict::Unreachable(_) => {}
        }
        Some(driven)
    }

    /// What failed is not tried now: FRR is held at what was last good meanwhile.
    async fn wait_with(
        &mut self,
        verdict: Verdict,
        dialect: Dialect,
        running: &Running,
        pass: &mut Pass,
    ) -> Driven {
        self.hold_as_it_was(dialect, running, pass).await;
        match pass.driven.take() {
            Some(held) if held.verdict.cause().is_none() => Driven { verdict, ..held },
            Some(held) => Driven { verdict: held.verdict.without_marks(), ..held },
            None => Driven::not_told(verdict),
        }
    }

    /// Whether somebody changed what runs, and it is only to be reported. Where something else is to be applied at the same
    /// time, all of it is put right.
    fn is_left(&mut self, goal: &Documents, running: &Running, pass: &mut Pass) -> bool {
        let Some(applied) = &self.applied else { return false };
        let is_asked_still = applied.documents == *goal;
        let last = if is_asked_still {
            applied.documents.clone()
        } else {
            running.that_are_there(applied.documents.clone())
        };
        // What we told ourselves and did not see to run in order, now or before a restart, is nobody else's change.
        let is_ours = !is_asked_still && (self.told.is_some() || applied.is_old);
        if is_ours || frrk8s_frr::same(&last, &running.ours) {
            return false;
        }
        pass.drift = frrk8s_frr::differences(&last, &running.ours);
        if pass.drift.is_empty() {
            pass.drift.push("a password is another one".to_owned());
        }
        pass.is_lost = running.is_lost(&last);
        is_asked_still && self.on_drift == OnDrift::Report && !pass.is_lost
    }

    /// Makes all policy take effect. Sessions stay.
    async fn clear_all(&mut self) -> Result<(), FrrError> {
        let bgpd = self.applied.as_ref().and_then(|applied| applied.documents.get(&Daemon::Bgpd));
        let routers = bgpd
            .into_iter()
            .flat_map(Document::lines)
            .filter_map(|line| line.text().strip_prefix("router bgp "));
        let vrfs: Vec<Option<String>> =
            routers.map(|rest| rest.split_once(" vrf ").map(|(_, vrf)| vrf.to_owned())).collect();
        for vrf in vrfs {
            let vrf = vrf.map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
            for family in ["ipv4", "ipv6"] {
                self.transport.ask(Daemon::Bgpd, &format!("clear bgp {vrf}{family} unicast * soft")).await?;
            }
        }
        Ok(())
    }

    /// A goal without the lines that do not reach FRR on the way that was chosen.
    fn told(&self, goal: Goal) -> Goal {
        let tells = |line: Line| self.transport.tells(line.text()).then_some(line);
        let of_one = |document: Document| document.reduced(tells);
        let documents = goal.documents.into_iter().map(|(daemon, document)| (daemon, of_one(document)));
        Goal { documents: documents.collect(), ..goal }
    }

    async fn drive(
        &mut self,
        dialect: Dialect,
        goal: Goal,
        (text, running): (&str, &Running),
        pass: &mut Pass,
    ) -> Option<Driven> {
        if !self.gate.enter() {
            pass.is_stopped = true;
            return None;
        }
        self.note_told(&goal.documents, pass);
        self.left.keep_unwanted(&goal.documents);
        let applied = self.applied.as_ref().map(|applied| running.that_are_there(applied.documents.clone()));
        let goal = Goal { documents: running.that_are_there(goal.documents), ..goal };
        let known = [goal.documents.clone(), applied.clone().unwrap_or_default()];
        let known: Vec<&Document> = known.iter().flat_map(Documents::values).chain(&self.told).collect();
        let left = &self.left;
        let ours = |running: Document| left.taken_from(divide(running, &known).ours);
        // Where a newer one could not be read, what runs is better than what could.
        let is_old = self.applied.as_ref().is_some_and(|applied| applied.is_old);
        let read = running.read.iter().map(|(daemon, document)| (*daemon, ours(document.clone())));
        let machine = Machine::new(dialect, goal, applied.filter(|_| !is_old)).knowing(read.collect());
        // A machine is large, and the futures around hold several.
        let driven = Box::pin(drive((&mut self.transport, &mut self.reader), machine, &ours, text)).await;
        self.left.note(driven.left.clone());
        pass.applies.extend((driven.lines > 0).then(|| driven.clone()));
        Some(driven)
    }
}
