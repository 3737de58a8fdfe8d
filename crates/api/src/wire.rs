//! How fields are read and written: as Go's JSON decoder does it, so that every stored object means what it meant.
//!
//! `null`, absence, and (for text) emptiness are the same; unset values are not written.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's default: an empty list or object, `false`, zero.
pub(crate) fn null_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Reads text, and the words of enumerations; empty text counts as unset.
pub(crate) fn text<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text: Option<String> = Option::deserialize(input)?;
    Ok(text.filter(|text| !text.is_empty()).map(T::from))
}

/// Whether a field may be left out when it is written.
pub(crate) fn unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A `spec` that is absent or `null` is an empty one, as upstream's CRDs allow.
///
/// kube's derive wants the field, and serde offers no attribute on a derived root object; but a missing field is
/// decoded from "nothing", which an `Option` accepts. The derive on the spec is `remote = "Self"`, so that the trait
/// itself is free to go through one.
macro_rules! optional_spec {
    ($spec:ident) => {
        impl<'de> serde::Deserialize<'de> for $spec {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Given(#[serde(with = "Fields")] $spec);

                /// Names the derived functions, which the trait's would otherwise hide from `with`.
                struct Fields;
                impl Fields {
                    fn deserialize<'de, D>(input: D) -> Result<$spec, D::Error>
                    where
                        D: serde::Deserializer<'de>,
                    {
                        $spec::deserialize(input)
                    }
                }

                let given: Option<Given> = Option::deserialize(input)?;
                Ok(given.map_or_else($spec::default, |Given(spec)| spec))
            }
        }

        impl serde::Serialize for $spec {
            fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
                $spec::serialize(self, output)
            }
        }
    };
}
pub(crate) use optional_spec;
