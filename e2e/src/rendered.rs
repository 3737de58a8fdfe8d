//! What the kustomizations of `manifests/` render.

use std::path::{Path, PathBuf};

use frrk8s_testkit::cluster::ClusterTools;
use frrk8s_testkit::lab::LabError;
use serde_json::Value;

/// The objects of a kustomization, in its order.
#[derive(Clone, Debug)]
pub struct Rendered(Vec<Value>);

/// A directory of `manifests/`.
pub fn manifests(room: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests").join(room)
}

impl Rendered {
    /// Of a directory.
    pub fn of(tools: &ClusterTools, directory: &Path) -> Result<Self, LabError> {
        Ok(Self(serde_saphyr::from_multiple(&tools.kustomize(directory)?).unwrap()))
    }

    /// All of them.
    pub fn objects(&self) -> &[Value] {
        &self.0
    }

    /// Those of a kind.
    pub fn kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The only one of a kind whose name begins so.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn one(&self, kind: &str, name: &str) -> &Value {
        let named = |object: &&Value| object["metadata"]["name"].as_str().unwrap().starts_with(name);
        self.kind(kind).find(named).unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The specification of the pods of a `DaemonSet`.
    pub fn pod(&self, daemon_set: &str) -> &Value {
        let exact = |object: &&Value| object["metadata"]["name"] == daemon_set;
        &self.kind("DaemonSet").find(exact).unwrap()["spec"]["template"]["spec"]
    }
}
