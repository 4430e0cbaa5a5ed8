//! The cost of operations on directories is linear.

use std::sync::Arc;

use chrono::DateTime;

use super::*;
use crate::identity::{Alias, GroupId, UserId};
use crate::steps::assert_linear;

pub(crate) fn group(at: usize) -> GroupId {
    GroupId::new(format!("g{at}")).unwrap()
}

pub(crate) fn user(at: usize) -> UserId {
    UserId::new(format!("u{at}")).unwrap()
}

fn known(at: usize) -> User {
    User::new(user(at)).with_alias(Alias::new(format!("u{at}@contoso.com")).unwrap())
}

pub(crate) fn built(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), DateTime::UNIX_EPOCH).unwrap()
}

fn applied(before: &DirectorySnapshot, delta: &DirectoryDelta) -> DirectorySnapshot {
    before.apply(delta, DirectoryRevision(before.revision().0 + 1), DateTime::UNIX_EPOCH).unwrap()
}

fn delta(changes: impl IntoIterator<Item = DirectoryChange>) -> DirectoryDelta {
    changes.into_iter().fold(DirectoryDelta::new(), DirectoryDelta::push)
}

/// Returns as many groups as users, each with one member, nested in the given shape.
pub(crate) fn nested(size: usize, nesting: impl Fn(usize) -> (usize, usize)) -> DirectoryBuilder {
    let builder = (0..size).fold(DirectoryBuilder::new(), |builder, at| builder.group(group(at), "a group"));
    let builder = (0..size).fold(builder, |builder, at| builder.user(known(at)).member(&group(at), &user(at)));
    (0..size).map(nesting).fold(builder, |builder, (outer, inner)| builder.nested(&group(outer), &group(inner)))
}

type Nesting = fn(usize, usize) -> (usize, usize);

const SHAPES: [(&str, Nesting); 4] = [
    ("a chain", |at, size| (at, (at + 1).min(size - 1))),
    ("a cycle", |at, size| (at, (at + 1) % size)),
    ("all in one", |at, _| (0, at)),
    ("one in all", |at, _| (at, 0)),
];

#[test]
fn b3_builder_is_linear() {
    for (shape, nesting) in SHAPES {
        let build = |size| drop(built(nested(size, |at| nesting(at, size))));
        assert_linear(&format!("import of {shape}"), 1_000, |size| size, build);
    }
}

#[test]
fn b3_deltas_that_add_and_remove_are_linear() {
    let empty = || built(DirectoryBuilder::new().group(group(0), ""));
    let full = |size: usize| {
        let builder = (0..size).fold(DirectoryBuilder::new().group(group(0), ""), |builder, at| {
            builder
                .user(known(at))
                .member(&group(0), &user(at))
                .group(group(at + 1), "")
                .nested(&group(0), &group(at + 1))
        });
        built(builder)
    };
    let g = group;
    type Change = fn(usize) -> DirectoryChange;
    let changes: [(&str, Change); 8] = [
        ("users", |at| DirectoryChange::User(known(at))),
        ("groups", |at| DirectoryChange::Group(group(at), "".into())),
        ("members", |at| DirectoryChange::Member(group(0), user(at))),
        ("removed users", |at| DirectoryChange::RemoveUser(user(at))),
        ("removed groups", |at| DirectoryChange::RemoveGroup(group(at + 1))),
        ("removed members", |at| DirectoryChange::RemoveMember(group(0), user(at))),
        ("nestings", |at| DirectoryChange::Nested(group(at + 1), group(0))),
        ("removed nestings", |at| DirectoryChange::RemoveNesting(group(0), group(at + 1))),
    ];
    for (what, change) in changes {
        let input = |size: usize| (full(size), delta((0..size).map(change)));
        assert_linear(&format!("delta of {what}"), 1_000, input, |(before, delta)| drop(applied(&before, &delta)));
    }
    let mut changes = vec![DirectoryChange::Group(g(0), "".into())];
    changes.extend((0..3).map(|at| DirectoryChange::User(known(at))));
    let input = |size: usize| {
        let added = (0..size).flat_map(|at| {
            [
                DirectoryChange::Group(g(at), "".into()),
                DirectoryChange::Nested(g(0), g(at)),
                DirectoryChange::Member(g(at), user(at)),
            ]
        });
        (empty(), delta(added))
    };
    assert_linear("delta of all", 1_000, input, |(before, delta)| drop(applied(&before, &delta)));
}

#[test]
fn b3_removing_and_restoring_groups_is_linear() {
    for (shape, nesting) in SHAPES {
        let remove = |size: usize| delta((0..size).map(|at| DirectoryChange::RemoveGroup(group(at))));
        let restore = |size: usize| delta((0..size).map(|at| DirectoryChange::Group(group(at), "".into())));
        let before = |size: usize| (built(nested(size, |at| nesting(at, size))), size);
        assert_linear(&format!("removing {shape}"), 1_000, before, |(before, size)| {
            drop(applied(&before, &remove(size)))
        });
        let removed = |size: usize| (applied(&before(size).0, &remove(size)), size);
        assert_linear(&format!("restoring {shape}"), 1_000, removed, |(removed, size)| {
            drop(applied(&removed, &restore(size)))
        });
        // Half of them, so that the other half is copied.
        let half = |size: usize| delta((0..size / 2).map(|at| DirectoryChange::RemoveGroup(group(2 * at))));
        assert_linear(&format!("removing half of {shape}"), 1_000, before, |(before, size)| {
            drop(applied(&before, &half(size)));
        });
        let removed = |size: usize| (applied(&before(size).0, &half(size)), size);
        let restore = |size: usize| delta((0..size / 2).map(|at| DirectoryChange::Group(group(2 * at), "".into())));
        assert_linear(&format!("restoring half of {shape}"), 1_000, removed, |(removed, size)| {
            drop(applied(&removed, &restore(size)));
        });
    }
}

#[test]
fn b3_carrying_over_is_linear() {
    for (shape, nesting) in SHAPES {
        let input = |size: usize| {
            let before = built(nested(size, |at| nesting(at, size)));
            let builder = (0..size / 2).fold(DirectoryBuilder::new(), |builder, at| builder.group(group(2 * at), ""));
            (before, builder.build(DirectoryRevision(2), DateTime::UNIX_EPOCH).unwrap())
        };
        assert_linear(&format!("carrying over {shape}"), 1_000, input, |(before, next)| {
            drop(next.carry_over_from(&before))
        });
    }
}

/// After many groups were added and removed, a delta of one user costs no more than before, and the last members that
/// are remembered stay within the limit.
#[test]
fn b3_groups_added_and_removed_cost_little() {
    let members = |at: usize| (0..1_000).map(move |n| DirectoryChange::Member(group(at), user((at * 37 + n) % 5_000)));
    let mut now = built((0..5_000).fold(DirectoryBuilder::new().group(group(0), ""), |builder, at| {
        builder.user(known(at)).member(&group(0), &user(at))
    }));
    let first = now.heap_bytes().0;
    for at in 1..=200 {
        now = applied(&now, &delta([DirectoryChange::Group(group(at), "".into())].into_iter().chain(members(at))));
        now = applied(&now, &DirectoryDelta::new().without_group(&group(at)));
    }
    let last = now.heap_bytes().0;
    // Some of 200,000 memberships are remembered, at three bytes each, and the users who changed in the last deltas.
    assert!(last < first + (3 << 19), "{first} bytes before, {last} after");
    assert!(now.removed_group(&group(200)).is_some_and(|removed| removed.members().len() == 1_000));
    assert!(now.removed_group(&group(1)).is_none(), "the limit is met");
    assert!(Arc::ptr_eq(&now.groups, &applied(&now, &DirectoryDelta::new().user(known(7))).groups));
}

#[test]
fn d11_import_without_free_numbers_makes_members_unknown() {
    let before = built(nested(2, |_| (0, 1)));
    let listed = DirectoryBuilder::new().user(known(1)).group(group(0), "");
    let import = listed.build(DirectoryRevision(2), DateTime::UNIX_EPOCH).unwrap();
    let knowledge = |next: &DirectorySnapshot| next.knowledge(next.group_index(&group(0)).unwrap());
    assert_eq!(knowledge(&import.clone().carry_over_from(&before)), Knowledge::Whole);
    let mut full = import;
    Arc::make_mut(&mut full.groups).fill_up();
    assert_eq!(knowledge(&full.carry_over_from(&before)), Knowledge::Unknown);
}

fn called(size: usize, name: &str) -> User {
    (0..size).fold(User::new(user(0)), |user, at| {
        user.with_new_alias(Alias::new(format!("{name}{at}@contoso.com")).unwrap())
    })
}

#[test]
fn b3_names_of_one_last_member_cost_linear_time() {
    let removed = |size: usize| {
        let builder = DirectoryBuilder::new().group(group(0), "").user(called(size, "n")).member(&group(0), &user(0));
        (applied(&built(builder), &DirectoryDelta::new().without_group(&group(0))), size)
    };
    let renamed =
        |(before, size): &(DirectorySnapshot, usize)| applied(before, &DirectoryDelta::new().user(called(*size, "m")));
    assert_linear("renaming a last member", 500, removed, |input| drop(renamed(&input)));
    let twice = |size: usize| (renamed(&removed(size)), size);
    let again = |(before, size): (DirectorySnapshot, usize)| {
        drop(applied(&before, &DirectoryDelta::new().user(called(size, "o"))));
    };
    assert_linear("renaming a last member again", 500, twice, again);
    let both = |size: usize| {
        let (removed, renamed) = (removed(size).0, renamed(&removed(size)));
        (removed.removed_group(&group(0)).unwrap(), renamed.removed_group(&group(0)).unwrap())
    };
    assert_linear("merging two removed groups", 500, both, |(one, other)| drop(one.merge(&other)));
    let by_name = |size: usize| (removed(size).0, removed(size).0.removed_group(&group(0)).unwrap());
    assert_linear("names of a stored last member", 500, by_name, |(directory, stored)| {
        let member = stored.members().first().unwrap();
        assert!(directory.not_called(directory.find(member.id()).unwrap(), member.aliases()).is_empty());
    });
}
