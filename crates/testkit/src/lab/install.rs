use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt};

use super::error::LabError;
use super::process::output_of;

/// A version of FRR that the lab knows how to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrrVersion {
    /// 8.4.x, the host's own package on Debian 12.
    V8_4,
    /// 10.3.x, unpacked by `hack/install-frr`.
    V10_3,
}

impl FrrVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 2] = [Self::V8_4, Self::V10_3];

    const fn text(self) -> &'static str {
        match self {
            Self::V8_4 => "8.4",
            Self::V10_3 => "10.3",
        }
    }

    /// Whether mgmtd owns lists, static routes and zebra's configuration (10.x).
    pub const fn has_mgmtd(self) -> bool {
        matches!(self, Self::V10_3)
    }
}

impl fmt::Display for FrrVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

/// A daemon, in the order in which they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Daemon {
    /// The management daemon; 10.x only.
    Mgmtd,
    /// Interfaces, routes and VRFs.
    Zebra,
    /// Static routes.
    Staticd,
    /// BFD.
    Bfdd,
    /// BGP.
    Bgpd,
}

impl Daemon {
    /// Every daemon, in starting order.
    pub const ALL: [Self; 5] = [Self::Mgmtd, Self::Zebra, Self::Staticd, Self::Bfdd, Self::Bgpd];

    /// The name of its program, socket and pid file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mgmtd => "mgmtd",
            Self::Zebra => "zebra",
            Self::Staticd => "staticd",
            Self::Bfdd => "bfdd",
            Self::Bgpd => "bgpd",
        }
    }
}

impl fmt::Display for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One version of FRR on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrrInstall {
    version: FrrVersion,
    release: String,
    daemons: PathBuf,
    vtysh: PathBuf,
    reload_script: PathBuf,
}

impl FrrInstall {
    /// Looks where `hack/install-frr` puts the version, and asks bgpd whether it is that one.
    pub fn find(version: FrrVersion) -> Result<Self, LabError> {
        let mut found = match version {
            FrrVersion::V8_4 => Self::of_the_host(),
            FrrVersion::V10_3 => Self::unpacked(&cache_directory()?.join("frr-10.3")),
        };
        let not_installed = |why| LabError::NotInstalled { version, directory: found.daemons.clone(), why };
        let said = output_of(Command::new(found.program(Daemon::Bgpd)).arg("--version"))
            .map_err(|error| not_installed(error.to_string()))?;
        // "bgpd version 8.4.4", behind the program's whole path where it is started through its own ld.so.
        let release = said.lines().next().and_then(|line| line.split(" version ").nth(1)).unwrap_or_default();
        if !release.starts_with(version.text()) {
            return Err(not_installed(format!("bgpd says `{release}`")));
        }
        release.clone_into(&mut found.release);
        Ok(found)
    }

    /// The versions that are on this machine, oldest first.
    pub fn all_available() -> Vec<Self> {
        FrrVersion::ALL.into_iter().filter_map(|version| Self::find(version).ok()).collect()
    }

    fn of_the_host() -> Self {
        Self {
            version: FrrVersion::V8_4,
            release: String::new(),
            daemons: PathBuf::from("/usr/lib/frr"),
            vtysh: PathBuf::from("/usr/bin/vtysh"),
            reload_script: PathBuf::from("/usr/lib/frr/frr-reload.py"),
        }
    }

    /// `bin/` holds a wrapper a program, which starts it through the unpacked ld.so.
    fn unpacked(directory: &Path) -> Self {
        Self {
            version: FrrVersion::V10_3,
            release: String::new(),
            daemons: directory.join("bin"),
            vtysh: directory.join("bin/vtysh"),
            reload_script: directory.join("root/usr/lib/frr/frr-reload.py"),
        }
    }

    /// The version.
    pub fn version(&self) -> FrrVersion {
        self.version
    }

    /// The exact release, as bgpd tells it: `8.4.4`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The program of a daemon.
    pub fn program(&self, daemon: Daemon) -> PathBuf {
        self.daemons.join(daemon.name())
    }

    /// The program vtysh; its directory is what `frr-reload.py --bindir` wants.
    pub fn vtysh(&self) -> &Path {
        &self.vtysh
    }

    /// The standard tool of this version, to compare with: a script for the host's python3.
    pub fn reload_script(&self) -> &Path {
        &self.reload_script
    }
}

/// As in `hack/install-frr`.
fn cache_directory() -> Result<PathBuf, LabError> {
    let set = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    set("FRRK8S_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("frrk8s")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/frrk8s")))
        .ok_or_else(|| LabError::NotInstalled {
            version: FrrVersion::V10_3,
            directory: PathBuf::new(),
            why: "none of FRRK8S_CACHE, XDG_CACHE_HOME and HOME is set".to_owned(),
        })
}
