//! Checks that apply to every reader of directories.

use std::collections::BTreeSet;

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, User,
};
use activity_privacy::import::{Import, Place, RejectedEntry};

use super::silence::CANARY;
use crate::fixture::{alias, at, group, user};

/// Returns a directory with the ids that the seeds use.
pub(crate) fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let builder = DirectoryBuilder::new().user(adele).group(group("g-1"), "Council").group(group("g-2"), "Board");
    let builder = builder.member(&group("g-1"), &user("u-1")).nested(&group("g-1"), &group("g-2"));
    builder.build(DirectoryRevision(1), at(0)).unwrap()
}

/// Checks that a rejection says what was expected or what to do, and quotes nothing of the input.
pub(crate) fn refused(rejected: &RejectedEntry) {
    let said = rejected.to_string();
    assert!(!said.contains(CANARY) && !format!("{rejected:?}").contains(CANARY), "B2: {said}");
    let says = [", expected ", "; "].iter().any(|words| said.contains(words));
    assert!(says, "B1: {said}");
}

/// Checks that an import accounts for every record, in order, and quotes none.
pub(crate) fn accounted<T>(import: &Import<T>) {
    for rejected in import.rejected() {
        refused(rejected);
    }
    assert!(import.rejected().is_sorted_by_key(|rejected| rejected.place), "B1: in order");
    let within = import.rejected().iter().filter(|rejected| rejected.place != Place::Whole).count();
    assert!(import.ignored() + within as u64 <= import.read(), "B1: read = accepted + ignored + rejected");
}

/// Builds a directory from the accepted records, and reads it once.
pub(crate) fn built(builder: DirectoryBuilder) -> Option<DirectorySnapshot> {
    let snapshot = builder.build(DirectoryRevision(2), at(0)).ok()?;
    for (group, _) in snapshot.groups() {
        let _ = snapshot.all_members(group).len();
    }
    Some(snapshot)
}

/// Checks that a delta does not both add and remove an item.
pub(crate) fn decided(delta: &DirectoryDelta) {
    let (mut said, mut taken_back) = (BTreeSet::new(), BTreeSet::new());
    for change in delta.changes() {
        match change {
            DirectoryChange::User(user) => drop(said.insert((user.id().as_str(), ""))),
            DirectoryChange::RemoveUser(user) => drop(taken_back.insert((user.as_str(), ""))),
            DirectoryChange::Member(group, user) => drop(said.insert((group.as_str(), user.as_str()))),
            DirectoryChange::RemoveMember(group, user) => drop(taken_back.insert((group.as_str(), user.as_str()))),
            _ => {}
        }
    }
    assert!(said.is_disjoint(&taken_back), "D11: the protecting side wins");
}
