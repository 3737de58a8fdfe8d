//! One object as several that come to the same. Pure.

use frrk8s_api::{Advertise, FRRConfiguration, Neighbor, NextHop, Receive};

/// By what an object is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An object a neighbor.
    Neighbor,
    /// What is sent, and what is taken.
    Direction,
    /// An object a community.
    Community,
    /// An object a local preference.
    LocalPref,
    /// The next hops by themselves.
    NextHop,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Neighbor, Self::Direction, Self::Community, Self::LocalPref, Self::NextHop];
}

/// The objects that an object is split into: just itself where there is nothing to split. They have the names
/// `NAME-1`, `NAME-2` and so on, and each is sound by itself.
pub fn split(whole: &FRRConfiguration, by: By) -> Vec<FRRConfiguration> {
    let neighbors = || whole.spec.bgp.routers.iter().flat_map(|router| &router.neighbors);
    let entries = |count: fn(&Neighbor) -> usize| neighbors().map(count).max().unwrap_or_default();
    let count = match by {
        By::Neighbor => neighbors().count(),
        By::Direction | By::NextHop => 2,
        By::Community => 1 + entries(|neighbor| neighbor.to_advertise.with_community.len()),
        By::LocalPref => 1 + entries(|neighbor| neighbor.to_advertise.with_local_pref.len()),
    };
    let mut parts: Vec<FRRConfiguration> = (0..count).map(|at| part(whole, by, at)).collect();
    if parts.is_empty() || parts.contains(whole) {
        return vec![whole.clone()];
    }
    let name = whole.metadata.name.as_deref().unwrap_or_default();
    for (at, part) in parts.iter_mut().enumerate() {
        part.metadata.name = Some(format!("{name}-{}", at + 1));
    }
    parts
}

/// The `at`-th part. Only the first of several holds what is not split.
fn part(whole: &FRRConfiguration, by: By, at: usize) -> FRRConfiguration {
    let mut part = whole.clone();
    if by == By::Neighbor {
        let mut seen = 0;
        for router in &mut part.spec.bgp.routers {
            router.neighbors.retain(|_| {
                seen += 1;
                seen - 1 == at
            });
        }
        return part;
    }
    let neighbors = part.spec.bgp.routers.iter_mut().flat_map(|router| &mut router.neighbors);
    neighbors.for_each(|neighbor| keep(neighbor, by, at));
    part
}

/// Leaves of a neighbor what the `at`-th part has of it.
fn keep(neighbor: &mut Neighbor, by: By, at: usize) {
    if by == By::Direction && at == 0 {
        neighbor.to_receive = Receive::default();
        return;
    }
    let advertise = &mut neighbor.to_advertise;
    match by {
        By::Direction => *advertise = Advertise::default(),
        By::Community => keep_only(&mut advertise.with_community, at),
        By::LocalPref => keep_only(&mut advertise.with_local_pref, at),
        By::NextHop if at == 0 => advertise.next_hop = NextHop::default(),
        By::Neighbor | By::NextHop => {}
    }
    if at == 0 || by == By::Direction {
        return;
    }
    neighbor.to_receive = Receive::default();
    if by != By::Community {
        advertise.with_community.clear();
    }
    if by != By::LocalPref {
        advertise.with_local_pref.clear();
    }
    if by != By::NextHop {
        advertise.next_hop = NextHop::default();
    }
}

/// Of the n-th part only the n-th entry, counted from one.
fn keep_only<T>(entries: &mut Vec<T>, at: usize) {
    let mut number = 0;
    entries.retain(|_| {
        number += 1;
        number == at
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlannedInput;
    use crate::scenario::objects;

    const WHOLE: &str = "asn: 64512
prefixes: [10.1.0.0/16, 10.2.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  toAdvertise:
    allowed: {prefixes: [10.1.0.0/16, 10.2.0.0/16]}
    nextHop: {ipv4: 192.0.2.77}
    withCommunity:
    - {community: '64512:1', prefixes: [10.1.0.0/16]}
    - {community: 'large:1:2:3', prefixes: [10.1.0.0/16, 10.2.0.0/16]}
  toReceive: {allowed: {mode: all}}
- address: 192.0.2.3
  asn: 64512
  toAdvertise:
    allowed: {mode: all}
    withLocalPref:
    - {localPref: 200, prefixes: [10.1.0.0/16]}
    - {localPref: 300, prefixes: [10.2.0.0/16]}
";

    #[test]
    fn the_parts_come_to_the_same() {
        let whole = objects(&[WHOLE]).remove(0);
        let planned = |objects| PlannedInput { objects, ..PlannedInput::default() }.plan().print();
        let expected = planned(vec![whole.clone()]);
        let counts = By::ALL.map(|by| {
            let parts = split(&whole, by);
            let count = parts.len();
            assert!(!parts.contains(&whole));
            assert_eq!(planned(parts), expected, "{by:?}");
            count
        });
        assert_eq!(counts, [2, 2, 3, 3, 2]);
    }

    #[test]
    fn no_part_of_several_can_be_left_out() {
        let whole = objects(&[WHOLE]).remove(0);
        let planned = |objects| PlannedInput { objects, ..PlannedInput::default() }.plan().print();
        for by in By::ALL {
            let parts = split(&whole, by);
            // The first one of these has what is not split, and the others have it as well.
            let first = usize::from(matches!(by, By::Community | By::LocalPref | By::NextHop));
            for left_out in first..parts.len() {
                let mut parts = parts.clone();
                parts.remove(left_out);
                assert_ne!(planned(parts), planned(vec![whole.clone()]), "{by:?} without {left_out}");
            }
        }
    }

    #[test]
    fn what_cannot_be_split_stays() {
        let whole = objects(&["asn: 64512\nneighbors: [{address: 192.0.2.2, asn: 65001}]\n"]).remove(0);
        assert!(By::ALL.into_iter().all(|by| split(&whole, by) == [whole.clone()]));
    }
}
