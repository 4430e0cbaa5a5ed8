//! Imports, and the directory before the first one.

use std::sync::Arc;

use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{alias, at};
use crate::directory::{DirectoryError, DirectorySnapshot, GroupDirectory, Resolution, User, UserStatus};
use crate::error::with_sources;
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// The as-of time of a source, in seconds.
pub(super) struct AsOf(pub(super) i64);

/// The number of direct members of the council with a record: `member-0`, `member-1` and so on.
pub(super) struct CouncilMembers(pub(super) usize);

/// Returns a source with these members of the council, one more without a record, and one in the board, which is nested
/// in the council.
pub(super) fn source(AsOf(seconds): AsOf, CouncilMembers(in_the_council): CouncilMembers) -> Checked<Source> {
    let (council, board, empty) = (GroupId::new("council")?, GroupId::new("board")?, GroupId::new("empty")?);
    let (north, south, works) = (GroupId::new("north")?, GroupId::new("south")?, GroupId::new("works")?);
    let chair = User::new(UserId::new("chair")?)
        .with_alias(alias("chair")?)
        .with_alias("chair@fabrikam.example".parse()?)
        .with_alias(Alias::account("GitHub", "chair")?)
        .with_alias("chair_fabrikam.example#EXT#@contoso.com".parse()?)
        .with_home_domain(Domain::new("contoso.com")?)
        .with_status(UserStatus::Disabled);
    let mut users = vec![chair, User::new(UserId::new("outsider")?).with_alias(alias("outsider")?)];
    let mut members = vec![(board.clone(), UserId::new("chair")?), (council.clone(), UserId::new("without-record")?)];
    for n in 0..in_the_council {
        let id = UserId::new(format!("member-{n}"))?;
        members.push((council.clone(), id.clone()));
        users.push(User::new(id).with_alias(alias(&format!("member-{n}"))?));
    }
    let named = |id: &GroupId| (id.clone(), format!("The {id}, {in_the_council} strong"));
    let groups = [&council, &board, &empty, &north, &south, &works].map(named).into();
    members.push((works.clone(), UserId::new("outsider")?));
    // Three levels deep, by two paths, and with a cycle below.
    let nested =
        [(&council, &board), (&board, &north), (&board, &south), (&north, &works), (&south, &works), (&works, &north)];
    let nested = nested.map(|(outer, inner)| (outer.clone(), inner.clone())).into();
    Ok(Source { as_of: at(seconds), users, groups, members, nested })
}

/// Imports a source, which must succeed.
pub(super) fn import(harness: &impl DirectoryHarness, source: &Source) -> Checked {
    harness.import(source).map_err(|error| Breach::new(format!("an import failed: {}", with_sources(&*error))))
}

/// Returns the snapshot in force, which must exist.
pub(super) fn snapshot(directory: &impl GroupDirectory) -> Checked<Arc<DirectorySnapshot>> {
    Ok(directory.snapshot()?)
}

/// Checks that the directory was never loaded.
pub(super) fn ensure_never_loaded(what: &str, directory: &impl GroupDirectory) -> Checked {
    match directory.snapshot() {
        Err(DirectoryError::NeverLoaded) => Ok(()),
        Err(error) => {
            let message = with_sources(&error);
            Err(Breach::new(format!("{what} the directory returns `{message}`, expected `NeverLoaded`")))
        }
        Ok(snapshot) => Err(Breach::new(format!("{what} there is a snapshot: {snapshot:?}"))),
    }
}

/// Returns how a snapshot differs from a source. Returns `None` if their contents are equal.
pub(super) fn difference(snapshot: &DirectorySnapshot, source: &Source) -> Option<String> {
    if snapshot.as_of() != source.as_of {
        return Some(format!("the as-of time is {}, of the import {}", snapshot.as_of(), source.as_of));
    }
    let mut found: Vec<_> = snapshot.groups().map(|(id, name)| (id.clone(), name.to_owned())).collect();
    let mut expected = source.groups.clone();
    found.sort_unstable();
    expected.sort_unstable();
    if found != expected {
        return Some(format!("the groups are {found:?}, of the import {expected:?}"));
    }
    for (group, _) in &source.groups {
        let mut nested = vec![group];
        while let Some((_, inner)) =
            source.nested.iter().find(|(outer, inner)| nested.contains(&outer) && !nested.contains(&inner))
        {
            nested.push(inner);
        }
        let members = source.members.iter().filter(|(group, _)| nested.contains(&group)).map(|(_, user)| user.clone());
        let expected: std::collections::BTreeSet<UserId> = members.collect();
        let found = snapshot.all_members(group);
        if found != expected {
            return Some(format!("`{group}` has {} members, in the import {}", found.len(), expected.len()));
        }
    }
    for user in &source.users {
        let identities = user.aliases().iter().cloned().map(Identity::from);
        for identity in identities.chain([user.id().clone().into()]) {
            match snapshot.resolve(&identity) {
                Resolution::Known(known) if known == *user => {}
                other => return Some(format!("user `{}` resolves to {other:?} by {identity:?}", user.id().as_str())),
            }
        }
    }
    None
}

/// Checks that a snapshot equals a source.
pub(super) fn ensure_equals(what: &str, snapshot: &DirectorySnapshot, source: &Source) -> Checked {
    let difference = difference(snapshot, source);
    ensure!(difference.is_none(), "{what} the snapshot differs from the import: {}", difference.unwrap_or_default());
    Ok(())
}

pub(super) fn d9_unloaded_directory_returns_never_loaded(harness: impl DirectoryHarness) -> Checked {
    ensure_never_loaded("before the first import", &harness.open())
}

pub(super) fn d11_snapshot_equals_import(harness: impl DirectoryHarness) -> Checked {
    let open_before = harness.open();
    let source = source(AsOf(10), CouncilMembers(3))?;
    import(&harness, &source)?;
    ensure_equals("on a handle opened before,", &*snapshot(&open_before)?, &source)?;
    ensure_equals("on a handle opened after,", &*snapshot(&harness.open())?, &source)
}

pub(super) fn d11_full_import_replaces_previous(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    import(&harness, &source(AsOf(10), CouncilMembers(5))?)?;
    let mut smaller = source(AsOf(20), CouncilMembers(2))?;
    smaller.groups.retain(|(id, _)| id.as_str() != "empty");
    smaller.nested.clear();
    import(&harness, &smaller)?;
    let snapshot = snapshot(&directory)?;
    ensure_equals("after a smaller import", &snapshot, &smaller)?;
    let dropped = Identity::from(alias("member-4")?);
    let found = snapshot.resolve(&dropped);
    ensure!(found == Resolution::Unknown, "a user who is not in the import resolves to {found:?}");
    Ok(())
}
