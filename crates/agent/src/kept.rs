//! A version of an object that is in force, or was last.

use std::collections::BTreeMap;
use std::fmt;

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_api::k8s::{ObjectMeta, Secret};
use frrk8s_frr::Accepted;
use frrk8s_intake::SourceOrigin;
use frrk8s_merge::{Candidate, Seniority};
use frrk8s_model::{Finding, Fragment, ObjectId, Rule};
use frrk8s_translate::{Secrets, translate};
use serde_json::Value;

/// A version of an object, with the secrets that it had. `Debug` leaves out what is in it.
#[derive(Clone, PartialEq)]
pub struct Kept {
    /// The version.
    pub fragment: Fragment,
    /// `spec`, as it was written.
    spec: Value,
    /// Where it came from: 0 for a file, 1 for the API.
    source: u8,
    /// When the object was created, in seconds since 1970.
    created: Option<i64>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fragment.object)
    }
}

impl Kept {
    /// A version that was just accepted, with what its rank comes from.
    pub fn new(fragment: Fragment, spec: Value, (source, created): (u8, Option<i64>)) -> Self {
        Self { fragment, spec, source, created }
    }

    /// Whether it came from the Kubernetes API.
    pub fn is_of_the_api(&self) -> bool {
        self.source == SourceOrigin::Api.rank()
    }

    /// The object's rank.
    pub fn seniority(&self) -> Seniority {
        Seniority {
            source: self.source,
            undated: self.created.is_none(),
            created: self.created.unwrap_or_default(),
            object: self.fragment.object.clone(),
        }
    }

    /// The version as if the source had it now.
    pub fn candidate(&self) -> Candidate<'_> {
        let fragment = Some(&self.fragment);
        Candidate { seniority: self.seniority(), newest: fragment, last_accepted: fragment }
    }

    /// The version as it is kept on disk.
    pub fn to_record(&self) -> Accepted {
        let neighbors = self.fragment.routers.iter().flat_map(|router| &router.neighbors);
        let secrets = neighbors.filter_map(|neighbor| {
            let name = neighbor.password_secret.as_deref()?;
            Some((name.to_owned(), neighbor.session.password.as_ref()?.reveal().to_owned()))
        });
        Accepted {
            namespace: self.fragment.object.namespace.to_string(),
            name: self.fragment.object.name.to_string(),
            source: self.source,
            created: self.created,
            spec: self.spec.clone(),
            secrets: secrets.collect(),
        }
    }

    /// The version that was kept on disk, or why this release does not take it any more.
    pub fn from_record(accepted: &Accepted) -> Result<Self, Vec<Finding>> {
        let id = ObjectId::new(&accepted.namespace, &accepted.name);
        let spec: FRRConfigurationSpec = serde_json::from_value(accepted.spec.clone())
            .map_err(|error| vec![Finding::new(Rule::Undecodable, &id, "spec", error.to_string())])?;
        let secrets: Vec<Secret> =
            accepted.secrets.iter().map(|(name, password)| secret(name, password)).collect();
        let translation = translate(&id, &spec, &Secrets::new(&secrets));
        match translation.fragment {
            Some(fragment) => {
                Ok(Self::new(fragment, accepted.spec.clone(), (accepted.source, accepted.created)))
            }
            None => Err(translation.findings),
        }
    }
}

fn secret(name: &str, password: &str) -> Secret {
    Secret {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        type_: Some("kubernetes.io/basic-auth".to_owned()),
        string_data: Some(BTreeMap::from([("password".to_owned(), password.to_owned())])),
        ..Secret::default()
    }
}
