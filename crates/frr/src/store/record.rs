//! The objects behind a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreError;

/// The shape of a record. Another number is another shape: a release that does not know it goes by the text alone.
const SHAPE: u32 = 1;

/// The objects that were accepted, as they were, with the secrets that they had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The objects.
    pub objects: Vec<Accepted>,
    /// What FRR made of raw snippets, where it prints them in another way than they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawRecord>,
    /// The node that they were rendered for; absent in what older releases wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeRecord>,
}

/// The node, and on what terms its configuration was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRecord {
    /// Its name.
    pub name: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether labels and addresses came from its object.
    #[serde(default)]
    pub has_object: bool,
    /// Routes that are never taken from anybody, as `ADDRESS/LENGTH`.
    pub always_block: Vec<String>,
    /// How much FRR logs: the word of FRR's own `log` line.
    pub log_level: String,
    /// The router id of routers that have none of their own.
    pub router_id_fallback: Option<Ipv4Addr>,
}

/// What FRR made of raw snippets, as lines of its own language. `Debug` leaves out what is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawRecord {
    /// What was told.
    pub told: String,
    /// What of it FRR does not print.
    pub missing: String,
    /// What it prints beside that.
    pub more: String,
}

impl fmt::Debug for RawRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of raw lines", self.told.len())
    }
}

/// One accepted object. `Debug` leaves out what is in it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// 0 for an object of a directory on the node, 1 for one of the API.
    pub source: u8,
    /// When it was created, in seconds since 1970; absent where it does not say.
    pub created: Option<i64>,
    /// `spec`, as it was written.
    pub spec: Value,
    /// The passwords of the Secrets that it names, by name.
    pub secrets: BTreeMap<String, String>,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A record with the number of its shape.
#[derive(Serialize, Deserialize)]
struct Shaped {
    shape: u32,
    #[serde(flatten)]
    rest: Value,
}

impl Record {
    pub(super) fn to_json(&self) -> Result<String, StoreError> {
        let rest = serde_json::to_value(self).map_err(StoreError::Encode)?;
        serde_json::to_string(&Shaped { shape: SHAPE, rest }).map_err(StoreError::Encode)
    }

    /// `None` for a shape that this release does not know.
    pub(super) fn from_json(text: &str, path: &Path) -> Result<Option<Self>, StoreError> {
        let failed = |source| StoreError::Record { path: path.to_owned(), source };
        let Shaped { shape, rest } = serde_json::from_str(text).map_err(failed)?;
        if shape != SHAPE {
            return Ok(None);
        }
        serde_json::from_value(rest)
            .map(Some)
            .map_err(|source| StoreError::Record { path: path.to_owned(), source })
    }
}
