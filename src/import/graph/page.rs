//! One page of a listing: its entries and its next link.

use std::collections::HashSet;

use serde_json::Value;

use super::Listing;
use super::names;
use crate::identity::{GroupId, UserId};
use crate::import::EntryRejectReason;
use crate::import::document::{self, Object};
use crate::import::facts::{MemberRecord, MemberType};
use crate::import::names::UserNames;
use crate::steps::advance;

const NEXT: &str = "@odata.nextLink";
const DELTA: &str = "@odata.deltaLink";
const TYPE: &str = "@odata.type";
const REMOVED: &str = "@removed";
const MEMBERS_DELTA: &str = "members@delta";
const CONTEXT: &str = "@odata.context";

/// A page of a listing.
pub(super) struct ListingPage {
    pub(super) entries: Vec<Result<PageEntry, EntryRejectReason>>,
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
    /// No link. This page is the last one.
    Last,
}

/// An entry of a page.
pub(super) enum PageEntry {
    User(UserId, Option<UserNames>),
    Group(GroupId, Option<GroupRecord>),
    /// A member of a group, with the user's names if the entry is an existing user.
    Member(GroupId, MemberRecord, Option<UserNames>),
    /// An object that is neither a user nor a group, such as a device, or that is declared as no person.
    Ignored,
}

/// The record of a group that exists.
pub(super) struct GroupRecord {
    pub(super) name: Option<String>,
    /// The changes of its members, if the record contains any.
    pub(super) members: Option<Vec<Result<MemberEntry, EntryRejectReason>>>,
}

/// An entry in the members of a group record.
pub(super) enum MemberEntry {
    Member(MemberRecord),
    /// An object that is neither a user nor a group, such as a device, or that is declared as no person.
    Ignored,
}

/// Reads a page of a listing.
pub(super) fn read(
    mut page: Object,
    listing: &Listing,
    is_delta: bool,
    non_people: &HashSet<String>,
) -> Result<ListingPage, EntryRejectReason> {
    let declared = context_type(&page)?;
    let fits = match listing {
        Listing::Users => matches!(declared, Some(MemberType::User | MemberType::Unspecified)),
        Listing::Groups => matches!(declared, Some(MemberType::Group | MemberType::Unspecified)),
        // A listing of only one type omits the users who are members through a nested group.
        Listing::Members(group) => declared == Some(MemberType::Unspecified) || names_members(&page, group),
    };
    if !fits {
        let expected = "the requested collection: `users`, `groups`, or `directoryObjects` for members";
        return Err(EntryRejectReason::InvalidField { field: CONTEXT, expected });
    }
    let end = match (document::text(&page, NEXT)?, document::text(&page, DELTA)?) {
        (Some(next), None) => PageEnd::Next(next.to_owned()),
        (None, Some(delta)) => PageEnd::Delta(delta.to_owned()),
        // A delta query always ends with a delta link, so this response was truncated.
        (None, None) if is_delta => {
            return Err(EntryRejectReason::MissingField { field: DELTA, expected: "this link or `@odata.nextLink`" });
        }
        (None, None) => PageEnd::Last,
        (Some(_), Some(_)) => {
            let expected = "no delta link on a page that has `@odata.nextLink`";
            return Err(EntryRejectReason::InvalidField { field: DELTA, expected });
        }
    };
    let entries = match page.remove("value") {
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(EntryRejectReason::InvalidField { field: "value", expected: "the list of entries" }),
        None => return Err(EntryRejectReason::MissingField { field: "value", expected: "the list of entries" }),
    };
    let has_identities = entries.iter().any(|entry| entry.get("identities").is_some());
    advance(entries.len());
    let entries = entries.into_iter().map(|entry| read_entry(&entry, listing, non_people)).collect();
    Ok(ListingPage { entries, end, has_identities })
}

fn read_entry(entry: &Value, listing: &Listing, non_people: &HashSet<String>) -> Result<PageEntry, EntryRejectReason> {
    let Value::Object(entry) = entry else { return Err(EntryRejectReason::NotAnObject) };
    if matches!(listing, Listing::Members(_)) && is_one_of(entry, non_people) {
        return Ok(PageEntry::Ignored);
    }
    let declared = declared_type(entry)?;
    let removed = is_removed(entry)?;
    match listing {
        Listing::Users if matches!(declared, Some(MemberType::User | MemberType::Unspecified)) => {
            let id = document::user_id(document::id(entry, "id")?, "id")?;
            Ok(PageEntry::User(id, if removed { None } else { Some(names::read(entry)?) }))
        }
        Listing::Groups if matches!(declared, Some(MemberType::Group | MemberType::Unspecified)) => {
            let id = document::group_id(document::id(entry, "id")?, "id")?;
            Ok(PageEntry::Group(id, if removed { None } else { Some(read_group(entry, non_people)?) }))
        }
        Listing::Users | Listing::Groups => {
            let expected =
                "`#microsoft.graph.user` in a listing of users, or `#microsoft.graph.group` in a listing of groups";
            Err(EntryRejectReason::InvalidField { field: TYPE, expected })
        }
        Listing::Members(group) => {
            let id = document::id(entry, "id")?.to_owned();
            let Some(kind) = declared else { return Ok(PageEntry::Ignored) };
            let names = if kind == MemberType::User && !removed { Some(names::read(entry)?) } else { None };
            Ok(PageEntry::Member(group.clone(), MemberRecord { id, kind, removed }, names))
        }
    }
}

fn read_group(entry: &Object, non_people: &HashSet<String>) -> Result<GroupRecord, EntryRejectReason> {
    // `$expand` returns at most twenty members, and does not always show that there are more.
    if entry.get("members").is_some_and(|members| !members.is_null()) || entry.contains_key("members@odata.nextLink") {
        let expected = "no expanded members; use a delta query, or request `/groups/{id}/members`";
        return Err(EntryRejectReason::InvalidField { field: "members", expected });
    }
    let name = document::text(entry, "displayName")?.map(str::to_owned);
    let members = match entry.get(MEMBERS_DELTA) {
        None => None,
        Some(Value::Array(members)) => Some(members.iter().map(|member| read_member(member, non_people)).collect()),
        Some(_) => return Err(EntryRejectReason::InvalidField { field: MEMBERS_DELTA, expected: "a list" }),
    };
    Ok(GroupRecord { name, members })
}

fn read_member(entry: &Value, non_people: &HashSet<String>) -> Result<MemberEntry, EntryRejectReason> {
    advance(1);
    let Value::Object(entry) = entry else { return Err(EntryRejectReason::NotAnObject) };
    if is_one_of(entry, non_people) {
        return Ok(MemberEntry::Ignored);
    }
    let id = document::id(entry, "id")?.to_owned();
    let removed = is_removed(entry)?;
    Ok(match declared_type(entry)? {
        Some(kind) => MemberEntry::Member(MemberRecord { id, kind, removed }),
        None => MemberEntry::Ignored,
    })
}

/// Returns whether the id of an entry is in `ids`.
fn is_one_of(entry: &Object, ids: &HashSet<String>) -> bool {
    entry.get("id").and_then(Value::as_str).is_some_and(|id| ids.contains(id))
}

/// Returns the declared type of an entry, or `None` for an object that is neither a user nor a group, such as a device.
/// An unknown type is an error, because it could be a person.
fn declared_type(entry: &Object) -> Result<Option<MemberType>, EntryRejectReason> {
    let Some(declared) = document::text(entry, TYPE)? else { return Ok(Some(MemberType::Unspecified)) };
    Ok(match declared.strip_prefix("#microsoft.graph.").unwrap_or_default() {
        "user" | "agentUser" => Some(MemberType::User),
        "group" => Some(MemberType::Group),
        "device" | "orgContact" | "servicePrincipal" | "agentIdentity" | "application" => None,
        _ => {
            let expected = "`#microsoft.graph.user`, `agentUser`, `group`, `device`, `orgContact`, `servicePrincipal`, \
                            `agentIdentity` or `application`, or an id that was passed to `ignoring_members`";
            return Err(EntryRejectReason::InvalidField { field: TYPE, expected });
        }
    })
}

/// Returns the type that a page declares for all of its entries, or `None` if it declares another collection than
/// users, groups or both. A single entity (`/$entity`) is not a collection.
fn context_type(page: &Object) -> Result<Option<MemberType>, EntryRejectReason> {
    let Some(context) = document::text(page, CONTEXT)? else { return Ok(Some(MemberType::Unspecified)) };
    let collection = collection_of(context);
    if let Some(name) = collection.strip_prefix("Collection(").and_then(|name| name.strip_suffix(')')) {
        return Ok(named_type(name.strip_prefix("microsoft.graph.").unwrap_or(name)));
    }
    let path = without_select_lists(collection);
    let mut segments = path.split('/');
    let mut declared = match segments.next() {
        Some("users") => Some(MemberType::User),
        Some("groups") => Some(MemberType::Group),
        Some("directoryObjects") => Some(MemberType::Unspecified),
        _ => None,
    };
    for segment in segments.filter(|segment| *segment != "$delta") {
        // A cast: all entries are of its type.
        let cast = segment.strip_prefix("microsoft.graph.").and_then(named_type);
        declared = declared.and(cast);
    }
    Ok(declared)
}

/// Returns whether a page declares the members of a group by the group's id, instead of as `directoryObjects`.
fn names_members(page: &Object, group: &GroupId) -> bool {
    let collection = page.get(CONTEXT).and_then(Value::as_str).map_or("", collection_of);
    let Some((of, select_list)) = collection.rsplit_once("/members") else { return false };
    let id = group.as_str();
    let is_group = of == format!("groups('{id}')") || of == format!("groups/{id}");
    is_group && without_select_lists(select_list).is_empty()
}

/// Returns the part of a context that names the collection, or an empty text if there is none.
fn collection_of(context: &str) -> &str {
    context.rsplit_once("$metadata#").map_or("", |(_, collection)| collection)
}

fn named_type(name: &str) -> Option<MemberType> {
    match name {
        "user" => Some(MemberType::User),
        "group" => Some(MemberType::Group),
        "directoryObject" => Some(MemberType::Unspecified),
        _ => None,
    }
}

/// Returns the path of a collection without its lists of selected properties, which are in parentheses.
fn without_select_lists(collection: &str) -> String {
    let mut depth = 0_usize;
    let is_outside = |character: &char| {
        let is_outside = depth == 0 && *character != '(';
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_outside
    };
    collection.chars().filter(is_outside).collect()
}

/// Returns whether an entry states that its object was removed.
fn is_removed(entry: &Object) -> Result<bool, EntryRejectReason> {
    let Some(value) = entry.get(REMOVED) else { return Ok(false) };
    let reason = match value {
        Value::Object(removed) => document::text(removed, "reason")?,
        _ => None,
    };
    if matches!(reason, Some("changed" | "deleted")) {
        return Ok(true);
    }
    let expected = "an object with a `reason`, which is `changed` or `deleted`";
    Err(EntryRejectReason::InvalidField { field: REMOVED, expected })
}
