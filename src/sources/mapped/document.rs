//! The document of a map, as it is written: version 1.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

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
    pub(super) embedded: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dotted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detect: Option<Vec<TextOr<ConditionDocument>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reject: Option<Vec<RejectionDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ids_of: Option<String>,
    pub(super) time: Vec<TimeDocument>,
    pub(super) action: Vec<TextOr<TextDocument>>,
    pub(super) app: AppDocument,
    pub(super) actor: Vec<RuleDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) on_behalf_of: Option<Vec<RuleDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reports: Option<Vec<ReportDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) objects: Option<Vec<String>>,
}

/// A condition, with exactly one operator.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionDocument {
    pub(super) at: TextOrList<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after_last: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before_first: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) or_whole: Option<bool>,
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub(super) is_in: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_in: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) present: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_starts_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ends_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_ends_with: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) contains: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_contains: Option<Vec<String>>,
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

/// A text that is not simply that of a place: a constant, or the name of the text at a place.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<BTreeMap<String, String>>,
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
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub(super) each_where: Option<Vec<ConditionDocument>>,
    pub(super) kind: ActorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<NameDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identities: Option<Vec<IdentityDocument>>,
}

/// The name of an application or system account: the first of several texts, or one.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum NameDocument {
    Texts(Vec<TextOr<TextDocument>>),
    Text(TextDocument),
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

/// A text or an object.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum TextOr<T> {
    Text(String),
    Object(T),
}

/// A text or a list.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum TextOrList<T> {
    Text(String),
    List(Vec<T>),
}

// Untagged enums of serde report neither the path nor the fault of a wrong member.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place or an object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<TextOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(TextOr::Object)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOrList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place or a list of places")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOrList<T>, E> {
                Ok(TextOrList::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<TextOrList<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(entries)).map(TextOrList::List)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
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

            fn visit_seq<A: SeqAccess<'de>>(self, texts: A) -> Result<NameDocument, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(texts)).map(NameDocument::Texts)
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<NameDocument, A::Error> {
                TextDocument::deserialize(MapAccessDeserializer::new(members)).map(NameDocument::Text)
            }
        }

        deserializer.deserialize_any(Names)
    }
}
