//! What making a policy and a directory ready costs.

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
fn b3_private_groups_are_made_ready_in_linear_time() {
    for (shape, nesting) in SHAPES {
        let input = |size: usize| (directory(size, |at| nesting(at, size)), policy(0..size));
        assert_linear(&format!("private groups {shape}"), 2_000, input, |(directory, policy)| {
            drop(PolicyEngine::new(policy, Ok(directory)));
        });
        // One alone, with all others nested in it or not.
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

/// However many groups are nested how, and however many of them are private, the reasons are the closure.
#[test]
fn d10_shared_sets_say_what_the_closure_says() {
    for (shape, nesting) in SHAPES {
        // So many that not all of a chain is written out.
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

/// While a group is gone, what is ready is made ready for the next directory at the cost of whoever changed.
#[test]
fn b3_screen_follows_while_a_group_is_gone() {
    let next = |before: &DirectorySnapshot, delta: DirectoryDelta| {
        Arc::new(before.apply(&delta, DirectoryRevision(before.revision().0 + 1), DateTime::UNIX_EPOCH).unwrap())
    };
    let before = directory(500, |at| Some((0, at)));
    let gone = next(&before, DirectoryDelta::new().without_group(&group(0)).without_group(&group(1)));
    let kept = [gone.removed_group(&group(0)).unwrap()];
    // Another process has not seen it go, and knows what was kept.
    let builder = (0..500).fold(DirectoryBuilder::new(), |builder, at| builder.member(&group(7), &user(at)));
    let elsewhere = Arc::new(builder.group(group(7), "").build(DirectoryRevision(2), DateTime::UNIX_EPOCH).unwrap());
    for (directory, kept) in [(&gone, &[][..]), (&gone, &kept), (&elsewhere, &kept)] {
        let engine = PolicyEngine::with_removed_groups(policy(0..1), Ok(Arc::clone(directory)), kept);
        let changed = DirectoryDelta::new().user(crate::directory::User::new(user(3))).member(&group(7), &user(501));
        let next = next(directory, changed);
        let kept = Arc::new(kept.to_vec());
        let followed = engine.followed(engine.policy(), &next, &kept);
        assert!(followed.is_some());
        let followed = engine.following_with(Arc::clone(engine.policy()), Ok(Arc::clone(&next)), Arc::clone(&kept));
        let anew = PolicyEngine::with_kept(Arc::clone(engine.policy()), Ok(next), kept);
        for at in [0, 2, 3, 499, 501] {
            let actor = crate::activity::Actor::user(user(at));
            let app = App::new("Box".parse().unwrap());
            let time = DateTime::UNIX_EPOCH;
            let activity = Activity::builder("a".parse().unwrap(), actor, app, "Login".parse().unwrap(), time);
            let activity = activity.build().unwrap();
            assert_eq!(followed.verdict(&activity, time), anew.verdict(&activity, time), "{at}");
            assert_eq!(followed.verdict(&activity, time).0 == Verdict::Private, at < 500, "{at}");
        }
    }
}
