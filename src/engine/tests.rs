//! The cost of building an engine.

use std::sync::Arc;

use chrono::DateTime;

use super::*;
use crate::directory::{DirectoryBuilder, DirectoryDelta};
use crate::identity::UserId;
use crate::steps::assert_linear;

fn group(at: usize) -> GroupId {
    GroupId::new(format!("g{at}")).unwrap()
}

fn user(at: usize) -> UserId {
    UserId::new(format!("u{at}")).unwrap()
}

fn policy(private: impl Iterator<Item = usize>) -> Arc<PrivacyPolicy> {
    let private: Vec<_> = private.map(|at| serde_json::json!({ "imported": format!("g{at}") })).collect();
    let mut document =
        serde_json::to_value(PrivacyPolicy::initial(&crate::policy::Administrators::only_one(user(0)))).unwrap();
    document["private_groups"] = private.into();
    Arc::new(serde_json::from_value(document).unwrap())
}

fn directory(size: usize, nesting: impl Fn(usize) -> Option<(usize, usize)>) -> Arc<DirectorySnapshot> {
    let builder = (0..size).fold(DirectoryBuilder::new(), |builder, at| builder.group(group(at), "a group"));
    let builder = (0..size).fold(builder, |builder, at| builder.member(&group(at), &user(at)));
    let nestings = (0..size).filter_map(nesting);
    let builder = nestings.fold(builder, |builder, (outer, inner)| builder.nested(&group(outer), &group(inner)));
    Arc::new(builder.build(DirectoryRevision(1), DateTime::UNIX_EPOCH).unwrap())
}

type Nesting = fn(usize, usize) -> Option<(usize, usize)>;

const SHAPES: [(&str, Nesting); 5] = [
    ("apart", |_, _| None),
    ("in a chain", |at, size| Some((at, at + 1)).filter(|(_, inner)| *inner < size)),
    ("in a cycle", |at, size| Some((at, (at + 1) % size))),
    ("all in one", |at, _| Some((0, at))),
    ("one in all", |at, _| Some((at, 0))),
];

#[test]
fn b3_engine_is_built_in_linear_time() {
    for (shape, nesting) in SHAPES {
        let input = |size: usize| (directory(size, |at| nesting(at, size)), policy(0..size));
        assert_linear(&format!("private groups {shape}"), 2_000, input, |(directory, policy)| {
            drop(PolicyEngine::new(policy, Ok(directory)));
        });
        // One private group, with the others nested in it or not.
        let input = |size: usize| (directory(size, |at| nesting(at, size)), policy(0..1));
        assert_linear(&format!("one private group of some {shape}"), 2_000, input, |(directory, policy)| {
            drop(PolicyEngine::new(policy, Ok(directory)));
        });
    }
}

#[test]
fn b3_dry_run_is_linear() {
    let input = |size: usize| {
        let directory = directory(size, |at| Some((0, at)));
        let engine = |policy| PolicyEngine::new(policy, Ok(Arc::clone(&directory)));
        (engine(policy(0..1)), engine(policy(1..size)))
    };
    assert_linear("dry run", 2_000, input, |(before, after)| drop(before.dry_run(&after, 10)));
}

/// The reasons are the closure for every shape and number of nested private groups.
#[test]
fn d10_shared_sets_equal_the_closure() {
    for (shape, nesting) in SHAPES {
        // So many that not all sets of a chain are expanded.
        let size = 600;
        let directory = directory(size, |at| nesting(at, size));
        let engine = PolicyEngine::new(policy(0..size), Ok(Arc::clone(&directory)));
        for at in [0, 1, 7, size / 2, size - 1] {
            let expected = directory.groups_of(&user(at)).len();
            let actor = crate::activity::Actor::user(user(at));
            let activity = Activity::builder(
                "a".parse().unwrap(),
                actor,
                App::new("Box".parse().unwrap()),
                "Login".parse().unwrap(),
                DateTime::UNIX_EPOCH,
            );
            let (_, reasons) = engine.verdict(&activity.build().unwrap(), DateTime::UNIX_EPOCH);
            assert_eq!(reasons.len(), expected, "{shape}: {at}");
        }
    }
}

/// After a group was removed, an engine is still updated at a cost that depends on the number of changed users.
#[test]
fn b3_engine_is_updated_after_group_was_removed() {
    let next = |before: &DirectorySnapshot, delta: DirectoryDelta| {
        Arc::new(before.apply(&delta, DirectoryRevision(before.revision().0 + 1), DateTime::UNIX_EPOCH).unwrap())
    };
    let before = directory(500, |at| Some((0, at)));
    let removed = next(&before, DirectoryDelta::new().without_group(&group(0)).without_group(&group(1)));
    let stored = [removed.removed_group(&group(0)).unwrap()];
    // Another process did not see the removal, and reads the stored group.
    let builder = (0..500).fold(DirectoryBuilder::new(), |builder, at| builder.member(&group(7), &user(at)));
    let elsewhere = Arc::new(builder.group(group(7), "").build(DirectoryRevision(2), DateTime::UNIX_EPOCH).unwrap());
    for (directory, stored) in [(&removed, &[][..]), (&removed, &stored), (&elsewhere, &stored)] {
        let engine = PolicyEngine::with_removed_groups(policy(0..1), Ok(Arc::clone(directory)), stored);
        let changed = DirectoryDelta::new().user(crate::directory::User::new(user(3))).member(&group(7), &user(501));
        let next = next(directory, changed);
        let stored = Arc::new(stored.to_vec());
        let updated = engine.updated_parts(engine.policy(), &next, &stored);
        assert!(updated.is_some());
        let updated =
            engine.updated_with_shared(Arc::clone(engine.policy()), Ok(Arc::clone(&next)), Arc::clone(&stored));
        let anew = PolicyEngine::with_shared_removed_groups(Arc::clone(engine.policy()), Ok(next), stored);
        for at in [0, 2, 3, 499, 501] {
            let actor = crate::activity::Actor::user(user(at));
            let app = App::new("Box".parse().unwrap());
            let time = DateTime::UNIX_EPOCH;
            let activity = Activity::builder("a".parse().unwrap(), actor, app, "Login".parse().unwrap(), time);
            let activity = activity.build().unwrap();
            assert_eq!(updated.verdict(&activity, time), anew.verdict(&activity, time), "{at}");
            assert_eq!(updated.verdict(&activity, time).0 == Verdict::Private, at < 500, "{at}");
        }
    }
}
