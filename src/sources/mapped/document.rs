//! The document of a map, as it is written: version 1.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::activity::ActorKind;

/// A map as JSON. Optional members that are absent stay absent when the document is written again.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapDocument {
    pub(super) version: u64,
    pub(super) name: String,
    pub(super) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pages: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wrappers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detect: Option<Vec<SignDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reject: Option<Vec<RejectionDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Vec<String>>,
    pub(super) time: Vec<TimeDocument>,
    pub(super) action: Vec<String>,
    pub(super) app: AppDocument,
    pub(super) actor: Vec<RuleDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) on_behalf_of: Option<Vec<RuleDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reports: Option<Vec<ReportDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) objects: Option<Vec<String>>,
}

/// What a record of the source contains: a place that is present, or a condition that holds.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum SignDocument {
    Place(String),
    Condition(ConditionDocument),
}

/// A condition, with exactly one operator.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionDocument {
    pub(super) at: String,
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub(super) is_in: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_in: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) present: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ends_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) contains: Option<Vec<String>>,
}

/// The records that are no activities.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectionDocument {
    pub(super) when: Vec<ConditionDocument>,
    pub(super) reason: String,
}

/// The records that a service writes about a person.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportDocument {
    pub(super) when: Vec<ConditionDocument>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeDocument {
    pub(super) at: String,
    pub(super) format: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) otherwise: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) suite: Option<String>,
}

/// A rule that finds a principal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) when: Option<Vec<ConditionDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) each: Option<String>,
    pub(super) kind: ActorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<NameDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identities: Option<Vec<IdentityDocument>>,
}

/// The name of an application or system account: places, or a constant.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum NameDocument {
    Places(Vec<String>),
    Constant(ConstantDocument),
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantDocument {
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityDocument {
    pub(super) at: String,
    #[serde(rename = "as")]
    pub(super) form: Form,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after_last: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before_first: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) or_whole: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) app: Option<String>,
}

/// The form of an identity, which decides how directories contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Name,
    Address,
    Account,
    Id,
    Key,
    SalesforceId,
    Text,
}

// An untagged enum of serde reports neither the path nor the fault of a wrong member.
impl<'de> Deserialize<'de> for SignDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Signs;

        impl<'de> Visitor<'de> for Signs {
            type Value = SignDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place or a condition")
            }

            fn visit_str<E: Error>(self, place: &str) -> Result<SignDocument, E> {
                Ok(SignDocument::Place(place.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<SignDocument, A::Error> {
                ConditionDocument::deserialize(MapAccessDeserializer::new(members)).map(SignDocument::Condition)
            }
        }

        deserializer.deserialize_any(Signs)
    }
}

impl<'de> Deserialize<'de> for NameDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = NameDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of places, or an object with the member `text`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, places: A) -> Result<NameDocument, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(places)).map(NameDocument::Places)
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<NameDocument, A::Error> {
                ConstantDocument::deserialize(MapAccessDeserializer::new(members)).map(NameDocument::Constant)
            }
        }

        deserializer.deserialize_any(Names)
    }
}
