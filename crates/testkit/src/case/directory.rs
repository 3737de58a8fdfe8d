//! Directories and their files.
#![allow(clippy::panic, reason = "a case that cannot be read fails its test, by its path")]

use std::fs;
use std::path::{Path, PathBuf};

use frrk8s_model::{IpNet, parse_prefix};

/// A file of objects.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name of the file.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A directory of objects, with what is expected of them.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the directory.
    pub name: String,
    /// Where it is.
    pub directory: PathBuf,
    /// The files of objects, by name.
    pub sources: Vec<Source>,
    /// What is never taken, whatever the objects say.
    pub always_block: Vec<IpNet>,
}

/// What users are shown: `manifests/samples`, sorted.
pub fn samples() -> Vec<Case> {
    below(&["manifests", "samples"])
}

/// What is only for tests: `crates/plan/tests/cases`, sorted.
pub fn cases() -> Vec<Case> {
    below(&["crates", "plan", "tests", "cases"])
}

/// The cases of a directory of the project.
fn below(path: &[&str]) -> Vec<Case> {
    let root = [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter();
    let directory: PathBuf = root.chain(path).collect();
    let mut cases: Vec<PathBuf> = entries(&directory).into_iter().filter(|path| path.is_dir()).collect();
    cases.sort();
    cases.iter().map(|directory| Case::read(directory)).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    listed.unwrap_or_else(|error| panic!("cannot list {}: {error}", directory.display()))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Case {
    /// Reads a directory.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn read(directory: &Path) -> Self {
        let mut sources: Vec<Source> = entries(directory)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
            .map(|path| Source { name: file_name(&path), text: read(&path) })
            .collect();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        let readme = directory.join("README.md");
        let readme = if readme.exists() { read(&readme) } else { String::new() };
        Self {
            name: file_name(directory),
            directory: directory.to_owned(),
            sources,
            always_block: always_block(&readme),
        }
    }

    /// The raw lines that a release of FRR does not know.
    pub fn refused_by(&self, release: &str) -> Vec<String> {
        let of_release = |path: &PathBuf| {
            let name = file_name(path);
            let version = name.strip_prefix("refused-by-").and_then(|name| name.strip_suffix(".txt"));
            version.is_some_and(|version| release.starts_with(version))
        };
        let texts = entries(&self.directory).into_iter().filter(of_release).map(|path| read(&path));
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// The names of the files that are expected now.
    pub(super) fn expected_files(&self) -> Vec<String> {
        let names = entries(&self.directory).iter().map(|path| file_name(path)).collect::<Vec<_>>();
        let mut names: Vec<String> = names.into_iter().filter(|name| name.starts_with("expected.")).collect();
        names.sort();
        names
    }

    /// The text of a file; empty where there is none.
    pub(super) fn text_of(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }
}

/// The value of `--always-block` in a text that shows the command.
fn always_block(readme: &str) -> Vec<IpNet> {
    let mut words = readme.split_ascii_whitespace().skip_while(|word| *word != "--always-block");
    let value = words.nth(1).unwrap_or_default();
    let prefixes = value.split(',').filter(|text| !text.is_empty());
    prefixes
        .map(|text| parse_prefix(text).unwrap_or_else(|| panic!("--always-block {text:?} is no prefix")))
        .collect()
}
