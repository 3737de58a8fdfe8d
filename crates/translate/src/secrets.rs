//! Passwords by the name of their Secret.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use frrk8s_api::k8s::Secret as SecretObject;

/// The type that a Secret must have.
const SECRET_TYPE: &str = "kubernetes.io/basic-auth";
/// The key of the password in it.
const PASSWORD_KEY: &str = "password";

/// The Secrets of the daemon's namespace, by name.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    by_name: BTreeMap<String, Content>,
    absent: Absent,
}

/// What a Secret that is not there means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Absent {
    /// The object cannot be taken.
    #[default]
    Missing,
    /// It will be there on the node; its name stands for its password.
    Assumed,
}

/// What a Secret holds, as far as it matters.
#[derive(Clone)]
enum Content {
    Password(Vec<u8>),
    OtherType(String),
    NoPassword,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "password ***",
            Self::OtherType(_) => "other type",
            Self::NoPassword => "no password",
        })
    }
}

/// Why a name leads to no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretProblem {
    Missing,
    OtherType(String),
    NoPassword,
    NotText,
}

/// A password that was looked up.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) password: String,
    /// Whether the Secret itself was not there.
    pub(crate) assumed: bool,
}

impl Secrets {
    /// The secrets among these objects. Other namespaces than the daemon's must be left out before.
    pub fn new<'a>(objects: impl IntoIterator<Item = &'a SecretObject>) -> Self {
        let named = objects.into_iter().filter_map(|secret| {
            let name = secret.metadata.name.clone()?;
            Some((name, content(secret)))
        });
        Self { by_name: named.collect(), absent: Absent::Missing }
    }

    /// The same, for where Secrets cannot be seen (a review of files, an admission webhook): one that is not
    /// there is assumed to be on the node, and two names to stand for two passwords.
    #[must_use]
    pub fn assuming_absent(self) -> Self {
        Self { absent: Absent::Assumed, ..self }
    }

    pub(crate) fn password(&self, name: &str) -> Result<Found, SecretProblem> {
        let found = |password| Found { password, assumed: false };
        match self.by_name.get(name) {
            Some(Content::Password(bytes)) => {
                String::from_utf8(bytes.clone()).map(found).map_err(|_| SecretProblem::NotText)
            }
            Some(Content::OtherType(kind)) => Err(SecretProblem::OtherType(kind.clone())),
            Some(Content::NoPassword) => Err(SecretProblem::NoPassword),
            None if self.absent == Absent::Assumed => {
                Ok(Found { password: placeholder(name), assumed: true })
            }
            None => Err(SecretProblem::Missing),
        }
    }
}

/// What stands for the password of a Secret that cannot be seen: a text of its own for each name, which FRR would take
/// whatever the name is.
fn placeholder(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("secret:{:016x}", hasher.finish())
}

fn content(secret: &SecretObject) -> Content {
    let kind = secret.type_.as_deref().unwrap_or("Opaque");
    if kind != SECRET_TYPE {
        return Content::OtherType(kind.to_owned());
    }
    // As the API server does it: what is written as text goes over what is written as bytes.
    let text = secret.string_data.as_ref().and_then(|data| data.get(PASSWORD_KEY));
    let bytes = secret.data.as_ref().and_then(|data| data.get(PASSWORD_KEY));
    match (text, bytes) {
        (Some(text), _) => Content::Password(text.clone().into_bytes()),
        (None, Some(bytes)) => Content::Password(bytes.0.clone()),
        (None, None) => Content::NoPassword,
    }
}
