//! What is remembered of the API over a restart of the agent: what objects stood on, and in which versions they counted.
//!
//! It lies in a file of its own beside the last good configurations, which older releases leave alone. Without it the API is
//! believed as if for the first time.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::doubt::Ground;
use super::store::{Key, Kind};
use super::version::Version;
use crate::pause::NodePause;

/// The shape of the file. Another number is another shape, and is not read.
const SHAPE: u32 = 1;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    pub(super) shape: u32,
    /// What objects are believed under.
    pub ground: Option<Ground>,
    /// The highest resource version of each kind that was seen.
    pub highest: BTreeMap<Kind, u64>,
    /// The versions of the objects that count.
    pub(super) objects: Vec<Remembered>,
    /// The labels of the node.
    pub labels: BTreeMap<String, String>,
    /// Whether the API has objects as they were before.
    pub is_restored: bool,
    /// With what an operator accepted last that objects are gone.
    pub accepted: Option<String>,
    /// The Node that said so.
    pub node: Option<Version>,
    /// The pause that the Node asked for.
    pub pause: Option<NodePause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    kind: Kind,
    name: String,
    version: Version,
}

impl Memory {
    /// What a file has; nothing where it cannot be read.
    pub fn load(path: &Path) -> Self {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                warn!("{} cannot be read: {error}", path.display());
                return Self::default();
            }
        };
        match serde_json::from_str(&text) {
            Ok(memory @ Self { shape: SHAPE, .. }) => memory,
            Ok(Self { shape, .. }) => {
                warn!("{} has the shape {shape}, and is not read", path.display());
                Self::default()
            }
            Err(error) => {
                warn!("{} is damaged, and is not read: {error}", path.display());
                Self::default()
            }
        }
    }

    /// Whether anything is remembered.
    pub fn is_blank(&self) -> bool {
        self.shape == 0
    }

    /// The versions of the objects that counted.
    pub fn versions(&self) -> BTreeMap<Key, Version> {
        let objects = self.objects.iter();
        objects.map(|object| ((object.kind, object.name.clone()), object.version.clone())).collect()
    }

    /// Remembers the versions of the objects that count.
    pub fn set_versions(&mut self, versions: BTreeMap<Key, Version>) {
        self.shape = SHAPE;
        let objects = versions.into_iter();
        self.objects = objects.map(|((kind, name), version)| Remembered { kind, name, version }).collect();
    }
}

/// The file.
#[derive(Debug)]
pub struct MemoryFile {
    path: PathBuf,
    /// What stands in it.
    there: Memory,
}

impl MemoryFile {
    /// That of a state directory, and what is in it.
    pub fn open(state: &Path) -> (Self, Memory) {
        let path = state.join("api.json");
        let there = Memory::load(&path);
        (Self { path, there: there.clone() }, there)
    }

    /// Writes it, where it is another one.
    pub fn keep(&mut self, memory: Memory) -> io::Result<()> {
        if self.there == memory {
            return Ok(());
        }
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix("api-").tempfile_in(directory)?;
        file.write_all(&serde_json::to_vec(&memory)?)?;
        file.as_file().sync_data()?;
        file.persist(&self.path)?;
        self.there = memory;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_remembered_is_what_was() {
        let home = tempfile::tempdir().unwrap();
        let (mut file, memory) = MemoryFile::open(home.path());
        assert!(memory.is_blank());
        let mut memory = Memory { is_restored: true, ..memory };
        memory.highest.insert(Kind::Configuration, 7);
        let version = Version { uid: "u".to_owned(), ..Version::default() };
        memory.set_versions([((Kind::Secret, "s".to_owned()), version.clone())].into());
        file.keep(memory).unwrap();
        let (_, memory) = MemoryFile::open(home.path());
        assert!(!memory.is_blank() && memory.is_restored);
        assert_eq!(memory.highest[&Kind::Configuration], 7);
        assert_eq!(memory.versions().into_values().collect::<Vec<_>>(), [version]);
        fs::write(home.path().join("api.json"), "{half").unwrap();
        assert!(MemoryFile::open(home.path()).1.is_blank());
    }
}
