//! Whether what vanished was taken away by somebody.
//!
//! A namespace or a CRD that is being deleted takes its objects along, by ordinary delete events; an etcd that is new, or was
//! restored from an older copy, does not have them. Neither is somebody who deletes an object.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};

/// The CRD of the objects that configure FRR.
const CRD: &str = "frrconfigurations.frrk8s.metallb.io";

/// The namespace and the CRD that objects are believed under, by their UIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    namespace: String,
    crd: String,
}

/// The ground that objects stand on, or why it gives way.
pub async fn ground(client: &Client, namespace: &str) -> Result<Ground, String> {
    let namespaces = GroupVersionKind::gvk("", "v1", "Namespace");
    let crds = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    Ok(Ground { namespace: uid(client, &namespaces, namespace).await?, crd: uid(client, &crds, CRD).await? })
}

/// The UID of an object that is there to stay.
async fn uid(client: &Client, kind: &GroupVersionKind, name: &str) -> Result<String, String> {
    let what = format!("the {} {name}", kind.kind);
    let objects: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(kind));
    let found = objects.get_metadata_opt(name).await;
    let metadata = found
        .map_err(|error| format!("{what} cannot be looked at: {error}"))?
        .ok_or_else(|| format!("{what} is not there"))?
        .metadata;
    match metadata.deletion_timestamp {
        Some(_) => Err(format!("{what} is being deleted")),
        None => metadata.uid.ok_or_else(|| format!("{what} has no UID")),
    }
}
