//! Users and groups as whole resources (RFC 7643, section 4).

use std::collections::HashSet;
use std::io::Read;

use serde_json::Value;

use super::attributes::{Attributes, boolean, entries};
use super::request_state::{RequestOutcome, RequestState};
use super::{Endpoint, missing_name};
use crate::directory::User;
use crate::identity::{GroupId, UserId};
use crate::import::facts::{MemberRecord, MemberType};
use crate::import::names::{MAX_NAMES, NamesError, UserNames};
use crate::import::spelling::Holds;
use crate::import::{EntryRejectReason, document};
use crate::steps::advance;

/// The ranks of the attributes that name a user.
const USER_NAME: usize = 0;
const PRIMARY_EMAIL: usize = 1;
const EMAIL: usize = 2;
const EXTERNAL_ID: usize = 3;

/// A user or a group resource.
pub(super) enum Resource {
    User { id: UserId, names: UserNames },
    Group { id: GroupId, name: Option<String>, members: Option<MemberEntries> },
}

/// The members of a group resource. `None` is a declared non-person.
pub(super) type MemberEntries = Vec<Result<Option<MemberRecord>, EntryRejectReason>>;

impl Resource {
    pub(super) fn new(
        resource: Value,
        endpoint: Endpoint,
        non_people: &HashSet<String>,
    ) -> Result<Self, EntryRejectReason> {
        let resource = Attributes::of_resource(resource)?;
        let id = id(&resource)?;
        let id = id.ok_or(EntryRejectReason::MissingField { field: "id", expected: "the id of the resource" })?;
        match endpoint {
            Endpoint::Users => Self::user(document::user_id(id, "id")?, &resource),
            Endpoint::Groups => Self::group(document::group_id(id, "id")?, &resource, non_people),
        }
    }

    fn user(id: UserId, user: &Attributes) -> Result<Self, EntryRejectReason> {
        check_resource_type(user, "user")?;
        Ok(Self::User { id, names: names(user)? })
    }

    fn group(id: GroupId, group: &Attributes, non_people: &HashSet<String>) -> Result<Self, EntryRejectReason> {
        check_resource_type(group, "group")?;
        let name = group.text("displayName")?.map(str::to_owned);
        let is_no_person = |entry: &Value| id_in(entry).is_some_and(|id| non_people.contains(id));
        let read = |entry| if is_no_person(entry) { Ok(None) } else { listed_member(entry).map(Some) };
        let members = members_of(group)?.map(|members| members.iter().map(read).collect());
        Ok(Self::Group { id, name, members })
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::User { id, .. } => id.as_str(),
            Self::Group { id, .. } => id.as_str(),
        }
    }
}

/// Returns the user in a body.
pub(super) fn user(id: &UserId, user: &Attributes) -> Result<User, EntryRejectReason> {
    check_resource_type(user, "user")?;
    names(user)?.user(id.clone(), None, true, None).map_err(|error| match error {
        NamesError::MissingName => missing_name(),
        NamesError::TooManyNames => EntryRejectReason::TooManyNames { max: MAX_NAMES },
    })
}

/// Returns the changes of a `PUT` or `POST` of a group.
pub(super) fn put_group(
    known: &mut RequestState<'_>,
    id: &GroupId,
    group: &Attributes,
) -> Result<RequestOutcome, EntryRejectReason> {
    check_resource_type(group, "group")?;
    let name = group.text("displayName")?.or(known.group_name(id)).unwrap_or(id.as_str()).to_owned();
    let members = members_of(group)?;
    let mut outcome = RequestOutcome { changes: vec![known.put_group(id, &name)], ..RequestOutcome::default() };
    let Some(members) = members else { return Ok(outcome) };
    let mut resolved_members = Vec::new();
    for (at, member) in (1..).zip(members) {
        advance(1);
        outcome.items += 1;
        match known.resolve_entry(member, true) {
            Ok(Some(resolved)) => resolved_members.push(resolved),
            Ok(None) => outcome.ignored += 1,
            Err(reason) => outcome.rejected.push((at, reason)),
        }
    }
    outcome.changes.extend(match outcome.rejected.is_empty() {
        true => known.replace_members(id, resolved_members),
        // A rejected member may be any current member of the group, so no member is removed.
        false => known.listed(id).add(resolved_members),
    });
    Ok(outcome)
}

/// Reads a body, and checks that its id, if present, is `expected`.
pub(super) fn body_of(body: impl Read, expected: &str) -> Result<Attributes, EntryRejectReason> {
    let body = super::read(body)?.into_resource()?;
    check_id(&body, expected)?;
    Ok(body)
}

/// Checks that the id of a resource, if present, is `expected`.
pub(super) fn check_id(resource: &Attributes, expected: &str) -> Result<(), EntryRejectReason> {
    match id(resource)? {
        Some(id) if id != expected => {
            Err(EntryRejectReason::InvalidField { field: "id", expected: "the id of the requested resource" })
        }
        _ => Ok(()),
    }
}

/// Returns the entries of `members`, if present. A single string counts as a list of one.
fn members_of(group: &Attributes) -> Result<Option<&[Value]>, EntryRejectReason> {
    match group.get("members") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => member_entries(value, "members").map(Some),
    }
}

/// Returns the entries of a list of members. A single string or object counts as a list of one.
pub(super) fn member_entries<'a>(value: &'a Value, field: &'static str) -> Result<&'a [Value], EntryRejectReason> {
    match value {
        Value::String(_) => Ok(std::slice::from_ref(value)),
        _ => entries(value, field),
    }
}

fn id(resource: &Attributes) -> Result<Option<&str>, EntryRejectReason> {
    let Some(id) = resource.text("id")? else { return Ok(None) };
    document::user_id(id, "id")?;
    document::group_id(id, "id")?;
    Ok(Some(id))
}

/// Checks that a resource is of this type, as far as it declares one.
fn check_resource_type(resource: &Attributes, kind: &str) -> Result<(), EntryRejectReason> {
    let expected = "the requested type of resource";
    let urn = format!("urn:ietf:params:scim:schemas:core:2.0:{kind}");
    resource.check_schemas(&urn, expected)?;
    let Some(meta) = resource.get("meta").filter(|meta| meta.is_object()).cloned() else { return Ok(()) };
    match Attributes::from_object(meta)?.text("resourceType")? {
        Some(declared) if !declared.eq_ignore_ascii_case(kind) => {
            Err(EntryRejectReason::InvalidField { field: "meta.resourceType", expected })
        }
        _ => Ok(()),
    }
}

fn names(user: &Attributes) -> Result<UserNames, EntryRejectReason> {
    let expected = "the sign-in name of the user";
    let user_name = user.text("userName")?.ok_or(EntryRejectReason::MissingField { field: "userName", expected })?;
    let mut names = UserNames::default();
    names.add(USER_NAME, "userName", Holds::Accounts, [user_name])?;
    for entry in user.list("emails")?.unwrap_or_default() {
        let email = Attributes::from_object(entry.clone())?;
        let primary = email.get("primary").map(|primary| boolean(primary, "emails.primary")).transpose()?.flatten();
        let rank = if primary == Some(true) { PRIMARY_EMAIL } else { EMAIL };
        advance(1);
        names.add(rank, "emails.value", Holds::Addresses, email_address(&email)?)?;
    }
    names.add(EXTERNAL_ID, "externalId", Holds::ForeignId, user.text("externalId")?)?;
    names.enabled = user.get("active").map(|active| boolean(active, "active")).transpose()?.flatten();
    Ok(names)
}

/// Returns the address in an entry of `emails`. The address is required, but may be blank.
pub(super) fn email_address(email: &Attributes) -> Result<Option<&str>, EntryRejectReason> {
    let expected = "an address";
    match email.get("value") {
        None | Some(Value::Null) => Err(EntryRejectReason::MissingField { field: "emails.value", expected }),
        Some(_) => document::text_of(email.get("value"), "emails.value"),
    }
}

/// Returns the id in an entry of `members`, unchecked.
pub(super) fn id_in(entry: &Value) -> Option<&str> {
    entry.as_str().or_else(|| entry.get("value").and_then(Value::as_str))
}

/// Reads one entry of `members` in a list, where no member is named by `bulkId`.
fn listed_member(entry: &Value) -> Result<MemberRecord, EntryRejectReason> {
    match member(entry)? {
        member if is_bulk_reference(&member.id) => {
            Err(EntryRejectReason::InvalidField { field: "members.value", expected: "the id of the member" })
        }
        member => Ok(member),
    }
}

/// Returns whether an id refers to a resource that a bulk request creates.
pub(super) fn is_bulk_reference(id: &str) -> bool {
    id.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bulkId:"))
}

/// Reads one entry of `members`: an object, or an id alone.
pub(super) fn member(entry: &Value) -> Result<MemberRecord, EntryRejectReason> {
    if let Value::String(id) = entry {
        document::user_id(id, "members.value")?;
        document::group_id(id, "members.value")?;
        return Ok(MemberRecord { id: id.clone(), kind: MemberType::Unspecified, removed: false });
    }
    let entry = Attributes::from_object(entry.clone())?;
    let expected = "the id of the member";
    let id = document::text_of(entry.get("value"), "members.value")?
        .ok_or(EntryRejectReason::MissingField { field: "members.value", expected })?;
    document::user_id(id, "members.value")?;
    document::group_id(id, "members.value")?;
    let of_type = match document::text_of(entry.get("type"), "members.type")? {
        None => MemberType::Unspecified,
        Some(declared) if declared.eq_ignore_ascii_case("user") => MemberType::User,
        Some(declared) if declared.eq_ignore_ascii_case("group") => MemberType::Group,
        Some(_) => {
            return Err(EntryRejectReason::InvalidField { field: "members.type", expected: "`User` or `Group`" });
        }
    };
    advance(1);
    let of_path = document::text_of(entry.get("$ref"), "members.$ref")?.map_or(MemberType::Unspecified, kind_of_path);
    let kind = match (of_type, of_path) {
        (kind, MemberType::Unspecified) | (MemberType::Unspecified, kind) => kind,
        (kind, other) if kind == other => kind,
        _ => {
            return Err(EntryRejectReason::InvalidField { field: "members.type", expected: "the same as in `$ref`" });
        }
    };
    Ok(MemberRecord { id: id.to_owned(), kind, removed: false })
}

/// Returns the member type in a reference such as `https://example.com/v2/Groups/1`.
fn kind_of_path(path: &str) -> MemberType {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.trim_end_matches('/').rsplit('/').nth(1) {
        Some(kind) if kind.eq_ignore_ascii_case("users") => MemberType::User,
        Some(kind) if kind.eq_ignore_ascii_case("groups") => MemberType::Group,
        _ => MemberType::Unspecified,
    }
}
