//! What each rendered line stands for.

use frrk8s_document::{Line, Mark};
use frrk8s_model::{AudienceIx, PeerId, Place, Vrf};

use crate::Direction;

/// What a line stands for. From it the objects behind the line are looked up in the fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A place of the merged configuration.
    Place(Place),
    /// The existence of a neighbor.
    Neighbor(PeerId),
    /// Prefixes that a router originates; the line names the prefix.
    Networks(Vrf),
    /// An entry of a prefix list of this audience; the line names the range.
    Listed(Direction, AudienceIx),
    /// What an audience's routes carry to, or whether they are taken from, one peer.
    Carried(PeerId, Direction, AudienceIx),
    /// Something about the node that no object says.
    Node(NodeSetting),
}

/// Lines that are there for every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSetting {
    /// Host name.
    Hostname,
    /// How much is logged.
    Logging,
    /// Next hops may be reached by the default route.
    NextHopTracking,
    /// How every router of ours behaves.
    RouterDefault,
    /// The router id of a node without IPv4 addresses.
    RouterIdFallback,
    /// Routes that are never taken.
    AlwaysBlock,
    /// What no entry permits is denied.
    ClosingDeny,
    /// An IPv6 eBGP peer need not be on a connected network.
    ConnectedCheck,
}

impl NodeSetting {
    /// Why the line is there, in one sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Hostname => "the name of the node",
            Self::Logging => "the log level of the node (FRRK8sConfiguration)",
            Self::NextHopTracking => "next hops may be reached over the default route, on every node",
            Self::RouterDefault => "how FRR-K8s sets up every router",
            Self::RouterIdFallback => "the node has no IPv4 address that could be its router id",
            Self::AlwaysBlock => "the node's --always-block list",
            Self::ClosingDeny => "what no entry permits is denied, on every session",
            Self::ConnectedCheck => {
                "an IPv6 eBGP peer that is not multi-hop may still be off the connected networks"
            }
        }
    }
}

/// The subjects of a rendering, by the marks of its lines.
#[derive(Clone, Debug, Default)]
pub struct Subjects(Vec<Subject>);

impl Subjects {
    /// Notes a subject for lines that are to come.
    pub(crate) fn note(&mut self, subject: Subject) -> Mark {
        self.0.push(subject);
        Mark(u32::try_from(self.0.len()).unwrap_or_default())
    }

    /// What a line of the rendering stands for.
    pub fn of(&self, line: &Line) -> Option<&Subject> {
        self.at(line.mark)
    }

    /// What lines with a mark stand for.
    pub fn at(&self, mark: Mark) -> Option<&Subject> {
        let at = usize::try_from(mark.0).ok()?.checked_sub(1)?;
        self.0.get(at)
    }
}
