//! What can go wrong with what is kept on disk.

use std::io;
use std::path::{Path, PathBuf};

/// Why something cannot be kept, or read again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refuses.
    #[error("cannot {act} {}", .path.display())]
    Io {
        /// What was to be done.
        act: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is not what was written: its checksum is another", .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// A file has no end, or none that anybody means.
    #[error("{} has more than {limit} bytes", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that it may have.
        limit: u64,
    },
    /// A record is none.
    #[error("{} is no record of accepted objects", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A record cannot be written.
    #[error("cannot write the record of accepted objects")]
    Encode(#[source] serde_json::Error),
}

impl StoreError {
    pub(crate) fn io(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { act, path, source }
    }

    /// Whether it says something about the system only, not about what was read. (A file that is missing is missing.)
    pub(crate) fn is_of_the_system(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() != io::ErrorKind::NotFound)
    }

    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => "DiskFull",
                io::ErrorKind::ReadOnlyFilesystem => "DiskReadOnly",
                io::ErrorKind::PermissionDenied => "DiskPermission",
                _ => "DiskFailed",
            },
            Self::Checksum { .. } | Self::TooLong { .. } | Self::Record { .. } => "LastGoodCorrupt",
            Self::Encode(_) => "RecordFailed",
        }
    }
}
