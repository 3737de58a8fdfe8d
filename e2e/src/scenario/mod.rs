//! Scenarios: objects in a cluster, and what is seen of them on the wire, in the node and in its `FRRNodeState`.
//!
//! ```text
//!            API server (one for all stages of a process)
//!                │
//!  objects ──► agent ──► FRR of the node ──► peers of the cast ──► Outcome
//!                └─────► FRRNodeState
//! ```
//!
//! A [`Scenario`] is written once, for IPv4. A [`Stage`] plays it in other [`Families`], in a VRF, and with its objects
//! split [`By`] something: what is seen must be the same.

mod api;
mod cast;
mod duo;
mod families;
mod outcome;
mod split;
mod stage;
mod subject;

use frrk8s_api::FRRConfiguration;
use frrk8s_manifest::{Object, read};

pub use api::{ApiClient, ground};
pub use cast::NODE_ASN;
pub use duo::Duo;
pub use families::Families;
pub use outcome::{Outcome, Seen, outcome};
pub use split::{By, split};
pub use stage::{Place, Stage, kernel_routes, play};
pub use subject::Subject;

/// What somebody asks for, and what is seen then.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The rule, for people.
    pub rule: &'static str,
    /// The router of each object, in YAML.
    pub routers: &'static [&'static str],
    /// What is seen, as [`outcome`] reads it.
    pub seen: &'static str,
}

/// Objects with one router each; the names are `a`, `b` and so on.
///
/// # Panics
///
/// When one cannot be read.
pub fn objects(routers: &[&str]) -> Vec<FRRConfiguration> {
    let named = ('a'..='z').zip(routers);
    named
        .map(|(name, router)| object(&name.to_string(), &format!("bgp:\n  routers:\n  - {}", indent(router))))
        .collect()
}

/// An object with a spec in YAML.
///
/// # Panics
///
/// When it cannot be read.
pub fn object(name: &str, spec: &str) -> FRRConfiguration {
    let text = format!(
        "kind: FRRConfiguration\nmetadata: {{name: {name}}}\nspec:\n  {}\n",
        spec.trim().replace('\n', "\n  ")
    );
    let mut manifests = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    match manifests.pop().map(|manifest| manifest.object) {
        Some(Object::Configuration(object)) => *object,
        other => panic!("{other:?}\n{text}"),
    }
}

fn indent(text: &str) -> String {
    text.trim().replace('\n', "\n    ")
}
