use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{LabError, output_of, skip_or_fail};

/// The environment variable that turns a missing cluster from a skip into a failure; CI sets it to `1`.
pub const REQUIRE_CLUSTER: &str = "FRRK8S_REQUIRE_CLUSTER";

/// The programs of a cluster on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTools {
    directory: PathBuf,
}

/// The tools to test with. Where this machine does not have them, one visible line `SKIPPED: why`.
///
/// # Panics
///
/// If they are missing and [`REQUIRE_CLUSTER`] is `1`.
pub fn tools() -> Option<ClusterTools> {
    ClusterTools::find().map_err(|error| skip_or_fail(REQUIRE_CLUSTER, &error.to_string())).ok()
}

impl ClusterTools {
    /// Asks `hack/install-cluster`, which puts them there, and knows `KUBEBUILDER_ASSETS`.
    pub fn find() -> Result<Self, LabError> {
        let script = repository().join("hack/install-cluster");
        let said = output_of(Command::new(script).arg("where"))
            .map_err(|error| LabError::NoCluster { why: error.to_string() })?;
        let tools = Self { directory: PathBuf::from(said.trim_end()) };
        for program in [tools.etcd(), tools.kube_apiserver(), tools.kubectl()] {
            if !program.is_file() {
                return Err(LabError::NoCluster { why: format!("{} is missing", program.display()) });
            }
        }
        Ok(tools)
    }

    /// Whether there is a controller manager: envtest's own assets have none. If not, one visible line `SKIPPED: why`.
    ///
    /// # Panics
    ///
    /// If it is missing and [`REQUIRE_CLUSTER`] is `1`.
    pub fn have_controller_manager(&self) -> bool {
        let found = self.kube_controller_manager().is_file();
        if !found {
            skip_or_fail(
                REQUIRE_CLUSTER,
                &format!("no kube-controller-manager in {}", self.directory.display()),
            );
        }
        found
    }

    /// The program kubectl, of the API server's own version where `make e2e-tools` built both.
    pub fn kubectl(&self) -> PathBuf {
        self.directory.join("kubectl")
    }

    /// What `kubectl kustomize` makes of a directory. It asks no API server.
    pub fn kustomize(&self, directory: &Path) -> Result<String, LabError> {
        output_of(Command::new(self.kubectl()).arg("kustomize").arg(directory))
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.directory.join("etcd")
    }

    pub(super) fn kube_apiserver(&self) -> PathBuf {
        self.directory.join("kube-apiserver")
    }

    pub(super) fn kube_controller_manager(&self) -> PathBuf {
        self.directory.join("kube-controller-manager")
    }
}

/// The root of the sources.
pub(super) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
