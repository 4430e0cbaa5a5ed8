//! Checks bytes as LDIF: the entries of a directory, and changes to it after the first line that is a `~`.

use std::io::BufReader;

use activity_privacy::import::ldif::{self, DirectoryTree, LdifReader};
use activity_privacy::import::{EntryRejectReason, Import, Place};

use super::import::{built, memberships, same, sound};

pub(crate) fn check(input: &[u8]) {
    let at = input.windows(3).position(|bytes| bytes == b"\n~\n");
    let (entries, changes) = match at {
        Some(at) => (&input[..=at], &input[at + 3..]),
        None => (input, &b""[..]),
    };
    let one = ldif::read(entries);
    if is_other_input(&one) {
        return;
    }
    sound(&one, entries);
    // The limit of records in memory does not affect the result.
    let other = ldif::read(BufReader::with_capacity(1 + entries.len() % 13, entries));
    same(&one, &other);
    let one_rejected = one.rejected().len();
    let (one, other) = (built(one.into_partial()), built(other.into_partial()));
    assert!(memberships(&one) == memberships(&other), "D10: the same bytes give the same groups");

    let (tree, _) = DirectoryTree::read(entries).into_partial();
    let changed = tree.clone().change(changes);
    if is_other_input(&changed) {
        return;
    }
    sound(&changed, changes);
    same(&changed, &tree.change(BufReader::with_capacity(1 + changes.len() % 7, changes)));
    // A changed directory can be changed again.
    sound(&changed.into_partial().0.change(changes), changes);

    // Declaring names as non-people can only resolve ambiguous records, never reject more.
    let lenient =
        LdifReader::new().ignoring_members(["", "ou=people,dc=contoso,dc=example", "uid=root"]).expect("names");
    let lenient = lenient.read(entries);
    sound(&lenient, entries);
    assert!(lenient.rejected().len() <= one_rejected, "D11: an option adds no rejection");
}

/// Returns whether an input is in another format. The import then has one rejection, and no record was read.
fn is_other_input<T>(import: &Import<T>) -> bool {
    let other = import.rejected().iter().any(|it| matches!(it.reason, EntryRejectReason::OtherInput { .. }));
    let once = matches!(import.rejected(), [rejected] if rejected.place == Place::Whole);
    assert!(!other || (once && import.read() == 1), "B4: another format is reported once");
    other
}
