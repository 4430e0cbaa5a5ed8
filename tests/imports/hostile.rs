//! Arbitrary bytes, and documents damaged in transfer.

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use activity_privacy::import::graph::{Listing, Sync};
use activity_privacy::import::scim::{self, Endpoint, Lists};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{alias, at, group, user};

const USERS: &str = r##"{"@odata.context": "https://graph.example/$metadata#users", "@odata.nextLink": "u2", "value": [
    {"id": "u-1", "userPrincipalName": "kanarienvogel@contoso.com", "proxyAddresses": ["SMTP:kanarienvogel@x.example"],
     "accountEnabled": false}, {"id": "u-2", "@removed": {"reason": "changed"}}]}"##;
const GROUPS: &str = r##"{"@odata.deltaLink": "d", "value": [{"id": "g-1", "displayName": "Council", "members@delta": [
    {"@odata.type": "#microsoft.graph.user", "id": "u-1"}, {"@odata.type": "#microsoft.graph.group", "id": "g-1"},
    {"@odata.type": "#microsoft.graph.device", "id": "d-1"}, {"id": "u-2", "@removed": {"reason": "deleted"}}]}]}"##;
const SCIM_USERS: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 2,
    "Resources": [{"id": "u-1", "userName": "kanarienvogel@contoso.com", "emails": [{"value": "kanarienvogel@x.example"}]},
                  {"id": "u-2", "externalId": "7", "userName": "b", "active": "False"}]}"#;
const SCIM_GROUPS: &str = r#"{"totalResults": 2, "Resources": [{"id": "g-2"}, {"id": "g-1", "displayName": "Council", "members": [
    {"value": "u-1", "type": "User"}, {"value": "g-2", "$ref": "../Groups/g-2"}, {"value": "u-2"}]}]}"#;
const PATCH: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "Add", "path": "members", "value": [{"value": "u-1"}]}, {"op": "remove", "path": "members[value eq \"u-1\"]"},
    {"op": "Replace", "value": {"emails[type eq \"work\"].value": "kanarienvogel@x.example", "active": "False"}}]}"#;

fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let builder = DirectoryBuilder::new().user(adele).group(group("g-1"), "Council");
    builder.member(&group("g-1"), &user("u-1")).build(DirectoryRevision(1), at(0)).unwrap()
}

/// Returns the rejections of an import, after checking that every record is accounted for.
fn accounted<T>(import: &activity_privacy::import::Import<T>) -> String {
    let within =
        import.rejected().iter().filter(|rejected| rejected.place != activity_privacy::import::Place::Whole).count();
    assert!(import.ignored() + within as u64 <= import.read(), "B1");
    import.rejected().iter().map(|rejected| format!("{rejected} {rejected:?}\n")).collect()
}

fn graph(users: &[u8], groups: &[u8]) -> String {
    let mut said = String::new();
    let read = || {
        let mut sync = Sync::new();
        sync.ask(Listing::Users, "https://graph.example/users/delta");
        sync.ask(Listing::Groups, "https://graph.example/groups/delta");
        let results = [
            sync.page("https://graph.example/users/delta", users),
            sync.page("u2", &br#"{"@odata.deltaLink": "d", "value": []}"#[..]),
            sync.page("https://graph.example/groups/delta", groups),
        ];
        (sync, results)
    };
    let (sync, results) = read();
    for refused in results.into_iter().filter_map(Result::err) {
        said += &format!("{refused} {refused:?}\n");
    }
    match sync.into_builder() {
        Ok(import) => {
            said += &accounted(&import);
            let _ = import.into_partial().build(DirectoryRevision(1), at(0));
        }
        Err(unfinished) => said += &format!("{unfinished} {unfinished:?}\n"),
    }
    match read().0.into_delta(&before()) {
        Ok(import) => said += &accounted(&import),
        Err(unfinished) => said += &format!("{unfinished} {unfinished:?}\n"),
    }
    said
}

fn lists(users: &[u8], groups: &[u8]) -> String {
    let (mut said, mut lists) = (String::new(), Lists::new());
    for refused in [lists.page(Endpoint::Users, users), lists.page(Endpoint::Groups, groups)] {
        said += &refused.err().map(|refused| format!("{refused} {refused:?}\n")).unwrap_or_default();
    }
    match lists.into_builder() {
        Ok(import) => {
            said += &accounted(&import);
            let _ = import.into_partial().build(DirectoryRevision(1), at(0));
        }
        Err(unfinished) => said += &format!("{unfinished} {unfinished:?}\n"),
    }
    said
}

fn requests(body: &[u8]) -> String {
    let (before, group, user) = (before(), group("g-1"), user("u-1"));
    [
        scim::patch_group(&before, &group, body),
        scim::patch_user(&before, &user, body),
        scim::put_group(&before, &group, body),
        scim::put_user(&user, body),
    ]
    .iter()
    .map(|result| match result {
        Ok(import) => accounted(import),
        Err(refused) => format!("{refused} {refused:?}\n"),
    })
    .collect()
}

#[derive(Debug, Clone)]
enum Damage {
    Cut(prop::sample::Index),
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    /// Repeats a piece of the document elsewhere.
    Repeat(prop::sample::Index, prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    use prop::sample::Index;
    // Tokens of the formats, so that they occur often.
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",: 0tfn\\"[..])];
    let one = prop_oneof![
        1 => any::<Index>().prop_map(Damage::Cut),
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => (any::<Index>(), any::<Index>(), any::<Index>()).prop_map(|(from, to, at)| Damage::Repeat(from, to, at)),
    ];
    vec(one, 1..4)
}

fn damaged(document: &str, damage: &[Damage]) -> Vec<u8> {
    let mut bytes = document.as_bytes().to_vec();
    for one in damage.iter().take_while(|_| !document.is_empty()) {
        let len = bytes.len() + 1;
        match one {
            Damage::Cut(at) => bytes.truncate(at.index(len)),
            Damage::Set(at, byte) => {
                let at = at.index(len);
                if let Some(place) = bytes.get_mut(at) {
                    *place = *byte;
                }
            }
            Damage::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Damage::Repeat(from, to, at) => {
                let (from, to) = (from.index(len), to.index(len));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                let at = at.index(len);
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn b3_arbitrary_bytes_never_panic(one in vec(any::<u8>(), 0..200), other in vec(any::<u8>(), 0..200)) {
        graph(&one, &other);
        lists(&one, &other);
        requests(&one);
    }

    #[test]
    fn b2_errors_do_not_quote_damaged_document(damage in damage()) {
        let mut said = graph(&damaged(USERS, &damage), &damaged(GROUPS, &damage));
        said += &graph(USERS.as_bytes(), &damaged(GROUPS, &damage));
        said += &lists(&damaged(SCIM_USERS, &damage), &damaged(SCIM_GROUPS, &damage));
        said += &lists(SCIM_USERS.as_bytes(), &damaged(SCIM_GROUPS, &damage));
        said += &requests(&damaged(PATCH, &damage));
        prop_assert!(!said.contains("kanarienvogel"), "{}", said);
    }
}

#[test]
fn b1_undamaged_documents_are_complete() {
    assert_eq!(graph(USERS.as_bytes(), GROUPS.as_bytes()), "");
    assert_eq!(lists(SCIM_USERS.as_bytes(), SCIM_GROUPS.as_bytes()), "");
    let said = requests(PATCH.as_bytes());
    assert_eq!(
        said.lines().filter(|line| line.contains("field `schemas`")).count(),
        2,
        "it is no whole resource: {said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn b3_nesting_depth_is_bounded() {
    let deep = format!("{{\"value\": {}", "[".repeat(100_000));
    assert!(graph(deep.as_bytes(), deep.as_bytes()).contains("not JSON"));
    assert!(requests(deep.as_bytes()).contains("not JSON"));
}
