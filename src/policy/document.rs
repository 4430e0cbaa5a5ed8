//! Reading policy documents: maps in which nothing may stand twice, and values that are there or not.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::identity::UserId;

/// Reads a value that is named. `null` is a value where the type has it, and an error where not.
pub(super) fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads what is said of each user, and refuses a map that speaks of one twice: it would keep the last, and other
/// readers the first, so that they disagree on who is an admin.
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
                return Err(A::Error::custom("a user is given twice, expected each user once"));
            }
        }
        Ok(users)
    }
}
