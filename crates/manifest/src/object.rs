//! Documents into the objects that matter here.

use std::fmt;
use std::ops::Range;

use frrk8s_api::k8s::{Node, Secret};
use frrk8s_api::{FRRConfiguration, FRRK8sConfiguration, GROUP, VERSION};
use frrk8s_model::{Finding, ObjectId, Rule, shown, shown_up_to};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::fields::dropped_fields;
use crate::shape::{Mistake, is_secret, mistakes};
use crate::{SyntaxError, Tree, Value, parse};

/// The longest path of a field that a message repeats, in characters.
const PATH_CHARS_MAX: usize = 300;

/// An object of a text, with the position of every field. `Debug` shows what it is, not what is in it.
#[derive(Clone)]
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
#[derive(Clone)]
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
        /// The fields that do not, at least one.
        mistakes: Vec<Mistake>,
    },
    /// An object of another kind, or no object at all.
    Other {
        /// Its kind; empty where it has none.
        kind: String,
    },
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.object, self.namespace, self.name)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(_) => f.write_str(CONFIGURATION),
            Self::Daemon(_) => f.write_str(DAEMON),
            Self::Node(_) => f.write_str("Node"),
            Self::Secret(_) => f.write_str("Secret"),
            Self::Undecodable { kind, mistakes } => write!(f, "undecodable {kind:?} {mistakes:?}"),
            Self::Other { kind } => write!(f, "other {kind:?}"),
        }
    }
}

const CONFIGURATION: &str = "FRRConfiguration";
const DAEMON: &str = "FRRK8sConfiguration";

/// The objects of a text. Lists, as `kubectl get -o yaml` prints them, are taken apart.
pub fn read(text: &str) -> Result<Vec<Manifest>, SyntaxError> {
    let mut manifests = Vec::new();
    for tree in parse(text)? {
        take_apart(tree, None, text, &mut manifests);
    }
    Ok(manifests)
}

/// One object, or the items of a list of them.
fn take_apart(tree: Tree, item_kind: Option<&str>, text: &str, manifests: &mut Vec<Manifest>) {
    if matches!(tree.value, Value::Scalar(Json::Null)) {
        return;
    }
    let kind = tree.get("kind").and_then(Tree::text).or(item_kind).unwrap_or_default().to_owned();
    let list_of = kind.strip_suffix("List").filter(|_| tree.get("items").is_some());
    let Some(item_kind) = list_of else {
        manifests.push(manifest(tree, kind, text));
        return;
    };
    let items = tree.get("items").map(|items| &items.value);
    if !matches!(items, Some(Value::List(_) | Value::Scalar(Json::Null))) {
        let message = "it must be a list of objects".to_owned();
        let mistakes = vec![Mistake { path: "items".to_owned(), message, value: None }];
        let object = Object::Undecodable { kind: kind.clone(), mistakes };
        manifests.push(Manifest { tree, namespace: None, name: String::new(), object });
        return;
    }
    let Value::Map(fields) = tree.value else {
        return;
    };
    let items = fields.into_iter().find(|(_, key, _)| key == "items");
    if let Some((_, _, Tree { value: Value::List(items), .. })) = items {
        // The items of a typed list need not repeat its kind.
        let item_kind = Some(item_kind).filter(|kind| !kind.is_empty());
        for item in items {
            take_apart(item, item_kind, text, manifests);
        }
    }
}

fn manifest(tree: Tree, kind: String, text: &str) -> Manifest {
    let metadata = tree.get("metadata");
    let field = |name| metadata.and_then(|metadata| metadata.get(name)).and_then(Tree::text);
    let namespace = field("namespace").filter(|text| !text.is_empty()).map(str::to_owned);
    let name = field("name").unwrap_or_default().to_owned();
    let api_version = tree.get("apiVersion").and_then(Tree::text).unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let ours = api_version.is_empty() || group == GROUP;
    let core = api_version.is_empty() || api_version == "v1";
    let object = match kind.as_str() {
        CONFIGURATION | DAEMON if ours && !matches!(version, "" | VERSION) => {
            let message = format!("{GROUP} has the version {VERSION} only");
            let path = "apiVersion".to_owned();
            let mistakes = vec![Mistake { path, message, value: Some(shown(api_version)) }];
            Object::Undecodable { kind, mistakes }
        }
        CONFIGURATION if ours => decode(&tree, &kind, text, Object::Configuration),
        DAEMON if ours => decode(&tree, &kind, text, Object::Daemon),
        "Node" if core => decode(&tree, &kind, text, Object::Node),
        "Secret" if core => decode(&tree, &kind, text, Object::Secret),
        _ => Object::Other { kind },
    };
    Manifest { tree, namespace, name, object }
}

fn decode<T: DeserializeOwned>(
    tree: &Tree,
    kind: &str,
    text: &str,
    wrap: impl FnOnce(Box<T>) -> Object,
) -> Object {
    let schema = frrk8s_api::schema_of(kind).unwrap_or(&Json::Null);
    let mut mistakes = mistakes(schema, tree, text);
    if mistakes.is_empty() {
        match serde_path_to_error::deserialize(tree.json()) {
            Ok(object) => return wrap(Box::new(object)),
            Err(error) => mistakes.push(mistake(kind, &error)),
        }
    }
    Object::Undecodable { kind: kind.to_owned(), mistakes }
}

/// What the decoder says; where it may repeat a secret, less.
fn mistake(kind: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Mistake {
    let path = error.path().to_string();
    // What is missing in the object itself has no path.
    let path = shown_up_to(if path == "." { "" } else { &path }, PATH_CHARS_MAX);
    let message = if kind == "Secret" || is_secret(&path) {
        "the value is of another type than it must be".to_owned()
    } else {
        shown(&error.inner().to_string())
    };
    Mistake { path, message, value: None }
}

impl Manifest {
    /// The bytes of the text where a field stands, or the last part of its path that is there.
    pub fn locate(&self, path: &str) -> Range<usize> {
        self.tree.locate(path)
    }

    /// What an `FRRConfiguration` says that no API server would keep, and what does not decode.
    pub fn findings(&self, id: &ObjectId) -> Vec<Finding> {
        match &self.object {
            Object::Undecodable { mistakes, .. } => {
                mistakes.iter().map(|mistake| mistake.about(id)).collect()
            }
            Object::Configuration(_) => dropped_fields(&self.tree, id),
            _ => Vec::new(),
        }
    }
}

impl Mistake {
    fn about(&self, id: &ObjectId) -> Finding {
        let finding = Finding::new(Rule::Undecodable, id, self.path.as_str(), self.message.as_str());
        match &self.value {
            Some(value) => finding.with_value(value),
            None => finding,
        }
    }
}
