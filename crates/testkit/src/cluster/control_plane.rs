use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::address::{self, API_PORT};
use super::command_line;
use super::credentials::{ADMIN_TOKEN, Credentials};
use super::program::Program;
use super::tools::ClusterTools;
use crate::lab::{LabError, unique_name, wait_until};

/// Starting takes 2 s; much more on a machine that is busy with a build.
const START_LIMIT: Duration = Duration::from_mins(2);
/// How often another address is tried when the ports of one turn out to be in use.
const ADDRESSES_MAX: usize = 5;

/// How a cluster is started.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Whether the controller manager starts at once. See [`Cluster::start_controller_manager`] for later.
    pub controller_manager: bool,
    /// More arguments for the API server.
    pub api_server_arguments: Vec<String>,
}

/// An API server over an etcd of its own, empty when it starts.
#[derive(Debug)]
pub struct Cluster {
    // In this order, so that clients end before what they talk to, and all before their directory goes.
    pub(super) controller_manager: Program,
    pub(super) api_server: Program,
    pub(super) etcd: Program,
    pub(super) credentials: Credentials,
    pub(super) tools: ClusterTools,
    pub(super) directory: TempDir,
    address: Ipv4Addr,
    admin: PathBuf,
}

impl Cluster {
    /// Starts etcd and the API server, and waits until it is ready and has its default namespace.
    pub fn start(tools: &ClusterTools, options: &ClusterOptions) -> Result<Self, LabError> {
        let mut tries = ADDRESSES_MAX;
        loop {
            tries -= 1;
            let address = free_address()?;
            let mut cluster = Self::prepare(tools, options, address)?;
            match cluster.start_all(options.controller_manager) {
                Ok(()) => return Ok(cluster),
                Err(error) if tries > 0 && is_in_use(&error) => (),
                Err(error) => return Err(error),
            }
        }
    }

    fn prepare(tools: &ClusterTools, options: &ClusterOptions, address: Ipv4Addr) -> Result<Self, LabError> {
        let prefix = format!("{}-", unique_name("cluster"));
        let directory =
            TempDir::with_prefix(prefix).map_err(LabError::io("cannot make a cluster's directory"))?;
        let credentials = Credentials::make(directory.path().join("credentials"), address)?;
        let admin = credentials.kubeconfig("admin", ADMIN_TOKEN, &url_of(address))?;
        let etcd_arguments = command_line::etcd(address, &data_of(directory.path()));
        let api_arguments =
            command_line::kube_apiserver(address, &credentials, &options.api_server_arguments);
        let controller_arguments = command_line::kube_controller_manager(&admin);
        let program = |name: &'static str, path, arguments| {
            Program::new(name, path, arguments, directory.path().join(format!("{name}.log")))
        };
        Ok(Self {
            controller_manager: program(
                "kube-controller-manager",
                tools.kube_controller_manager(),
                controller_arguments,
            ),
            api_server: program("kube-apiserver", tools.kube_apiserver(), api_arguments),
            etcd: program("etcd", tools.etcd(), etcd_arguments),
            credentials,
            tools: tools.clone(),
            directory,
            address,
            admin,
        })
    }

    fn start_all(&mut self, controller_manager: bool) -> Result<(), LabError> {
        self.etcd.start()?;
        self.start_api_server()?;
        if controller_manager {
            self.start_controller_manager()?;
        }
        Ok(())
    }

    /// Starts the API server again, at the same address, with the same certificate and keys, over the same etcd, which
    /// must run, and waits until it is ready.
    pub fn start_api_server(&mut self) -> Result<(), LabError> {
        self.api_server.start()?;
        wait_until(START_LIMIT, "the API server to be ready", || {
            Ok(self.etcd.has_ended() || self.api_server.has_ended() || self.is_ready()?)
        })?;
        self.etcd.check_alive()?;
        self.api_server.check_alive()
    }

    fn is_ready(&self) -> Result<bool, LabError> {
        // Until somebody listens, a kubectl every few milliseconds would only slow the server down.
        if TcpStream::connect((self.address, API_PORT)).is_err() {
            return Ok(false);
        }
        self.kubectl(&["get", "--raw=/readyz"])?;
        self.kubectl(&["get", "--raw=/api/v1/namespaces/default"])?;
        Ok(true)
    }

    /// Kills the API server; etcd and the controller manager stay.
    pub fn stop_api_server(&mut self) {
        self.api_server.stop();
    }

    /// Starts the controller manager with three controllers: the garbage collector, which makes owner references mean
    /// something; namespaces, without which a deleted one never goes; and service accounts, for those named `default`.
    ///
    /// It does not wait: what the controllers do shows in the API.
    pub fn start_controller_manager(&mut self) -> Result<(), LabError> {
        self.controller_manager.start()
    }

    /// Kills the controller manager.
    pub fn stop_controller_manager(&mut self) {
        self.controller_manager.stop();
    }

    /// `https://127.a.b.c:6443`.
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// The kubeconfig of an administrator who may do everything.
    pub fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// Writes a kubeconfig named `label` for the owner of a token. Again under the same name, it renews the token for
    /// a client that reads it anew, as kubelet does for pods.
    pub fn kubeconfig_for(&self, label: &str, token: &str) -> Result<PathBuf, LabError> {
        self.credentials.kubeconfig(label, token, &self.url())
    }

    /// The certificate that signed the API server's.
    pub fn ca_certificate(&self) -> PathBuf {
        self.credentials.ca()
    }

    /// The end of what the API server logged.
    pub fn api_server_log(&self) -> String {
        self.api_server.log_tail()
    }

    /// The processes that run: the name and the pid of each.
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        [&self.etcd, &self.api_server, &self.controller_manager]
            .into_iter()
            .filter_map(|program| Some((program.name(), program.pid()?)))
            .collect()
    }

    pub(super) fn data(&self) -> PathBuf {
        data_of(self.directory.path())
    }
}

fn data_of(directory: &Path) -> PathBuf {
    directory.join("etcd")
}

fn url_of(address: Ipv4Addr) -> String {
    format!("https://{address}:{API_PORT}")
}

fn free_address() -> Result<Ipv4Addr, LabError> {
    for _ in 0..ADDRESSES_MAX {
        let address = address::next();
        if address::is_free(address).map_err(LabError::io(format!("cannot listen on {address}")))? {
            return Ok(address);
        }
    }
    Err(LabError::NoCluster { why: format!("none of {ADDRESSES_MAX} loopback addresses was free") })
}

/// Whether a program ended because somebody else took its port between our look and its start.
fn is_in_use(error: &LabError) -> bool {
    matches!(error, LabError::ProgramEnded { log, .. } if log.contains("address already in use"))
}
