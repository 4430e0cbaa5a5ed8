//! What an import says, and what a directory says without one.

use std::sync::Arc;

use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Breach, Checked, ensure, in_full};
use crate::conformance::fixture::{alias, at};
use crate::directory::{DirectoryError, DirectorySnapshot, GroupDirectory, Resolution, User, UserStatus};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// A source as of a time, with so many people in the council and one more in the board within it.
pub(super) fn source(seconds: i64, in_the_council: usize) -> Checked<Source> {
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
    // Three deep, by two ways, and in a circle further down.
    let nested =
        [(&council, &board), (&board, &north), (&board, &south), (&north, &works), (&south, &works), (&works, &north)];
    let nested = nested.map(|(outer, inner)| (outer.clone(), inner.clone())).into();
    Ok(Source { as_of: at(seconds), users, groups, members, nested })
}

/// Imports, where nothing should keep that from carry_over_from.
pub(super) fn import(place: &impl DirectoryHarness, source: &Source) -> Checked {
    place.import(source).map_err(|error| Breach::seen(format!("an import failed: {}", in_full(&*error))))
}

/// The snapshot in force, once there should be one.
pub(super) fn snapshot(directory: &impl GroupDirectory) -> Checked<Arc<DirectorySnapshot>> {
    Ok(directory.snapshot()?)
}

/// Breaks off unless nothing was ever loaded.
pub(super) fn never_loaded(what: &str, directory: &impl GroupDirectory) -> Checked {
    match directory.snapshot() {
        Err(DirectoryError::NeverLoaded) => Ok(()),
        Err(error) => {
            let told = in_full(&error);
            Err(Breach::seen(format!("{what} the directory fails with `{told}`, expected `NeverLoaded`")))
        }
        Ok(snapshot) => Err(Breach::seen(format!("{what} there is a snapshot: {snapshot:?}"))),
    }
}

/// What of a source a snapshot does not say as it stands there; nothing if it says all of it and no more.
pub(super) fn difference(snapshot: &DirectorySnapshot, source: &Source) -> Option<String> {
    if snapshot.as_of() != source.as_of {
        return Some(format!("it is as of {}, the import as of {}", snapshot.as_of(), source.as_of));
    }
    let mut found: Vec<_> = snapshot.groups().map(|(id, name)| (id.clone(), name.to_owned())).collect();
    let mut expected = source.groups.clone();
    found.sort_unstable();
    expected.sort_unstable();
    if found != expected {
        return Some(format!("its groups are {found:?}, those of the import {expected:?}"));
    }
    for (group, _) in &source.groups {
        let mut counted = vec![group];
        while let Some((_, inner)) =
            source.nested.iter().find(|(outer, inner)| counted.contains(&outer) && !counted.contains(&inner))
        {
            counted.push(inner);
        }
        let members = source.members.iter().filter(|(group, _)| counted.contains(&group)).map(|(_, user)| user.clone());
        let expected: std::collections::BTreeSet<UserId> = members.collect();
        let found = snapshot.all_members(group);
        if found != expected {
            return Some(format!("{} are in `{group}`, in the import {}", found.len(), expected.len()));
        }
    }
    for user in &source.users {
        let identities = user.aliases().iter().cloned().map(Identity::from);
        for identity in identities.chain([user.id().clone().into()]) {
            match snapshot.resolve(&identity) {
                Resolution::Known(known) if known == *user => {}
                other => return Some(format!("user `{}` is {other:?} by {identity:?}", user.id().as_str())),
            }
        }
    }
    None
}

/// Breaks off unless a snapshot says what a source says.
pub(super) fn says(what: &str, snapshot: &DirectorySnapshot, source: &Source) -> Checked {
    let difference = difference(snapshot, source);
    ensure!(difference.is_none(), "{what} the snapshot is not the import: {}", difference.unwrap_or_default());
    Ok(())
}

pub(super) fn d9_a_directory_that_was_never_loaded_says_so(place: impl DirectoryHarness) -> Checked {
    never_loaded("before the first import", &place.open())
}

pub(super) fn d11_a_snapshot_says_what_was_imported(place: impl DirectoryHarness) -> Checked {
    let open_before = place.open();
    let source = source(10, 3)?;
    import(&place, &source)?;
    says("on a handle opened before,", &*snapshot(&open_before)?, &source)?;
    says("on a handle opened after,", &*snapshot(&place.open())?, &source)
}

pub(super) fn d11_what_is_gone_from_an_import_is_gone(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    import(&place, &source(10, 5)?)?;
    let mut smaller = source(20, 2)?;
    smaller.groups.retain(|(id, _)| id.as_str() != "empty");
    smaller.nested.clear();
    import(&place, &smaller)?;
    let snapshot = snapshot(&directory)?;
    says("after a smaller import", &snapshot, &smaller)?;
    let gone = Identity::from(alias("member-4")?);
    let found = snapshot.resolve(&gone);
    ensure!(found == Resolution::Unknown, "a user who is gone from the import is {found:?}");
    Ok(())
}
