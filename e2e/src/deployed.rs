//! A cluster with the manifests in it: what runs as their pods, runs as on its nodes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use frrk8s_testkit::cluster::{self, BoundTo, Cluster, ClusterOptions};
use frrk8s_testkit::lab::{FrrInstall, FrrVersion, Namespace, VtySocket, installs, wait_until};
use serde_json::{Value, json};

use crate::agent::{Agent, Home, LIMIT};
use crate::pod::{Kubelet, command, container};
use crate::rendered::{Rendered, manifests};

/// The namespace of the manifests.
pub const NAMESPACE: &str = "frr-k8s-system";
/// The account of the agents.
pub const ACCOUNT: &str = "frr-k8s-daemon";

/// A cluster with `manifests/default`, and nodes with the pods of their agents.
pub struct Deployed {
    /// The cluster.
    pub cluster: Cluster,
    /// What was applied.
    pub objects: Rendered,
}

impl Deployed {
    /// Starts it, with these nodes; `None` where this machine has no API server.
    pub fn start(options: &ClusterOptions, nodes: &[&str]) -> Option<Self> {
        let tools = cluster::tools()?;
        let cluster = Cluster::start(&tools, options).unwrap();
        let directory = manifests("default");
        let shown = directory.to_string_lossy();
        cluster.kubectl(&["apply", "--server-side", "--kustomize", &shown]).unwrap();
        cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).unwrap();
        let deployed = Self { cluster, objects: Rendered::of(&tools, &directory).unwrap() };
        for node in nodes {
            deployed.add_node(node);
        }
        Some(deployed)
    }

    /// The specification of the agents' pods.
    pub fn agent_pod(&self) -> &Value {
        self.objects.pod("frr-k8s")
    }

    fn add_node(&self, node: &str) {
        let template = &self.objects.one("DaemonSet", "frr-k8s")["spec"]["template"];
        let mut spec = template["spec"].clone();
        spec["nodeName"] = json!(node);
        let metadata = json!({
            "name": format!("agent-{node}"), "namespace": NAMESPACE, "labels": template["metadata"]["labels"],
        });
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
        let labels = json!({"kubernetes.io/hostname": node});
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": labels}});
        self.cluster.apply_yaml(&node.to_string()).unwrap();
        self.cluster.apply_yaml(&pod.to_string()).unwrap();
    }

    /// The token of the agent's pod on a node.
    pub fn token(&self, node: &str) -> String {
        let pod = format!("agent-{node}");
        self.cluster.service_account_token(NAMESPACE, ACCOUNT, BoundTo::Pod(&pod)).unwrap()
    }

    /// A kubeconfig of the agent on a node, for kubectl.
    pub fn kubeconfig(&self, node: &str) -> PathBuf {
        self.cluster.kubeconfig_for(&format!("agent-{node}"), &self.token(node)).unwrap()
    }

    /// What runs pods on a node, with the token of its agent.
    pub fn kubelet(&self, node: &str, executable: &Path) -> Kubelet {
        let mut kubelet = Kubelet::new(node).with_program(executable, "/frrk8s");
        for config_map in self.objects.kind("ConfigMap") {
            kubelet.put_config_map(config_map);
        }
        kubelet.put_api_access(&self.token(node), &self.cluster.ca_certificate());
        kubelet
    }

    /// Prepares FRR's directories as the pod of FRR does before it starts.
    pub fn prepare(&self, kubelet: &Kubelet) {
        prepare(self.objects.pod("frr"), kubelet);
    }

    /// What runs the container of the agent.
    pub fn agent_executable(&self, kubelet: &Kubelet, pod: &Value) -> PathBuf {
        let url = self.cluster.url();
        let (host, port) = url.trim_start_matches("https://").split_once(':').unwrap();
        let api = [("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", port)];
        let words = agent_command(container(pod, "agent"));
        kubelet.executable(pod, "agent", (&words, &api))
    }

    /// Starts the container of the agent.
    pub fn agent(&self, kubelet: &Kubelet, home: &Home) -> Agent {
        let wrapped = self.agent_executable(kubelet, self.agent_pod());
        Agent::start_with(&wrapped, Path::new("/"), home, &[])
    }

    /// A field of an object, empty where it or the object is not there.
    pub fn field(&self, object: &str, path: &str) -> String {
        let output = format!("jsonpath={path}");
        self.cluster.kubectl(&["get", object, "-n", NAMESPACE, "--output", &output]).unwrap_or_default()
    }

    /// Waits for a field of an object.
    ///
    /// # Panics
    ///
    /// When it does not come in time.
    pub fn wait_for_field(&self, object: &str, path: &str, expected: &str) {
        let mut last = String::new();
        let waited = wait_until(LIMIT, expected, || {
            last = self.field(object, path);
            Ok(last == expected)
        });
        let whole = self.cluster.kubectl(&["get", object, "-n", NAMESPACE, "-o", "yaml"]);
        assert!(waited.is_ok(), "{path} is {last:?} instead of {expected:?}\n{whole:?}");
    }
}

/// Runs the init container of a pod with FRR.
fn prepare(pod: &Value, kubelet: &Kubelet) {
    let words = command(container(pod, "prepare"), &[]);
    let prepare = kubelet.executable(pod, "prepare", (&words, &[]));
    let output = Command::new(prepare).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("for the group frrvty:"), "{said}");
}

/// What the container of an agent runs here: ports that are free instead of those of the node.
pub fn agent_command(container: &Value) -> Vec<String> {
    let mut words = command(container, &["/frrk8s"]);
    for word in &mut words {
        if let Some((option, _)) = word.split_once("=0.0.0.0:") {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            *word = format!("{option}=127.0.0.1:{port}");
        }
    }
    words
}

/// The pod of FRR, as watchfrr and FRR's own start script of this machine's package make it. It is killed when it goes out of scope.
pub struct FrrPod {
    child: Child,
    sockets: PathBuf,
}

/// What FRR's image runs as `docker-start`.
const DOCKER_START: &str = ". /usr/lib/frr/frrcommon.sh; /usr/lib/frr/watchfrr $(daemon_list)";

/// FRR as this machine's package, which has the start scripts that FRR's image has.
pub fn packaged_frr() -> Option<FrrInstall> {
    installs().into_iter().find(|install| install.version() == FrrVersion::V8_4)
}

impl FrrPod {
    /// Starts that of a pod's specification in a network namespace, and waits until its daemons answer.
    pub fn start(pod: &Value, kubelet: &Kubelet, namespace: &Namespace) -> Self {
        prepare(pod, kubelet);
        let mut words = command(container(pod, "frr"), &[]);
        assert_eq!(words[..2], ["/sbin/tini", "--"]);
        words.drain(..2);
        for word in &mut words {
            *word = word.replace("exec /usr/lib/frr/docker-start", DOCKER_START);
        }
        let frr = kubelet.executable(pod, "frr", (&words, &[]));
        let child = namespace
            .command("setpriv")
            .args(["--pdeathsig=KILL", "unshare", "--pid", "--fork", "--kill-child"])
            .arg(frr)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { child, sockets: kubelet.on_the_node("/run/frrk8s/frr") };
        for daemon in ["zebra", "staticd", "bfdd", "bgpd"] {
            let answers = || Ok(VtySocket::connect(&started.socket(daemon)).is_ok());
            wait_until(LIMIT, &format!("{daemon} to answer"), answers).unwrap();
        }
        started
    }

    /// The socket of a daemon.
    pub fn socket(&self, daemon: &str) -> PathBuf {
        self.sockets.join(format!("{daemon}.vty"))
    }

    /// Sends configuration lines to a daemon.
    pub fn configure(&self, daemon: &str, lines: &[&str]) {
        let refused = VtySocket::connect(&self.socket(daemon)).unwrap().configure(lines).unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    }

    /// What bgpd runs; empty while it does not answer.
    pub fn bgpd(&self) -> String {
        let asked = VtySocket::connect(&self.socket("bgpd"));
        asked.and_then(|mut vty| vty.running_config()).unwrap_or_default()
    }
}

impl Drop for FrrPod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
