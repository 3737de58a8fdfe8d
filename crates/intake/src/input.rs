//! Files, directories and standard input, into objects with their positions.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use frrk8s_manifest::{Manifest, TEXT_BYTES_MAX};
use frrk8s_model::{ObjectId, Rule, shown_up_to};

use crate::position::Positions;

/// The longest name of a source that is shown, in characters.
const NAME_CHARS_MAX: usize = 1000;

/// A text that was read.
#[derive(Debug)]
pub struct Source {
    /// What people call it: the path, or `<stdin>`.
    pub name: String,
    /// Its text; what is not UTF-8 in it is replaced.
    pub text: String,
    /// Where it comes from.
    pub origin: SourceOrigin,
    positions: Positions,
}

/// Where a text comes from: objects of a directory are senior to those of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceOrigin {
    /// A file.
    File,
    /// The Kubernetes API.
    Api,
}

impl SourceOrigin {
    /// Its rank: the lower one is senior.
    pub fn rank(self) -> u8 {
        match self {
            Self::File => 0,
            Self::Api => 1,
        }
    }
}

impl Source {
    fn new(name: &str, text: String, origin: SourceOrigin) -> Self {
        let positions = Positions::new(&text);
        Self { name: shown_up_to(name, NAME_CHARS_MAX), positions, text, origin }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        self.positions.line_and_column(&self.text, at)
    }
}

/// An object and the source it came from.
#[derive(Debug)]
pub struct Entry {
    /// The number of the source.
    pub source: usize,
    /// The object.
    pub manifest: Manifest,
}

/// A source that is no YAML or JSON.
#[derive(Debug)]
pub struct Unreadable {
    /// The number of the source.
    pub source: usize,
    /// What is wrong.
    pub message: String,
    /// Where, in bytes.
    pub span: Range<usize>,
    /// The one object that it has, where that is known without reading it.
    pub missed: Option<Missed>,
}

/// An object of which the source says something that is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// What is wrong with it.
    pub rule: Rule,
    /// Which it is.
    pub object: ObjectId,
    /// Whether it configures nodes by itself: others, such as Secrets, only say more of those that do.
    pub is_configuration: bool,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    /// The texts.
    pub sources: Vec<Source>,
    /// Their objects.
    pub entries: Vec<Entry>,
    /// The texts that have none because they cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// Why the input cannot be had at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A path that leads nowhere, or may not be read.
    #[error("cannot read {}: {error}", .path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard input that cannot be read.
    #[error("cannot read standard input: {0}")]
    Stdin(io::Error),
    /// A directory without a file of objects.
    #[error("no .yaml, .yml or .json file in {} (directories below it are not searched)", .0.display())]
    EmptyDirectory(PathBuf),
}

impl Input {
    /// Reads the paths of the command line. A file that is named twice is read once.
    pub fn read(paths: &[PathBuf]) -> Result<Self, InputError> {
        let mut input = Self::default();
        let mut seen = BTreeSet::new();
        for path in paths {
            if path.as_os_str() == "-" {
                let bytes = read_bounded(io::stdin().lock()).map_err(InputError::Stdin)?;
                input.add("<stdin>", bytes);
                continue;
            }
            for file in files(path)? {
                let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
                if seen.insert(identity) {
                    let read =
                        read_file(&file).map_err(|error| InputError::Path { path: file.clone(), error })?;
                    input.add(&file.display().to_string(), read);
                }
            }
        }
        Ok(input)
    }

    /// The same, with texts that have nothing in them among those that cannot be read: for who watches files as they are
    /// written, an empty one is one that is not written yet.
    #[must_use]
    pub fn without_empty_texts(mut self) -> Self {
        let empty = self.sources.iter().enumerate().filter(|(_, source)| source.text.trim().is_empty());
        let message = "it is empty: perhaps it is not written yet";
        let unreadable = empty.map(|(source, _)| Unreadable {
            source,
            message: message.to_owned(),
            span: 0..0,
            missed: None,
        });
        let unreadable: Vec<Unreadable> = unreadable.collect();
        self.unreadable.extend(unreadable);
        self
    }

    /// Adds a file under the name that people call it by.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.add_from(SourceOrigin::File, name, bytes);
    }

    /// Adds an object of which only the name is known, under the name that people call it by: it counts as it was.
    pub fn add_missed(&mut self, origin: SourceOrigin, (name, missed): (&str, Missed), message: String) {
        let source = self.sources.len();
        self.unreadable.push(Unreadable { source, message, span: 0..0, missed: Some(missed) });
        self.sources.push(Source::new(name, String::new(), origin));
    }

    /// Adds everything that another input has.
    pub fn append(&mut self, other: Self) {
        let first = self.sources.len();
        self.sources.extend(other.sources);
        let entries = other.entries.into_iter();
        self.entries.extend(entries.map(|entry| Entry { source: entry.source + first, ..entry }));
        let unreadable = other.unreadable.into_iter();
        self.unreadable.extend(unreadable.map(|it| Unreadable { source: it.source + first, ..it }));
    }

    /// Adds a text under the name that people call it by.
    pub fn add_from(&mut self, origin: SourceOrigin, name: &str, bytes: Vec<u8>) {
        let source = self.sources.len();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = match error.as_bytes() {
                    [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16; save it as UTF-8".to_owned(),
                    _ => format!("byte {at} is not UTF-8"),
                };
                self.unreadable.push(Unreadable { source, message, span: at..at, missed: None });
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                self.sources.push(Source::new(name, text, origin));
                return;
            }
        };
        match frrk8s_manifest::read(&text) {
            Ok(manifests) => {
                self.entries.extend(manifests.into_iter().map(|manifest| Entry { source, manifest }));
            }
            Err(error) => {
                let message = error.message;
                self.unreadable.push(Unreadable { source, message, span: error.span, missed: None });
            }
        }
        self.sources.push(Source::new(name, text, origin));
    }
}

/// Whether a file of a directory is read, by its name.
pub fn is_object_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "json")) && !name.starts_with('.')
}

/// A file, or the files of a directory, sorted by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| InputError::Path { path, error }
    };
    if !fs::metadata(path).map_err(failed(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed(path))? {
        let file = entry.map_err(failed(path))?.path();
        if !is_object_file(&file) {
            continue;
        }
        // One that leads nowhere may have held anything: what is missing must not be taken for absent.
        let kind = fs::metadata(&file).map_err(failed(&file))?.file_type();
        if kind.is_file() {
            files.push(file);
        } else if !kind.is_dir() {
            // Reading a pipe may wait for ever.
            let error = io::Error::other("it is neither a file nor a directory");
            return Err(failed(&file)(error));
        }
    }
    if files.is_empty() {
        return Err(InputError::EmptyDirectory(path.to_owned()));
    }
    files.sort();
    Ok(files)
}

/// The bytes of a file, or of a pipe such as a shell's `<(…)`. A device is refused: it may have no end.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return Err(io::Error::other("it is a device; - is standard input"));
    }
    read_bounded(File::open(path)?)
}

/// Everything, unless that is more than anybody means.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(TEXT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
