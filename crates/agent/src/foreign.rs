//! What of FRR's configuration is none of ours: it is left alone, and people can see that it is known.

use frrk8s_document::{Document, Line};
use frrk8s_model::masked;

/// The most lines that are listed.
const LISTED_MAX: usize = 50;

/// Lines that are none of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// How many there are, contexts that have something inside aside.
    pub count: usize,
    /// The first of them, each below its contexts (`router ospf / ospf router-id 192.0.2.1`), secrets masked.
    pub first: Vec<String>,
}

impl Foreign {
    /// Those of a document that has nothing else.
    pub fn of(document: &Document) -> Self {
        let mut foreign = Self::default();
        document.lines().iter().for_each(|line| foreign.note("", line));
        foreign
    }

    /// A context may be ours as well: it is what is inside that counts.
    fn note(&mut self, above: &str, line: &Line) {
        let is_listed = self.first.len() < LISTED_MAX;
        let shown = if is_listed { format!("{above}{}", masked(line.text())) } else { String::new() };
        if !line.inside().is_empty() {
            let above = format!("{shown} / ");
            line.inside().iter().for_each(|inside| self.note(&above, inside));
            return;
        }
        self.count += 1;
        if is_listed {
            self.first.push(shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_listed_with_their_contexts_and_without_passwords_up_to_a_limit() {
        let peers = ["neighbor 192.0.2.9 password hunter2", "neighbor 192.0.2.9 remote-as 1"].map(Line::leaf);
        let router = Line::context("router bgp 64512", peers.into());
        let foreign = Foreign::of(&Document::new(vec![Line::leaf("log syslog"), router]));
        let mut first = foreign.first;
        first.sort();
        let expected = [
            "log syslog",
            "router bgp 64512 / neighbor 192.0.2.9 password ***",
            "router bgp 64512 / neighbor 192.0.2.9 remote-as 1",
        ];
        assert_eq!((first, foreign.count), (expected.map(str::to_owned).into(), 3));
        let lines = (0..120).map(|number| Line::leaf(format!("ip route 10.0.{number}.0/24 Null0")));
        let many = Foreign::of(&Document::new(lines.collect()));
        assert_eq!((many.count, many.first.len()), (120, LISTED_MAX));
    }
}
