//! Durations in a policy document: whole seconds or `null`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[expect(clippy::ref_option, reason = "serde requires this signature")]
pub(in crate::policy) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|duration| duration.as_secs()).serialize(serializer)
}

pub(in crate::policy) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
}

/// Writes a duration that is present: in seconds or as `null`.
#[expect(clippy::ref_option, clippy::option_option, reason = "serde requires this signature; absent, or null")]
pub(in crate::policy) fn serialize_named<S: Serializer>(
    value: &Option<Option<Duration>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serialize(&value.flatten(), serializer)
}

/// Reads a duration that is present: in seconds or as `null`.
#[expect(clippy::option_option, reason = "absent, or null")]
pub(in crate::policy) fn named<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Duration>>, D::Error> {
    deserialize(deserializer).map(Some)
}
