//! `frrk8s merge`

use frrk8s_intake::SecretsSeen;
use frrk8s_plan::plan;

use super::{CommandError, Loaded};
use crate::args::{DataFormat, MergeArgs};
use crate::output::{Exit, Output};
use crate::view;

pub fn run(args: &MergeArgs, output: Output) -> Result<Exit, CommandError> {
    let loaded = Loaded::new(&args.input, SecretsSeen::Required)?;
    let (target, input) = loaded.node(&args.node.terms())?;
    let plan = plan(&input);
    let diagnostics = loaded.diagnose(&plan, &target);
    loaded.say_notes(&target);
    output.findings(&diagnostics, &loaded.input);
    if let Some(outcome) = &plan.outcome {
        let merged = view::merged(outcome, &input.facts, target.node.name.as_deref());
        Output::result(&match args.output {
            DataFormat::Json => format!("{merged:#}\n"),
            DataFormat::Yaml => serde_saphyr::to_string(&merged)?,
        })?;
    } else {
        Output::note("nothing is merged: with --conflict-policy=quarantine, what is in order would be");
    }
    Ok(Exit::of(&diagnostics))
}
