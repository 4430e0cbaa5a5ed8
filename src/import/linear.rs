//! B3: the JSON and CSV importers take time linear in the size of the input.

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
fn sync((users, groups): (Vec<Value>, Vec<Value>)) {
    let read = || {
        let mut sync = Sync::new();
        sync.ask(Listing::Users, USERS);
        sync.ask(Listing::Groups, GROUPS);
        sync.page(USERS, &delta(users.clone())[..]).unwrap();
        sync.page(GROUPS, &delta(groups.clone())[..]).unwrap();
        sync
    };
    assert!(read().into_builder().unwrap().into_complete().is_ok());
    assert!(read().into_delta(&before(0)).is_ok());
}

fn member(at: usize) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": format!("u-{at}")})
}

/// Returns a directory with one group of `size` members, each with a user record.
fn before(size: usize) -> DirectorySnapshot {
    let (council, mut builder) = (GroupId::new("g").unwrap(), DirectoryBuilder::new());
    builder = builder.group(council.clone(), "Council");
    for at in 0..size {
        let id = UserId::new(format!("u-{at}")).unwrap();
        let user = User::new(id.clone()).with_alias(Alias::new(format!("{at}@contoso.com")).unwrap());
        builder = builder.user(user).member(&council, &id);
    }
    builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap()
}

#[test]
fn b3_graph_syncs_are_linear() {
    let user = |at: usize| {
        json!({"id": format!("u-{at}"), "userPrincipalName": format!("{at}@contoso.com"),
                                    "proxyAddresses": [format!("SMTP:{at}@contoso.com"), format!("smtp:a.{at}@contoso.com")]})
    };
    let one_group = |members: Vec<Value>| vec![json!({"id": "g", "displayName": "G", "members@delta": members})];
    assert_linear("users", 200, |size| ((0..size).map(user).collect(), one_group(vec![member(0)])), sync);
    assert_linear("members", 200, |size| (vec![], one_group((0..size).map(member).collect())), sync);
    let nested = |size: usize| {
        let group = |at: usize| {
            let child = json!({"@odata.type": "#microsoft.graph.group", "id": format!("g-{}", (at + 1) % size)});
            json!({"id": format!("g-{at}"), "members@delta": [child, member(at)]})
        };
        (vec![], (0..size).map(group).collect())
    };
    assert_linear("groups", 200, nested, sync);
    let again = |size: usize| {
        let part = |at: usize| json!({"id": "g", "members@delta": [member(at), member(0)]});
        ((0..size).map(|_| user(1)).collect(), (0..size).map(part).collect())
    };
    assert_linear("repeated objects", 200, again, sync);
    let other_names = |size: usize| {
        let part =
            |at: usize| json!({"id": "u", "userPrincipalName": "u@contoso.com", "mail": format!("{at}@contoso.com")});
        ((0..size).map(part).collect(), one_group(vec![member(0)]))
    };
    assert_linear("names of one user over many records", 200, other_names, sync);
    let names = |size: usize| {
        let addresses: Vec<String> = (0..size).map(|at| format!("smtp:{at}@contoso.com")).collect();
        let user = json!({"id": "u", "userPrincipalName": "u@contoso.com", "proxyAddresses": addresses});
        (vec![user], one_group(vec![member(0)]))
    };
    assert_linear("names of one user", 200, names, sync);
    let pages = |pages: usize| {
        let mut sync = Sync::new().with_non_people((0..pages).map(|at| format!("u-{at}")));
        sync.ask(Listing::Groups, "g");
        for at in 0..pages {
            sync.ask(Listing::Members(GroupId::new(format!("g-{at}")).unwrap()), format!("m-{at}"));
        }
        let groups: Vec<Value> = (0..pages).map(|at| json!({"id": format!("g-{at}"), "displayName": "G"})).collect();
        sync.page("g", json!({"value": groups}).to_string().as_bytes()).unwrap();
        for at in 0..pages {
            let next = format!("n-{at}");
            let first = json!({"@odata.nextLink": next, "value": [member(at)]}).to_string();
            sync.page(&format!("m-{at}"), first.as_bytes()).unwrap();
            sync.page(&next, json!({"value": [member(pages + at)]}).to_string().as_bytes()).unwrap();
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
        let mut lists = Lists::new().with_non_people(["nobody"]);
        let total = users.iter().map(Vec::len).sum::<usize>();
        for page in users {
            let page = json!({"totalResults": total, "Resources": page}).to_string();
            lists.page(Endpoint::Users, page.as_bytes()).unwrap();
        }
        let page = json!({"totalResults": groups.len(), "Resources": groups}).to_string();
        lists.page(Endpoint::Groups, page.as_bytes()).unwrap();
        assert!(lists.into_builder().unwrap().into_complete().is_ok());
    };
    let user = |at: usize| json!({"id": format!("u-{at}"), "userName": format!("{at}@contoso.com")});
    let directory = |size: usize| {
        let members: Vec<String> = (0..size).map(|at| format!("u-{at}")).collect();
        let urn = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let groups = (0..size).map(|at| {
            json!({"id": format!("g-{at}"), "members": [{"value": format!("g-{}", (at + 1) % size)}, format!("u-{at}")]})
        });
        let council = json!({"id": "g", urn: {"members": members}});
        ((0..size).map(|at| vec![user(at)]).collect(), groups.chain([council]).collect())
    };
    assert_linear("pages of one user, nested groups", 100, directory, read);
    let names = |size: usize| {
        let emails: Vec<Value> = (0..size).map(|at| json!({"value": format!("{at}@contoso.com")})).collect();
        (vec![vec![json!({"id": "u", "userName": "u", "emails": emails})]], vec![])
    };
    assert_linear("emails of one user", 200, names, read);
    let nested = |size: usize| {
        let attributes: serde_json::Map<String, Value> = (0..size).map(|at| (format!("a{at}"), json!(at))).collect();
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
        ("add", |at| json!({"op": "add", "path": "members", "value": [{"value": format!("x-{at}"), "type": "User"}]})),
        ("remove", |at| json!({"op": "remove", "path": format!("members[value eq \"u-{at}\"]")})),
        ("replace", |at| json!({"op": "replace", "path": "members", "value": [format!("u-{at}")]})),
        ("remove all", |_| json!({"op": "remove", "path": "members"})),
    ];
    for (what, form) in FORMS {
        assert_linear(what, 200, |size| (before(size), patch((0..size).map(form).collect())), of_group);
    }
    let mixed = |size: usize| {
        let operations = (0..size).flat_map(|at| FORMS.iter().map(move |(_, form)| form(at)));
        (before(size), patch(operations.collect()))
    };
    assert_linear("all forms in turn", 100, mixed, of_group);
    let of_user = |body: String| {
        let import = scim::patch_user(&before(1), &adele, body.as_bytes()).unwrap();
        assert!(import.into_complete().is_ok());
    };
    let emails = |size: usize| {
        let one = |at: usize| json!({"op": "add", "path": "emails.value", "value": format!("n{at}@contoso.com")});
        patch((0..size).map(one).collect())
    };
    assert_linear("emails by operation", 200, emails, of_user);
    let put = |(before, body): (DirectorySnapshot, String)| {
        assert!(scim::put_group(&before, &council, body.as_bytes()).unwrap().into_complete().is_ok());
    };
    let members = |size: usize| {
        let members: Vec<String> = (size / 2..size).map(|at| format!("u-{at}")).collect();
        (before(size), json!({"members": members}).to_string())
    };
    assert_linear("put", 200, members, put);
    let bulk = |(before, assigned, operations): (DirectorySnapshot, Vec<(String, String)>, Vec<Value>)| {
        let body = json!({"Operations": operations}).to_string();
        let requests = Requests::new(&before).with_non_people(HashSet::from(["nobody".to_owned()]));
        assert!(requests.bulk(assigned, body.as_bytes()).unwrap().into_complete().is_ok());
    };
    let operations = |size: usize| {
        let mut operations = Vec::new();
        for at in 0..size {
            let member = json!({"value": format!("bulkId:g{}", (at + 1) % size)});
            operations.push(
                json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{at}"), "data": {"members": [member]}}),
            );
            let add = json!({"Operations": [{"op": "add", "path": "members", "value": format!("bulkId:g{at}")}]});
            operations.push(json!({"method": "PATCH", "path": "/Groups/g", "data": add}));
            operations.push(json!({"method": "PUT", "path": format!("/Users/u-{at}"), "data": {"userName": "a"}}));
            operations.push(json!({"method": "DELETE", "path": format!("/Users/u-{at}")}));
        }
        (before(size), (0..size).map(|at| (format!("g{at}"), format!("new-{at}"))).collect(), operations)
    };
    assert_linear("bulk", 100, operations, bulk);
    let many_groups = |size: usize| {
        let mut builder = DirectoryBuilder::new();
        for at in 0..size {
            let (group, user) = (GroupId::new(format!("g-{at}")).unwrap(), UserId::new(format!("u-{at}")).unwrap());
            builder = builder.group(group.clone(), "G").member(&group, &user);
        }
        let put = |at: usize| json!({"method": "PUT", "path": format!("/Groups/g-{at}"), "data": {"members": []}});
        let before = builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap();
        (before, Vec::new(), (0..size).map(put).collect())
    };
    assert_linear("bulk of whole groups", 100, many_groups, bulk);
}

#[test]
fn b3_csv_tables_are_linear() {
    let read = |tables: Vec<String>| {
        let mut read = Tables::new().with_non_people(["nobody"]);
        for table in tables {
            read.read(table.as_bytes());
        }
        assert!(read.finish().into_complete().is_ok());
    };
    let rows = |header: &str, size: usize, row: fn(usize) -> String| {
        (0..size).fold(format!("{header}\n"), |table, at| table + &row(at) + "\n")
    };
    let whole = |size: usize| {
        vec![
            rows("id,upn,alias,groups", size, |at| {
                format!("u-{at},{at}@x.example,SMTP:a{at}@x.example;b{at}@x.example,g-0")
            }),
            rows("group id,name,parents", size, |at| format!("g-{at},G,g-{}", at / 2)),
            rows("group,member", size, |at| format!("g-{at},u-{at}")),
        ]
    };
    assert_linear("users, groups and memberships", 200, whole, read);
    let many_names = |size: usize| {
        let names: Vec<String> = (0..size).map(|at| format!("{at}@x.example")).collect();
        vec![format!("id,alias\nu,{}\n", names.join(";")), format!("id,alias\nv,{}\n", names.join("+"))]
    };
    assert_linear("names of one user", 200, many_names, read);
    let many_groups = |size: usize| {
        let groups: Vec<String> = (0..size).map(|at| format!("g-{at}")).collect();
        vec![
            format!("id,upn,groups\nu,a@x.example,{}\n", groups.join(";")),
            rows("group id,name", size, |at| format!("g-{at},G")),
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
