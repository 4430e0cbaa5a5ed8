//! The names of a user that are read, cleaned or rejected.

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::import::graph::{Listing, Sync};
use serde_json::{Value, json};

use super::{GROUPS, USERS, known, last, messages, names, of_type, snapshot, sync};
use crate::fixture::{at, group};

#[test]
fn d8_user_without_sign_in_name_keeps_other_names() {
    let users = json!([
        {"id": "u-1", "userPrincipalName": null, "mail": "a@contoso.com"},
        {"id": "u-2", "userPrincipalName": null, "otherMails": ["b@contoso.com"], "proxyAddresses": []},
        {"id": "u-3", "userPrincipalName": "", "identities": [
            {"signInType": "emailAddress", "issuer": "contoso.example", "issuerAssignedId": "c@home.example"}]},
        {"id": "u-4", "userPrincipalName": null, "mail": null},
        {"id": "u-5", "mail": "e@contoso.com"},
    ]);
    let import = sync(users, json!([])).into_builder().unwrap();
    // Rejected: a user without any name, and a new user whose record lacks `userPrincipalName`.
    assert_eq!(import.rejected().len(), 2);
    assert!(messages(&import)[0].starts_with("page 1, record 4: "));
    assert!(messages(&import)[1].starts_with("page 1, record 5: "));
    let directory = snapshot(import.into_partial());
    assert_eq!(names(&known(&directory, "u-1")), ["a@contoso.com"]);
    assert_eq!(names(&known(&directory, "u-2")), ["b@contoso.com"]);
    assert_eq!(names(&known(&directory, "u-3")), ["c@home.example"]);
    // `mail` does not determine a home domain, neither at first nor when it changes.
    let changed = json!([{"id": "u-1", "mail": "a2@contoso.com"}]);
    let delta = sync(changed, json!([])).into_delta(&directory).unwrap().into_complete().unwrap();
    let next = directory.apply(&delta, DirectoryRevision(2), at(1)).unwrap();
    for directory in [&directory, &next] {
        let user = serde_json::to_value(known(directory, "u-1")).unwrap();
        assert_eq!(user["at_home_elsewhere"], json!(true), "D7: `mail` does not determine the home domain");
    }
}

#[test]
fn d8_identities_of_customer_tenants_are_names() {
    let identity = |kind: &str, id: Value| json!({"signInType": kind, "issuer": "x", "issuerAssignedId": id});
    let users = json!([{"id": "u-1", "userPrincipalName": "0a11@contoso.example", "identities": [
        identity("emailAddress", json!("adele@home.example")), identity("userName", json!("adele")),
        identity("federated", Value::Null), identity("federated", json!("7781")),
        identity("userPrincipalName", json!("0a11@contoso.example"))]}]);
    let directory = snapshot(sync(users, json!([])).into_builder().unwrap().into_complete().unwrap());
    assert_eq!(names(&known(&directory, "u-1")), ["0a11@contoso.example", "7781", "adele", "adele@home.example"]);
    // Without `identities` in any record, it was not requested, so this record is complete and replaces the names. If
    // another record has it, this one is incomplete and its names are only added.
    let without_identities = json!({"id": "u-1", "userPrincipalName": "0a11@contoso.example", "mail": null, "proxyAddresses": [], "otherMails": [],
                     "onPremisesUserPrincipalName": null, "onPremisesSamAccountName": null});
    let name_count_after = |users: Value| {
        let delta = sync(users, json!([])).into_delta(&directory).unwrap().into_complete().unwrap();
        names(&known(&directory.apply(&delta, DirectoryRevision(2), at(1)).unwrap(), "u-1")).len()
    };
    assert_eq!(name_count_after(json!([without_identities])), 1);
    let with_identities = json!({"id": "u-2", "userPrincipalName": "b@contoso.example", "identities": []});
    assert_eq!(name_count_after(json!([without_identities, with_identities])), 4);
    for wrong in [json!([7]), json!([identity("userName", json!(7))]), json!([identity("userName", json!("j?rgen"))])] {
        let users = json!([{"id": "u-1", "userPrincipalName": "a@contoso.example", "identities": wrong}]);
        assert_eq!(sync(users, json!([])).into_builder().unwrap().rejected().len(), 1, "{wrong}");
    }
}

#[test]
fn d11_damaged_names_are_cleaned_or_rejected() {
    let users = json!([{"id": "u-1", "userPrincipalName": "mailto:a@contoso.com", "mail": "SMTP:b@contoso.com",
        "proxyAddresses": ["mailto:c@contoso.com", "CUSTOM:x", "X500:/o=x"], "onPremisesSamAccountName": "CONTOSO\\adele"}]);
    let directory = snapshot(sync(users, json!([])).into_builder().unwrap().into_complete().unwrap());
    assert_eq!(
        names(&known(&directory, "u-1")),
        ["a@contoso.com", "b@contoso.com", "c@contoso.com", "CONTOSO\\adele", "adele"]
    );
    for wrong in [
        json!({"mail": "j?rgen@contoso.com"}),
        json!({"mail": "j\u{fffd}rgen@contoso.com"}),
        json!({"proxyAddresses": ["System.String[]"]}),
        json!({"otherMails": ["a@contoso.com b@contoso.com"]}),
        json!({"onPremisesSamAccountName": "NULL"}),
    ] {
        let mut record = wrong.clone();
        record["id"] = json!("u-1");
        record["userPrincipalName"] = json!("a@contoso.com");
        assert_eq!(sync(json!([record]), json!([])).into_builder().unwrap().rejected().len(), 1, "{wrong}");
    }
}

#[test]
fn d11_declared_non_people_are_ignored() {
    let mut sync = Sync::new().ignoring_members(["d-1", "d-2", "u-3", "u-4"]);
    sync.ask(Listing::Users, USERS);
    sync.ask(Listing::Groups, GROUPS);
    let users = json!([
        {"id": "u-1", "userPrincipalName": "a@contoso.com"},
        {"id": "u-3", "userPrincipalName": null},
        {"id": "u-4", "userPrincipalName": 7},
    ]);
    let groups = json!([{"id": "g-1", "members@delta": [
        of_type("user", "u-1"), of_type("strange", "d-1"), {"id": "d-2"}, {"id": "d-2", "@removed": 7}]}]);
    sync.page(USERS, last(users).to_string().as_bytes()).unwrap();
    sync.page(GROUPS, last(groups).to_string().as_bytes()).unwrap();
    let import = sync.into_builder().unwrap();
    assert_eq!((import.read(), import.ignored()), (8, 4));
    assert_eq!(
        messages(&import),
        ["page 1, record 3: field `userPrincipalName` is invalid, expected a string"],
        "an invalid record is rejected even if its id is declared a non-person"
    );
    assert_eq!(snapshot(import.into_partial()).all_members(&group("g-1")).len(), 1);
}

#[test]
fn b4_pages_in_other_formats_are_reported() {
    let page = last(json!([])).to_string();
    let utf16: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let refused = |bytes: &[u8]| {
        let mut sync = Sync::new();
        sync.ask(Listing::Users, USERS);
        sync.page(USERS, bytes).unwrap_err().to_string()
    };
    assert!(refused(&utf16).starts_with("input: UTF-16 text (little endian)"));
    assert!(refused(b"\x1f\x8b\x08\0").starts_with("input: gzip-compressed data"));
    assert!(refused(b"<!doctype html>").contains("HTML page"));
    let mut sync = Sync::new();
    sync.ask(Listing::Users, USERS);
    sync.page(USERS, format!("\u{feff}{page}").as_bytes()).unwrap();
}
