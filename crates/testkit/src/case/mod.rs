//! Directory cases: objects in files, and beside them what is expected of them.
//!
//! ```text
//! <name>/*.yaml ─ Case::read ─► Case ─ judge ─► Judged ─┬─► expected.conf       what each node runs
//!        README.md (options)                             └─► expected.findings   a line each
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `*.yaml` | the objects, as the command line takes them with `-f <directory>` |
//! | `README.md` | an `--always-block` in it is an option of the node; it need not be there |
//! | `refused-by-<version>.txt` | raw lines that this version of FRR does not know, written by hand |
//! | `expected.findings` | every finding; empty where there is none |
//! | `expected.conf` | what is rendered, passwords masked; `expected.<node>.conf` where there are several nodes |
//! | `expected.quarantine.conf` | where `freeze` holds the node: what `quarantine` renders of the objects in order |
//!
//! The expected files are written anew where [`UPDATE`] is set. The rest is written by people.

mod directory;
mod expected;
mod judge;

pub use directory::{Case, Source, cases, samples};
pub use expected::{UPDATE, difference, report_line};
pub use judge::{Judged, JudgedNode, Planned, Reported};
