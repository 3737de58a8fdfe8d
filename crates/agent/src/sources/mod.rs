//! Where objects come from: directories, and the Kubernetes API. All together are what the node is made of.

mod api;
mod directory;

use std::path::{Path, PathBuf};

use frrk8s_intake::{Input, InputError};

pub use api::{AccessError, Api, ApiAccess, ApiError, ApiOptions, PAUSE_ANNOTATION, Trouble};
pub use directory::Directory;

use crate::pause::NodePause;

/// Everything that objects come from.
#[derive(Debug)]
pub struct Sources {
    directories: Vec<Directory>,
    api: Option<Api>,
}

/// Why a source says nothing: the node is held.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A directory.
    #[error(transparent)]
    Directory(#[from] InputError),
    /// The API.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl SourceError {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Directory(_) => "SourceUnreadable",
            Self::Api(error) => error.reason(),
        }
    }
}

impl Sources {
    /// Directories by their paths, and the API where it is one of them.
    pub fn new(directories: Vec<PathBuf>, api: Option<Api>) -> Self {
        Self { directories: directories.into_iter().map(Directory::new).collect(), api }
    }

    /// The directories.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(Directory::path)
    }

    /// Why the API cannot be watched just now, where it is a source.
    pub fn trouble(&self) -> Option<Trouble> {
        self.api.as_ref().and_then(Api::trouble)
    }

    /// What the Node says of a pause, where the API is a source.
    pub fn node_pause(&self) -> Option<NodePause> {
        self.api.as_ref().and_then(Api::pause)
    }

    /// How many objects of the API are for other nodes: of those only the selector is kept.
    pub fn left_out(&self) -> usize {
        self.api.as_ref().map(Api::left_out).unwrap_or_default()
    }

    /// What all of them have. One that says nothing leaves the others without a say: what it has may conflict with what
    /// they have. `is_blank`: nothing is in force.
    pub fn read(&mut self, is_blank: bool) -> Result<Input, SourceError> {
        let mut input = Input::default();
        for directory in &mut self.directories {
            input.append(directory.read(is_blank)?);
        }
        if let Some(api) = &self.api {
            input.append(api.read()?);
        }
        Ok(input)
    }
}
