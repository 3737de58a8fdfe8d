//! The directory of objects, as it is from one pass to the next.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use frrk8s_intake::{Input, InputError};

/// A directory of objects. One that vanishes is not an empty set.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Which directory it was when objects were read from it last: its file system and number.
    read: Option<(u64, u64)>,
}

impl Directory {
    /// The directory of this path, there or not.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: None }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it has. One that is not there says nothing. One that became empty while it was looked at is empty; one that is
    /// found empty, at the start or in the place of another, may be a mount that is missing, unless nothing is in force
    /// (`is_blank`).
    pub fn read(&mut self, is_blank: bool) -> Result<Input, InputError> {
        let before = self.identity();
        let read = Input::read(std::slice::from_ref(&self.path));
        let identity = self.identity().filter(|after| Some(*after) == before);
        let is_the_same = identity.is_some() && identity == self.read;
        let input = match read {
            Err(InputError::EmptyDirectory(_)) if is_blank || is_the_same => Input::default(),
            input => input?,
        };
        if !input.sources.is_empty() {
            self.read = identity;
        }
        Ok(input.without_empty_texts())
    }

    fn identity(&self) -> Option<(u64, u64)> {
        fs::metadata(&self.path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_empty_directory_in_the_place_of_another_says_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("objects");
        let mut directory = Directory::new(path.clone());
        assert!(directory.read(false).is_err(), "not there");
        fs::create_dir(&path).unwrap();
        assert!(directory.read(false).is_err(), "found empty");
        assert!(directory.read(true).unwrap().sources.is_empty(), "and nothing is in force");
        fs::write(path.join("a.yaml"), "kind: Node\nmetadata: {name: a}\n").unwrap();
        assert_eq!(directory.read(false).unwrap().sources.len(), 1);
        fs::remove_file(path.join("a.yaml")).unwrap();
        assert!(directory.read(false).unwrap().sources.is_empty(), "emptied");
        fs::rename(&path, home.path().join("away")).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(directory.read(false).is_err(), "another one");
    }
}
