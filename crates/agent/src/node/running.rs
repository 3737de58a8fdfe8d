//! What FRR runs, divided into what is ours and what is not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use frrk8s_delta::Documents;
use frrk8s_document::{Daemon, Dialect, Document, Text};
use frrk8s_frr::{Cause, FrrError, Transport};
use frrk8s_render::divide;
use tracing::warn;

use super::{Node, PassError};
use crate::report::with_sources;

/// How long a staticd that was mute is not asked again.
const MUTE_PAUSE: Duration = Duration::from_mins(5);

/// What runs, divided.
pub(super) struct Running {
    pub(super) ours: Documents,
    pub(super) foreign: Document,
    /// Why staticd does not answer, where it does not.
    pub(super) no_staticd: Option<Cause>,
    /// By daemon, undivided.
    pub(super) read: Documents,
}

impl Running {
    /// The documents of daemons that answer.
    pub(super) fn that_are_there(&self, mut documents: Documents) -> Documents {
        if self.no_staticd.is_some() {
            documents.remove(&Daemon::Staticd);
        }
        documents
    }

    /// Whether a daemon runs nothing of what a goal has in contexts: somebody has restarted it, and nobody has typed.
    pub(super) fn is_lost(&self, goal: &Documents) -> bool {
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
    pub(super) fn has_routers(&self) -> bool {
        let bgpd = self.ours.get(&Daemon::Bgpd);
        bgpd.is_some_and(|document| {
            document.lines().iter().any(|line| line.text().starts_with("router bgp "))
        })
    }
}

fn check_defaults(text: &str) -> Result<(), PassError> {
    let mut profiles = text.lines().filter_map(|line| line.strip_prefix("frr defaults "));
    match profiles.find(|profile| profile.trim() != "traditional") {
        Some(profile) => Err(PassError::Defaults { profile: profile.trim().to_owned() }),
        None => Ok(()),
    }
}

impl<T: Transport> Node<T> {
    /// What runs, with what was told of it before.
    pub(super) async fn read_known(&mut self, dialect: Dialect) -> Result<Running, PassError> {
        if let Some(text) = self.found_told.take() {
            self.told = Some(dialect.read(&Text::parse(&text)));
        }
        // Cloned, for reading borrows the node.
        let applied = self.applied.as_ref().map(|applied| applied.documents.clone()).unwrap_or_default();
        let told = self.told.clone();
        let known: Vec<&Document> = applied.values().chain(&told).collect();
        self.read(dialect, &known).await
    }

    /// What runs. `known` is what is ours beside what is so by name.
    pub(super) async fn read(&mut self, dialect: Dialect, known: &[&Document]) -> Result<Running, PassError> {
        let mut running = Running {
            ours: Documents::new(),
            foreign: Document::default(),
            no_staticd: None,
            read: Documents::new(),
        };
        let mut texts = Vec::new();
        for (daemon, text) in
            dialect.daemons().iter().zip(self.transport.running_of(dialect.daemons()).await?)
        {
            texts.push((*daemon, text));
        }
        if dialect.all_daemons().contains(&Daemon::Staticd) {
            // Not every node runs it, and nothing of ours needs it but raw snippets.
            match self.ask_staticd().await {
                Ok(text) => texts.push((Daemon::Staticd, text)),
                Err(cause) => running.no_staticd = Some(cause),
            }
        }
        for (daemon, text) in texts {
            check_defaults(&text)?;
            let document = self.reader.read(dialect, daemon, text);
            running.read.insert(daemon, document.clone());
            let divided = divide(document, known);
            running.ours.insert(daemon, self.left.taken_from(divided.ours));
            running.foreign = running.foreign.joined(divided.foreign);
        }
        self.left.keep_running(&running.read);
        Ok(running)
    }

    /// What staticd runs. One that was mute is not asked again for a while: each time takes as long as it may take to answer.
    async fn ask_staticd(&mut self) -> Result<String, Cause> {
        if let Some((_, cause)) = self.mute_staticd.as_ref().filter(|(since, _)| since.elapsed() < MUTE_PAUSE)
        {
            return Err(cause.clone());
        }
        let error = match self.transport.running(Daemon::Staticd).await {
            Ok(text) => return Ok(text),
            Err(error) => error,
        };
        let (daemon, reason, message) = (Some(Daemon::Staticd), error.reason(), with_sources(&error));
        let cause = Cause::Lost { daemon, line: None, reason, message };
        if matches!(error, FrrError::TimedOut { .. }) {
            warn!(
                reason,
                "staticd is taken for one that does not run, for a while: {}",
                with_sources(&error)
            );
            self.mute_staticd = Some((Instant::now(), cause.clone()));
        }
        Err(cause)
    }
}
