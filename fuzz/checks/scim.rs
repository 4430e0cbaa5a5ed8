//! Checks bytes as pages and requests of SCIM 2.0.

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::import::scim::{self, Endpoint, Lists};
use serde_json::Value;

use super::directory::{accounted, before, built, decided, refused};
use super::silence::{quoted, with_canary};
use crate::fixture::{group, user};

const EMPTY: &[u8] = br#"{"totalResults": 0}"#;

pub(crate) fn check(input: &[u8]) {
    examine(input);
    with_canary(input, &quoted(input)).iter().for_each(|input| examine(input));
}

fn examine(input: &[u8]) {
    for (users, groups) in [(input, EMPTY), (EMPTY, input)] {
        lists(users, groups, input);
    }
    let (before, council, adele) = (before(), group("g-1"), user("u-1"));
    for result in [
        scim::put_group(&before, &council, input),
        scim::put_user(&adele, input),
        scim::patch_group(&before, &council, input),
        scim::patch_user(&before, &adele, input),
        scim::bulk(&before, [("qwerty", "u-8"), ("ytrewq", "g-8")], input),
    ] {
        match result {
            Ok(import) => {
                accounted(&import);
                let _ = before.apply(&import.into_partial(), DirectoryRevision(2), Default::default());
            }
            Err(rejected) => refused(&rejected),
        }
    }
    if let Ok(put) = scim::put_group(&before, &council, input) {
        decided(&put.into_partial());
    }
}

fn lists(users: &[u8], groups: &[u8], input: &[u8]) {
    let mut lists = Lists::new();
    for (endpoint, page) in [(Endpoint::Users, users), (Endpoint::Groups, groups)] {
        if let Err(rejected) = lists.page(endpoint, page) {
            refused(&rejected);
        }
    }
    let Ok(import) = lists.into_builder() else { return };
    accounted(&import);
    let whole = import.rejected().is_empty();
    let Some(snapshot) = built(import.into_partial()).filter(|_| whole) else { return };
    // Only if names are written as in the standard. The reader also accepts other forms.
    let page: Value = serde_json::from_slice(input).expect("B1: the page was accepted");
    for entry in page["Resources"].as_array().into_iter().flatten().filter(|_| groups == input) {
        let Some(of) = entry["id"].as_str() else { continue };
        for member in entry["members"].as_array().into_iter().flatten() {
            if let (Some("User"), Some(id)) = (member["type"].as_str(), member["value"].as_str()) {
                assert!(snapshot.all_members(&group(of)).contains(&user(id)), "D11: a member is lost");
            }
        }
    }
}
