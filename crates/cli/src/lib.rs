//! The executable `frrk8s`: every role, every command. It is a library so that the tests against real FRR can run it.

mod args;
mod command;
mod diagnostic;
mod output;
mod print;
mod view;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::Arguments;
use output::Output;

/// The exit code of a command that failed.
const FAILED: u8 = 1;
/// The exit code of a command line that cannot be understood.
const WRONG_USAGE: u8 = 2;

/// What the executable does.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    match command::run(arguments, completions) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            Output::note(&format!("error: {:#}", anyhow::Error::from(error)));
            ExitCode::from(FAILED)
        }
    }
}

/// Help and version are results; anything else is one line that says what to do.
fn refuse(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = Output::result(&text);
            ExitCode::from(if printed.is_ok() { 0 } else { FAILED })
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Output::note("error: no command: see `frrk8s --help` for what there is");
            ExitCode::from(WRONG_USAGE)
        }
        _ => {
            let first: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let command = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
            let known = command.filter(|word| Arguments::command().find_subcommand(word).is_some());
            let help =
                known.map_or_else(|| "frrk8s --help".to_owned(), |word| format!("frrk8s {word} --help"));
            Output::note(&format!("{}; see `{help}`", first.join(" ")));
            ExitCode::from(WRONG_USAGE)
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "frrk8s", &mut script);
    script
}
