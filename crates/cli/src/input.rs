//! Files, directories and standard input, into objects with their positions.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use frrk8s_manifest::{Manifest, TEXT_BYTES_MAX};

/// A text that was read.
#[derive(Debug)]
pub struct Source {
    /// What people call it: the path, or `<stdin>`.
    pub name: String,
    /// Its text; what is not UTF-8 in it is replaced.
    pub text: String,
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
        let mut seen = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                let mut bytes = Vec::new();
                let limit = u64::try_from(TEXT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
                io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(InputError::Stdin)?;
                input.add("<stdin>".to_owned(), bytes);
                continue;
            }
            for file in files(path)? {
                let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
                if seen.contains(&identity) {
                    continue;
                }
                seen.push(identity);
                let read = fs::read(&file).map_err(|error| InputError::Path { path: file.clone(), error })?;
                input.add(file.display().to_string(), read);
            }
        }
        Ok(input)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) {
        let source = self.sources.len();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("byte {at} is not UTF-8");
                self.unreadable.push(Unreadable { source, message, span: at..at });
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                self.sources.push(Source { name, text });
                return;
            }
        };
        match frrk8s_manifest::read(&text) {
            Ok(manifests) => {
                self.entries.extend(manifests.into_iter().map(|manifest| Entry { source, manifest }));
            }
            Err(error) => {
                let message = error.message;
                self.unreadable.push(Unreadable { source, message, span: error.span });
            }
        }
        self.sources.push(Source { name, text });
    }
}

/// A file, or the files of a directory, sorted by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |error| InputError::Path { path: path.to_owned(), error };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let ending = file.extension().and_then(|ending| ending.to_str());
        let wanted = matches!(ending, Some("yaml" | "yml" | "json")) && !name.starts_with('.');
        if wanted && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(InputError::EmptyDirectory(path.to_owned()));
    }
    files.sort();
    Ok(files)
}
