//! How often a change that is about sessions alone is worth a write. Pure.

use std::time::Duration;

use frrk8s_api::{FRRNodeStateStatus, NodeStateCounts, NodeSummary};
use tokio::time::Instant;

use super::WRITES_APART;

/// How long it is waited between two writes that are about sessions alone, at the most; and after how long without one it
/// begins anew.
const SESSIONS_APART_MAX: Duration = Duration::from_secs(30);
const SESSIONS_QUIET: Duration = Duration::from_mins(2);

/// Whether nothing is new but which sessions are up.
pub fn is_of_sessions_alone(status: &FRRNodeStateStatus, before: &FRRNodeStateStatus) -> bool {
    let with_sessions_of_before = FRRNodeStateStatus {
        counts: status.counts.clone().map(|counts| NodeStateCounts {
            sessions: before.counts.as_ref().map(|before| before.sessions).unwrap_or_default(),
            sessions_up: before.counts.as_ref().map(|before| before.sessions_up).unwrap_or_default(),
            ..counts
        }),
        summary: status.summary.clone().map(|summary| NodeSummary {
            sessions: before.summary.as_ref().and_then(|before| before.sessions.clone()),
            ..summary
        }),
        ..status.clone()
    };
    with_sessions_of_before == *before
}

/// How often it is written that sessions come and go: the whole object is large, and a session may flap for days.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<(Instant, Duration)>,
}

impl Pace {
    /// When it may be written, where that is not now; now is taken as the time of a write.
    pub fn later(&mut self, now: Instant) -> Option<Instant> {
        let Some((last, apart)) = self.last.filter(|(last, _)| now - *last < SESSIONS_QUIET) else {
            self.last = Some((now, WRITES_APART));
            return None;
        };
        if now < last + apart {
            return Some(last + apart);
        }
        self.last = Some((now, (apart * 2).min(SESSIONS_APART_MAX)));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_come_and_go_are_written_ever_more_seldom() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pace = Pace::default();
        // A change every 100 ms for ten minutes, and the moments of the writes, in seconds.
        let changes = (0..6_000).map(|number| number * 100);
        let written: Vec<u64> =
            changes.filter(|moment| pace.later(at(*moment)).is_none()).map(|it| it / 1000).collect();
        assert_eq!(written[..8], [0, 1, 3, 7, 15, 31, 61, 91]);
        assert_eq!(written.len(), 24);
        assert_eq!(pace.later(at(600_000)), Some(at(601_000)), "the next one has its moment");
        assert_eq!(pace.later(at(800_000)), None, "it was quiet meanwhile");
        assert_eq!(pace.later(at(801_000)), None);
    }
}
