//! The files in `manifests/crds` are what the types say. `UPDATE_CRDS=1 cargo test -p frrk8s-api` writes them anew.

use std::env;
use std::fs;
use std::path::PathBuf;

use frrk8s_api::k8s::CustomResourceDefinition;
use frrk8s_api::{GROUP, crd_yaml, crds, crds_yaml};

fn directory() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "manifests", "crds"].iter().collect()
}

/// File name and content of each definition.
fn files() -> Vec<(String, String)> {
    crds()
        .iter()
        .map(|crd| {
            let names = &crd.spec.names;
            (format!("{GROUP}_{}.yaml", names.plural), crd_yaml(&names.kind).unwrap_or_default())
        })
        .collect()
}

#[test]
fn the_files_in_manifests_crds_are_these_and_up_to_date() {
    let files = files();
    if env::var_os("UPDATE_CRDS").is_some() {
        for (name, content) in &files {
            fs::write(directory().join(name), content).unwrap();
        }
    }
    let mut stored: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(GROUP))
        .collect();
    stored.sort();
    assert_eq!(stored, files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    for (name, content) in files {
        let stored = fs::read_to_string(directory().join(&name)).unwrap();
        assert!(stored == content, "{name} is out of date: run UPDATE_CRDS=1 cargo test -p frrk8s-api");
    }
}

#[test]
fn the_yaml_reads_back_as_the_definitions() {
    let read: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&crds_yaml()).unwrap();
    assert_eq!(read, crds());
}

#[test]
fn the_definitions_are_sorted_and_known_by_their_kind() {
    let kinds: Vec<_> = crds().into_iter().map(|crd| crd.spec.names.kind).collect();
    assert_eq!(kinds, ["BGPSessionState", "FRRConfiguration", "FRRK8sConfiguration", "FRRNodeState"]);
    assert_eq!(crd_yaml("BGPPeer"), None);
    assert_eq!(frrk8s_api::schema_of("BGPPeer"), None);
}
