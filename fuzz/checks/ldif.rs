//! Bytes as LDIF: the entries of a directory, and changes to it behind the first line that is a `~`.

use std::io::BufReader;

use activity_privacy::import::ldif::{self, Tree};

use super::import::{built, memberships, same, sound};

pub(crate) fn check(input: &[u8]) {
    let at = input.windows(3).position(|bytes| bytes == b"\n~\n");
    let (entries, changes) = match at {
        Some(at) => (&input[..=at], &input[at + 3..]),
        None => (input, &b""[..]),
    };
    let one = ldif::read(entries);
    sound(&one, entries);
    // What is held in memory at once plays no part.
    let other = ldif::read(BufReader::with_capacity(1 + entries.len() % 13, entries));
    same(&one, &other);
    let (one, other) = (built(one.despite_rejections()), built(other.despite_rejections()));
    assert!(memberships(&one) == memberships(&other), "D10: the same bytes give the same groups");

    let (tree, _) = Tree::read(entries).despite_rejections();
    let changed = tree.clone().change(changes);
    sound(&changed, changes);
    same(&changed, &tree.change(BufReader::with_capacity(1 + changes.len() % 7, changes)));
    // What was changed can be changed again.
    sound(&changed.despite_rejections().0.change(changes), changes);
}
