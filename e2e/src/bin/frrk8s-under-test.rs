//! The executable `frrk8s`, where the tests of this package find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    frrk8s_cli::main()
}
