//! A client of the cluster reads our custom resources through our types.
#![allow(clippy::unwrap_used)]

use frrk8s_api::FRRConfiguration;
use frrk8s_testkit::cluster::{self, Cluster, ClusterOptions};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

const BORDER: &str = "apiVersion: v1
kind: Namespace
metadata: {name: frr-k8s-system}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: border, namespace: frr-k8s-system}
spec: {bgp: {routers: [{asn: 64512, prefixes: [198.51.100.0/24]}]}}
";

#[tokio::test]
async fn a_client_lists_configurations_through_our_types() {
    let Some(tools) = cluster::tools() else { return };
    let cluster = Cluster::start(&tools, &ClusterOptions::default()).unwrap();
    cluster.install_crds().unwrap();
    cluster.apply_yaml(BORDER).unwrap();

    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let configurations: Api<FRRConfiguration> = Api::all(client);
    let listed = configurations.list(&ListParams::default()).await.unwrap();
    let [border] = listed.items.as_slice() else { unreachable!("{} configurations", listed.items.len()) };
    assert_eq!(border.metadata.name.as_deref(), Some("border"));
    assert_eq!(border.spec.bgp.routers[0].prefixes, ["198.51.100.0/24"]);
}
