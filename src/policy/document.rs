//! Deserialization of policy documents: maps without duplicate keys, and values that may be absent.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::identity::UserId;

/// Reads a value that is present. `null` is an error unless the type accepts it.
pub(super) fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a map of users and rejects one with a duplicate key. Some readers use the last value of a duplicate key and
/// others the first, so they would disagree on who is an admin.
pub(super) fn each_once<'de, V, D>(deserializer: D) -> Result<BTreeMap<UserId, V>, D::Error>
where
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Users(PhantomData))
}

struct Users<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Users<V> {
    type Value = BTreeMap<UserId, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with each user once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut users = BTreeMap::new();
        while let Some((user, said)) = entries.next_entry()? {
            if users.insert(user, said).is_some() {
                return Err(A::Error::custom("a user occurs twice; name each user once"));
            }
        }
        Ok(users)
    }
}
