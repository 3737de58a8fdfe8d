//! What vtysh says of a file, and whom it is about.
//!
//! On standard error it numbers lines: those that it does not know itself, and those that a daemon did not take. On
//! standard output it repeats what the daemons said, in order and without a number.

use frrk8s_document::Daemon;

use super::blame::{of_commit, of_step};
use super::remark::is_remark;
use super::reply::{COMMIT_FAILED, Refusal, beginning};
use super::script::Step;

/// What vtysh said, sorted.
#[derive(Default)]
pub(super) struct Said {
    /// The numbers of refused lines, from 0, each with what vtysh said; nothing where the daemon did the talking.
    refused: Vec<(usize, Option<String>)>,
    /// What the daemon said about them.
    words: Vec<String>,
    /// What it said to all that it had gathered.
    commits: Vec<String>,
    /// Whether the daemon went away. At which line, nobody knows.
    pub(super) lost: bool,
}

impl Said {
    pub(super) fn read(stdout: &str, stderr: &str) -> Self {
        const LOST: &str = "Warning: closing connection to ";
        let lost = [stdout, stderr].iter().any(|text| text.contains(LOST));
        let mut said = Self { lost, ..Self::default() };
        said.read_numbered(stderr);
        said.read_words(stdout);
        said
    }

    fn read_numbered(&mut self, stderr: &str) {
        for line in stderr.lines() {
            let numbered = line.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
            let Some((Some(number), text)) = numbered
                .map(|(number, text)| (number.parse::<usize>().ok().and_then(|n| n.checked_sub(1)), text))
            else {
                continue;
            };
            let by_daemon = text.starts_with("Failure to communicate");
            if by_daemon || text.starts_with('%') {
                self.refused.push((number, (!by_daemon).then(|| text.to_owned())));
            }
        }
        self.refused.sort_unstable();
        // 10.x says it once a daemon.
        self.refused.dedup();
    }

    fn read_words(&mut self, stdout: &str) {
        let mut in_commit = false;
        for line in stdout.lines() {
            if line.starts_with(COMMIT_FAILED) {
                in_commit = true;
                self.commits.push(String::new());
            } else if line.starts_with('%') || is_remark(line) {
                in_commit = false;
            }
            match self.commits.last_mut() {
                Some(commit) if in_commit => {
                    commit.push_str(line);
                    commit.push('\n');
                }
                _ if line.trim().is_empty() || is_remark(line) => {}
                _ => self.words.push(line.to_owned()),
            }
        }
    }
}

/// The refusals of a batch that vtysh has sent.
pub(super) fn refusals((daemon, batch): (Daemon, usize), steps: &[Step], said: &Said) -> Vec<Refusal> {
    let by_daemon = said.refused.iter().filter(|(_, text)| text.is_none()).count();
    // One word a line, or who knows which belongs to which.
    let mut words = (by_daemon == said.words.len()).then(|| said.words.iter());
    let mut refused = Vec::new();
    let mut told_from = 0;
    for (number, text) in &said.refused {
        let word = words.as_mut().filter(|_| text.is_none()).and_then(|words| words.next().cloned());
        // vtysh goes on with the lines inside of a context that was not opened.
        let Some(step) = steps.get(*number).filter(|_| *number >= told_from) else { continue };
        told_from = step.behind.unwrap_or(told_from);
        let text = text.clone().or(word).unwrap_or_else(|| said.words.join("\n"));
        let (command, line) = (of_step(steps, *number), step.sent.line.clone());
        let (among, text) = (Vec::new(), beginning(&text));
        refused.push(Refusal { daemon, command, among, batch, line, text });
    }
    for commit in &said.commits {
        refused.push(of_commit((daemon, batch), &gathered(steps, commit), commit));
    }
    refused
}

/// The lines that a refused commit repeats; all that could be, where it repeats none.
fn gathered<'a>(steps: &'a [Step], commit: &str) -> Vec<&'a Step> {
    let repeated: Vec<&str> =
        commit.lines().filter_map(|line| line.strip_prefix('-')).map(str::trim).collect();
    let is_it =
        |step: &&Step| step.is_gathered && (repeated.is_empty() || repeated.contains(&&*step.sent.line));
    steps.iter().filter(is_it).collect()
}

#[cfg(test)]
mod tests {
    use super::super::script::{steps, tests::batch};
    use super::*;

    #[test]
    fn lines_are_refused_by_vtysh_by_the_daemon_and_together() {
        let batch = batch(
            Daemon::Bgpd,
            &[
                "router bgp 1 / bogus",
                "router bgp 1 / neighbor 192.0.2.1 timers 30 2",
                "ip prefix-list a seq 5 permit 10.0.0.0/8 ge 4",
                "ip prefix-list b seq 5 permit 11.0.0.0/8",
                "router bgp 2 / neighbor 192.0.2.2 activate",
            ],
        );
        let steps = steps(&batch);
        let stdout = "% Invalid value\n% Configuration failed.\n\nError type: validation\nError description: Invalid \
            prefix range for 10.0.0.0/8: Make sure that mask length <= ge <= le\nThe following commands were dynamically \
            grouped into the same transaction and rejected:\n- ip prefix-list a seq 5 permit 10.0.0.0/8 ge 4\n\
            - ip prefix-list b seq 5 permit 11.0.0.0/8\n\
            Graceful restart configuration changed, reset this peer to take effect\nBGP is already running; AS is 1\n";
        let stderr = "line 2: % Unknown command[25]:  bogus\n\
            line 3: Failure to communicate[13] to bgpd, line:  neighbor 192.0.2.1 timers 30 2\n\n\
            line 7: Failure to communicate[13] to bgpd, line: router bgp 2\n\n\
            line 8: % Unknown command[4]: neighbor 192.0.2.2 activate\nline 9: Warning[4]...: early exit\n";
        let refused = refusals((Daemon::Bgpd, 0), &steps, &Said::read(stdout, stderr));
        let shown = refused.iter().map(|refusal| {
            (refusal.command, &*refusal.line, refusal.text.lines().next().unwrap_or_default())
        });
        let expected = [
            (Some(0), "bogus", "% Unknown command[25]:  bogus"),
            (Some(1), "neighbor 192.0.2.1 timers 30 2", "% Invalid value"),
            (Some(4), "router bgp 2", "BGP is already running; AS is 1"),
            (Some(2), "ip prefix-list a seq 5 permit 10.0.0.0/8 ge 4", "% Configuration failed."),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_daemon_that_went_away_is_seen() {
        let stdout = "vtysh: error reading from bgpd: Connection reset by peer (104)Warning: closing connection to bgpd \
            because of an I/O error!\n";
        assert!(Said::read(stdout, "Warning: connecting to bgpd...failed!\n").lost);
        assert!(!Said::read("% Invalid value\n", "").lost);
    }
}
