//! Checks bytes as pages of Microsoft Graph: of users, of groups, and of members.

use activity_privacy::identity::GroupId;
use activity_privacy::import::graph::{Listing, Sync};
use serde_json::Value;

use super::directory::{accounted, before, built, decided, refused};
use super::silence::{quoted, with_canary};
use crate::fixture::group;

const USERS: &str = "https://graph.example/users/delta";
const GROUPS: &str = "https://graph.example/groups/delta";
const EMPTY: &[u8] = br#"{"@odata.deltaLink": "end", "value": []}"#;

pub(crate) fn check(input: &[u8]) {
    examine(input);
    with_canary(input, &quoted(input)).iter().for_each(|input| examine(input));
}

fn examine(input: &[u8]) {
    let before = before();
    for (users, groups) in [(input, EMPTY), (EMPTY, input), (input, input)] {
        let Some(builder) = delta_round(users, groups) else { continue };
        let builder = builder.into_builder().expect("D11: no page is open");
        accounted(&builder);
        built(builder.into_partial());
        let delta = delta_round(users, groups).expect("a second round is accepted").into_delta(&before);
        let delta = delta.expect("D11: no page is open");
        accounted(&delta);
        decided(&delta.clone().into_partial());
        if users == EMPTY {
            let whole = delta.into_complete().ok();
            let known = |of: &GroupId, id: &str| {
                whole.as_ref().is_none_or(|delta| {
                    delta.changes().iter().any(|change| {
                        matches!(change, activity_privacy::directory::DirectoryChange::Member(group, user)
                            if group == of && user.as_str() == id)
                    })
                })
            };
            members_are_kept(input, known);
        }
    }
    members(input);
}

/// Returns a round in which both listings are complete, if at most one more page completes them.
fn delta_round(users: &[u8], groups: &[u8]) -> Option<Sync> {
    let mut round = Sync::new();
    round.ask(Listing::Users, USERS);
    round.ask(Listing::Groups, GROUPS);
    for (link, page) in [(USERS, users), (GROUPS, groups)] {
        if let Err(rejected) = round.page(link, page) {
            refused(&rejected);
            assert!(round.next_link().is_some(), "D11: a rejected page stays open");
            return None;
        }
    }
    while let Some(link) = round.next_link().map(str::to_owned) {
        round.page(&link, EMPTY).ok()?;
    }
    Some(round)
}

/// Checks that no user is lost whom a page lists as a member of a known group.
fn members_are_kept(input: &[u8], knows: impl Fn(&GroupId, &str) -> bool) {
    let Ok(page) = serde_json::from_slice::<Value>(input) else { return };
    let entries = page["value"].as_array().into_iter().flatten();
    for entry in entries.filter(|entry| entry.get("@removed").is_none()) {
        let Some(of) = entry["id"].as_str().and_then(|id| GroupId::new(id).ok()) else { continue };
        for member in entry["members@delta"].as_array().into_iter().flatten() {
            if let (Some("#microsoft.graph.user"), Some(id), None) =
                (member["@odata.type"].as_str(), member["id"].as_str(), member.get("@removed"))
            {
                assert!(knows(&of, id), "D11: a member is lost");
            }
        }
    }
}

fn members(input: &[u8]) {
    let mut round = Sync::new();
    for (listing, link) in
        [(Listing::Users, "users"), (Listing::Groups, "groups"), (Listing::Members(group("g-1")), "members")]
    {
        round.ask(listing, link);
    }
    let groups = br#"{"value": [{"id": "g-1", "displayName": "Council"}, {"id": "g-2", "displayName": "Board"}]}"#;
    round.ask(Listing::Members(group("g-2")), "no members");
    round.page("users", &br#"{"value": []}"#[..]).unwrap();
    round.page("groups", &groups[..]).unwrap();
    round.page("no members", &br#"{"value": []}"#[..]).unwrap();
    match round.page("members", input) {
        Err(rejected) => refused(&rejected),
        Ok(()) => {
            if let Ok(builder) = round.into_builder() {
                accounted(&builder);
                built(builder.into_partial());
            }
        }
    }
}
