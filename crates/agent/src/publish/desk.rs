//! What is to be written of sessions next, and when. Pure but for the clock that it is handed.
//!
//! A session that comes up or goes down is written at once, a second after the last write of it at the earliest. One that
//! tries on (`Active`, `Connect`, `Idle`, over and over) is written ever more seldom, down to every 30 s: a peer that is
//! not there must not keep the API busy. Prefixes alone are written some seconds after a change, then every five minutes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use frrk8s_api::BGPSessionStateStatus;

use super::session::{Urgency, Wanted, urgency};

/// There is at most one write of a session in so long.
const APART: Duration = Duration::from_secs(1);
/// The same for one that tries on and on.
const APART_MAX: Duration = Duration::from_secs(30);
/// When prefixes are written after a change: routes have come by then.
const SETTLED: Duration = Duration::from_secs(8);
/// And when nothing else changes.
const COUNTS_APART: Duration = Duration::from_mins(5);
/// How far two readings of the same moment may be apart.
const SAME_MOMENT: Duration = Duration::from_secs(5);

/// An object as the API has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct There {
    pub uid: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub status: BGPSessionStateStatus,
    /// Whether somebody has deleted it, and it is still to go.
    pub is_ending: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// To make the object, or to put its labels right.
    Make(Wanted),
    /// To write the status.
    Write(Wanted),
    /// To delete what is no session of FRR's, or a second object of one.
    Delete(String, Option<String>),
}

impl Act {
    /// The object that it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Make(wanted) | Self::Write(wanted) => &wanted.name,
            Self::Delete(name, _) => name,
        }
    }
}

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Do(Box<Act>),
    At(Instant),
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    written: Instant,
    /// How long until the next write of a session that tries on.
    apart: Duration,
    /// Whether prefixes were written since the last change.
    is_settled: bool,
}

/// Sessions as they are to be, objects as they are, and when what was written.
#[derive(Debug)]
pub struct Desk {
    started: Instant,
    /// By name; `None` while nothing is known, or somebody else writes.
    wanted: Option<BTreeMap<String, Wanted>>,
    /// `None` until all were listed.
    there: Option<BTreeMap<String, There>>,
    paces: BTreeMap<String, Pace>,
    /// What the API refused, by name: until when it is left alone, and for how long the next time.
    put_off: BTreeMap<String, (Instant, Duration)>,
}

impl Desk {
    pub fn new(now: Instant) -> Self {
        Self { started: now, wanted: None, there: None, paces: BTreeMap::new(), put_off: BTreeMap::new() }
    }

    /// The API refused what was to be done with an object: it is tried again ever more seldom, and others come first.
    pub fn put_off(&mut self, name: &str, now: Instant) {
        let wait = self.put_off.get(name).map_or(APART, |(_, wait)| *wait);
        self.put_off.insert(name.to_owned(), (now + wait, (wait * 2).min(APART_MAX)));
    }

    fn not_before(&self, name: &str, at: Instant) -> Instant {
        self.put_off.get(name).map_or(at, |(until, _)| at.max(*until))
    }

    /// What the objects are to be.
    pub fn want(&mut self, wanted: Option<Vec<Wanted>>) {
        self.wanted = wanted.map(|all| all.into_iter().map(|it| (it.name.clone(), it)).collect());
        if let Some(wanted) = &self.wanted {
            self.paces.retain(|name, _| wanted.contains_key(name));
            let there = self.there.as_ref();
            let is_known =
                |name: &String| wanted.contains_key(name) || there.is_some_and(|it| it.contains_key(name));
            self.put_off.retain(|name, _| is_known(name));
        }
    }

    /// All objects that there are.
    pub fn list(&mut self, there: BTreeMap<String, There>) {
        self.there = Some(there);
    }

    /// An object as it is now.
    pub fn see(&mut self, name: String, there: There) {
        self.there.get_or_insert_default().insert(name, there);
    }

    /// An object is gone.
    pub fn miss(&mut self, name: &str) {
        if let Some(there) = &mut self.there {
            there.remove(name);
        }
    }

    /// The status of a session was written.
    pub fn note_written(&mut self, wanted: &Wanted, now: Instant) {
        let there = self.there.get_or_insert_default().entry(wanted.name.clone()).or_default();
        let urgency = urgency(&there.status, &wanted.status);
        there.status = wanted.status.clone();
        let before = self.paces.get(&wanted.name);
        let apart = match urgency {
            Urgency::Now => APART,
            _ => before.map_or(APART, |pace| (pace.apart * 2).min(APART_MAX)),
        };
        let is_settled = urgency <= Urgency::Counts;
        self.paces.insert(wanted.name.clone(), Pace { written: now, apart, is_settled });
        self.put_off.remove(&wanted.name);
    }

    /// What is to be done now, or when something will be.
    pub fn next(&self, now: Instant) -> Next {
        let (Some(wanted), Some(there)) = (&self.wanted, &self.there) else {
            return Next::Nothing;
        };
        let is_over = |(name, there): &(&String, &There)| !wanted.contains_key(*name) && !there.is_ending;
        let over = there.iter().filter(is_over);
        let deletions = over.map(|(name, there)| {
            (self.not_before(name, self.started), Act::Delete(name.clone(), there.uid.clone()))
        });
        let dues = wanted.values().filter_map(|it| self.due(it, there.get(&it.name), now));
        let dues = dues.map(|(at, act)| (self.not_before(act.name(), at), act));
        match deletions.chain(dues).min_by_key(|(at, _)| *at) {
            Some((at, act)) if at <= now => Next::Do(Box::new(act)),
            Some((at, _)) => Next::At(at),
            None => Next::Nothing,
        }
    }

    fn due(&self, wanted: &Wanted, there: Option<&There>, now: Instant) -> Option<(Instant, Act)> {
        let pace = self.paces.get(&wanted.name);
        let after = |apart| pace.map_or(now, |pace| pace.written + apart);
        let Some(there) =
            there.filter(|there| wanted.labels.iter().all(|it| there.labels.get(it.0) == Some(it.1)))
        else {
            return Some((after(APART), Act::Make(wanted.clone())));
        };
        if there.is_ending {
            // It is made anew when it has gone.
            return None;
        }
        let wanted = with_moment_of(wanted, &there.status);
        let at = match urgency(&there.status, &wanted.status) {
            Urgency::None => return None,
            Urgency::Now => after(APART),
            Urgency::Trying => after(pace.map_or(APART, |pace| pace.apart)),
            Urgency::Counts => match pace {
                Some(pace) if !pace.is_settled => pace.written + SETTLED,
                Some(pace) => pace.written + COUNTS_APART,
                None => self.started + COUNTS_APART,
            },
        };
        Some((at, Act::Write(wanted)))
    }
}

/// The same, with the moment that was written before where it is meant: FRR's moments differ by a second or two.
fn with_moment_of(wanted: &Wanted, there: &BGPSessionStateStatus) -> Wanted {
    let mut wanted = wanted.clone();
    if let (Some(before), Some(since)) = (&there.established_since, &wanted.status.established_since)
        && since.0.duration_since(before.0).unsigned_abs() <= SAME_MOMENT
    {
        wanted.status.established_since = Some(before.clone());
    }
    wanted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::sessions::SessionState;

    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }
    }

    fn wanted(state: &str, prefixes_in: u64) -> Wanted {
        let since = jiff::Timestamp::from_second(1000).unwrap();
        let session = SessionState {
            vrf: "default".to_owned(),
            peer: "192.0.2.1".to_owned(),
            state: state.to_owned(),
            established_since: (state == "Established").then_some(since),
            prefixes_in,
            ..SessionState::default()
        };
        Wanted::of("n1", &session)
    }

    fn desk(clock: &Clock, it: &Wanted) -> Desk {
        let mut desk = Desk::new(clock.at(0));
        desk.list(BTreeMap::new());
        desk.want(Some(vec![it.clone()]));
        desk
    }

    fn act(act: Act) -> Next {
        Next::Do(Box::new(act))
    }

    fn write(desk: &Desk, now: Instant) -> Option<Wanted> {
        match desk.next(now) {
            Next::Do(act) => match *act {
                Act::Write(it) => Some(it),
                _ => None,
            },
            _ => None,
        }
    }

    fn make(desk: &mut Desk, it: &Wanted) {
        desk.see(it.name.clone(), There { labels: it.labels.clone(), ..There::default() });
    }

    #[test]
    fn a_session_is_made_and_then_written() {
        let clock = Clock(Instant::now());
        let it = wanted("Idle", 0);
        let mut desk = desk(&clock, &it);
        assert_eq!(desk.next(clock.at(0)), act(Act::Make(it.clone())));
        make(&mut desk, &it);
        assert_eq!(desk.next(clock.at(0)), act(Act::Write(it.clone())));
        desk.note_written(&it, clock.at(0));
        assert_eq!(desk.next(clock.at(0)), Next::Nothing);
        // Somebody deletes it, or writes something else into it.
        desk.miss(&it.name);
        assert_eq!(desk.next(clock.at(2)), act(Act::Make(it.clone())));
        make(&mut desk, &it);
        assert_eq!(desk.next(clock.at(2)), act(Act::Write(it)));
    }

    #[test]
    fn nothing_is_deleted_before_all_is_known() {
        let clock = Clock(Instant::now());
        let it = wanted("Idle", 0);
        let other = There { uid: Some("u".to_owned()), ..There::default() };
        let mut desk = Desk::new(clock.at(0));
        desk.want(Some(vec![it.clone()]));
        assert_eq!(desk.next(clock.at(0)), Next::Nothing, "not listed");
        desk.list([("n1-xyz12".to_owned(), other.clone())].into());
        let delete = act(Act::Delete("n1-xyz12".to_owned(), other.uid.clone()));
        assert_eq!(desk.next(clock.at(0)), delete, "upstream's object of the same session");
        desk.want(None);
        assert_eq!(desk.next(clock.at(0)), Next::Nothing, "FRR was not read, or another agent writes");
        desk.want(Some(Vec::new()));
        desk.see("n1-xyz12".to_owned(), There { is_ending: true, ..other });
        assert_eq!(desk.next(clock.at(0)), Next::Nothing, "it is on its way");
    }

    #[test]
    fn a_session_that_flaps_costs_a_write_a_second_and_one_that_tries_on_less() {
        let clock = Clock(Instant::now());
        let (idle, active, up) = (wanted("Idle", 0), wanted("Active", 0), wanted("Established", 0));
        let mut desk = desk(&clock, &idle);
        make(&mut desk, &idle);
        let writes = |desk: &mut Desk, states: [&Wanted; 2]| {
            let mut writes = 0;
            for tenths in 0..600_u64 {
                let now = clock.0 + Duration::from_millis(tenths * 100);
                desk.want(Some(vec![states[usize::from(tenths % 2 == 0)].clone()]));
                if let Some(it) = write(desk, now) {
                    writes += 1;
                    desk.note_written(&it, now);
                }
            }
            writes
        };
        let flaps = writes(&mut desk, [&up, &idle]);
        assert!((50..=60).contains(&flaps), "in a minute: {flaps}");
        let mut desk = self::desk(&clock, &idle);
        make(&mut desk, &idle);
        let tries = writes(&mut desk, [&active, &idle]);
        assert!(tries <= 7, "{tries}");
        desk.want(Some(vec![up.clone()]));
        assert_eq!(write(&desk, clock.at(61)), Some(up), "at once");
    }

    #[test]
    fn prefixes_are_written_some_seconds_after_a_change_and_then_every_five_minutes() {
        let clock = Clock(Instant::now());
        let it = wanted("Established", 0);
        let mut desk = desk(&clock, &it);
        make(&mut desk, &it);
        desk.note_written(&it, clock.at(0));
        desk.want(Some(vec![wanted("Established", 5)]));
        assert_eq!(desk.next(clock.at(1)), Next::At(clock.at(8)));
        desk.note_written(&wanted("Established", 5), clock.at(8));
        desk.want(Some(vec![wanted("Established", 6)]));
        assert_eq!(desk.next(clock.at(9)), Next::At(clock.at(308)));
    }
}
