//! Wakes the agent when files come, change or go: those of its source, and FRR's sockets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use frrk8s_intake::is_object_file;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}", .path.display())]
pub struct WatchError {
    path: PathBuf,
    source: notify::Error,
}

/// A watch on directories, for as long as it lives.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    paths: Vec<PathBuf>,
    written: Arc<Mutex<BTreeMap<PathBuf, Instant>>>,
}

/// Files that are written to, and not closed yet.
fn note_writers(event: &notify::Event, written: &Mutex<BTreeMap<PathBuf, Instant>>) {
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    match event.kind {
        EventKind::Modify(ModifyKind::Data(_)) => {
            let paths = event.paths.iter().filter(|path| is_object_file(path));
            for path in paths {
                written.entry(path.clone()).or_insert_with(Instant::now);
            }
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(_)) => {
            written.retain(|path, _| !event.paths.contains(path));
        }
        _ => {}
    }
}

/// What an event may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Our own reading, or what was said already: of the three events of a file that is renamed into its place, the last
    /// says again what the second has said, and would cost a pass of its own.
    Nothing,
    /// A file has other text.
    Text,
    /// Something came, went, or may be used by others than before.
    Names,
}

impl News {
    fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Data(_)) => Self::Text,
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => Self::Nothing,
            _ => Self::Names,
        }
    }
}

impl Watch {
    /// Watches directories, each with its name in the one above it: one that goes and comes again is seen. One that is
    /// not there yet, and whose parent is not either, is found by the next poll.
    pub fn new<'a>(
        objects: impl Iterator<Item = &'a Path>,
        sockets: &'a Path,
        wake: Arc<Notify>,
    ) -> Result<Self, WatchError> {
        let paths: Vec<PathBuf> = objects.chain([sockets]).map(absolute).collect();
        let directories = paths.clone();
        let written: Arc<Mutex<BTreeMap<PathBuf, Instant>>> = Arc::default();
        let noted = Arc::clone(&written);
        let handler = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else {
                return wake.notify_one();
            };
            note_writers(&event, &noted);
            // The last directory is FRR's: what it logs there is not what it runs.
            let count = match News::of(event.kind) {
                News::Nothing => 0,
                News::Text => directories.len() - 1,
                News::Names => directories.len(),
            };
            let is_in =
                |path: &PathBuf| directories[..count].iter().any(|directory| path.starts_with(directory));
            if event.paths.iter().any(is_in) {
                wake.notify_one();
            }
        };
        let failed = |source| WatchError { path: PathBuf::new(), source };
        let watcher = notify::recommended_watcher(handler).map_err(failed)?;
        let mut watch = Self { watcher, paths, written };
        watch.renew()?;
        Ok(watch)
    }

    /// Whether somebody is writing a file of objects just now. (FRR writes beside its sockets all the time.)
    /// Who takes longer than a limit is not waited for again until the file was closed.
    pub fn is_being_written(&self, limit: Duration) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|path, _| path.exists());
        let objects = &self.paths[..self.paths.len().saturating_sub(1)];
        let is_ours = |path: &Path| objects.iter().any(|directory| path.starts_with(directory));
        written.iter().any(|(path, since)| is_ours(path) && since.elapsed() < limit)
    }

    /// Watches again what is there now: a directory that was replaced is another one.
    pub fn renew(&mut self) -> Result<(), WatchError> {
        for path in self.paths.clone() {
            for path in [Some(path.as_path()), path.parent()].into_iter().flatten() {
                let watched = self.watcher.watch(path, RecursiveMode::NonRecursive);
                let absent = |error: &notify::Error| {
                    matches!(error.kind, notify::ErrorKind::PathNotFound) || !path.exists()
                };
                match watched {
                    Err(error) if !absent(&error) => {
                        return Err(WatchError { path: path.to_owned(), source: error });
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
