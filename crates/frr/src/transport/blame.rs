//! Which command a reply refuses.

use frrk8s_document::Daemon;

use super::reply::{Refusal, Reply, SPAN, beginning};
use super::script::Step;

/// The refusals in the answers to a batch: to each step its number and the reply; the end of the batch has the number
/// behind the last.
///
/// FRR gathers the lines of lists and maps, and of all that its northbound keeps, and says what it thinks of them in the
/// reply to the next line of another kind.
pub(super) fn refusals(
    (daemon, batch): (Daemon, usize),
    steps: &[Step],
    answers: &[(usize, Reply)],
) -> Vec<Refusal> {
    let refusal = |command, line, text: &str| {
        let (among, text) = (Vec::new(), beginning(text));
        Refusal { daemon, command, among, batch, line, text }
    };
    let mut refused = Vec::new();
    let mut gathered: Vec<&Step> = Vec::new();
    for (number, reply) in answers {
        let step = steps.get(*number);
        if reply.refuses_commit() {
            let together = repeated(&gathered, &reply.text);
            refused.push(of_commit((daemon, batch), together, &reply.text));
            gathered.clear();
        }
        let refuses_line = reply.refuses_line();
        match step {
            Some(step) if refuses_line => {
                refused.push(refusal(of_step(steps, *number), step.sent.line.clone(), &reply.text));
            }
            Some(step) if step.is_gathered => gathered.push(step),
            // 8.4 commits at the end of a context, 10.3 goes on gathering; mgmtd commits at the end alone.
            Some(step) if step.closes || daemon == Daemon::Mgmtd => {}
            Some(_) => gathered.clear(),
            None if refuses_line && !reply.refuses_commit() => {
                // The daemon is not in configuration any more: some line led out of it.
                refused.push(refusal(None, END.into(), &reply.text));
            }
            None => {}
        }
    }
    refused
}

/// The line that ends a batch.
pub(super) const END: &str = "XFRR_end_configuration";

/// The command of a step; of one that opens a context for others, the first of these.
pub(super) fn of_step(steps: &[Step], number: usize) -> Option<usize> {
    let step = &steps[number];
    let inside = &steps[number..step.behind.unwrap_or(number + 1)];
    inside.iter().find_map(|step| step.sent.command)
}

/// Lines that were refused together: the one that the text tells, or all of them, from the first to the last.
pub(super) fn of_commit((daemon, batch): (Daemon, usize), gathered: &[&Step], text: &str) -> Refusal {
    let suspects = match guilty(gathered, description(text)) {
        Some(step) => &[step][..],
        None => gathered,
    };
    let line = match suspects {
        [] => "".into(),
        [first, .., last] if first.sent.line != last.sent.line => {
            [&*first.sent.line, SPAN, &*last.sent.line].concat().into()
        }
        [first, ..] => first.sent.line.clone(),
    };
    let (command, among) = match suspects {
        [one] => (one.sent.command, Vec::new()),
        all => (None, all.iter().filter_map(|step| step.sent.command).collect()),
    };
    Refusal { daemon, command, among, batch, line, text: beginning(text) }
}

/// Those of the gathered lines that FRR repeats, ` - ` before each and nothing between them: the last ones. All, where it
/// repeats none.
fn repeated<'a, 'b>(gathered: &'b [&'a Step], text: &str) -> &'b [&'a Step] {
    let Some((_, list)) = text.split_once("rejected:\n") else { return gathered };
    let is_list = |steps: &[&Step]| {
        let mut rest = Some(list);
        for step in steps {
            rest = rest.and_then(|rest| rest.strip_prefix("- ")?.strip_prefix(&*step.sent.line));
        }
        rest.is_some()
    };
    let from = (0..gathered.len()).find(|from| is_list(&gathered[*from..]));
    &gathered[from.unwrap_or(0)..]
}

/// What is wrong, without the lines that FRR repeats behind it.
fn description(text: &str) -> &str {
    text.split("The following commands").next().unwrap_or_default()
}

/// The step with a value that the text names: `10.0.0.0/8`, or `vni 6`.
fn guilty<'a>(gathered: &[&'a Step], description: &str) -> Option<&'a Step> {
    let words: Vec<&str> = description
        .split_ascii_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .collect();
    let of_range = description.contains("Invalid prefix range");
    let named = |line: &str, at: usize| -> bool {
        let told: Vec<&str> = line.split(' ').collect();
        match words[at] {
            word if word.bytes().all(|byte| byte.is_ascii_digit()) => told
                .windows(2)
                .any(|pair| at > 0 && pair[1] == word && pair[0].eq_ignore_ascii_case(words[at - 1])),
            word => told.contains(&word),
        }
    };
    let suspects = |at: usize| -> Vec<&'a Step> {
        let is_suspect = |step: &&&Step| {
            let line = &*step.sent.line;
            !line.starts_with("no ") && named(line, at) && (!of_range || has_impossible_range(line))
        };
        gathered.iter().filter(is_suspect).copied().collect()
    };
    let is_value = |at: &usize| words[*at].contains(|c: char| c.is_ascii_digit());
    let found = (0..words.len()).filter(is_value).map(suspects).find(|steps| !steps.is_empty())?;
    // Of several that say the same in different contexts, the first was fine.
    let last = *found.last()?;
    found.iter().all(|step| step.sent.line == last.sent.line).then_some(last)
}

/// Whether `mask length <= ge <= le` does not hold in an entry of a list.
fn has_impossible_range(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u8>().ok());
    let behind = |word| words.windows(2).find(|pair| pair[0] == word).map(|pair| pair[1]);
    let length = number(words.iter().find_map(|word| word.split_once('/')).map(|(_, length)| length));
    let (ge, le) = (number(behind("ge")), number(behind("le")));
    [length, ge, le].into_iter().flatten().collect::<Vec<_>>().windows(2).any(|pair| pair[0] > pair[1])
}

#[cfg(test)]
mod tests {
    use super::super::script::{steps, tests::batch};
    use super::*;

    const RANGE: &str = "% Configuration failed.\n\nError type: validation\nError description: Invalid prefix range for \
        10.0.0.0/8: Make sure that mask length <= ge <= le\nThe following commands were dynamically grouped into the \
        same transaction and rejected:\n";
    const NAMELESS: &str = "% Configuration failed.\n\nError type: validation\nThe following commands were dynamically \
        grouped into the same transaction and rejected:\n";
    const LISTS: &[&str] = &[
        "ip prefix-list a seq 5 permit 10.0.0.0/8",
        "ip prefix-list b seq 5 permit 10.0.0.0/8 ge 4",
        "route-map m permit 10 / on-match goto 5",
        "router bgp 1 / neighbor 192.0.2.1 remote-as 2",
        "router bgp 1 / neighbor 192.0.2.1 timers 30 2",
    ];

    /// A text with the lines that FRR repeats behind it.
    fn repeating(text: &str, lines: &[&str]) -> String {
        text.to_owned() + &lines.iter().map(|line| format!("- {line}")).collect::<String>()
    }

    /// What is refused when these steps have these replies, and the others none.
    fn refused(
        daemon: Daemon,
        lines: &[&str],
        replies: &[(usize, u8, &str)],
    ) -> Vec<(Option<usize>, String)> {
        let refused = all_refused(daemon, lines, replies).into_iter();
        refused.map(|refusal| (refusal.command, refusal.line.into())).collect()
    }

    fn all_refused(daemon: Daemon, lines: &[&str], replies: &[(usize, u8, &str)]) -> Vec<Refusal> {
        let steps = steps(&batch(daemon, lines));
        let reply = |number| {
            let found = replies.iter().find(|(step, ..)| *step == number);
            let (_, status, text) = found.copied().unwrap_or_default();
            (number, Reply { text: text.to_owned(), status })
        };
        let answers: Vec<_> = (0..=steps.len()).map(reply).collect();
        refusals((daemon, 0), &steps, &answers)
    }

    #[test]
    fn a_line_is_refused_in_its_own_reply() {
        assert_eq!(refused(Daemon::Bgpd, LISTS, &[]), []);
        let found = refused(Daemon::Bgpd, LISTS, &[(7, 13, "% Invalid value\n")]);
        assert_eq!(found, [(Some(4), LISTS[4].split(" / ").last().unwrap().to_owned())]);
    }

    #[test]
    fn a_refused_context_is_blamed_on_the_first_command_inside() {
        let found = refused(Daemon::Bgpd, LISTS, &[(5, 13, "BGP is already running; AS is 9\n")]);
        assert_eq!(found, [(Some(3), "router bgp 1".to_owned())]);
    }

    #[test]
    fn a_refused_commit_is_blamed_on_the_entry_that_it_names() {
        // At the end of the map (8.4), at the next line of another kind (10.3), and at the end.
        let text = repeating(RANGE, &[LISTS[0], LISTS[1], "route-map m permit 10", "on-match goto 5"]);
        for step in [4, 5] {
            let found = refused(Daemon::Bgpd, LISTS, &[(step, 0, &text)]);
            assert_eq!(found, [(Some(1), LISTS[1].to_owned())]);
        }
        assert_eq!(refused(Daemon::Bgpd, &LISTS[..3], &[(5, 0, &text)]), [(Some(1), LISTS[1].to_owned())]);
    }

    #[test]
    fn a_refused_commit_that_names_nothing_is_blamed_on_the_lines_that_it_repeats() {
        let map = ["route-map m permit 10", "on-match goto 5"];
        let found = refused(Daemon::Bgpd, LISTS, &[(5, 0, &repeating(NAMELESS, &map))]);
        assert_eq!(found, [(None, map.join(SPAN))]);
        let found = refused(Daemon::Bgpd, LISTS, &[(5, 0, NAMELESS)]);
        assert_eq!(found, [(None, format!("{} … on-match goto 5", LISTS[0]))]);
        // Which commands these are is known: LISTS[2] is the one in the map.
        let among = |text: &str| all_refused(Daemon::Bgpd, LISTS, &[(5, 0, text)]).remove(0).among;
        assert_eq!(among(&repeating(NAMELESS, &map)), [2]);
        assert_eq!(among(NAMELESS), [0, 1, 2]);
    }

    #[test]
    fn a_line_and_the_commit_before_it_can_be_refused_in_one_reply() {
        let lines = ["ip prefix-list a seq 5 permit 10.0.0.0/8 le 4", "router bgp 1 / no neighbor 192.0.2.1"];
        let found = refused(Daemon::Bgpd, &lines, &[(1, 13, RANGE)]);
        assert_eq!(found, [(Some(0), lines[0].to_owned()), (Some(1), "router bgp 1".to_owned())]);
    }

    #[test]
    fn mgmtd_refuses_at_the_end() {
        let text = "% Configuration failed.\n\nvni 5 is already mapped to another vrf\n";
        let lines = ["vrf red / vni 5", "vrf blue / vni 5"];
        assert_eq!(refused(Daemon::Mgmtd, &lines, &[(6, 13, text)]), [(Some(1), "vni 5".to_owned())]);
        let lines = ["hostname a", "vrf red / vni 5", "vrf blue / vni 6"];
        let text = "% Configuration failed.\n\nvni 6 is already mapped to another vrf\n";
        assert_eq!(refused(Daemon::Mgmtd, &lines, &[(7, 13, text)]), [(Some(2), "vni 6".to_owned())]);
        let text = "% Configuration failed.\n\nsomething\n";
        assert_eq!(
            refused(Daemon::Mgmtd, &lines, &[(7, 13, text)]),
            [(None, "hostname a … vni 6".to_owned())]
        );
    }

    #[test]
    fn a_batch_that_a_line_led_out_of_configuration_is_seen() {
        let text = "% [BGP] Unknown command: XFRR_end_configuration\n";
        assert_eq!(refused(Daemon::Bgpd, LISTS, &[(9, 2, text)]), [(None, END.to_owned())]);
    }
}
