//! The executable `frrk8s`.

use std::process::ExitCode;

fn main() -> ExitCode {
    frrk8s_cli::main()
}
