//! One agent drives an FRR: a lock beside its sockets.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const NAME: &str = "frrk8s-agent.lock";

/// The lock, for as long as it lives. It goes with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent has it.
    #[error("another agent drives this FRR: it holds {}", .path.display())]
    Held {
        /// The file.
        path: PathBuf,
    },
    /// FRR has not made the directory of its sockets yet.
    #[error("there is no directory {}: FRR does not run here yet", .path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot lock {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of the FRR whose sockets are in a directory.
    pub fn take(sockets: &Path) -> Result<Self, LockError> {
        if !sockets.is_dir() {
            return Err(LockError::NoDirectory { path: sockets.to_owned() });
        }
        let path = sockets.join(NAME);
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }

    /// Whether the file that stands there is the one that is locked: when FRR's directory is made again, another agent may
    /// lock another file. A directory that is gone has no FRR to drive.
    pub fn is_in_place(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(ours)) => identity(there) == identity(ours),
            (Err(_), _) => !self.path.parent().is_some_and(Path::is_dir),
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
