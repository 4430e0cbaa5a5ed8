//! Users and groups from [SCIM 2.0][rfc7643]: lists that are fetched, and requests that a provisioning client sends.
//!
//! [`Lists`] takes the pages of `/Users` and `/Groups` and gives a whole directory. [`put_user`], [`put_group`],
//! [`patch_user`] and [`patch_group`] turn the bodies of `POST`, `PUT` and `PATCH` into what changes in the snapshot
//! before, and [`bulk`] does so with many of them in one body. [`Requests`] reads the same with options. For a
//! `DELETE`, say [`DirectoryDelta::without_user`] or [`without_group`](DirectoryDelta::without_group).
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
//! # Whom a feed leaves out
//! Many provisioning clients send the direct members of the groups assigned to them, and no nested groups: the one of
//! Entra does so. Who is in a private group by way of another group is then not in it here, and nothing in the feed
//! shows that. Such a source protects too few; take nested groups from [Graph](super::graph) instead.
//!
//! # What becomes of it
//! - A **record** is a resource, and so is each member that it lists; in a `PATCH`, a record is an operation, and one
//!   that is wrong anywhere is rejected as a whole: read = taken + ignored + rejected.
//! - A user is known by their `id`, by `userName`, which comes first and tells their home, by `emails`, the primary one
//!   first, and by `externalId`, which is the account or object id that the provisioning client knows them by. Whoever
//!   is not `active` is [disabled](crate::directory::UserStatus::Disabled). Other attributes are not read, `groups` neither: it
//!   repeats what the groups say. A name is cleaned as in [tables](super::csv#names), and a user with a name that is
//!   damaged is rejected.
//! - A group is shown by its `displayName`, and by its id if it has none.
//! - A member is a user or a group by `type`, or by the path in `$ref`; without either, as when it is an id alone, it
//!   is what its id is known for. One whom nobody knows is rejected, because a group taken for a user would protect
//!   nobody; any other type is rejected too, and so is a group of which nothing is known. In lists, a member of the type
//!   `User` who is not in the list of users is rejected, unless that list is empty.
//! - Attribute names are read in any case, with or without the URN of their schema before them (RFC 7643, section 2.1;
//!   RFC 7644, section 3.10). An attribute given twice, be it in different case, is refused.
//! - Attributes in an object under the URN of the core schema are those of the resource. A resource that gives one both
//!   ways, and not alike, is rejected. Extensions are not read; one that holds `userName`, `emails` or `members` is
//!   rejected.
//! - A page of a list counts as read only if the number of different resources comes up to `totalResults` in the end;
//!   pages can come in any order and overlap. Groups of which not one has members, in a list, are rejected: then
//!   `members` was left out (`excludedAttributes`). Two resources of one id give the names and members of both. A list
//!   in which something goes and something else comes while its pages are read can pass for whole: ask for it in a
//!   stable order (`sortBy` the id), where the provider knows one.
//! - `PUT` of a user replaces their record. `PUT` of a group without `members` keeps them, because that can also mean
//!   that they were left out.
//!
//! # PATCH, as it is sent
//! - `op` in any case; `path` absent or the URN of the core schema, then `value` is an object of paths; `value` an
//!   object where a list is meant; `active` as a text (`"False"`); `remove` of `members` with those to remove in
//!   `value`, which Entra sends, and which must name somebody: only without any `value` are all removed.
//! - `path` is an attribute, or `members[value eq "..."]` to remove one member. Any other filter on members is
//!   rejected. A filter on `emails` does not matter, because of the next sentence.
//! - What concerns no name, no `active` and no member is ignored, and so is `remove` of what names a user.
//! - UserNames only ever add up: a [`User`](crate::directory::User) does not tell which attribute gave which name, so a changed
//!   `userName` comes first, a changed address is added, and what was known stays until a `PUT` or a list. A stale name
//!   hides too much, a lost one too little.
//! - `replace` of `members`, and `remove` of all, take out whoever the snapshot before knows in the group and every
//!   group that could be nested in it.
//!
//! Read with `serde_json` and not with the crate `scim_v2`, whose types match attribute names exactly, pass over those
//! that they do not know (`Members` would be nobody) and have none of the forms of `PATCH` above.
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
use super::{Import, Place, RejectReason, Rejected, document};
use crate::directory::DirectoryBuilder;
#[cfg(doc)]
use crate::directory::DirectoryDelta;
use crate::steps::advance;

/// The longest that a page or the body of a request may be, in bytes.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// The most values that the JSON of a page or of a body may hold at all depths.
pub const MAX_BODY_VALUES: usize = 1_000_000;

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Which resources a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `/Users`.
    Users,
    /// `/Groups`.
    Groups,
}

/// Collects the pages of the lists of users and of groups; see the [module](self).
///
/// Holds one page at a time, of at most [`MAX_BODY_BYTES`] and [`MAX_BODY_VALUES`], and what all of them said.
#[derive(Default)]
pub struct Lists {
    users: ListProgress,
    groups: ListProgress,
    facts: DirectoryFacts,
    non_people: HashSet<String>,
    speaks_of_members: bool,
    /// The members that are said to be users, and where.
    said_users: Vec<(Place, String)>,
    pages: u64,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

/// How far a list was read.
#[derive(Default)]
struct ListProgress {
    total: Option<u64>,
    /// The resources that were seen, by their ids, or by their places if those cannot be read.
    seen: BTreeSet<SeenResource>,
    next: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SeenResource {
    ById(String),
    AtIndex(u64),
}

/// Not all of what a list announces was read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{seen} {endpoint} were read, expected {}", total.map_or_else(|| "a list of them".into(), |total| total.to_string()))]
pub struct IncompleteList {
    /// Which list.
    pub endpoint: Endpoint,
    /// How many different resources of it were read.
    pub seen: u64,
    /// How many there are, if any page was read.
    pub total: Option<u64>,
}

impl Lists {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which member ids are known to be of no people here, such as devices or placeholders. As members they are
    /// [ignored](Import::ignored), whatever else is wrong with them. Say this before the first page.
    #[must_use]
    pub fn with_non_people(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// The `startIndex` to go on with, from 1, or nothing when the last page was read.
    #[must_use]
    pub fn next_index(&self, endpoint: Endpoint) -> Option<u64> {
        let list = match endpoint {
            Endpoint::Users => &self.users,
            Endpoint::Groups => &self.groups,
        };
        let next = list.next.max(1);
        list.total.is_none_or(|total| next <= total).then_some(next)
    }

    /// Takes a page of a list.
    ///
    /// # Errors
    /// [`Rejected`] when the page is none, not to its end, empty before the end of its list, or says another
    /// `totalResults` than those before. Then nothing of it was taken. A resource that is rejected is kept for the
    /// [`Import`] instead, and the others are taken.
    pub fn page(&mut self, endpoint: Endpoint, page: impl Read) -> Result<(), Rejected> {
        let whole = |reason| Rejected { place: Place::Whole, reason };
        let page = read(page).and_then(ListPage::new).map_err(whole)?;
        let list = match endpoint {
            Endpoint::Users => &mut self.users,
            Endpoint::Groups => &mut self.groups,
        };
        if list.total.is_some_and(|total| total != page.total) {
            return Err(whole(RejectReason::ListChanged));
        }
        let seen = u64::try_from(list.seen.len()).unwrap_or(u64::MAX);
        if page.resources.is_empty() && seen < page.total {
            let expected = "resources, up to `totalResults`";
            return Err(whole(RejectReason::MissingField { field: "Resources", expected }));
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
                Err(reason) => self.rejected.push(Rejected { place: place(None), reason }),
                Ok(Resource::User { id, names }) => self.facts.user(id, names, place(None)),
                Ok(Resource::Group { id, name, members }) => {
                    self.facts.group(id.clone(), name);
                    self.speaks_of_members |= members.as_ref().is_some_and(|members| !members.is_empty());
                    for (at, member) in (1..).zip(members.unwrap_or_default()) {
                        self.read += 1;
                        advance(1);
                        match member {
                            Ok(None) => self.ignored += 1,
                            Ok(Some(member)) => {
                                if member.kind == MemberType::User {
                                    self.said_users.push((place(Some(at)), member.id.clone()));
                                }
                                self.facts.member(id.clone(), member, place(Some(at)));
                            }
                            Err(reason) => self.rejected.push(Rejected { place: place(Some(at)), reason }),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The whole directory.
    ///
    /// # Errors
    /// [`IncompleteList`] as long as one of the lists was not read to its end.
    pub fn into_builder(mut self) -> Result<Import<DirectoryBuilder>, IncompleteList> {
        for (endpoint, list) in [(Endpoint::Users, &self.users), (Endpoint::Groups, &self.groups)] {
            let seen = u64::try_from(list.seen.len()).unwrap_or(u64::MAX);
            // A list that moved while it was read can give one resource twice and another never.
            if list.total.is_none_or(|total| seen < total) {
                return Err(IncompleteList { endpoint, seen, total: list.total });
            }
        }
        if self.facts.groups().next().is_some() && !self.speaks_of_members {
            let expected = "the members of at least one group: do not leave out `members`";
            let reason = RejectReason::MissingField { field: "members", expected };
            self.rejected.push(Rejected { place: Place::Whole, reason });
        }
        let Self { users, facts, said_users, non_people, read, mut ignored, mut rejected, .. } = self;
        advance(said_users.len());
        // Where the list of users is empty, members are known by the id alone.
        if !users.seen.is_empty() {
            let strangers =
                said_users.into_iter().filter(|(_, id)| !users.seen.contains(&SeenResource::ById(id.clone())));
            let reason = RejectReason::UnknownMember { count: 1 };
            rejected.extend(strangers.map(|(place, _)| Rejected { place, reason: reason.clone() }));
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

/// What stands on a page of a list.
struct ListPage {
    start: Option<u64>,
    total: u64,
    resources: Vec<serde_json::Value>,
}

impl ListPage {
    fn new(page: Attributes) -> Result<Self, RejectReason> {
        page.check_schemas(LIST_RESPONSE, "the URN of a list response")?;
        let expected = "how many resources there are in all";
        let total =
            page.number("totalResults")?.ok_or(RejectReason::MissingField { field: "totalResults", expected })?;
        let start = page.number("startIndex")?;
        let resources = page.list("Resources")?.unwrap_or_default().to_vec();
        Ok(Self { start, total, resources })
    }
}

fn read(source: impl Read) -> Result<Attributes, RejectReason> {
    Attributes::new(document::read(source, MAX_BODY_BYTES, MAX_BODY_VALUES)?)
}

fn missing_name() -> RejectReason {
    RejectReason::MissingField { field: "userName", expected: "the name by which the user signs in" }
}

fn missing_type() -> RejectReason {
    let expected = "`User` or `Group`, a `$ref` to `Users` or `Groups`, or a member that is known for either";
    RejectReason::MissingField { field: "members.type", expected }
}
