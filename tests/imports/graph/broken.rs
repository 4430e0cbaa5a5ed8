//! Invalid pages and entries.

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
use activity_privacy::identity::GroupId;
use std::io::{self, Read};

use activity_privacy::import::graph::{IncompleteSync, Listing, MAX_PAGE_BYTES, MAX_PAGE_VALUES, Sync};

use serde_json::{Value, json};

use super::{GROUPS, USERS, known, last, messages, more, names, of_type, snapshot, sync};
use crate::fixture::at;

fn asked() -> Sync {
    let mut sync = Sync::new();
    sync.ask(Listing::Users, USERS);
    sync.ask(Listing::Groups, GROUPS);
    sync
}

/// Returns the error of a page of users.
fn refused(page: impl AsRef<[u8]>) -> String {
    asked().page(USERS, page.as_ref()).unwrap_err().to_string()
}

#[test]
fn b1_invalid_page_is_rejected() {
    let whole = |said: &str| format!("input: {said}");
    let page = |page: Value| refused(page.to_string());
    assert_eq!(refused("x"), whole("not JSON at line 1, column 1, expected one JSON object"));
    assert_eq!(refused("[]"), whole("wrong JSON type, expected an object"));
    assert_eq!(refused(""), whole("unexpected end of input, expected one complete JSON object"));
    assert_eq!(refused(b"{\"\xff\": 1}"), whole("invalid UTF-8 at byte 2; export the input as UTF-8"));
    assert_eq!(refused("{} {}"), whole("not JSON at line 1, column 4, expected one JSON object"));
    assert_eq!(
        refused(r#"{"value": [{"id": "u-1", "id": "u-2"}], "@odata.deltaLink": "d"}"#),
        whole("a JSON object contains the same key twice; remove one")
    );
    assert_eq!(
        page(json!({"@odata.deltaLink": "d"})),
        whole("field `value` is missing or empty, expected the list of entries")
    );
    assert_eq!(
        page(json!({"@odata.deltaLink": "d", "value": {}})),
        whole("field `value` is invalid, expected the list of entries")
    );
    assert_eq!(
        page(json!({"value": []})),
        whole("field `@odata.deltaLink` is missing or empty, expected this link or `@odata.nextLink`")
    );
    assert_eq!(
        page(json!({"value": [], "@odata.deltaLink": "d", "@odata.nextLink": "n"})),
        whole("field `@odata.deltaLink` is invalid, expected no delta link on a page that has `@odata.nextLink`")
    );
    assert_eq!(
        page(more(GROUPS, json!([]))),
        whole("field `@odata.nextLink` is invalid, expected a link that differs from those of all other pages")
    );
    assert_eq!(page(more(USERS, json!([]))), page(more(GROUPS, json!([]))));
    assert_eq!(
        page(json!({"value": [], "@odata.deltaLink": "d", "@odata.context": "x/$metadata#groups(id)/$delta"})),
        whole(
            "field `@odata.context` is invalid, expected the requested collection: `users`, \
             `groups`, or `directoryObjects` for members"
        )
    );
    let values = vec![0; MAX_PAGE_VALUES];
    assert_eq!(
        page(json!({"value": [], "@odata.deltaLink": "d", "x": values})),
        whole(&format!("{} JSON values, expected at most {MAX_PAGE_VALUES}", MAX_PAGE_VALUES + 4))
    );
    let endless = asked().page(USERS, io::repeat(b' ')).unwrap_err().to_string();
    assert_eq!(endless, whole(&format!("too long, expected at most {MAX_PAGE_BYTES} bytes")));
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("canary"))
        }
    }
    let broken = asked().page(USERS, Broken).unwrap_err().to_string();
    assert_eq!(broken, whole("reading the input failed: other error"));
}

#[test]
fn b1_page_of_other_collection_is_rejected() {
    let is_read = |listing: Listing, collection: &str| {
        let mut sync = Sync::new();
        sync.ask(listing, "first");
        let page = json!({"@odata.context": format!("https://graph.example/v1.0/$metadata#{collection}"), "value": []});
        sync.page("first", page.to_string().as_bytes()).is_ok()
    };
    for (collection, of_users, of_groups, of_members) in [
        ("users", true, false, false),
        ("users(id,manager(id))/$delta", true, false, false),
        ("Collection(user)", true, false, false),
        ("groups(displayName,members)", false, true, false),
        ("Collection(microsoft.graph.group)", false, true, false),
        ("directoryObjects", true, true, true),
        ("directoryObjects(id,displayName)", true, true, true),
        ("Collection(microsoft.graph.directoryObject)", true, true, true),
        ("directoryObjects(id)/microsoft.graph.user", true, false, false),
        ("directoryObjects/microsoft.graph.group(id)", false, true, false),
        ("directoryObjects/microsoft.graph.device", false, false, false),
        ("users/microsoft.graph.agentUser", false, false, false),
        ("groups/$delta", false, true, false),
        ("groups('g-1')/members", false, false, true),
        ("groups/g-1/members(id,displayName)", false, false, true),
        ("groups('g-1')/members/microsoft.graph.user", false, false, false),
        ("groups('g-1')/members(id)/microsoft.graph.user(id)", false, false, false),
        ("groups('g-2')/members", false, false, false),
        ("groups('g-1')/owners", false, false, false),
        ("teams('g-1')/members", false, false, false),
        ("users('u-1')/messages", false, false, false),
        ("users/$entity", false, false, false),
        ("groups(id)/$entity", false, false, false),
        ("directoryObjects/$entity", false, false, false),
        ("microsoft.graph.user", false, false, false),
        ("Collection(microsoft.graph.device)", false, false, false),
        ("servicePrincipals", false, false, false),
        ("devices", false, false, false),
        ("", false, false, false),
    ] {
        assert_eq!(is_read(Listing::Users, collection), of_users, "{collection}");
        assert_eq!(is_read(Listing::Groups, collection), of_groups, "{collection}");
        let members = Listing::Members(GroupId::new("g-1").unwrap());
        assert_eq!(is_read(members, collection), of_members, "{collection}");
    }
}

#[test]
fn b1_link_is_followed_once() {
    let mut sync = asked();
    let refused = |sync: &mut Sync, link: &str| sync.page(link, &b"{}"[..]).unwrap_err().to_string();
    let said = "input: this link is not pending; pass one that `next_link` returned and that was not read yet";
    assert_eq!(refused(&mut sync, "elsewhere"), said);
    sync.page(USERS, more("n", json!([])).to_string().as_bytes()).unwrap();
    assert_eq!(refused(&mut sync, USERS), said);
    sync.page("n", last(json!([])).to_string().as_bytes()).unwrap();
    sync.ask(Listing::Users, "n");
    assert_eq!(sync.next_link(), Some(GROUPS), "a page that was read is not requested again");
}

#[test]
fn b1_invalid_entry_is_rejected_and_others_are_read() {
    let users = json!([
        7,
        {"userPrincipalName": "a@contoso.com"},
        {"id": "", "userPrincipalName": "a@contoso.com"},
        {"id": 7},
        {"id": "u\n1"},
        {"id": "u-1", "userPrincipalName": 7},
        {"id": "u-1", "userPrincipalName": "a\u{7}@contoso.com"},
        {"id": "u-1", "proxyAddresses": "smtp:a@contoso.com"},
        {"id": "u-1", "proxyAddresses": [7]},
        {"id": "u-1", "accountEnabled": "yes"},
        {"id": "u-1", "@removed": true},
        {"id": "u-1", "@removed": {"reason": "moved"}},
        of_type("group", "g-1"),
        {"id": "u-1", "otherMails": vec!["x@contoso.com"; 2], "userPrincipalName": "fine@contoso.com"},
        {"id": "u-2", "otherMails": (0..1001).map(|at| format!("{at}@x.example")).collect::<Vec<_>>()},
    ]);
    let groups = json!([
        {"id": "g-1", "displayName": 7},
        {"id": "g-1", "members@delta": null},
        {"id": "g-1", "members@odata.nextLink": "n"},
        {"id": "g-1", "members@delta": [7, {"@odata.type": "#microsoft.graph.user"}, of_type("martian", "m-1"),
                                        {"@odata.type": "user", "id": "u-1"}, of_type("user", "u-1")]},
        of_type("device", "d-1"),
    ]);
    let import = sync(users, groups).into_builder().unwrap();
    assert_eq!(
        messages(&import),
        [
            "page 1, record 1: wrong JSON type, expected an object",
            "page 1, record 2: field `id` is missing or empty, expected the id of the object",
            "page 1, record 3: field `id` is missing or empty, expected the id of the object",
            "page 1, record 4: field `id` is invalid, expected a string",
            "page 1, record 5: field `id`: user id contains a control character at byte 1; remove it",
            "page 1, record 6: field `userPrincipalName` is invalid, expected a string",
            "page 1, record 7: field `userPrincipalName`: alias contains a control character at byte 1; remove it",
            "page 1, record 8: field `proxyAddresses` is invalid, expected a list",
            "page 1, record 9: field `proxyAddresses` is invalid, expected a list of strings",
            "page 1, record 10: field `accountEnabled` is invalid, expected true or false",
            "page 1, record 11: field `@removed` is invalid, expected an object with a `reason`, which is \
             `changed` or `deleted`",
            "page 1, record 12: field `@removed` is invalid, expected an object with a `reason`, which is \
             `changed` or `deleted`",
            "page 1, record 13: field `@odata.type` is invalid, expected `#microsoft.graph.user` in a listing of \
             users, or `#microsoft.graph.group` in a listing of groups",
            "page 1, record 15: too many names for one user, expected at most 1000",
            "page 2, record 1: field `displayName` is invalid, expected a string",
            "page 2, record 2: field `members@delta` is invalid, expected a list",
            "page 2, record 3: field `members` is invalid, expected no expanded members; use a delta query, or \
             request `/groups/{id}/members`",
            "page 2, record 4, member 1: wrong JSON type, expected an object",
            "page 2, record 4, member 2: field `id` is missing or empty, expected the id of the object",
            "page 2, record 4, member 3: field `@odata.type` is invalid, expected `#microsoft.graph.user`, \
             `agentUser`, `group`, `device`, `orgContact`, `servicePrincipal`, `agentIdentity` or `application`, or \
             an id that was passed to `ignoring_members`",
            "page 2, record 4, member 4: field `@odata.type` is invalid, expected `#microsoft.graph.user`, \
             `agentUser`, `group`, `device`, `orgContact`, `servicePrincipal`, `agentIdentity` or `application`, or \
             an id that was passed to `ignoring_members`",
            "page 2, record 5: field `@odata.type` is invalid, expected `#microsoft.graph.user` in a listing of \
             users, or `#microsoft.graph.group` in a listing of groups",
        ]
    );
    assert_eq!((import.read(), import.ignored()), (25, 0));
    let taken = snapshot(import.into_partial());
    assert_eq!(taken.all_members(&GroupId::new("g-1").unwrap()).len(), 1);
}

#[test]
fn d11_sync_with_pending_page_has_no_result() {
    let before = snapshot(DirectoryBuilder::new());
    let take = |pages: &[(&str, Value)]| {
        let mut sync = asked();
        for (link, page) in pages {
            sync.page(link, page.to_string().as_bytes()).unwrap();
        }
        sync
    };
    let pages = [
        (USERS, more("u2", json!([]))),
        ("u2", last(json!([]))),
        (GROUPS, more("g2", json!([{"id": "g-1", "members@delta": [of_type("user", "u-1")]}]))),
        ("g2", last(json!([]))),
    ];
    for read in 0..pages.len() {
        let open = IncompleteSync::PagesOpen { open: if read < 3 && read != 2 { 2 } else { 1 } };
        assert_eq!(take(&pages[..read]).into_builder().unwrap_err(), open);
        assert_eq!(take(&pages[..read]).into_delta(&before).unwrap_err(), open);
    }
    let sync = take(&pages);
    assert_eq!(sync.delta_links().count(), 2);
    assert!(sync.into_builder().unwrap().into_complete().is_ok());
}

#[test]
fn d11_sync_must_start_with_first_page() {
    let mut sync = Sync::new();
    let link = "https://graph.example/users/delta?$skipToken=7";
    sync.ask(Listing::Users, link);
    sync.page(link, last(json!([])).to_string().as_bytes()).unwrap();
    let before = snapshot(DirectoryBuilder::new());
    assert_eq!(sync.into_delta(&before).unwrap_err(), IncompleteSync::BegunInTheMiddle);
}

#[test]
fn b3_names_of_one_user_are_limited() {
    let part = |from: usize| {
        let mails: Vec<String> = (from..from + 600).map(|at| format!("{at}@x.example")).collect();
        json!({"id": "u-1", "userPrincipalName": "adele@contoso.com", "otherMails": mails})
    };
    let import = sync(json!([part(0), part(600)]), json!([])).into_builder().unwrap();
    assert_eq!(
        messages(&import),
        [
            "page 1, record 1: too many names for one user, expected at most 1000",
            "page 1, record 2: too many names for one user, expected at most 1000"
        ]
    );
    assert!(sync(json!([part(0), part(300)]), json!([])).into_builder().unwrap().into_complete().is_ok());
}

#[test]
fn d11_truncated_page_can_be_read_again() {
    let page = more("u2", json!([{"id": "u-1", "userPrincipalName": "adèle@contoso.com"}])).to_string();
    let mut sync = asked();
    for cut in 0..page.len() {
        assert!(sync.page(USERS, &page.as_bytes()[..cut]).is_err());
        assert_eq!(sync.next_link(), Some(GROUPS));
    }
    sync.page(USERS, page.as_bytes()).unwrap();
    sync.page("u2", last(json!([])).to_string().as_bytes()).unwrap();
    sync.page(GROUPS, last(json!([])).to_string().as_bytes()).unwrap();
    let import = sync.into_builder().unwrap();
    assert_eq!(import.read(), 1, "nothing of a page that was cut was taken");
    assert!(import.into_complete().is_ok());
}

#[test]
fn d11_unknown_member_group_is_rejected() {
    let groups = json!([{"id": "g-1", "members@delta": [of_type("user", "u-1"), of_type("group", "g-9")]}]);
    let import = sync(json!([]), groups).into_builder().unwrap();
    assert_eq!(
        messages(&import),
        ["page 2, record 1, member 2: members that the input does not contain: 1; add them, or pass those \
             that are not people to `ignoring_members`"]
    );
    let rest = import.into_partial().build(DirectoryRevision(1), crate::fixture::at(0)).unwrap();
    assert_eq!(rest.all_members(&crate::fixture::group("g-1")).len(), 1);
}

#[test]
fn b2_debug_and_errors_contain_no_names() {
    let canary = "kanarienvogel";
    let mut record = json!({"id": format!("{canary}\n"), "mail": canary});
    let users = json!([record.clone(), {"id": canary, "mail": {canary: canary}}, {"id": "x", canary: canary}]);
    record["@odata.type"] = json!(canary);
    let groups = json!([{"id": "g-1", "members@delta": [record, {"id": canary}, of_type(canary, canary)]}]);
    let sync = sync(users, groups);
    let shown = format!("{sync:?}");
    let import = sync.into_builder().unwrap();
    assert_eq!(import.rejected().len(), 6);
    let shown = format!("{shown} {:?} {:?}", import.rejected(), messages(&import));
    assert!(!shown.contains(canary), "{shown}");
}

#[test]
fn b3_repeated_names_of_one_user_count_once() {
    let mails: Vec<String> = (0..600).map(|at| format!("{at}@x.example")).collect();
    let proxies: Vec<String> = (0..600).map(|at| format!("smtp:{at}@X.example")).collect();
    let user =
        json!({"id": "u-1", "userPrincipalName": "adele@contoso.com", "otherMails": mails, "proxyAddresses": proxies});
    let before = snapshot(sync(json!([user]), json!([])).into_builder().unwrap().into_complete().unwrap());
    // Without the other properties, the previous names are kept.
    let partial = json!([{"id": "u-1", "otherMails": mails}]);
    let delta = sync(partial, json!([])).into_delta(&before).unwrap().into_complete().unwrap();
    let after = before.apply(&delta, DirectoryRevision(2), at(1)).unwrap();
    assert_eq!(names(&known(&after, "u-1")).len(), 601);
}
