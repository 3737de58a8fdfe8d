//! What came of a pass.

use std::time::Duration;

use frrk8s_delta::Documents;
use frrk8s_frr::{Driven, FrrError, StoreError, Verdict};
use frrk8s_intake::InventoryError;

use crate::engine::Decision;
use crate::foreign::Foreign;
use crate::resets::Reset;
use crate::sources::SourceError;
use crate::unkept::OnDisk;

/// What to do when what is ours was changed by somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrift {
    /// Put it back.
    #[default]
    Undo,
    /// Say it, and leave it.
    Report,
}

/// Why a pass came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The source cannot be read: the node is held.
    #[error("the source cannot be read")]
    Source(#[from] SourceError),
    /// The objects do not say which node is meant.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// FRR cannot be talked to.
    #[error("FRR cannot be read")]
    Frr(#[from] FrrError),
    /// FRR leaves out other lines than those that are known here: what it runs cannot be told from what it prints.
    #[error(
        "FRR runs with `frr defaults {profile}`; only traditional is known here: take the line out of its start-up file and restart it"
    )]
    Defaults {
        /// The profile.
        profile: String,
    },
}

impl PassError {
    /// The word for statuses, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Source(error) => error.reason(),
            Self::Inventory(_) => "NodeUnclear",
            Self::Frr(error) => error.reason(),
            Self::Defaults { .. } => "DefaultsUnknown",
        }
    }
}

/// What came of a pass.
#[derive(Debug)]
pub struct Pass {
    /// What became of the objects; `None` where the source could not be read.
    pub decision: Option<Decision>,
    /// What came of the apply; `None` where nothing was to be applied.
    pub driven: Option<Driven>,
    /// Each time that FRR was told something, in order: under `quarantine` several, and one while it is waited with what failed.
    pub applies: Vec<Driven>,
    /// Whether FRR was told, or would have been: not where it is waited with what failed.
    pub(crate) is_tried: bool,
    /// Whether FRR was to be told something, and the gate was closed: nothing came of it.
    pub is_stopped: bool,
    /// What kept the pass from more.
    pub error: Option<PassError>,
    /// What was to be kept on disk, and whether it could be.
    pub kept: Vec<(OnDisk, Result<(), StoreError>)>,
    /// Lines that somebody else changed of what is ours.
    pub drift: Vec<String>,
    /// Whether a daemon was found to run nothing of ours.
    pub is_lost: bool,
    /// Sessions that were reset by what was applied.
    pub resets: Vec<Reset>,
    /// What the objects ask for, where it was to be applied.
    pub(crate) asked: Option<Documents>,
    /// Identifies what the objects ask for.
    pub desired_hash: Option<String>,
    /// Identifies what runs of ours.
    pub running_hash: Option<String>,
    /// What runs, secrets masked as upstream masks them.
    pub running_config: Option<String>,
    /// Lines of FRR's that are none of ours; `None` where it could not be read.
    pub foreign: Option<Foreign>,
    /// The version of FRR.
    pub version: Option<String>,
    /// How long reading FRR took.
    pub reading: Duration,
}

impl Pass {
    pub(crate) fn new() -> Self {
        Self {
            decision: None,
            driven: None,
            applies: Vec::new(),
            is_tried: false,
            is_stopped: false,
            error: None,
            kept: Vec::new(),
            drift: Vec::new(),
            is_lost: false,
            asked: None,
            resets: Vec::new(),
            desired_hash: None,
            running_hash: None,
            running_config: None,
            foreign: None,
            version: None,
            reading: Duration::ZERO,
        }
    }

    /// Counts objects that the source itself left out. Where nothing was decided, nothing is known anew of any.
    pub(crate) fn leave_out(&mut self, count: usize) {
        if let Some(decision) = &mut self.decision {
            decision.left_out += count;
        }
    }

    /// Whether FRR was seen to run what was made of the objects as they are now, those that were set aside aside.
    pub(crate) fn is_good(&self) -> bool {
        self.error.is_none()
            && self.decision.as_ref().is_some_and(|decision| !decision.is_held)
            && self.verdict().is_some_and(|verdict| verdict.cause().is_none())
    }

    /// The verdict on the apply, if there was one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.driven.as_ref().map(|driven| &driven.verdict)
    }
}
