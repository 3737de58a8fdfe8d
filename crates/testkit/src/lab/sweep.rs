//! Names that tell whose they are, and the removal of what dead test processes left behind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use super::install::Daemon;
use super::process::{output_of, signal};

const PREFIX: &str = "fk8s-";

/// Where `ip netns` keeps its namespaces.
pub(super) const NAMESPACES: &str = "/run/netns";
/// Sockets, pids and logs of a pathspace.
pub(super) const FRR_RUN: &str = "/run/frr";
/// Configuration of a pathspace.
pub(super) const FRR_ETC: &str = "/etc/frr";
/// What 10.x keeps for a pathspace, where the parent exists.
pub(super) const FRR_STATE: &str = "/var/lib/frr";
/// Every daemon leaves a directory `<daemon>.<pid>` here for its crash log.
const FRR_CRASHES: &str = "/var/tmp/frr";

/// A name that no other value of any living process has: `fk8s-<pid>-<n>-<label>`.
pub(crate) fn unique_name(label: &str) -> String {
    static SWEPT: Once = Once::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    SWEPT.call_once(sweep);
    format!("{}{}-{label}", own_prefix(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The prefix of everything that this process makes.
pub(super) fn own_prefix() -> String {
    format!("{PREFIX}{}-", process::id())
}

/// Removes the directory in which a daemon would have left its crash log.
pub(super) fn remove_crash_directory(daemon: Daemon, pid: u32) {
    // It is absent where the daemon could not make it.
    let _ = fs::remove_dir_all(Path::new(FRR_CRASHES).join(format!("{daemon}.{pid}")));
}

/// Best effort: two processes may sweep at once, and find each other's work done.
fn sweep() {
    for name in left_behind(Path::new(NAMESPACES)) {
        let inside = output_of(Command::new("ip").args(["netns", "pids", &name])).unwrap_or_default();
        let pids: Vec<u32> = inside.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        if !pids.is_empty() {
            let _ = signal("KILL", &pids);
        }
        let _ = output_of(Command::new("ip").args(["netns", "del", &name]));
    }
    for name in left_behind(Path::new(FRR_RUN)) {
        let directory = Path::new(FRR_RUN).join(&name);
        for daemon in Daemon::ALL {
            end_left_daemon(&directory, &name, daemon);
        }
    }
    for parent in [PathBuf::from(FRR_RUN), FRR_ETC.into(), FRR_STATE.into(), env::temp_dir()] {
        for name in left_behind(&parent) {
            let _ = fs::remove_dir_all(parent.join(name));
        }
    }
}

/// Kills the daemon whose pid file is in `directory`, if that process is still the pathspace's.
fn end_left_daemon(directory: &Path, pathspace: &str, daemon: Daemon) {
    let file = directory.join(format!("{daemon}.pid"));
    let Some(pid) = fs::read_to_string(file).ok().and_then(|text| text.trim().parse::<u32>().ok()) else {
        return;
    };
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if command_line.split(|byte| *byte == 0).any(|word| word == pathspace.as_bytes()) {
        let _ = signal("KILL", &[pid]);
    }
    remove_crash_directory(daemon, pid);
}

/// The entries of a directory that carry the name of a process that no longer lives.
fn left_behind(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| owner(name).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()))
        .collect()
}

fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_which_process_owns_it() {
        assert_eq!(owner(&unique_name("red")), Some(process::id()));
        assert_eq!(owner("fk8s-12-3-red"), Some(12));
        assert_eq!(owner("fk8s-red"), None);
        assert_eq!(owner("fxns"), None);
    }

    #[test]
    fn two_names_differ() {
        assert_ne!(unique_name("red"), unique_name("red"));
    }
}
