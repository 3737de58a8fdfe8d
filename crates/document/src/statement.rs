//! Lines that people wrote, each with the context it stands in. Indentation means nothing there:
//! FRR goes by the lines that open contexts.

use std::fmt;
use std::sync::Arc;

use frrk8s_model::masked;

use crate::context::{closing, opens_context, stands_at_top, written_out};

/// A line and the lines of the contexts around it, outermost first.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// The lines that opened the contexts it stands in; shared by the statements of one context.
    pub context: Arc<[Box<str>]>,
    /// The line, with single blanks; `no` and words that open a context are written out.
    pub line: Box<str>,
    /// Whether it opens a context itself.
    pub opens: bool,
    /// Its line number in the text, from 1.
    pub number: usize,
}

/// Without passwords.
impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context: Vec<_> = self.context.iter().map(|line| masked(line)).collect();
        write!(f, "{:?} in {context:?}", masked(&self.line))
    }
}

/// The statements of a text, from the top level on. Comments, blank lines and the lines that close
/// contexts are left out.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut open = Open::default();
    let mut context: Arc<[Box<str>]> = Arc::default();
    let mut found = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        if let Step::Statement(line) = open.step(raw) {
            let opens = opens_context(open.innermost(), &line);
            let line: Box<str> = line.into();
            if *context != *open.0 {
                context = open.0.as_slice().into();
            }
            let context = Arc::clone(&context);
            found.push(Statement { context, line: line.clone(), opens, number: at + 1 });
            if opens {
                open.0.push(line);
            }
        }
    }
    found
}

/// The same text, so that it begins and ends at the top level, whatever stands before and behind it: what it leaves
/// open is closed, and so is everything where it says `end`. An `exit` at the top level is left out: it would leave
/// FRR's configuration, and FRR would refuse all that follows (measured on 8.4.4).
pub fn self_contained(text: &str) -> String {
    let mut open = Open::default();
    let mut contained = String::with_capacity(text.len() + 1);
    let mut put = |line: &str| {
        contained.push_str(line);
        contained.push('\n');
    };
    for raw in text.lines() {
        match open.step(raw) {
            Step::Nothing => put(raw),
            Step::Statement(line) => {
                if opens_context(open.innermost(), &line) {
                    open.0.push(line.into());
                }
                put(raw);
            }
            Step::Closed(closed) => {
                if closed.is_some() {
                    put(raw);
                }
            }
            Step::End(closed) => closed.iter().rev().for_each(|context| put(closing(context))),
        }
    }
    open.0.iter().rev().for_each(|context| put(closing(context)));
    contained
}

/// The contexts that are open, outermost first.
#[derive(Default)]
struct Open(Vec<Box<str>>);

/// What a line does to the contexts that are open.
enum Step {
    /// A comment, a blank line, or one that closes a context which is not open.
    Nothing,
    /// The line, with single blanks and written out; it stands in the contexts that are still open.
    Statement(String),
    /// It closes a context, with those inside; `None` at the top.
    Closed(Option<Box<str>>),
    /// It closes all of these.
    End(Vec<Box<str>>),
}

impl Open {
    fn innermost(&self) -> Option<&str> {
        self.0.last().map(|line| &**line)
    }

    fn step(&mut self, raw: &str) -> Step {
        let words: Vec<&str> = raw.split_ascii_whitespace().collect();
        let line = words.join(" ");
        if line.is_empty() || line.starts_with(['!', '#']) {
            return Step::Nothing;
        }
        if line == "end" {
            return Step::End(std::mem::take(&mut self.0));
        }
        if is_exit(&line) {
            return Step::Closed(self.0.pop());
        }
        if line.starts_with("exit-") {
            let Some(closed) = self.0.iter().rposition(|context| closes(&line, context)) else {
                return Step::Nothing;
            };
            self.0.truncate(closed + 1);
            return Step::Closed(self.0.pop());
        }
        self.0.truncate(depth_of(&line, &self.0));
        Step::Statement(written_out(self.innermost(), &line))
    }
}

/// `exit` and `quit`, as far as FRR wants them to be written out.
fn is_exit(line: &str) -> bool {
    matches!(line, "ex" | "exi" | "exit" | "q" | "qu" | "qui" | "quit")
}

/// Whether a line such as `exit-vrf` closes a context.
fn closes(line: &str, context: &str) -> bool {
    let kind = context.split(' ').next().unwrap_or_default();
    line == closing(context) || line.strip_prefix("exit-") == Some(kind)
}

/// How many of the open contexts a line stands in: FRR climbs up until a context knows the line.
fn depth_of(line: &str, open: &[Box<str>]) -> usize {
    for depth in (0..=open.len()).rev() {
        let parent = depth.checked_sub(1).map(|at| &*open[at]);
        let line = written_out(parent, line);
        if opens_context(parent, line.strip_prefix("no ").unwrap_or(&line)) {
            return depth;
        }
    }
    let plain = line.split_once(' ').filter(|(word, _)| matches!(*word, "n" | "no"));
    if stands_at_top(plain.map_or(line, |(_, plain)| plain)) { 0 } else { open.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Vec<String> {
        statements(text)
            .into_iter()
            .map(|statement| {
                let mut words: Vec<_> = statement.context.iter().map(ToString::to_string).collect();
                words.push(statement.line.to_string());
                words.join(" / ")
            })
            .collect()
    }

    #[test]
    fn contexts_go_by_their_lines_not_by_indentation() {
        let text = "router bgp 1\nneighbor 10.0.0.1 remote-as 2\naddress-family ipv4 unicast\n\
                    neighbor 10.0.0.1 activate\naddress-family ipv6 unicast\nnetwork ::/0\n\
                    exit-address-family\n  neighbor 10.0.0.2 remote-as 3\nip prefix-list a permit any\n";
        assert_eq!(
            outline(text),
            [
                "router bgp 1",
                "router bgp 1 / neighbor 10.0.0.1 remote-as 2",
                "router bgp 1 / address-family ipv4 unicast",
                "router bgp 1 / address-family ipv4 unicast / neighbor 10.0.0.1 activate",
                "router bgp 1 / address-family ipv6 unicast",
                "router bgp 1 / address-family ipv6 unicast / network ::/0",
                "router bgp 1 / neighbor 10.0.0.2 remote-as 3",
                "ip prefix-list a permit any",
            ]
        );
    }

    #[test]
    fn a_text_does_not_reach_beyond_itself() {
        let family = "router bgp 1\n address-family ipv4\n  network 10.0.0.0/8\n";
        for (text, expected) in [
            (family, "router bgp 1\n address-family ipv4\n  network 10.0.0.0/8\nexit-address-family\nexit\n"),
            (
                "router bgp 1\n address-family ipv4\nend\n",
                "router bgp 1\n address-family ipv4\nexit-address-family\nexit\n",
            ),
            ("exit\nquit\nrouter bgp 1\nexit\n exit\n! exit\nq\n", "router bgp 1\nexit\n! exit\n"),
            ("vrf red\n vni 7\nexit-vrf\n", "vrf red\n vni 7\nexit-vrf\n"),
            ("router bgp 1\nexit-vrf\n", "router bgp 1\nexit-vrf\nexit\n"),
            (
                "router bgp 1\n address-family l2vpn evpn\n  vni 1\n exit-address-family\nexit\nexit\n",
                "router bgp 1\n address-family l2vpn evpn\n  vni 1\n exit-address-family\nexit\n",
            ),
            ("hostname a\n", "hostname a\n"),
            ("end\nexit\n", ""),
        ] {
            assert_eq!(self_contained(text), expected, "{text}");
            assert_eq!(self_contained(expected), expected, "{text}");
        }
    }
}
