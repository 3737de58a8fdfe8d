#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use frrk8s_delta::{Command, Delta};
use frrk8s_document::{Dialect, Document, Mark, Text, Version};

use super::*;
use crate::transport::{FrrError, Place};

const DIALECT: Dialect = Dialect::new(Version { major: 10, minor: 3 });
const OLD: &str = "router bgp 1\n neighbor 10.0.0.1 remote-as 2\nexit\n";
const NEW: &str = "router bgp 1\n neighbor 10.0.0.1 remote-as 2\n neighbor 10.0.0.2 remote-as 2\nexit\n";
const RAW: &str = "router bgp 1\n neighbor 10.0.0.1 description  a  b\nexit\n";

fn documents(text: &str) -> Documents {
    DIALECT.by_daemon(&DIALECT.read(&Text::parse(text)))
}

fn machine(goal: &str) -> Machine {
    let goal = Goal { documents: documents(goal), raw: Documents::new() };
    Machine::new(DIALECT, goal, Some(documents(OLD)))
}

fn refused() -> Vec<Refused> {
    vec![Refused {
        daemon: Daemon::Bgpd,
        line: "neighbor 10.0.0.2 password x".into(),
        commands: vec![],
        text: "% No".into(),
    }]
}

fn lost() -> Cause {
    Cause::Lost { daemon: Some(Daemon::Bgpd), line: None, reason: "Closed", message: "closed".to_owned() }
}

/// The verdict, and the words of the steps on the way, over events that are told one after the other.
fn through(mut machine: Machine, events: Vec<Event>) -> (Vec<&'static str>, Option<Verdict>) {
    let mut steps = Vec::new();
    let mut step = machine.start();
    let mut events = events.into_iter();
    loop {
        steps.push(match &step {
            Step::Read => "read",
            Step::Send(delta) => {
                assert!(!delta.is_empty());
                "send"
            }
            Step::Done(verdict) => {
                assert_eq!(machine.phase(), Phase::Over);
                assert_eq!(events.next(), None);
                return (steps, Some(verdict.clone()));
            }
        });
        match events.next() {
            Some(event) => step = machine.after(event),
            None => return (steps, None),
        }
    }
}

#[test]
fn what_runs_already_is_not_told() {
    let (steps, verdict) = through(machine(OLD), vec![Event::Running(documents(OLD))]);
    assert_eq!(
        (steps, verdict),
        (vec!["read", "Done"].into_iter().filter(|step| *step != "Done").collect(), Some(Verdict::Unchanged))
    );
}

#[test]
fn an_apply_is_verified() {
    let events = vec![Event::Running(documents(OLD)), Event::Sent(vec![]), Event::Running(documents(NEW))];
    let (steps, verdict) = through(machine(NEW), events);
    assert_eq!(steps, ["read", "send", "read"]);
    assert_eq!(verdict, Some(Verdict::Applied { residue: None }));
}

#[test]
fn somebody_who_typed_costs_a_second_delta_and_no_third() {
    let typed = format!("{NEW}router bgp 1\n neighbor 10.0.0.9 remote-as 9\nexit\n");
    let once = vec![
        Event::Running(documents(OLD)),
        Event::Sent(vec![]),
        Event::Running(documents(&typed)),
        Event::Sent(vec![]),
    ];
    let done = [once.clone(), vec![Event::Running(documents(NEW))]].concat();
    assert_eq!(through(machine(NEW), done).1, Some(Verdict::Applied { residue: None }));
    let again = vec![Event::Running(documents(&typed)), Event::Running(documents(OLD))];
    let (steps, verdict) = through(machine(NEW), [once, again].concat());
    assert_eq!(steps, ["read", "send", "read", "send", "read", "read"]);
    let Some(Verdict::RolledBack(Cause::Differs(lines))) = verdict else { panic!("{verdict:?}") };
    assert_eq!(lines, ["+ bgpd / router bgp 1 / neighbor 10.0.0.9 remote-as 9"]);
}

#[test]
fn a_refused_line_leads_back_from_what_runs() {
    let halfway = "router bgp 1\nexit\n";
    let events = vec![
        Event::Running(documents(OLD)),
        Event::Sent(refused()),
        Event::Running(documents(halfway)),
        Event::Sent(vec![]),
        Event::Running(documents(OLD)),
    ];
    let (steps, verdict) = through(machine(NEW), events);
    assert_eq!(steps, ["read", "send", "read", "send", "read"]);
    let verdict = verdict.unwrap();
    assert_eq!(verdict, Verdict::RolledBack(Cause::Refused(refused())));
    let told = verdict.cause().unwrap().to_string();
    assert_eq!(told, "bgpd refused \"neighbor 10.0.0.2 password ***\": % No");
}

#[test]
fn a_daemon_that_is_lost_is_led_back_when_it_is_there_again_and_else_it_is_stuck() {
    let begun = vec![Event::Running(documents(OLD)), Event::Lost(lost())];
    let back = vec![Event::Running(Documents::new()), Event::Sent(vec![]), Event::Running(documents(OLD))];
    let (steps, verdict) = through(machine(NEW), [begun.clone(), back].concat());
    assert_eq!(steps, ["read", "send", "read", "send", "read"]);
    assert_eq!(verdict, Some(Verdict::RolledBack(lost())));
    let (_, verdict) = through(machine(NEW), [begun, vec![Event::Lost(lost())]].concat());
    assert_eq!(verdict, Some(Verdict::Stuck { cause: lost(), differs: vec![] }));
    let (_, verdict) = through(machine(NEW), vec![Event::Lost(lost())]);
    assert_eq!(verdict, Some(Verdict::Unreachable(lost())));
}

#[test]
fn a_way_back_that_leads_elsewhere_is_stuck_and_says_how() {
    let elsewhere = "router bgp 7\nexit\n";
    let events = vec![
        Event::Running(documents(OLD)),
        Event::Sent(refused()),
        Event::Running(documents(elsewhere)),
        Event::Sent(refused()),
        Event::Running(documents(elsewhere)),
        Event::Sent(vec![]),
        Event::Running(documents(elsewhere)),
    ];
    let Some(Verdict::Stuck { cause, differs }) = through(machine(NEW), events).1 else { panic!() };
    assert_eq!(cause.reason(), "LineRefused");
    assert!(differs.contains(&"+ bgpd / router bgp 7".to_owned()), "{differs:?}");
}

#[test]
fn raw_lines_may_be_printed_in_another_way_and_nothing_else_may() {
    let raw = documents(RAW);
    let both = format!("{NEW}{RAW}");
    let printed = format!("{NEW}router bgp 1\n neighbor 10.0.0.1 description a b\nexit\n");
    let goal = || Goal { documents: documents(&both), raw: raw.clone() };
    let machine = |goal| Machine::new(DIALECT, goal, Some(documents(OLD)));
    let told = || vec![Event::Running(documents(OLD)), Event::Sent(vec![])];
    let events = [told(), vec![Event::Running(documents(&printed))]].concat();
    let verdict = through(machine(goal()), events).1;
    // Blanks are squeezed where lines are read: the two are one.
    assert!(matches!(verdict, Some(Verdict::Applied { .. })), "{verdict:?}");
    let other = format!("{NEW}router bgp 1\n neighbor 10.0.0.1 remark A\nexit\n");
    let events = [told(), vec![Event::Running(documents(&other))]].concat();
    let Some(Verdict::Applied { residue: Some(residue) }) = through(machine(goal()), events).1 else {
        panic!()
    };
    assert!(residue.missing[&Daemon::Bgpd].print().contains("description"), "{residue:?}");
    assert!(residue.more[&Daemon::Bgpd].print().contains("remark A"), "{residue:?}");
    // A line of ours that is missing as well is a difference.
    let events =
        [told(), vec![Event::Running(documents(&other.replace(" neighbor 10.0.0.2 remote-as 2\n", "")))]];
    assert_eq!(through(machine(goal()), events.concat()).0, ["read", "send", "read", "send"]);
}

#[test]
fn it_ends_whatever_happens() {
    let events = [
        Event::Running(documents(OLD)),
        Event::Running(documents(NEW)),
        Event::Running(Documents::from([(Daemon::Bgpd, Document::default())])),
        Event::Sent(vec![]),
        Event::Sent(refused()),
        Event::Lost(lost()),
    ];
    // Every way of twelve events: none is longer than that.
    let mut open: Vec<Vec<usize>> = vec![vec![]];
    for _ in 0..12 {
        let longer =
            open.iter().flat_map(|way| (0..events.len()).map(|next| [way.clone(), vec![next]].concat()));
        let ends = |way: &Vec<usize>| {
            let mut machine = machine(NEW);
            let mut step = machine.start();
            for &event in way {
                step = machine.after(events[event].clone());
            }
            matches!(step, Step::Done(_))
        };
        open = longer.filter(|way| !ends(way)).collect();
    }
    assert!(open.is_empty(), "{} ways go on", open.len());
}

#[test]
fn a_daemon_that_is_lost_is_lost_at_a_line_of_the_delta() {
    let delta = Delta::new(DIALECT, &documents(OLD), &documents(NEW));
    let (batch, command) = (0..delta.batches.len())
        .flat_map(|batch| (0..delta.batches[batch].commands.len()).map(move |command| (batch, command)))
        .find(|(batch, command)| delta.batches[*batch].commands[*command].line.contains("10.0.0.2"))
        .unwrap();
    let closed = |at| FrrError::Closed { daemon: Daemon::Bgpd, at };
    let line_of = |error: &FrrError| match drive::lost(error, Some(&delta)) {
        Cause::Lost { line, .. } => line.map(|line| line.to_string()),
        cause => panic!("{cause:?}"),
    };
    let at = Place { batch: Some(batch), command: Some(command), ..Place::default() };
    let told = "bgpd went away at \"neighbor 10.0.0.2 remote-as 2\"";
    assert_eq!(line_of(&closed(at.clone())).as_deref(), Some(told));
    let late = FrrError::TimedOut { daemon: Daemon::Bgpd, at: at.clone(), limit: Duration::ZERO };
    assert_eq!(line_of(&late).as_deref(), Some(&*told.replace("went away", "fell silent")));
    // A line that commits what was told before it; one that closes a context; no line of the delta.
    assert_eq!(line_of(&closed(Place { commits: true, ..at.clone() })), None);
    assert_eq!(line_of(&closed(Place { command: None, ..at })), None);
    assert_eq!(line_of(&closed(Place { line: "show version".into(), ..Place::default() })), None);
}

const PEER: &str = "bfd\n peer 10.0.0.9\n  detect-multiplier 5\n exit\nexit\n";
const NO: &str = "no detect-multiplier 5";

/// FRR does not know how to take back what only raw snippets have.
fn not_taken_back(line: &str) -> Refused {
    let context = vec!["bfd".into(), "peer 10.0.0.9".into()];
    let command = Command { context, line: line.into(), mark: Mark::default() };
    Refused {
        daemon: Daemon::Bfdd,
        line: line.into(),
        commands: vec![command],
        text: "% Unknown command".into(),
    }
}

/// From an apply that is to take back the multiplier, over these events.
fn without_multiplier(goal: &str, events: Vec<Event>) -> (Vec<&'static str>, Option<Verdict>, Vec<String>) {
    let documents_of = |text: &str| documents(&format!("{text}{PEER}"));
    let goal = documents(&format!("{goal}bfd\n peer 10.0.0.9\n exit\nexit\n"));
    let mut machine =
        Machine::new(DIALECT, Goal { documents: goal, raw: Documents::new() }, Some(documents_of(OLD)));
    let (mut steps, mut step) = (Vec::new(), machine.start());
    for event in events {
        steps.push(if matches!(step, Step::Read) { "read" } else { "send" });
        step = machine.after(event);
    }
    let verdict = if let Step::Done(verdict) = step { Some(verdict) } else { None };
    (steps, verdict, machine.into_left().iter().map(ToString::to_string).collect())
}

#[test]
fn a_raw_line_that_frr_does_not_take_back_stays_and_all_else_is_applied() {
    let runs = |text: &str| Event::Running(documents(&format!("{text}{PEER}")));
    let refused = || vec![not_taken_back(NO)];
    let said = ["bfdd keeps \"bfd / peer 10.0.0.9 / detect-multiplier 5\": % Unknown command"];
    let (steps, verdict, left) = without_multiplier(NEW, vec![runs(OLD), Event::Sent(refused()), runs(NEW)]);
    assert_eq!(steps, ["read", "send", "read"]);
    assert_eq!(
        (verdict, &left[..]),
        (Some(Verdict::Applied { residue: None }), &said.map(str::to_owned)[..])
    );
    // What is overwritten is gone all the same.
    let other = format!("{NEW}bfd\n peer 10.0.0.9\n exit\nexit\n");
    let events = vec![runs(OLD), Event::Sent(refused()), Event::Running(documents(&other))];
    let (_, verdict, left) = without_multiplier(NEW, events);
    assert_eq!((verdict, left.len()), (Some(Verdict::Applied { residue: None }), 0));
    // With anything else, it is a failure; and on the way back it stays as well.
    let both = [refused(), self::refused()].concat();
    let events = vec![runs(OLD), Event::Sent(both.clone()), runs(NEW), Event::Sent(refused()), runs(OLD)];
    let (_, verdict, _) = without_multiplier(NEW, events);
    assert_eq!(verdict, Some(Verdict::RolledBack(Cause::Refused(both))));
}

#[test]
fn policy_takes_effect_although_a_raw_line_stays() {
    let bound = |set: &str| {
        format!(
            "route-map in permit 4000\n{set}exit\nrouter bgp 1\n neighbor 10.0.0.1 remote-as 2\n \
             address-family ipv4 unicast\n  neighbor 10.0.0.1 route-map in in\n exit-address-family\nexit\n"
        )
    };
    let (before, after) = (bound(""), bound(" set metric 5\n"));
    let runs = |text: &str| Event::Running(documents(&format!("{text}{PEER}")));
    let refused = vec![not_taken_back(NO)];
    let events = vec![runs(&before), Event::Sent(refused), Event::Sent(vec![]), runs(&after)];
    let (steps, verdict, left) = without_multiplier(&after, events);
    assert_eq!(steps, ["read", "send", "send", "read"], "the clear is told by itself");
    assert_eq!((verdict, left.len()), (Some(Verdict::Applied { residue: None }), 1));
}

#[test]
fn a_generated_line_that_frr_does_not_take_back_is_a_failure() {
    let command = Command {
        context: vec!["router bgp 1".into()],
        line: "no neighbor 10.0.0.2".into(),
        mark: Mark::default(),
    };
    let refused = Refused { daemon: Daemon::Bgpd, commands: vec![command], ..refused().remove(0) };
    let events =
        vec![Event::Running(documents(NEW)), Event::Sent(vec![refused]), Event::Running(documents(NEW))];
    let (steps, verdict) = through(machine(OLD), events);
    assert_eq!((steps, verdict), (vec!["read", "send", "read", "send"], None));
}
