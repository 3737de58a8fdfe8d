//! An operator's hands-on time: nothing is told to FRR, and it ends by itself.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest pause.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A pause on disk: it outlives the agent.
#[derive(Debug)]
pub struct PauseFile {
    path: PathBuf,
    /// What stands in it.
    there: Option<Pause>,
}

impl PauseFile {
    /// The file in a state directory, and the pause that is not over in it. One that cannot be read is none.
    pub fn open(state: &Path, now: Timestamp) -> Self {
        let path = state.join("pause.json");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let there: Option<Pause> = serde_json::from_str(&text).ok();
        let latest = now.checked_add(LONGEST).unwrap_or(Timestamp::MAX);
        Self { path, there: there.filter(|pause| pause.until > now && pause.until <= latest) }
    }

    /// What stands in it.
    pub fn pause(&self) -> Option<&Pause> {
        self.there.as_ref()
    }

    /// Keeps a pause, or that there is none.
    pub fn keep(&mut self, pause: Option<&Pause>) -> io::Result<()> {
        if self.there.as_ref() == pause {
            return Ok(());
        }
        match pause {
            Some(pause) => {
                let directory = self.path.parent().unwrap_or(Path::new("."));
                let mut file = tempfile::Builder::new().prefix("pause-").tempfile_in(directory)?;
                file.write_all(&serde_json::to_vec(pause)?)?;
                file.persist(&self.path)?;
            }
            None => match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        self.there = pause.cloned();
        Ok(())
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

    #[test]
    fn a_pause_outlives_the_agent_and_not_its_end() {
        let home = tempfile::tempdir().unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let pause = Pause::new("60s", "looking", at(0)).unwrap();
        let mut file = PauseFile::open(home.path(), at(0));
        assert_eq!(file.pause(), None);
        file.keep(Some(&pause)).unwrap();
        assert_eq!(PauseFile::open(home.path(), at(59)).pause(), Some(&pause));
        assert_eq!(PauseFile::open(home.path(), at(60)).pause(), None);
        assert_eq!(PauseFile::open(home.path(), at(-90_000)).pause(), None, "no pause is longer than a day");
        file.keep(None).unwrap();
        assert_eq!(PauseFile::open(home.path(), at(59)).pause(), None);
    }
}
