//! One agent drives an FRR: a lock beside its sockets.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const NAME: &str = "frrk8s-agent.lock";

/// The lock, for as long as it lives. It goes with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}
