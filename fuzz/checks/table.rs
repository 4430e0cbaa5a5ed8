//! Checks bytes as a table of users, of groups or of memberships.

use std::io::BufReader;

use activity_privacy::import::csv::Tables;

use super::import::{built, memberships, same, sound};
use super::silence::{cells, with_canary};

pub(crate) fn check(input: &[u8]) {
    examine(input);
    with_canary(input, &cells(input)).iter().for_each(|input| examine(input));
}

fn examine(input: &[u8]) {
    let (mut one, mut other) = (Tables::new(), Tables::new());
    one.read(input);
    other.read(BufReader::with_capacity(1 + input.len() % 13, input));
    let (one, other) = (one.finish(), other.finish());
    sound(&one, input);
    same(&one, &other);
    let (one, other) = (built(one.into_partial()), built(other.into_partial()));
    assert!(memberships(&one) == memberships(&other), "D10: the same bytes give the same groups");
    // After tables with the users and groups that it refers to, the input always builds a directory.
    let mut tables = Tables::new();
    tables.read(&b"id,upn\nu-1,a@x.example\nu-2,b@x.example\n"[..]).read(&b"group id\ng-1\ng-2\n"[..]).read(input);
    built(tables.finish().into_partial());
}
