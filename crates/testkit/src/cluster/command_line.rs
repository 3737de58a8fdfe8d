//! How the cluster's programs are started.

use std::net::Ipv4Addr;
use std::path::Path;

use super::address::{API_PORT, ETCD_PEER_PORT, ETCD_PORT};
use super::credentials::Credentials;

pub(super) fn etcd(address: Ipv4Addr, data: &Path) -> Vec<String> {
    let client = format!("http://{address}:{ETCD_PORT}");
    let peer = format!("http://{address}:{ETCD_PEER_PORT}");
    vec![
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // Only a crash of the machine would tell.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

pub(super) fn kube_apiserver(address: Ipv4Addr, credentials: &Credentials, more: &[String]) -> Vec<String> {
    let mut arguments = vec![
        format!("--etcd-servers=http://{address}:{ETCD_PORT}"),
        format!("--bind-address={address}"),
        format!("--advertise-address={address}"),
        format!("--secure-port={API_PORT}"),
        // It would make endpoints of a loopback address, which its own validation refuses.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--tls-cert-file={}", credentials.certificate().display()),
        format!("--tls-private-key-file={}", credentials.key().display()),
        format!("--token-auth-file={}", credentials.tokens().display()),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", credentials.service_account_key().display()),
        format!("--service-account-key-file={}", credentials.service_account_public_key().display()),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--allow-privileged=true".to_owned(),
    ];
    arguments.extend_from_slice(more);
    arguments
}

pub(super) fn kube_controller_manager(kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller"
            .to_owned(),
        "--leader-elect=false".to_owned(),
        // It serves nothing: no port.
        "--secure-port=0".to_owned(),
    ]
}
