//! Reading a value from its text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

use super::without_values;

/// Reads a value from its text. The error names the expected form and never repeats the text.
///
/// # Errors
/// Returns the error of `FromStr`, or an error with `expected` if the input is no text.
pub(crate) fn deserialize_from_str<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = deserializer.deserialize_str(Text { expected, of: PhantomData });
    text.map_err(|error| Error::custom(without_values(&error.to_string())))
}

struct Text<T> {
    expected: &'static str,
    of: PhantomData<T>,
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
