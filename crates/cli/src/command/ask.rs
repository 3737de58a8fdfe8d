//! `frrk8s status`, `pause` and `resume`: questions to the agent of this machine.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::CommandError;
use crate::args::{AskArgs, DiffFormat, PauseArgs, StatusArgs};
use crate::output::{Exit, Output};

/// How long an agent may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// From how many seconds on it is said how old a count of prefixes is: it is counted anew some time after a change.
const COUNTED_SECONDS: u64 = 5;
/// The most foreign lines that people are shown.
const FOREIGN_MAX: usize = 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there.
    #[error(
        "no agent answers at {address}: start it with --listen {address}, or name its address with --address"
    )]
    Nobody {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: ureq::Error,
    },
    /// It refuses.
    #[error("the agent at {address} refuses: {text}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What it says.
        text: String,
    },
}

fn client() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false).build().into()
}

fn answer(
    address: SocketAddr,
    asked: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<String, AskError> {
    let nobody = |source| AskError::Nobody { address, source };
    let mut response = asked.map_err(nobody)?;
    let is_fine = response.status().is_success();
    let text = response.body_mut().read_to_string().map_err(nobody)?;
    if is_fine { Ok(text) } else { Err(AskError::Refused { address, text: text.trim().to_owned() }) }
}

pub fn status(args: &StatusArgs) -> Result<Exit, CommandError> {
    let address = args.ask.address;
    let text = answer(address, client().get(format!("http://{address}/status")).call())?;
    match args.output {
        DiffFormat::Json => Output::result(&format!("{text}\n"))?,
        DiffFormat::Text => {
            let refused = |_| AskError::Refused { address, text: "it is no frrk8s agent".to_owned() };
            let report: Value = serde_json::from_str(&text).map_err(refused)?;
            Output::result(&for_people(&report))?;
        }
    }
    Ok(Exit::Fine)
}

pub fn pause(args: &PauseArgs) -> Result<Exit, CommandError> {
    let address = args.ask.address;
    let asked = client()
        .post(format!("http://{address}/pause"))
        .query("duration", &args.duration)
        .query("reason", &args.reason)
        .send_empty();
    Output::result(&answer(address, asked)?)?;
    Ok(Exit::Fine)
}

pub fn resume(args: &AskArgs) -> Result<Exit, CommandError> {
    let address = args.address;
    Output::result(&answer(address, client().post(format!("http://{address}/resume")).send_empty())?)?;
    Ok(Exit::Fine)
}

// Writing to a string cannot fail, so what `writeln!` returns is let go below.
fn for_people(report: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut page = String::new();
    let _ = writeln!(page, "node      {} (FRR {})", text(&report["node"]), text(&report["frrVersion"]));
    let _ = writeln!(page, "state     {}: {}", text(&report["reason"]), text(&report["message"]));
    if let Some(paused) = report["paused"].as_object() {
        let by = if paused["by"] == "Node" { " (the annotation of the Node)" } else { "" };
        let _ = writeln!(page, "paused    until {}{by}: {}", text(&paused["until"]), text(&paused["reason"]));
    }
    if let Some(refused) = report["pauseRefused"].as_str() {
        let _ = writeln!(page, "paused    no, the annotation of the Node is wrong: {refused}");
    }
    if let Some(trouble) = report["apiTrouble"].as_object() {
        let _ =
            writeln!(page, "API       not since {}: {}", text(&trouble["since"]), text(&trouble["message"]));
    }
    if let Some(trouble) = report["publishTrouble"].as_str() {
        let _ = writeln!(page, "API       the FRRNodeState cannot be written: {trouble}");
    }
    for unkept in report["unkept"].as_array().into_iter().flatten() {
        let (what, since) = (text(&unkept["what"]), text(&unkept["since"]));
        let (reason, message) = (text(&unkept["reason"]), text(&unkept["message"]));
        let _ = writeln!(page, "disk      {what} cannot be kept since {since}: {reason}: {message}");
    }
    if let Some(apply) = report["lastApply"].as_object() {
        let sending = apply["sendingMilliseconds"].as_f64().unwrap_or_default();
        let (at, outcome) = (text(&apply["at"]), text(&apply["outcome"]));
        let _ = writeln!(page, "last apply  {at}: {outcome}, {} lines in {sending:.1} ms", apply["lines"]);
    }
    if let Some(at) = report["lastGoodAt"].as_str() {
        let _ = writeln!(page, "last good   {at}");
    }
    list(&mut page, "reset by the last apply", &report["lastApply"]["resets"], |reset| {
        let names =
            |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ");
        let (session, because) = (text(&reset["session"]), names(&reset["because"]));
        let (defined_by, changed) = (names(&reset["definedBy"]), names(&reset["changed"]));
        format!("{session} of {defined_by}: {changed} changed {because}")
    });
    let then = then(report);
    let _ = writeln!(page, "foreign   {} lines of FRR's are none of ours{then}", report["foreignLines"]);
    say_foreign(&mut page, report);
    list(&mut page, "objects", &report["objects"], |object| {
        format!("{:12} {}", text(&object["fate"]), text(&object["object"]))
    });
    list(&mut page, "conflicts", &report["conflicts"], |group| {
        let names: Vec<String> = group.as_array().into_iter().flatten().map(text).collect();
        names.join(", ")
    });
    list(&mut page, "findings", &report["findings"], |finding| {
        let (severity, rule) = (text(&finding["severity"]), text(&finding["rule"]));
        let (object, path) = (text(&finding["object"]), text(&finding["path"]));
        format!("{severity}[{rule}] {object} {path}: {}", text(&finding["message"]))
    });
    list(&mut page, &format!("drift{then}"), &report["drift"], text);
    list(&mut page, "sessions", &report["sessions"], |session| {
        let up = session["upSeconds"].as_u64().map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
        let counted = session["countedSeconds"].as_u64().filter(|seconds| *seconds >= COUNTED_SECONDS);
        let counted = counted.map(|seconds| format!(" (counted {seconds} s ago)")).unwrap_or_default();
        format!(
            "{} in VRF {}, AS {}: {}{up}, {} prefixes in, {} out{counted}",
            text(&session["peer"]),
            text(&session["vrf"]),
            session["asn"],
            text(&session["state"]),
            session["prefixesIn"],
            session["prefixesOut"],
        )
    });
    page
}

/// Since when nobody knows what FRR runs; nothing where it was just read.
fn then(report: &Value) -> String {
    match report["readAt"].as_str() {
        Some(at) if report["passedAt"] != at => format!(", when FRR could last be read: {at}"),
        _ => String::new(),
    }
}

fn say_foreign(page: &mut String, report: &Value) {
    let lines: Vec<&str> =
        report["foreign"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for line in lines.iter().take(FOREIGN_MAX) {
        let _ = writeln!(page, "  {line}");
    }
    let count = report["foreignLines"].as_u64().and_then(|count| usize::try_from(count).ok());
    let more = count.unwrap_or_default().saturating_sub(lines.len().min(FOREIGN_MAX));
    if more > 0 {
        let _ = writeln!(page, "  and {more} more");
    }
}

fn list(page: &mut String, title: &str, items: &Value, line: impl Fn(&Value) -> String) {
    let items: Vec<&Value> = items.as_array().into_iter().flatten().collect();
    if items.is_empty() {
        return;
    }
    let _ = writeln!(page, "{title}");
    for item in items {
        let _ = writeln!(page, "  {}", line(item));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prefixes_that_were_counted_a_while_ago_are_said_to_be() {
        let mut session = json!({
            "peer": "192.0.2.3", "vrf": "default", "asn": 1, "state": "Established", "upSeconds": 400,
            "prefixesIn": 7, "prefixesOut": 9, "countedSeconds": 240
        });
        let page = |session: &Value| for_people(&json!({ "sessions": [session] }));
        let line = "192.0.2.3 in VRF default, AS 1: Established for 400 s, 7 prefixes in, 9 out";
        assert!(page(&session).contains(&format!("{line} (counted 240 s ago)\n")), "{}", page(&session));
        session["countedSeconds"] = 4.into();
        assert!(page(&session).contains(&format!("{line}\n")), "{}", page(&session));
    }

    #[test]
    fn foreign_lines_are_listed_with_how_many_more_there_are_and_of_when() {
        let lines: Vec<String> = (0..50).map(|number| format!("ip route 10.0.{number}.0/24 Null0")).collect();
        let mut report = json!({"foreignLines": 70, "foreign": lines, "passedAt": "b", "readAt": "b"});
        let page = for_people(&report);
        let listed = "foreign   70 lines of FRR's are none of ours\n  ip route 10.0.0.0/24 Null0\n";
        assert!(page.contains(listed), "{page}");
        assert!(page.contains("  ip route 10.0.19.0/24 Null0\n  and 50 more\n"), "{page}");
        report["readAt"] = "a".into();
        report["drift"] = json!(["- bgpd / x"]);
        let page = for_people(&report);
        assert!(page.contains("none of ours, when FRR could last be read: a\n"), "{page}");
        assert!(page.contains("drift, when FRR could last be read: a\n  - bgpd / x\n"), "{page}");
    }
}
