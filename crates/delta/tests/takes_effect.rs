//! Which changes of policy need a soft clear: those after which something else becomes of a route, however the ranges
//! are written that decide about it.
#![allow(clippy::unwrap_used)]

use frrk8s_delta::{Delta, SessionChange, Way};
use frrk8s_document::{Dialect, Text, Version};

/// Lists and maps, and a router with these networks whose neighbor has them bound.
fn configuration(policy: &str, networks: &[&str]) -> String {
    let networks: String = networks.iter().map(|prefix| format!("  network {prefix}\n")).collect();
    format!(
        "{policy}router bgp 64512
 neighbor 192.0.2.2 remote-as 64513
 address-family ipv4 unicast
{networks}  neighbor 192.0.2.2 activate
  neighbor 192.0.2.2 route-map in in
  neighbor 192.0.2.2 route-map out out
 exit-address-family
exit
"
    )
}

/// The directions that are cleared, and what becomes of the session; the same both ways.
fn between(before: &str, after: &str) -> (Vec<Way>, SessionChange) {
    let dialect = Dialect::new(Version { major: 10, minor: 3 });
    let read = |text: &str| dialect.by_daemon(&dialect.read(&Text::parse(text)));
    let one = |before: &str, after: &str| {
        let delta = Delta::new(dialect, &read(before), &read(after));
        let ways: Vec<Way> = delta.clears.iter().map(|clear| clear.way).collect();
        (ways, delta.sessions.values().next().unwrap().change)
    };
    let there = one(before, after);
    assert_eq!(one(after, before), there, "the way back");
    there
}

/// An entry for a list: its number, what it does, its list, and what it sets.
fn entry(map: &str, (action, number): (&str, u16), list: &str, set: &str) -> String {
    format!("route-map {map} {action} {number}\n match ip address prefix-list {list}\n{set}exit\n")
}

fn list(name: &str, ranges: &[&str]) -> String {
    let lines = ranges.iter().enumerate();
    lines.map(|(at, range)| format!("ip prefix-list {name} seq {} permit {range}\n", at + 1)).collect()
}

const IN_CLOSING: &str = "route-map in deny 65535\nexit\n";
const UNTOUCHED: (Vec<Way>, SessionChange) = (Vec::new(), SessionChange::Untouched);

fn incoming() -> (Vec<Way>, SessionChange) {
    (vec![Way::In], SessionChange::PolicyOnly)
}

/// A peer that accepts `ranges`, and the same with a block in front of them.
fn blocked(ranges: &[&str], block: &str) -> (Vec<Way>, SessionChange) {
    let accepts = list("a", ranges) + &entry("in", ("permit", 100), "a", "") + IN_CLOSING;
    let blocks = list("b", &[block]) + &entry("in", ("deny", 1), "b", "") + &accepts;
    between(&configuration(&accepts, &[]), &configuration(&blocks, &[]))
}

#[test]
fn a_block_inside_what_is_accepted_takes_effect() {
    assert_eq!(blocked(&["10.0.0.0/8 le 32"], "10.96.0.0/12 le 32"), incoming());
    assert_eq!(blocked(&["any"], "10.96.0.0/12 le 32"), incoming());
    assert_eq!(blocked(&["10.96.7.0/24"], "10.96.0.0/12 le 32"), incoming());
    assert_eq!(blocked(&["10.96.0.0/12 le 32"], "10.96.0.0/12 le 32"), incoming());
}

#[test]
fn a_block_of_what_nobody_accepts_changes_nothing() {
    assert_eq!(blocked(&["11.0.0.0/8 le 32"], "10.96.0.0/12 le 32"), UNTOUCHED);
    assert_eq!(blocked(&["10.0.0.0/8"], "10.96.0.0/12 le 32"), UNTOUCHED);
    assert_eq!(blocked(&["10.0.0.0/8 le 11"], "10.96.0.0/12 le 32"), UNTOUCHED);
}

#[test]
fn a_list_that_changes_below_another_takes_effect_where_that_lets_through() {
    let accepts = |blocks: &[&str], ranges: &[&str]| {
        let lists = list("b", blocks) + &list("a", ranges);
        let maps = entry("in", ("deny", 1), "b", "") + &entry("in", ("permit", 100), "a", "") + IN_CLOSING;
        configuration(&(lists + &maps), &[])
    };
    let block = ["10.96.0.0/12 le 32"];
    let more = |range| between(&accepts(&block, &["11.0.0.0/8"]), &accepts(&block, &["11.0.0.0/8", range]));
    assert_eq!(more("10.0.0.0/8 le 32"), incoming());
    assert_eq!(more("10.97.0.0/16 le 32"), UNTOUCHED);
    let accepted = ["10.0.0.0/8 le 32"];
    let blocks = |range| between(&accepts(&block, &accepted), &accepts(&[block[0], range], &accepted));
    assert_eq!(blocks("10.128.0.0/16"), incoming());
    assert_eq!(blocks("10.97.0.0/16"), UNTOUCHED);
}

#[test]
fn what_a_catch_all_sets_takes_effect() {
    let all = |set: &str| format!("route-map in permit 4000\n{set}exit\n{IN_CLOSING}");
    let with = |set: &str| configuration(&all(set), &[]);
    assert_eq!(between(&with(""), &with(" set local-preference 7\n")), incoming());
    assert_eq!(between(&with(" set metric 1\n"), &with(" set metric 2\n")), incoming());
    // What stands behind it decides nothing.
    let behind = |set: &str| {
        let maps = all("") + &entry("in", ("permit", 4001), "a", set);
        configuration(&(list("a", &["10.0.0.0/8"]) + &maps), &[])
    };
    assert_eq!(between(&behind(""), &behind(" set metric 2\n")), UNTOUCHED);
    // Nor does an entry in front of it that does the same.
    let in_front = list("a", &["10.0.0.0/8"]) + &entry("in", ("permit", 100), "a", "") + &all("");
    assert_eq!(between(&with(""), &configuration(&in_front, &[])), UNTOUCHED);
}

#[test]
fn ranges_that_move_between_lists_with_the_same_fate_change_nothing() {
    let both = |one: &[&str], other: &[&str]| {
        let lists = list("b", &["10.96.0.0/12 le 32"]) + &list("c", one) + &list("d", other);
        let maps = ["b", "c", "d"].iter().zip([("deny", 1), ("permit", 100), ("permit", 101)]);
        let maps: String = maps.map(|(list, at)| entry("in", at, list, "")).collect();
        configuration(&(lists + &maps + IN_CLOSING), &[])
    };
    let before = both(&["10.0.0.0/8 le 32", "11.0.0.0/8"], &["12.0.0.0/8"]);
    let after = both(&["11.0.0.0/8"], &["12.0.0.0/8", "10.0.0.0/8 le 32"]);
    assert_eq!(between(&before, &after), UNTOUCHED);
}

#[test]
fn a_prefix_that_comes_with_its_network_needs_no_clear() {
    let out = |ranges: &[&str]| {
        let lists = list("b", &["10.96.0.0/12 le 32"]) + &list("a", ranges);
        let maps = entry("out", ("deny", 1), "b", "") + &entry("out", ("permit", 100), "a", "");
        configuration(&(lists + &maps + "route-map out deny 65535\nexit\n"), ranges)
    };
    let more = |prefix| between(&out(&["10.1.0.0/16"]), &out(&["10.1.0.0/16", prefix]));
    assert_eq!(more("10.2.0.0/16"), (vec![], SessionChange::PolicyOnly));
    // It is blocked.
    assert_eq!(more("10.97.0.0/16"), UNTOUCHED);
}
