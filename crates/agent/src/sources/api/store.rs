//! What is kept of the objects of the API. Pure: objects go in, texts come out.
//!
//! Of a configuration that does not select the node only its selector is kept, and of a Secret that nobody names only that
//! it is there: what an agent keeps does not grow with the cluster.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_intake::{Input, SourceOrigin};
use frrk8s_model::ObjectId;
use frrk8s_translate::NodeSelector;
use serde_json::{Map, Value, json};

/// The kinds of objects that count, all but the node's own of one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `FRRConfiguration`.
    Configuration,
    /// `FRRK8sConfiguration`.
    Daemon,
    /// `Secret` of type `kubernetes.io/basic-auth`.
    Secret,
    /// The node's own `Node`.
    Node,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Configuration, Self::Daemon, Self::Secret, Self::Node];

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "FRRConfiguration",
            Self::Daemon => "FRRK8sConfiguration",
            Self::Secret => "Secret",
            Self::Node => "Node",
        }
    }
}

/// One object.
#[derive(Debug, Default)]
struct Seen {
    /// Which nodes it selects; `None` where that is not known, or not asked.
    selector: Option<NodeSelector>,
    /// The Secrets that it names.
    secrets: BTreeSet<String>,
    /// The object itself, where it counts.
    text: Option<Box<str>>,
}

/// The objects of the API, as far as they matter to one node.
#[derive(Debug, Default)]
pub struct Store {
    seen: BTreeMap<(Kind, String), Seen>,
    /// The labels by which configurations were chosen.
    labels: BTreeMap<String, String>,
    /// Objects that are no longer there, and why that is not believed.
    doubted: BTreeMap<(Kind, String), String>,
}

impl Store {
    /// Takes in an object as it is now. Whether anything is different for the node.
    pub fn apply(&mut self, kind: Kind, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let mut seen = Seen::default();
        if kind == Kind::Configuration {
            seen.selector = selector(&name, object);
            seen.secrets = named_secrets(object);
        }
        let is_named = kind != Kind::Secret || self.needed_secrets().contains(&name);
        let is_chosen = seen.selector.as_ref().is_none_or(|selector| selector.matches(&self.labels));
        if is_named && is_chosen {
            seen.text = Some(text_of(kind, object).into());
        }
        if !is_chosen {
            seen.secrets.clear();
        }
        let was_doubted = self.doubted.remove(&(kind, name.clone())).is_some();
        let differs = |before: Option<&Seen>| before.map(|seen| &seen.text) != Some(&seen.text);
        let is_new = was_doubted || differs(self.seen.get(&(kind, name.clone())));
        self.seen.insert((kind, name), seen);
        self.drop_unneeded_secrets();
        is_new
    }

    fn drop_unneeded_secrets(&mut self) {
        let needed = self.needed_secrets();
        for ((_, name), seen) in self.seen.iter_mut().filter(|((kind, _), _)| *kind == Kind::Secret) {
            if !needed.contains(name) {
                seen.text = None;
            }
        }
    }

    /// Believes that an object is gone.
    pub fn remove(&mut self, kind: Kind, name: &str) {
        let key = (kind, name.to_owned());
        self.seen.remove(&key);
        self.doubted.remove(&key);
    }

    /// Does not believe that an object is gone. One that is for other nodes goes without a word.
    pub fn doubt(&mut self, kind: Kind, name: &str, why: &str) {
        let key = (kind, name.to_owned());
        let mattered = self.seen.remove(&key).is_none_or(|seen| seen.text.is_some());
        if mattered || self.doubted.contains_key(&key) {
            self.doubted.insert(key, why.to_owned());
        }
    }

    /// The objects that are missing and not believed to be gone.
    pub fn doubted(&self) -> impl Iterator<Item = (Kind, &str, &str)> {
        self.doubted.iter().map(|((kind, name), why)| (*kind, name.as_str(), why.as_str()))
    }

    /// The names of a kind that are there, doubted ones aside.
    pub fn names(&self, kind: Kind) -> BTreeSet<String> {
        self.seen.keys().filter(|(other, _)| *other == kind).map(|(_, name)| name.clone()).collect()
    }

    /// How many objects there are of which only the selector is kept.
    pub fn left_out(&self) -> usize {
        let configurations = self.seen.iter().filter(|((kind, _), _)| *kind == Kind::Configuration);
        configurations.filter(|(_, seen)| seen.text.is_none()).count()
    }

    /// Chooses by these labels from now on.
    pub fn choose_by(&mut self, labels: BTreeMap<String, String>) {
        self.labels = labels;
        for seen in self.seen.values_mut() {
            if seen.selector.as_ref().is_some_and(|selector| !selector.matches(&self.labels)) {
                seen.text = None;
                seen.secrets.clear();
            }
        }
    }

    /// Objects that count and of which the text is not kept: they are to be asked for.
    pub fn incomplete(&self) -> Vec<(Kind, String)> {
        let needed = self.needed_secrets();
        let lacks = |(key, seen): (&(Kind, String), &Seen)| {
            let counts = match key.0 {
                Kind::Configuration => {
                    seen.selector.as_ref().is_some_and(|selector| selector.matches(&self.labels))
                }
                Kind::Secret => needed.contains(&key.1),
                Kind::Daemon | Kind::Node => false,
            };
            (counts && seen.text.is_none()).then(|| key.clone())
        };
        self.seen.iter().filter_map(lacks).collect()
    }

    /// Everything that counts. What is doubted cannot be read.
    pub fn input(&self, namespace: &str) -> Input {
        let mut input = Input::default();
        for ((kind, name), seen) in &self.seen {
            if let Some(text) = &seen.text {
                let bytes = text.as_bytes().to_vec();
                input.add_from(SourceOrigin::Api, &title(*kind, namespace, name), bytes);
            }
        }
        for ((kind, name), why) in &self.doubted {
            input.add_unreadable(SourceOrigin::Api, &title(*kind, namespace, name), why.clone());
        }
        input
    }

    fn needed_secrets(&self) -> BTreeSet<String> {
        self.seen.values().flat_map(|seen| seen.secrets.iter().cloned()).collect()
    }
}

/// What people call an object of the API.
fn title(kind: Kind, namespace: &str, name: &str) -> String {
    match kind {
        Kind::Node => format!("{} {name}", kind.as_str()),
        kind => format!("{} {namespace}/{name}", kind.as_str()),
    }
}

/// `None` where it cannot be read: then the object counts, and what is wrong with it is said.
fn selector(name: &str, object: &Value) -> Option<NodeSelector> {
    let spec = json!({ "nodeSelector": object["spec"]["nodeSelector"] });
    let spec: FRRConfigurationSpec = serde_json::from_value(spec).ok()?;
    NodeSelector::of(&ObjectId::new("", name), &spec).ok()
}

fn named_secrets(object: &Value) -> BTreeSet<String> {
    let routers = object["spec"]["bgp"]["routers"].as_array().into_iter().flatten();
    let neighbors = routers.flat_map(|router| router["neighbors"].as_array().into_iter().flatten());
    let names = neighbors.filter_map(|neighbor| neighbor["passwordSecret"]["name"].as_str());
    names.map(str::to_owned).collect()
}

/// An object as it would be written: what others keep on it, such as managed fields, is left out.
fn text_of(kind: Kind, object: &Value) -> String {
    let (version, parts): (&str, &[&str]) = match kind {
        Kind::Configuration | Kind::Daemon => ("frrk8s.metallb.io/v1beta1", &["spec"]),
        Kind::Secret => ("v1", &["type", "data"]),
        Kind::Node => ("v1", &["status"]),
    };
    let mut text = Map::new();
    text.insert("apiVersion".to_owned(), version.into());
    text.insert("kind".to_owned(), kind.as_str().into());
    let metadata = &object["metadata"];
    let kept = ["name", "namespace", "creationTimestamp", "labels"].map(|field| (field, &metadata[field]));
    let kept = kept
        .into_iter()
        .filter(|(field, value)| !value.is_null() && (*field != "labels" || kind == Kind::Node));
    let kept: Map<String, Value> = kept.map(|(field, value)| (field.to_owned(), value.clone())).collect();
    text.insert("metadata".to_owned(), kept.into());
    for part in parts {
        let value = match (kind, &object[*part]) {
            (_, Value::Null) => continue,
            (Kind::Node, status) => json!({ "addresses": status["addresses"] }),
            (_, value) => value.clone(),
        };
        text.insert((*part).to_owned(), value);
    }
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(name: &str, rack: Option<&str>, secret: Option<&str>) -> Value {
        let mut spec =
            json!({"bgp": {"routers": [{"asn": 1, "neighbors": [{"address": "10.0.0.1", "asn": 2}]}]}});
        if let Some(rack) = rack {
            spec["nodeSelector"] = json!({"matchLabels": {"rack": rack}});
        }
        if let Some(secret) = secret {
            spec["bgp"]["routers"][0]["neighbors"][0]["passwordSecret"] = json!({ "name": secret });
        }
        json!({"metadata": {"name": name, "namespace": "n", "managedFields": [{}]}, "spec": spec})
    }

    fn secret(name: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "n"}, "type": "kubernetes.io/basic-auth", "data": {"password": "eA=="}})
    }

    fn labels(rack: &str) -> BTreeMap<String, String> {
        [("rack".to_owned(), rack.to_owned())].into()
    }

    fn names(store: &Store) -> Vec<String> {
        let input = store.input("n");
        assert!(input.sources.iter().all(|source| !source.text.contains("managedFields")));
        input.sources.into_iter().map(|source| source.name).collect()
    }

    #[test]
    fn of_objects_for_other_nodes_only_the_selector_is_kept() {
        let mut store = Store::default();
        store.choose_by(labels("7"));
        store.apply(Kind::Configuration, &configuration("all", None, None));
        store.apply(Kind::Configuration, &configuration("here", Some("7"), None));
        store.apply(Kind::Configuration, &configuration("there", Some("8"), Some("s")));
        assert_eq!(names(&store), ["FRRConfiguration n/all", "FRRConfiguration n/here"]);
        assert_eq!((store.left_out(), store.incomplete().len()), (1, 0));
        store.choose_by(labels("8"));
        assert_eq!(store.incomplete(), [(Kind::Configuration, "there".to_owned())]);
        assert_eq!(names(&store), ["FRRConfiguration n/all"]);
        store.apply(Kind::Configuration, &configuration("there", Some("8"), Some("s")));
        assert_eq!(names(&store), ["FRRConfiguration n/all", "FRRConfiguration n/there"]);
    }

    #[test]
    fn the_data_of_a_secret_is_kept_only_when_somebody_names_it() {
        let mut store = Store::default();
        store.apply(Kind::Secret, &secret("s"));
        assert!(names(&store).is_empty());
        store.apply(Kind::Configuration, &configuration("a", None, Some("s")));
        assert_eq!(store.incomplete(), [(Kind::Secret, "s".to_owned())]);
        store.apply(Kind::Secret, &secret("s"));
        assert_eq!(names(&store), ["FRRConfiguration n/a", "Secret n/s"]);
        assert!(store.incomplete().is_empty());
    }

    #[test]
    fn an_object_whose_end_is_doubted_cannot_be_read() {
        let mut store = Store::default();
        store.choose_by(labels("7"));
        store.apply(Kind::Configuration, &configuration("a", None, None));
        store.apply(Kind::Configuration, &configuration("other", Some("8"), None));
        store.doubt(Kind::Configuration, "a", "the namespace is being deleted");
        store.doubt(Kind::Configuration, "other", "the namespace is being deleted");
        let input = store.input("n");
        assert_eq!((input.unreadable.len(), input.entries.len()), (1, 0));
        assert_eq!(input.sources[0].name, "FRRConfiguration n/a");
        store.apply(Kind::Configuration, &configuration("a", None, None));
        assert_eq!((store.input("n").unreadable.len(), store.doubted().count()), (0, 0));
        store.doubt(Kind::Configuration, "a", "why");
        store.remove(Kind::Configuration, "a");
        assert!(store.input("n").sources.is_empty());
    }
}
