//! Files that are there as a whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use frrk8s_delta::Documents;
use sha2::{Digest, Sha256};

use super::StoreError;

/// SHA-256 in hexadecimal.
pub(crate) fn checksum(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Identifies documents: the first half of a SHA-256 over what they say.
pub fn digest(documents: &Documents) -> String {
    let mut text = String::new();
    for (daemon, document) in documents.iter().filter(|(_, document)| !document.is_empty()) {
        text.push_str(daemon.name());
        text.push('\n');
        text.push_str(&document.print());
    }
    let mut sum = checksum(text.as_bytes());
    sum.truncate(32);
    sum
}

/// Writes a file that is not there yet, for its owner alone, and waits until the disk has it.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let file = write_unsynced(path, content)?;
    file.sync_all().map_err(StoreError::io("write", path))
}

/// Writes a file that is not there yet, for its owner alone.
pub(crate) fn write_unsynced(path: &Path, content: &[u8]) -> Result<File, StoreError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(StoreError::io("create", path))?;
    file.write_all(content).map_err(StoreError::io("write", path))?;
    Ok(file)
}

/// Waits until the disk has the names in a directory.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StoreError::io("sync", path))
}

/// A text file. What is not UTF-8 in it is replaced: then its checksum is another one, too.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<String, StoreError> {
    let failed = || StoreError::io("read", path);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed())?;
    let read = file.take(limit + 1).read_to_end(&mut bytes).map_err(failed())?;
    if read as u64 > limit {
        return Err(StoreError::TooLong { path: path.to_owned(), limit });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
