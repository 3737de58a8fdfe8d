//! A batch as it goes over a socket.

use frrk8s_delta::{Batch, Sent};
use frrk8s_document::{Daemon, closing, opens_context};

/// A line of a batch, and what hangs on it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) sent: Sent,
    /// For a line that opens a context: the number of the first step behind it. What is inside must not be told when the
    /// line is refused: FRR would take it for lines of the context around, and the closing line would close that one.
    pub(super) behind: Option<usize>,
    /// Whether FRR only gathers the line, and commits it with its like at the next line of another kind.
    pub(super) is_gathered: bool,
    /// Whether it closes a context.
    pub(super) closes: bool,
}

/// The lines of a batch.
pub(super) fn steps(batch: &Batch) -> Vec<Step> {
    let mut walk = Walk { daemon: batch.daemon, steps: Vec::new(), open: Vec::new() };
    for sent in batch.lines() {
        walk.step(sent);
    }
    walk.close_to(0, walk.steps.len());
    walk.steps
}

struct Walk {
    daemon: Daemon,
    steps: Vec<Step>,
    /// The steps that opened the contexts around.
    open: Vec<usize>,
}

impl Walk {
    fn step(&mut self, sent: Sent) {
        let number = self.steps.len();
        if is_policy(&sent.line) && self.line(0).is_some_and(is_policy) {
            // FRR leaves a map by itself.
            self.close_to(0, number);
        }
        let parent = self.open.len().checked_sub(1).and_then(|depth| self.line(depth));
        let closes = sent.command.is_none() && parent.is_some_and(|line| closing(line) == &*sent.line);
        let opens = !closes && opens_context(parent, &sent.line);
        let top = self.line(0).unwrap_or(&sent.line);
        let is_gathered = !closes && (self.daemon != Daemon::Bgpd || is_policy(top));
        if closes {
            self.close_to(self.open.len() - 1, number + 1);
        }
        if opens {
            self.open.push(number);
        }
        self.steps.push(Step { sent, behind: opens.then_some(number + 1), is_gathered, closes });
    }

    /// The line of the open context of a depth.
    fn line(&self, depth: usize) -> Option<&str> {
        self.open.get(depth).map(|step| &*self.steps[*step].sent.line)
    }

    fn close_to(&mut self, depth: usize, behind: usize) {
        for opener in self.open.drain(depth..) {
            self.steps[opener].behind = Some(behind);
        }
    }
}

fn is_policy(line: &str) -> bool {
    let line = line.strip_prefix("no ").unwrap_or(line);
    ["route-map ", "ip prefix-list ", "ipv6 prefix-list "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
pub(super) mod tests {
    use frrk8s_delta::Command;
    use frrk8s_document::Mark;

    use super::*;

    /// A batch of lines, each with the lines of its contexts before it, by ` / `.
    pub(in super::super) fn batch(daemon: Daemon, lines: &[&str]) -> Batch {
        let command = |line: &&str| {
            let mut context: Vec<Box<str>> = line.split(" / ").map(Box::from).collect();
            let line = context.pop().unwrap();
            Command { context, line, mark: Mark::default() }
        };
        Batch { daemon, commands: lines.iter().map(command).collect() }
    }

    #[test]
    fn each_line_knows_what_hangs_on_it() {
        let batch = batch(
            Daemon::Bgpd,
            &[
                "ip prefix-list a seq 1 permit any",
                "route-map a permit 1",
                "route-map a permit 1 / match ip address prefix-list a",
                "route-map b permit 1 / set metric 1",
                "router bgp 1 / address-family ipv4 unicast / network 10.0.0.0/8",
                "router bgp 1 / no neighbor 192.0.2.1",
            ],
        );
        let steps = steps(&batch);
        let shown = |(number, step): (usize, &Step)| {
            let behind = step.behind.map(|behind| format!(", to {behind}")).unwrap_or_default();
            let gathered = if step.is_gathered { " gathered" } else { "" };
            format!("{number} {}{gathered}{behind}", step.sent.line)
        };
        let expected = [
            "0 ip prefix-list a seq 1 permit any gathered",
            "1 route-map a permit 1 gathered, to 3",
            "2 match ip address prefix-list a gathered",
            "3 route-map b permit 1 gathered, to 6",
            "4 set metric 1 gathered",
            "5 exit",
            "6 router bgp 1, to 12",
            "7 address-family ipv4 unicast, to 10",
            "8 network 10.0.0.0/8",
            "9 exit-address-family",
            "10 no neighbor 192.0.2.1",
            "11 exit",
        ];
        assert_eq!(steps.iter().enumerate().map(shown).collect::<Vec<_>>(), expected);
    }
}
