//! Sessions that one object defines and another one resets: whoever looks after the first wants to know why.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_delta::{SessionChange, SessionDelta, SessionId};
use frrk8s_model::{Fragment, ObjectId, Vrf};
use serde::Serialize;

use crate::kept::Kept;
use crate::wanted::Wanted;

/// A session that was reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    /// The session.
    pub session: String,
    /// The objects that define it.
    pub defined_by: Vec<String>,
    /// The objects that came, changed or went.
    pub changed: Vec<String>,
    /// The lines that reset it, secrets masked.
    pub because: Vec<String>,
}

impl Reset {
    /// Whether somebody resets a session of somebody else.
    pub fn is_of_others(&self) -> bool {
        self.changed.iter().any(|object| !self.defined_by.contains(object))
    }
}

/// The sessions that a delta resets, between the versions that were in force and those that are now.
pub fn resets(
    sessions: &BTreeMap<SessionId, SessionDelta>,
    before: &BTreeMap<ObjectId, Kept>,
    wanted: &Wanted,
) -> Vec<Reset> {
    let all_changed = changed(before, &wanted.kept);
    let names = |objects: BTreeSet<&ObjectId>| objects.into_iter().map(ToString::to_string).collect();
    let reset = sessions.iter().filter(|(_, delta)| delta.change == SessionChange::Reset);
    reset
        .map(|(session, delta)| {
            let versions = before.values().chain(&wanted.kept).map(|kept| &kept.fragment);
            let defines = versions.filter(|fragment| defines(fragment, session));
            // A line that is taken back is nobody's any more: then all that changed may be behind it.
            let behind = delta.because.iter().flat_map(|cause| wanted.behind((cause.mark.0, &cause.line)));
            let behind: BTreeSet<ObjectId> = behind.map(|source| source.origin.object).collect();
            let is_behind = |object: &&&ObjectId| behind.is_empty() || behind.contains(**object);
            Reset {
                session: session.to_string(),
                defined_by: names(defines.map(|fragment| &fragment.object).collect()),
                changed: names(all_changed.iter().filter(is_behind).copied().collect()),
                because: delta.because.iter().map(|cause| cause.line.to_string()).collect(),
            }
        })
        .collect()
}

/// The objects that came, changed or went.
fn changed<'a>(before: &'a BTreeMap<ObjectId, Kept>, now: &'a [Kept]) -> BTreeSet<&'a ObjectId> {
    let mut changed: BTreeSet<&ObjectId> = before.keys().collect();
    for kept in now {
        if before.get(&kept.fragment.object).is_some_and(|before| before.fragment == kept.fragment) {
            changed.remove(&kept.fragment.object);
        } else {
            changed.insert(&kept.fragment.object);
        }
    }
    changed
}

fn defines(fragment: &Fragment, session: &SessionId) -> bool {
    let is_in = |vrf: &Vrf| match (&session.vrf, vrf) {
        (None, Vrf::Default) => true,
        (Some(name), Vrf::Named(vrf)) => **name == *vrf.to_string(),
        _ => false,
    };
    let routers = fragment.routers.iter().filter(|router| is_in(&router.vrf));
    let mut peers = routers.flat_map(|router| &router.neighbors).map(|neighbor| neighbor.peer.to_string());
    peers.any(|peer| *peer == *session.peer)
}
