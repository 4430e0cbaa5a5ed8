//! By which keys a row is found, and by which a query looks.

use crate::activity::Activity;
use crate::actor::Actor;
use crate::identity::{Identity, name_key};
use crate::query::Query;

/// What a key is of. The number stands in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The id of a principal, byte for byte.
    Id = 0,
    /// The name of a principal in the form in which names are compared: of an application or a system account, or an
    /// alias, whatever app it is bound to.
    Name = 1,
    /// The name of the app.
    App = 2,
    /// The name of the suite.
    Suite = 3,
    /// The action.
    Action = 4,
}

impl Kind {
    /// By their numbers.
    pub(super) const ALL: [Self; 5] = [Self::Id, Self::Name, Self::App, Self::Suite, Self::Action];
}

/// Hands every key of a principal to `put`, some more than once.
pub(super) fn each_of(principal: &Actor, mut put: impl FnMut(Kind, &str)) {
    if let Some(name) = principal.name() {
        put(Kind::Name, &name_key(name.as_str()));
    }
    for identity in principal.identities() {
        let (kind, key) = of(identity);
        put(kind, &key);
    }
}

/// Hands every key of an activity to `put`, some more than once.
pub(super) fn each(activity: &Activity, mut put: impl FnMut(Kind, &str)) {
    activity.principals().for_each(|principal| each_of(principal, &mut put));
    each_beside_principals(activity, put);
}

/// Hands every key of an activity to `put` that is of none of its principals, that of the app first.
pub(super) fn each_beside_principals(activity: &Activity, mut put: impl FnMut(Kind, &str)) {
    put(Kind::App, activity.app().name().as_str());
    if let Some(suite) = activity.app().suite() {
        put(Kind::Suite, suite.as_str());
    }
    put(Kind::Action, activity.action().as_str());
}

/// The one key that every row has of which a principal has this identity, or one that is compared as the same.
pub(super) fn of(identity: &Identity) -> (Kind, String) {
    match identity {
        Identity::Id(id) => (Kind::Id, id.as_str().to_owned()),
        Identity::Alias(alias) => (Kind::Name, alias.name_key()),
    }
}

/// What a query looks for in the keys: a row that matches has, of every clause, at least one key.
pub(super) struct Wanted {
    pub(super) clauses: Vec<Clause>,
    /// Whether the reverse holds too, so that nothing is left for [`Query::matches`] to decide but the time.
    pub(super) is_exact: bool,
}

/// Any of these keys.
pub(super) struct Clause(pub(super) Vec<(Kind, String)>);

impl Wanted {
    /// For an actor, an id that is the text, or a name that is compared in the same form.
    pub(super) fn by(query: &Query) -> Self {
        let mut clauses = Vec::new();
        let mut actors = Vec::new();
        for (text, key) in query.actor_forms() {
            actors.extend([(Kind::Id, text.to_owned()), (Kind::Name, key.to_owned())]);
        }
        let of = |kind, text: &str| (kind, text.to_owned());
        let apps = query.apps().iter().map(|app| of(Kind::App, app.as_str())).collect();
        let suites = query.suites().iter().map(|suite| of(Kind::Suite, suite.as_str())).collect();
        let actions = query.actions().iter().map(|action| of(Kind::Action, action.as_str())).collect();
        for mut keys in [actors, apps, suites, actions] {
            keys.sort_unstable();
            keys.dedup();
            clauses.extend((!keys.is_empty()).then_some(Clause(keys)));
        }
        Self { clauses, is_exact: !query.looks_into_rows() }
    }
}

/// The times of a query in microseconds: from the first, up to and without the second.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Range {
    pub(super) fn of(query: &Query) -> Self {
        // Rounded up, because a bound may be finer than a microsecond and an activity never is.
        let micros = |time: chrono::DateTime<chrono::Utc>| {
            time.timestamp_micros() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000))
        };
        Self {
            from: query.time_from().map_or(i64::MIN, micros),
            // No time is as late as that.
            until: query.time_until().map_or(i64::MAX, micros),
        }
    }

    pub(super) fn holds(self, at: i64) -> bool {
        self.from <= at && at < self.until
    }
}
