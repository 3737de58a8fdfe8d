//! Who is behind an apply that failed.

use std::collections::BTreeMap;

use frrk8s_frr::{Cause, Refused, Transport, Verdict};
use frrk8s_merge::ConflictPolicy;
use frrk8s_model::{Finding, ObjectId, Rule, Severity};

use super::Node;
use crate::engine::Decision;
use crate::wanted::Wanted;

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
