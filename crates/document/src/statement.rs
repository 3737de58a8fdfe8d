//! Lines that people wrote, each with the context it stands in. Indentation means nothing there:
//! FRR goes by the lines that open contexts.

use crate::context::{opens_context, stands_at_top};

/// A line and the lines of the contexts around it, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The lines that opened the contexts it stands in.
    pub context: Vec<Box<str>>,
    /// The line, with single blanks.
    pub line: Box<str>,
    /// Whether it opens a context itself.
    pub opens: bool,
    /// Its line number in the text, from 1.
    pub number: usize,
}

/// The statements of a text, from the top level on. Comments, blank lines and the lines that close
/// contexts are left out.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut open: Vec<Box<str>> = Vec::new();
    let mut found = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        let words: Vec<&str> = raw.split_ascii_whitespace().collect();
        let line = words.join(" ");
        if line.is_empty() || line.starts_with(['!', '#']) {
            continue;
        }
        match line.as_str() {
            "end" => open.clear(),
            "exit" | "quit" => drop(open.pop()),
            closing if closing.starts_with("exit-") => drop(open.pop()),
            _ => {
                let plain = line.strip_prefix("no ").unwrap_or(&line);
                open.truncate(depth_of(plain, &open));
                let opens = opens_context(open.last().map(|line| &**line), &line);
                let line: Box<str> = line.into();
                found.push(Statement { context: open.clone(), line: line.clone(), opens, number: at + 1 });
                if opens {
                    open.push(line);
                }
            }
        }
    }
    found
}

/// How many of the open contexts a line stands in: FRR climbs up until a context knows the line.
fn depth_of(line: &str, open: &[Box<str>]) -> usize {
    for depth in (0..=open.len()).rev() {
        let parent = depth.checked_sub(1).map(|at| &*open[at]);
        if opens_context(parent, line) {
            return depth;
        }
    }
    if stands_at_top(line) { 0 } else { open.len() }
}

/// What is still open behind a text, innermost last.
pub fn left_open(text: &str) -> Vec<Box<str>> {
    let mut open = match statements(text).pop() {
        None => return Vec::new(),
        Some(last) => {
            let mut open = last.context;
            open.extend(last.opens.then_some(last.line));
            open
        }
    };
    // Closing lines behind the last statement.
    for raw in text.lines().rev().map(str::trim).filter(|line| !line.is_empty()) {
        match raw {
            "end" => open.clear(),
            "exit" | "quit" => drop(open.pop()),
            closing if closing.starts_with("exit-") => drop(open.pop()),
            comment if comment.starts_with(['!', '#']) => {}
            _ => break,
        }
    }
    open
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
    fn what_is_left_open_is_known() {
        let open = |text| left_open(text).len();
        assert_eq!(open("router bgp 1\n address-family ipv4\n  network 10.0.0.0/8\n"), 2);
        assert_eq!(open("router bgp 1\n address-family ipv4\n exit-address-family\nexit\n!\n"), 0);
        assert_eq!(open("router bgp 1\n"), 1);
        assert_eq!(open("hostname a\n"), 0);
    }
}
