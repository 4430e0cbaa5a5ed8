//! Users and groups from [SCIM 2.0][rfc7643]: list responses that the caller fetches, and requests that a provisioning
//! client sends.
//!
//! [`Lists`] reads the pages of `/Users` and `/Groups` and returns a whole directory. [`put_user`], [`put_group`],
//! [`patch_user`] and [`patch_group`] read the body of a `POST`, `PUT` or `PATCH` and return the changes to the
//! previous snapshot. [`bulk`] reads many such requests in one body, and [`Requests`] reads them with options. For a
//! `DELETE`, use [`DirectoryDelta::without_user`] or [`without_group`](DirectoryDelta::without_group).
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::scim::{self, Endpoint, Lists};
//! use activity_privacy::directory::{DirectoryChange, DirectoryRevision};
//! use activity_privacy::identity::{GroupId, UserId};
//!
//! let users = br#"{"totalResults": 1, "Resources": [{"id": "u-1", "userName": "adele@contoso.com"}]}"#;
//! let groups = br#"{"totalResults": 1, "Resources": [
//!     {"id": "g-1", "displayName": "Works council", "members": [{"value": "u-1", "type": "User"}]}]}"#;
//!
//! let mut lists = Lists::new();
//! lists.page(Endpoint::Users, &users[..])?;
//! lists.page(Endpoint::Groups, &groups[..])?;
//! let snapshot = lists.into_builder()?.into_complete()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//!
//! let (council, adele) = (GroupId::new("g-1")?, UserId::new("u-1")?);
//! let request = br#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{"op": "Remove", "path": "members[value eq \"u-1\"]"}]}"#;
//! let delta = scim::patch_group(&snapshot, &council, &request[..])?.into_complete()?;
//! assert_eq!(delta.changes(), [DirectoryChange::RemoveMember(council, adele)]);
//! # Ok(())
//! # }
//! ```
//!
//! # Nested groups are often missing
//! Many provisioning clients, such as that of Entra, send only the direct members of the assigned groups, and no nested
//! groups. A user who is in a private group only through a nested group is then not protected, and nothing in the feed
//! shows that. Import nested groups from [Graph](super::graph) instead.
//!
//! # Mapping
//! - A **record** is a resource, or one of the members that it lists. In a `PATCH`, a record is an operation, and an
//!   operation with any error is rejected as a whole. Records read = accepted + ignored + rejected.
//! - A user is identified by `id`, `userName`, `emails` and `externalId`. `userName` comes first and determines the
//!   home domain; the primary address precedes the others. `externalId` is the account or object id that the
//!   provisioning client uses. A user with `active` false is [disabled](crate::directory::UserStatus::Disabled). Other
//!   attributes are not read, nor is `groups`, which repeats the members of the groups. Names are cleaned as in
//!   [tables](super::csv#names), and a user with a damaged name is rejected.
//! - A group's name is its `displayName`, or its id if it has none.
//! - The type of a member is its `type`, or the path in `$ref`. Without either, it is the known type of the id. A
//!   member of unknown type is rejected, because a group mistaken for a user would protect no user. A member of any
//!   other type is rejected too, and so is an unknown group. In a list, a member of type `User` that is not in the list
//!   of users is rejected, unless that list is empty.
//! - Attribute names are case-insensitive, with or without the URN of their schema as a prefix (RFC 7643, section 2.1;
//!   RFC 7644, section 3.10). An attribute that occurs twice, even in different case, is rejected.
//! - Attributes nested under the URN of the core schema are attributes of the resource. A resource that contains an
//!   attribute both ways with different values is rejected. Extensions are not read, but an extension that contains
//!   `userName`, `emails` or `members` is rejected.
//! - A list is complete when the number of distinct resources reaches `totalResults`. Pages can come in any order and
//!   overlap. If no group of a list has members, the import is rejected, because `members` was probably excluded
//!   (`excludedAttributes`). Two resources with the same id contribute the names and members of both. If one resource
//!   is removed and another is added while the pages are read, an incomplete list can look complete. Request a stable
//!   order (`sortBy` the id) if the provider supports it.
//! - A `PUT` of a user replaces the user's record. A `PUT` of a group without `members` keeps the members, because the
//!   client may have omitted them.
//!
//! # PATCH requests in practice
//! - `op` is case-insensitive. If `path` is absent or the URN of the core schema, `value` is an object of paths.
//!   `value` may be an object instead of a list, and `active` may be a string (`"False"`). `remove` of `members` may
//!   list the members in `value`, as Entra sends it. Such a list must not be empty: only a `remove` without `value`
//!   removes all members.
//! - `path` is an attribute, or `members[value eq "..."]` to remove one member. Any other filter on members is
//!   rejected. A filter on `emails` is ignored, because names are never removed.
//! - An operation on any other attribute is ignored, and so is `remove` of an attribute that names a user.
//! - Names are only added. A [`User`](crate::directory::User) does not record which attribute a name came from, so a
//!   changed `userName` is put first, a changed address is added, and known names stay until a `PUT` or a list replaces
//!   them. A stale name hides too much; a lost name would hide too little.
//! - `replace` of `members`, and `remove` of all members, remove every known member and every group that could be
//!   nested in the group.
//!
//! This module uses `serde_json` instead of the crate `scim_v2`. The types of `scim_v2` match attribute names
//! case-sensitively, skip unknown attributes (`Members` would be dropped), and support none of these forms of `PATCH`.
//!
//! [rfc7643]: https://www.rfc-editor.org/rfc/rfc7643

mod attributes;
mod bulk_request;
mod group_members;
mod patch;
mod path;
mod request_state;
mod requests;
mod resource;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io::Read;

use thiserror::Error;

pub use self::requests::{Requests, bulk, patch_group, patch_user, put_group, put_user};

use self::attributes::Attributes;
use self::resource::Resource;
use super::facts::{ChangeSet, DirectoryFacts, MemberType, SourceRules};
use super::{EntryRejectReason, Import, Place, RejectedEntry, document};
use crate::directory::DirectoryBuilder;
#[cfg(doc)]
use crate::directory::DirectoryDelta;
use crate::steps::advance;

/// The maximum size of a page or of a request body, in bytes.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// The most values, at all depths, in the JSON of a page or of a request body.
pub const MAX_BODY_VALUES: usize = 1_000_000;

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The type of resource in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `/Users`.
    Users,
    /// `/Groups`.
    Groups,
}

/// A reader of the pages of the lists of users and groups; see the [module](self).
///
/// It holds one page at a time, of at most [`MAX_BODY_BYTES`] and [`MAX_BODY_VALUES`], and the data collected from all
/// pages.
#[derive(Default)]
pub struct Lists {
    users: ListProgress,
    groups: ListProgress,
    facts: DirectoryFacts,
    non_people: HashSet<String>,
    lists_members: bool,
    /// The members declared as users, with their places.
    declared_users: Vec<(Place, String)>,
    pages: u64,
    read: u64,
    ignored: u64,
    rejected: Vec<RejectedEntry>,
}

/// The part of a list that was read.
#[derive(Default)]
struct ListProgress {
    total: Option<u64>,
    /// The resources read, by id, or by index if the id cannot be read.
    seen: BTreeSet<SeenResource>,
    next: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SeenResource {
    ById(String),
    AtIndex(u64),
}

/// The error of a list that was not read completely.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{seen} {endpoint} were read, expected {}", total.map_or_else(|| "at least one page".into(), |total| total.to_string()))]
pub struct IncompleteList {
    /// The list.
    pub endpoint: Endpoint,
    /// The number of distinct resources read.
    pub seen: u64,
    /// The number of resources in the list, or `None` if no page was read.
    pub total: Option<u64>,
}

impl Lists {
    /// Creates a reader that has read no page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares member ids that do not belong to people, such as devices or placeholders. Members with these ids are
    /// [ignored](Import::ignored), even if the rest of the member is invalid. Call this before the first page.
    #[must_use]
    pub fn ignoring_members(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Returns the next `startIndex`, from 1, or `None` if the last page was read.
    #[must_use]
    pub fn next_index(&self, endpoint: Endpoint) -> Option<u64> {
        let list = match endpoint {
            Endpoint::Users => &self.users,
            Endpoint::Groups => &self.groups,
        };
        let next = list.next.max(1);
        list.total.is_none_or(|total| next <= total).then_some(next)
    }

    /// Reads a page of a list.
    ///
    /// A resource that is rejected is reported in the [`Import`]; the other resources of the page are accepted.
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the page is invalid or truncated, is empty before the end of its list, or has a
    /// different `totalResults` than the previous pages. Nothing of the page is accepted then.
    pub fn page(&mut self, endpoint: Endpoint, page: impl Read) -> Result<(), RejectedEntry> {
        let whole = |reason| RejectedEntry { place: Place::Whole, reason };
        let page = read(page).and_then(ListPage::new).map_err(whole)?;
        let list = match endpoint {
            Endpoint::Users => &mut self.users,
            Endpoint::Groups => &mut self.groups,
        };
        if list.total.is_some_and(|total| total != page.total) {
            return Err(whole(EntryRejectReason::ListChanged));
        }
        let seen = u64::try_from(list.seen.len()).unwrap_or(u64::MAX);
        if page.resources.is_empty() && seen < page.total {
            let expected = "resources, up to `totalResults`";
            return Err(whole(EntryRejectReason::MissingField { field: "Resources", expected }));
        }
        list.total = Some(page.total);
        let start = page.start.unwrap_or(list.next).max(1);
        self.pages += 1;
        for (record, resource) in (1..).zip(page.resources) {
            let index = start.saturating_add(record - 1);
            advance(1);
            let resource = Resource::new(resource, endpoint, &self.non_people);
            list.next = list.next.max(index.saturating_add(1));
            list.seen.insert(match &resource {
                Ok(resource) => SeenResource::ById(resource.id().to_owned()),
                Err(_) => SeenResource::AtIndex(index),
            });
            self.read += 1;
            let page = self.pages;
            let place = |member| Place::Page { page, record, member };
            match resource {
                Err(reason) => self.rejected.push(RejectedEntry { place: place(None), reason }),
                Ok(Resource::User { id, names }) => self.facts.user(id, names, place(None)),
                Ok(Resource::Group { id, name, members }) => {
                    self.facts.group(id.clone(), name);
                    self.lists_members |= members.as_ref().is_some_and(|members| !members.is_empty());
                    for (at, member) in (1..).zip(members.unwrap_or_default()) {
                        self.read += 1;
                        advance(1);
                        match member {
                            Ok(None) => self.ignored += 1,
                            Ok(Some(member)) => {
                                if member.kind == MemberType::User {
                                    self.declared_users.push((place(Some(at)), member.id.clone()));
                                }
                                self.facts.member(id.clone(), member, place(Some(at)));
                            }
                            Err(reason) => self.rejected.push(RejectedEntry { place: place(Some(at)), reason }),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the whole directory.
    ///
    /// # Errors
    /// Returns [`IncompleteList`] if a list was not read completely.
    pub fn into_builder(mut self) -> Result<Import<DirectoryBuilder>, IncompleteList> {
        for (endpoint, list) in [(Endpoint::Users, &self.users), (Endpoint::Groups, &self.groups)] {
            let seen = u64::try_from(list.seen.len()).unwrap_or(u64::MAX);
            // A list that changed between pages can contain one resource twice and omit another.
            if list.total.is_none_or(|total| seen < total) {
                return Err(IncompleteList { endpoint, seen, total: list.total });
            }
        }
        if self.facts.groups().next().is_some() && !self.lists_members {
            let expected = "members of at least one group; do not exclude `members`";
            let reason = EntryRejectReason::MissingField { field: "members", expected };
            self.rejected.push(RejectedEntry { place: Place::Whole, reason });
        }
        let Self { users, facts, declared_users, non_people, read, mut ignored, mut rejected, .. } = self;
        advance(declared_users.len());
        // If the list of users is empty, members are known by id alone.
        if !users.seen.is_empty() {
            let unknown =
                declared_users.into_iter().filter(|(_, id)| !users.seen.contains(&SeenResource::ById(id.clone())));
            let reason = EntryRejectReason::UnknownMember { count: 1 };
            rejected.extend(unknown.map(|(place, _)| RejectedEntry { place, reason: reason.clone() }));
        }
        let ChangeSet { changes: value, ignored: unnamed, rejected: unknown } = facts.changes(&SourceRules {
            before: None,
            complete_records: true,
            not_requested: None,
            non_people: &non_people,
            missing_name: missing_name(),
            missing_type: missing_type(),
        });
        ignored += unnamed;
        rejected.extend(unknown);
        rejected.sort_by_key(|rejected| rejected.place);
        Ok(Import { value, read, ignored, rejected }.into_builder())
    }
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lists").field("pages", &self.pages).finish_non_exhaustive()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Groups => "groups",
        })
    }
}

/// A page of a list.
struct ListPage {
    start: Option<u64>,
    total: u64,
    resources: Vec<serde_json::Value>,
}

impl ListPage {
    fn new(page: Attributes) -> Result<Self, EntryRejectReason> {
        page.check_schemas(LIST_RESPONSE, "the URN of a list response")?;
        let expected = "the total number of resources";
        let total =
            page.number("totalResults")?.ok_or(EntryRejectReason::MissingField { field: "totalResults", expected })?;
        let start = page.number("startIndex")?;
        let resources = page.list("Resources")?.unwrap_or_default().to_vec();
        Ok(Self { start, total, resources })
    }
}

fn read(source: impl Read) -> Result<Attributes, EntryRejectReason> {
    Attributes::new(document::read(source, MAX_BODY_BYTES, MAX_BODY_VALUES)?)
}

fn missing_name() -> EntryRejectReason {
    EntryRejectReason::MissingField { field: "userName", expected: "the sign-in name of the user" }
}

fn missing_type() -> EntryRejectReason {
    let expected = "`User` or `Group`, a `$ref` to `Users` or `Groups`, or the id of a known user or group";
    EntryRejectReason::MissingField { field: "members.type", expected }
}
