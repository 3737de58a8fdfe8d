//! FRR's own start-up file: watchfrr loads it when it restarts a daemon, with or without us.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::file::sync_directory;

/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".frr.conf.";

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

    /// Removes what an agent that died had begun to write beside it: passwords are in it.
    pub fn remove_unfinished(&self) {
        let entries = fs::read_dir(self.directory()).into_iter().flatten().flatten();
        let is_unfinished =
            |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        for entry in entries.filter(|entry| is_unfinished(&entry.file_name())) {
            // Where nothing can be removed nothing can be written either, and that is said.
            let _ = fs::remove_file(entry.path());
        }
    }

    fn directory(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Writes it as a whole, readable by FRR's group, unless it says the same already. Whether it was written.
    ///
    /// It belongs to whom it belonged; a new one to the owner of its directory, who is FRR.
    pub fn write(&self, text: &str) -> Result<bool, StoreError> {
        let path = &self.path;
        if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(false);
        }
        let directory = self.directory();
        let owner = fs::metadata(path).or_else(|_| fs::metadata(directory));
        let owner = owner.map_err(StoreError::io("read", directory))?;
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
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
                write_over(path, text).map_err(failed())?;
            }
            Err(error) => return Err(StoreError::io("put into place", path)(error.error)),
        }
        Ok(true)
    }
}

/// Writes over a file, which is never shorter than what is whole of it: on a full disk it stays as it was.
pub(super) fn write_over(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    let length = text.len() as u64;
    if file.metadata()?.len() < length {
        // The room is taken before anything is written, where the file system knows how.
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, length) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    file.write_all(text.as_bytes())?;
    file.set_len(length)?;
    file.sync_all()
}
