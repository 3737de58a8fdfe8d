//! Commands as they are sent.

use std::fmt;

use frrk8s_document::{Daemon, Line, Mark, closing, opens_context};
use frrk8s_model::masked;

/// One line to be told, in its context.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// The lines that open the contexts around it, outermost first.
    pub context: Vec<Box<str>>,
    /// The line.
    pub line: Box<str>,
    /// The mark of the line of the desired document that it is for; the default mark for one that takes back.
    pub mark: Mark,
}

/// Without passwords.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", masked(&self.line), self.context)
    }
}

impl Command {
    /// A line without an origin.
    pub(crate) fn new(context: &[&str], line: Box<str>) -> Self {
        let context = context.iter().map(|line| (*line).into()).collect();
        Self { context, line, mark: Mark::default() }
    }

    /// A line of the desired document.
    pub(crate) fn told(context: &[&str], line: &Line) -> Self {
        Self { mark: line.mark, ..Self::new(context, line.text().into()) }
    }
}

/// Commands to one daemon, sent as one batch: FRR commits what is in it about lists and maps at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// To whom.
    pub daemon: Daemon,
    /// In this order.
    pub commands: Vec<Command>,
}

/// A line on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// The text.
    pub line: Box<str>,
    /// The number of the command that it carries out; `None` for a line that opens or closes a context.
    pub command: Option<usize>,
    /// How many contexts are around it.
    pub depth: usize,
}

/// Without passwords.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({:?})", masked(&self.line), self.command)
    }
}

impl Batch {
    /// The lines to send below `configure terminal`: the commands, and what opens and closes their contexts.
    pub fn lines(&self) -> Vec<Sent> {
        let mut walk = Walk::default();
        for (number, command) in self.commands.iter().enumerate() {
            walk.enter(&command.context, &command.line);
            let depth = command.context.len();
            walk.sent.push(Sent { line: command.line.clone(), command: Some(number), depth });
            if opens_context(command.context.last().map(|line| &**line), &command.line) {
                walk.open.push(command.line.clone());
            }
        }
        walk.close_to(0);
        walk.sent
    }
}

#[derive(Default)]
struct Walk {
    open: Vec<Box<str>>,
    sent: Vec<Sent>,
}

impl Walk {
    /// Goes to the context of the next line.
    fn enter(&mut self, context: &[Box<str>], line: &str) {
        let common = self.open.iter().zip(context).take_while(|(open, wanted)| open == wanted).count();
        if common == 0 && self.open.first().is_some_and(|open| is_policy(open)) {
            // FRR finds the way out by itself, and `exit` would commit a batch for each entry of a map.
            let next = context.first().map_or(line, |line| &**line);
            if is_policy(next.strip_prefix("no ").unwrap_or(next)) {
                self.open.clear();
            }
        }
        self.close_to(common);
        for line in &context[common..] {
            self.sent.push(Sent { line: line.clone(), command: None, depth: self.open.len() });
            self.open.push(line.clone());
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(line) = self.open.pop() {
                self.sent.push(Sent { line: closing(&line).into(), command: None, depth: self.open.len() });
            }
        }
    }
}

fn is_policy(line: &str) -> bool {
    ["route-map ", "ip prefix-list ", "ipv6 prefix-list "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(context: &[&str], line: &str) -> Command {
        let context = context.iter().map(|line| (*line).into()).collect();
        Command { context, line: line.into(), mark: Mark::default() }
    }

    #[test]
    fn contexts_are_opened_once_and_maps_left_without_a_commit() {
        let router = ["router bgp 1"];
        let family = ["router bgp 1", "address-family ipv4 unicast"];
        let batch = Batch {
            daemon: Daemon::Bgpd,
            commands: vec![
                command(&[], "route-map a deny 100"),
                command(&["route-map a deny 100"], "match ip address prefix-list x"),
                command(&[], "route-map a permit 100"),
                command(&[], "no ip prefix-list y"),
                command(&["route-map b permit 1"], "no set metric"),
                command(&family, "network 10.0.0.0/8"),
                command(&family, "network 11.0.0.0/8"),
                command(&router, "no neighbor 10.0.0.1"),
            ],
        };
        let lines: Vec<String> = batch.lines().iter().map(|sent| sent.line.to_string()).collect();
        assert_eq!(
            lines,
            [
                "route-map a deny 100",
                "match ip address prefix-list x",
                "route-map a permit 100",
                "no ip prefix-list y",
                "route-map b permit 1",
                "no set metric",
                "exit",
                "router bgp 1",
                "address-family ipv4 unicast",
                "network 10.0.0.0/8",
                "network 11.0.0.0/8",
                "exit-address-family",
                "no neighbor 10.0.0.1",
                "exit",
            ]
        );
    }
}
