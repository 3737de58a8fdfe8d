//! What cannot be kept on disk. FRR is driven all the same, and somebody should know before the next restart.

use jiff::Timestamp;
use serde::Serialize;

/// What is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum OnDisk {
    /// The last good configuration, in the state directory.
    LastGood,
    /// FRR's start-up file.
    StartupFile,
    /// The lines that are being told, in the state directory.
    Told,
    /// An operator's pause, in the state directory.
    Pause,
}

impl OnDisk {
    /// All of it.
    pub const ALL: [Self; 4] = [Self::LastGood, Self::StartupFile, Self::Told, Self::Pause];

    /// The word for statuses, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastGood => "LastGood",
            Self::StartupFile => "StartupFile",
            Self::Told => "Told",
            Self::Pause => "Pause",
        }
    }
}

/// Something that cannot be kept, from the first time that it was tried in vain until it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unkept {
    /// What.
    pub what: OnDisk,
    /// Why, in one word.
    pub reason: &'static str,
    /// In one sentence.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}
