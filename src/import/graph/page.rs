//! One page of a listing: its entries and its next link.

use std::collections::HashSet;

use serde_json::Value;

use super::Listing;
use super::names;
use crate::identity::{GroupId, UserId};
use crate::import::RejectReason;
use crate::import::document::{self, Object};
use crate::import::facts::{MemberRecord, MemberType};
use crate::import::names::UserNames;
use crate::steps::advance;

const NEXT: &str = "@odata.nextLink";
const DELTA: &str = "@odata.deltaLink";
const TYPE: &str = "@odata.type";
const REMOVED: &str = "@removed";
const MEMBERS: &str = "members@delta";

/// A page of a listing.
pub(super) struct ListingPage {
    pub(super) entries: Vec<Result<PageEntry, RejectReason>>,
    pub(super) end: PageEnd,
    /// Whether any entry contains the `identities` of a user.
    pub(super) has_identities: bool,
}

/// The link at the end of a page.
pub(super) enum PageEnd {
    /// The link of the next page.
    Next(String),
    /// The delta link, which returns later changes. This page is the last one.
    Delta(String),
    /// None. This page is the last one.
    Last,
}

/// An entry of a page.
pub(super) enum PageEntry {
    User(UserId, Option<UserNames>),
    Group(GroupId, Option<GroupRecord>),
    /// An entry of a member list, with the names in it.
    Member(GroupId, MemberRecord, Option<UserNames>),
    /// An object that a directory does not contain.
    Other,
}

/// The record of a group that exists.
pub(super) struct GroupRecord {
    pub(super) name: Option<String>,
    /// The changes of its members, if the record contains any.
    pub(super) members: Option<Vec<Result<Option<MemberRecord>, RejectReason>>>,
}

/// Reads a page of a listing.
pub(super) fn read(
    mut page: Object,
    listing: &Listing,
    is_delta: bool,
    non_people: &HashSet<String>,
) -> Result<ListingPage, RejectReason> {
    let of = kind_of_context(&page)?;
    let fits = match listing {
        Listing::Users => of != MemberType::Group,
        Listing::Groups => of != MemberType::User,
        // A listing of only one type omits the users who are members through a nested group.
        Listing::Members(_) => of == MemberType::Unspecified,
    };
    if !fits {
        let expected = "the requested collection: `users`, `groups`, or `directoryObjects` for members";
        return Err(RejectReason::InvalidField { field: "@odata.context", expected });
    }
    let end = match (document::text(&page, NEXT)?, document::text(&page, DELTA)?) {
        (Some(next), None) => PageEnd::Next(next.to_owned()),
        (None, Some(delta)) => PageEnd::Delta(delta.to_owned()),
        // A delta query always ends with a delta link, so this response was truncated.
        (None, None) if is_delta => {
            return Err(RejectReason::MissingField { field: DELTA, expected: "this link or `@odata.nextLink`" });
        }
        (None, None) => PageEnd::Last,
        (Some(_), Some(_)) => {
            return Err(RejectReason::InvalidField { field: DELTA, expected: "either this link or `@odata.nextLink`" });
        }
    };
    let entries = match page.remove("value") {
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(RejectReason::InvalidField { field: "value", expected: "the list of entries" }),
        None => return Err(RejectReason::MissingField { field: "value", expected: "the list of entries" }),
    };
    let has_identities = entries.iter().any(|entry| entry.get("identities").is_some());
    advance(entries.len());
    let entries = entries.into_iter().map(|entry| read_entry(&entry, listing, non_people)).collect();
    Ok(ListingPage { entries, end, has_identities })
}

fn read_entry(entry: &Value, listing: &Listing, non_people: &HashSet<String>) -> Result<PageEntry, RejectReason> {
    let Value::Object(entry) = entry else { return Err(RejectReason::NotAnObject) };
    if matches!(listing, Listing::Members(_)) && is_one_of(entry, non_people) {
        return Ok(PageEntry::Other);
    }
    let declared = kind(entry)?;
    let removed = removed(entry)?;
    let other = RejectReason::InvalidField { field: TYPE, expected: "the requested type" };
    match listing {
        Listing::Users if matches!(declared, Some(MemberType::User | MemberType::Unspecified)) => {
            let id = document::user_id(document::id(entry, "id")?, "id")?;
            Ok(PageEntry::User(id, if removed { None } else { Some(names::read(entry)?) }))
        }
        Listing::Groups if matches!(declared, Some(MemberType::Group | MemberType::Unspecified)) => {
            let id = document::group_id(document::id(entry, "id")?, "id")?;
            Ok(PageEntry::Group(id, if removed { None } else { Some(read_group(entry, non_people)?) }))
        }
        Listing::Users | Listing::Groups => Err(other),
        Listing::Members(group) => {
            let id = document::id(entry, "id")?.to_owned();
            let Some(kind) = declared else { return Ok(PageEntry::Other) };
            let names = if kind == MemberType::User && !removed { Some(names::read(entry)?) } else { None };
            Ok(PageEntry::Member(group.clone(), MemberRecord { id, kind, removed }, names))
        }
    }
}

fn read_group(entry: &Object, non_people: &HashSet<String>) -> Result<GroupRecord, RejectReason> {
    // `$expand` returns at most twenty members, and does not always show that there are more.
    if entry.get("members").is_some_and(|members| !members.is_null()) || entry.contains_key("members@odata.nextLink") {
        let expected = "members in `members@delta` or in a listing of their own";
        return Err(RejectReason::InvalidField { field: "members", expected });
    }
    let name = document::text(entry, "displayName")?.map(str::to_owned);
    let members = match entry.get(MEMBERS) {
        None => None,
        Some(Value::Array(members)) => Some(members.iter().map(|member| read_member(member, non_people)).collect()),
        Some(_) => return Err(RejectReason::InvalidField { field: MEMBERS, expected: "a list" }),
    };
    Ok(GroupRecord { name, members })
}

/// Returns `None` for an object that a directory does not contain.
fn read_member(entry: &Value, non_people: &HashSet<String>) -> Result<Option<MemberRecord>, RejectReason> {
    advance(1);
    let Value::Object(entry) = entry else { return Err(RejectReason::NotAnObject) };
    if is_one_of(entry, non_people) {
        return Ok(None);
    }
    let id = document::id(entry, "id")?.to_owned();
    let removed = removed(entry)?;
    Ok(kind(entry)?.map(|kind| MemberRecord { id, kind, removed }))
}

/// Returns whether the id of an entry is in `ids`.
fn is_one_of(entry: &Object, ids: &HashSet<String>) -> bool {
    entry.get("id").and_then(Value::as_str).is_some_and(|id| ids.contains(id))
}

/// Returns the declared type of an entry, or `None` for an object that a directory does not contain. An unknown type is
/// an error, because it could be a person.
fn kind(entry: &Object) -> Result<Option<MemberType>, RejectReason> {
    let Some(declared) = document::text(entry, TYPE)? else { return Ok(Some(MemberType::Unspecified)) };
    let name = declared.strip_prefix("#microsoft.graph.").unwrap_or_default();
    let kind = match name {
        "user" | "agentUser" => Some(MemberType::User),
        "group" => Some(MemberType::Group),
        "device" | "orgContact" | "servicePrincipal" | "agentIdentity" | "application" => None,
        _ => {
            let expected =
                "`#microsoft.graph.user`, `group`, `device`, `orgContact`, `servicePrincipal` or `application`";
            return Err(RejectReason::InvalidField { field: TYPE, expected });
        }
    };
    Ok(kind)
}

/// Returns the type that a page declares for all of its entries.
fn kind_of_context(page: &Object) -> Result<MemberType, RejectReason> {
    let Some(context) = document::text(page, "@odata.context")? else { return Ok(MemberType::Unspecified) };
    let set = context.rsplit_once("$metadata#").map_or("", |(_, set)| set);
    Ok(match set.split(['(', '/']).next() {
        Some("users") => MemberType::User,
        Some("groups") => MemberType::Group,
        _ => MemberType::Unspecified,
    })
}

fn removed(entry: &Object) -> Result<bool, RejectReason> {
    let expected = "an object with a `reason`, which is `changed` or `deleted`";
    match entry.get(REMOVED) {
        None => Ok(false),
        Some(Value::Object(removed)) => match document::text(removed, "reason")? {
            Some("changed" | "deleted") => Ok(true),
            _ => Err(RejectReason::InvalidField { field: REMOVED, expected }),
        },
        Some(_) => Err(RejectReason::InvalidField { field: REMOVED, expected }),
    }
}
