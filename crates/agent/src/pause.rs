//! An operator's hands-on time: nothing is told to FRR, and it ends by itself.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The longest pause.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// Why there is no pause.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// It has no end, or too late a one.
    #[error("{text:?} is no duration from 1s to 24h, such as 30m")]
    Duration {
        /// What was asked for.
        text: String,
    },
    /// Nobody would know why.
    #[error("a pause needs a reason")]
    NoReason,
}

impl Pause {
    /// A pause from now on.
    pub fn new(duration: &str, reason: &str, now: Timestamp) -> Result<Self, PauseError> {
        let refused = || PauseError::Duration { text: duration.chars().take(40).collect() };
        let parsed: SignedDuration = duration.parse().map_err(|_| refused())?;
        if parsed < SignedDuration::from_secs(1) || parsed > LONGEST {
            return Err(refused());
        }
        let reason: String = reason.trim().chars().filter(|c| !c.is_control()).take(200).collect();
        if reason.is_empty() {
            return Err(PauseError::NoReason);
        }
        let until = now.checked_add(parsed).map_err(|_| refused())?;
        Ok(Self { until, reason })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_pause_has_an_end_and_a_reason() {
        let now = Timestamp::UNIX_EPOCH;
        let pause = Pause::new("30m", " looking at it\n", now).unwrap();
        assert_eq!((pause.until.as_second(), pause.reason.as_str()), (1800, "looking at it"));
        for (duration, reason) in [("0s", "x"), ("25h", "x"), ("-5m", "x"), ("soon", "x"), ("30m", " ")] {
            assert!(Pause::new(duration, reason, now).is_err(), "{duration} {reason}");
        }
    }
}
