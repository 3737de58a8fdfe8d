//! Documents into the objects that matter here.

use std::ops::Range;

use frrk8s_api::k8s::{Node, Secret};
use frrk8s_api::{FRRConfiguration, FRRK8sConfiguration, GROUP};
use frrk8s_model::{Finding, ObjectId, Rule};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::fields::dropped_fields;
use crate::{SyntaxError, Tree, Value, parse};

/// An object of a text, with the position of every field.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The object as it was written.
    pub tree: Tree,
    /// Its namespace; `None` where it names none.
    pub namespace: Option<String>,
    /// Its name; empty where it has none.
    pub name: String,
    /// What it is.
    pub object: Object,
}

/// The kinds that matter here.
#[derive(Clone, Debug)]
pub enum Object {
    /// An `FRRConfiguration`.
    Configuration(Box<FRRConfiguration>),
    /// An `FRRK8sConfiguration`.
    Daemon(Box<FRRK8sConfiguration>),
    /// A `Node`.
    Node(Box<Node>),
    /// A `Secret`.
    Secret(Box<Secret>),
    /// An object of one of these kinds that does not decode.
    Undecodable {
        /// Its kind.
        kind: String,
        /// The path of the field.
        path: String,
        /// What is wrong with it. Never a secret.
        message: String,
    },
    /// An object of another kind, or no object at all.
    Other {
        /// Its kind; empty where it has none.
        kind: String,
    },
}

/// The objects of a text. Lists, as `kubectl get -o yaml` prints them, are taken apart.
pub fn read(text: &str) -> Result<Vec<Manifest>, SyntaxError> {
    let mut manifests = Vec::new();
    for tree in parse(text)? {
        take_apart(tree, None, &mut manifests);
    }
    Ok(manifests)
}

/// One object, or the items of a list of them.
fn take_apart(tree: Tree, item_kind: Option<&str>, manifests: &mut Vec<Manifest>) {
    if matches!(tree.value, Value::Scalar(Json::Null)) {
        return;
    }
    let kind = tree.get("kind").and_then(Tree::text).or(item_kind).unwrap_or_default().to_owned();
    let list_of = kind.strip_suffix("List").filter(|_| tree.get("items").is_some());
    let Some(item_kind) = list_of else {
        manifests.push(manifest(tree, kind));
        return;
    };
    let Value::Map(fields) = tree.value else {
        return;
    };
    let items = fields.into_iter().find(|(_, key, _)| key == "items");
    if let Some((_, _, Tree { value: Value::List(items), .. })) = items {
        // The items of a typed list need not repeat its kind.
        let item_kind = Some(item_kind).filter(|kind| !kind.is_empty());
        for item in items {
            take_apart(item, item_kind, manifests);
        }
    }
}

fn manifest(tree: Tree, kind: String) -> Manifest {
    let metadata = tree.get("metadata");
    let field = |name| metadata.and_then(|metadata| metadata.get(name)).and_then(Tree::text);
    let namespace = field("namespace").filter(|text| !text.is_empty()).map(str::to_owned);
    let name = field("name").unwrap_or_default().to_owned();
    let api_version = tree.get("apiVersion").and_then(Tree::text).unwrap_or_default();
    let ours = api_version.is_empty() || api_version.split('/').next() == Some(GROUP);
    let core = api_version.is_empty() || api_version == "v1";
    let object = match kind.as_str() {
        "FRRConfiguration" if ours => decode(&tree, &kind, Object::Configuration),
        "FRRK8sConfiguration" if ours => decode(&tree, &kind, Object::Daemon),
        "Node" if core => decode(&tree, &kind, Object::Node),
        "Secret" if core => decode(&tree, &kind, Object::Secret),
        _ => Object::Other { kind },
    };
    Manifest { tree, namespace, name, object }
}

fn decode<T: DeserializeOwned>(tree: &Tree, kind: &str, wrap: impl FnOnce(Box<T>) -> Object) -> Object {
    match serde_path_to_error::deserialize(tree.json()) {
        Ok(object) => wrap(Box::new(object)),
        Err(error) => {
            let path = error.path().to_string();
            let field = path.rsplit('.').next().unwrap_or_default();
            let secret = kind == "Secret" || field == "password";
            let message = if secret {
                "the value is of another type than it must be".to_owned()
            } else {
                error.inner().to_string()
            };
            Object::Undecodable { kind: kind.to_owned(), path, message }
        }
    }
}

impl Manifest {
    /// The bytes of the text where a field stands, or the last part of its path that is there.
    pub fn locate(&self, path: &str) -> Range<usize> {
        self.tree.locate(path)
    }

    /// What an `FRRConfiguration` says that no API server would keep, and what does not decode.
    pub fn findings(&self, id: &ObjectId) -> Vec<Finding> {
        match &self.object {
            Object::Undecodable { path, message, .. } => {
                vec![Finding::new(Rule::Undecodable, id, path.as_str(), message.as_str())]
            }
            Object::Configuration(_) => dropped_fields(&self.tree, id),
            _ => Vec::new(),
        }
    }
}
