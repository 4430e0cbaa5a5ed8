//! Removed groups: updates of several nodes are merged, and only a drop removes them.

use std::slice;

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{ADELE, StoreExt, activities, alias, at, race};
use crate::directory::{AuditState, DirectoryBuilder, DirectoryRevision, RemovedGroup, User};
use crate::identity::{GroupId, UserId};
use crate::store::RemovedGroupsUpdate::{Drop, Keep};
use crate::store::{ActivityStore, RemovedGroups};

/// Returns a group with these last members that was removed in this revision.
fn removed(group: &str, members: &[&str], removed_in: u64) -> Checked<RemovedGroup> {
    let id = GroupId::new(group)?;
    let mut before = DirectoryBuilder::new().group(id.clone(), group);
    for name in members {
        let user = UserId::new(*name)?;
        before = before.member(&id, &user).user(User::new(user).with_alias(alias(name)?));
    }
    let before = before.build(DirectoryRevision(removed_in - 1), at(0))?;
    let after = DirectoryBuilder::new().build(DirectoryRevision(removed_in), at(1))?.carry_over_from(&before);
    after.removed_group(&id).ok_or_else(|| Breach::new("the directory has no last members of the group"))
}

/// Returns a summary that does not depend on the order of groups and members.
fn summaries(kept: &[RemovedGroup]) -> Vec<String> {
    let summarize = |removed: &RemovedGroup| {
        let mut members: Vec<String> =
            removed.members().iter().map(|user| format!("{}{:?}", user.id().as_str(), names(user))).collect();
        members.sort_unstable();
        let (group, removed_in, members) = (removed.group(), removed.removed_in(), members.join(" and "));
        let restored_in = removed.restored_by(DirectoryRevision(u64::MAX));
        let restored_in = restored_in.map_or_else(String::new, |restored_in| format!(", restored in {restored_in}"));
        format!("{group} with {members}, removed in {removed_in}{restored_in}, {:?}", removed.audit_state())
    };
    let mut summaries: Vec<String> = kept.iter().map(summarize).collect();
    summaries.sort_unstable();
    summaries
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(|alias| alias.as_str()).collect()
}

/// Returns the stored groups, as a caller without a known version reads them.
fn kept(store: &impl ActivityStore) -> Checked<RemovedGroups> {
    let kept = store.removed_groups(None)?;
    kept.ok_or_else(|| Breach::new("`removed_groups(None)` returned nothing"))
}

fn ensure_contains(what: &str, store: &impl ActivityStore, expected: &[RemovedGroup]) -> Checked {
    let (found, expected) = (summaries(&kept(store)?.groups), summaries(expected));
    ensure!(found == expected, "{what} the store contains {found:?}, expected {expected:?}");
    Ok(())
}

pub(super) fn d11_removed_groups_are_read_as_stored(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    ensure_contains("before any update", &store, &[])?;
    let (council, board) = (removed("council", &["hanna", "otto"], 8)?, removed("board", &[], 9)?);
    store.update_removed_groups(Keep(&council))?;
    store.update_removed_groups(Keep(&board))?;
    ensure_contains("after two groups were stored", &store, &[council.clone(), board.clone()])?;
    ensure_contains(
        "after two groups were stored, through another handle",
        &harness.open(),
        &[council.clone(), board.clone()],
    )?;
    store.update_removed_groups(Keep(&council))?;
    ensure_contains("after one was stored again", &store, &[council, board])
}

pub(super) fn d11_updates_of_several_nodes_are_merged(harness: impl StoreHarness) -> Checked {
    let (store, other_handle) = (harness.open(), harness.open());
    let (one, other) = (removed("council", &["hanna"], 8)?, removed("council", &["otto"], 8)?);
    store.update_removed_groups(Keep(&one))?;
    other_handle.update_removed_groups(Keep(&other))?;
    let merged = one.clone().merge(&other);
    ensure_contains("after updates of one group by two nodes", &store, slice::from_ref(&merged))?;
    let merged = merged.with_audit_state(AuditState::RemovalRecorded);
    other_handle.update_removed_groups(Keep(&one.clone().with_audit_state(AuditState::RemovalRecorded)))?;
    ensure_contains("after its audit state changed", &store, slice::from_ref(&merged))?;
    let merged = merged.restored(DirectoryRevision(9));
    other_handle.update_removed_groups(Keep(&one.clone().restored(DirectoryRevision(9))))?;
    ensure_contains("after a node restored the group", &store, slice::from_ref(&merged))?;
    store.update_removed_groups(Keep(&other))?;
    ensure_contains("after an update by a lagging node", &store, slice::from_ref(&merged))?;
    let (later, earlier) = (removed("council", &["lena"], 20)?, removed("council", &["paul"], 3)?);
    store.update_removed_groups(Keep(&earlier))?;
    ensure_contains("after an update of an earlier removal", &store, &[merged])?;
    other_handle.update_removed_groups(Keep(&later))?;
    ensure_contains("after an update of a later removal", &store, &[later])
}

pub(super) fn d11_concurrent_updates_lose_no_member(harness: impl StoreHarness) -> Checked {
    const NODES: [&str; 4] = ["hanna", "otto", "lena", "paul"];
    let store = harness.open();
    for round in ["council", "board", "staff", "works"] {
        let node = |name| {
            let (handle, known) = (harness.open(), removed(round, &[name], 8)?);
            Ok(move || Ok(handle.update_removed_groups(Keep(&known))?))
        };
        race(NODES.into_iter().map(node).collect::<Checked<_>>()?)?;
    }
    for kept in kept(&store)?.groups {
        let (group, members) = (kept.group(), kept.members().len());
        ensure!(
            members == NODES.len(),
            "`{group}` has {members} members, expected one of each of {} nodes",
            NODES.len()
        );
    }
    let kept = kept(&store)?.groups.len();
    ensure!(kept == 4, "{kept} groups are stored, expected 4");
    Ok(())
}

pub(super) fn d11_drop_spares_later_removal(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let (council, board) = (removed("council", &["hanna"], 8)?, removed("board", &["otto"], 8)?);
    for kept in [&council, &board] {
        store.update_removed_groups(Keep(kept))?;
    }
    store.update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(7) })?;
    ensure_contains("after a drop up to the revision before", &store, &[council.clone(), board.clone()])?;
    store.update_removed_groups(Drop { group: &GroupId::new("unknown")?, up_to: DirectoryRevision(99) })?;
    ensure_contains("after a drop of an unknown group", &store, &[council.clone(), board.clone()])?;
    harness.open().update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(8) })?;
    ensure_contains("after a drop up to the same revision", &store, slice::from_ref(&board))?;
    store.update_removed_groups(Keep(&removed("council", &["lena"], 12)?))?;
    ensure_contains("after the group was removed again", &store, &[removed("council", &["lena"], 12)?, board])
}

pub(super) fn d11_removed_groups_survive_crash(mut harness: impl StoreHarness) -> Checked {
    let before = harness.open();
    let (council, board) = (removed("council", &["hanna"], 8)?, removed("board", &["otto"], 8)?);
    let council = council.with_audit_state(AuditState::RemovalRecorded).restored(DirectoryRevision(9));
    for kept in [&council, &board] {
        before.update_removed_groups(Keep(kept))?;
    }
    before.update_removed_groups(Drop { group: board.group(), up_to: DirectoryRevision(8) })?;
    harness.crash();
    ensure_contains("after a crash", &harness.open(), &[council])?;
    drop(before);
    Ok(())
}

pub(super) fn d11_version_grows_with_each_change(mut harness: impl StoreHarness) -> Checked {
    let mut last = kept(&harness.open())?.version;
    let mut ensure_grown = |what: &str, now: u64| {
        ensure!(now > last, "{what} the version is {now}, expected more than {last}");
        last = now;
        Ok::<_, Breach>(())
    };
    let reader = harness.open();
    let (one, other) = (removed("council", &["hanna"], 8)?, removed("council", &["otto"], 8)?);
    harness.open().update_removed_groups(Keep(&one))?;
    ensure_grown("after a group was stored", kept(&reader)?.version)?;
    harness.open().update_removed_groups(Keep(&other))?;
    ensure_grown("after more members were stored", kept(&reader)?.version)?;
    harness.open().update_removed_groups(Keep(&one.restored(DirectoryRevision(9))))?;
    ensure_grown("after it was restored", kept(&reader)?.version)?;
    harness.open().update_removed_groups(Drop { group: other.group(), up_to: DirectoryRevision(8) })?;
    ensure_grown("after it was dropped", kept(&reader)?.version)?;
    drop(reader);
    harness.open().update_removed_groups(Keep(&other))?;
    harness.crash();
    ensure_grown("after a crash", kept(&harness.open())?.version)
}

pub(super) fn d11_version_stays_without_change(harness: impl StoreHarness) -> Checked {
    let (store, other_handle) = (harness.open(), harness.open());
    store.initialize_private()?;
    let (council, more) = (removed("council", &["hanna", "otto"], 8)?, removed("council", &["otto"], 8)?);
    store.update_removed_groups(Keep(&council))?;
    let version = kept(&store)?.version;
    let ensure_unchanged = |what: &str| {
        let now = kept(&other_handle)?.version;
        ensure!(now == version, "after {what} the version is {now}, expected {version}");
        Ok::<_, Breach>(())
    };
    ensure_unchanged("a read")?;
    store.update_removed_groups(Keep(&council))?;
    ensure_unchanged("a repeated update")?;
    store.update_removed_groups(Keep(&more))?;
    ensure_unchanged("an update with a subset")?;
    store.update_removed_groups(Drop { group: council.group(), up_to: DirectoryRevision(7) })?;
    ensure_unchanged("a drop up to the revision before")?;
    store.update_removed_groups(Drop { group: &GroupId::new("unknown")?, up_to: DirectoryRevision(99) })?;
    ensure_unchanged("a drop of an unknown group")?;
    store.append_new(&activities("adele", ADELE, 2)?)?;
    store.toggle_council()?;
    ensure_unchanged("a batch and a change of the policy")
}

pub(super) fn d11_known_version_returns_none(harness: impl StoreHarness) -> Checked {
    let (store, other_handle) = (harness.open(), harness.open());
    let mut versions = vec![kept(&store)?.version];
    for (removed_in, name) in [(8, "hanna"), (9, "otto"), (12, "lena")] {
        store.update_removed_groups(Keep(&removed("council", &[name], removed_in)?))?;
        versions.push(kept(&store)?.version);
        let current = kept(&other_handle)?;
        for handle in [&store, &other_handle, &harness.open()] {
            let known = handle.removed_groups(Some(current.version))?;
            ensure!(known.is_none(), "the known version {} was returned again", current.version);
            let others = versions.iter().copied().chain([current.version + 1, u64::MAX]);
            for other in others.filter(|other| *other != current.version) {
                let found = handle.removed_groups(Some(other))?;
                let expected = Some(&current);
                ensure!(
                    found.as_ref() == expected,
                    "a caller with version {other} did not get version {}",
                    current.version
                );
            }
        }
    }
    Ok(())
}
