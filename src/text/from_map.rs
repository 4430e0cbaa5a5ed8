//! A deserializer that reads the document of a struct as a map.

use serde::de::{Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

use super::without_values;

/// Reads a document with `read`, which derives `Deserialize` for a struct. A flattened document ignores no field, and
/// the error does not quote the input, because it can be private.
pub(crate) fn read_document<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(FromMap<D>) -> Result<T, D::Error>,
) -> Result<T, D::Error> {
    read(FromMap(deserializer)).map_err(|error| Error::custom(without_values(&error.to_string())))
}

/// Reads a struct as a map, so that the struct receives every field of the input. With `#[serde(flatten)]`, serde
/// otherwise passes only the fields that the struct knows, and a misspelt condition would be ignored.
pub(crate) struct FromMap<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for FromMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
