//! Users and groups from [Microsoft Graph][graph], as full listings or as the changes since the last time.
//!
//! A [`Sync`] is told what to ask for, says which link to fetch next, and takes the answers. It fetches nothing by
//! itself. When no page is open any more, it is a [`DirectoryBuilder`], or a [`DirectoryDelta`] on the snapshot before.
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
//! let mut round = Sync::new();
//! round.ask(Listing::Users, "https://graph.example/users/delta?$select=userPrincipalName,mail,proxyAddresses");
//! round.ask(Listing::Groups, "https://graph.example/groups/delta?$select=displayName,members");
//! while let Some(link) = round.next_link().map(str::to_owned) {
//!     round.page(&link, fetch(&link))?;
//! }
//! let next_time: Vec<String> = round.delta_links().map(|(_, link)| link.to_owned()).collect();
//! assert_eq!(next_time.len(), 2);
//!
//! let snapshot = round.into_builder()?.into_complete()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! assert_eq!(snapshot.all_members(&GroupId::new("g-1")?).len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What to ask for
//! - [Delta queries][delta]: `/users/delta?$select=userPrincipalName,mail,proxyAddresses,accountEnabled`, with
//!   `otherMails`, `onPremisesUserPrincipalName`, `onPremisesSamAccountName` and, for customers, `identities` where
//!   people are known by them, and `/groups/delta?$select=displayName,members`. The first round is the whole state. For
//!   the next one, ask for its [delta links](Sync::delta_links) once the result is in force. When Graph answers that a
//!   link is too old (410), begin anew without one.
//! - Plain listings: `/users` and `/groups` with the same `$select`, then `/groups/{id}/members` for each group.
//!   Without the members of every group that was listed there is no result. Groups nested in groups are listed as such:
//!   never ask for `transitiveMembers`. A listing of members of one type alone is refused, because it leaves out nested
//!   groups.
//!
//! Ask without `$filter`, and as an application that may read hidden memberships (`MemberRecord.Read.Hidden`): Graph leaves
//! out what it does not show, and nothing in the answer says so. The same goes for provisioning feeds that tell no
//! nested groups, as that of Entra: they protect too few.
//!
//! # What becomes of it
//! - A **record** is an entry of a page, and so is each member that a group lists: read = taken + ignored + rejected.
//! - A user is known by their `id`, by `userPrincipalName`, which comes first and tells their home, `mail`,
//!   `proxyAddresses` that are mail (`smtp:`) or chat (`sip:`) addresses, and, where asked for, `otherMails`,
//!   `onPremisesUserPrincipalName`, `onPremisesSamAccountName` and the `issuerAssignedId` of each of `identities`.
//!   Other kinds of proxy addresses are left out. A name is cleaned as in [tables](super::csv#names), and a user with
//!   a name that is damaged is rejected. Whoever is not `accountEnabled` is [disabled](crate::directory::UserStatus::Disabled).
//!   `userType` is not read: a guest is known by `#EXT#`, and no home is taken from their `mail`, which anybody may
//!   have set.
//! - A user record that does not speak of `userPrincipalName`, of a user of whom no name is known, is rejected: by the
//!   id alone, they would be missed wherever they are named. One whose `userPrincipalName` is `null` is read if it
//!   gives another name; no home is taken from that name, so that they are external.
//! - Users and groups with `@removed`, `changed` (they can be restored) or `deleted`, are
//!   [without a record](DirectoryDelta::without_user) from then on. Only an id is told of them; the library remembers
//!   by which names they were known as long as a group lists them, which it does until `members@delta` says otherwise.
//! - A group without `displayName` keeps the name it had, and is called by its id if it had none.
//! - Members are users and groups by `@odata.type`. Devices, contacts, service principals and applications are ignored:
//!   applications are protected by the built-in group. A type that is not known here is rejected. A member without a
//!   type is what its id is known for, in this round or before; one whom nobody knows is rejected, because a group
//!   taken for a user would protect nobody. So is a member group of which neither this round nor the one before tells.
//!   Ids that are known to be of no people can be [left out](Sync::with_non_people).
//!
//! # Property by property
//! In a delta a record can speak of a part of its properties. One that is absent keeps what was known, and `null` says
//! that there is none. A [`User`](crate::directory::User) does not tell which property gave which name, so the names of before are
//! dropped only when the records of this round speak of all properties that name somebody, or when the caller said
//! [that records are whole](Sync::with_whole_records). Of `identities` they need to speak only if any record of the
//! round does. Otherwise names only ever add up: a stale name hides too much, a lost one too little.
//!
//! # Order
//! Graph may repeat an object, split it over pages and answer in any order, so the order of pages plays no part. Where
//! a round contradicts itself, the side that protects holds: who is both listed and removed is listed; who is both
//! there and removed is there; two records of one user give the names of both, in the order of the alphabet.
//!
//! [graph]: https://learn.microsoft.com/graph/overview
//! [delta]: https://learn.microsoft.com/graph/delta-query-overview

mod names;
mod page;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Read;

use thiserror::Error;

use self::page::{GroupRecord, PageEnd, PageEntry};
use super::facts::{ChangeSet, DirectoryFacts, SourceRules};
use super::{Import, Place, RejectReason, Rejected, document};
use crate::directory::{DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot};
use crate::identity::GroupId;
use crate::steps::advance;

/// The longest that a page may be, in bytes.
pub const MAX_PAGE_BYTES: usize = 16 << 20;

/// The most values that the JSON of a page may hold at all depths.
pub const MAX_PAGE_VALUES: usize = 1_000_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// The direct members of one group.
    Members(GroupId),
}

/// Collects the pages of one round of listings; see the [module](self).
///
/// Holds one page at a time, of at most [`MAX_PAGE_BYTES`] and [`MAX_PAGE_VALUES`], and what all of them said.
#[derive(Default)]
pub struct Sync {
    /// By their links.
    open: BTreeMap<String, RequestedListing>,
    followed: HashSet<String>,
    /// What was asked for at first, and with which link.
    first: Vec<(RequestedListing, String)>,
    delta_links: Vec<(Listing, String)>,
    complete_records: bool,
    non_people: HashSet<String>,
    /// Whether any record of a user spoke of their `identities`.
    speaks_of_identities: bool,
    /// Whether any record of a group spoke of its members.
    speaks_of_members: bool,
    facts: DirectoryFacts,
    pages: u64,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

#[derive(Clone)]
struct RequestedListing {
    listing: Listing,
    is_delta: bool,
}

/// Why a round gives no result yet, or not this one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IncompleteSync {
    /// Pages were asked for, or announced by others, and not read.
    #[error("{open} pages were not read, expected all that were asked for and all that they lead to")]
    PagesOpen {
        /// How many links still lead to pages.
        open: usize,
    },
    /// Not everything was asked for that the result is made of.
    #[error("users or groups were not asked for, expected both for a whole directory and one of them for a delta")]
    NotAsked,
    /// The members of a group that was listed without them were not asked for.
    #[error("the members of group `{group}` were not asked for, expected those of every group")]
    MembersNotAsked {
        /// The first such group.
        group: GroupId,
    },
    /// A link from the middle of a listing was asked for: what stands before it would be missed.
    #[error("a link with a skip token was asked for, expected links that begin a listing")]
    BegunInTheMiddle,
    /// A link with a delta token was asked for: its pages tell what changed, and no whole directory.
    #[error("a delta link was asked for, expected links that begin anew")]
    OnlyChanges,
    /// A plain listing was asked for: its pages do not tell who is gone.
    #[error("a plain listing was asked for, expected delta queries only")]
    NoChanges,
}

impl Sync {
    /// Nothing asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes user records for whole: what they do not speak of was never set. That is how Graph answers a delta query
    /// without the header `Prefer: return=minimal`, if `$select` named all the properties ever asked for, or there was
    /// none. A name of before that they do not give is then dropped.
    #[must_use]
    pub fn with_whole_records(self) -> Self {
        Self { complete_records: true, ..self }
    }

    /// Says which member ids are known to be of no people here, such as devices or placeholders. As members they are
    /// [ignored](Import::ignored), whatever else is wrong with them. So is a record of such a user that gives no name;
    /// one that cannot be read stays a rejection. Say this before the first page.
    #[must_use]
    pub fn with_non_people(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Asks for a listing, by the link that its first page is fetched from. Asking for the same link again changes
    /// nothing.
    pub fn ask(&mut self, listing: Listing, link: impl Into<String>) {
        let link = link.into();
        if self.followed.contains(&link) || self.open.contains_key(&link) {
            return;
        }
        let asked = RequestedListing { listing, is_delta: is_delta(&link) };
        self.first.push((asked.clone(), link.clone()));
        self.open.insert(link, asked);
    }

    /// A link to fetch, as long as pages are open.
    #[must_use]
    pub fn next_link(&self) -> Option<&str> {
        self.open.keys().next().map(String::as_str)
    }

    /// The groups that were listed so far, in order: for plain listings, those of which to ask for the members.
    pub fn groups(&self) -> impl Iterator<Item = &GroupId> {
        self.facts.groups()
    }

    /// Takes the page that was fetched from an open link, and opens the one that it leads to.
    ///
    /// # Errors
    /// [`Rejected`] when the page is none, not to its end, or none that is open. Then nothing of it was taken, and its
    /// link stays open. An entry that is rejected is kept for the [`Import`] instead, and the others are taken.
    pub fn page(&mut self, link: &str, page: impl Read) -> Result<(), Rejected> {
        let whole = |reason| Rejected { place: Place::Whole, reason };
        let asked = self.open.get(link).cloned().ok_or(whole(RejectReason::NotAsked))?;
        let page = document::read(page, MAX_PAGE_BYTES, MAX_PAGE_VALUES)
            .and_then(|page| page::read(page, &asked.listing, asked.is_delta, &self.non_people))
            .map_err(whole)?;
        match page.end {
            // Followed, it would lead here for ever.
            PageEnd::Next(next) if next == link || self.followed.contains(&next) || self.open.contains_key(&next) => {
                let expected = "a link that no other page had";
                return Err(whole(RejectReason::InvalidField { field: "@odata.nextLink", expected }));
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
        self.speaks_of_identities |= page.speaks_of_identities;
        for (record, entry) in (1..).zip(page.entries) {
            self.take(entry, record);
        }
        Ok(())
    }

    fn take(&mut self, entry: Result<PageEntry, RejectReason>, record: u64) {
        let page = self.pages;
        let place = |member| Place::Page { page, record, member };
        self.read += 1;
        advance(1);
        let entry = match entry {
            Ok(entry) => entry,
            Err(reason) => return self.rejected.push(Rejected { place: place(None), reason }),
        };
        match entry {
            PageEntry::User(id, Some(names)) => self.facts.user(id, names, place(None)),
            PageEntry::User(id, None) => self.facts.remove_user(id),
            PageEntry::Group(id, None) => self.facts.remove_group(id),
            PageEntry::Group(group, Some(GroupRecord { name, members })) => {
                self.facts.group(group.clone(), name);
                self.speaks_of_members |= members.is_some();
                for (at, member) in (1..).zip(members.unwrap_or_default()) {
                    self.read += 1;
                    advance(1);
                    match member {
                        Ok(Some(member)) => self.facts.member(group.clone(), member, place(Some(at))),
                        Ok(None) => self.ignored += 1,
                        Err(reason) => self.rejected.push(Rejected { place: place(Some(at)), reason }),
                    }
                }
            }
            PageEntry::Member(group, member, names) => {
                if let (Some(names), Ok(id)) = (names, document::user_id(&member.id, "id")) {
                    self.facts.user_in_member_list(id, names, place(None));
                }
                self.facts.member(group, member, place(None));
            }
            PageEntry::Other => self.ignored += 1,
        }
    }

    /// The links from which to ask for what changes from now on, one for each delta query that came to its end. Keep
    /// them once the result of this round is in force, not before: what happened in between is told only once.
    pub fn delta_links(&self) -> impl Iterator<Item = (&Listing, &str)> {
        self.delta_links.iter().map(|(listing, link)| (listing, link.as_str()))
    }

    /// The whole directory.
    ///
    /// Rejects groups of which not one has members, with delta queries: then `members` was not in the `$select`.
    ///
    /// # Errors
    /// [`IncompleteSync`] as long as pages are open, when users, groups or the members of a group were not asked for, and
    /// when the round began with a delta link, or in the middle of a listing.
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
        } else if self.facts.groups().next().is_some() && !self.speaks_of_members {
            let expected = "the members of at least one group: have `members` in `$select`";
            let reason = RejectReason::MissingField { field: "members@delta", expected };
            self.rejected.push(Rejected { place: Place::Whole, reason });
        }
        Ok(self.import(None).into_builder())
    }

    /// What changed since the snapshot before, which must be the one that the last round led to. A round that began
    /// anew tells nothing of who left in the meantime: make a whole directory of it.
    ///
    /// # Errors
    /// [`IncompleteSync`] as long as pages are open, when nothing was asked for or a plain listing was, and when the round
    /// began in the middle of a listing.
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
        let Self { facts, complete_records, non_people, speaks_of_identities, read, mut ignored, mut rejected, .. } =
            self;
        let ChangeSet { changes: value, ignored: unnamed, rejected: unknown } = facts.changes(&SourceRules {
            before,
            complete_records,
            not_requested: (!speaks_of_identities).then_some(names::IDENTITIES),
            non_people: &non_people,
            missing_name: RejectReason::MissingField {
                field: "userPrincipalName",
                expected: "the sign-in name or, if it is null, another name to protect by: have both in `$select`",
            },
            missing_type: RejectReason::MissingField {
                field: "@odata.type",
                expected: "it, or a member that is known for a user or a group",
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

/// Whether a link is one of a delta query: `/users/delta`, `/groups/delta()`, `/groups/microsoft.graph.delta`.
fn is_delta(link: &str) -> bool {
    let path = link.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let function = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(function.trim_end_matches("()"), "delta" | "microsoft.graph.delta")
}

/// Whether a link goes on from an earlier round (`deltatoken`) or page (`skiptoken`).
fn has_token(link: &str, token: &str) -> bool {
    link.to_ascii_lowercase().contains(token)
}
