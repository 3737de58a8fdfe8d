//! `frrk8s check`

use std::collections::BTreeSet;

use frrk8s_intake::SecretsSeen;
use frrk8s_model::{ObjectId, Severity};
use frrk8s_plan::plan;

use super::{CommandError, Loaded};
use crate::args::{CheckArgs, ReportFormat};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::output::{Exit, Output};
use crate::print;

pub fn run(args: &CheckArgs, output: Output) -> Result<Exit, CommandError> {
    // A review of files does not see the Secrets of the cluster.
    let loaded = Loaded::new(&args.input, SecretsSeen::Assumed)?;
    let mut diagnostics = Diagnostics::new(&loaded.input, &loaded.inventory, &BTreeSet::new());
    let terms = args.node.terms();
    let nodes = loaded.inventory.nodes(&terms);
    let mut left_out_everywhere: Option<BTreeSet<&ObjectId>> = None;
    for node in &nodes {
        let (input, left_out) = loaded.inventory.input_of(node, &terms);
        left_out_everywhere = Some(match left_out_everywhere {
            Some(before) => before.intersection(&left_out).copied().collect(),
            None => left_out,
        });
        for finding in plan(&input).findings {
            diagnostics.add(finding, node.name.as_deref());
        }
    }
    let diagnostics = diagnostics.finish();
    for note in &loaded.inventory.notes {
        Output::note(&format!("note: {note}"));
    }
    let count = left_out_everywhere.map_or(0, |left_out| left_out.len());
    if count > 0 {
        let whom = match nodes.as_slice() {
            [node] => node.title(),
            nodes => format!("any of {} nodes", nodes.len()),
        };
        Output::note(&format!(
            "note: {count} of {} objects do not select {whom}: they are checked one by one, not together with others",
            loaded.inventory.configurations.len(),
        ));
    }
    match args.output {
        ReportFormat::Text => {
            output.report(&diagnostics, &loaded.input)?;
            Output::result(&summary(&diagnostics, loaded.inventory.configurations.len(), nodes.len()))?;
        }
        ReportFormat::Json => print_json(&print::json(&diagnostics, &loaded.input))?,
        ReportFormat::Sarif => print_json(&print::sarif(&diagnostics, &loaded.input))?,
    }
    Ok(Exit::of(&diagnostics))
}

fn print_json(value: &serde_json::Value) -> Result<(), CommandError> {
    Output::result(&format!("{value:#}\n"))?;
    Ok(())
}

fn summary(diagnostics: &[Diagnostic], objects: usize, nodes: usize) -> String {
    let count = |severity| {
        let same = diagnostics.iter().filter(|diagnostic| diagnostic.finding.severity == severity);
        same.count()
    };
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!(
        "{} on {}: {}, {}, {}\n",
        plural(objects, "object"),
        plural(nodes, "node"),
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning"),
        plural(count(Severity::Info), "info"),
    )
}
