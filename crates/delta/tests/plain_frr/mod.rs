//! What FRR permits, from its lines alone: each takes effect as it is told.
//!
//! Facts (measured on 8.4.4 and 10.3): a map that is bound and has no entries denies; a list that nobody made matches
//! nothing, one that lost its last entry matches everything; a session that is activated without a map is open; on a
//! router that was not told otherwise, a new neighbor is active for IPv4.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use frrk8s_model::IpNet;

/// One direction of one family of one neighbor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// Empty for the default one.
    pub vrf: String,
    pub peer: String,
    family: &'static str,
    way: &'static str,
}

impl Session {
    pub fn carries(&self, prefix: &Prefix) -> bool {
        (self.family == V4) == matches!(prefix.0, IpNet::V4(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(IpNet);

impl std::str::FromStr for Prefix {
    type Err = <IpNet as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const V4: &str = "ip";
const V6: &str = "ipv6";
const WAYS: [&str; 2] = ["in", "out"];

/// What a line changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Touched {
    Nothing,
    List(String),
    Map(String),
    Peer(String),
    Everything,
}

#[derive(Clone, Debug)]
struct Listed {
    prefix: IpNet,
    lengths: std::ops::RangeInclusive<u8>,
    permits: bool,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    permits: bool,
    list: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Peer {
    active: BTreeSet<&'static str>,
    maps: BTreeMap<(&'static str, &'static str), String>,
}

#[derive(Clone, Debug, Default)]
struct Router {
    default_v4: bool,
    peers: BTreeMap<String, Peer>,
}

#[derive(Clone, Debug, Default)]
pub struct PlainFrr {
    /// By `ip NAME` and `ipv6 NAME`; one without entries is one that lost them.
    lists: BTreeMap<String, BTreeMap<u32, Listed>>,
    maps: BTreeMap<String, BTreeMap<u16, Entry>>,
    /// By VRF.
    routers: BTreeMap<String, Router>,
    context: Vec<String>,
}

impl PlainFrr {
    pub fn running(text: &str) -> Self {
        let mut frr = Self::default();
        for line in text.lines() {
            frr.tell(line.trim());
        }
        frr
    }

    pub fn tell(&mut self, line: &str) -> Touched {
        let (no, plain) = line.strip_prefix("no ").map_or((false, line), |plain| (true, plain));
        let words: Vec<&str> = plain.split(' ').collect();
        match words[..] {
            ["exit" | "exit-vrf" | "exit-vni" | "exit-address-family"] => {
                self.context.pop();
                Touched::Nothing
            }
            [
                ip @ (V4 | V6),
                "prefix-list",
                name,
                "seq",
                number,
                action @ ("permit" | "deny"),
                ref range @ ..,
            ] => {
                self.context.clear();
                let number: u32 = number.parse().unwrap();
                let range = match (ip, range) {
                    (V4, ["any"]) => &["0.0.0.0/0", "le", "32"],
                    (_, ["any"]) => &["::/0", "le", "128"],
                    _ => range,
                };
                self.list(&format!("{ip} {name}"), number, (action == "permit", range), no)
            }
            ["route-map", name, action, number] => {
                self.context = vec![plain.to_owned()];
                let number: u16 = number.parse().unwrap();
                let map = self.maps.entry(name.to_owned()).or_default();
                if no {
                    map.remove(&number);
                    self.context.clear();
                } else {
                    map.entry(number).or_default().permits = action == "permit";
                }
                Touched::Map(name.to_owned())
            }
            ["router", "bgp", _, ref vrf @ ..] => {
                let vrf = vrf.get(1).copied().unwrap_or_default();
                self.context = vec![plain.to_owned()];
                if no {
                    self.routers.remove(vrf);
                    self.context.clear();
                } else {
                    let fresh = Router { default_v4: true, ..Router::default() };
                    self.routers.entry(vrf.to_owned()).or_insert(fresh);
                }
                Touched::Everything
            }
            ["vrf", _] | ["bfd"] => {
                self.context = vec![plain.to_owned()];
                Touched::Nothing
            }
            _ => self.inside(no, &words),
        }
    }

    fn list(&mut self, name: &str, number: u32, (permits, range): (bool, &[&str]), no: bool) -> Touched {
        if no {
            let entries = self.lists.get_mut(name).unwrap();
            entries.remove(&number).unwrap();
            let used = |entry: &Entry| entry.list.as_deref() == Some(name);
            if entries.is_empty() && !self.maps.values().flat_map(BTreeMap::values).any(used) {
                self.lists.remove(name);
            }
        } else {
            let prefix: IpNet = range[0].parse().unwrap();
            let bound =
                |word| range.iter().position(|found| *found == word).map(|at| range[at + 1].parse().unwrap());
            let (ge, le): (Option<u8>, Option<u8>) = (bound("ge"), bound("le"));
            let longest = if ge.is_some() { prefix.max_prefix_len() } else { prefix.prefix_len() };
            let lengths = ge.unwrap_or(prefix.prefix_len())..=le.unwrap_or(longest);
            let entries = self.lists.entry(name.to_owned()).or_default();
            // A number or prefix that is taken is lost: deltas never do that within a batch.
            let replaced = entries.insert(number, Listed { prefix, lengths, permits });
            assert!(replaced.is_none(), "{name} seq {number} is told twice");
        }
        Touched::List(name.to_owned())
    }

    fn inside(&mut self, no: bool, words: &[&str]) -> Touched {
        let opener: Vec<&str> =
            self.context.first().map(|line| line.split(' ').collect()).unwrap_or_default();
        match (&opener[..], words) {
            (["route-map", name, _, number], ["match", ip @ (V4 | V6), "address", "prefix-list", list]) => {
                let name = (*name).to_owned();
                let entry =
                    self.maps.get_mut(&name).and_then(|map| map.get_mut(&number.parse().unwrap())).unwrap();
                entry.list = (!no).then(|| format!("{ip} {list}"));
                Touched::Map(name)
            }
            (["router", "bgp", _, vrf @ ..], _) => {
                let vrf = vrf.get(1).copied().unwrap_or_default().to_owned();
                self.in_router(&vrf, no, words)
            }
            _ => Touched::Nothing,
        }
    }

    fn in_router(&mut self, vrf: &str, no: bool, words: &[&str]) -> Touched {
        let family = self.context.get(1).map(String::as_str);
        let family = match family {
            Some("address-family ipv4 unicast") => Some(V4),
            Some("address-family ipv6 unicast") => Some(V6),
            _ => None,
        };
        let router = self.routers.get_mut(vrf).unwrap();
        match (family, words) {
            (_, ["address-family" | "vni", ..]) => {
                if !no {
                    self.context.push(words.join(" "));
                }
                Touched::Nothing
            }
            (_, ["bgp", "default", "ipv4-unicast"]) => {
                router.default_v4 = !no;
                Touched::Nothing
            }
            (_, ["neighbor", peer]) if no => {
                router.peers.remove(*peer);
                Touched::Peer((*peer).to_owned())
            }
            (_, ["neighbor", peer, "remote-as", _] | ["neighbor", peer, "interface", "remote-as", _]) => {
                if no {
                    router.peers.remove(*peer);
                } else {
                    let active: BTreeSet<_> = router.default_v4.then_some(V4).into_iter().collect();
                    router.peers.entry((*peer).to_owned()).or_insert(Peer { active, ..Peer::default() });
                }
                Touched::Peer((*peer).to_owned())
            }
            (Some(family), ["neighbor", name, "activate"]) => {
                let peer = router.peers.get_mut(*name).unwrap();
                if no {
                    peer.active.remove(family);
                } else {
                    peer.active.insert(family);
                }
                Touched::Peer((*name).to_owned())
            }
            (Some(family), ["neighbor", name, "route-map", map, way]) => {
                let peer = router.peers.get_mut(*name).unwrap();
                let way = WAYS.into_iter().find(|known| known == way).unwrap();
                if no {
                    peer.maps.remove(&(family, way));
                } else {
                    peer.maps.insert((family, way), (*map).to_owned());
                }
                Touched::Peer((*name).to_owned())
            }
            _ => Touched::Nothing,
        }
    }

    pub fn sessions(&self) -> impl Iterator<Item = Session> {
        self.routers.iter().flat_map(|(vrf, router)| {
            router.peers.keys().flat_map(move |peer| {
                [V4, V6].into_iter().flat_map(move |family| {
                    WAYS.map(|way| Session { vrf: vrf.clone(), peer: peer.clone(), family, way })
                })
            })
        })
    }

    /// Those that a line may have changed.
    pub fn sessions_of(&self, touched: &Touched) -> Vec<Session> {
        let map_of = |session: &Session| -> Option<&str> {
            let peer = self.routers.get(&session.vrf)?.peers.get(&session.peer)?;
            peer.maps.get(&(session.family, session.way)).map(String::as_str)
        };
        let uses = |map: &str, list: &str| {
            let mut entries = self.maps.get(map).into_iter().flat_map(BTreeMap::values);
            entries.any(|entry| entry.list.as_deref() == Some(list))
        };
        let is_touched = |session: &Session| match touched {
            Touched::Nothing => false,
            Touched::Everything => true,
            Touched::Peer(peer) => session.peer == *peer,
            Touched::Map(name) => map_of(session) == Some(name),
            Touched::List(list) => map_of(session).is_some_and(|map| uses(map, list)),
        };
        self.sessions().filter(is_touched).collect()
    }

    pub fn permits(&self, session: &Session, prefix: &Prefix) -> bool {
        let peer = self.routers.get(&session.vrf).and_then(|router| router.peers.get(&session.peer));
        let Some(peer) = peer.filter(|peer| peer.active.contains(session.family)) else {
            return false;
        };
        let Some(map) = peer.maps.get(&(session.family, session.way)) else {
            return true;
        };
        let mut entries = self.maps.get(map).into_iter().flat_map(BTreeMap::values);
        entries.find(|entry| self.matches(entry, prefix)).is_some_and(|entry| entry.permits)
    }

    fn matches(&self, entry: &Entry, prefix: &Prefix) -> bool {
        let Some(list) = &entry.list else {
            return true;
        };
        if list.starts_with("ip ") != matches!(prefix.0, IpNet::V4(_)) {
            return false;
        }
        let Some(entries) = self.lists.get(list) else {
            return false;
        };
        let covers = |listed: &Listed| {
            listed.prefix.contains(&prefix.0) && listed.lengths.contains(&prefix.0.prefix_len())
        };
        entries.is_empty()
            || entries.values().find(|listed| covers(listed)).is_some_and(|listed| listed.permits)
    }

    /// Prefixes about which the lists may disagree: of each entry the shortest and the longest that it takes, and one
    /// beside it; and two of which no list knows anything.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        let of_entry = |listed: &Listed| {
            let at = |length: u8| {
                let prefix = match listed.prefix {
                    IpNet::V4(net) => IpNet::new(net.network().into(), length),
                    IpNet::V6(net) => IpNet::new(net.network().into(), length),
                };
                Prefix(prefix.unwrap().trunc())
            };
            let beside = listed.lengths.end().saturating_add(1).min(listed.prefix.max_prefix_len());
            [at(*listed.lengths.start()), at(*listed.lengths.end()), at(beside)]
        };
        let listed = self.lists.values().flat_map(BTreeMap::values).flat_map(of_entry);
        listed.chain(["198.18.0.0/15", "2001:db8:ffff::/48"].map(|text| Prefix(text.parse().unwrap())))
    }
}
