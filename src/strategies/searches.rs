//! Queries of activities and of governance records.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::{action, app_name, suite_name, times};
use super::names::{aliases, groups, user_ids};
use crate::activity::{Action, AppName};
use crate::governance::{OutcomeKind, RecordKind, RecordQuery};
use crate::policy::GroupRef;
use crate::query::Query;

/// A query as plain data, which builds a [`Query`] and can be inspected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// See [`Query::since`].
    pub since: Option<DateTime<Utc>>,
    /// See [`Query::until`].
    pub until: Option<DateTime<Utc>>,
    /// See [`Query::by_actor`]. No actor occurs twice.
    pub actors: Vec<String>,
    /// See [`Query::in_app`]. No app occurs twice.
    pub apps: Vec<AppName>,
    /// See [`Query::in_suite`].
    pub suite: Option<AppName>,
    /// See [`Query::with_action`].
    pub action: Option<Action>,
    /// See [`Query::decided_by_group`].
    pub group: Option<GroupRef>,
    /// See [`Query::containing`].
    pub text: Option<String>,
}

impl Search {
    /// Returns the query.
    pub fn query(&self) -> Query {
        let Self { since, until, actors, apps, suite, action, group, text } = self.clone();
        let mut query = Query::all();
        query = since.into_iter().fold(query, Query::since);
        query = until.into_iter().fold(query, Query::until);
        query = apps.into_iter().fold(query, Query::in_app);
        query = suite.into_iter().fold(query, Query::in_suite);
        query = action.into_iter().fold(query, Query::with_action);
        query = group.into_iter().fold(query, Query::decided_by_group);
        for actor in actors {
            query = query.clone().by_actor(actor).unwrap_or(query);
        }
        if let Some(text) = text {
            query = query.clone().containing(text).unwrap_or(query);
        }
        query
    }
}

/// Generates searches for everything, and with a few conditions.
///
/// ```
/// use activity_privacy::query::Query;
/// use activity_privacy::strategies::{Search, searches};
/// use proptest::prelude::*;
///
/// proptest!(ProptestConfig::with_cases(8), |(search in searches())| {
///     prop_assert_eq!(search == Search::default(), search.query() == Query::all());
/// });
/// ```
pub fn searches() -> impl Strategy<Value = Search> {
    let texts = select(vec!["plan", "%", "_", "strasse", "FILE", "e", "@CONTOSO"]).prop_map(str::to_owned);
    let name = prop_oneof![
        4 => aliases().prop_map(|alias| alias.as_str().to_owned()),
        1 => user_ids().prop_map(|id| id.as_str().to_owned()),
        1 => Just("backup".to_owned()),
    ];
    let with_conditions = (
        weighted(0.15, times()),
        weighted(0.15, times()),
        few(0.25, name),
        few(0.15, app_name()),
        weighted(0.15, suite_name()),
        weighted(0.15, action()),
        weighted(0.2, groups()),
        weighted(0.2, texts),
    )
        .prop_map(|(since, until, actors, apps, suite, action, group, text)| Search {
            since,
            until,
            actors,
            apps,
            suite,
            action,
            group,
            text,
        });
    prop_oneof![1 => Just(Search::default()), 2 => with_conditions]
}

/// Generates an empty list, or with this probability a list of one or two different values.
fn few<T: Clone + PartialEq + std::fmt::Debug>(
    chance: f64,
    of: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Vec<T>> {
    weighted(chance, (of.clone(), weighted(0.3, of))).prop_map(|chosen| {
        let Some((first, second)) = chosen else { return Vec::new() };
        let second = second.filter(|second| *second != first);
        std::iter::once(first).chain(second).collect()
    })
}

/// Generates queries of all records, and with a few conditions. Times are seconds after `begin`.
pub fn record_queries(begin: DateTime<Utc>) -> impl Strategy<Value = RecordQuery> {
    let time = move || (0..2_000_i64).prop_map(move |seconds| begin + TimeDelta::seconds(seconds));
    let kind = select(vec![
        RecordKind::PolicyChange,
        RecordKind::Grant,
        RecordKind::Revocation,
        RecordKind::Reveal,
        RecordKind::Page,
        RecordKind::Export,
        RecordKind::GovernanceRead,
        RecordKind::Directory,
        RecordKind::RevealRequest,
        RecordKind::Erasure,
    ]);
    let outcome = select(vec![
        OutcomeKind::Intended,
        OutcomeKind::Done,
        OutcomeKind::Observed,
        OutcomeKind::Failed,
        OutcomeKind::Refused,
    ]);
    let target = select(vec!["council", "contoso.com", "applications", "root", "adele"]).prop_map(str::to_owned);
    (
        weighted(0.15, time()),
        weighted(0.15, time()),
        weighted(0.3, kind),
        weighted(0.2, user_ids()),
        weighted(0.2, target),
        weighted(0.3, outcome),
    )
        .prop_map(|(from, until, kind, initiator, target, outcome)| RecordQuery {
            from,
            until,
            kind,
            initiator,
            target,
            outcome,
        })
}
