//! Real FRR daemons in network namespaces, for tests, benchmarks and the demo.
//!
//! ```text
//! FrrInstall ──┐
//! Namespace ───┴─► Router ──► configure, load, show_json, bgp_table, established …
//!                    ▲
//! Pair, Lan ─────────┘  routers already joined by links with IPv4 and IPv6 addresses
//! ```
//!
//! ```no_run
//! use frrk8s_testkit::lab::{self, Pair, SESSION_LIMIT};
//!
//! # fn main() -> Result<(), lab::LabError> {
//! for frr in lab::installs() {
//!     let pair = Pair::start(&frr, &frr)?;
//!     pair.a.router.load("router bgp 64512\n neighbor 192.0.2.2 remote-as 64513\n")?;
//!     pair.b.router.load("router bgp 64513\n neighbor 192.0.2.1 remote-as 64512\n")?;
//!     pair.a.router.wait_established("192.0.2.2", None, SESSION_LIMIT)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//! * Every name that leaves the process (namespace, directory, FRR's pathspace) begins with `fk8s-<pid>-`. A value
//!   that is dropped removes what it made; what a killed test left behind is swept by the next process that
//!   starts a lab.
//! * Only processes that the lab started are ever signalled.
//! * Nothing waits without a limit, and nothing sleeps for luck: [`wait_until`] polls a condition.
//! * Values kept in a `static` are never dropped. Keep a lab in the test that uses it.
//!
//! What a test should know of FRR: after a batch with a route map in it, bgpd holds *new* sessions back for the
//! `bgp route-map delay-timer`, 5 s by default (measured on 8.4.4 and 10.3: up after 4.0 s, otherwise 1.0 s). Let
//! the peers of a test begin their configuration with `bgp route-map delay-timer 1`.

mod bgp;
mod bird;
mod error;
mod install;
mod namespace;
mod process;
mod router;
mod skip;
mod sweep;
mod topology;
mod vty;
mod wait;

pub use bgp::{BgpTable, Family, Path};
pub use bird::Bird;
pub use error::LabError;
pub use install::{Daemon, FrrInstall, FrrVersion};
pub use namespace::Namespace;
pub(crate) use process::{output_of, output_of_fed};
pub use router::{Router, RouterOptions};
pub(crate) use skip::skip_or_fail;
pub use skip::{REQUIRE_LAB, bird_installed, installs, skip_reason};
pub(crate) use sweep::unique_name;
pub use topology::{Host, Lan, Node, Pair};
pub use vty::{Refused, Reply, VtySocket};
pub use wait::{SESSION_LIMIT, wait_until};
