//! `frrk8s check`

use super::{CommandError, Loaded, planned};
use crate::args::{CheckArgs, ReportFormat};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::SecretsSeen;
use crate::output::{Exit, Output};
use crate::print;
use frrk8s_model::Severity;

pub fn run(args: &CheckArgs, output: Output) -> Result<Exit, CommandError> {
    // A review of files does not see the Secrets of the cluster.
    let loaded = Loaded::new(&args.input, SecretsSeen::Assumed)?;
    let mut diagnostics = Diagnostics::new(&loaded.input, &loaded.inventory);
    let nodes = loaded.inventory.nodes(&args.node);
    let mut left_out_everywhere = usize::MAX;
    for node in &nodes {
        let (input, left_out) = loaded.inventory.input_of(node, &args.node);
        left_out_everywhere = left_out_everywhere.min(left_out);
        for finding in planned(&input)?.findings {
            diagnostics.add(finding, node.name.as_deref());
        }
    }
    let diagnostics = diagnostics.finish();
    for note in &loaded.inventory.notes {
        Output::note(&format!("note: {note}"));
    }
    if let ([node], true) = (nodes.as_slice(), left_out_everywhere > 0) {
        let count = left_out_everywhere;
        Output::note(&format!(
            "note: {count} of {} objects do not select {}: they are checked one by one, not together with others",
            loaded.inventory.configurations.len(),
            node.title()
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
