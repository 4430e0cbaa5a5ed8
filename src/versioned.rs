//! Documents with a version number.

use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::without_values;

/// A stored document with the version of its format. A later version of this library reads the documents of an earlier
/// one, and an earlier version rejects an unknown format.
///
/// The serde form is an object with `version` and `document`, in this order. An error of deserialization does not
/// repeat the input.
///
/// ```
/// # fn main() -> Result<(), serde_json::Error> {
/// use activity_privacy::activity::AppName;
/// use activity_privacy::store::Versioned;
///
/// let stored = serde_json::to_string(&Versioned("Box".to_owned()))?;
/// assert_eq!(stored, r#"{"version":1,"document":"Box"}"#);
/// let Versioned(name) = serde_json::from_str::<Versioned<AppName>>(&stored)?;
/// assert_eq!(name.as_str(), "Box");
///
/// let later = serde_json::from_str::<Versioned<AppName>>(r#"{"version":2,"document":"Box"}"#);
/// assert!(later.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versioned<T>(pub T);

/// The only version so far.
const VERSION: u16 = 1;

impl<T: Serialize> Serialize for Versioned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Versioned", 2)?;
        document.serialize_field("version", &VERSION)?;
        document.serialize_field("document", &self.0)?;
        document.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Versioned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = deserializer.deserialize_map(Document(PhantomData));
        document.map_err(|error| D::Error::custom(without_values(&error.to_string())))
    }
}

struct Document<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Document<T> {
    type Value = Versioned<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with `version` and `document`")
    }

    /// Reads the version first, so that a document of another version is never parsed in this format.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        match entries.next_key()? {
            Some(Field::Version) => {}
            _ => return Err(A::Error::custom("expected `version` as the first field")),
        }
        let Version(version) = entries.next_value()?;
        if version != VERSION {
            let advice = if version > VERSION {
                "; upgrade this library, because a later version wrote the document"
            } else {
                ""
            };
            return Err(A::Error::custom(format_args!("unsupported version {version}, expected {VERSION}{advice}")));
        }
        match entries.next_key()? {
            Some(Field::Document) => {}
            _ => return Err(A::Error::custom("expected `document` as the second field")),
        }
        let value = entries.next_value()?;
        match entries.next_entry::<IgnoredAny, IgnoredAny>()? {
            None => Ok(Versioned(value)),
            Some(_) => Err(A::Error::custom("unexpected third field, expected only `version` and `document`")),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Version,
    Document,
}

/// The number in the field `version`, which an error names.
struct Version(u16);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u16(VersionVisitor)
    }
}

struct VersionVisitor;

impl Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an integer from 0 to 65535 in `version`")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Version, E> {
        u16::try_from(number).map(Version).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Version, E> {
        u16::try_from(number).map(Version).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }
}
