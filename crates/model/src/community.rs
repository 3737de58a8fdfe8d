//! BGP communities: standard (RFC 1997) and large (RFC 8092).

use std::fmt;
use std::str::FromStr;

/// A standard community, `A:B` with two 16-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u16, pub u16);

/// A large community, three 32-bit numbers; the API spells it `large:A:B:C`, FRR `A:B:C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub u32, pub u32, pub u32);

/// The most standard communities that one route can be given: more do not fit into a line of FRR's.
pub const COMMUNITIES_MAX: usize = 255;
/// The most large communities that one route can be given.
pub const LARGE_COMMUNITIES_MAX: usize = 100;

/// Either kind, as one string of the API may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyCommunity {
    /// Two 16-bit numbers.
    Standard(Community),
    /// Three 32-bit numbers.
    Large(LargeCommunity),
}

/// Why a text is no community.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither A:B with two numbers up to 65535 nor large:A:B:C with three up to 4294967295")]
pub struct CommunityError;

impl FromStr for AnyCommunity {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let parts: Vec<&str> = text.splitn(5, ':').collect();
        match parts[..] {
            [a, b] => Ok(Self::Standard(Community(number(a)?, number(b)?))),
            ["large", a, b, c] => Ok(Self::Large(LargeCommunity(number(a)?, number(b)?, number(c)?))),
            _ => Err(CommunityError),
        }
    }
}

/// Digits only: `FromStr` of the integers would take a leading `+`.
fn number<T: FromStr>(text: &str) -> Result<T, CommunityError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CommunityError);
    }
    text.parse().map_err(|_| CommunityError)
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.0, self.1, self.2)
    }
}

/// As the API spells it.
impl fmt::Display for AnyCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(community) => community.fmt(f),
            Self::Large(community) => write!(f, "large:{community}"),
        }
    }
}
