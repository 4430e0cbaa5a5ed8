//! One user or group as a whole (RFC 7643, section 4).

use std::io::Read;

use serde_json::Value;

use super::attributes::{Attributes, truth};
use super::listed::Listed;
use super::{Endpoint, reading};
use crate::directory::{DirectoryChange, DirectoryDelta, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::facts::{Kind, Member};
use crate::import::names::{MAX_NAMES, Names, Unfit};
use crate::import::{Import, Place, RejectReason, Rejected, document};

/// The ranks of the attributes that name a user.
const USER_NAME: usize = 0;
const PRIMARY_EMAIL: usize = 1;
const EMAIL: usize = 2;
const EXTERNAL_ID: usize = 3;

/// A user or a group.
pub(super) enum Resource {
    User { id: UserId, names: Names },
    Group { id: GroupId, name: Option<String>, members: Option<Members> },
}

pub(super) type Members = Vec<Result<Member, RejectReason>>;

impl Resource {
    pub(super) fn new(resource: Value, endpoint: Endpoint) -> Result<Self, RejectReason> {
        let resource = Attributes::within(resource)?;
        let id = id(&resource)?;
        let id = id.ok_or(RejectReason::MissingField { field: "id", expected: "the id of the resource" })?;
        match endpoint {
            Endpoint::Users => Self::user(document::user_id(id, "id")?, &resource),
            Endpoint::Groups => Self::group(document::group_id(id, "id")?, &resource),
        }
    }

    fn user(id: UserId, user: &Attributes) -> Result<Self, RejectReason> {
        is_of(user, "user")?;
        Ok(Self::User { id, names: names(user)? })
    }

    fn group(id: GroupId, group: &Attributes) -> Result<Self, RejectReason> {
        is_of(group, "group")?;
        let name = group.text("displayName")?.map(str::to_owned);
        let members = group.list("members")?.map(|members| members.iter().map(member).collect());
        Ok(Self::Group { id, name, members })
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::User { id, .. } => id.as_str(),
            Self::Group { id, .. } => id.as_str(),
        }
    }
}

/// What changes by the body of a `PUT` or `POST` of a user, who has this id: their record is this one.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::UserId;
/// use activity_privacy::import::scim;
///
/// let body = br#"{"userName": "adele@contoso.com", "emails": [{"value": "a.vance@contoso.com"}], "active": "False"}"#;
/// let delta = scim::put_user(&UserId::new("u-1")?, &body[..])?.whole()?;
/// assert_eq!(delta.changes().len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Rejected`] when the body is no user, has no `userName`, or has another id.
pub fn put_user(id: &UserId, body: impl Read) -> Result<Import<DirectoryDelta>, Rejected> {
    let names = body_of(body, id.as_str()).and_then(|user| {
        is_of(&user, "user")?;
        names(&user)
    });
    let user = names.and_then(|names| {
        names.user(id.clone(), None, true).map_err(|unfit| match unfit {
            Unfit::Nameless => reading(None).nameless,
            Unfit::TooManyNames => RejectReason::TooManyNames { max: MAX_NAMES },
        })
    });
    let value = DirectoryDelta::new().user(user.map_err(in_whole)?);
    Ok(Import { value, read: 1, ignored: 0, rejected: Vec::new() })
}

/// What changes by the body of a `PUT` or `POST` of a group, which has this id: its name, and its members, if the body
/// speaks of them. As long as one of them is rejected, nobody is taken out.
///
/// # Errors
/// [`Rejected`] when the body is no group, or has another id.
pub fn put_group(
    before: &DirectorySnapshot,
    id: &GroupId,
    body: impl Read,
) -> Result<Import<DirectoryDelta>, Rejected> {
    let group = body_of(body, id.as_str()).and_then(|group| Resource::group(id.clone(), &group)).map_err(in_whole)?;
    let Resource::Group { name, members, .. } = group else { return Err(in_whole(RejectReason::NotAnObject)) };
    let name = name.as_deref().or(before.group_name(id)).unwrap_or(id.as_str());
    let mut changes = vec![DirectoryChange::Group(id.clone(), name.into())];
    let (mut read, mut rejected) = (1, Vec::new());
    if let Some(members) = members {
        let mut listed = Listed::new(before, id);
        let mut parties = Vec::new();
        for (at, member) in (1..).zip(members) {
            read += 1;
            match member.and_then(|member| listed.party(&member, true)) {
                Ok(party) => parties.push(party),
                Err(reason) => {
                    let place = Place::Page { page: 1, record: 1, member: Some(at) };
                    rejected.push(Rejected { place, reason });
                }
            }
        }
        if rejected.is_empty() {
            changes.extend(listed.remove_all_but(&parties));
        }
        changes.extend(listed.add(parties));
    }
    Ok(Import { value: changes, read, ignored: 0, rejected }.into_delta())
}

/// A body whose id, if it has one, is this.
fn body_of(body: impl Read, expected: &str) -> Result<Attributes, RejectReason> {
    let body = super::read(body)?;
    match id(&body)? {
        Some(id) if id != expected => {
            Err(RejectReason::InvalidField { field: "id", expected: "the id of the resource that the request is for" })
        }
        _ => Ok(body),
    }
}

pub(super) fn in_whole(reason: RejectReason) -> Rejected {
    Rejected { place: Place::Whole, reason }
}

fn id(resource: &Attributes) -> Result<Option<&str>, RejectReason> {
    let Some(id) = resource.text("id")? else { return Ok(None) };
    document::user_id(id, "id")?;
    document::group_id(id, "id")?;
    Ok(Some(id))
}

/// Whether a resource is of the kind that it is taken for, as far as it says.
fn is_of(resource: &Attributes, kind: &str) -> Result<(), RejectReason> {
    let expected = "the kind of resource that was asked for";
    let urn = format!("urn:ietf:params:scim:schemas:core:2.0:{kind}");
    resource.is_message(&urn, expected)?;
    let Some(meta) = resource.get("meta").filter(|meta| meta.is_object()).cloned() else { return Ok(()) };
    match Attributes::within(meta)?.text("resourceType")? {
        Some(said) if !said.eq_ignore_ascii_case(kind) => {
            Err(RejectReason::InvalidField { field: "meta.resourceType", expected })
        }
        _ => Ok(()),
    }
}

fn names(user: &Attributes) -> Result<Names, RejectReason> {
    let expected = "the name by which the user signs in";
    let user_name = user.text("userName")?.ok_or(RejectReason::MissingField { field: "userName", expected })?;
    let mut names = Names::default();
    names.add(USER_NAME, "userName", [user_name])?;
    for entry in user.list("emails")?.unwrap_or_default() {
        let email = Attributes::within(entry.clone())?;
        let primary = email.get("primary").map(|primary| truth(primary, "emails.primary")).transpose()?.flatten();
        let rank = if primary == Some(true) { PRIMARY_EMAIL } else { EMAIL };
        names.add(rank, "emails.value", email_address(&email)?)?;
    }
    names.add(EXTERNAL_ID, "externalId", user.text("externalId")?)?;
    names.enabled = user.get("active").map(|active| truth(active, "active")).transpose()?.flatten();
    Ok(names)
}

/// The address in an entry of `emails`, of which there must be one, be it blank.
pub(super) fn email_address(email: &Attributes) -> Result<Option<&str>, RejectReason> {
    let expected = "an address";
    match email.get("value") {
        None | Some(Value::Null) => Err(RejectReason::MissingField { field: "emails.value", expected }),
        Some(_) => document::text_of(email.get("value"), "emails.value"),
    }
}

/// One entry of `members`.
pub(super) fn member(entry: &Value) -> Result<Member, RejectReason> {
    let entry = Attributes::within(entry.clone())?;
    let expected = "the id of the member";
    let id = document::text_of(entry.get("value"), "members.value")?
        .ok_or(RejectReason::MissingField { field: "members.value", expected })?;
    document::user_id(id, "members.value")?;
    document::group_id(id, "members.value")?;
    let of_type = match document::text_of(entry.get("type"), "members.type")? {
        None => Kind::Unsaid,
        Some(said) if said.eq_ignore_ascii_case("user") => Kind::User,
        Some(said) if said.eq_ignore_ascii_case("group") => Kind::Group,
        Some(_) => {
            return Err(RejectReason::InvalidField { field: "members.type", expected: "`User` or `Group`" });
        }
    };
    let of_path = document::text_of(entry.get("$ref"), "members.$ref")?.map_or(Kind::Unsaid, kind_of_path);
    let kind = match (of_type, of_path) {
        (kind, Kind::Unsaid) | (Kind::Unsaid, kind) => kind,
        (kind, other) if kind == other => kind,
        _ => {
            return Err(RejectReason::InvalidField { field: "members.type", expected: "the same as in `$ref`" });
        }
    };
    Ok(Member { id: id.to_owned(), kind, removed: false })
}

/// What a reference such as `https://example.com/v2/Groups/1` leads to.
fn kind_of_path(path: &str) -> Kind {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.trim_end_matches('/').rsplit('/').nth(1) {
        Some(kind) if kind.eq_ignore_ascii_case("users") => Kind::User,
        Some(kind) if kind.eq_ignore_ascii_case("groups") => Kind::Group,
        _ => Kind::Unsaid,
    }
}
