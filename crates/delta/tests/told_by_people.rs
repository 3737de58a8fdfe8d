//! Lines that we do not render: raw snippets have them.
#![allow(clippy::unwrap_used)]

use frrk8s_delta::{Delta, SessionChange};
use frrk8s_document::{Dialect, Text, Version};

fn delta(before: &str, after: &str) -> Delta {
    let dialect = Dialect::new(Version { major: 10, minor: 3 });
    let [before, after] = [before, after].map(|text| dialect.by_daemon(&dialect.read(&Text::parse(text))));
    Delta::new(dialect, &before, &after)
}

fn change(delta: &Delta) -> SessionChange {
    delta.sessions.values().next().unwrap().change
}

const ROUTER: &str = "router bgp 64512
 neighbor 192.0.2.2 remote-as 64513
 neighbor 192.0.2.2 bfd
 address-family ipv4 unicast
  neighbor 192.0.2.2 route-map out out
 exit-address-family
exit
";

#[test]
fn a_description_of_a_map_is_no_policy() {
    let with = |line: &str| format!("route-map out permit 1\n{line}exit\n{ROUTER}");
    let described = delta(&with(""), &with(" description text\n"));
    assert_eq!((change(&described), described.clears.len()), (SessionChange::Untouched, 0));
}

#[test]
fn bfd_that_goes_takes_the_session_down() {
    let without = ROUTER.replace(" neighbor 192.0.2.2 bfd\n", "");
    assert_eq!(change(&delta(ROUTER, &without)), SessionChange::Reset);
    assert_eq!(change(&delta(&without, ROUTER)), SessionChange::Untouched);
}

#[test]
fn a_peer_group_is_made_before_anything_is_said_of_it() {
    let group = " neighbor group peer-group\n neighbor group remote-as external\n";
    let with_group = ROUTER.replace(" address-family", &format!("{group} address-family"));
    let told: Vec<String> = delta(ROUTER, &with_group).batches[0]
        .commands
        .iter()
        .map(|command| command.line.to_string())
        .collect();
    assert_eq!(told, ["neighbor group peer-group", "neighbor group remote-as external"]);
}
