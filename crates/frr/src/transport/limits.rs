//! How long FRR may take, and how much it may say.

use std::time::Duration;

/// Beyond all that grows: whoever waits longer than this waits for ever.
const COMMIT_MAX: Duration = Duration::from_mins(20);

/// What a transport puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection.
    pub connect: Duration,
    /// Any reply. The daemons have one thread: they are mute while they commit somebody else's batch, or compute.
    pub reply: Duration,
    /// The reply to a line that commits lists and maps, beside what grows with these: FRR 8.4 looks at all that it has,
    /// and took 11 s for one more among 5,000 map entries.
    pub commit: Duration,
    /// A program (vtysh, frr-reload.py), beside what grows with its lines.
    pub program: Duration,
    /// mgmtd's lock, while another session holds it. mgmtd takes it itself for a moment when a daemon comes.
    pub lock: Duration,
    /// The bytes of one reply, or of what one program prints.
    pub reply_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            reply: Duration::from_mins(1),
            commit: Duration::from_mins(3),
            program: Duration::from_mins(3),
            lock: Duration::from_secs(20),
            reply_bytes_max: 256 << 20,
        }
    }
}

impl Limits {
    /// The reply to a line that commits so many lines of lists and maps. FRR 8.4 is quadratic in them: 2,000 entries of
    /// one list take 17 s; what is allowed here is three times that.
    pub(super) fn commit(&self, lines: usize) -> Duration {
        (self.commit + commit_work(lines)).min(COMMIT_MAX)
    }

    /// A program that does all that work, and reads and sorts so many lines itself: vtysh of 8.4 does 200 lines a
    /// second, frr-reload.py some 100.
    pub(super) fn program(&self, lines: usize) -> Duration {
        let reading = u32::try_from(lines).map_or(COMMIT_MAX, |lines| Duration::from_millis(30) * lines);
        (self.program + commit_work(lines) + reading).min(COMMIT_MAX)
    }
}

fn commit_work(lines: usize) -> Duration {
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    Duration::from_micros(lines.saturating_mul(lines).saturating_mul(12)).min(COMMIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow_with_the_work_up_to_an_end() {
        let limits = Limits::default();
        assert_eq!(limits.commit(0), limits.commit);
        assert!(limits.commit(2_000) > Duration::from_secs(17 * 3));
        assert_eq!(limits.commit(usize::MAX), COMMIT_MAX);
        assert_eq!(limits.program(0), limits.program);
        assert_eq!(limits.program(usize::MAX), COMMIT_MAX);
    }
}
