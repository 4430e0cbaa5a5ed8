//! B3: the number of steps that the JSON and CSV importers take is linear in the size of the input.
//!
//! A delta of a Graph sync and a change of one user are tested with a directory of at most one user, so only their
//! input grows. For the other changes the directory grows with the input.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::csv::Tables;
use super::graph::{Listing, Sync};
use super::scim::{self, Endpoint, Lists, Requests};
use crate::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use crate::identity::{Alias, GroupId, UserId};
use crate::steps::assert_linear;

const USERS: &str = "https://graph.example/users/delta";
const GROUPS: &str = "https://graph.example/groups/delta";

fn delta(entries: Vec<Value>) -> Vec<u8> {
    json!({"@odata.deltaLink": "end", "value": entries}).to_string().into_bytes()
}

/// Imports a page of users and a page of groups, as a whole directory and as a delta.
fn import_pages((users, groups): (Vec<Value>, Vec<Value>)) {
    let read = || {
        let mut sync = Sync::new();
        sync.ask(Listing::Users, USERS);
        sync.ask(Listing::Groups, GROUPS);
        sync.page(USERS, &delta(users.clone())[..]).unwrap();
        sync.page(GROUPS, &delta(groups.clone())[..]).unwrap();
        sync
    };
    assert!(read().into_builder().unwrap().into_complete().is_ok());
    assert!(read().into_delta(&directory_with_members(0)).is_ok());
}

fn member(n: usize) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": format!("u-{n}")})
}

/// Returns a directory with one group of `size` members, each with a user record.
fn directory_with_members(size: usize) -> DirectorySnapshot {
    let (council, mut builder) = (GroupId::new("g").unwrap(), DirectoryBuilder::new());
    builder = builder.group(council.clone(), "Council");
    for n in 0..size {
        let id = UserId::new(format!("u-{n}")).unwrap();
        let user = User::new(id.clone()).with_alias(Alias::new(format!("{n}@contoso.com")).unwrap());
        builder = builder.user(user).member(&council, &id);
    }
    builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap()
}

#[test]
fn b3_graph_syncs_are_linear() {
    let user = |n: usize| {
        let addresses = [format!("SMTP:{n}@contoso.com"), format!("smtp:a.{n}@contoso.com")];
        json!({"id": format!("u-{n}"), "userPrincipalName": format!("{n}@contoso.com"), "proxyAddresses": addresses})
    };
    let one_group = |members: Vec<Value>| vec![json!({"id": "g", "displayName": "G", "members@delta": members})];
    assert_linear("users", 200, |size| ((0..size).map(user).collect(), one_group(vec![member(0)])), import_pages);
    assert_linear("members", 200, |size| (vec![], one_group((0..size).map(member).collect())), import_pages);
    let nested = |size: usize| {
        let group = |n: usize| {
            let child = json!({"@odata.type": "#microsoft.graph.group", "id": format!("g-{}", (n + 1) % size)});
            json!({"id": format!("g-{n}"), "members@delta": [child, member(n)]})
        };
        (vec![], (0..size).map(group).collect())
    };
    assert_linear("groups", 200, nested, import_pages);
    let again = |size: usize| {
        let part = |n: usize| json!({"id": "g", "members@delta": [member(n), member(0)]});
        ((0..size).map(|_| user(1)).collect(), (0..size).map(part).collect())
    };
    assert_linear("repeated objects", 200, again, import_pages);
    let other_names = |size: usize| {
        let part =
            |n: usize| json!({"id": "u", "userPrincipalName": "u@contoso.com", "mail": format!("{n}@contoso.com")});
        ((0..size).map(part).collect(), one_group(vec![member(0)]))
    };
    assert_linear("names of one user over many records", 200, other_names, import_pages);
    let names = |size: usize| {
        let addresses: Vec<String> = (0..size).map(|n| format!("smtp:{n}@contoso.com")).collect();
        let user = json!({"id": "u", "userPrincipalName": "u@contoso.com", "proxyAddresses": addresses});
        (vec![user], one_group(vec![member(0)]))
    };
    assert_linear("names of one user", 200, names, import_pages);
    let pages = |count: usize| {
        let mut sync = Sync::new().ignoring_members((0..count).map(|n| format!("u-{n}")));
        sync.ask(Listing::Groups, "g");
        for n in 0..count {
            sync.ask(Listing::Members(GroupId::new(format!("g-{n}")).unwrap()), format!("m-{n}"));
        }
        let groups: Vec<Value> = (0..count).map(|n| json!({"id": format!("g-{n}"), "displayName": "G"})).collect();
        sync.page("g", json!({"value": groups}).to_string().as_bytes()).unwrap();
        for n in 0..count {
            let next = format!("n-{n}");
            let first = json!({"@odata.nextLink": next, "value": [member(n)]}).to_string();
            sync.page(&format!("m-{n}"), first.as_bytes()).unwrap();
            sync.page(&next, json!({"value": [member(count + n)]}).to_string().as_bytes()).unwrap();
        }
        sync.ask(Listing::Users, "u");
        sync.page("u", &br#"{"value": []}"#[..]).unwrap();
        assert!(sync.into_builder().unwrap().into_complete().is_ok());
    };
    assert_linear("pages", 100, |size| size, pages);
}

#[test]
fn b3_scim_lists_are_linear() {
    let read = |(users, groups): (Vec<Vec<Value>>, Vec<Value>)| {
        let mut lists = Lists::new().ignoring_members(["nobody"]);
        let total = users.iter().map(Vec::len).sum::<usize>();
        for page in users {
            let page = json!({"totalResults": total, "Resources": page}).to_string();
            lists.page(Endpoint::Users, page.as_bytes()).unwrap();
        }
        let page = json!({"totalResults": groups.len(), "Resources": groups}).to_string();
        lists.page(Endpoint::Groups, page.as_bytes()).unwrap();
        assert!(lists.into_builder().unwrap().into_complete().is_ok());
    };
    let user = |n: usize| json!({"id": format!("u-{n}"), "userName": format!("{n}@contoso.com")});
    let directory = |size: usize| {
        let members: Vec<String> = (0..size).map(|n| format!("u-{n}")).collect();
        let urn = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let groups = (0..size).map(|n| {
            let members = json!([{"value": format!("g-{}", (n + 1) % size)}, format!("u-{n}")]);
            json!({"id": format!("g-{n}"), "members": members})
        });
        let council = json!({"id": "g", urn: {"members": members}});
        ((0..size).map(|n| vec![user(n)]).collect(), groups.chain([council]).collect())
    };
    assert_linear("pages of one user, nested groups", 100, directory, read);
    let names = |size: usize| {
        let emails: Vec<Value> = (0..size).map(|n| json!({"value": format!("{n}@contoso.com")})).collect();
        (vec![vec![json!({"id": "u", "userName": "u", "emails": emails})]], vec![])
    };
    assert_linear("emails of one user", 200, names, read);
    let nested = |size: usize| {
        let attributes: serde_json::Map<String, Value> = (0..size).map(|n| (format!("a{n}"), json!(n))).collect();
        let user = json!({"id": "u", "userName": "u", "urn:ietf:params:scim:schemas:core:2.0:User": attributes});
        (vec![vec![user]], vec![])
    };
    assert_linear("attributes nested under the URN", 200, nested, read);
}

#[test]
fn b3_scim_requests_are_linear() {
    let (council, adele) = (GroupId::new("g").unwrap(), UserId::new("u-0").unwrap());
    let patch = |operations: Vec<Value>| json!({"Operations": operations}).to_string();
    let of_group = |(before, body): (DirectorySnapshot, String)| {
        let import = scim::patch_group(&before, &council, body.as_bytes()).unwrap();
        assert!(import.into_complete().is_ok());
    };
    type Form = (&'static str, fn(usize) -> Value);
    const FORMS: [Form; 4] = [
        ("add", |n| json!({"op": "add", "path": "members", "value": [{"value": format!("x-{n}"), "type": "User"}]})),
        ("remove", |n| json!({"op": "remove", "path": format!("members[value eq \"u-{n}\"]")})),
        ("replace", |n| json!({"op": "replace", "path": "members", "value": [format!("u-{n}")]})),
        ("remove all", |_| json!({"op": "remove", "path": "members"})),
    ];
    for (what, form) in FORMS {
        assert_linear(what, 200, |size| (directory_with_members(size), patch((0..size).map(form).collect())), of_group);
    }
    let mixed = |size: usize| {
        let operations = (0..size).flat_map(|n| FORMS.iter().map(move |(_, form)| form(n)));
        (directory_with_members(size), patch(operations.collect()))
    };
    assert_linear("all forms in turn", 100, mixed, of_group);
    let of_user = |body: String| {
        let import = scim::patch_user(&directory_with_members(1), &adele, body.as_bytes()).unwrap();
        assert!(import.into_complete().is_ok());
    };
    let emails = |size: usize| {
        let one = |n: usize| json!({"op": "add", "path": "emails.value", "value": format!("n{n}@contoso.com")});
        patch((0..size).map(one).collect())
    };
    assert_linear("emails by operation", 200, emails, of_user);
    let put = |(before, body): (DirectorySnapshot, String)| {
        assert!(scim::put_group(&before, &council, body.as_bytes()).unwrap().into_complete().is_ok());
    };
    let members = |size: usize| {
        let members: Vec<String> = (size / 2..size).map(|n| format!("u-{n}")).collect();
        (directory_with_members(size), json!({"members": members}).to_string())
    };
    assert_linear("put", 200, members, put);
    let bulk = |(before, assigned, operations): (DirectorySnapshot, Vec<(String, String)>, Vec<Value>)| {
        let body = json!({"Operations": operations}).to_string();
        let requests = Requests::new(&before).ignoring_members(HashSet::from(["nobody".to_owned()]));
        assert!(requests.bulk(assigned, body.as_bytes()).unwrap().into_complete().is_ok());
    };
    let operations = |size: usize| {
        let mut operations = Vec::new();
        for n in 0..size {
            let member = json!({"value": format!("bulkId:g{}", (n + 1) % size)});
            operations.push(
                json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{n}"), "data": {"members": [member]}}),
            );
            let add = json!({"Operations": [{"op": "add", "path": "members", "value": format!("bulkId:g{n}")}]});
            operations.push(json!({"method": "PATCH", "path": "/Groups/g", "data": add}));
            operations.push(json!({"method": "PUT", "path": format!("/Users/u-{n}"), "data": {"userName": "a"}}));
            operations.push(json!({"method": "DELETE", "path": format!("/Users/u-{n}")}));
        }
        (directory_with_members(size), (0..size).map(|n| (format!("g{n}"), format!("new-{n}"))).collect(), operations)
    };
    assert_linear("bulk", 100, operations, bulk);
    let many_groups = |size: usize| {
        let mut builder = DirectoryBuilder::new();
        for n in 0..size {
            let (group, user) = (GroupId::new(format!("g-{n}")).unwrap(), UserId::new(format!("u-{n}")).unwrap());
            builder = builder.group(group.clone(), "G").member(&group, &user);
        }
        let put = |n: usize| json!({"method": "PUT", "path": format!("/Groups/g-{n}"), "data": {"members": []}});
        let before = builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap();
        (before, Vec::new(), (0..size).map(put).collect())
    };
    assert_linear("bulk of whole groups", 100, many_groups, bulk);
}

#[test]
fn b3_csv_tables_are_linear() {
    let read = |tables: Vec<String>| {
        let mut reader = Tables::new().ignoring_members(["nobody"]);
        for table in tables {
            reader.read(table.as_bytes());
        }
        assert!(reader.finish().into_complete().is_ok());
    };
    let rows = |header: &str, size: usize, row: fn(usize) -> String| {
        (0..size).fold(format!("{header}\n"), |table, n| table + &row(n) + "\n")
    };
    let whole = |size: usize| {
        vec![
            rows("id,upn,alias,groups", size, |n| {
                format!("u-{n},{n}@x.example,SMTP:a{n}@x.example;b{n}@x.example,g-0")
            }),
            rows("group id,name,parents", size, |n| format!("g-{n},G,g-{}", n / 2)),
            rows("group,member", size, |n| format!("g-{n},u-{n}")),
        ]
    };
    assert_linear("users, groups and memberships", 200, whole, read);
    // Some exports join addresses with a plus sign.
    let many_names = |size: usize| {
        let names: Vec<String> = (0..size).map(|n| format!("{n}@x.example")).collect();
        vec![format!("id,alias\nu,{}\n", names.join(";")), format!("id,alias\nv,{}\n", names.join("+"))]
    };
    assert_linear("names of one user", 200, many_names, read);
    let many_groups = |size: usize| {
        let groups: Vec<String> = (0..size).map(|n| format!("g-{n}")).collect();
        vec![
            format!("id,upn,groups\nu,a@x.example,{}\n", groups.join(";")),
            rows("group id,name", size, |n| format!("g-{n},G")),
        ]
    };
    assert_linear("groups of one user", 200, many_groups, read);
    let wide = |size: usize| {
        let header = format!("id,upn{}\n", ",mail".repeat(size));
        vec![header + &format!("u,a@x.example{}\n", ",".repeat(size))]
    };
    assert_linear("columns", 200, wide, read);
    // A wide row must not slow down the rows after it.
    let narrow_after_wide = |size: usize| {
        let mut tables = Tables::new();
        tables.read(format!("id,upn\nu{}\n{}", ",".repeat(size), "v,w\n".repeat(size)).as_bytes());
        drop(tables.finish());
    };
    assert_linear("narrow rows after a wide one", 200, |size| size, narrow_after_wide);
    let before_header = |size: usize| vec![format!("{}id,upn\nu,a@x.example\n", "\n".repeat(size))];
    assert_linear("blank lines before the header", 200, before_header, read);
}
