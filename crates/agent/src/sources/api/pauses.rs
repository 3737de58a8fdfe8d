//! How soon a watch that failed is begun again.

use std::time::Duration;

use kube::runtime::utils::Backoff;
use tokio::time::Instant;

/// How soon a watch that failed is begun again, at the least and at the most.
const WATCH_AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(10)];
/// After how long without a failure it is begun again as soon as at first. A watch says that it begins before it asks anybody, and
/// so what works is seen by the time alone.
const WATCH_QUIET: Duration = Duration::from_mins(1);

/// Of a thousand, by the name of a node: so that not all agents do something at once.
pub fn share(node: &str) -> u32 {
    node.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 1000
}

/// How long to wait before a watch that failed is begun again: longer and longer, and not all agents at once.
#[derive(Debug)]
pub struct Pauses {
    next: Duration,
    /// Of a thousand.
    share: u32,
    /// When the last one was asked for.
    last: Option<Instant>,
}

impl Pauses {
    /// For a node.
    pub fn new(node: &str) -> Self {
        Self { next: WATCH_AGAIN[0], share: share(node), last: None }
    }

    fn next_at(&mut self, now: Instant) -> Duration {
        if self.last.replace(now).is_some_and(|last| now.duration_since(last) >= WATCH_QUIET) {
            self.next = WATCH_AGAIN[0];
        }
        let pause = self.next;
        self.next = (pause * 2).min(WATCH_AGAIN[1]);
        self.share = (self.share * 7 + 13) % 1000;
        pause / 2 + pause * self.share / 2000
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.next_at(Instant::now()))
    }
}

impl Backoff for Pauses {
    /// Only time does that.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_fails_is_begun_again_later_and_later_until_it_was_quiet() {
        let mut pauses = Pauses::new("n1");
        let mut now = Instant::now();
        let mut fails_after = |quiet| {
            now += quiet;
            // Before every list the watch says that it begins.
            pauses.reset();
            pauses.next_at(now)
        };
        assert!(fails_after(Duration::ZERO) <= WATCH_AGAIN[0]);
        for _ in 0..8 {
            fails_after(WATCH_AGAIN[1]);
        }
        assert!(fails_after(WATCH_AGAIN[1]) >= WATCH_AGAIN[1] / 2);
        assert!(fails_after(WATCH_QUIET) <= WATCH_AGAIN[0]);
    }
}
