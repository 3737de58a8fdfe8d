//! What failed is not tried again and again.

use std::time::{Duration, Instant};

use frrk8s_document::Daemon;
use frrk8s_frr::{Cause, Unanswered, Verdict};

/// How long it is waited after a first failure.
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// How long it is waited at the most.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Remembers the goal that failed last, by what tells it from others. Another goal is tried at once; the same one after a pause
/// that grows, for FRR itself may have been the cause.
#[derive(Debug)]
pub struct Retry<G> {
    failed: Option<Failed<G>>,
}

#[derive(Debug)]
struct Failed<G> {
    goal: G,
    verdict: Verdict,
    pause: Duration,
    not_before: Instant,
    /// Whether the try before it was lost at the same line.
    is_lost_again: bool,
}

impl<G> Default for Retry<G> {
    fn default() -> Self {
        Self { failed: None }
    }
}

impl<G: Clone + PartialEq> Retry<G> {
    /// How the last try of a goal ended, while it is not to be tried again yet.
    pub fn waits(&self, goal: &G) -> Option<&Verdict> {
        let failed = self.failed.as_ref()?;
        (failed.goal == *goal && Instant::now() < failed.not_before).then_some(&failed.verdict)
    }

    /// Takes note of how a try ended.
    pub fn note(&mut self, goal: &G, verdict: &Verdict) {
        if verdict.cause().is_none() {
            self.failed = None;
            return;
        }
        // Nothing was told: it is tried as soon as there is anybody to tell.
        if matches!(verdict, Verdict::Unreachable(_)) {
            return;
        }
        let before = self.failed.as_ref().filter(|failed| failed.goal == *goal);
        let pause = match before {
            // It is over when somebody else says so, and nothing was told.
            _ if verdict.cause().is_some_and(Cause::is_locked) => FIRST_PAUSE,
            Some(failed) => LONGEST_PAUSE.min(failed.pause * 2),
            None => FIRST_PAUSE,
        };
        let not_before = Instant::now() + pause;
        let is_lost_again = died_at(verdict).is_some()
            && before.is_some_and(|failed| died_at(&failed.verdict) == died_at(verdict));
        let (goal, verdict) = (goal.clone(), verdict.clone());
        self.failed = Some(Failed { goal, verdict, pause, not_before, is_lost_again });
    }

    /// Whether this is how the last try ended, and the one of the same goal before it: the same daemon died at the same
    /// line. Once it may have been killed by anybody.
    pub fn is_lost_again(&self, verdict: &Verdict) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.is_lost_again && failed.verdict == *verdict)
    }
}

/// The daemon that has gone, and the line at which it did.
fn died_at(verdict: &Verdict) -> Option<(Daemon, &str)> {
    match verdict.cause() {
        Some(Cause::Lost { line: Some(Unanswered { daemon, command, has_gone: true }), .. }) => {
            Some((*daemon, &command.line))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use frrk8s_delta::{Command, Documents};
    use frrk8s_document::{Document, Mark};

    use super::*;

    fn lost(line: &str, has_gone: bool) -> Verdict {
        let command = Command { context: Vec::new(), line: line.into(), mark: Mark(7) };
        let line = Unanswered { daemon: Daemon::Bgpd, command, has_gone };
        let (reason, message) = ("DaemonClosed", String::new());
        Verdict::RolledBack(Cause::Lost { daemon: Some(Daemon::Bgpd), line: Some(line), reason, message })
    }

    /// Whether the last of these ends is one at the line of the end before it.
    fn is_again(ends: &[&Verdict]) -> bool {
        let mut retry = Retry::default();
        for verdict in ends {
            retry.note(&Documents::new(), verdict);
        }
        ends.last().is_some_and(|last| retry.is_lost_again(last))
    }

    #[test]
    fn what_somebody_else_locks_is_tried_again_soon_however_often_it_was() {
        let lost = |reason| {
            Verdict::RolledBack(Cause::Lost { daemon: None, line: None, reason, message: String::new() })
        };
        let pause = |verdict: &Verdict| {
            let mut retry = Retry::default();
            (0..5).for_each(|_| retry.note(&Documents::new(), verdict));
            assert!(retry.waits(&Documents::new()).is_some());
            retry.failed.map(|failed| failed.pause)
        };
        assert_eq!(pause(&lost("Locked")), Some(FIRST_PAUSE));
        assert_eq!(pause(&lost("DaemonTimedOut")), Some(FIRST_PAUSE * 16));
        assert_eq!((lost("Locked").reason(), lost("DaemonTimedOut").reason()), ("Locked", "RolledBack"));
    }

    #[test]
    fn a_daemon_that_died_twice_in_a_row_at_one_line_is_known() {
        let (one, other) = (lost("a", true), lost("b", true));
        assert!(is_again(&[&one, &one]));
        assert!(is_again(&[&other, &one, &one]));
        assert!(!is_again(&[&one]));
        assert!(!is_again(&[&one, &other]));
        assert!(!is_again(&[&one, &Verdict::Unchanged, &one]));
        // One that fell silent may be busy with something else.
        assert!(!is_again(&[&lost("a", false), &lost("a", false)]));
        // Another goal.
        let mut retry = Retry::default();
        retry.note(&Documents::new(), &one);
        retry.note(&BTreeMap::from([(Daemon::Bgpd, Document::default())]), &one);
        assert!(!retry.is_lost_again(&one));
    }
}
