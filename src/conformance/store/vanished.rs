//! Groups that vanished: what nodes keep of them adds up, and goes only by what it is told.

use std::slice;

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{alias, at, race};
use crate::directory::{DirectoryBuilder, DirectoryRevision, RemovedGroup, Told, User};
use crate::identity::{GroupId, UserId};
use crate::store::ActivityStore;

/// A group that was last seen with these members and is gone in this revision, as a directory tells of it.
fn vanished(group: &str, members: &[&str], removed_in: u64) -> Checked<RemovedGroup> {
    let id = GroupId::new(group)?;
    let mut before = DirectoryBuilder::new().group(id.clone(), group);
    for name in members {
        let user = UserId::new(*name)?;
        before = before.member(&id, &user).user(User::new(user).with_alias(alias(name)?));
    }
    let before = before.build(DirectoryRevision(removed_in - 1), at(0))?;
    let after = DirectoryBuilder::new().build(DirectoryRevision(removed_in), at(1))?.succeeding(&before);
    after.vanished_group(&id).ok_or_else(|| Breach::seen("the directory forgot the group"))
}

/// What is kept, told in a way that does not depend on the order of groups and members.
fn told(kept: &[RemovedGroup]) -> Vec<String> {
    let tell = |vanished: &RemovedGroup| {
        let mut members: Vec<String> =
            vanished.members().iter().map(|user| format!("{}{:?}", user.id().as_str(), names(user))).collect();
        members.sort_unstable();
        let (group, removed_in, members) = (vanished.group(), vanished.removed_in(), members.join(" and "));
        let restored_in = vanished.back_by(DirectoryRevision(u64::MAX));
        let restored_in = restored_in.map_or_else(String::new, |restored_in| format!(", back in {restored_in}"));
        format!("{group} with {members} gone in {removed_in}{restored_in}, {:?} on record", vanished.told())
    };
    let mut told: Vec<String> = kept.iter().map(tell).collect();
    told.sort_unstable();
    told
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(|alias| alias.as_str()).collect()
}

fn holds(what: &str, store: &impl ActivityStore, expected: &[RemovedGroup]) -> Checked {
    let (found, expected) = (told(&store.vanished_groups()?), told(expected));
    ensure!(found == expected, "{what} the store keeps {found:?}, expected {expected:?}");
    Ok(())
}

pub(super) fn d11_kept_groups_come_back(place: impl StoreHarness) -> Checked {
    let store = place.open();
    holds("before anything was kept", &store, &[])?;
    let (council, board) = (vanished("council", &["hanna", "otto"], 8)?, vanished("board", &[], 9)?);
    store.keep_vanished(&council)?;
    store.keep_vanished(&board)?;
    holds("after two groups were kept", &store, &[council.clone(), board.clone()])?;
    holds("after two groups were kept elsewhere", &place.open(), &[council.clone(), board.clone()])?;
    store.keep_vanished(&council)?;
    holds("after one was kept again", &store, &[council, board])
}

pub(super) fn d11_what_nodes_keep_of_a_group_adds_up(place: impl StoreHarness) -> Checked {
    let (store, elsewhere) = (place.open(), place.open());
    let (one, other) = (vanished("council", &["hanna"], 8)?, vanished("council", &["otto"], 8)?);
    store.keep_vanished(&one)?;
    elsewhere.keep_vanished(&other)?;
    let together = one.clone().merge(&other);
    holds("after two nodes kept a group", &store, slice::from_ref(&together))?;
    let together = together.telling(Told::Vanished);
    elsewhere.keep_vanished(&one.clone().telling(Told::Vanished))?;
    holds("after that was put on record", &store, slice::from_ref(&together))?;
    let together = together.restored(DirectoryRevision(9));
    elsewhere.keep_vanished(&one.clone().restored(DirectoryRevision(9)))?;
    holds("after a node saw the group again", &store, slice::from_ref(&together))?;
    store.keep_vanished(&other)?;
    holds("after a node that lags kept it once more", &store, slice::from_ref(&together))?;
    let (later, earlier) = (vanished("council", &["lena"], 20)?, vanished("council", &["paul"], 3)?);
    store.keep_vanished(&earlier)?;
    holds("after a node kept what is from an earlier time", &store, &[together])?;
    elsewhere.keep_vanished(&later)?;
    holds("after a node kept what is from a later time", &store, &[later])
}

pub(super) fn d11_racing_nodes_lose_no_member(place: impl StoreHarness) -> Checked {
    const NODES: [&str; 4] = ["hanna", "otto", "lena", "paul"];
    let store = place.open();
    for round in ["council", "board", "staff", "works"] {
        let node = |name| {
            let (handle, known) = (place.open(), vanished(round, &[name], 8)?);
            Ok(move || Ok(handle.keep_vanished(&known)?))
        };
        race(NODES.into_iter().map(node).collect::<Checked<_>>()?)?;
    }
    for kept in store.vanished_groups()? {
        let (group, members) = (kept.group(), kept.members().len());
        ensure!(
            members == NODES.len(),
            "of `{group}` {members} members are kept, expected one of each of {} nodes",
            NODES.len()
        );
    }
    let kept = store.vanished_groups()?.len();
    ensure!(kept == 4, "{kept} groups are kept, expected 4");
    Ok(())
}

pub(super) fn d11_a_drop_spares_what_vanished_later(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let (council, board) = (vanished("council", &["hanna"], 8)?, vanished("board", &["otto"], 8)?);
    for kept in [&council, &board] {
        store.keep_vanished(kept)?;
    }
    store.drop_vanished(council.group(), DirectoryRevision(7))?;
    holds("after a drop up to the revision before", &store, &[council.clone(), board.clone()])?;
    store.drop_vanished(&GroupId::new("unknown")?, DirectoryRevision(99))?;
    holds("after a drop of a group that is not kept", &store, &[council.clone(), board.clone()])?;
    place.open().drop_vanished(council.group(), DirectoryRevision(8))?;
    holds("after a drop up to the very revision", &store, slice::from_ref(&board))?;
    store.keep_vanished(&vanished("council", &["lena"], 12)?)?;
    holds("after the group vanished anew", &store, &[vanished("council", &["lena"], 12)?, board])
}

pub(super) fn d11_kept_groups_outlive_a_crash(mut place: impl StoreHarness) -> Checked {
    let before = place.open();
    let (council, board) = (vanished("council", &["hanna"], 8)?, vanished("board", &["otto"], 8)?);
    let council = council.telling(Told::Vanished).restored(DirectoryRevision(9));
    for kept in [&council, &board] {
        before.keep_vanished(kept)?;
    }
    before.drop_vanished(board.group(), DirectoryRevision(8))?;
    place.crash();
    holds("after a crash", &place.open(), &[council])?;
    drop(before);
    Ok(())
}

pub(super) fn d11_the_version_of_what_is_kept_changes_with_it(mut place: impl StoreHarness) -> Checked {
    let mut last = place.open().vanished_version()?;
    let mut moves_on = |what: &str, place: &dyn Fn() -> Checked<u64>| {
        let now = place()?;
        ensure!(now > last, "{what} the version of what is kept is {now}, expected more than {last}");
        last = now;
        Ok::<_, Breach>(())
    };
    let reader = place.open();
    let (one, other) = (vanished("council", &["hanna"], 8)?, vanished("council", &["otto"], 8)?);
    place.open().keep_vanished(&one)?;
    moves_on("after a group was kept", &|| Ok(reader.vanished_version()?))?;
    place.open().keep_vanished(&other)?;
    moves_on("after more of it was kept", &|| Ok(reader.vanished_version()?))?;
    place.open().keep_vanished(&one.restored(DirectoryRevision(9)))?;
    moves_on("after it came back", &|| Ok(reader.vanished_version()?))?;
    place.open().drop_vanished(other.group(), DirectoryRevision(8))?;
    moves_on("after it was dropped", &|| Ok(reader.vanished_version()?))?;
    drop(reader);
    place.open().keep_vanished(&other)?;
    place.crash();
    moves_on("after a crash", &|| Ok(place.open().vanished_version()?))
}
