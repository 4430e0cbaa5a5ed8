//! Names and ids from outside: text that is checked once and then kept unchanged.

mod from_map;
mod from_str;

use thiserror::Error;

pub(crate) use self::from_map::{FromMap, read_document};
pub(crate) use self::from_str::deserialize_from_str;

/// The error of an invalid id or name. It says where the error is and never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// The text is empty.
    #[error("{what} is empty, expected 1 to {max} bytes")]
    Empty {
        /// The kind of text, for example "user id".
        what: &'static str,
        /// The maximum length in bytes.
        max: usize,
    },
    /// The text is longer than the limit.
    #[error("{what} is {len} bytes long, expected at most {max}")]
    TooLong {
        /// The kind of text.
        what: &'static str,
        /// The length in bytes.
        len: usize,
        /// The maximum length in bytes.
        max: usize,
    },
    /// The text contains a control character (Unicode category Cc).
    #[error("{what} contains a control character at byte {at}; remove it")]
    Control {
        /// The kind of text.
        what: &'static str,
        /// The position of the control character, in bytes from the start.
        at: usize,
    },
}

/// Checks that `text` is not empty, not longer than `max` bytes, and contains no control character.
pub(crate) fn check_text(what: &'static str, text: &str, max: usize) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty { what, max });
    }
    if text.len() > max {
        let len = text.len();
        return Err(TextError::TooLong { what, len, max });
    }
    // The usual text is ASCII without control characters.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(TextError::Control { what, at }),
        None => Ok(()),
    }
}

/// Returns a parser's message without the values that it read: serde quotes unexpected values and names, which can be
/// private.
pub(crate) fn without_values(message: &str) -> String {
    let kinds = ["invalid type", "invalid value", "unknown variant", "unknown field"];
    // The first occurrence, because the quoted value can contain these words too.
    let Some((at, kind)) = kinds.iter().filter_map(|kind| Some((message.find(kind)?, kind))).min() else {
        return message.to_owned();
    };
    // The last occurrence, because the quoted value can contain the same words. The text after them is not quoted.
    let ends = [", expected ", ", there are no fields", ", there are no variants"];
    let end = ends.iter().filter_map(|end| message.rfind(end)).max().and_then(|end| message.get(end..));
    format!("{}{kind}{}", message.get(..at).unwrap_or_default(), end.unwrap_or_default())
}

/// Implements `Deserialize` for `$name` through `$document`, which derives it with `#[serde(remote)]`.
macro_rules! deserialize_without_quoting {
    ($name:ident, $document:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::read_document(deserializer, $document::deserialize)
            }
        }
    };
}

/// Returns the longest prefix of `text` that is at most `max` bytes long and does not split a character.
pub(crate) fn prefix(text: &str, max: usize) -> &str {
    let ends = (0..=max.min(text.len())).rev();
    // A character is at most 4 bytes long.
    ends.take(4).find_map(|end| text.get(..end)).unwrap_or_default()
}

/// Implements `TryFrom<&str>` and `FromStr` with `new`, and `AsRef<str>` and `Display` with `as_str`.
macro_rules! text_conversions {
    ($name:ident, $error:ty) => {
        impl TryFrom<&str> for $name {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// A newtype over checked text, compared byte for byte. A `redacted` type does not show its text in `Debug`, because
/// the text can be private. A `shown` type does. With `truncatable`, the type gets a constructor `truncated`. A
/// name that identifies something must not have it: two long names with the same prefix would become one.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, max $max:expr, $debug:ident, truncatable) => {
        $crate::text::checked_text!($(#[$doc])* $name, $what, max $max, $debug);

        impl $name {
            /// Like [`new`](Self::new), but keeps only the beginning of a longer text: at most [`Self::MAX_BYTES`]
            /// bytes, cut between two characters. Use it for text whose length the caller does not control.
            ///
            /// # Errors
            /// Returns [`TextError`](crate::identity::TextError) if the text is empty, or if its beginning contains a
            /// control character.
            pub fn truncated(text: impl AsRef<str>) -> Result<Self, crate::identity::TextError> {
                Self::new(crate::text::prefix(text.as_ref(), Self::MAX_BYTES))
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $what:literal, max $max:expr, $debug:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The maximum length in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Returns the text as this type, unchanged, if it is valid.
            ///
            /// # Errors
            /// Returns [`TextError`](crate::identity::TextError) if the text is empty, longer than [`Self::MAX_BYTES`]
            /// or contains a control character.
            pub fn new(text: impl AsRef<str>) -> Result<Self, crate::identity::TextError> {
                let text = text.as_ref();
                crate::text::check_text($what, text, Self::MAX_BYTES)?;
                Ok(Self(text.into()))
            }

            /// Returns the text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::identity::TextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                crate::text::check_text($what, &text, Self::MAX_BYTES)?;
                Ok(Self(text.into_boxed_str()))
            }
        }

        $crate::text::text_conversions!($name, crate::identity::TextError);

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        $crate::text::checked_text!(@$debug $name);
    };
    (@redacted $name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
    (@shown $name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}

/// Implements `as_str`, `Display` and `FromStr` for an enum without fields. The words must equal those of its serde
/// form; a test checks that.
macro_rules! words {
    ($name:ident, $what:literal: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $name {
            /// Returns the word for this value: the same as in `Display`, `FromStr` and serde.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::error::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(crate::error::UnknownWord::new($what, &[$($word),+])),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::deserialize_from_str(deserializer, concat!($what, " as a word"))
            }
        }

        #[cfg(test)]
        impl crate::text::Words for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

/// An enum whose conversions [`words`] implements, for the test that they agree with serde.
#[cfg(test)]
pub(crate) trait Words: Copy + std::fmt::Debug + std::fmt::Display + std::str::FromStr + 'static {
    const ALL: &'static [Self];
}

pub(crate) use checked_text;
pub(crate) use deserialize_without_quoting;
pub(crate) use text_conversions;
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn b2_quoted_value_with_words_of_message_is_removed() {
        for (message, expected) in [
            ("unknown field `canary`, expected `a` or `b` at line 1", "unknown field, expected `a` or `b` at line 1"),
            ("unknown field `x, expected canary`, expected `a`", "unknown field, expected `a`"),
            ("unknown field `x, expected canary`, there are no fields", "unknown field, there are no fields"),
            ("unknown field `x, there are no fields canary`, expected `a`", "unknown field, expected `a`"),
            ("unknown variant `x, expected canary`, there are no variants", "unknown variant, there are no variants"),
            ("unknown variant `unknown field canary`, expected `a`", "unknown variant, expected `a`"),
            ("a: invalid type: string \"canary\", expected u16", "a: invalid type, expected u16"),
            ("invalid value: canary", "invalid value"),
            ("missing field `a`", "missing field `a`"),
        ] {
            assert_eq!(without_values(message), expected, "{message}");
        }
    }
}
