//! FRR's own start-up file: watchfrr loads it when it restarts a daemon, with or without us.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::file::sync_directory;

/// The file that FRR loads when it starts, such as `/etc/frr/frr.conf`.
#[derive(Clone, Debug)]
pub struct StartupFile {
    path: PathBuf,
}

impl StartupFile {
    /// The file of this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it; nothing where it is not there.
    pub fn read(&self) -> Result<String, StoreError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(StoreError::io("read", &self.path)(error)),
        }
    }

    /// Writes it as a whole, readable by FRR's group, unless it says the same already. Whether it was written.
    ///
    /// It belongs to whom it belonged; a new one to the owner of its directory, who is FRR.
    pub fn write(&self, text: &str) -> Result<bool, StoreError> {
        let path = &self.path;
        if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(false);
        }
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let owner = fs::metadata(path).or_else(|_| fs::metadata(directory));
        let owner = owner.map_err(StoreError::io("read", directory))?;
        let mut file = tempfile::Builder::new()
            .prefix(".frr.conf.")
            .tempfile_in(directory)
            .map_err(StoreError::io("create a file in", directory))?;
        let failed = || StoreError::io("write", path);
        file.write_all(text.as_bytes()).map_err(failed())?;
        fs::set_permissions(file.path(), Permissions::from_mode(0o640)).map_err(failed())?;
        // Who is not root writes what is theirs anyway.
        let _ = chown(file.path(), Some(owner.uid()), Some(owner.gid()));
        file.as_file().sync_all().map_err(failed())?;
        match file.persist(path) {
            Ok(_) => sync_directory(directory)?,
            // A single file that is mounted there cannot be replaced, only written over.
            Err(error) if error.error.kind() == io::ErrorKind::ResourceBusy => {
                fs::write(path, text).map_err(failed())?;
            }
            Err(error) => return Err(StoreError::io("put into place", path)(error.error)),
        }
        Ok(true)
    }
}
