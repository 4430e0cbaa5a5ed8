//! What is delivered.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::names::{aliases, identities};
use crate::activity::{Action, Activity, ActivityId, Actor, ActorName, App, AppName};
use crate::identity::Identity;

/// What is delivered in one call.
pub type Batch = Vec<Activity>;

const IDS: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h", "A", "a ", "\u{e9}", "e\u{301}", "%", "_", "a'b", "0"];
const APPS: &[&str] = &["Box", "Teams", "SharePoint", "box"];
const SUITES: &[&str] = &["Microsoft 365", "Box"];
const ACTIONS: &[&str] = &["FileAccessed", "Login", "fileaccessed"];
const OBJECTS: &[&str] =
    &["plan.docx", "https://a@b.example/plan", "100 % PLAN_x", "STRASSE", "1003200096971f55", "S-1-5-21-1-2-3-1104"];

pub(super) fn all<T, E>(texts: &[&str], make: impl Fn(String) -> Result<T, E>) -> Vec<T> {
    texts.iter().filter_map(|text| make((*text).to_owned()).ok()).collect()
}

/// Sixteen ids, so that many are delivered again; some differ by little.
pub fn activity_ids() -> impl Strategy<Value = ActivityId> + Clone {
    select(all(IDS, ActivityId::new))
}

/// Every id that [`activity_ids`] gives.
#[must_use]
pub fn all_activity_ids() -> Vec<ActivityId> {
    all(IDS, ActivityId::new)
}

pub(super) fn app_name() -> impl Strategy<Value = AppName> + Clone {
    select(all(APPS, AppName::new))
}

pub(super) fn suite_name() -> impl Strategy<Value = AppName> + Clone {
    select(all(SUITES, AppName::new))
}

pub(super) fn action() -> impl Strategy<Value = Action> + Clone {
    select(all(ACTIONS, Action::new))
}

/// Apps inside and outside suites; one suite has the name of an app.
pub fn apps() -> impl Strategy<Value = App> + Clone {
    (app_name(), proptest::option::of(suite_name()))
        .prop_map(|(name, suite)| suite.into_iter().fold(App::new(name), App::in_suite))
}

/// Few times, so that many are equal; some a microsecond or less apart, some as far away as can be told.
pub fn times() -> impl Strategy<Value = DateTime<Utc>> + Clone {
    let base = DateTime::from_timestamp(1_772_000_000, 0).unwrap_or_default();
    let near = [0, 1, 999, 1_000, 1_999, 1_000_000_000, -1, -1_000, 3_600_000_000_000, 86_400_000_000_000];
    let near: Vec<_> = near.iter().map(|nanos| base + TimeDelta::nanoseconds(*nanos)).collect();
    let far = [0, -1, -62_135_596_801, 253_402_300_800, 4_102_444_800];
    let mut far: Vec<_> = far.iter().filter_map(|seconds| DateTime::from_timestamp(*seconds, 0)).collect();
    far.extend([DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC]);
    prop_oneof![4 => select(near), 1 => select(far)]
}

/// Users by any number of identities, applications, system accounts, and nobody; any of them with somebody's name as
/// well.
pub fn actors() -> impl Strategy<Value = Actor> + Clone {
    let name = || select(all(&["Backup", "adele", "BACKUP", "x@FASS.example", "x@fa\u{df}.example."], ActorName::new));
    let person = (identities(), vec(identities(), 0..2)).prop_map(|(first, others)| {
        others.into_iter().fold(Actor::user(first), |actor, other| actor.with_identity(other))
    });
    let other = prop_oneof![
        2 => name().prop_map(Actor::application),
        2 => name().prop_map(Actor::system),
        1 => Just(Actor::unknown()),
    ];
    let other = (other, weighted(0.2, identities())).prop_map(|(actor, identity)| {
        identity.into_iter().fold(actor, |actor: Actor, identity: Identity| actor.with_identity(identity))
    });
    prop_oneof![8 => person, 2 => other]
}

/// Activities of all those actors, for themselves or others, in all those apps, at all those times, done to files and
/// to people.
///
/// ```
/// use activity_privacy::strategies::activities;
/// use proptest::prelude::*;
///
/// proptest!(ProptestConfig::with_cases(8), |(activity in activities())| {
///     prop_assert!(activity.principals().count() <= 3);
/// });
/// ```
pub fn activities() -> impl Strategy<Value = Activity> {
    let object = prop_oneof![
        2 => select(OBJECTS.to_vec()).prop_map(str::to_owned),
        3 => aliases().prop_map(|alias| alias.as_str().to_owned()),
        1 => super::names::user_ids().prop_map(|id| id.as_str().to_owned()),
    ];
    let for_whom = prop_oneof![5 => vec(actors(), 0..=0), 1 => vec(actors(), 1..=2)];
    let details = weighted(0.1, Just("{\"x\":1}"));
    (activity_ids(), actors(), for_whom, apps(), action(), times(), vec(object, 0..=2), details).prop_filter_map(
        "what is within the limits",
        |(id, actor, for_whom, app, action, at, objects, details)| {
            let begun = Activity::builder(id, actor, app, action, at);
            let begun = for_whom.into_iter().fold(begun, |begun, principal| begun.on_behalf_of(principal));
            let begun = objects.into_iter().fold(begun, |begun, object| begun.object(object));
            details.into_iter().fold(begun, |begun, details| begun.details(details)).build().ok()
        },
    )
}

/// Up to eight activities in one call. The same id twice, with the same content or another, is no rarity.
pub fn batches() -> impl Strategy<Value = Batch> {
    (vec(activities(), 0..=7), proptest::option::weighted(0.2, any::<proptest::sample::Index>())).prop_map(
        |(mut batch, again)| {
            let again = again.filter(|_| !batch.is_empty()).and_then(|at| batch.get(at.index(batch.len())).cloned());
            batch.extend(again);
            batch
        },
    )
}
