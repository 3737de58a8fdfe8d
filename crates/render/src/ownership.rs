//! What of a running configuration is ours, and what is foreign: kept, counted, never touched.

use std::collections::BTreeSet;

use frrk8s_document::{Document, Line};

use crate::names::Direction;
use crate::running::list_number;

/// A running configuration, divided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Divided {
    /// What we rendered, or would: to be made equal to what is desired.
    pub ours: Document,
    /// Everything else.
    pub foreign: Document,
}

/// Divides what runs. `known` are documents of ours: what is desired, and what was applied before.
///
/// Ours are: everything inside `router bgp`; BFD profiles; the route maps of configured neighbors and those that
/// use our lists; lists named `frrk8s-<n>`; the lists that the existing FRR-K8s made for configured neighbors; next
/// hop tracking, logging; a delay timer of 0; the host name where a document of ours has one; and whatever else stands in a document of ours, such as the VNI of a VRF.
pub fn divide(running: Document, known: &[&Document]) -> Divided {
    let ownership = Ownership::new(&running, known);
    let (ours, foreign) = running.divided(|line| ownership.divide(line));
    Divided { ours, foreign }
}

struct Ownership<'a> {
    /// The names that begin the policy of every neighbor that runs.
    peers: BTreeSet<String>,
    /// Maps that use a list of ours.
    maps: BTreeSet<String>,
    known: &'a [&'a Document],
    /// Whether one of them names the machine.
    names_machine: bool,
}

impl<'a> Ownership<'a> {
    fn new(running: &Document, known: &'a [&'a Document]) -> Self {
        let mut peers = BTreeSet::new();
        for document in std::iter::once(running).chain(known.iter().copied()) {
            add_peer_names(document, &mut peers);
        }
        let uses_ours = |line: &Line| {
            let mut inside = line.inside().iter().map(Line::text);
            inside.any(|text| text.rsplit(' ').next().is_some_and(|name| list_number(name).is_some()))
        };
        let running_maps = running.lines().iter().filter(|line| uses_ours(line));
        let maps = running_maps.filter_map(|line| map_of(line.text())).map(str::to_owned);
        let mut known_lines = known.iter().flat_map(|document| document.lines());
        let names_machine = known_lines.any(|line| line.text().starts_with("hostname "));
        Self { peers, maps: maps.collect(), known, names_machine }
    }

    /// The part of a line of the top level that is ours, and the part that is not.
    fn divide(&self, line: Line) -> (Option<Line>, Option<Line>) {
        let text = line.text();
        if text == "bfd" {
            let is_known = |inside: &Line| {
                self.known.iter().any(|document| document.find(&["bfd", inside.text()]).is_some())
            };
            return divide_inside(line, |inside| inside.text().starts_with("profile ") || is_known(inside));
        }
        if text.starts_with("vrf ") || text.starts_with("interface ") {
            let known: Vec<&Line> = self.known.iter().filter_map(|document| document.find(&[text])).collect();
            return divide_inside(line, |inside| known.iter().any(|line| line.inside().contains(inside)));
        }
        let is_known = || self.known.iter().any(|document| document.find(&[text]).is_some());
        if self.is_ours_by_name(text) || is_known() { (Some(line), None) } else { (None, Some(line)) }
    }

    fn is_ours_by_name(&self, line: &str) -> bool {
        if let Some(map) = map_of(line) {
            return self.maps.contains(map) || self.is_policy_of_peer(map);
        }
        if let Some(list) = list_of(line) {
            return list_number(list).is_some() || self.is_upstream_list(list);
        }
        // The machine's name is ours only where we give it one.
        if line.starts_with("hostname ") {
            return self.names_machine;
        }
        // With it no change of policy would ever take effect by itself: nobody means that.
        if line == "bgp route-map delay-timer 0" {
            return true;
        }
        ["router bgp ", "log stdout", "log timestamp precision ", "ip nht ", "ipv6 nht "]
            .iter()
            .any(|start| line.starts_with(start))
    }

    /// `<peer>-in` and `<peer>-out`.
    fn is_policy_of_peer(&self, map: &str) -> bool {
        Direction::ALL.iter().any(|direction| {
            let peer = map.strip_suffix(direction.as_str()).and_then(|name| name.strip_suffix('-'));
            peer.is_some_and(|peer| self.peers.contains(peer))
        })
    }

    /// The names that the existing FRR-K8s gives its lists.
    fn is_upstream_list(&self, list: &str) -> bool {
        const PROPERTIES: [&str; 2] = ["-localpref-prefixes", "-community-prefixes"];
        const ALLOWED: [&str; 2] = ["-allowed-ipv4", "-allowed-ipv6"];
        const INCOMING: [&str; 2] = ["-inpl-", "-denied-inpl-"];
        const FAMILIES: [&str; 3] = ["ipv4", "ipv6", "dual"];
        let of_peer = |rest: &str| {
            let property = rest.starts_with('-') && PROPERTIES.iter().any(|ending| rest.ends_with(ending));
            let mut families = INCOMING.iter().filter_map(|start| rest.strip_prefix(start));
            property || ALLOWED.contains(&rest) || families.any(|family| FAMILIES.contains(&family))
        };
        self.peers.iter().any(|peer| list.strip_prefix(peer.as_str()).is_some_and(of_peer))
    }
}

fn divide_inside(line: Line, ours: impl Fn(&Line) -> bool) -> (Option<Line>, Option<Line>) {
    let empty = line.inside().is_empty();
    let own = line.clone().map_inside(|inside| ours(&inside).then_some(inside));
    let other = line.map_inside(|inside| (!ours(&inside)).then_some(inside));
    let some = |line: Line| (!line.inside().is_empty()).then_some(line);
    if empty { (None, Some(other)) } else { (some(own), some(other)) }
}

/// The name of a route map, from the line that opens an entry.
fn map_of(line: &str) -> Option<&str> {
    line.strip_prefix("route-map ")?.split(' ').next()
}

/// The name of a prefix list, from the line of an entry.
fn list_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("ip prefix-list ").or_else(|| line.strip_prefix("ipv6 prefix-list "))?;
    rest.split(' ').next()
}

/// Adds the names that begin the policy of the neighbors of a document: `<peer>`, or `<peer>-<vrf>`.
fn add_peer_names(document: &Document, names: &mut BTreeSet<String>) {
    for router in document.lines().iter().filter(|line| line.text().starts_with("router bgp ")) {
        let vrf = router.text().split(" vrf ").nth(1);
        let neighbors = router.inside().iter().filter_map(|line| line.text().strip_prefix("neighbor "));
        let mut last = "";
        for peer in neighbors.filter_map(|rest| rest.split(' ').next()) {
            // The lines of a neighbor stand together.
            if peer != last {
                names.insert(vrf.map_or_else(|| peer.to_owned(), |vrf| format!("{peer}-{vrf}")));
            }
            last = peer;
        }
    }
}

#[cfg(test)]
mod tests {
    use frrk8s_document::{Dialect, Text, Version};

    use super::*;

    fn read(text: &str) -> Document {
        Dialect::new(Version { major: 8, minor: 4 }).read(&Text::parse(text))
    }

    #[test]
    fn what_people_configured_beside_us_is_foreign() {
        let running = read(
            "hostname a
ip forwarding
ip prefix-list frrk8s-1 seq 1 permit 10.0.0.0/8
ip prefix-list people seq 5 permit any
route-map 10.0.0.1-in permit 100
exit
route-map people permit 10
exit
route-map gone-in permit 100
 match ip address prefix-list frrk8s-1
exit
vrf red
 vni 7
 netns /run/netns/red
exit-vrf
vrf blue
 vni 8
exit-vrf
router bgp 1
 neighbor 10.0.0.1 remote-as 2
 neighbor 10.0.0.1 description by hand
exit
router ospf
 ospf router-id 1.1.1.1
exit
bfd
 profile fast
 exit
 peer 10.0.0.9
 exit
exit
",
        );
        let desired = read("vrf red\n vni 7\nexit-vrf\n");
        let divided = divide(running, &[&desired]);
        assert_eq!(
            divided.foreign.print(),
            "hostname a
ip prefix-list people seq 5 permit any
ip forwarding
route-map people permit 10
exit
vrf blue
 vni 8
exit-vrf
vrf red
 netns /run/netns/red
exit-vrf
router ospf
 ospf router-id 1.1.1.1
exit
bfd
 peer 10.0.0.9
 exit
exit
"
        );
        assert_eq!(divided.ours.lines().len(), 6, "{}", divided.ours.print());
        let named = divide(read("hostname a\n"), &[&read("hostname b\n")]);
        assert_eq!(named.ours.print(), "hostname a\n", "ours, where we give the machine a name");
    }

    #[test]
    fn what_the_existing_frr_k8s_left_is_ours() {
        let running = read(
            "ip prefix-list 10.0.0.1-allowed-ipv4 seq 1 permit 10.0.0.0/8
ip prefix-list 10.0.0.1-100-ip-localpref-prefixes seq 1 permit 10.0.0.0/8
ip prefix-list 10.0.0.1-64512:1-ip-community-prefixes seq 1 permit 10.0.0.0/8
ip prefix-list 10.0.0.1-inpl-ipv4 seq 1 deny any
ipv6 prefix-list 10.0.0.1-denied-inpl-ipv4 seq 1 permit fd00::/8 le 128
ip prefix-list 10.0.0.2-allowed-ipv4 seq 1 permit 10.0.0.0/8
ip prefix-list 10.0.0.1-mine seq 1 permit 10.0.0.0/8
router bgp 1
 neighbor 10.0.0.1 remote-as 2
exit
",
        );
        let foreign = divide(running, &[]).foreign;
        let left: Vec<&str> = foreign.lines().iter().filter_map(|line| list_of(line.text())).collect();
        assert_eq!(left, ["10.0.0.1-mine", "10.0.0.2-allowed-ipv4"]);
    }
}
