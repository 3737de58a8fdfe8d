//! What failed is not tried again and again.

use std::time::{Duration, Instant};

use frrk8s_delta::Documents;
use frrk8s_frr::Verdict;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Remembers the goal that failed last. Another goal is tried at once; the same one after a pause that grows, for FRR
/// itself may have been the cause.
#[derive(Debug, Default)]
pub struct Retry {
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    goal: Documents,
    verdict: Verdict,
    pause: Duration,
    not_before: Instant,
}

impl Retry {
    /// How the last try of a goal ended, while it is not to be tried again yet.
    pub fn waits(&self, goal: &Documents) -> Option<&Verdict> {
        let failed = self.failed.as_ref()?;
        (failed.goal == *goal && Instant::now() < failed.not_before).then_some(&failed.verdict)
    }

    /// Takes note of how a try ended.
    pub fn note(&mut self, goal: &Documents, verdict: &Verdict) {
        if verdict.cause().is_none() {
            self.failed = None;
            return;
        }
        let before = self.failed.as_ref().filter(|failed| failed.goal == *goal);
        let pause = before.map_or(FIRST_PAUSE, |failed| LONGEST_PAUSE.min(failed.pause * 2));
        let not_before = Instant::now() + pause;
        self.failed = Some(Failed { goal: goal.clone(), verdict: verdict.clone(), pause, not_before });
    }
}
