//! Removed groups: what nodes keep of them adds up, and goes only by what it is told.

use std::slice;

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{ADELE, Drive, activities, alias, at, race};
use crate::directory::{AuditState, DirectoryBuilder, DirectoryRevision, RemovedGroup, User};
use crate::identity::{GroupId, UserId};
use crate::store::RemovedGroupsUpdate::{Drop, Keep};
use crate::store::{ActivityStore, RemovedGroups};

/// A group that was last seen with these members and is gone in this revision, as a directory tells of it.
fn vanished(group: &str, members: &[&str], removed_in: u64) -> Checked<RemovedGroup> {
    let id = GroupId::new(group)?;
    let mut before = DirectoryBuilder::new().group(id.clone(), group);
    for name in members {
        let user = UserId::new(*name)?;
        before = before.member(&id, &user).user(User::new(user).with_alias(alias(name)?));
    }
    let before = before.build(DirectoryRevision(removed_in - 1), at(0))?;
    let after = DirectoryBuilder::new().build(DirectoryRevision(removed_in), at(1))?.carry_over_from(&before);
    after.removed_group(&id).ok_or_else(|| Breach::seen("the directory forgot the group"))
}

/// What is kept, told in a way that does not depend on the order of groups and members.
fn told(kept: &[RemovedGroup]) -> Vec<String> {
    let tell = |vanished: &RemovedGroup| {
        let mut members: Vec<String> =
            vanished.members().iter().map(|user| format!("{}{:?}", user.id().as_str(), names(user))).collect();
        members.sort_unstable();
        let (group, removed_in, members) = (vanished.group(), vanished.removed_in(), members.join(" and "));
        let restored_in = vanished.restored_by(DirectoryRevision(u64::MAX));
        let restored_in = restored_in.map_or_else(String::new, |restored_in| format!(", back in {restored_in}"));
        format!("{group} with {members} gone in {removed_in}{restored_in}, {:?} on record", vanished.audit_state())
    };
    let mut told: Vec<String> = kept.iter().map(tell).collect();
    told.sort_unstable();
    told
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(|alias| alias.as_str()).collect()
}

/// What a store keeps, asked for by a caller who knows nothing.
fn kept(store: &impl ActivityStore) -> Checked<RemovedGroups> {
    let kept = store.removed_groups(None)?;
    kept.ok_or_else(|| Breach::seen("removed groups are not returned to a caller who knows no version"))
}

fn holds(what: &str, store: &impl ActivityStore, expected: &[RemovedGroup]) -> Checked {
    let (found, expected) = (told(&kept(store)?.groups), told(expected));
    ensure!(found == expected, "{what} the store keeps {found:?}, expected {expected:?}");
    Ok(())
}

pub(super) fn d11_kept_groups_come_back(place: impl StoreHarness) -> Checked {
    let store = place.open();
    holds("before anything was kept", &store, &[])?;
    let (council, board) = (vanished("council", &["hanna", "otto"], 8)?, vanished("board", &[], 9)?);
    store.update_removed_groups(Keep(&council))?;
    store.update_removed_groups(Keep(&board))?;
    holds("after two groups were kept", &store, &[council.clone(), board.clone()])?;
    holds("after two groups were kept elsewhere", &place.open(), &[council.clone(), board.clone()])?;
    store.update_removed_groups(Keep(&council))?;
    holds("after one was kept again", &store, &[council, board])
}

pub(super) fn d11_what_nodes_keep_of_a_group_adds_up(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    let (one, other) = (vanished("council", &["hanna"], 8)?, vanished("council", &["otto"], 8)?);
    store.update_removed_groups(Keep(&one))?;
    elsewhere.update_removed_groups(Keep(&other))?;
    let together = one.clone().merge(&other);
    holds("after two nodes kept a group", &store, slice::from_ref(&together))?;
    let together = together.with_audit_state(AuditState::RemovalRecorded);
    elsewhere.update_removed_groups(Keep(&one.clone().with_audit_state(AuditState::RemovalRecorded)))?;
    holds("after that was put on record", &store, slice::from_ref(&together))?;
    let together = together.restored(DirectoryRevision(9));
    elsewhere.update_removed_groups(Keep(&one.clone().restored(DirectoryRevision(9))))?;
    holds("after a node saw the group again", &store, slice::from_ref(&together))?;
    store.update_removed_groups(Keep(&other))?;
    holds("after a node that lags kept it once more", &store, slice::from_ref(&together))?;
    let (later, earlier) = (vanished("council", &["lena"], 20)?, vanished("council", &["paul"], 3)?);
    store.update_removed_groups(Keep(&earlier))?;
    holds("after a node kept what is from an earlier time", &store, &[together])?;
    elsewhere.update_removed_groups(Keep(&later))?;
    holds("after a node kept what is from a later time", &store, &[later])
}

pub(super) fn d11_racing_nodes_lose_no_member(place: impl StoreHarness) -> Checked {
    const NODES: [&str; 4] = ["hanna", "otto", "lena", "paul"];
    let store = place.open();
    for round in ["council", "board", "staff", "works"] {
        let node = |name| {
            let (handle, known) = (place.open(), vanished(round, &[name], 8)?);
            Ok(move || Ok(handle.update_removed_groups(Keep(&known))?))
        };
        race(NODES.into_iter().map(node).collect::<Checked<_>>()?)?;
    }
    for kept in kept(&store)?.groups {
        let (group, members) = (kept.group(), kept.members().len());
        ensure!(
            members == NODES.len(),
            "of `{group}` {members} members are kept, expected one of each of {} nodes",
            NODES.len()
        );
    }
    let kept = kept(&store)?.groups.len();
    ensure!(kept == 4, "{kept} groups are kept, expected 4");
    Ok(())
}

pub(super) fn d11_a_drop_spares_what_vanished_later(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let (council, board) = (vanished("council", &["hanna"], 8)?, vanished("board", &["otto"], 8)?);
    for kept in [&council, &board] {
        store.update_removed_groups(Keep(kept))?;
    }
    store.update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(7) })?;
    holds("after a drop up to the revision before", &store, &[council.clone(), board.clone()])?;
    store.update_removed_groups(Drop { group: &GroupId::new("unknown")?, up_to: DirectoryRevision(99) })?;
    holds("after a drop of a group that is not kept", &store, &[council.clone(), board.clone()])?;
    place.open().update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(8) })?;
    holds("after a drop up to the very revision", &store, slice::from_ref(&board))?;
    store.update_removed_groups(Keep(&vanished("council", &["lena"], 12)?))?;
    holds("after the group vanished anew", &store, &[vanished("council", &["lena"], 12)?, board])
}

pub(super) fn d11_kept_groups_outlive_a_crash(mut place: impl StoreHarness) -> Checked {
    let before = place.open();
    let (council, board) = (vanished("council", &["hanna"], 8)?, vanished("board", &["otto"], 8)?);
    let council = council.with_audit_state(AuditState::RemovalRecorded).restored(DirectoryRevision(9));
    for kept in [&council, &board] {
        before.update_removed_groups(Keep(kept))?;
    }
    before.update_removed_groups(Drop { group: board.group(), up_to: DirectoryRevision(8) })?;
    place.crash();
    holds("after a crash", &place.open(), &[council])?;
    drop(before);
    Ok(())
}

pub(super) fn d11_the_version_of_what_is_kept_changes_with_it(mut place: impl StoreHarness) -> Checked {
    let mut last = kept(&place.open())?.version;
    let mut moves_on = |what: &str, now: u64| {
        ensure!(now > last, "{what} the version of what is kept is {now}, expected more than {last}");
        last = now;
        Ok::<_, Breach>(())
    };
    let reader = place.open();
    let (one, other) = (vanished("council", &["hanna"], 8)?, vanished("council", &["otto"], 8)?);
    place.open().update_removed_groups(Keep(&one))?;
    moves_on("after a group was kept", kept(&reader)?.version)?;
    place.open().update_removed_groups(Keep(&other))?;
    moves_on("after more of it was kept", kept(&reader)?.version)?;
    place.open().update_removed_groups(Keep(&one.restored(DirectoryRevision(9))))?;
    moves_on("after it came back", kept(&reader)?.version)?;
    place.open().update_removed_groups(Drop { group: other.group(), up_to: DirectoryRevision(8) })?;
    moves_on("after it was dropped", kept(&reader)?.version)?;
    drop(reader);
    place.open().update_removed_groups(Keep(&other))?;
    place.crash();
    moves_on("after a crash", kept(&place.open())?.version)
}

pub(super) fn d11_the_version_stays_without_a_change(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    store.found_hiding()?;
    let (council, more) = (vanished("council", &["hanna", "otto"], 8)?, vanished("council", &["otto"], 8)?);
    store.update_removed_groups(Keep(&council))?;
    let version = kept(&store)?.version;
    let stays = |what: &str| {
        let now = kept(&elsewhere)?.version;
        ensure!(now == version, "after {what} the version of what is kept is {now}, expected {version} still");
        Ok::<_, Breach>(())
    };
    stays("a read")?;
    store.update_removed_groups(Keep(&council))?;
    stays("what is kept was kept again")?;
    store.update_removed_groups(Keep(&more))?;
    stays("part of what is kept was kept again")?;
    store.update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(7) })?;
    stays("a drop up to the revision before")?;
    store.update_removed_groups(Drop { group: &GroupId::new("unknown")?, up_to: DirectoryRevision(99) })?;
    stays("a drop of a group that is not kept")?;
    store.keep(&activities("adele", ADELE, 2)?)?;
    store.turn()?;
    stays("a batch and a change of the policy")
}

pub(super) fn d11_what_is_known_is_not_read_again(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    let mut versions = vec![kept(&store)?.version];
    for (removed_in, name) in [(8, "hanna"), (9, "otto"), (12, "lena")] {
        store.update_removed_groups(Keep(&vanished("council", &[name], removed_in)?))?;
        versions.push(kept(&store)?.version);
        let current = kept(&elsewhere)?;
        for handle in [&store, &elsewhere, &place.open()] {
            let known = handle.removed_groups(Some(current.version))?;
            ensure!(known.is_none(), "version {}, which is known, was returned again", current.version);
            let others = versions.iter().copied().chain([current.version + 1, u64::MAX]);
            for other in others.filter(|other| *other != current.version) {
                let found = handle.removed_groups(Some(other))?;
                let expected = Some(&current);
                ensure!(
                    found.as_ref() == expected,
                    "to version {other} the answer is no other than to {}",
                    current.version
                );
            }
        }
    }
    Ok(())
}
