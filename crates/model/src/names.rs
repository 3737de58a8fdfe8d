//! Names that go into FRR's configuration. Each is one word of FRR's command language, so that no
//! name can add, end or change a line.

use std::fmt;
use std::sync::Arc;

use crate::shown_up_to;

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No character at all.
    #[error("is empty")]
    Empty,
    /// More bytes than the kernel or FRR takes.
    #[error("has {len} bytes; {max} is the most that {by} takes")]
    TooLong {
        /// Bytes found.
        len: usize,
        /// Bytes allowed.
        max: usize,
        /// Who sets the limit.
        by: &'static str,
    },
    /// A character that would end the word, or that the kernel refuses.
    #[error("contains {0:?}, which is not allowed there")]
    Character(char),
    /// A word with a meaning of its own.
    #[error("{0:?} is a reserved word")]
    Reserved(String),
}

/// The characters that every FRR version takes anywhere in a name and prints back unchanged.
fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '=' | ',' | '~' | '%')
}

fn check(text: &str, max: usize, by: &'static str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > max {
        let len = text.len();
        return Err(NameError::TooLong { len, max, by });
    }
    match text.chars().find(|&c| !is_name_character(c)) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

/// Linux' limit for the name of a network device, VRFs included (`IFNAMSIZ` less the closing zero).
const DEVICE_NAME_BYTES_MAX: usize = 15;
/// FRR takes 64, but then cuts the neighbor's reference to 63 so that it points at nothing.
const BFD_PROFILE_BYTES_MAX: usize = 63;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:expr, $by:literal, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, or what is wrong with it.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text, $max, $by)?;
                if $reserved(text) {
                    return Err(NameError::Reserved(text.to_owned()));
                }
                Ok(Self(text.into()))
            }

            /// The name as FRR reads it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a network interface of the node.
    InterfaceName, DEVICE_NAME_BYTES_MAX, "the Linux kernel",
    |text: &str| matches!(text, "." | "..") || text.parse::<std::net::IpAddr>().is_ok()
}
name! {
    /// The name of a VRF other than the default one.
    VrfName, DEVICE_NAME_BYTES_MAX, "the Linux kernel",
    |text: &str| matches!(text, "." | ".." | "all" | "default")
}
name! {
    /// The name of a BFD profile.
    BfdProfileName, BFD_PROFILE_BYTES_MAX, "FRR", |_: &str| false
}

/// A VRF: the default one, or one with a name. The default one sorts first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vrf {
    /// The default VRF; the API spells it as nothing, or as `default`.
    #[default]
    Default,
    /// A VRF with a name.
    Named(VrfName),
}

impl Vrf {
    /// The VRF of an API string: empty and `default` are the default one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text {
            "" | "default" => Ok(Self::Default),
            name => VrfName::new(name).map(Self::Named),
        }
    }

    /// The name of a VRF that has one.
    pub fn name(&self) -> Option<&VrfName> {
        match self {
            Self::Default => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl fmt::Display for Vrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// The longest name of an object that Kubernetes takes (a DNS subdomain, RFC 1123).
const OBJECT_NAME_CHARS_MAX: usize = 253;

/// The namespace and name of an object of the API. The namespace of what has none is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectId {
    /// The identity of `namespace/name`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// In one line of bounded length, whatever somebody called it.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", shown_up_to(&self.namespace, OBJECT_NAME_CHARS_MAX))?;
        }
        f.write_str(&shown_up_to(&self.name, OBJECT_NAME_CHARS_MAX))
    }
}
