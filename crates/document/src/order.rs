//! The one order of lines in a document: such that it can be loaded from top to bottom. Policy stands
//! before what uses it, and a neighbor's `remote-as` before its other lines. Numbers in names sort as
//! numbers, so that `seq 9` stands before `seq 10`.

use std::cmp::Ordering;

/// Compares two lines of one context, which the line `parent` opens.
pub fn compare(parent: Option<&str>, a: &str, b: &str) -> Ordering {
    let (rank_a, rank_b) = (rank(parent, a), rank(parent, b));
    rank_a
        .group
        .cmp(&rank_b.group)
        .then_with(|| natural(rank_a.subject, rank_b.subject))
        .then(rank_a.within.cmp(&rank_b.within))
        .then_with(|| natural(a, b))
}

struct Rank<'a> {
    group: u8,
    /// Lines of one group about one subject stay together.
    subject: &'a str,
    within: u16,
}

fn rank<'a>(parent: Option<&str>, line: &'a str) -> Rank<'a> {
    let plain = |group| Rank { group, subject: "", within: 0 };
    match parent {
        None => match line.strip_prefix("route-map ") {
            Some(entry) => map_rank(entry),
            None => plain(top_group(line)),
        },
        Some(parent) if parent.starts_with("router bgp") => router_rank(line),
        Some(parent) if parent.starts_with("address-family") => family_rank(line),
        Some(parent) if parent.starts_with("route-map") => plain(match line {
            line if line.starts_with("match ") => 0,
            _ => 1,
        }),
        Some(_) => plain(0),
    }
}

/// Maps stand behind the lists that they use.
const MAP_GROUP: u8 = 6;

fn top_group(line: &str) -> u8 {
    const GROUPS: &[(&str, u8)] = &[
        ("ip prefix-list ", 3),
        ("ipv6 prefix-list ", 4),
        ("frr ", 0),
        ("hostname ", 0),
        ("log ", 1),
        ("debug ", 1),
        ("ip nht ", 2),
        ("ipv6 nht ", 2),
        ("bgp ", 5),
        ("vrf ", 7),
        ("interface ", 7),
        ("router ", 8),
        ("bfd", 9),
    ];
    let group = GROUPS.iter().find(|(start, _)| line.starts_with(start));
    group.map_or(5, |(_, group)| *group)
}

/// The entries of a map in the order of their numbers, whatever they do.
fn map_rank(entry: &str) -> Rank<'_> {
    let (name, rest) = entry.split_once(' ').unwrap_or((entry, ""));
    let number = rest.rsplit(' ').next().and_then(|number| number.parse().ok());
    Rank { group: MAP_GROUP, subject: name, within: number.unwrap_or_default() }
}

fn router_rank(line: &str) -> Rank<'_> {
    let plain = |group| Rank { group, subject: "", within: 0 };
    if let Some(rest) = line.strip_prefix("neighbor ") {
        return neighbor_rank(3, rest);
    }
    if line.starts_with("bgp router-id ") {
        return plain(0);
    }
    if line.starts_with("bgp ") || line.starts_with("no bgp ") {
        return plain(1);
    }
    if line.starts_with("address-family ") {
        return plain(4);
    }
    plain(2)
}

/// The peer together, and first what makes it exist.
fn neighbor_rank(group: u8, rest: &str) -> Rank<'_> {
    let (subject, option) = rest.split_once(' ').unwrap_or((rest, ""));
    let makes = ["interface", "remote-as", "peer-group", "activate"];
    let within = makes.iter().position(|word| option.starts_with(word)).unwrap_or(makes.len());
    Rank { group, subject, within: u16::try_from(within).unwrap_or(u16::MAX) }
}

fn family_rank(line: &str) -> Rank<'_> {
    let plain = |group| Rank { group, subject: "", within: 0 };
    match line {
        line if line.starts_with("network ") => plain(1),
        line if line.starts_with("import ") => plain(3),
        line => match line.strip_prefix("neighbor ") {
            Some(rest) => neighbor_rank(2, rest),
            None => plain(4),
        },
    }
}

/// Compares texts with their runs of digits as numbers; equal only for equal texts.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (a_bytes, b_bytes) = (a.as_bytes(), b.as_bytes());
    let (mut at_a, mut at_b) = (0, 0);
    while let (Some(&x), Some(&y)) = (a_bytes.get(at_a), b_bytes.get(at_b)) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (run_a, run_b) = (digits(&a_bytes[at_a..]), digits(&b_bytes[at_b..]));
            let (number_a, number_b) = (significant(run_a), significant(run_b));
            let by_value = number_a.len().cmp(&number_b.len()).then(number_a.cmp(number_b));
            if by_value.is_ne() {
                return by_value;
            }
            at_a += run_a.len();
            at_b += run_b.len();
        } else if x == y {
            at_a += 1;
            at_b += 1;
        } else {
            return x.cmp(&y);
        }
    }
    let rest = (a_bytes.len() - at_a).cmp(&(b_bytes.len() - at_b));
    rest.then_with(|| a.cmp(b))
}

fn digits(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
    &bytes[..end.unwrap_or(bytes.len())]
}

fn significant(run: &[u8]) -> &[u8] {
    let start = run.iter().position(|&byte| byte != b'0');
    &run[start.unwrap_or(run.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers() {
        let mut lines = ["seq 10 a", "seq 9 b", "seq 9 a", "seq 010 a"];
        lines.sort_by(|a, b| natural(a, b));
        assert_eq!(lines, ["seq 9 a", "seq 9 b", "seq 010 a", "seq 10 a"]);
    }

    #[test]
    fn a_neighbor_exists_before_it_is_configured() {
        let mut lines = [
            "neighbor 10.0.0.10 remote-as 1",
            "neighbor 10.0.0.2 bfd",
            "bgp router-id 1.1.1.1",
            "neighbor 10.0.0.2 remote-as 1",
            "no bgp default ipv4-unicast",
        ];
        lines.sort_by(|a, b| compare(Some("router bgp 1"), a, b));
        assert_eq!(
            lines,
            [
                "bgp router-id 1.1.1.1",
                "no bgp default ipv4-unicast",
                "neighbor 10.0.0.2 remote-as 1",
                "neighbor 10.0.0.2 bfd",
                "neighbor 10.0.0.10 remote-as 1",
            ]
        );
    }
}
