//! What a change does to each session.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use frrk8s_document::{Document, Line, Mark, Version};
use frrk8s_model::masked;

use crate::kind::{Effect, Impact, Kind};

/// A session: its VRF, `None` for the default one, and its peer, an address or an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId {
    /// Its VRF.
    pub vrf: Option<Box<str>>,
    /// Its peer.
    pub peer: Box<str>,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.vrf {
            Some(vrf) => write!(f, "{} in VRF {vrf}", self.peer),
            None => f.write_str(&self.peer),
        }
    }
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionChange {
    /// It stays, with the same routes.
    Untouched,
    /// It stays; other routes are sent or taken.
    PolicyOnly,
    /// It stays, and changes when it is reset the next time.
    Deferred,
    /// It drops and comes up again.
    Reset,
    /// It is new.
    Added,
    /// It ends.
    Removed,
}

impl SessionChange {
    /// The word for tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untouched => Effect::Untouched.as_str(),
            Self::PolicyOnly => Effect::Policy.as_str(),
            Self::Deferred => Effect::Deferred.as_str(),
            Self::Reset => Effect::Reset.as_str(),
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

impl From<Effect> for SessionChange {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Untouched => Self::Untouched,
            Effect::Policy => Self::PolicyOnly,
            Effect::Deferred => Self::Deferred,
            Effect::Reset => Self::Reset,
        }
    }
}

/// A line that does something to a session that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The line that is told or taken back, without the value of a password.
    pub line: Box<str>,
    /// The mark of a line that is told; the default one for what is taken back.
    pub mark: Mark,
    /// What it does.
    pub effect: Effect,
}

/// What becomes of a session, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDelta {
    /// What becomes of it.
    pub change: SessionChange,
    /// The lines with the strongest effect, when it stays configured.
    pub because: Vec<Cause>,
}

impl SessionDelta {
    /// Whether the connection stays as it is.
    pub fn keeps_connection(&self) -> bool {
        self.change < SessionChange::Reset
    }
}

impl From<SessionChange> for SessionDelta {
    fn from(change: SessionChange) -> Self {
        Self { change, because: Vec::new() }
    }
}

/// All sessions of a document. A peer group is none.
pub(crate) fn sessions(document: &Document) -> BTreeSet<SessionId> {
    let routers = document.lines().iter().filter(|line| line.text().starts_with("router bgp "));
    let of_router = |router: &Line| -> Vec<SessionId> {
        let vrf: Option<Box<str>> = vrf_of(router.text()).map(Into::into);
        let is_group = |peer: &str| router.inside().iter().any(|line| is_group_line(line.text(), peer));
        let peers = peers(router).into_keys().filter(|peer| !is_group(peer));
        peers.map(|peer| SessionId { vrf: vrf.clone(), peer: peer.into() }).collect()
    };
    routers.flat_map(of_router).collect()
}

fn is_group_line(line: &str, name: &str) -> bool {
    line.strip_prefix("neighbor ").and_then(|rest| rest.strip_prefix(name)) == Some(" peer-group")
}

/// The VRF of a router, from the line that opens it: `None` for the default one.
pub(crate) fn vrf_of(router: &str) -> Option<&str> {
    router.split_once(" vrf ").map(|(_, vrf)| vrf)
}

/// The peer that a line is about.
pub(crate) fn peer_of(line: &str) -> Option<&str> {
    line.strip_prefix("no ").unwrap_or(line).strip_prefix("neighbor ")?.split(' ').next()
}

/// The line that makes a session, from the lines of a router: by peer.
pub(crate) fn peers(router: &Line) -> BTreeMap<&str, &str> {
    let lines = router.inside().iter().map(Line::text);
    lines
        .filter_map(|line| {
            let (peer, option) = line.strip_prefix("neighbor ")?.split_once(' ')?;
            let makes =
                ["remote-as ", "interface ", "peer-group "].iter().any(|word| option.starts_with(word));
            makes.then_some((peer, line))
        })
        .collect()
}

/// The effects of lines, as they are collected.
#[derive(Debug)]
pub(crate) struct Effects {
    version: Version,
    on_peers: BTreeMap<SessionId, Vec<Cause>>,
    on_routers: BTreeMap<Option<Box<str>>, Vec<Cause>>,
}

impl Effects {
    pub(crate) fn new(version: Version) -> Self {
        Self { version, on_peers: BTreeMap::new(), on_routers: BTreeMap::new() }
    }

    /// Notes a line of a router, or of one of its families, that is told.
    pub(crate) fn told(&mut self, router: &str, parent: &str, line: &Line) {
        self.note(router, parent, line.text(), line.mark, |kind| kind.told);
    }

    /// Notes a line that is taken back.
    pub(crate) fn taken_back(&mut self, router: &str, parent: &str, line: &Line) {
        self.note(router, parent, line.text(), Mark::default(), |kind| kind.taken_back);
    }

    fn note(&mut self, router: &str, parent: &str, line: &str, mark: Mark, impact: impl Fn(&Kind) -> Impact) {
        let peer = peer_of(line);
        let known = Kind::of(Some(parent), line).map(|kind| impact(kind).on(self.version));
        // Of what is not known, the worst, except for what a family does with routes.
        let in_family = parent != router;
        let unknown = if in_family && peer.is_none() { Effect::Untouched } else { Effect::Reset };
        let effect = known.unwrap_or(unknown);
        if effect == Effect::Untouched {
            return;
        }
        let cause = Cause { line: masked(line).into(), mark, effect };
        let vrf = vrf_of(router).map(Into::into);
        match peer {
            Some(peer) => self.on_peers.entry(SessionId { vrf, peer: peer.into() }).or_default().push(cause),
            None => self.on_routers.entry(vrf).or_default().push(cause),
        }
    }

    /// Notes that a session, or every session of a router, is made anew.
    pub(crate) fn rebuilt(&mut self, router: &str, peer: Option<&str>, line: &Line) {
        let cause = Cause { line: masked(line.text()).into(), mark: line.mark, effect: Effect::Reset };
        let vrf: Option<Box<str>> = vrf_of(router).map(Into::into);
        match peer {
            Some(peer) => self.on_peers.entry(SessionId { vrf, peer: peer.into() }).or_default().push(cause),
            None => self.on_routers.entry(vrf).or_default().push(cause),
        }
    }

    /// What becomes of a session that stays configured, and why.
    pub(crate) fn of(&self, session: &SessionId, policy_changes: bool) -> SessionDelta {
        let on_peer = self.on_peers.get(session).into_iter().flatten();
        let causes: Vec<&Cause> =
            on_peer.chain(self.on_routers.get(&session.vrf).into_iter().flatten()).collect();
        let strongest = causes.iter().map(|cause| cause.effect).max().unwrap_or_default();
        let effect = strongest.max(if policy_changes { Effect::Policy } else { Effect::Untouched });
        let because = causes.into_iter().filter(|cause| cause.effect == effect).cloned().collect();
        SessionDelta { change: effect.into(), because }
    }
}
