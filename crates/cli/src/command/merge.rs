//! `frrk8s merge`

use super::{CommandError, Loaded, planned};
use crate::args::{DataFormat, MergeArgs};
use crate::inventory::SecretsSeen;
use crate::output::{Exit, Output};
use crate::view;

pub fn run(args: &MergeArgs, output: Output) -> Result<Exit, CommandError> {
    let loaded = Loaded::new(&args.input, SecretsSeen::Required)?;
    let (node, input, left_out) = loaded.node(&args.node)?;
    let plan = planned(&input)?;
    let diagnostics = loaded.diagnose(&plan, &node);
    loaded.say_notes(&node, left_out);
    output.findings(&diagnostics, &loaded.input);
    if let Some(outcome) = &plan.outcome {
        let merged = view::merged(outcome, &input.facts, node.name.as_deref());
        Output::result(&match args.output {
            DataFormat::Json => format!("{merged:#}\n"),
            DataFormat::Yaml => serde_saphyr::to_string(&merged)?,
        })?;
    } else {
        Output::note("nothing is merged: with --conflict-policy=quarantine, what is in order would be");
    }
    Ok(Exit::of(&diagnostics))
}
