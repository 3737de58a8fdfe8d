//! From one configuration to the next over standing sessions: those that are to stay do, and every neighbor soon has
//! what the configuration says, by the soft clears of the delta and not by FRR's delay timer of 5 s.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use frrk8s_delta::{Delta, Documents, SessionChange, SessionId};
use frrk8s_document::Daemon;
use frrk8s_e2e::chain::{ASNS, NODE_ASN, WITH_BFD, Wanted, id, sessions, steps};
use frrk8s_e2e::oracle::{Route, received_by, taken_from};
use frrk8s_e2e::other::{Other, SENT_V4, SENT_V6};
use frrk8s_e2e::standing::{COALESCE, Counters, End, Ends, up_for};
use frrk8s_e2e::{Planned, bfd, dialect, read_back, send};
use frrk8s_model::IpNet;
use frrk8s_testkit::lab::{
    self, Family, FrrInstall, FrrVersion, Lan, Node, Router, RouterOptions, wait_until,
};

/// How soon the routes of a session that stays are there: less than the delay timer.
const SOON: Duration = Duration::from_secs(3);

/// The same of a session that comes up: also its first routes wait for the delay timer.
const LATER: Duration = Duration::from_secs(20);

/// How often each class has to be seen in 50 steps.
const CLASS_MIN: usize = 5;

/// The node, the others, and what was counted of each session when the last step was over.
struct Chain {
    node: Node,
    others: Vec<Other>,
    wanted: Option<Wanted>,
    planned: Option<Planned>,
    counted: BTreeMap<IpAddr, [Counters; 2]>,
    classes: BTreeMap<SessionChange, usize>,
    slowest: Duration,
    _lan: Lan,
}

fn router(other: &Other) -> &Router {
    let Other::Frr(node) = other else { panic!("not an FRR") };
    &node.router
}

/// Whether a session has exactly the routes that it must have; the next hop is its own matter, and so is the local
/// preference on eBGP.
fn same(wanted: &BTreeMap<IpNet, Route>, seen: &BTreeMap<IpNet, Route>) -> bool {
    let matches = |wanted: &Route, seen: &Route| {
        let local_pref = wanted.local_pref.or(seen.local_pref);
        *seen == Route { next_hop: seen.next_hop.clone(), local_pref, ..wanted.clone() }
    };
    wanted.len() == seen.len()
        && wanted.iter().all(|(prefix, route)| seen.get(prefix).is_some_and(|seen| matches(route, seen)))
}

impl Chain {
    fn start(install: &FrrInstall) -> Self {
        let mut lan = Lan::new().unwrap();
        let node = lan.router(install, RouterOptions::default()).unwrap();
        let others: Vec<Other> =
            ASNS.iter().map(|asn| Other::frr(&mut lan, install, (*asn, NODE_ASN), &node.host)).collect();
        for other in &others {
            let lines = ["no bgp route-map delay-timer"];
            assert_eq!(router(other).configure(lab::Daemon::Bgpd, &lines).unwrap(), []);
        }
        let (at, _) = sessions()[WITH_BFD];
        let bfd = format!("neighbor {} bfd", node.host.v4);
        let lines = [&*format!("router bgp {}", ASNS[at]), &bfd];
        assert_eq!(router(&others[at]).configure(lab::Daemon::Bgpd, &lines).unwrap(), []);
        Self {
            node,
            others,
            wanted: None,
            planned: None,
            counted: BTreeMap::new(),
            classes: BTreeMap::new(),
            slowest: Duration::ZERO,
            _lan: lan,
        }
    }

    /// The node's address for a session.
    fn own(&self, peer: IpAddr) -> IpAddr {
        if peer.is_ipv4() { self.node.host.v4.into() } else { self.node.host.v6.into() }
    }

    /// Both ends of a session.
    fn ends(&self, (at, peer): (usize, IpAddr)) -> Ends<'_> {
        let far = router(&self.others[at]);
        Ends {
            node: End { router: &self.node.router, vrf: None, peer: peer.to_string() },
            far: End { router: far, vrf: None, peer: self.own(peer).to_string() },
        }
    }

    /// Goes one step.
    fn step(&mut self, name: &str, wanted: &Wanted) {
        self.assert_nothing_happened(name);
        let (planned, delta) = self.plan(wanted);
        self.assert_speaks_of_all(name, wanted, &delta);
        let refused = send(&self.node.router, &delta).unwrap();
        assert!(refused.is_empty(), "{name}: {refused:#?}\n{}", planned.document.print());
        let sent = Instant::now();
        let change = |peer: IpAddr| {
            let id = SessionId { vrf: None, peer: peer.to_string().into() };
            delta.sessions.get(&id).map(|session| session.change)
        };
        let of = |chosen: &dyn Fn(SessionChange) -> bool| {
            sessions().into_iter().filter(|(_, peer)| change(*peer).is_some_and(chosen)).collect::<Vec<_>>()
        };
        let kept = of(&|change| change < SessionChange::Reset);
        self.assert_routes(name, &planned, &kept, SOON);
        self.slowest = self.slowest.max(sent.elapsed());
        for session in of(&|change| matches!(change, SessionChange::Reset | SessionChange::Removed)) {
            let [_, far] = self.counted[&session.1];
            self.ends(session).wait_drop(far).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        self.tell_others(wanted);
        let came = of(&|change| matches!(change, SessionChange::Reset | SessionChange::Added));
        self.await_sessions(name, &came);
        self.assert_routes(name, &planned, &[kept, came.clone()].concat(), LATER);
        for (at, peer) in sessions() {
            let counted = self.ends((at, peer)).counters().unwrap();
            let before = self.counted.insert(peer, counted);
            let stays = change(peer).is_some_and(|change| change < SessionChange::Reset);
            assert!(!stays || before == Some(counted), "{name}: {peer} was {before:?}, then {counted:?}");
        }
        delta.sessions.values().for_each(|session| *self.classes.entry(session.change).or_default() += 1);
        (self.wanted, self.planned) = (Some(wanted.clone()), Some(planned));
    }

    /// The delta says something of every session of before and after, and of no other.
    fn assert_speaks_of_all(&self, name: &str, wanted: &Wanted, delta: &Delta) {
        let of = |wanted: &Wanted| {
            let all = sessions().into_iter().zip(wanted.neighbors.clone());
            all.filter(|(_, neighbor)| neighbor.is_there).map(|((_, peer), _)| peer).collect::<BTreeSet<_>>()
        };
        let before = self.wanted.as_ref().map(of).unwrap_or_default();
        let all: BTreeSet<IpAddr> = before.union(&of(wanted)).copied().collect();
        let said: BTreeSet<IpAddr> = delta.sessions.keys().map(|id| id.peer.parse().unwrap()).collect();
        assert_eq!(said, all, "{name}");
        let added = |peer: &IpAddr| !before.contains(peer);
        for (id, session) in &delta.sessions {
            let peer = id.peer.parse().unwrap();
            assert_eq!(session.change == SessionChange::Added, added(&peer), "{name}: {id}");
        }
    }

    /// Every session is up, and has been since the last step; and the routes are still those of then.
    fn assert_nothing_happened(&self, name: &str) {
        let (Some(wanted), Some(planned)) = (&self.wanted, &self.planned) else { return };
        let there = sessions().into_iter().zip(&wanted.neighbors).filter(|(_, neighbor)| neighbor.is_there);
        let there: Vec<(usize, IpAddr)> = there.map(|(session, _)| session).collect();
        self.assert_routes(&format!("before {name}"), planned, &there, Duration::ZERO);
        for session in there {
            let ends = self.ends(session);
            let (up, counted) = (ends.is_up().unwrap(), ends.counters().unwrap());
            assert!(up, "before {name}: {} is not up", session.1);
            assert_eq!(counted, self.counted[&session.1], "before {name}: {} was to stay up", session.1);
        }
    }

    fn plan(&self, wanted: &Wanted) -> (Planned, Delta) {
        let dialect = dialect(&self.node.router);
        let before = self.wanted.as_ref().map(|before| before.input().plan().document).unwrap_or_default();
        let runs = read_back(&self.node.router, &[&before]).unwrap();
        let planned = wanted.input().plan_against(runs.get(&Daemon::Bgpd));
        let running: Documents = read_back(&self.node.router, &[&before, &planned.document]).unwrap();
        let delta = Delta::new(dialect, &running, &dialect.by_daemon(&planned.document));
        (planned, delta)
    }

    /// What both ends of a session must agree on: the passwords and the AS.
    fn tell_others(&self, wanted: &Wanted) {
        for (at, (other, peer)) in sessions().into_iter().enumerate() {
            let own = self.own(peer);
            let mut lines = vec![format!("router bgp {}", ASNS[other])];
            let before = self.wanted.as_ref().and_then(|before| before.neighbors[at].password);
            match wanted.neighbors[at].password {
                after if after == before => {}
                Some(password) => lines.push(format!("neighbor {own} password {password}")),
                None => lines.push(format!("no neighbor {own} password")),
            }
            let before = self.wanted.as_ref().map_or(ASNS[other], |before| before.asn(at));
            match wanted.asn(at) {
                after if after == before => {}
                after if after == ASNS[other] => lines.push(format!("no neighbor {own} local-as")),
                after => lines.push(format!("neighbor {own} local-as {after} no-prepend replace-as")),
            }
            if lines.len() > 1 {
                assert_eq!(router(&self.others[other]).configure(lab::Daemon::Bgpd, &lines).unwrap(), []);
            }
        }
    }

    fn await_sessions(&self, name: &str, came: &[(usize, IpAddr)]) {
        let with_bfd = sessions()[WITH_BFD];
        let up = |session: &(usize, IpAddr)| {
            self.ends(*session).wait_up().unwrap_or_else(|error| panic!("{name}: {error}"));
        };
        came.iter().for_each(up);
        if came.contains(&with_bfd) {
            let both = [&self.node.router, router(&self.others[with_bfd.0])];
            bfd::wait(both, true).unwrap_or_else(|error| panic!("{name}: {error}"));
            // On its way up, BFD takes a young session down once more.
            up(&with_bfd);
        }
        // FRR 8.4 loses a withdrawal while a young session waits to be told more at once (FRR's pull request 17667):
        // the route would stay at the peer for ever.
        let loses = self.node.router.install().version() == FrrVersion::V8_4;
        for (_, peer) in came.iter().filter(|_| loses) {
            let what = format!("{name}: the session of {peer} to be of age");
            let of_age = || Ok(up_for(&self.node.router, *peer)? > COALESCE);
            wait_until(LATER, &what, of_age).unwrap();
        }
    }

    /// These sessions have within the limit what the configuration says, on both ends.
    fn assert_routes(&self, name: &str, planned: &Planned, peers: &[(usize, IpAddr)], limit: Duration) {
        let started = Instant::now();
        let sent: BTreeSet<IpNet> = [SENT_V4, SENT_V6].concat().iter().map(|p| p.parse().unwrap()).collect();
        for (at, peer) in peers {
            let left = limit.saturating_sub(started.elapsed());
            let wanted = received_by(&planned.config, &id(*peer));
            let mut seen = BTreeMap::new();
            let arrived = wait_until(left, &format!("{name}: what {peer} receives"), || {
                seen = self.others[*at].received(self.own(*peer));
                Ok(same(&wanted, &seen))
            });
            arrived.unwrap_or_else(|error| panic!("{error}\n--- wanted {wanted:#?}\n--- seen {seen:#?}"));
            let left = limit.saturating_sub(started.elapsed());
            let wanted = taken_from(&planned.config, &id(*peer), &sent, &[]);
            let mut seen = BTreeSet::new();
            let arrived = wait_until(left, &format!("{name}: what is taken from {peer}"), || {
                seen = taken(&self.node.router, *peer);
                Ok(seen == wanted)
            });
            arrived.unwrap_or_else(|error| panic!("{error}\n--- wanted {wanted:?}\n--- seen {seen:?}"));
        }
    }
}

/// What the node has taken from a peer.
fn taken(router: &Router, peer: IpAddr) -> BTreeSet<IpNet> {
    let peer = peer.to_string();
    let tables = [Family::Ipv4, Family::Ipv6].map(|family| router.bgp_table(family, None).unwrap());
    let known = tables.into_iter().flatten();
    let from_peer = known.filter(|(_, paths)| paths.iter().any(|path| path.peer == peer));
    from_peer.map(|(prefix, _)| prefix.parse().unwrap()).collect()
}

fn steps_count() -> usize {
    std::env::var("FRRK8S_CHAIN_STEPS").ok().and_then(|count| count.parse().ok()).unwrap_or(50)
}

fn check_version(version: FrrVersion, seed: u8) {
    for install in lab::installs().into_iter().filter(|install| install.version() == version) {
        let started = Instant::now();
        let mut chain = Chain::start(&install);
        let steps = steps(steps_count(), seed);
        let changed: BTreeSet<&str> =
            steps.windows(2).flat_map(|pair| pair[1].changed_since(&pair[0])).collect();
        assert!(steps_count() < 50 || changed.len() == 4, "not everything changes: {changed:?}");
        for (number, wanted) in steps.iter().enumerate() {
            chain.step(&format!("step {number} on FRR {}", install.release()), wanted);
        }
        let often = chain.classes.values().filter(|count| **count >= CLASS_MIN).count();
        assert!(steps_count() < 50 || often == 6, "not often enough of every class: {:?}", chain.classes);
        println!(
            "FRR {}: {} steps in {:?}, sessions {:?}, the slowest routes after {:?}",
            install.release(),
            steps_count(),
            started.elapsed(),
            chain.classes,
            chain.slowest
        );
    }
}

#[test]
fn standing_sessions_stay_or_reset_as_the_delta_says_on_frr_8_4() {
    check_version(FrrVersion::V8_4, 1);
}

#[test]
fn standing_sessions_stay_or_reset_as_the_delta_says_on_frr_10_3() {
    check_version(FrrVersion::V10_3, 2);
}
