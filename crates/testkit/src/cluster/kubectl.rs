use std::path::Path;
use std::process::Command;

use super::control_plane::Cluster;
use super::tools::repository;
use crate::lab::{LabError, output_of, output_of_fed};

/// Longer than any single request may take; `kubectl wait` makes several.
const REQUEST_LIMIT: &str = "--request-timeout=60s";

/// What a service account's token is bound to: with the object it goes, and it names the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundTo<'a> {
    /// Nothing but the service account.
    Nothing,
    /// A pod of the same namespace and service account; on a node, the token names both.
    Pod(&'a str),
    /// A node, which the token names.
    Node(&'a str),
}

impl Cluster {
    /// Runs the cluster's kubectl as the administrator to its end; what it wrote to its standard output. The error
    /// holds what it said instead.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, LabError> {
        self.kubectl_as(self.kubeconfig(), arguments)
    }

    /// The same as the user of a kubeconfig; [`Cluster::kubeconfig_for`] writes one.
    pub fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<String, LabError> {
        output_of(self.kubectl_command(kubeconfig).args(arguments))
    }

    fn kubectl_command(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(self.tools.kubectl());
        command.arg(REQUEST_LIMIT).arg("--kubeconfig").arg(kubeconfig);
        // Nothing of the machine's own configuration, and nothing left behind in the home directory.
        command.env("KUBECACHEDIR", self.directory.path().join("kubectl-cache"));
        command.env("KUBERC", "off").env_remove("KUBECONFIG");
        command
    }

    /// Applies a text of one or several objects by server-side apply; what kubectl said.
    pub fn apply_yaml(&self, text: &str) -> Result<String, LabError> {
        let mut command = self.kubectl_command(self.kubeconfig());
        command.args(["apply", "--server-side", "--filename=-"]);
        output_of_fed(&mut command, text)
    }

    /// Applies a file, or the files of a directory, by server-side apply; what kubectl said.
    pub fn apply(&self, path: &Path) -> Result<String, LabError> {
        let path = path.to_string_lossy();
        self.kubectl(&["apply", "--server-side", "--filename", &path])
    }

    /// Applies `manifests/crds`, and waits until the API server serves the kinds.
    pub fn install_crds(&self) -> Result<(), LabError> {
        let crds = repository().join("manifests/crds");
        self.apply(&crds)?;
        let crds = crds.to_string_lossy();
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "--filename", &crds]).map(drop)
    }

    /// A token of a service account that exists, good for an hour (`TokenRequest`).
    pub fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        bound_to: BoundTo<'_>,
    ) -> Result<String, LabError> {
        let object = match bound_to {
            BoundTo::Nothing => None,
            BoundTo::Pod(pod) => Some(("Pod", pod)),
            BoundTo::Node(node) => Some(("Node", node)),
        };
        let mut arguments = vec!["create", "token", "--namespace", namespace, name];
        if let Some((kind, object)) = object {
            arguments.extend(["--bound-object-kind", kind, "--bound-object-name", object]);
        }
        self.kubectl(&arguments).map(|token| token.trim_end().to_owned())
    }
}
