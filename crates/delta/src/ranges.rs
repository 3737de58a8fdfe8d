//! The routes that an entry of a prefix list means, to be compared with others.

use std::collections::BTreeSet;
use std::net::IpAddr;

use frrk8s_model::{PrefixRange, parse_prefix};

/// The routes below a prefix whose length is in a span: what `10.0.0.0/8 ge 16 le 24` means. Of one family: families are
/// not compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    /// The bits of the prefix, the first one highest.
    bits: u128,
    length: u8,
    min: u8,
    max: u8,
}

impl Range {
    /// What FRR prints behind `permit`; `None` where it is nothing that is known here.
    pub(crate) fn parse(ip: &str, text: &str) -> Option<Self> {
        let range = match text {
            "any" => PrefixRange::within(parse_prefix(if ip == "ip" { "0.0.0.0/0" } else { "::/0" })?),
            text => PrefixRange::read(text)?,
        };
        Some(range.into())
    }

    /// Whether every route of another one is a route of this one.
    fn covers(&self, other: &Self) -> bool {
        self.holds(other) && self.min <= other.min && other.max <= self.max
    }

    /// Whether the prefix of another one is this one's, or is inside it.
    fn holds(&self, other: &Self) -> bool {
        self.length <= other.length && first(self.length, other.bits) == self.bits
    }

    fn overlaps(&self, other: &Self) -> bool {
        (self.holds(other) || other.holds(self)) && self.min <= other.max && other.min <= self.max
    }

    /// The last address inside.
    fn end(&self) -> u128 {
        self.bits | u128::MAX.checked_shr(self.length.into()).unwrap_or_default()
    }
}

impl From<PrefixRange> for Range {
    fn from(range: PrefixRange) -> Self {
        let bits = match range.prefix().addr() {
            IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
            IpAddr::V6(address) => address.into(),
        };
        Self {
            bits,
            length: range.prefix().prefix_len(),
            min: PrefixRange::min(&range),
            max: PrefixRange::max(&range),
        }
    }
}

/// The first bits of an address, the others cleared.
fn first(length: u8, bits: u128) -> u128 {
    bits & !u128::MAX.checked_shr(length.into()).unwrap_or_default()
}

/// The ranges of a list of which every entry permits: their order means nothing.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    /// By the bits of the prefix, then by its length.
    sorted: Vec<Range>,
    /// The lengths that prefixes have.
    lengths: BTreeSet<u8>,
}

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut sorted: Vec<Range> = ranges.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let lengths = sorted.iter().map(|range| range.length).collect();
        Self { sorted, lengths }
    }
}

impl Ranges {
    /// All of them.
    pub(crate) fn all(&self) -> &[Range] {
        &self.sorted
    }

    /// Those that have routes in common with one, and whether one of them has all of its routes.
    pub(crate) fn overlapping(&self, range: &Range) -> (Vec<Range>, bool) {
        let around = self.lengths.range(..range.length).flat_map(|length| {
            let bits = first(*length, range.bits);
            self.between((bits, *length), (bits, *length))
        });
        let inside = self.between((range.bits, range.length), (range.end(), u8::MAX));
        let found: Vec<Range> = around.chain(inside).filter(|it| it.overlaps(range)).copied().collect();
        let covers = found.iter().any(|it| it.covers(range));
        (found, covers)
    }

    fn between(&self, from: (u128, u8), to: (u128, u8)) -> &[Range] {
        let start = self.sorted.partition_point(|range| (range.bits, range.length) < from);
        let end = start + self.sorted[start..].partition_point(|range| (range.bits, range.length) <= to);
        &self.sorted[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        Range::parse(if text.contains(':') { "ipv6" } else { "ip" }, text).unwrap()
    }

    #[test]
    fn what_ranges_have_in_common_is_found_by_their_routes() {
        let ranges: Ranges = [
            "any",
            "10.0.0.0/8 le 32",
            "10.0.0.0/8",
            "10.96.0.0/12 ge 24 le 28",
            "10.96.0.0/16",
            "11.0.0.0/8",
            "10.128.0.0/9",
        ]
        .map(range)
        .into_iter()
        .collect();
        let found = |text: &str| {
            let (found, covers) = ranges.overlapping(&range(text));
            (found.len(), covers)
        };
        assert_eq!(found("10.96.0.0/12 le 32"), (4, true));
        assert_eq!(found("10.96.0.0/12"), (2, true));
        assert_eq!(found("10.0.0.0/7 le 8"), (4, true), "any, both of /8, and 11/8");
        let ranges: Ranges = ["10.96.0.0/16", "10.96.0.0/12 ge 24 le 28"].map(range).into_iter().collect();
        for (text, expected) in [
            ("10.96.0.0/12 le 32", (2, false)),
            ("10.97.0.0/16 ge 29", (0, false)),
            ("10.97.0.0/16 ge 25 le 28", (1, true)),
            ("10.97.0.0/16 ge 28", (1, false)),
            ("0.0.0.0/0 le 32", (2, false)),
            ("9.0.0.0/8 le 32", (0, false)),
        ] {
            let (found, covers) = ranges.overlapping(&range(text));
            assert_eq!((found.len(), covers), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_as_frr_prints_them() {
        assert_eq!(range("any"), range("0.0.0.0/0 le 32"));
        assert_eq!(range("::/0 ge 8"), range("::/0 ge 8 le 128"));
        assert!(range("::/0 le 128").covers(&range("2001:db8::1/128")));
        assert_eq!(Range::parse("ip", "10.0.0.0/8 eq 9"), None);
        assert_eq!(Range::parse("ip", "host"), None);
    }
}
