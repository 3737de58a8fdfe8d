//! Passwords, which nothing but the renderer may see.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
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

/// How the words of FRR begin behind which a secret stands; FRR takes a word that is cut short as long as it is clear.
const SECRET_WORDS: &[&str] =
    &["passw", "key-s", "authentication-k", "message-digest-k", "area-p", "domain-p", "md5"];
/// Words cut so short that others begin alike; FRR takes them for `password` where a word follows (measured on 8.4.4).
const SHORT_WORDS: &[&str] = &["pa", "pas", "pass"];

/// Where in a line of FRR's language something secret stands: all behind the first word that announces one.
pub fn secret_in(line: &str) -> Option<Range<usize>> {
    let begins =
        |word: &str, start: &&str| word.get(..start.len()).is_some_and(|w| w.eq_ignore_ascii_case(start));
    let mut at = 0;
    for word in line.split([' ', '\t']) {
        at += word.len();
        let is_short = SHORT_WORDS.iter().any(|short| word.eq_ignore_ascii_case(short));
        if is_short || SECRET_WORDS.iter().any(|start| begins(word, start)) {
            let secret = line[at..].trim_ascii();
            let from = at + (line[at..].len() - line[at..].trim_ascii_start().len());
            return (!secret.is_empty()).then_some(from..from + secret.len());
        }
        at += 1;
    }
    None
}

/// A line of FRR's language as people may see it: with `***` in place of what is secret in it.
pub fn masked(line: &str) -> Cow<'_, str> {
    match secret_in(line) {
        Some(secret) => format!("{}***", &line[..secret.start]).into(),
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_lines_are_masked_however_they_are_written() {
        for (line, expected) in [
            (" neighbor 10.0.0.1 password s3cret two", " neighbor 10.0.0.1 password ***"),
            ("neighbor 10.0.0.1\tpassw\t s3cret", "neighbor 10.0.0.1\tpassw\t ***"),
            ("no neighbor 10.0.0.1 password", "no neighbor 10.0.0.1 password"),
            ("enable password 8 s3cret", "enable password ***"),
            ("  key-string s3cret", "  key-string ***"),
            ("ip ospf message-digest-key 1 md5 s3cret", "ip ospf message-digest-key ***"),
            ("isis password md5 s3cret", "isis password ***"),
            ("neighbor 10.0.0.1 pass s3cret", "neighbor 10.0.0.1 pass ***"),
            ("neighbor 10.0.0.1 passive", "neighbor 10.0.0.1 passive"),
            ("\u{e9} passwörd x", "\u{e9} passwörd ***"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }
}
