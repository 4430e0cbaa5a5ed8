//! Activities to deliver.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::names::{aliases, identities};
use crate::activity::{Action, Activity, ActivityId, Actor, ActorName, App, AppName};
use crate::identity::Identity;

/// The activities of one delivery.
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

/// Generates one of sixteen ids, so that many are delivered more than once. Some differ only slightly.
pub fn activity_ids() -> impl Strategy<Value = ActivityId> + Clone {
    select(all(IDS, ActivityId::new))
}

/// Returns every id that [`activity_ids`] generates.
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

/// Generates apps with and without suites. One suite has the name of an app.
pub fn apps() -> impl Strategy<Value = App> + Clone {
    (app_name(), proptest::option::of(suite_name()))
        .prop_map(|(name, suite)| suite.into_iter().fold(App::new(name), App::in_suite))
}

/// Generates one of a few times, so that many are equal. Some differ by a microsecond or less, and some are near the
/// limits of the type.
pub fn times() -> impl Strategy<Value = DateTime<Utc>> + Clone {
    let base = DateTime::from_timestamp(1_772_000_000, 0).unwrap_or_default();
    let near = [0, 1, 999, 1_000, 1_999, 1_000_000_000, -1, -1_000, 3_600_000_000_000, 86_400_000_000_000];
    let near: Vec<_> = near.iter().map(|nanos| base + TimeDelta::nanoseconds(*nanos)).collect();
    let far = [0, -1, -62_135_596_801, 253_402_300_800, 4_102_444_800];
    let mut far: Vec<_> = far.iter().filter_map(|seconds| DateTime::from_timestamp(*seconds, 0)).collect();
    far.extend([DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC]);
    prop_oneof![4 => select(near), 1 => select(far)]
}

/// Generates users with several identities, applications, system accounts and unknown actors. Any of them can also have
/// the identity of a user.
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

/// Generates activities of all these actors, for themselves or on behalf of others, in all these apps, at all these
/// times, with files and people as objects.
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
    let on_behalf_of = prop_oneof![5 => vec(actors(), 0..=0), 1 => vec(actors(), 1..=2)];
    let details = weighted(0.1, Just("{\"x\":1}"));
    (activity_ids(), actors(), on_behalf_of, apps(), action(), times(), vec(object, 0..=2), details).prop_filter_map(
        "within the limits",
        |(id, actor, on_behalf_of, app, action, at, objects, details)| {
            let builder = Activity::builder(id, actor, app, action, at);
            let builder = on_behalf_of.into_iter().fold(builder, |builder, principal| builder.on_behalf_of(principal));
            let builder = objects.into_iter().fold(builder, |builder, object| builder.object(object));
            details.into_iter().fold(builder, |builder, details| builder.details(details)).build().ok()
        },
    )
}

/// Generates deliveries of up to eight activities. An id often occurs twice, with the same or other content.
pub fn batches() -> impl Strategy<Value = Batch> {
    (vec(activities(), 0..=7), proptest::option::weighted(0.2, any::<proptest::sample::Index>())).prop_map(
        |(mut batch, again)| {
            let again = again.filter(|_| !batch.is_empty()).and_then(|at| batch.get(at.index(batch.len())).cloned());
            batch.extend(again);
            batch
        },
    )
}
