//! The serde form of a query.

use std::collections::HashSet;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ActorFilter, Query};
use crate::activity::{Action, ActivityId, AppName};
use crate::policy::GroupRef;
use crate::text::{TextError, read_document};

/// The serde form of a query. It rejects unknown fields, because an ignored condition would make the query match more
/// than its author meant.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a query")]
struct QueryDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<ActivityId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actors: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<AppName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suites: Vec<AppName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { since, until, ids, actors, apps, suites, actions, group, text } = self.clone();
        let actors = actors.into_iter().map(|actor| actor.text).collect();
        let text = text.map(|text| text.text);
        QueryDocument { since, until, ids, actors, apps, suites, actions, group, text }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_document(deserializer, QueryDocument::deserialize)?.try_into().map_err(de::Error::custom)
    }
}

impl TryFrom<QueryDocument> for Query {
    type Error = TextError;

    fn try_from(document: QueryDocument) -> Result<Self, TextError> {
        let QueryDocument { since, until, ids, actors, apps, suites, actions, group, text } = document;
        let actors: Result<Vec<_>, _> = actors.iter().map(|actor| ActorFilter::new(actor)).collect();
        let query = Self {
            ids: distinct(ids),
            actors: distinct(actors?),
            apps: distinct(apps),
            suites: distinct(suites),
            actions: distinct(actions),
            group,
            ..Self::all()
        };
        // The methods also replace a leap second.
        let query = match since {
            Some(time) => query.since(time),
            None => query,
        };
        let query = match until {
            Some(time) => query.until(time),
            None => query,
        };
        match text {
            Some(text) => query.containing(text),
            None => Ok(query),
        }
    }
}

/// Returns the values in their order, each once. Takes linear time, because the input can be hostile.
fn distinct<T: Clone + Eq + Hash>(values: Vec<T>) -> Vec<T> {
    let mut known = HashSet::with_capacity(values.len());
    values.into_iter().filter(|value| known.insert(value.clone())).collect()
}
