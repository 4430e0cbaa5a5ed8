//! Users and groups from [Microsoft Graph][graph], as full listings or as the changes since the last sync.
//!
//! A [`Sync`] receives the listings to read, returns the next link to fetch, and reads the pages. It does not fetch
//! anything itself. When no page is pending, it becomes a [`DirectoryBuilder`], or a [`DirectoryDelta`] to the previous
//! snapshot.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::graph::{Listing, Sync};
//! use activity_privacy::directory::DirectoryRevision;
//! use activity_privacy::identity::GroupId;
//!
//! # fn fetch(link: &str) -> &'static [u8] {
//! #     if link.contains("users") {
//! #         br##"{"@odata.deltaLink": "https://graph.example/users/delta?$deltatoken=1", "value": [
//! #             {"id": "u-1", "userPrincipalName": "adele@contoso.com", "mail": null}]}"##
//! #     } else {
//! #         br##"{"@odata.deltaLink": "https://graph.example/groups/delta?$deltatoken=1", "value": [
//! #             {"id": "g-1", "displayName": "Works council", "members@delta": [
//! #                 {"@odata.type": "#microsoft.graph.user", "id": "u-1"}]}]}"##
//! #     }
//! # }
//! let mut sync = Sync::new();
//! sync.ask(Listing::Users, "https://graph.example/users/delta?$select=userPrincipalName,mail,proxyAddresses");
//! sync.ask(Listing::Groups, "https://graph.example/groups/delta?$select=displayName,members");
//! while let Some(link) = sync.next_link().map(str::to_owned) {
//!     sync.page(&link, fetch(&link))?;
//! }
//! let next_time: Vec<String> = sync.delta_links().map(|(_, link)| link.to_owned()).collect();
//! assert_eq!(next_time.len(), 2);
//!
//! let snapshot = sync.into_builder()?.into_complete()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! assert_eq!(snapshot.all_members(&GroupId::new("g-1")?).len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What to request
//! - [Delta queries][delta]: `/users/delta?$select=userPrincipalName,mail,proxyAddresses,accountEnabled`, with
//!   `otherMails`, `onPremisesUserPrincipalName`, `onPremisesSamAccountName` and, for customer tenants, `identities`
//!   where these names identify people, and `/groups/delta?$select=displayName,members`. The first sync returns the
//!   whole directory. For the next sync, request its [delta links](Sync::delta_links) once the result is in force. If
//!   Graph answers that a link is too old (410), start again without one.
//! - Plain listings: `/users` and `/groups` with the same `$select`, then `/groups/{id}/members` for each group. There
//!   is no result without the members of every listed group. Nested groups are listed as groups, so do not request
//!   `transitiveMembers`. A listing of members of only one type is rejected, because it omits nested groups. A page
//!   whose `@odata.context` names another collection than the requested one is rejected too.
//!
//! Send requests without `$filter`, as an application with the permission `Member.Read.Hidden` to read hidden
//! memberships. Graph omits objects that the application may not read, and the response does not show it. Provisioning
//! feeds without nested groups, such as that of Entra, are incomplete in the same way: they protect too few users.
//!
//! # Mapping
//! - A **record** is an entry of a page, or one of the members that a group lists. Records read = accepted + ignored +
//!   rejected.
//! - A user is identified by `id`, `userPrincipalName`, `mail`, the `proxyAddresses` that are mail (`smtp:`) or chat
//!   (`sip:`) addresses, and, if requested, `otherMails`, `onPremisesUserPrincipalName`, `onPremisesSamAccountName` and
//!   the `issuerAssignedId` of each of `identities`. `userPrincipalName` comes first and determines the home domain.
//!   Other kinds of proxy addresses are skipped. Names are cleaned as in [tables](super::csv#names), and a user with a
//!   damaged name is rejected. A user with `accountEnabled` false is
//!   [disabled](crate::directory::UserStatus::Disabled). `userType` is not read: `#EXT#` identifies a guest. `mail`
//!   does not determine the home domain, because anyone may have set it.
//! - A user record without `userPrincipalName` is rejected if no name of the user is known: activities that name the
//!   user would not match the id alone. A record whose `userPrincipalName` is `null` is accepted if it contains another
//!   name. That name does not determine a home domain, so the user is external.
//! - A user or group with `@removed`, either `changed` (it can be restored) or `deleted`, has [no
//!   record](DirectoryDelta::without_user) from then on. Graph returns only its id. The library remembers the user's
//!   names as long as a group lists the user, which is until `members@delta` removes them.
//! - A group without `displayName` keeps its previous name, or is named by its id if it had none.
//! - The type of a member is its `@odata.type`. Devices, contacts, service principals and applications are ignored; the
//!   built-in group protects applications. An unknown type is rejected. A member without a type has the known type of
//!   its id, from this sync or the previous snapshot. A member of unknown type is rejected, because a group mistaken
//!   for a user would protect no user. A member group that neither this sync nor the previous snapshot contains is
//!   rejected too. Ids that do not belong to people can be [excluded](Sync::ignoring_members).
//!
//! # Absent properties
//! A record in a delta can contain some of the properties only. An absent property keeps its known value; `null` means
//! that it has no value. A [`User`](crate::directory::User) does not record which property a name came from. The
//! previous names are therefore dropped only if the records of this sync contain every property that names a user, or
//! if the caller declares that [records are complete](Sync::with_whole_records). `identities` is required only if any
//! record of the sync contains it. Otherwise names are only added. A stale name hides too much; a lost name would hide
//! too little.
//!
//! # Order
//! Graph may repeat an object, split it across pages and return objects in any order, so the order of pages does not
//! matter. If the records of a sync contradict each other, the safer one applies. A member that is both listed and
//! removed is listed. An object that both exists and is removed exists. Two records of one user contribute the names of
//! both, in alphabetical order.
//!
//! [graph]: https://learn.microsoft.com/graph/overview
//! [delta]: https://learn.microsoft.com/graph/delta-query-overview

mod names;
mod page;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Read;

use thiserror::Error;

use self::page::{GroupRecord, MemberEntry, PageEnd, PageEntry};
use super::facts::{ChangeSet, DirectoryFacts, SourceRules};
use super::{EntryRejectReason, Import, Place, RejectedEntry, document};
use crate::directory::{DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot};
use crate::identity::GroupId;
use crate::steps::advance;

/// The maximum size of a page, in bytes.
pub const MAX_PAGE_BYTES: usize = 16 << 20;

/// The most values, at all depths, in the JSON of a page.
pub const MAX_PAGE_VALUES: usize = 1_000_000;

/// A listing to request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// The users.
    Users,
    /// The groups.
    Groups,
    /// The direct members of one group.
    Members(GroupId),
}

/// A reader of the pages of one sync; see the [module](self).
///
/// It holds one page at a time, of at most [`MAX_PAGE_BYTES`] and [`MAX_PAGE_VALUES`], and the data collected from all
/// pages.
#[derive(Default)]
pub struct Sync {
    /// The pending listings, by link.
    open: BTreeMap<String, RequestedListing>,
    followed: HashSet<String>,
    /// The listings that the caller requested, each with its first link.
    first: Vec<(RequestedListing, String)>,
    delta_links: Vec<(Listing, String)>,
    complete_records: bool,
    non_people: HashSet<String>,
    /// Whether any user record contains `identities`.
    has_identities: bool,
    /// Whether any group record contains members.
    lists_members: bool,
    facts: DirectoryFacts,
    pages: u64,
    read: u64,
    ignored: u64,
    rejected: Vec<RejectedEntry>,
}

#[derive(Clone)]
struct RequestedListing {
    listing: Listing,
    is_delta: bool,
}

/// The reason why a sync has no result, or not the requested one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IncompleteSync {
    /// Pages that the caller requested, or to which other pages link, were not read.
    #[error("{open} pages were not read; read all requested pages and their next pages")]
    PagesOpen {
        /// The number of pending links.
        open: usize,
    },
    /// The caller did not request a listing that the result needs.
    #[error("users or groups were not requested; request both for a whole directory, or one of them for a delta")]
    NotAsked,
    /// The caller did not request the members of a group from a plain listing.
    #[error("the members of group `{group}` were not requested; request the members of every group")]
    MembersNotAsked {
        /// The first such group.
        group: GroupId,
    },
    /// The caller requested a link from the middle of a listing, so the sync misses the earlier entries.
    #[error("a link with a skip token was requested; start with the first page of a listing")]
    BegunInTheMiddle,
    /// The caller requested a link with a delta token. Its pages contain changes, not a whole directory.
    #[error("a link with a delta token was requested; start without one for a whole directory")]
    OnlyChanges,
    /// The caller requested a plain listing. Its pages do not show which objects were removed.
    #[error("a plain listing was requested; use delta queries for a delta")]
    NoChanges,
}

impl Sync {
    /// Creates a sync without any request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that user records are complete: a property that is absent from a record was never set.
    ///
    /// Graph answers a delta query this way without the header `Prefer: return=minimal`, if `$select` was absent or
    /// listed every property ever requested. Previous names that the record does not contain are then dropped.
    #[must_use]
    pub fn with_whole_records(self) -> Self {
        Self { complete_records: true, ..self }
    }

    /// Declares member ids that do not belong to people, such as devices or placeholders. Members with these ids are
    /// [ignored](Import::ignored), even if the rest of the member is invalid. A user record with such an id and without
    /// a name is ignored too; a record that cannot be read is still rejected. Call this before the first page.
    #[must_use]
    pub fn ignoring_members(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Requests a listing by the link of its first page. Requesting the same link again has no effect.
    pub fn ask(&mut self, listing: Listing, link: impl Into<String>) {
        let link = link.into();
        if self.followed.contains(&link) || self.open.contains_key(&link) {
            return;
        }
        let asked = RequestedListing { listing, is_delta: is_delta(&link) };
        self.first.push((asked.clone(), link.clone()));
        self.open.insert(link, asked);
    }

    /// Returns a link to fetch, or `None` if no page is pending.
    #[must_use]
    pub fn next_link(&self) -> Option<&str> {
        self.open.keys().next().map(String::as_str)
    }

    /// Returns the groups listed so far, in order. With plain listings, the caller requests the members of each.
    pub fn groups(&self) -> impl Iterator<Item = &GroupId> {
        self.facts.groups()
    }

    /// Reads the page that was fetched from a pending link. If it links to a next page, that page becomes pending.
    ///
    /// An entry that is rejected is reported in the [`Import`]; the other entries of the page are accepted.
    ///
    /// # Errors
    /// Returns [`RejectedEntry`] if the page is invalid or truncated, or the link is not pending. Nothing of the page
    /// is accepted then, and the link stays pending.
    pub fn page(&mut self, link: &str, page: impl Read) -> Result<(), RejectedEntry> {
        let whole = |reason| RejectedEntry { place: Place::Whole, reason };
        let asked = self.open.get(link).cloned().ok_or(whole(EntryRejectReason::LinkNotPending))?;
        let page = document::read(page, MAX_PAGE_BYTES, MAX_PAGE_VALUES)
            .and_then(|page| page::read(page, &asked.listing, asked.is_delta, &self.non_people))
            .map_err(whole)?;
        match page.end {
            // Following such a link would never end.
            PageEnd::Next(next) if next == link || self.followed.contains(&next) || self.open.contains_key(&next) => {
                let expected = "a link that differs from those of all other pages";
                return Err(whole(EntryRejectReason::InvalidField { field: "@odata.nextLink", expected }));
            }
            PageEnd::Next(next) => {
                self.open.insert(next, asked);
            }
            PageEnd::Delta(delta) => self.delta_links.push((asked.listing, delta)),
            PageEnd::Last => {}
        }
        self.open.remove(link);
        self.followed.insert(link.to_owned());
        self.pages += 1;
        self.has_identities |= page.has_identities;
        for (record, entry) in (1..).zip(page.entries) {
            self.add_entry(entry, record);
        }
        Ok(())
    }

    fn add_entry(&mut self, entry: Result<PageEntry, EntryRejectReason>, record: u64) {
        let page = self.pages;
        let place = |member| Place::Page { page, record, member };
        self.read += 1;
        advance(1);
        let entry = match entry {
            Ok(entry) => entry,
            Err(reason) => return self.rejected.push(RejectedEntry { place: place(None), reason }),
        };
        match entry {
            PageEntry::User(id, Some(names)) => self.facts.user(id, names, place(None)),
            PageEntry::User(id, None) => self.facts.remove_user(id),
            PageEntry::Group(id, None) => self.facts.remove_group(id),
            PageEntry::Group(group, Some(GroupRecord { name, members })) => {
                self.facts.group(group.clone(), name);
                self.lists_members |= members.is_some();
                for (at, member) in (1..).zip(members.unwrap_or_default()) {
                    self.read += 1;
                    advance(1);
                    match member {
                        Ok(MemberEntry::Member(member)) => self.facts.member(group.clone(), member, place(Some(at))),
                        Ok(MemberEntry::Ignored) => self.ignored += 1,
                        Err(reason) => self.rejected.push(RejectedEntry { place: place(Some(at)), reason }),
                    }
                }
            }
            PageEntry::Member(group, member, names) => {
                if let (Some(names), Ok(id)) = (names, document::user_id(&member.id, "id")) {
                    self.facts.user_in_member_list(id, names, place(None));
                }
                self.facts.member(group, member, place(None));
            }
            PageEntry::Ignored => self.ignored += 1,
        }
    }

    /// Returns the links that start the next sync, one for each completed delta query.
    ///
    /// Store them once the result of this sync is in force, and not before: Graph returns each change only once.
    pub fn delta_links(&self) -> impl Iterator<Item = (&Listing, &str)> {
        self.delta_links.iter().map(|(listing, link)| (listing, link.as_str()))
    }

    /// Returns the whole directory.
    ///
    /// With delta queries, the import is rejected if no group has members, because `members` was then missing from
    /// `$select`.
    ///
    /// # Errors
    /// Returns [`IncompleteSync`] if pages are pending, if users, groups or the members of a group were not requested,
    /// or if the sync started with a delta link or in the middle of a listing.
    pub fn into_builder(mut self) -> Result<Import<DirectoryBuilder>, IncompleteSync> {
        self.finished()?;
        let asked = |listing: &Listing| self.first.iter().any(|(asked, _)| asked.listing == *listing);
        if !asked(&Listing::Users) || !asked(&Listing::Groups) {
            return Err(IncompleteSync::NotAsked);
        }
        if self.first.iter().any(|(_, link)| has_token(link, "deltatoken")) {
            return Err(IncompleteSync::OnlyChanges);
        }
        if self.first.iter().any(|(asked, _)| asked.listing == Listing::Groups && !asked.is_delta) {
            let listed: HashSet<&Listing> = self.first.iter().map(|(asked, _)| &asked.listing).collect();
            let unasked = self.facts.groups().find(|group| !listed.contains(&Listing::Members((*group).clone())));
            if let Some(group) = unasked {
                return Err(IncompleteSync::MembersNotAsked { group: group.clone() });
            }
        } else if self.facts.groups().next().is_some() && !self.lists_members {
            let expected = "members of at least one group; add `members` to `$select`";
            let reason = EntryRejectReason::MissingField { field: "members@delta", expected };
            self.rejected.push(RejectedEntry { place: Place::Whole, reason });
        }
        Ok(self.import(None).into_builder())
    }

    /// Returns the changes since `before`, which must be the snapshot that the last sync led to.
    ///
    /// A sync that started without a delta link does not show which members left in the meantime; build a whole
    /// directory from it.
    ///
    /// # Errors
    /// Returns [`IncompleteSync`] if pages are pending, if nothing or a plain listing was requested, or if the sync
    /// started in the middle of a listing.
    pub fn into_delta(self, before: &DirectorySnapshot) -> Result<Import<DirectoryDelta>, IncompleteSync> {
        self.finished()?;
        if self.first.is_empty() {
            return Err(IncompleteSync::NotAsked);
        }
        if self.first.iter().any(|(asked, _)| !asked.is_delta) {
            return Err(IncompleteSync::NoChanges);
        }
        Ok(self.import(Some(before)).into_delta())
    }

    fn finished(&self) -> Result<(), IncompleteSync> {
        if self.first.iter().any(|(_, link)| has_token(link, "skiptoken")) {
            return Err(IncompleteSync::BegunInTheMiddle);
        }
        match self.open.len() {
            0 => Ok(()),
            open => Err(IncompleteSync::PagesOpen { open }),
        }
    }

    fn import(self, before: Option<&DirectorySnapshot>) -> Import<Vec<DirectoryChange>> {
        let Self { facts, complete_records, non_people, has_identities, read, mut ignored, mut rejected, .. } = self;
        let ChangeSet { changes: value, ignored: unnamed, rejected: unknown } = facts.changes(&SourceRules {
            before,
            complete_records,
            not_requested: (!has_identities).then_some(names::IDENTITIES),
            non_people: &non_people,
            missing_name: EntryRejectReason::MissingField {
                field: "userPrincipalName",
                expected: "the sign-in name or, if it is null, another name; add both to `$select`",
            },
            missing_type: EntryRejectReason::MissingField {
                field: "@odata.type",
                expected: "a type, or the id of a known user or group",
            },
        });
        ignored += unnamed;
        rejected.extend(unknown);
        rejected.sort_by_key(|rejected| rejected.place);
        Import { value, read, ignored, rejected }
    }
}

impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sync").field("open", &self.open.len()).field("pages", &self.pages).finish_non_exhaustive()
    }
}

/// Returns whether a link is a delta query: `/users/delta`, `/groups/delta()`, `/groups/microsoft.graph.delta`.
fn is_delta(link: &str) -> bool {
    let path = link.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let function = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(function.trim_end_matches("()"), "delta" | "microsoft.graph.delta")
}

/// Returns whether a link continues an earlier sync (`deltatoken`) or page (`skiptoken`).
fn has_token(link: &str, token: &str) -> bool {
    link.to_ascii_lowercase().contains(token)
}
