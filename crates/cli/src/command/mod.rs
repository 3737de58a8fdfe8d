//! The commands, one a file.

mod agent;
mod ask;
mod check;
mod diff;
mod explain;
mod merge;
mod render;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use frrk8s_intake::{Input, InputError, Inventory, InventoryError, NodeView, SecretsSeen, Terms};
use frrk8s_model::ObjectId;
use frrk8s_plan::{NodeInput, Plan};

pub use render::masked;

use crate::args::{Arguments, Command, InputArgs};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::output::{Exit, Output};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The input cannot be had.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The input is not enough.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The agent cannot run.
    #[error(transparent)]
    Agent(#[from] frrk8s_agent::RunError),
    /// No agent answers, or it refuses.
    #[error(transparent)]
    Ask(#[from] ask::AskError),
    /// The running configuration cannot be read.
    #[error("cannot read the running configuration {}: {error}", .path.display())]
    Running {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was asked about cannot be understood.
    #[error("{0}")]
    Question(String),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[from] io::Error),
    /// The result cannot be put into its format.
    #[error("cannot write the result as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Does what the command line says.
pub fn run(
    arguments: Arguments,
    completions: impl FnOnce(clap_complete::Shell) -> Vec<u8>,
) -> Result<Exit, CommandError> {
    let output = Output::new(arguments.color);
    match arguments.command {
        Command::Render(args) => render::run(&args, output),
        Command::Merge(args) => merge::run(&args, output),
        Command::Check(args) => check::run(&args, output),
        Command::Diff(args) => diff::run(&args),
        Command::Explain(args) => explain::run(&args, output),
        Command::Agent(args) => agent::run(&args),
        Command::Status(args) => ask::status(&args),
        Command::Pause(args) => ask::pause(&args),
        Command::Resume(args) => ask::resume(&args),
        Command::Crds => {
            Output::result(&frrk8s_api::crds_yaml())?;
            Ok(Exit::Fine)
        }
        Command::Completions { shell } => {
            Output::result(&String::from_utf8_lossy(&completions(shell)))?;
            Ok(Exit::Fine)
        }
    }
}

/// The node of a command.
struct Target<'a> {
    node: NodeView,
    /// The objects that do not select it.
    left_out: BTreeSet<&'a ObjectId>,
}

/// The objects of a command.
struct Loaded {
    input: Input,
    inventory: Inventory,
}

impl Loaded {
    fn new(args: &InputArgs, seen: SecretsSeen) -> Result<Self, CommandError> {
        let input = Input::read(&args.paths)?;
        let inventory = Inventory::new(&input, args.namespace.as_deref(), seen)?;
        Ok(Self { input, inventory })
    }

    /// The one node of a command, and what it is to run.
    fn node<'a>(&'a self, terms: &Terms) -> Result<(Target<'a>, NodeInput<'a>), CommandError> {
        let node = self.inventory.node(terms)?;
        let (mut input, left_out) = self.inventory.input_of(&node, terms);
        self.inventory.hold_back(&mut input);
        Ok((Target { node, left_out }, input))
    }

    /// Everything that is wrong, for one node.
    fn diagnose(&self, plan: &Plan<'_>, target: &Target<'_>) -> Vec<Diagnostic> {
        let mut diagnostics = Diagnostics::new(&self.input, &self.inventory, &target.left_out);
        for finding in &plan.findings {
            diagnostics.add(finding.clone(), target.node.name.as_deref());
        }
        diagnostics.finish()
    }

    /// Says what people should know about the input as a whole.
    fn say_notes(&self, target: &Target<'_>) {
        for note in &self.inventory.notes {
            Output::note(&format!("note: {note}"));
        }
        let left_out = target.left_out.len();
        if left_out > 0 {
            let objects = if left_out == 1 { "object does" } else { "objects do" };
            Output::note(&format!("note: {left_out} {objects} not select {}", target.node.title()));
        }
    }
}
