//! What is kept of the objects of the API. Pure: objects go in, texts come out.
//!
//! Of a configuration that does not select the node only its selector is kept, and of a Secret that nobody names only that
//! it is there: what an agent keeps does not grow with the cluster.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_intake::{Input, Missed, SourceOrigin};
use frrk8s_model::ObjectId;
use frrk8s_translate::NodeSelector;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::doubt::{Cause, Doubt};
use super::version::Version;

/// How many of the objects that count and were written last are asked for, to see whether the API is the one that it was.
const WITNESSES: usize = 5;

/// The kinds of objects that count, all but the node's own of one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// A kind and a name.
pub type Key = (Kind, String);

/// One object.
#[derive(Debug, Default)]
struct Seen {
    /// Which nodes it selects; `None` where that is not known, or not asked.
    selector: Option<NodeSelector>,
    /// The Secrets that it names.
    secrets: BTreeSet<String>,
    /// The object itself, where it counts.
    text: Option<Box<str>>,
    version: Version,
}

/// The objects of the API, as far as they matter to one node.
#[derive(Debug, Default)]
pub struct Store {
    seen: BTreeMap<Key, Seen>,
    /// The labels by which configurations are chosen.
    labels: BTreeMap<String, String>,
    /// What the API says of objects and is not believed.
    doubted: BTreeMap<Key, Doubt>,
    /// The versions of objects that counted before a restart, and were not seen since.
    remembered: BTreeMap<Key, Version>,
    /// Whether the API has objects as they were before: nothing is missing because somebody took it away.
    pub is_restored: bool,
}

/// What came of an object that the API has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It counts, and is another one than before.
    Changed,
    /// Nothing is different for the node.
    Same,
    /// It is not believed: what was there before counts.
    Doubted,
}

impl Store {
    /// Takes in an object as it is now. `came_back`: whether it is one that is no longer there, where nobody knows it.
    pub fn apply(&mut self, kind: Kind, object: &Value, came_back: bool) -> Taken {
        let key = (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        let seen = self.read(&key, object);
        let Some((cause, before)) = self.judge(&key, &seen, came_back) else {
            return self.take(key, seen);
        };
        self.is_restored = true;
        let before_why = self.doubted.get(&key).map(|doubt| doubt.why.clone());
        let why = cause.why(&seen.version, before.as_ref());
        let is_new = before_why.as_ref() != Some(&why);
        self.seen.remove(&key);
        self.doubted.insert(key, Doubt { cause, why, there: Some(seen.version), before });
        if is_new { Taken::Doubted } else { Taken::Same }
    }

    /// Takes in an object as it is now, for somebody says that so it is to be.
    pub fn believe(&mut self, kind: Kind, object: &Value) -> Taken {
        let key = (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        let seen = self.read(&key, object);
        self.take(key, seen)
    }

    fn read(&self, (kind, name): &Key, object: &Value) -> Seen {
        let text = text_of(*kind, object);
        let mut seen = Seen { version: Version::of(object, &text), ..Seen::default() };
        if *kind == Kind::Configuration {
            seen.selector = selector(name, object);
            seen.secrets = named_secrets(object);
        }
        let is_named = *kind != Kind::Secret || self.needed_secrets().contains(name);
        let is_chosen = self.selects(&seen);
        if is_named && is_chosen {
            seen.text = Some(text.into());
        }
        if !is_chosen {
            seen.secrets.clear();
        }
        seen
    }

    fn selects(&self, seen: &Seen) -> bool {
        seen.selector.as_ref().is_none_or(|selector| selector.matches(&self.labels))
    }

    /// Why an object is not believed to be as it is there, and what was there before.
    fn judge(&mut self, key: &Key, now: &Seen, came_back: bool) -> Option<(Cause, Option<Version>)> {
        if let Some(doubt) = self.doubted.get(key) {
            return doubt.judge(&now.version).map(|cause| (cause, doubt.before.clone()));
        }
        let known = self.seen.get(key);
        let before = known.map(|seen| &seen.version).or_else(|| self.remembered.get(key));
        let counted = known.is_none_or(|seen| seen.text.is_some());
        match before {
            None if came_back && now.text.is_some() => Some((Cause::Back, None)),
            Some(before) if now.version.is_older_than(before) => {
                self.is_restored = true;
                let matters = (counted || now.text.is_some()) && now.version.digest != before.digest;
                matters.then(|| (Cause::Older, Some(before.clone())))
            }
            _ => None,
        }
    }

    fn take(&mut self, key: Key, seen: Seen) -> Taken {
        self.remembered.remove(&key);
        let was_doubted = self.doubted.remove(&key).is_some();
        let differs = |before: Option<&Seen>| before.map(|seen| &seen.text) != Some(&seen.text);
        let is_new = was_doubted || differs(self.seen.get(&key));
        self.seen.insert(key, seen);
        self.drop_unneeded_secrets();
        if is_new { Taken::Changed } else { Taken::Same }
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
        self.remembered.remove(&key);
    }

    /// Does not believe that an object is gone. One that is for other nodes goes without a word.
    pub fn doubt(&mut self, kind: Kind, name: &str, why: &str) {
        let key = (kind, name.to_owned());
        let (why, remembered) = (why.to_owned(), self.remembered.remove(&key));
        if let Some(doubt) = self.doubted.get_mut(&key) {
            (doubt.cause, doubt.why, doubt.there) = (Cause::Missing, why, None);
            return;
        }
        let seen = self.seen.remove(&key);
        if seen.as_ref().is_none_or(|seen| seen.text.is_some()) {
            let before = seen.map(|seen| seen.version).or(remembered);
            self.doubted.insert(key, Doubt { cause: Cause::Missing, why, there: None, before });
        }
    }

    /// Whether it is there and does not matter here.
    pub fn is_for_others(&self, kind: Kind, name: &str) -> bool {
        let key = (kind, name.to_owned());
        self.seen.get(&key).is_some_and(|seen| seen.text.is_none()) && !self.incomplete().contains(&key)
    }

    /// What is not believed.
    pub fn doubted(&self) -> Vec<Key> {
        self.doubted.keys().cloned().collect()
    }

    /// When an object that is not believed was created, and the resource version in which it was seen last.
    pub fn stood(&self, key: &Key) -> (Option<Timestamp>, Option<u64>) {
        let before = self.doubted.get(key).and_then(|doubt| doubt.before.as_ref());
        (before.and_then(|before| before.created), before.and_then(Version::number))
    }

    /// Whether there is nothing that is not believed.
    pub fn is_believed(&self) -> bool {
        self.doubted.is_empty()
    }

    /// The same for one kind.
    pub fn is_believed_of(&self, kind: Kind) -> bool {
        !self.doubted.keys().any(|(other, _)| *other == kind)
    }

    /// The versions of what counts, to be remembered. What is doubted is remembered as it was.
    pub fn versions(&self) -> BTreeMap<Key, Version> {
        let seen = self.seen.iter().filter(|(_, seen)| seen.text.is_some());
        let seen = seen.map(|(key, seen)| (key.clone(), seen.version.clone()));
        let doubted =
            self.doubted.iter().filter_map(|(key, doubt)| Some((key.clone(), doubt.before.clone()?)));
        let remembered = self.remembered.iter().map(|(key, version)| (key.clone(), version.clone()));
        remembered.chain(doubted).chain(seen).collect()
    }

    /// The objects of a kind that were written last, of those that count and of all, and their resource versions, where those
    /// are numbers.
    pub fn written_last(&self, kind: Kind) -> Vec<(String, u64)> {
        let seen = self.seen.iter().filter(|((other, _), _)| *other == kind);
        let seen =
            seen.filter_map(|((_, name), seen)| Some((seen.version.number()?, name, seen.text.is_some())));
        let mut seen: Vec<_> = seen.collect();
        seen.sort_unstable_by(|one, other| other.cmp(one));
        let last = seen.first().into_iter().filter(|(.., counts)| !counts);
        let counts = seen.iter().filter(|(.., counts)| *counts).take(WITNESSES);
        last.chain(counts).map(|&(number, name, _)| (name.clone(), number)).collect()
    }

    /// Remembers what counted before a restart.
    pub fn remember(&mut self, versions: BTreeMap<Key, Version>) {
        self.remembered = versions;
    }

    /// The labels by which configurations are chosen.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// The names of a kind that were there, or counted before a restart. Those that are missed are not among them.
    pub fn names(&self, kind: Kind) -> BTreeSet<String> {
        let there = self.doubted.iter().filter(|(_, doubt)| doubt.there.is_some()).map(|(key, _)| key);
        let all = self.seen.keys().chain(self.remembered.keys()).chain(there);
        all.filter(|(other, _)| *other == kind).map(|(_, name)| name.clone()).collect()
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
        for ((kind, name), doubt) in &self.doubted {
            let title = title(*kind, namespace, name);
            let is_configuration = *kind == Kind::Configuration;
            let object = match kind {
                Kind::Configuration => ObjectId::new(namespace, name),
                _ => ObjectId::new("", &title),
            };
            let missed = Missed { rule: doubt.cause.rule(), object, is_configuration };
            input.add_missed(SourceOrigin::Api, (&title, missed), doubt.why.clone());
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
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(mut object: Value, uid: &str, (version, generation): (u32, u32)) -> Value {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.insert("uid".to_owned(), uid.into());
        metadata.insert("resourceVersion".to_owned(), version.to_string().into());
        metadata.insert("generation".to_owned(), generation.into());
        object
    }

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
        store.apply(Kind::Configuration, &configuration("all", None, None), false);
        store.apply(Kind::Configuration, &configuration("here", Some("7"), None), false);
        store.apply(Kind::Configuration, &configuration("there", Some("8"), Some("s")), false);
        assert_eq!(names(&store), ["FRRConfiguration n/all", "FRRConfiguration n/here"]);
        assert_eq!((store.left_out(), store.incomplete().len()), (1, 0));
        assert!(store.is_for_others(Kind::Configuration, "there"));
        assert!(!store.is_for_others(Kind::Configuration, "here"));
        store.choose_by(labels("8"));
        assert_eq!(store.incomplete(), [(Kind::Configuration, "there".to_owned())]);
        assert!(!store.is_for_others(Kind::Configuration, "there"));
        assert_eq!(names(&store), ["FRRConfiguration n/all"]);
        store.apply(Kind::Configuration, &configuration("there", Some("8"), Some("s")), false);
        assert_eq!(names(&store), ["FRRConfiguration n/all", "FRRConfiguration n/there"]);
    }

    #[test]
    fn the_data_of_a_secret_is_kept_only_when_somebody_names_it() {
        let mut store = Store::default();
        store.apply(Kind::Secret, &secret("s"), false);
        assert!(names(&store).is_empty());
        store.apply(Kind::Configuration, &configuration("a", None, Some("s")), false);
        assert_eq!(store.incomplete(), [(Kind::Secret, "s".to_owned())]);
        store.apply(Kind::Secret, &secret("s"), false);
        assert_eq!(names(&store), ["FRRConfiguration n/a", "Secret n/s"]);
        assert!(store.incomplete().is_empty());
    }

    #[test]
    fn an_object_whose_end_is_doubted_cannot_be_read() {
        let mut store = Store::default();
        store.choose_by(labels("7"));
        store.apply(Kind::Configuration, &configuration("a", None, None), false);
        store.apply(Kind::Configuration, &configuration("other", Some("8"), None), false);
        store.doubt(Kind::Configuration, "a", "the namespace is being deleted");
        store.doubt(Kind::Configuration, "other", "the namespace is being deleted");
        let input = store.input("n");
        assert_eq!((input.unreadable.len(), input.entries.len()), (1, 0));
        assert_eq!(input.sources[0].name, "FRRConfiguration n/a");
        store.apply(Kind::Configuration, &configuration("a", None, None), false);
        assert_eq!((store.input("n").unreadable.len(), store.doubted().len()), (0, 0));
        store.doubt(Kind::Configuration, "a", "why");
        store.remove(Kind::Configuration, "a");
        assert!(store.input("n").sources.is_empty());
    }

    fn causes(store: &Store) -> Vec<(&str, Cause)> {
        store.doubted.iter().map(|((_, name), doubt)| (name.as_str(), doubt.cause)).collect()
    }

    #[test]
    fn what_counted_is_not_believed_to_be_older_and_survives_a_restart() {
        let mut store = Store::default();
        let new = at(configuration("a", None, None), "u", (100, 5));
        let old = at(configuration("a", None, Some("s")), "u", (50, 3));
        assert_eq!(store.apply(Kind::Configuration, &new, false), Taken::Changed);
        let kept = store.versions();
        for mut store in [store, Store { remembered: kept.clone(), ..Store::default() }] {
            assert_eq!(store.apply(Kind::Configuration, &old, false), Taken::Doubted);
            assert_eq!((causes(&store), store.is_restored), (vec![("a", Cause::Older)], true));
            assert_eq!(store.versions(), kept, "what is remembered is what was believed");
            let missed = store.input("n").unreadable.remove(0).missed.unwrap();
            assert_eq!((missed.rule.id(), missed.object), ("older-in-api", ObjectId::new("n", "a")));
            let edited = at(configuration("a", None, None), "u", (60, 4));
            assert_eq!(store.apply(Kind::Configuration, &edited, false), Taken::Changed);
            assert!(store.is_believed());
        }
    }

    #[test]
    fn an_object_that_counts_back_and_asks_for_the_same_is_believed() {
        let mut store = Store::default();
        store.apply(Kind::Configuration, &at(configuration("a", None, None), "u", (100, 5)), false);
        store.apply(Kind::Configuration, &at(configuration("a", None, None), "u", (50, 5)), false);
        assert!(store.is_believed() && store.is_restored && names(&store).len() == 1);
    }

    #[test]
    fn what_was_written_last_is_known_also_of_objects_for_others() {
        let mut store = Store::default();
        store.choose_by(labels("7"));
        for (name, number) in [("a", 100), ("b", 9), ("c", 101)] {
            let object = at(configuration(name, (name == "c").then_some("8"), None), "u", (number, 1));
            store.apply(Kind::Configuration, &object, false);
        }
        let last = store.written_last(Kind::Configuration);
        assert_eq!(last, [("c".to_owned(), 101), ("a".to_owned(), 100), ("b".to_owned(), 9)]);
    }

    #[test]
    fn an_object_that_comes_back_counts_when_somebody_writes_it() {
        let mut store = Store::default();
        let back = at(configuration("a", None, None), "u", (50, 3));
        assert_eq!(store.apply(Kind::Configuration, &back, true), Taken::Doubted);
        assert_eq!(store.apply(Kind::Configuration, &back, false), Taken::Same);
        assert_eq!(causes(&store), [("a", Cause::Back)]);
        let written = at(configuration("a", None, None), "u", (60, 4));
        assert_eq!(store.apply(Kind::Configuration, &written, false), Taken::Changed);
        assert_eq!(names(&store), ["FRRConfiguration n/a"]);
    }
}
