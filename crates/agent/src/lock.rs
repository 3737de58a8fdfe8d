//! One agent drives an FRR: a lock on the directory of its sockets.
//!
//! On the directory itself, for an agent may not be allowed to write there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The lock, for as long as it lives. It goes with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    directory: File,
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent has it.
    #[error("another agent drives this FRR: it has locked {}", .path.display())]
    Held {
        /// The directory.
        path: PathBuf,
    },
    /// FRR has not made the directory of its sockets yet.
    #[error("there is no directory {}: FRR does not run here yet", .path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot lock the directory {}: {source}", .path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Held { .. } | Self::NoDirectory { .. } => "StandingBy",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => "SocketDenied",
            Self::Io { .. } => "LockFailed",
        }
    }
}

impl Lock {
    /// Takes the lock of the FRR whose sockets are in a directory.
    pub fn take(sockets: &Path) -> Result<Self, LockError> {
        let path = sockets.to_owned();
        if !sockets.is_dir() {
            return Err(LockError::NoDirectory { path });
        }
        let failed = |source| LockError::Io { path: path.clone(), source };
        let directory = File::open(sockets).map_err(failed)?;
        match directory.try_lock() {
            Ok(()) => Ok(Self { directory, path }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }

    /// Whether the directory is the one that is locked: when it was made again, another agent may lock that one. One that is
    /// gone has no FRR to drive.
    pub fn is_in_place(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (fs::metadata(&self.path), self.directory.metadata()) {
            (Ok(there), Ok(ours)) => identity(there) == identity(ours),
            (Err(_), _) => true,
            (Ok(_), Err(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_directory_that_is_made_again_is_locked_again() {
        let home = tempfile::tempdir().unwrap();
        let sockets = home.path().join("frr");
        assert!(matches!(Lock::take(&sockets), Err(LockError::NoDirectory { .. })));
        fs::create_dir(&sockets).unwrap();
        let lock = Lock::take(&sockets).unwrap();
        assert!(lock.is_in_place());
        assert!(matches!(Lock::take(&sockets), Err(LockError::Held { .. })));
        fs::remove_dir_all(&sockets).unwrap();
        assert!(lock.is_in_place(), "there is no FRR");
        fs::create_dir(&sockets).unwrap();
        assert!(!lock.is_in_place());
        let other = Lock::take(&sockets).unwrap();
        assert!(!lock.is_in_place() && other.is_in_place());
    }
}
