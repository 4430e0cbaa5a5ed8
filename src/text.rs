//! Names and ids from outside: text that is checked once and then kept unchanged.

use thiserror::Error;

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
pub(crate) fn check(what: &'static str, text: &str, max: usize) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty { what, max });
    }
    if text.len() > max {
        let len = text.len();
        return Err(TextError::TooLong { what, len, max });
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
    let Some((at, kind)) = kinds.iter().filter_map(|kind| Some((message.find(kind)?, kind))).min() else {
        return message.to_owned();
    };
    // The last occurrence, because the quoted value can contain the same words.
    let expected = message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("{}{kind}, expected {expected}", message.get(..at).unwrap_or_default())
}

/// Implements `Deserialize` for a type whose document can contain private data, by way of a document type that derives
/// it with serde's `remote`. The error does not repeat the input.
macro_rules! deserialize_silently {
    ($name:ident, $document:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $document::deserialize(deserializer)
                    .map_err(|error| serde::de::Error::custom(crate::text::without_values(&error.to_string())))
            }
        }
    };
}

/// A newtype over checked text, compared byte for byte. A `redacted` type does not show its text in `Debug`, because
/// the text can be private. A `shown` type does, and implements `Display`.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, max $max:expr, $debug:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The maximum length in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Checks a text and returns it unchanged.
            ///
            /// # Errors
            /// Returns [`TextError`](crate::identity::TextError) if the text is empty, longer than [`Self::MAX_BYTES`]
            /// or contains a control character.
            pub fn new(text: impl Into<String>) -> Result<Self, crate::identity::TextError> {
                let text = text.into();
                crate::text::check($what, &text, Self::MAX_BYTES)?;
                Ok(Self(text.into_boxed_str()))
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
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::identity::TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use checked_text;
pub(crate) use deserialize_silently;
