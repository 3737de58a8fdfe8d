//! An operator's hands-on time: nothing is told to FRR, and it ends by itself.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use frrk8s_frr::StoreError;
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
    /// Who asked for it.
    #[serde(default)]
    pub by: PausedBy,
}

/// Who asked for a pause: there it is ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PausedBy {
    /// Somebody on the node, by `frrk8s pause`.
    #[default]
    Operator,
    /// The annotation of the Node.
    Node,
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
    /// It does not say when it ends.
    #[error("{text:?} is no pause: write `until=2026-11-28T12:00:00Z reason=WHY`")]
    Annotation {
        /// What was asked for.
        text: String,
    },
    /// It ends too late.
    #[error("a pause until {until} is longer than 24 h")]
    TooLong {
        /// When it was to end.
        until: Timestamp,
    },
}

impl Pause {
    /// A pause from now on.
    pub fn new(duration: &str, reason: &str, now: Timestamp) -> Result<Self, PauseError> {
        let refused = || PauseError::Duration { text: duration.chars().take(40).collect() };
        let parsed: SignedDuration = duration.parse().map_err(|_| refused())?;
        if parsed < SignedDuration::from_secs(1) || parsed > LONGEST {
            return Err(refused());
        }
        let reason = reason_of(reason)?;
        let until = now.checked_add(parsed).map_err(|_| refused())?;
        Ok(Self { until, reason, by: PausedBy::Operator })
    }

    /// What an annotation of the Node says: `until=TIME reason=WHY`. It may be over.
    fn of_annotation(text: &str, now: Timestamp) -> Result<Self, PauseError> {
        let refused = || PauseError::Annotation { text: text.chars().take(100).collect() };
        let rest = text.trim().strip_prefix("until=").ok_or_else(refused)?;
        let (until, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let until: Timestamp = until.parse().map_err(|_| refused())?;
        let reason = match rest.trim() {
            "" => Err(PauseError::NoReason),
            rest => reason_of(rest.strip_prefix("reason=").ok_or_else(refused)?),
        }?;
        if until > now.checked_add(LONGEST).unwrap_or(Timestamp::MAX) {
            return Err(PauseError::TooLong { until });
        }
        Ok(Self { until, reason, by: PausedBy::Node })
    }
}

fn reason_of(text: &str) -> Result<String, PauseError> {
    let reason: String = text.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    if reason.is_empty() { Err(PauseError::NoReason) } else { Ok(reason) }
}

/// What the annotation of the Node says of a pause. It is judged once, when it is seen first: else one that ends too late would
/// begin some day by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePause {
    text: String,
    pause: Option<Pause>,
    refused: Option<String>,
}

impl NodePause {
    /// What a text says. `before` is what was said last.
    pub fn judge(text: String, before: Option<&Self>, now: Timestamp) -> Self {
        if let Some(before) = before.filter(|before| before.text == text) {
            return before.clone();
        }
        match Pause::of_annotation(&text, now) {
            Ok(pause) => Self { text, pause: Some(pause), refused: None },
            Err(error) => Self { text, pause: None, refused: Some(error.to_string()) },
        }
    }

    /// The pause, unless it is over.
    pub fn pause(&self, now: Timestamp) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| pause.until > now)
    }

    /// Why it says nothing that can be done.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
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
    pub fn keep(&mut self, pause: Option<&Pause>) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.write(pause).map_err(|source| StoreError::Io { act: "write", path, source })
    }

    fn write(&mut self, pause: Option<&Pause>) -> io::Result<()> {
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

    #[test]
    fn an_annotation_says_until_when_and_why() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let judge = |text: &str| NodePause::judge(text.to_owned(), None, now);
        let said = judge(" until=2026-11-28T12:30:00Z  reason=rack 7 is looked at ");
        let pause = said.pause(now).unwrap();
        assert_eq!((pause.reason.as_str(), pause.by), ("rack 7 is looked at", PausedBy::Node));
        assert_eq!(said.pause(pause.until), None, "it is over");
        assert!(judge("until=2026-11-28T14:00:00+01:00 reason=x").pause(now).is_some(), "13:00 UTC");
        for text in ["", "yes", "30m", "until=noon reason=x", "until=2026-11-28T12:30:00Z", "reason=x"] {
            let said = judge(text);
            assert!(said.refused().is_some() && said.pause(now).is_none(), "{text}");
        }
        let long = judge("until=2026-11-30T12:00:00Z reason=x");
        assert!(long.refused().unwrap().contains("24 h"));
        let later = "2026-11-29T13:00:00Z".parse().unwrap();
        let again = NodePause::judge(long.text.clone(), Some(&long), later);
        assert_eq!(again.pause(later), None, "what was refused does not begin some day");
    }
}
