//! Names and ids that come from outside: text that was checked once and is then passed on as it is.

use thiserror::Error;

/// What is wrong with an id or a name. Says where, never what stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing, where something must be.
    #[error("{what} is empty, expected 1 to {max} bytes")]
    Empty {
        /// What the text was to be, for example "user id".
        what: &'static str,
        /// The longest that it may be, in bytes.
        max: usize,
    },
    /// More than the limit.
    #[error("{what} is {len} bytes long, expected at most {max}")]
    TooLong {
        /// What the text was to be.
        what: &'static str,
        /// How long it is, in bytes.
        len: usize,
        /// The longest that it may be, in bytes.
        max: usize,
    },
    /// A control character (Unicode category Cc), which no id or name may hold.
    #[error("{what} holds a control character at byte {at}, expected none")]
    Control {
        /// What the text was to be.
        what: &'static str,
        /// Where the control character stands, in bytes from the start.
        at: usize,
    },
}

/// Checks that `text` is neither empty nor longer than `max` bytes and holds no control character.
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

/// What a parser says, without what it read: serde quotes values and names that do not fit, and those can be
/// somebody's.
pub(crate) fn without_values(message: &str) -> String {
    let said = ["invalid type", "invalid value", "unknown variant", "unknown field"];
    let Some((at, said)) = said.iter().filter_map(|said| Some((message.find(said)?, said))).min() else {
        return message.to_owned();
    };
    // The last one, because the value can hold the same words.
    let expected = message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
    format!("{}{said}, expected {expected}", message.get(..at).unwrap_or_default())
}

/// `Deserialize` for a type whose document can hold what is private, by way of a document that serde derives with
/// `remote`: what cannot be read back is an error that does not repeat what it read.
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

/// A newtype over checked text, compared byte for byte. `redacted` ones do not show their text in `Debug`, because
/// it can be what an activity is private for; `shown` ones do, and can be printed.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, max $max:expr, $debug:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest that it may be, in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Takes the text as it is.
            ///
            /// # Errors
            /// [`TextError`](crate::identity::TextError) when it is empty, longer than [`Self::MAX_BYTES`] or holds a control
            /// character.
            pub fn new(text: impl Into<String>) -> Result<Self, crate::identity::TextError> {
                let text = text.into();
                crate::text::check($what, &text, Self::MAX_BYTES)?;
                Ok(Self(text.into_boxed_str()))
            }

            /// The text as it was given.
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
