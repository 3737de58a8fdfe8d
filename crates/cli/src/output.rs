//! Where things are printed, and how a command ends.

use std::io::{self, IsTerminal, Write};

use frrk8s_intake::Input;
use frrk8s_model::{Severity, shown_up_to};

use crate::args::Color;
use crate::diagnostic::{Diagnostic, has_errors, masked_sources};
use crate::print::{self, Style};

/// How a command ended, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is in order.
    Fine = 0,
    /// The input has invalid or conflicting objects.
    Findings = 3,
}

impl Exit {
    /// The exit of a command whose input has these findings.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        if has_errors(diagnostics) { Self::Findings } else { Self::Fine }
    }
}

/// Results go to standard output, words for people to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    color: Color,
}

impl Output {
    /// Output with colours as they are asked for.
    pub fn new(color: Color) -> Self {
        Self { color }
    }

    fn style(self, terminal: bool) -> Style {
        let wanted = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        if wanted { Style::Coloured } else { Style::Plain }
    }

    /// Prints a result. A reader that has gone away is no error.
    pub fn result(text: &str) -> io::Result<()> {
        match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Says something to people, in one line.
    pub fn note(text: &str) {
        const CHARS_MAX: usize = 2000;
        // Where even that fails, there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{}", shown_up_to(text, CHARS_MAX));
    }

    /// Prints findings as the result of a command.
    pub fn report(self, diagnostics: &[Diagnostic], input: &Input) -> io::Result<()> {
        let style = self.style(io::stdout().is_terminal());
        Self::result(&print::text(diagnostics, input, &masked_sources(input), style))
    }

    /// Prints errors and warnings beside the result of a command. What is only worth knowing is for `check`.
    pub fn findings(self, diagnostics: &[Diagnostic], input: &Input) {
        let weighty = |diagnostic: &&Diagnostic| diagnostic.finding.severity != Severity::Info;
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().filter(weighty).cloned().collect();
        let style = self.style(io::stderr().is_terminal());
        let text = print::text(&diagnostics, input, &masked_sources(input), style);
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
