//! The conditions in the status of our objects. Their reasons are the words that logs and metrics use as well.

use std::fmt;

/// A condition of a node, in `FRRNodeState.status.conditions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeCondition {
    /// All objects that select the node were merged into one configuration, without conflicts.
    Merged,
    /// FRR runs the configuration that was made of them.
    Applied,
    /// What FRR runs was last seen to be what we want; false when somebody else changed it.
    InSync,
    /// The node works, but not with everything that was asked for.
    Degraded,
    /// An operator told the agent to change nothing for some time.
    Paused,
}

impl NodeCondition {
    /// The condition's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "Merged",
            Self::Applied => "Applied",
            Self::InSync => "InSync",
            Self::Degraded => "Degraded",
            Self::Paused => "Paused",
        }
    }
}

impl fmt::Display for NodeCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition of an object, in `FRRConfiguration.status.conditions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigurationCondition {
    /// Every node that the object selects accepts its newest version.
    Accepted,
    /// FRR on every node that the object selects runs its newest version.
    Applied,
}

impl ConfigurationCondition {
    /// The condition's `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Applied => "Applied",
        }
    }
}

impl fmt::Display for ConfigurationCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
