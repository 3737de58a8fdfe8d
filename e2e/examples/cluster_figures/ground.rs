//! A cluster with a client of it, and a record of who asked what.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};

use frrk8s_api::FRRConfiguration;
use frrk8s_manifest::{Object, read};
use frrk8s_testkit::cluster::{self, BoundTo, Cluster, ClusterOptions};
use frrk8s_testkit::lab::LabError;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub const NAMESPACE: &str = "frr-k8s-system";
/// Who the agents are.
const ACCOUNT: &str = "agent";
/// How many requests of ours are under way at the same time.
const AT_ONCE: usize = 32;
const POLICY: &str =
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n";

pub struct Ground {
    pub cluster: Cluster,
    runtime: Runtime,
    client: Client,
    audit: PathBuf,
    _directory: TempDir,
}

/// A request, as the API server noted it.
pub struct Request {
    pub verb: String,
    pub resource: String,
    pub code: u64,
    pub stage: String,
}

impl Ground {
    /// `None` where this machine has no API server.
    pub fn start(nodes: usize) -> Result<Option<Self>, LabError> {
        let Some(tools) = cluster::tools() else { return Ok(None) };
        let directory = TempDir::new().unwrap();
        let (policy, audit) = (directory.path().join("policy.yaml"), directory.path().join("audit.log"));
        fs::write(&policy, POLICY).unwrap();
        let arguments = [
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", audit.display()),
        ];
        let options =
            ClusterOptions { api_server_arguments: arguments.to_vec(), ..ClusterOptions::default() };
        let cluster = Cluster::start(&tools, &options)?;
        cluster.install_crds()?;
        let node = |number| {
            format!(
                "---\napiVersion: v1\nkind: Node\nmetadata: {{name: n{number}, labels: {{kubernetes.io/hostname: n{number}}}}}\n"
            )
        };
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n");
        let objects: String = std::iter::once(namespace).chain((1..=nodes).map(node)).collect();
        cluster.apply_yaml(&objects)?;
        cluster.apply_yaml(&format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {ACCOUNT}, namespace: {NAMESPACE}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: agents}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\n\
             subjects: [{{kind: ServiceAccount, name: {ACCOUNT}, namespace: {NAMESPACE}}}]\n"
        ))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(client(cluster.kubeconfig()));
        Ok(Some(Self { cluster, runtime, client, audit, _directory: directory }))
    }

    /// The kubeconfig of the agents.
    pub fn agents(&self) -> Result<PathBuf, LabError> {
        let token = self.cluster.service_account_token(NAMESPACE, ACCOUNT, BoundTo::Nothing)?;
        self.cluster.kubeconfig_for(ACCOUNT, &token)
    }

    /// Writes objects, in no order.
    pub fn put(&self, objects: Vec<FRRConfiguration>) {
        self.runtime.block_on(self.put_all(objects));
    }

    async fn put_all(&self, objects: Vec<FRRConfiguration>) {
        let mut under_way = JoinSet::new();
        for object in objects {
            if under_way.len() == AT_ONCE {
                under_way.join_next().await;
            }
            let api: Api<FRRConfiguration> = Api::namespaced(self.client.clone(), NAMESPACE);
            under_way.spawn(async move {
                let name = object.metadata.name.clone().unwrap();
                let patch = kube::api::Patch::Apply(&object);
                api.patch(&name, &kube::api::PatchParams::apply("figures").force(), &patch).await.unwrap();
            });
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Runs something beside which time passes.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// What the agents asked since a place in the record, and where it ends now.
    pub fn requests_since(&self, place: usize) -> (Vec<Request>, usize) {
        let text = fs::read_to_string(&self.audit).unwrap_or_default();
        let user = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
        let lines = text.get(place..).unwrap_or_default().lines();
        let requests = lines.filter_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (event["user"]["username"] == user.as_str()).then(|| Request {
                verb: word(&event["verb"]),
                resource: word(&event["objectRef"]["resource"]),
                code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
                stage: word(&event["stage"]),
            })
        });
        (requests.collect(), text.len())
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// The object of a text, as the API takes it.
pub fn configuration(yaml: &str) -> FRRConfiguration {
    let manifest = read(yaml).unwrap().pop().unwrap();
    let Object::Configuration(mut object) = manifest.object else { panic!("no configuration: {yaml}") };
    object.metadata.namespace = Some(NAMESPACE.to_owned());
    *object
}
