//! The lines of a daemon, and what another line makes of them.

use frrk8s_document::{closing, opens_context, slot};

/// What is told by a line with `no`, and printed.
const NEGATIVE: [&str; 3] =
    ["no bgp ebgp-requires-policy", "no bgp network import-check", "no bgp default ipv4-unicast"];

/// Lines, each with what is inside.
#[derive(Debug, Default)]
pub struct Configuration {
    lines: Vec<(String, Self)>,
}

impl Configuration {
    /// Takes a line in a context, which it may open or leave.
    pub fn take(&mut self, path: &mut Vec<String>, line: &str) {
        if line.starts_with("XFRR_") {
            return;
        }
        if path.last().is_some_and(|open| closing(open) == line) {
            path.pop();
            return;
        }
        // Lists and maps are left without a word.
        let is_of_top = ["ip prefix-list ", "ipv6 prefix-list ", "route-map ", "router ", "bfd"]
            .iter()
            .any(|start| line.strip_prefix("no ").unwrap_or(line).starts_with(start));
        if is_of_top && path.first().is_some_and(|open| open.starts_with("route-map ")) {
            path.clear();
        }
        let parent = path.last().cloned();
        let inside = path.iter().fold(self, |at, open| at.within(open));
        match line.strip_prefix("no ") {
            Some(gone) if !NEGATIVE.contains(&line) => inside.take_back(gone),
            _ => inside.put(parent.as_deref(), line),
        }
        if opens_context(parent.as_deref(), line) && !line.starts_with("no ") {
            path.push(line.to_owned());
        }
    }

    fn within(&mut self, line: &str) -> &mut Self {
        let at = self.lines.iter().position(|(text, _)| text == line).unwrap_or_else(|| {
            self.lines.push((line.to_owned(), Self::default()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }

    /// A line comes, in the place of the one that says the same thing otherwise.
    fn put(&mut self, parent: Option<&str>, line: &str) {
        let place = slot(parent, line);
        match self.lines.iter_mut().find(|(text, _)| slot(parent, text) == place) {
            Some((text, _)) => line.clone_into(text),
            None => self.lines.push((line.to_owned(), Self::default())),
        }
    }

    /// A line goes, with those that say more of the same, and with those of its families.
    fn take_back(&mut self, gone: &str) {
        let goes =
            |text: &str| text.strip_prefix(gone).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        self.lines.retain(|(text, _)| !goes(text));
        if gone.starts_with("neighbor ") && gone.split(' ').count() == 2 {
            for (_, inside) in &mut self.lines {
                inside.take_back(gone);
            }
        }
    }

    /// As a daemon prints it.
    pub fn print(&self) -> String {
        let mut text = String::new();
        self.print_at(0, &mut text);
        text
    }

    fn print_at(&self, depth: usize, text: &mut String) {
        for (line, inside) in &self.lines {
            text.extend([&" ".repeat(depth), line.as_str(), "\n"]);
            if !inside.lines.is_empty() {
                inside.print_at(depth + 1, text);
                text.extend([&" ".repeat(depth), closing(line), "\n"]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_replace_each_other_and_go() {
        let mut configuration = Configuration::default();
        let mut tell = |lines: &[&str]| {
            let mut path = Vec::new();
            for line in lines {
                configuration.take(&mut path, line);
            }
            configuration.print()
        };
        let router = "router bgp 1";
        tell(&["ip prefix-list a seq 1 permit 10.0.0.0/8", "route-map m permit 1", "set metric 1", router]);
        tell(&[
            router,
            "no bgp ebgp-requires-policy",
            "neighbor 10.0.0.1 remote-as 2",
            "neighbor 10.0.0.1 timers 1 3",
        ]);
        tell(&[
            router,
            "address-family ipv4 unicast",
            "neighbor 10.0.0.1 activate",
            "exit-address-family",
            "exit",
        ]);
        let text = tell(&[router, "neighbor 10.0.0.1 timers 2 6"]);
        assert_eq!(
            text,
            "ip prefix-list a seq 1 permit 10.0.0.0/8\nroute-map m permit 1\n set metric 1\nexit\nrouter bgp 1\n \
             no bgp ebgp-requires-policy\n neighbor 10.0.0.1 remote-as 2\n neighbor 10.0.0.1 timers 2 6\n \
             address-family ipv4 unicast\n  neighbor 10.0.0.1 activate\n exit-address-family\nexit\n"
        );
        let text =
            tell(&[router, "no neighbor 10.0.0.1", "exit", "no ip prefix-list a seq 1 permit 10.0.0.0/8"]);
        assert!(!text.contains("neighbor") && !text.contains("prefix-list"), "{text}");
    }
}
