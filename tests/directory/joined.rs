//! Concatenated deltas: one application instead of several.

use std::collections::{BTreeMap, BTreeSet};

use activity_privacy::directory::{DirectoryDelta, DirectoryRevision, DirectorySnapshot, User};
use activity_privacy::identity::GroupId;
use activity_privacy::strategies::imports;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::at;

/// The groups with their members and nested groups, and the users with their records.
type Said = (BTreeMap<String, (String, BTreeSet<String>, BTreeSet<String>)>, BTreeMap<String, serde_json::Value>);

fn said(snapshot: &DirectorySnapshot) -> Said {
    let group = |(id, name): (&GroupId, &str)| {
        let users = snapshot.direct_members(id).iter().map(|user| user.as_str().to_owned()).collect();
        let groups = snapshot.child_groups(id).iter().map(|group| group.as_str().to_owned()).collect();
        (id.as_str().to_owned(), (name.to_owned(), users, groups))
    };
    let user = |user: User| (user.id().as_str().to_owned(), serde_json::to_value(&user).unwrap());
    (snapshot.groups().map(group).collect(), snapshot.users().map(user).collect())
}

proptest! {
    #[test]
    fn d11_concatenated_deltas_equal_each_in_turn(imports in vec(imports(), 2..5)) {
        let first = imports[0].snapshot(DirectoryRevision(1), at(1)).unwrap();
        let deltas: Vec<DirectoryDelta> = imports.windows(2).map(|step| step[0].delta_to(&step[1])).collect();
        let last = DirectoryRevision(imports.len() as u64);
        let in_turn = (2..).zip(&deltas).fold(first.clone(), |snapshot, (revision, delta)| {
            snapshot.apply(delta, DirectoryRevision(revision), at(2)).unwrap()
        });
        let joined = deltas.into_iter().fold(DirectoryDelta::new(), DirectoryDelta::then);
        let joined = first.apply(&joined, last, at(2)).unwrap();
        prop_assert_eq!(said(&joined), said(&in_turn));
        prop_assert_eq!((joined.revision(), joined.as_of()), (in_turn.revision(), in_turn.as_of()));
    }
}
