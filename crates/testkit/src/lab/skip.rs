use std::io::{self, Write as _};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use super::install::{FrrInstall, FrrVersion};
use super::process::output_of;

/// The environment variable that turns a missing lab from a skip into a failure; CI sets it to `1`.
pub const REQUIRE_LAB: &str = "FRRK8S_REQUIRE_LAB";

/// Why this machine cannot run the lab at all; nothing if it can, with at least one version of FRR.
pub fn skip_reason() -> Option<String> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    REASON
        .get_or_init(|| {
            no_namespaces().or_else(|| {
                let missing: Vec<String> = FrrVersion::ALL.into_iter().filter_map(missing).collect();
                (missing.len() == FrrVersion::ALL.len()).then(|| missing.join("; "))
            })
        })
        .clone()
}

/// The versions of FRR to test with, oldest first. For each that this machine cannot run, one visible line
/// `SKIPPED: why`.
///
/// # Panics
///
/// If one is missing and [`REQUIRE_LAB`] is `1`.
pub fn installs() -> Vec<FrrInstall> {
    if let Some(why) = no_namespaces() {
        skip(&why);
        return Vec::new();
    }
    let mut installs = Vec::new();
    for version in FrrVersion::ALL {
        match FrrInstall::find(version) {
            Ok(install) => installs.push(install),
            Err(error) => skip(&error.to_string()),
        }
    }
    installs
}

/// Whether there is a BIRD 2 to test with; if not, one visible line `SKIPPED: why`.
///
/// # Panics
///
/// If it is missing and [`REQUIRE_LAB`] is `1`.
pub fn bird_installed() -> bool {
    let found = output_of(Command::new("bird").arg("--version")).is_ok();
    if !found {
        skip("no bird; run hack/install-frr bird");
    }
    found
}

fn skip(why: &str) {
    skip_or_fail(REQUIRE_LAB, why);
}

/// One visible line `SKIPPED: why`, or a panic if the environment variable `require` is `1`.
pub(crate) fn skip_or_fail(require: &str, why: &str) {
    assert!(!env::var(require).is_ok_and(|value| value == "1"), "{require}=1, but {why}");
    // Not eprintln!: the test harness keeps that to itself when a test passes.
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}

fn missing(version: FrrVersion) -> Option<String> {
    FrrInstall::find(version).err().map(|error| error.to_string())
}

fn no_namespaces() -> Option<String> {
    if !is_root() {
        return Some("the FRR lab needs root".to_owned());
    }
    output_of(Command::new("unshare").args(["--net", "true"]))
        .err()
        .map(|error| format!("the FRR lab needs network namespaces: {error}"))
}

/// std does not tell the user; the kernel does.
fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|uids| uids.split_whitespace().nth(1))
            .is_some_and(|effective| effective == "0")
    })
}
