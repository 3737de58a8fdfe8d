//! What a running configuration permits to and from each neighbor, by its own text: the names and numbers of lists and
//! maps say nothing any more. Knows nothing of how we read and write configurations.

use std::collections::{BTreeMap, BTreeSet};

/// A neighbor, an address family, and `in` or `out`.
pub type Way = (String, String, String);

/// What becomes of routes, by what stands in a list (`10.0.0.0/8 le 24`), or `*` for all others: `deny`, or `permit` with
/// what is set.
pub type Fates = BTreeMap<String, String>;

/// What the maps of neighbors do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permitted {
    /// By way.
    pub ways: BTreeMap<Way, Fates>,
    /// Lists and maps that nobody uses.
    pub unused: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Entry {
    permits: bool,
    lists: Vec<String>,
    sets: Vec<String>,
}

#[derive(Debug, Default)]
struct Maps {
    lists: BTreeMap<String, Vec<String>>,
    entries: BTreeMap<String, BTreeMap<u32, Entry>>,
}

/// What a text of bgpd's permits.
///
/// # Panics
///
/// At lines of lists and maps that it does not know: they may permit anything.
pub fn permitted(config: &str) -> Permitted {
    let (mut maps, mut uses) = (Maps::default(), BTreeMap::new());
    let (mut entry, mut family) = (None, String::new());
    for line in config.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["ip" | "ipv6", "prefix-list", list, "seq", _, "permit", range @ ..] => {
                maps.lists.entry((*list).to_owned()).or_default().push(range.join(" "));
            }
            ["ip" | "ipv6", "prefix-list", ..] => panic!("{line}"),
            ["route-map", map, action, number] => {
                let entries = maps.entries.entry((*map).to_owned()).or_default();
                let fresh = Entry { permits: *action == "permit", ..Entry::default() };
                entries.insert(number.parse().unwrap(), fresh);
                entry = Some(((*map).to_owned(), number.parse::<u32>().unwrap()));
            }
            ["exit" | "!"] => entry = None,
            ["address-family", name @ ..] => family = name.join(" "),
            ["neighbor", peer, "route-map", map, direction] => {
                let way = ((*peer).to_owned(), family.clone(), (*direction).to_owned());
                uses.insert(way, (*map).to_owned());
            }
            words => {
                if let Some((map, number)) = &entry {
                    let entry =
                        maps.entries.get_mut(map).and_then(|entries| entries.get_mut(number)).unwrap();
                    match words {
                        ["match", "ip" | "ipv6", "address", "prefix-list", list] => {
                            entry.lists.push((*list).to_owned());
                        }
                        ["set", ..] => entry.sets.push(words.join(" ")),
                        _ => panic!("{map} {number}: {line}"),
                    }
                }
            }
        }
    }
    let of_map = |(way, map): (&Way, &String)| (way.clone(), maps.fates(map));
    Permitted { ways: uses.iter().map(of_map).collect(), unused: maps.unused(&uses) }
}

impl Maps {
    /// The first entry that matches decides; routes that none matches are denied.
    fn fates(&self, map: &str) -> Fates {
        let mut fates = Fates::new();
        for entry in self.entries[map].values() {
            let mut sets = entry.sets.clone();
            sets.sort();
            let fate = if entry.permits { format!("permit {}", sets.join(", ")) } else { "deny".to_owned() };
            let all = vec!["*".to_owned()];
            let ranges = match entry.lists.as_slice() {
                [] => &all,
                // A list that is not there matches everything.
                [list] => self.lists.get(list).unwrap_or(&all),
                lists => panic!("{map}: {lists:?}"),
            };
            for range in ranges {
                fates.entry(range.clone()).or_insert_with(|| fate.trim().to_owned());
            }
        }
        fates
    }

    fn unused(&self, uses: &BTreeMap<Way, String>) -> BTreeSet<String> {
        let of_entries = self.entries.values().flat_map(BTreeMap::values);
        let used_lists: BTreeSet<&String> = of_entries.flat_map(|entry| &entry.lists).collect();
        let used_maps: BTreeSet<&String> = uses.values().collect();
        let lists = self.lists.keys().filter(|list| !used_lists.contains(list));
        lists.chain(self.entries.keys().filter(|map| !used_maps.contains(map))).cloned().collect()
    }
}
