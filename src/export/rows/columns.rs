//! The columns of tables.

use std::io;

use super::Row;
use crate::engine::Visibility;
use crate::export::activities::rfc3339;
use crate::export::json;

/// The names of the columns, in order.
pub(super) const NAMES: [&str; 16] = [
    "visibility",
    "id",
    "occurred_at",
    "actor_kind",
    "actor",
    "actor_identities",
    "on_behalf_of",
    "app",
    "suite",
    "action",
    "objects",
    "details",
    "decided_at",
    "policy",
    "directory",
    "reasons",
];

/// Returns the values of a row as texts, in the order of [`NAMES`]. A value that is missing is empty. The redacted row
/// of a private activity has the visibility only. Lists are JSON.
pub(super) fn texts(row: &Row) -> io::Result<[String; 16]> {
    let Row::Public(public) = row else {
        let mut texts: [String; 16] = Default::default();
        if let Some(first) = texts.first_mut() {
            *first = Visibility::Private.to_string();
        }
        return Ok(texts);
    };
    let (activity, decision) = (public.activity(), public.decision());
    Ok([
        public.visibility().to_string(),
        activity.id().to_string(),
        rfc3339(activity.occurred_at()),
        activity.actor().kind().to_string(),
        activity.actor().label().to_owned(),
        json::text(activity.actor().identities())?,
        json::text(activity.on_behalf_of())?,
        activity.app().name().to_string(),
        activity.app().suite().map(ToString::to_string).unwrap_or_default(),
        activity.action().to_string(),
        json::text(&activity.objects().collect::<Vec<_>>())?,
        activity.details().unwrap_or_default().to_owned(),
        rfc3339(decision.decided_at()),
        decision.policy().number().to_string(),
        decision.directory().map(|directory| directory.to_string()).unwrap_or_default(),
        json::text(decision.reasons())?,
    ])
}
