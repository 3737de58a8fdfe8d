//! One FRR, and one pass over it: decide, apply, verify, keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use frrk8s_delta::Documents;
use frrk8s_document::{Daemon, Dialect, Document, Line, Text};
use frrk8s_frr::{
    Cause, Driven, FrrError, Goal, LastGood, Machine, RawRecord, Refused, SetAside, StartupFile, Store,
    StoreError, Transport, Verdict, drive,
};
use frrk8s_intake::{Input, InputError, InventoryError};
use frrk8s_merge::ConflictPolicy;
use frrk8s_model::{Finding, ObjectId, Rule, Severity};
use frrk8s_render::divide;

use crate::engine::{Decision, Engine};
use crate::resets::{Reset, resets};
use crate::retry::Retry;
use crate::wanted::{Wanted, raw_record, whole};

/// What to do when what is ours was changed by somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrift {
    /// Put it back.
    #[default]
    Undo,
    /// Say it, and leave it.
    Report,
}

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
    engine: Engine,
    store: Store,
    startup: Option<StartupFile>,
    on_drift: OnDrift,
    /// What the store had when we started, until it is known which dialect it is in; and whether that is not the newest.
    found: Option<(LastGood, bool)>,
    applied: Option<Applied>,
    /// What the objects ask for, where it failed.
    retry: Retry,
    /// What was last good, where it could not be returned to.
    held: Retry,
    /// Whether the last good configuration is not on the disk yet.
    unsaved: bool,
    /// Lines that were told, and not seen to run in order since.
    told: Option<Document>,
    /// The same as the store had it when we started.
    found_told: Option<String>,
}

/// Why a pass came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The source cannot be read: the node is held.
    #[error("the source cannot be read")]
    Source(#[from] InputError),
    /// The objects do not say which node is meant.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// FRR cannot be talked to.
    #[error("FRR cannot be read")]
    Frr(#[from] FrrError),
    /// FRR leaves out other lines than those that are known here: what it runs cannot be told from what it prints.
    #[error(
        "FRR runs with `frr defaults {profile}`; only traditional is known here: take the line out of its start-up file and restart it"
    )]
    Defaults {
        /// The profile.
        profile: String,
    },
}

impl PassError {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Source(_) => "SourceUnreadable",
            Self::Inventory(_) => "NodeUnclear",
            Self::Frr(error) => error.reason(),
            Self::Defaults { .. } => "DefaultsUnknown",
        }
    }
}

/// What came of a pass.
#[derive(Debug)]
pub struct Pass {
    /// What became of the objects; `None` where the source could not be read.
    pub decision: Option<Decision>,
    /// What came of the apply; `None` where nothing was to be applied.
    pub driven: Option<Driven>,
    /// Whether FRR was told, or would have been: not where it is waited with what failed.
    is_tried: bool,
    /// What kept the pass from more.
    pub error: Option<PassError>,
    /// What could not be kept on disk.
    pub unkept: Vec<StoreError>,
    /// Lines that somebody else changed of what is ours.
    pub drift: Vec<String>,
    /// Sessions that were reset by what was applied.
    pub resets: Vec<Reset>,
    /// How many lines of FRR's are none of ours.
    pub foreign: usize,
    /// The version of FRR.
    pub version: Option<String>,
    /// How long reading FRR took.
    pub reading: Duration,
}

impl Pass {
    fn new() -> Self {
        Self {
            decision: None,
            driven: None,
            is_tried: false,
            error: None,
            unkept: Vec::new(),
            drift: Vec::new(),
            resets: Vec::new(),
            foreign: 0,
            version: None,
            reading: Duration::ZERO,
        }
    }

    /// The verdict on the apply, if there was one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.driven.as_ref().map(|driven| &driven.verdict)
    }
}

/// What runs, divided.
struct Running {
    ours: Documents,
    foreign: Document,
    /// Whether staticd answers.
    has_staticd: bool,
    /// By daemon, undivided.
    read: Documents,
}

impl Running {
    /// The documents of daemons that answer.
    fn that_are_there(&self, mut documents: Documents) -> Documents {
        if !self.has_staticd {
            documents.remove(&Daemon::Staticd);
        }
        documents
    }

    /// Whether a daemon runs nothing of what a goal has in contexts: somebody has restarted it, and nobody has typed.
    fn is_lost(&self, goal: &Documents) -> bool {
        let contexts = |document: &Document| -> BTreeSet<Box<str>> {
            let lines = document.lines().iter().filter(|line| !line.inside().is_empty());
            lines.map(|line| line.text().into()).collect()
        };
        goal.iter().any(|(daemon, wanted)| {
            let wanted = contexts(wanted);
            let runs = self.ours.get(daemon).map(contexts).unwrap_or_default();
            !wanted.is_empty() && wanted.is_disjoint(&runs)
        })
    }

    /// Whether anybody has configured BGP.
    fn has_routers(&self) -> bool {
        let bgpd = self.ours.get(&Daemon::Bgpd);
        bgpd.is_some_and(|document| {
            document.lines().iter().any(|line| line.text().starts_with("router bgp "))
        })
    }
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
            engine,
            store,
            startup,
            on_drift,
            found,
            applied,
            retry,
            held,
            unsaved: false,
            told: None,
            found_told: None,
        }
    }

    /// Takes over what was kept before a restart: what was set aside, and what a newer release takes no more.
    pub fn restore(&mut self) -> Result<(Vec<SetAside>, Vec<Finding>), StoreError> {
        let loaded = self.store.load()?;
        let record = loaded.last_good.as_ref().and_then(|last_good| last_good.record.as_ref());
        let findings = record.map(|record| self.engine.restore(record)).unwrap_or_default();
        let is_old = loaded.is_old;
        self.found = loaded.last_good.map(|last_good| (last_good, is_old));
        self.found_told = self.store.told();
        Ok((loaded.set_aside, findings))
    }

    /// Whether nothing was ever accepted, as far as the store knows.
    pub fn is_blank(&self) -> bool {
        self.engine.is_blank() && self.applied.is_none() && self.found.is_none()
    }

    /// Asks bgpd.
    pub async fn ask(&mut self, command: &str) -> Result<String, FrrError> {
        self.transport.ask(Daemon::Bgpd, command).await
    }

    /// One pass: FRR is made to run what the objects of the source ask for.
    pub async fn pass(&mut self, source: Result<Input, InputError>) -> Pass {
        let mut pass = Pass::new();
        if let Err(error) = self.try_pass(source, &mut pass).await {
            pass.error = Some(error);
        }
        pass
    }

    async fn try_pass(
        &mut self,
        source: Result<Input, InputError>,
        pass: &mut Pass,
    ) -> Result<(), PassError> {
        let started = Instant::now();
        let dialect = Dialect::new(self.transport.version().await?);
        pass.version = Some(dialect.version().to_string());
        self.adopt(dialect);
        let mut running = self.read_known(dialect).await?;
        pass.reading = started.elapsed();
        pass.foreign = running.foreign.count();
        let input = match source {
            Ok(input) => input,
            Err(error) => {
                self.hold(dialect, &running, pass).await;
                return Err(error.into());
            }
        };
        // Each round sets at least one object aside.
        loop {
            if pass.driven.is_some() {
                running = self.read_known(dialect).await?;
            }
            let against = self.against(&running);
            let mut decision = match self.engine.decide(&input, against.as_ref(), dialect.version(), started)
            {
                Ok(decision) => decision,
                Err(error) => {
                    self.hold(dialect, &running, pass).await;
                    return Err(error.into());
                }
            };
            let Some(wanted) = decision.wanted.take() else {
                pass.decision = Some(decision);
                self.hold(dialect, &running, pass).await;
                return Ok(());
            };
            if self.is_idle(&wanted) {
                pass.decision = Some(decision);
                return Ok(());
            }
            let driven = self.apply(&wanted, dialect, &running, pass).await;
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

    /// Nothing is told to an FRR of which nobody ever wanted anything.
    fn is_idle(&self, wanted: &Wanted) -> bool {
        wanted.kept.is_empty() && self.applied.is_none()
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

    /// What runs, with what was told of it before.
    async fn read_known(&mut self, dialect: Dialect) -> Result<Running, PassError> {
        let applied = self.applied.as_ref().map(|applied| whole(&applied.documents)).unwrap_or_default();
        if let Some(text) = self.found_told.take() {
            self.told = Some(dialect.read(&Text::parse(&text)));
        }
        let told = self.told.clone().unwrap_or_default();
        self.read(dialect, &[&applied, &told]).await
    }

    /// What runs. `known` is what is ours beside what is so by name.
    async fn read(&mut self, dialect: Dialect, known: &[&Document]) -> Result<Running, PassError> {
        let mut running = Running {
            ours: Documents::new(),
            foreign: Document::default(),
            has_staticd: false,
            read: Documents::new(),
        };
        for daemon in dialect.all_daemons() {
            let text = match self.transport.running(daemon).await {
                // Not every node runs it, and nothing of ours needs it but raw snippets.
                Err(_) if daemon == Daemon::Staticd => continue,
                text => text?,
            };
            running.has_staticd |= daemon == Daemon::Staticd;
            check_defaults(&text)?;
            let document = dialect.read_from(daemon, &text);
            running.read.insert(daemon, document.clone());
            let divided = divide(document, known);
            running.ours.insert(daemon, divided.ours);
            running.foreign = running.foreign.joined(divided.foreign);
        }
        Ok(running)
    }

    /// FRR is held at what was last good, on the terms of today.
    async fn hold(&mut self, dialect: Dialect, running: &Running, pass: &mut Pass) {
        let is_old = self.applied.as_ref().is_some_and(|applied| applied.is_old);
        if is_old && running.has_routers() {
            return;
        }
        let against = self.against(running);
        match self.engine.on_new_terms(against.as_ref(), dialect.version()) {
            Some(wanted) => pass.driven = self.apply(&wanted, dialect, running, pass).await,
            None => self.hold_as_it_was(dialect, running, pass).await,
        }
    }

    async fn hold_as_it_was(&mut self, dialect: Dialect, running: &Running, pass: &mut Pass) {
        let Some(applied) = self.applied.clone() else {
            return;
        };
        if applied.is_old && running.has_routers() {
            // What runs may be newer than what could be read from the disk: it stays.
            return;
        }
        let goal = self.told(Goal { documents: applied.documents, raw: Documents::new() });
        if self.is_left(&goal.documents, running, pass) || self.held.waits(&goal.documents).is_some() {
            return;
        }
        let (text, documents) = (whole(&goal.documents).print(), goal.documents.clone());
        let driven = self.drive(dialect, goal, (&text, running)).await;
        self.held.note(&documents, &driven.verdict);
        pass.driven = Some(driven);
    }

    async fn apply(
        &mut self,
        wanted: &Wanted,
        dialect: Dialect,
        running: &Running,
        pass: &mut Pass,
    ) -> Option<Driven> {
        pass.is_tried = true;
        let homeless = wanted.homeless(dialect, running.has_staticd);
        if !homeless.is_empty() {
            let verdict = Verdict::RolledBack(Cause::Refused(homeless));
            return Some(self.wait_with(verdict, dialect, running, pass).await);
        }
        let raw = self.applied.as_ref().and_then(|applied| applied.raw.clone());
        let goal = self.told(wanted.goal(dialect, raw.as_ref()));
        if self.is_left(&goal.documents, running, pass) {
            return None;
        }
        if let Some(verdict) = self.retry.waits(&goal.documents).cloned() {
            pass.is_tried = false;
            return Some(self.wait_with(verdict, dialect, running, pass).await);
        }
        let documents = goal.documents.clone();
        let driven = if frrk8s_frr::same(&documents, &running.ours) {
            // It was just read: to read it again takes time, and somebody may type meanwhile.
            Driven::not_told(Verdict::Unchanged)
        } else {
            self.note_told(&goal.documents, pass);
            self.drive(dialect, goal, (&wanted.print(), running)).await
        };
        self.retry.note(&documents, &driven.verdict);
        if driven.verdict.cause().is_none() {
            pass.resets.extend(resets(&driven.sessions, self.engine.in_force(), wanted));
        }
        match &driven.verdict {
            Verdict::Unchanged => self.keep(wanted, (documents, raw, dialect), running, pass),
            Verdict::Applied { residue: None } => {
                let raw = raw.filter(|record| record.told == wanted.raw_text());
                self.keep(wanted, (documents, raw, dialect), running, pass);
            }
            Verdict::Applied { residue: Some(residue) } => {
                let mut residue = residue.clone();
                // What came at the top level under another name than it was told is known only by its coming.
                if let Ok(after) = self.read(dialect, &[&whole(&documents)]).await {
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
                self.keep(wanted, (documents, Some(record), dialect), running, pass);
            }
            Verdict::RolledBack(_) | Verdict::Stuck { .. } | Verdict::Unreachable(_) => {}
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

    /// Notes what is about to be told and was not told before. Not all of it is ours by name: who finds it running after our
    /// death knows it from here.
    fn note_told(&mut self, goal: &Documents, pass: &mut Pass) {
        let applied = self.applied.as_ref().map(|applied| whole(&applied.documents)).unwrap_or_default();
        let new = whole(goal).without(&applied);
        if new.is_empty() {
            return;
        }
        let told = self.told.take().unwrap_or_default().joined(new);
        pass.unkept.extend(self.store.note_told(&told.print()).err());
        self.told = Some(told);
    }

    /// Whether somebody changed what runs, and it is only to be reported.
    fn is_left(&mut self, goal: &Documents, running: &Running, pass: &mut Pass) -> bool {
        if self.applied.as_ref().is_none_or(|applied| applied.documents != *goal) {
            return false;
        }
        if frrk8s_frr::same(goal, &running.ours) {
            return false;
        }
        pass.drift = frrk8s_frr::differences(goal, &running.ours);
        if pass.drift.is_empty() {
            pass.drift.push("a password is another one".to_owned());
        }
        self.on_drift == OnDrift::Report && !running.is_lost(goal)
    }

    /// A goal without the lines that do not reach FRR on the way that was chosen.
    fn told(&self, goal: Goal) -> Goal {
        let tells = |line: Line| self.transport.tells(line.text()).then_some(line);
        let of_one =
            |document: Document| Document::new(document.into_lines().into_iter().filter_map(tells).collect());
        let documents = goal.documents.into_iter().map(|(daemon, document)| (daemon, of_one(document)));
        Goal { documents: documents.collect(), ..goal }
    }

    async fn drive(&mut self, dialect: Dialect, goal: Goal, (text, running): (&str, &Running)) -> Driven {
        let applied = self.applied.as_ref().map(|applied| running.that_are_there(applied.documents.clone()));
        let goal = Goal { documents: running.that_are_there(goal.documents), ..goal };
        let told = self.told.clone().unwrap_or_default();
        let known = [whole(&goal.documents), applied.as_ref().map(whole).unwrap_or_default(), told];
        let ours = |running: Document| divide(running, &known.each_ref()).ours;
        // Where a newer one could not be read, what runs is better than what could.
        let is_old = self.applied.as_ref().is_some_and(|applied| applied.is_old);
        let read = running.read.iter().map(|(daemon, document)| (*daemon, ours(document.clone())));
        let machine = Machine::new(dialect, goal, applied.filter(|_| !is_old)).knowing(read.collect());
        drive(&mut self.transport, machine, &ours, text).await
    }

    /// FRR was seen to run it: it is kept, on disk as well.
    fn keep(
        &mut self,
        wanted: &Wanted,
        (documents, raw, dialect): (Documents, Option<RawRecord>, Dialect),
        running: &Running,
        pass: &mut Pass,
    ) {
        let is_new = self.applied.as_ref().is_none_or(|applied| applied.documents != documents)
            || !self.engine.has_accepted(wanted);
        self.engine.accept(wanted);
        let ours = whole(&documents);
        if is_new || self.unsaved {
            let saved = self.store.save(&ours.print(), &wanted.record(raw.clone()));
            self.unsaved = saved.is_err();
            pass.unkept.extend(saved.err());
        }
        if !self.unsaved && self.told.take().is_some() {
            self.store.forget_told();
        }
        let before = self.applied.as_ref().map(|applied| whole(&applied.documents)).unwrap_or_default();
        if let Some(startup) = &self.startup {
            let text = startup_text(dialect, &startup.read(), &running.foreign, &[&before, &ours]);
            pass.unkept.extend(startup.write(&text).err());
        }
        self.applied = Some(Applied { documents, raw, dialect, is_old: false });
    }

    /// Says who is behind the lines that an apply failed at; gives those who certainly are.
    fn blame(
        &self,
        wanted: &Wanted,
        verdict: &Verdict,
        decision: &mut Decision,
    ) -> BTreeMap<ObjectId, Finding> {
        let mut certain: BTreeMap<ObjectId, Finding> = BTreeMap::new();
        for suspect in suspects(verdict, self.retry.is_lost_again(verdict)) {
            for source in wanted.behind((suspect.mark, &suspect.line)) {
                let object = &source.origin.object;
                let path = source.origin.path.as_str();
                let mut finding = Finding::new(suspect.rule, object, path, suspect.message.as_str());
                if suspect.is_certain {
                    finding.severity = Severity::Error;
                    certain.entry(object.clone()).or_insert_with(|| finding.clone());
                }
                decision.findings.push(finding);
            }
        }
        decision.findings.sort();
        decision.findings.dedup();
        certain
    }

    /// Leaves out the versions of objects that FRR does not take, where the others are not to wait for them. Whether there is
    /// something else to try now.
    fn set_aside(&mut self, wanted: &Wanted, certain: BTreeMap<ObjectId, Finding>) -> bool {
        if self.engine.terms().conflict_policy == ConflictPolicy::Freeze {
            return false;
        }
        let mut any = false;
        for (object, finding) in certain {
            if let Some(kept) = wanted.kept.iter().find(|kept| kept.fragment.object == object) {
                any |= self.engine.refuse(&kept.fragment, finding);
            }
        }
        any
    }
}

fn check_defaults(text: &str) -> Result<(), PassError> {
    let mut profiles = text.lines().filter_map(|line| line.strip_prefix("frr defaults "));
    match profiles.find(|profile| profile.trim() != "traditional") {
        Some(profile) => Err(PassError::Defaults { profile: profile.trim().to_owned() }),
        None => Ok(()),
    }
}

/// FRR's start-up file: what stands there and is none of ours, what runs and is none of ours, and ours. Foreign lines are
/// only ever added: what a daemon does not run just now may be what it is to load.
fn startup_text(dialect: Dialect, there: &str, running: &Document, known: &[&Document; 2]) -> String {
    let head = there.lines().filter(|line| ["frr ", "service "].iter().any(|start| line.starts_with(start)));
    let head: String = head.flat_map(|line| [line, "\n"]).collect();
    // Of the names that the daemons have, vtysh would give the last one to all of them.
    let names: Vec<Line> =
        running.lines().iter().filter(|line| line.text().starts_with("hostname ")).cloned().collect();
    let running = running.clone().without(&Document::new(names));
    let is_service = |line: &&Line| !line.text().starts_with("service ");
    let kept = divide(dialect.read(&Text::parse(there)), known).foreign;
    let foreign = kept.joined(running);
    let foreign = Document::new(foreign.lines().iter().filter(is_service).cloned().collect());
    head + &foreign.joined(known[1].clone()).print()
}

/// A line that an apply failed at.
struct Suspect {
    mark: u32,
    line: Box<str>,
    rule: Rule,
    message: String,
    /// Whether it is known to be the cause, so that who is behind it may be set aside.
    is_certain: bool,
}

/// The lines that an apply failed at. `is_again`: a daemon died at the same line the time before.
fn suspects(verdict: &Verdict, is_again: bool) -> Vec<Suspect> {
    match verdict.cause() {
        Some(Cause::Refused(refused)) => {
            let suspect = |refused: &Refused| Suspect {
                mark: refused.mark,
                line: refused.line.clone(),
                rule: Rule::FrrRefused,
                message: format!("FRR refused a line that it leads to: {refused}"),
                is_certain: true,
            };
            refused.iter().map(suspect).collect()
        }
        Some(Cause::Lost { line: Some(unanswered), .. }) => {
            let how_sure = if is_again { "twice in a row" } else { "perhaps it is the cause" };
            vec![Suspect {
                mark: unanswered.mark,
                line: unanswered.line.clone(),
                rule: Rule::DaemonLost,
                message: format!("{unanswered}, a line that it leads to: {how_sure}"),
                is_certain: is_again,
            }]
        }
        _ => Vec::new(),
    }
}
