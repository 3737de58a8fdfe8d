//! `frrk8s render`

use frrk8s_document::{Dialect, Text, Version};

use frrk8s_intake::{SecretsSeen, read_file};
use frrk8s_plan::plan;

use super::{CommandError, Loaded};
use crate::args::RenderArgs;
use crate::output::{Exit, Output};

/// The version whose dialect is taken where a running configuration does not say its own.
const VERSION_DEFAULT: Version = Version { major: 10, minor: 0 };

pub fn run(args: &RenderArgs, output: Output) -> Result<Exit, CommandError> {
    let loaded = Loaded::new(&args.input, SecretsSeen::Required)?;
    let (target, mut input) = loaded.node(&args.node.terms())?;
    let running = match &args.against {
        Some(path) => {
            let bytes =
                read_file(path).map_err(|error| CommandError::Running { path: path.clone(), error })?;
            // Only names and numbers are kept from it: a description in another encoding does not matter.
            let text = String::from_utf8_lossy(&bytes);
            input.version = Version::of(&text);
            let dialect = Dialect::new(input.version.unwrap_or(VERSION_DEFAULT));
            Some(dialect.read(&Text::parse(&text)))
        }
        None => None,
    };
    input.running = running.as_ref();
    let plan = plan(&input);
    let diagnostics = loaded.diagnose(&plan, &target);
    loaded.say_notes(&target);
    output.findings(&diagnostics, &loaded.input);
    if let Some(outcome) = &plan.outcome {
        let text = outcome.print();
        Output::result(&if args.mask_secrets { masked(&text) } else { text })?;
    } else {
        Output::note("nothing is rendered: with --conflict-policy=quarantine, what is in order would be");
    }
    Ok(Exit::of(&diagnostics))
}

/// The text with `***` in place of every password, those of raw snippets included.
pub fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.lines() {
        masked.push_str(&frrk8s_model::masked(line));
        masked.push('\n');
    }
    masked
}
