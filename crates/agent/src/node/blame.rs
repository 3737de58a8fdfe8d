//! Who is behind an apply that failed.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use frrk8s_delta::Command;
use frrk8s_frr::{Cause, Refused, Transport, Unanswered, Verdict};
use frrk8s_merge::ConflictPolicy;
use frrk8s_model::{Finding, ObjectId, Origin, Rule, Severity};

use super::Node;
use crate::engine::Decision;
use crate::wanted::Wanted;

/// A line that an apply failed at, or several that were refused together.
struct Suspect<'a> {
    commands: &'a [Command],
    rule: Rule,
    message: String,
    /// Whether it is known to be the cause, so that who is behind it may be set aside.
    is_certain: bool,
    /// The line at which a daemon was lost.
    lost: Option<&'a Unanswered>,
}

/// The lines that an apply failed at. `is_again`: a daemon died at the same line the time before.
fn suspects(verdict: &Verdict, is_again: bool) -> Vec<Suspect<'_>> {
    match verdict.cause() {
        Some(Cause::Refused(refused)) => {
            let message = |refused: &Refused| {
                let lines = if refused.commands.len() > 1 { "lines, among them one" } else { "a line" };
                format!("FRR refused {lines} that it leads to: {refused}")
            };
            let suspect = |refused| Suspect {
                message: message(refused),
                commands: &refused.commands,
                rule: Rule::FrrRefused,
                is_certain: true,
                lost: None,
            };
            refused.iter().map(suspect).collect()
        }
        Some(Cause::Lost { line: Some(unanswered), .. }) => {
            vec![Suspect {
                commands: slice::from_ref(&unanswered.command),
                rule: Rule::DaemonLost,
                message: format!("{unanswered}, a line that it leads to"),
                is_certain: is_again,
                lost: Some(unanswered),
            }]
        }
        _ => Vec::new(),
    }
}

impl<T: Transport> Node<T> {
    /// Says who is behind the lines that an apply failed at; gives those who certainly are.
    pub(super) fn blame(
        &self,
        wanted: &Wanted,
        verdict: &Verdict,
        decision: &mut Decision,
    ) -> BTreeMap<ObjectId, Finding> {
        let mut certain: BTreeMap<ObjectId, Finding> = BTreeMap::new();
        for suspect in suspects(verdict, self.retry.is_lost_again(verdict)) {
            let (origins, is_known) = self.behind(wanted, suspect.commands);
            for Origin { object, path } in origins {
                let is_relapse =
                    suspect.lost.is_some_and(|lost| lost.has_gone) && self.has_killed(wanted, &object);
                let is_certain = suspect.is_certain && is_known || is_relapse;
                let how_sure = match suspect.lost {
                    None => "",
                    Some(_) if is_relapse => ": as it did before",
                    Some(_) if is_certain => ": twice in a row",
                    Some(_) => ": perhaps it is the cause",
                };
                let message = format!("{}{how_sure}", suspect.message);
                let mut finding = Finding::new(suspect.rule, &object, &path, message);
                if is_certain {
                    finding.severity = Severity::Error;
                    certain.entry(object).or_insert_with(|| finding.clone());
                }
                decision.findings.push(finding);
            }
        }
        decision.findings.sort();
        decision.findings.dedup();
        certain
    }

    /// Whether a daemon died at a line of this version of an object before, so that it was set aside.
    fn has_killed(&self, wanted: &Wanted, object: &ObjectId) -> bool {
        let version = wanted.kept.iter().find(|kept| kept.fragment.object == *object);
        version.is_some_and(|kept| self.engine.is_known_to_kill(&kept.fragment))
    }

    /// Who is behind commands, and whether it is known that they are, where FRR refused several together. What is
    /// generated FRR takes, as far as is known: where people wrote some of the lines themselves, those are meant. Of
    /// several objects it is the one that is new, if only one is.
    fn behind(&self, wanted: &Wanted, commands: &[Command]) -> (BTreeSet<Origin>, bool) {
        let (mut written, mut generated) = (BTreeSet::new(), BTreeSet::new());
        for command in commands {
            let (sources, is_raw) = wanted.behind_command(command);
            let origins = if is_raw { &mut written } else { &mut generated };
            origins.extend(sources.into_iter().map(|source| source.origin));
        }
        let origins = if written.is_empty() { generated } else { written };
        let objects: BTreeSet<ObjectId> = origins.iter().map(|origin| origin.object.clone()).collect();
        if commands.len() < 2 || objects.len() < 2 {
            return (origins, true);
        }
        let in_force = self.engine.in_force();
        let is_new = |object: &&ObjectId| {
            let version = wanted.kept.iter().find(|kept| kept.fragment.object == **object);
            in_force.get(*object).map(|kept| &kept.fragment) != version.map(|kept| &kept.fragment)
        };
        let new: Vec<&ObjectId> = objects.iter().filter(is_new).collect();
        match new[..] {
            [object] => (origins.into_iter().filter(|origin| origin.object == *object).collect(), true),
            _ => (origins, false),
        }
    }

    /// Leaves out the versions of objects that FRR does not take, where the others are not to wait for them. Whether there is
    /// something else to try now.
    pub(super) fn set_aside(&mut self, wanted: &Wanted, certain: BTreeMap<ObjectId, Finding>) -> bool {
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
