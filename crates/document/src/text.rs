//! What a daemon prints, without loss: a tree by indentation.

use std::fmt;

use frrk8s_model::masked;

/// A configuration as it was printed. `print(parse(t))` is `t` again, apart from `!` lines, blank
/// lines and trailing white space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The lines at the top.
    pub lines: Vec<Node>,
}

/// A line with what is inside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// The line, without white space around it.
    pub line: Box<str>,
    /// How far it was indented, in characters.
    pub indent: usize,
    /// The lines inside.
    pub children: Vec<Self>,
    /// The line that closed it (`exit`, `exit-vrf`, …), when one did.
    pub closed_by: Option<Box<str>>,
}

/// The deepest nesting that is kept apart; FRR itself has four levels. What is deeper stays at this depth.
const DEPTH_MAX: usize = 16;

impl Text {
    /// Reads what a daemon, vtysh, or a person wrote. Nothing is an error: unknown lines are kept.
    pub fn parse(text: &str) -> Self {
        let mut open: Vec<Node> = Vec::new();
        let mut lines: Vec<Node> = Vec::new();
        for raw in text.lines() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with('!') || line.starts_with('#') {
                continue;
            }
            let indent = raw.len() - raw.trim_start().len();
            while open.last().is_some_and(|node| node.indent >= indent) {
                close(&mut open, &mut lines);
            }
            if let Some(closed) = closes(line, indent, &mut open, &mut lines) {
                closed.closed_by = Some(line.into());
                continue;
            }
            if open.len() == DEPTH_MAX {
                close(&mut open, &mut lines);
            }
            open.push(Node { line: line.into(), indent, children: Vec::new(), closed_by: None });
        }
        while !open.is_empty() {
            close(&mut open, &mut lines);
        }
        Self { lines }
    }

    /// The text again.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for node in &self.lines {
            node.print(&mut text);
        }
        text
    }
}

/// Moves the innermost open line to where it belongs.
fn close(open: &mut Vec<Node>, lines: &mut Vec<Node>) {
    if let Some(node) = open.pop() {
        match open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => lines.push(node),
        }
    }
}

/// Whether a line closes a context, and which: the last one at the same indentation that is not
/// closed yet.
pub(crate) fn is_closing(line: &str) -> bool {
    // One word: a line with more is none of FRR's, and would be lost.
    line == "exit" || line.strip_prefix("exit-").is_some_and(|kind| !kind.contains(char::is_whitespace))
}

fn closes<'a>(
    line: &str,
    indent: usize,
    open: &'a mut [Node],
    lines: &'a mut [Node],
) -> Option<&'a mut Node> {
    if !is_closing(line) {
        return None;
    }
    let siblings = match open.last_mut() {
        Some(parent) => &mut parent.children[..],
        None => lines,
    };
    siblings.last_mut().filter(|node| node.indent == indent && node.closed_by.is_none())
}

/// Without passwords.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, indent, children, closed_by } = self;
        let line = masked(line);
        let mut node = f.debug_struct("Node");
        node.field("line", &line).field("indent", indent).field("children", children);
        node.field("closed_by", closed_by).finish()
    }
}

impl Node {
    fn print(&self, text: &mut String) {
        let mut put = |line: &str| {
            text.extend(std::iter::repeat_n(' ', self.indent));
            text.push_str(line);
            text.push('\n');
        };
        put(&self.line);
        for child in &self.children {
            child.print(text);
        }
        if let Some(line) = &self.closed_by {
            text.extend(std::iter::repeat_n(' ', self.indent));
            text.push_str(line);
            text.push('\n');
        }
    }
}
