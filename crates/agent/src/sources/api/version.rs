//! Which version of an object it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A version of an object, as the API counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Version {
    /// Which object of its name it is.
    pub uid: String,
    /// Counts every change of it.
    #[serde(rename = "resourceVersion")]
    pub resource: String,
    /// Counts the changes of what it asks for; 0 where nobody counts them.
    pub generation: i64,
    /// Identifies what it asks for.
    pub digest: u64,
    /// When the object was created, where it was seen by this agent. By the second.
    #[serde(skip)]
    pub created: Option<Timestamp>,
}

impl Version {
    /// That of an object, of which `text` is what matters.
    pub fn of(object: &Value, text: &str) -> Self {
        let metadata = &object["metadata"];
        let word = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        Self {
            uid: word("uid"),
            resource: word("resourceVersion"),
            generation: metadata["generation"].as_i64().unwrap_or_default(),
            digest: digest(text),
            created: metadata["creationTimestamp"].as_str().and_then(|time| time.parse().ok()),
        }
    }

    /// The resource version as a number, where it is one.
    pub fn number(&self) -> Option<u64> {
        number(&self.resource)
    }

    /// Whether it is the same object as it was before. Another object of the same name is not older, whatever its numbers.
    pub fn is_older_than(&self, other: &Self) -> bool {
        let counts_back = self.number().zip(other.number()).is_some_and(|(this, other)| this < other);
        self.uid == other.uid && (counts_back || self.generation < other.generation)
    }

    /// Whether somebody wrote the object since that version was there, and meant something else, or the same again.
    pub fn is_edited_since(&self, other: &Self) -> bool {
        let asks_anew = self.generation > other.generation || self.digest != other.digest;
        self.uid != other.uid || (asks_anew && !self.is_older_than(other))
    }
}

/// A resource version as a number, where it is one.
pub fn number(resource_version: &str) -> Option<u64> {
    resource_version.parse().ok()
}

/// FNV-1a: the same in every release, for it is kept on disk.
fn digest(text: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(uid: &str, number: &str, generation: i64) -> Version {
        let metadata = json!({"uid": uid, "resourceVersion": number, "generation": generation});
        Version::of(&json!({ "metadata": metadata }), "text")
    }

    #[test]
    fn an_object_is_older_when_it_counts_back() {
        let seen = version("u", "10", 3);
        assert!(version("u", "9", 3).is_older_than(&seen), "numbers, not texts");
        assert!(version("u", "11", 2).is_older_than(&seen));
        assert!(!version("u", "11", 3).is_older_than(&seen) && !seen.is_older_than(&seen));
        assert!(!version("v", "1", 1).is_older_than(&seen), "another object of the same name");
        assert!(!version("u", "b", 3).is_older_than(&seen), "no number");
    }

    #[test]
    fn an_edit_asks_for_something_or_for_the_same_again() {
        let there = version("u", "10", 3);
        assert!(!version("u", "12", 3).is_edited_since(&there), "a label");
        assert!(version("u", "12", 4).is_edited_since(&there));
        assert!(version("v", "1", 1).is_edited_since(&there), "made anew");
        let other = Version { digest: 7, ..version("u", "12", 3) };
        assert!(other.is_edited_since(&there), "a Secret has no generation");
    }
}
