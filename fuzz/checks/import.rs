//! Checks that apply to every import of a directory, in any format.

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot};
use activity_privacy::import::{EntryRejectReason, Import, Place};

use super::silence::CANARY;

/// Fails if an import does not add up, names a line that does not exist, or quotes the input.
pub(crate) fn sound<T>(import: &Import<T>, input: &[u8]) {
    let rejected = import.rejected();
    assert!(import.ignored() + rejected.len() as u64 <= import.read(), "B1: more items than records");
    let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count() as u64;
    let mut last = 1;
    for rejected in rejected {
        let Place::Line(line) = rejected.place else { panic!("B1: no line: {}", rejected.place) };
        assert!((last..=lines).contains(&line), "B1: the line of a rejection is the record's");
        last = line;
        let said = rejected.to_string();
        let says = ["expected", "; "].iter().any(|words| said.contains(words));
        assert!(said.starts_with(&format!("line {line}: ")) && says, "B1: {said}");
        // The only message that repeats a part of the input: the name of a column.
        if matches!(rejected.reason, EntryRejectReason::UnknownColumn { .. }) {
            continue;
        }
        assert!(!format!("{rejected:?}").contains(CANARY), "B2: {rejected:?}");
        assert!(!said.contains(CANARY), "B2: {said}");
    }
}

/// Fails if two reads of one input differ.
pub(crate) fn same<T>(one: &Import<T>, other: &Import<T>) {
    assert_eq!((one.read(), one.ignored(), one.rejected()), (other.read(), other.ignored(), other.rejected()));
}

/// Builds the directory of an import, which exists whatever was rejected.
pub(crate) fn built(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), Default::default()).expect("D11: the accepted records always build a directory")
}

/// Returns the groups and their members, in order.
pub(crate) fn memberships(snapshot: &DirectorySnapshot) -> Vec<(String, String, Vec<String>)> {
    let groups = snapshot.groups().map(|(id, name)| {
        let members = snapshot.all_members(id).into_iter().map(|user| user.as_str().to_owned()).collect();
        (id.as_str().to_owned(), name.to_owned(), members)
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort();
    groups
}
