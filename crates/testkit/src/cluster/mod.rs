//! A real Kubernetes API server with its etcd, kubectl and, if wanted, a controller manager, for tests. No root.
//!
//! ```text
//! ClusterTools ──► Cluster ──► kubectl, apply_yaml, kubeconfig, service_account_token …
//!                    │
//!   etcd ◄── kube-apiserver ◄── kube-controller-manager (garbage collector, namespaces, service accounts)
//!    stop, start, wipe, snapshot, restore; an outage of each
//! ```
//!
//! ```no_run
//! use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions};
//!
//! # fn main() -> Result<(), frrk8s_testkit::lab::LabError> {
//! let Some(tools) = cluster::tools() else { return Ok(()) };
//! let cluster = Cluster::start(&tools, &ClusterOptions::default())?;
//! cluster.install_crds()?;
//! println!("{}", cluster.kubectl(&["get", "frrconfigurations", "--all-namespaces"])?);
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//! * Every cluster listens on a loopback address of its own (`127.a.b.c`), on the usual ports: no two clusters compete
//!   for a port, and a stopped API server comes back at the same place.
//! * Its processes end with the value, or with the test process, however that ends; the kernel sees to it. So a
//!   cluster that many tests share may live in a `static`, whose values are never dropped.
//! * Only processes that the cluster started are ever signalled.
//! * Nothing waits without a limit.
//!
//! What a test should know of Kubernetes:
//! * The controller manager looks for new kinds only every 30 s. Install the CRDs before it starts, and owner
//!   references among custom resources count at once.
//! * A token of a deleted service account, pod or node stays good for up to 10 s: the API server remembers that it was.
//! * Service accounts named `default` are made by the controller manager, other ones by `kubectl create serviceaccount`.

mod address;
mod command_line;
mod control_plane;
mod credentials;
mod kubectl;
mod program;
mod store;
mod tools;

pub use control_plane::{Cluster, ClusterOptions};
pub use kubectl::BoundTo;
pub use store::EtcdSnapshot;
pub use tools::{ClusterTools, REQUIRE_CLUSTER, tools};
