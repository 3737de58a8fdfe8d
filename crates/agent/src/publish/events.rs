//! From one report to the next: what people should hear of. Pure.

use std::collections::BTreeMap;

use super::outbox::{Said, Topic};
use crate::report::{FindingReport, LISTED_MAX, LastApply, Report};
use crate::resets::Reset;

/// What is said of all objects at once, where it would be said of more of them one by one.
const OBJECTS_MAX: usize = 10;

/// What is new in a report.
pub fn changes(before: &Report, after: &Report) -> Vec<Said> {
    let objects = [about_conflicts(before, after), about_findings(before, after), held_down(before, after)];
    let objects = objects.into_iter().flat_map(summed_up);
    let node = about_pauses(before, after).into_iter().chain(about_state(before, after));
    let applies = after.last_apply.iter().filter(|apply| is_new(before, apply)).flat_map(about_apply);
    objects.chain(node).chain(applies).collect()
}

/// The first of many alike, and how many more there are.
fn summed_up(all: Vec<Said>) -> Vec<Said> {
    let mut kept: Vec<Said> = Vec::new();
    let mut more: BTreeMap<&'static str, Said> = BTreeMap::new();
    for said in all {
        if kept.iter().filter(|kept| kept.reason == said.reason).count() < OBJECTS_MAX {
            kept.push(said);
        } else {
            more.entry(said.reason).or_insert(said);
        }
    }
    // How many more is not known: a report lists only so many findings.
    let sum = |said: Said| Said {
        topic: Topic::Sum(said.reason),
        object: None,
        note: "and more objects: the FRRNodeState lists them".to_owned(),
        ..said
    };
    kept.into_iter().chain(more.into_values().map(sum)).collect()
}

/// Something about each object, by object: said when it is new or another one, and when it is over.
fn about_each(
    [before, after]: [BTreeMap<String, String>; 2],
    now: &Report,
    (topic, begins, ends): (Topic, &'static str, (&'static str, &str)),
) -> Vec<Said> {
    let said = |object: &str, reason, note: &str| Said {
        topic,
        object: Some(object.to_owned()).filter(|object| is_of_the_api(now, object)),
        reason,
        is_warning: reason == begins && topic != Topic::HoldDown,
        ends: reason != begins,
        action: "Merge",
        note: format!("{object}: {note}"),
    };
    let begun = after.iter().filter(|(object, note)| before.get(*object) != Some(*note));
    let begun = begun.map(|(object, note)| said(object, begins, note));
    // What is not listed may be over, or there may be too much of it.
    let is_cut = now.findings.len() >= LISTED_MAX;
    let is_over = |object: &str| {
        let report = now.objects.iter().find(|report| report.object == object);
        report.is_some_and(|report| !is_cut || report.fate == "Accepted")
    };
    let ended = before.keys().filter(|object| !after.contains_key(*object) && is_over(object));
    begun.chain(ended.map(|object| said(object, ends.0, ends.1))).collect()
}

/// Objects of a directory are none that the API could show, and neither is what is no configuration, such as a Secret or a file.
fn is_of_the_api(report: &Report, object: &str) -> bool {
    report.objects.iter().any(|known| known.object == object && known.source.is_none())
}

fn by_object(
    report: &Report,
    of: impl Fn(&FindingReport) -> Vec<(String, String)>,
) -> BTreeMap<String, String> {
    let mut notes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (object, note) in report.findings.iter().flat_map(of) {
        notes.entry(object).or_default().push(note);
    }
    notes.into_iter().map(|(object, notes)| (object, notes.join("; "))).collect()
}

/// Who disagrees with whom, where, and about which values.
fn about_conflicts(before: &Report, after: &Report) -> Vec<Said> {
    let conflicts = |report: &Report| {
        by_object(report, |finding| {
            if !finding.is_conflict() {
                return Vec::new();
            }
            let parties = finding.parties();
            let says = |at: usize| {
                let value = parties[at].value.as_deref().unwrap_or("not set");
                format!("{} is {value}", parties[at].path)
            };
            let others = |own: usize| {
                let others = (0..parties.len()).filter(|at| *at != own);
                others.map(|at| format!("{} says that {}", parties[at].object, says(at))).collect::<Vec<_>>()
            };
            let note = |at: usize| format!("{}, and {}", says(at), others(at).join(", "));
            (0..parties.len()).map(|at| (parties[at].object.clone(), note(at))).collect()
        })
    };
    let ends = ("ConflictResolved", "nobody disagrees with it any more");
    about_each([conflicts(before), conflicts(after)], after, (Topic::Conflict, "Conflict", ends))
}

/// Objects that are not in force for what is wrong with themselves, or for what FRR has against them.
fn about_findings(before: &Report, after: &Report) -> Vec<Said> {
    let findings = |report: &Report| {
        by_object(report, |finding| {
            if finding.severity != "error" || finding.is_conflict() {
                return Vec::new();
            }
            let path = Some(&finding.path).filter(|path| !path.is_empty());
            let path = path.map(|path| format!("{path}: ")).unwrap_or_default();
            vec![(finding.object.clone(), format!("{path}{} ({})", finding.message, finding.help))]
        })
    };
    about_each(
        [findings(before), findings(after)],
        after,
        (Topic::Object, "NotInForce", ("Corrected", "nothing is wrong with it any more")),
    )
}

fn held_down(before: &Report, after: &Report) -> Vec<Said> {
    let held = |report: &Report| {
        by_object(report, |finding| {
            let is_held = finding.rule == "withdrawal-held-down";
            is_held.then(|| (finding.object.clone(), finding.message.clone())).into_iter().collect()
        })
    };
    let ends = ("WithdrawalHoldDownOver", "what it advertises is as it says");
    about_each([held(before), held(after)], after, (Topic::HoldDown, "WithdrawalHeldDown", ends))
}

/// One of the node itself.
fn of_node(topic: Topic, reason: &'static str, (is_warning, ends): (bool, bool), note: String) -> Said {
    let action = match topic {
        Topic::Pause | Topic::PauseRefused => "Pause",
        _ => "Apply",
    };
    Said { topic, object: None, reason, is_warning, ends, action, note }
}

fn about_pauses(before: &Report, after: &Report) -> Vec<Said> {
    let mut said = Vec::new();
    match (&before.paused, &after.paused) {
        (before, Some(pause)) if before.as_ref() != Some(pause) => {
            let note = format!("FRR is told nothing until {}: {}", pause.until, pause.reason);
            said.push(of_node(Topic::Pause, "Paused", (false, false), note));
        }
        (Some(_), None) => {
            let note = "FRR is told again what objects ask for".to_owned();
            said.push(of_node(Topic::Pause, "Resumed", (false, true), note));
        }
        _ => {}
    }
    if let Some(why) = after.pause_refused.as_ref().filter(|_| before.pause_refused != after.pause_refused) {
        let note = format!("the annotation frrk8s.metallb.io/pause pauses nothing: {why}");
        said.push(of_node(Topic::PauseRefused, "PauseRefused", (true, false), note));
    }
    said
}

/// States that somebody has to do something about, and the end of them.
fn about_state(before: &Report, after: &Report) -> Option<Said> {
    let bad = |report: &Report| {
        ["Frozen", "RolledBack", "Locked", "Stuck"].into_iter().find(|reason| *reason == report.reason)
    };
    match (bad(before), bad(after)) {
        (was, Some(is)) if was != Some(is) || before.message != after.message => {
            Some(of_node(Topic::State, is, (true, false), after.message.clone()))
        }
        (_, None) if after.reason == "Applied" && before.reason != "Applied" => {
            Some(of_node(Topic::State, "Applied", (false, true), after.message.clone()))
        }
        _ => None,
    }
}

fn is_new(before: &Report, apply: &LastApply) -> bool {
    before.last_apply.as_ref().map(|before| before.at) != Some(apply.at)
}

/// What an apply was for, where nobody asked for it; and what it did to sessions of others.
fn about_apply(apply: &LastApply) -> Vec<Said> {
    let mut said = Vec::new();
    if apply.cause.is_none() {
        match apply.because {
            "Lost" => {
                let note = format!(
                    "a daemon of FRR had been restarted and ran nothing of ours: it was told {} lines",
                    apply.lines
                );
                said.push(of_node(Topic::Restored, "FRRPutBack", (true, false), note));
            }
            "Drift" => {
                let note = format!(
                    "somebody changed what is ours in FRR, and it was put back: {} lines",
                    apply.lines
                );
                said.push(of_node(Topic::Drift, "DriftUndone", (true, false), note));
            }
            _ => {}
        }
    }
    let resets = apply.resets.iter().filter(|reset| reset.is_of_others());
    said.extend(resets.map(|reset| {
        let Reset { session, defined_by, changed, because } = reset;
        Said {
            topic: Topic::Reset,
            object: changed.first().cloned(),
            reason: "SessionReset",
            is_warning: true,
            ends: false,
            action: "Apply",
            note: format!(
                "the session {session} of {} was reset by a change of {}: {}",
                defined_by.join(", "),
                changed.join(", "),
                because.join("; ")
            ),
        }
    }));
    said
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::Timestamp;

    use super::*;
    use crate::pause::Pause;
    use crate::report::{ObjectReport, PartyReport};

    fn object(name: &str, fate: &'static str) -> ObjectReport {
        ObjectReport { object: format!("n/{name}"), fate, source: None }
    }

    fn finding(object: &str, other: Option<&str>) -> FindingReport {
        let party = |name: &str| PartyReport {
            object: format!("n/{name}"),
            path: "spec.port".to_owned(),
            value: Some("2".to_owned()),
        };
        FindingReport {
            rule: "r",
            severity: "error",
            object: format!("n/{object}"),
            path: "spec.port".to_owned(),
            message: "wrong".to_owned(),
            help: "mend it".to_owned(),
            reason: "R".to_owned(),
            value: Some("1".to_owned()),
            others: other.into_iter().map(party).collect(),
        }
    }

    fn said(before: &Report, after: &Report) -> Vec<String> {
        let text = |said: Said| format!("{} {}: {}", said.reason, said.object.unwrap_or_default(), said.note);
        changes(before, after).into_iter().map(text).collect()
    }

    #[test]
    fn both_sides_hear_of_a_conflict_and_of_its_end() {
        let fine =
            Report { objects: vec![object("a", "Accepted"), object("b", "Accepted")], ..Report::default() };
        let held = Report {
            objects: vec![object("a", "Held"), object("b", "Held")],
            findings: vec![finding("a", Some("b"))],
            ..Report::default()
        };
        assert_eq!(said(&held, &held), Vec::<String>::new());
        assert_eq!(
            said(&fine, &held),
            [
                "Conflict n/a: n/a: spec.port is 1, and n/b says that spec.port is 2",
                "Conflict n/b: n/b: spec.port is 2, and n/a says that spec.port is 1"
            ]
        );
        let gone = Report { objects: vec![object("a", "Accepted")], ..Report::default() };
        assert_eq!(said(&held, &gone), ["ConflictResolved n/a: n/a: nobody disagrees with it any more"]);
    }

    #[test]
    fn what_is_no_configuration_of_the_api_is_no_related_object() {
        let broken = Report {
            objects: vec![object("a", "Rejected")],
            findings: vec![finding("Secret", None), finding("a", None)],
            ..Report::default()
        };
        let related = changes(&Report::default(), &broken).into_iter().map(|said| said.object);
        assert_eq!(related.collect::<Vec<_>>(), [None, Some("n/a".to_owned())]);
    }

    #[test]
    fn a_thousand_broken_objects_are_said_at_once() {
        let names: Vec<String> = (0..1000).map(|number| format!("o{number:03}")).collect();
        let broken = Report {
            objects: names.iter().map(|name| object(name, "Rejected")).collect(),
            findings: names.iter().map(|name| finding(name, None)).collect(),
            ..Report::default()
        };
        let all = said(&Report::default(), &broken);
        assert_eq!(all.len(), OBJECTS_MAX + 1);
        assert_eq!(all[0], "NotInForce n/o000: n/o000: spec.port: wrong (mend it)");
        assert_eq!(all[OBJECTS_MAX], "NotInForce : and more objects: the FRRNodeState lists them");
    }

    #[test]
    fn a_pause_and_its_end_are_said() {
        let pause = Pause::new("30m", "rack 7", Timestamp::UNIX_EPOCH).unwrap();
        let paused = Report { paused: Some(pause), ..Report::default() };
        let texts = [said(&Report::default(), &paused), said(&paused, &Report::default())].concat();
        assert_eq!(
            texts,
            [
                "Paused : FRR is told nothing until 1970-01-01T00:30:00Z: rack 7",
                "Resumed : FRR is told again what objects ask for"
            ]
        );
    }
}
