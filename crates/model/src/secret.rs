//! Passwords, which nothing but the renderer may see.

use std::fmt;
use std::sync::Arc;

/// The TCP-MD5 password of a session (RFC 2385). `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(Arc<str>);

/// The longest password, in bytes, that FRR takes (`neighbor X password`): it refuses more.
pub const PASSWORD_BYTES_MAX: usize = 80;

impl Secret {
    /// A password as FRR takes it: 1 to 80 visible ASCII characters, no space. `Err` says what
    /// is wrong without repeating the password.
    pub fn password(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong(text.len()));
        }
        if text.contains(char::is_whitespace) {
            return Err(PasswordError::Space);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PasswordError::NotAscii);
        }
        Ok(Self(text.into()))
    }

    /// The password in clear. Only what is sent to FRR may call this.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is no password for FRR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// No character at all.
    #[error("the password is empty")]
    Empty,
    /// Over [`PASSWORD_BYTES_MAX`] bytes.
    #[error("the password has {0} bytes; FRR takes {PASSWORD_BYTES_MAX} at most")]
    TooLong(usize),
    /// FRR ends a password at the first blank and refuses the rest.
    #[error("the password contains a space, a tab or a line break")]
    Space,
    /// Control characters or characters outside of ASCII.
    #[error("the password contains a character that is not visible ASCII")]
    NotAscii,
}
