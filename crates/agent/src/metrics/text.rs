//! Prometheus' text format 0.0.4. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

/// What the answer is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only goes up.
    Counter,
}

/// The two labels that each of upstream's figures of sessions has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    pub peer: String,
    pub vrf: String,
}

/// Writes a figure with its samples; nothing where there are none.
pub fn figure(page: &mut String, (name, kind, help): (&str, Kind, &str), samples: &BTreeMap<&Session, u64>) {
    if samples.is_empty() {
        return;
    }
    let kind = match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (Session { peer, vrf }, value) in samples {
        let (peer, vrf) = (escaped(peer), escaped(vrf));
        let _ = writeln!(page, "{name}{{peer=\"{peer}\",vrf=\"{vrf}\"}} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A text of `OpenMetrics` in this format: there a counter is named without `_total`, and its samples with it.
pub fn plain(open_metrics: &str) -> String {
    let mut counters: Vec<&str> = Vec::new();
    for line in open_metrics.lines() {
        if let Some((name, "counter")) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            counters.push(name);
        }
    }
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF"), None, None) | (Some("#"), Some("UNIT"), ..) => {}
            (Some("#"), Some(about), Some(name), Some(rest)) if counters.contains(&name) => {
                let _ = writeln!(text, "# {about} {name}_total {rest}");
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_no_samples_are_no_figure() {
        let session = Session { peer: "a\"b\\c\nd".to_owned(), vrf: "default".to_owned() };
        let mut page = String::new();
        figure(&mut page, ("x", Kind::Counter, "X."), &BTreeMap::new());
        assert_eq!(page, "");
        figure(&mut page, ("x", Kind::Counter, "X."), &[(&session, 3)].into());
        let expected = "# HELP x X.\n# TYPE x counter\nx{peer=\"a\\\"b\\\\c\\nd\",vrf=\"default\"} 3\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn a_counter_has_one_name_in_this_format() {
        let open = "# HELP frrk8s_passes Passes.\n# TYPE frrk8s_passes counter\nfrrk8s_passes_total{outcome=\"x\"} 1\n\
                    # HELP frrk8s_drift Lines.\n# TYPE frrk8s_drift gauge\nfrrk8s_drift 0\n# EOF\n";
        let expected = "# HELP frrk8s_passes_total Passes.\n# TYPE frrk8s_passes_total counter\n\
                        frrk8s_passes_total{outcome=\"x\"} 1\n\
                        # HELP frrk8s_drift Lines.\n# TYPE frrk8s_drift gauge\nfrrk8s_drift 0\n";
        assert_eq!(plain(open), expected);
    }
}
