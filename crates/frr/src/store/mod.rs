//! The last good configuration, on disk.
//!
//! ```text
//! <state directory>/               0700
//!   generation-7/                  0700, renamed into place as a whole
//!     frr.conf                     what FRR ran: plain, for every release of ours, and for people
//!     record.json                  the accepted objects with their secrets, versioned
//!     sha256                       the checksums of the two
//!   generation-6/                  the one before
//!   set-aside-5/                   one that could not be read
//!   told.conf                      lines that are being told, until they are part of a generation
//! ```
//!
//! Invariants:
//! * What is there is whole: a generation appears by one `rename`, after its files are on the disk.
//! * A new generation is there before an old one goes, and one older than the newest always stays.
//! * Nobody but the owner can read any of it: passwords are in it.

mod error;
mod file;
mod record;
mod startup;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use error::StoreError;
pub use record::{Accepted, NodeRecord, RawRecord, Record};
pub use startup::StartupFile;

pub use file::digest;
use file::{checksum, read_bounded, sync_directory, write_new, write_unsynced};

const TEXT: &str = "frr.conf";
const RECORD: &str = "record.json";
const CHECKSUMS: &str = "sha256";
const GENERATION: &str = "generation-";
const SET_ASIDE: &str = "set-aside-";
const UNFINISHED: &str = "unfinished-";
const TOLD: &str = "told.conf";
/// How many generations are kept, and how many that could not be read.
const KEPT: usize = 2;
/// Nothing of ours comes near this; what does is none of ours.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A directory for what was last known to be good. One agent has it at a time.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
}

/// What FRR was last known to run in order. `Debug` leaves out what is in it.
#[derive(Clone, PartialEq)]
pub struct LastGood {
    /// Its number; higher ones are newer.
    pub generation: u64,
    /// The text that FRR ran, as `frr.conf` has it.
    pub text: String,
    /// The objects behind it; `None` where another release wrote them in a way that this one does not know.
    pub record: Option<Record>,
}

impl std::fmt::Debug for LastGood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let record = self.record.as_ref().map(|record| record.objects.len());
        write!(f, "generation {}: {} bytes, {record:?} objects", self.generation, self.text.len())
    }
}

/// A generation that could not be read, and where it was put.
#[derive(Debug)]
pub struct SetAside {
    /// Why.
    pub reason: StoreError,
    /// Where it is; `None` where it could not be moved, or was left in its place.
    pub moved_to: Option<PathBuf>,
}

/// What a store has.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest generation that can be read.
    pub last_good: Option<LastGood>,
    /// Newer ones that cannot, and were not set aside before.
    pub set_aside: Vec<SetAside>,
    /// Whether there was ever a newer one than what could be read.
    pub is_old: bool,
}

impl Store {
    /// Opens a directory, making it if it is not there. One that others may read is closed to them.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(StoreError::io("create", &directory))?;
        let mode = fs::metadata(&directory).map_err(StoreError::io("read", &directory))?.permissions().mode();
        if mode & 0o077 != 0 {
            let closed = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&directory, closed).map_err(StoreError::io("close to others", &directory))?;
        }
        let store = Self { directory };
        // Where it cannot be removed nothing can be kept either: that is said then, and FRR is driven all the same.
        let _ = store.remove_where(|name| name.starts_with(UNFINISHED));
        Ok(store)
    }

    /// The newest generation that is whole. What is not is set aside, to be looked at; what the system does not let us read
    /// stays where it is, for it may be whole.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for generation in self.generations()?.into_iter().rev() {
            match self.read(generation) {
                Ok(last_good) => {
                    loaded.last_good = Some(last_good);
                    break;
                }
                Err(reason) if reason.is_of_the_system() => {
                    loaded.set_aside.push(SetAside { reason, moved_to: None });
                }
                Err(reason) => loaded.set_aside.push(self.set_aside(generation, reason)),
            }
        }
        let newest = loaded.last_good.as_ref().map_or(0, |last_good| last_good.generation);
        loaded.is_old =
            !loaded.set_aside.is_empty() || self.numbered(SET_ASIDE)?.iter().any(|it| *it > newest);
        Ok(loaded)
    }

    /// Keeps a configuration as the newest generation. After an error what was there before is there still.
    pub fn save(&self, text: &str, record: &Record) -> Result<u64, StoreError> {
        let generations = self.generations()?;
        // Above those that were set aside: what is saved now is newer than they were.
        let last = generations.last().copied().max(self.numbered(SET_ASIDE)?.last().copied());
        if let Some(newest) = last.filter(|_| generations.len() > KEPT)
            && self.has(newest, (text, record))
        {
            // All that failed was to remove an older one.
            self.prune()?;
            return Ok(newest);
        }
        let generation = last.map_or(1, |last| last + 1);
        let unfinished = self.directory.join(format!("{UNFINISHED}{generation}"));
        let saved = self.save_as(generation, &unfinished, (text, record));
        if saved.is_err() {
            // What is left of it is removed at the next start at the latest.
            let _ = fs::remove_dir_all(&unfinished);
        }
        saved?;
        self.prune()?;
        Ok(generation)
    }

    /// When a generation was kept.
    pub fn kept_at(&self, generation: u64) -> Option<SystemTime> {
        fs::metadata(self.path(generation)).ok()?.modified().ok()
    }

    /// Notes lines that are about to be told: should the agent die meanwhile, the next one knows that they are ours. The
    /// disk is not waited for: a machine that dies takes what FRR runs along.
    pub fn note_told(&self, lines: &str) -> Result<(), StoreError> {
        let unfinished = self.directory.join(format!("{UNFINISHED}{TOLD}"));
        let _ = fs::remove_file(&unfinished);
        write_unsynced(&unfinished, lines.as_bytes())?;
        let path = self.directory.join(TOLD);
        fs::rename(&unfinished, &path).map_err(StoreError::io("put into place", &path))
    }

    /// What was noted, and not seen to run in order since.
    pub fn told(&self) -> Option<String> {
        read_bounded(&self.directory.join(TOLD), FILE_BYTES_MAX).ok()
    }

    /// Forgets it: it runs, and is part of what is kept.
    pub fn forget_told(&self) {
        // One that is left over says of lines that are ours that they are.
        let _ = fs::remove_file(self.directory.join(TOLD));
    }

    fn save_as(
        &self,
        generation: u64,
        unfinished: &Path,
        (text, record): (&str, &Record),
    ) -> Result<(), StoreError> {
        DirBuilder::new().mode(0o700).create(unfinished).map_err(StoreError::io("create", unfinished))?;
        let record = record.to_json()?;
        let checksums =
            format!("{}  {TEXT}\n{}  {RECORD}\n", checksum(text.as_bytes()), checksum(record.as_bytes()));
        for (name, content) in [(TEXT, text), (RECORD, &record), (CHECKSUMS, &checksums)] {
            write_new(&unfinished.join(name), content.as_bytes())?;
        }
        sync_directory(unfinished)?;
        let path = self.path(generation);
        fs::rename(unfinished, &path).map_err(StoreError::io("put into place", &path))?;
        sync_directory(&self.directory)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.directory.join(format!("{GENERATION}{generation}"))
    }

    fn read(&self, generation: u64) -> Result<LastGood, StoreError> {
        let path = self.path(generation);
        let [checksums, text, record] =
            [CHECKSUMS, TEXT, RECORD].map(|name| read_bounded(&path.join(name), FILE_BYTES_MAX));
        let (checksums, text, record) = (checksums?, text?, record?);
        for (name, content) in [(TEXT, &text), (RECORD, &record)] {
            let is_right =
                checksums.lines().any(|line| line == format!("{}  {name}", checksum(content.as_bytes())));
            if !is_right {
                return Err(StoreError::Checksum { path: path.join(name) });
            }
        }
        Ok(LastGood { generation, text, record: Record::from_json(&record, &path.join(RECORD))? })
    }

    fn has(&self, generation: u64, (text, record): (&str, &Record)) -> bool {
        let is_same = |it: LastGood| it.text == text && it.record.as_ref() == Some(record);
        self.read(generation).is_ok_and(is_same)
    }

    fn set_aside(&self, generation: u64, reason: StoreError) -> SetAside {
        let to = self.directory.join(format!("{SET_ASIDE}{generation}"));
        let _ = fs::remove_dir_all(&to);
        let moved = fs::rename(self.path(generation), &to);
        SetAside { reason, moved_to: moved.is_ok().then_some(to) }
    }

    /// The numbers of the generations, ascending.
    fn generations(&self) -> Result<Vec<u64>, StoreError> {
        self.numbered(GENERATION)
    }

    fn numbered(&self, start: &str) -> Result<Vec<u64>, StoreError> {
        let number = |name: &str| name.strip_prefix(start)?.parse().ok();
        let mut numbers: Vec<u64> = self.names()?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = StoreError::io("read", &self.directory);
        let entries =
            fs::read_dir(&self.directory).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    /// Removes all but the newest, and of what was set aside all but the newest.
    fn prune(&self) -> Result<(), StoreError> {
        for start in [GENERATION, SET_ASIDE] {
            let numbers = self.numbered(start)?;
            let old = &numbers[..numbers.len().saturating_sub(KEPT)];
            self.remove_where(|name| old.iter().any(|number| name == format!("{start}{number}")))?;
        }
        Ok(())
    }

    fn remove_where(&self, goes: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        for name in self.names()?.into_iter().filter(|name| goes(name)) {
            let path = self.directory.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(StoreError::io("remove", &path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
