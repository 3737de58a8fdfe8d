//! The API server that the stages of a process share, and a client of it that is cheap enough to be asked often.

use std::sync::OnceLock;

use frrk8s_api::k8s::ResourceExt as _;
use frrk8s_api::{FRRConfiguration, FRRNodeState, FRRNodeStateStatus};
use frrk8s_testkit::cluster::Cluster;
use kube::api::{Api, DeleteParams, Patch, PatchParams, ValidationDirective};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::{Builder, Runtime};

use crate::cluster_lab;

/// The cluster, with our kinds; `None`, and a line that says so, where this machine has no API server.
pub fn ground() -> Option<&'static Cluster> {
    static GROUND: OnceLock<Option<Cluster>> = OnceLock::new();
    GROUND.get_or_init(cluster_lab::cluster).as_ref()
}

/// Somebody who may do everything.
pub struct ApiClient {
    runtime: Runtime,
    client: Client,
    namespace: String,
}

impl ApiClient {
    /// For the objects of a namespace.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
        let client = runtime.block_on(async {
            let options = KubeConfigOptions::default();
            Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()).unwrap()
        });
        Self { runtime, client, namespace: namespace.to_owned() }
    }

    fn configurations(&self) -> Api<FRRConfiguration> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Writes an object as a whole.
    pub fn apply(&self, object: &FRRConfiguration) {
        let mut strict = PatchParams::apply("somebody").force();
        strict.field_validation = Some(ValidationDirective::Strict);
        let patch = Patch::Apply(object);
        let api = self.configurations();
        self.runtime.block_on(api.patch(&object.name_any(), &strict, &patch)).unwrap();
    }

    /// Deletes an object.
    pub fn delete(&self, name: &str) {
        let api = self.configurations();
        self.runtime.block_on(api.delete(name, &DeleteParams::default())).unwrap();
    }

    /// What a node says of itself; nothing as long as it says nothing.
    pub fn node_state(&self, node: &str) -> FRRNodeStateStatus {
        let api: Api<FRRNodeState> = Api::all(self.client.clone());
        let state = self.runtime.block_on(api.get_opt(node)).unwrap();
        state.and_then(|state| state.status).unwrap_or_default()
    }
}
