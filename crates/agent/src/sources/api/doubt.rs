//! Whether what the API says of an object is what somebody did to it.
//!
//! A namespace or a CRD that is being deleted takes its objects along, by ordinary delete events; an etcd that is new does not
//! have them; one that was restored from an older copy has them as they were then. None of that is somebody who deletes or
//! edits an object.

use frrk8s_model::Rule;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde::{Deserialize, Serialize};

use super::version::{Version, number};

/// The CRD of the objects that configure FRR.
const CRD: &str = "frrconfigurations.frrk8s.metallb.io";

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is not there.
    Missing,
    /// It is there in an older version.
    Older,
    /// It is there again, though it had gone.
    Back,
}

impl Cause {
    /// The rule that says so.
    pub fn rule(self) -> Rule {
        match self {
            Self::Missing => Rule::MissingInApi,
            Self::Older | Self::Back => Rule::OlderInApi,
        }
    }

    /// The sentence that says so.
    pub fn why(self, there: &Version, before: Option<&Version>) -> String {
        let number = |version: &Version| {
            let generation = Some(version.generation).filter(|generation| *generation > 0);
            let generation = generation.map(|generation| format!(" (generation {generation})"));
            format!("{}{}", version.resource, generation.unwrap_or_default())
        };
        match (self, before) {
            (Self::Older, Some(before)) => format!(
                "the API has the resource version {} in the place of {}, which was seen before: it seems to have been restored from an older copy",
                number(there),
                number(before)
            ),
            (Self::Missing, _) => "it is not there".to_owned(),
            _ => format!(
                "it is there again in the resource version {}, which had gone: the API seems to have been restored from an older copy",
                number(there)
            ),
        }
    }
}

/// An object of which the API says something that is not believed.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// What is wrong.
    pub cause: Cause,
    /// The same in a sentence.
    pub why: String,
    /// What the API has instead, if anything.
    pub there: Option<Version>,
    /// What was there before.
    pub before: Option<Version>,
}

impl Doubt {
    /// What is wrong with the object as it is there now; `None` where that is what somebody wants.
    pub fn judge(&self, now: &Version) -> Option<Cause> {
        let is_past = self.before.as_ref().is_some_and(|before| !now.is_older_than(before));
        let is_as_before = self.before.as_ref().is_none_or(|before| now.digest == before.digest);
        let is_edited = self.there.as_ref().is_some_and(|there| now.is_edited_since(there));
        match self.cause {
            Cause::Back => (!is_edited).then_some(Cause::Back),
            Cause::Missing | Cause::Older => {
                (!is_past && !is_as_before && !is_edited).then_some(Cause::Older)
            }
        }
    }
}

/// The namespace and the CRD that objects are believed under, by their UIDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    namespace: String,
    crd: String,
}

/// Since when a namespace and a CRD are both there, or one of them was written last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// When the younger of them was created. By the second.
    created: Option<Timestamp>,
    /// The resource version of the one that was written last, where those are numbers.
    written: Option<u64>,
}

impl Since {
    /// Whether it began after another one.
    pub fn is_after(&self, other: &Self) -> bool {
        let begins = |since: &Self| since.created.zip(since.written);
        begins(self).zip(begins(other)).is_some_and(|(this, other)| this > other)
    }

    /// Whether an object stood on this ground, by when it was created and a resource version that it had there: one that is
    /// younger; or one of the same second that was written, or deleted, later. The numbers alone say nothing: those of a
    /// cluster that was made anew begin again.
    pub fn is_before(&self, created: Option<Timestamp>, version: Option<u64>) -> bool {
        let Some((created, since)) = created.zip(self.created) else { return false };
        let is_later = version.zip(self.written).is_some_and(|(version, since)| version > since);
        created > since || created == since && is_later
    }
}

/// The ground that objects stand on and since when both of it are there, or why it gives way.
pub async fn ground(client: &Client, namespace: &str) -> Result<(Ground, Since), String> {
    let namespaces = GroupVersionKind::gvk("", "v1", "Namespace");
    let crds = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let (namespace, one) = uid(client, &namespaces, namespace).await?;
    let (crd, other) = uid(client, &crds, CRD).await?;
    let since = Since {
        created: one.created.zip(other.created).map(|(one, other)| one.max(other)),
        written: one.written.zip(other.written).map(|(one, other)| one.max(other)),
    };
    Ok((Ground { namespace, crd }, since))
}

/// The UID of an object that is there to stay, and since when.
async fn uid(client: &Client, kind: &GroupVersionKind, name: &str) -> Result<(String, Since), String> {
    let what = format!("the {} {name}", kind.kind);
    let objects: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(kind));
    let found = objects.get_metadata_opt(name).await;
    let metadata = found
        .map_err(|error| format!("{what} cannot be looked at: {error}"))?
        .ok_or_else(|| format!("{what} is not there"))?
        .metadata;
    let since = Since {
        created: metadata.creation_timestamp.map(|time| time.0),
        written: metadata.resource_version.as_deref().and_then(number),
    };
    match metadata.deletion_timestamp {
        Some(_) => Err(format!("{what} is being deleted")),
        None => Ok((metadata.uid.ok_or_else(|| format!("{what} has no UID"))?, since)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(number: &str, generation: i64, text: &str) -> Version {
        let metadata = json!({"uid": "u", "resourceVersion": number, "generation": generation});
        Version::of(&json!({ "metadata": metadata }), text)
    }

    #[test]
    fn an_older_object_is_believed_when_it_moves_past_what_was_seen_or_somebody_edits_it() {
        let (before, there) = (version("100", 5, "new"), version("50", 3, "old"));
        let doubt =
            Doubt { cause: Cause::Older, why: String::new(), there: Some(there), before: Some(before) };
        assert_eq!(doubt.judge(&version("50", 3, "old")), Some(Cause::Older));
        assert_eq!(doubt.judge(&version("51", 3, "old")), Some(Cause::Older), "a label");
        assert_eq!(doubt.judge(&version("52", 4, "other")), None, "an edit");
        assert_eq!(doubt.judge(&version("101", 5, "old")), None, "past");
        assert_eq!(doubt.judge(&version("52", 3, "new")), None, "nothing is different");
    }

    #[test]
    fn a_ground_that_began_earlier_is_that_of_an_older_copy() {
        let since = |second, written| Since { created: Timestamp::from_second(second).ok(), written };
        let was = since(100, Some(50));
        assert!(since(101, Some(7)).is_after(&was) && since(100, Some(51)).is_after(&was));
        assert!(
            !since(99, Some(60)).is_after(&was) && !was.is_after(&was) && !since(101, None).is_after(&was)
        );
    }

    #[test]
    fn a_ground_takes_along_only_what_was_there_before_it() {
        let at = |second| Timestamp::from_second(second).ok();
        let since = Since { created: at(100), written: Some(50) };
        assert!(since.is_before(at(101), None), "created later");
        assert!(since.is_before(at(100), Some(51)), "in the same second, and written later");
        assert!(!since.is_before(at(100), Some(50)), "in the same second");
        assert!(!since.is_before(at(99), Some(51)), "of a cluster that counted further");
        assert!(
            !since.is_before(None, Some(51)) && !Since::default().is_before(at(101), Some(51)),
            "not known"
        );
    }

    #[test]
    fn a_missing_object_comes_back_as_it_was_and_is_older_when_it_does_not() {
        let before = Some(version("100", 5, "new"));
        let doubt = Doubt { cause: Cause::Missing, why: String::new(), there: None, before };
        assert_eq!(doubt.judge(&version("100", 5, "new")), None);
        assert_eq!(doubt.judge(&version("50", 3, "old")), Some(Cause::Older));
        let other = Version { uid: "v".to_owned(), ..version("1", 1, "old") };
        assert_eq!(doubt.judge(&other), None, "somebody made it anew");
    }
}
