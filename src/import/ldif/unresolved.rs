//! Memberships that cannot be resolved before the input ends, because an entry may still follow.

use std::collections::BTreeMap;

use super::attribute::{Attribute, MembershipSource};
use super::entry::{DirectoryEntry, MemberRef};
use super::tree::{DirectoryTree, MAX_SHARED};
use crate::import::{Place, RejectReason, Rejected};
use crate::steps;

/// A membership that was read before both of its entries.
#[derive(Clone)]
pub(super) struct UnresolvedMembership {
    pub(super) line: u64,
    pub(super) claim: MembershipClaim,
}

#[derive(Clone)]
pub(super) enum MembershipClaim {
    /// A group lists a member.
    GroupListsMember { group: usize, member: MemberRef, by: Attribute },
    /// A group removes one account name, or all of them.
    GroupRemovesUid { group: usize, uid: Option<Box<str>> },
    /// An entry lists a group in `memberOf`.
    EntryNamesGroup { node: usize, group: usize },
    /// A user has a primary group, identified by a key if it is known.
    PrimaryGroup { node: usize, by: Attribute, key: Option<Box<str>> },
}

/// The result of resolving a claim.
enum ClaimOutcome {
    Resolved,
    /// The member is a declared non-person.
    NonPerson,
    /// A member or group is missing, so this entry is rejected.
    Unresolved(usize, Missing),
}

enum Missing {
    Member,
    Group,
    Other(RejectReason),
}

impl DirectoryTree {
    /// Resolves the remaining memberships at the end of the input.
    ///
    /// An entry is rejected once if it lists an entry that was not read, or belongs to a group that was not read. The
    /// missing members become users identified by their distinguished names. Returns the rejections, and the number of
    /// members that are declared non-people.
    pub(super) fn resolve_unresolved(&mut self) -> (Vec<Rejected>, u64) {
        let (mut open, mut non_people) = (BTreeMap::<usize, UnresolvedEntry>::new(), 0);
        self.awaiting_uids.clear();
        for UnresolvedMembership { line, claim } in std::mem::take(&mut self.unresolved) {
            steps::advance(1);
            match self.resolve(claim) {
                ClaimOutcome::Resolved => {}
                ClaimOutcome::NonPerson => non_people += 1,
                ClaimOutcome::Unresolved(at, missing) => open.entry(at).or_default().add(line, missing),
            }
        }
        (open.into_values().map(UnresolvedEntry::rejected).collect(), non_people)
    }

    fn resolve(&mut self, claim: MembershipClaim) -> ClaimOutcome {
        match claim {
            MembershipClaim::GroupListsMember { group, member: MemberRef::Node(node), .. } => {
                self.resolve_listed(group, node)
            }
            MembershipClaim::GroupListsMember { group, member: MemberRef::Uid(uid), by } => {
                // A rejected group was reported already, and a removed group lists no member.
                if self.group(group).is_none() {
                    return ClaimOutcome::Resolved;
                }
                let Some(uid_holders) = self.uid_holders(&uid) else {
                    let reason = RejectReason::TooManyHolders { field: by.name(), max: MAX_SHARED };
                    return ClaimOutcome::Unresolved(group, Missing::Other(reason));
                };
                uid_holders.iter().for_each(|node| self.link(group, *node, by.source()));
                match () {
                    () if !uid_holders.is_empty() => ClaimOutcome::Resolved,
                    () if self.is_non_person_uid(&uid) => ClaimOutcome::NonPerson,
                    () => ClaimOutcome::Unresolved(group, Missing::Member),
                }
            }
            MembershipClaim::GroupRemovesUid { group, uid } => {
                let listed = match uid {
                    Some(uid) => self.uid_holders(&uid).unwrap_or_default(),
                    None => self.listed_by(group, MembershipSource::MemberUid),
                };
                listed.into_iter().for_each(|node| self.unlist(group, node, Attribute::MemberUid));
                ClaimOutcome::Resolved
            }
            MembershipClaim::EntryNamesGroup { node, group } => match self.entry(group) {
                DirectoryEntry::Group(_) => {
                    self.link(group, node, MembershipSource::MemberOf);
                    self.resolve_listed(group, node)
                }
                DirectoryEntry::Rejected => ClaimOutcome::Resolved,
                _ if self.is_foreign(node) && self.names.is_non_person(node) => ClaimOutcome::NonPerson,
                _ => ClaimOutcome::Unresolved(node, Missing::Group),
            },
            MembershipClaim::PrimaryGroup { node, by, key } => {
                let reason = match key {
                    Some(key) if self.has_group_with_key(&key) => return ClaimOutcome::Resolved,
                    Some(_) => RejectReason::UnknownPrimaryGroup { field: by.name() },
                    None => RejectReason::MissingField {
                        field: Attribute::ObjectSid.name(),
                        expected: "the SID of the user beside `primaryGroupID`, or neither of them",
                    },
                };
                ClaimOutcome::Unresolved(node, Missing::Other(reason))
            }
        }
    }

    fn resolve_listed(&mut self, group: usize, node: usize) -> ClaimOutcome {
        let is_listed = self.group(group).is_some_and(|group| group.members.holds(node));
        if !is_listed
            || !matches!(self.entry(node), DirectoryEntry::Unknown | DirectoryEntry::Other | DirectoryEntry::Foreign)
        {
            return ClaimOutcome::Resolved;
        }
        if self.names.is_non_person(node) {
            return ClaimOutcome::NonPerson;
        }
        self.name_by_dn(node);
        self.record_edges(group, node, true);
        ClaimOutcome::Unresolved(group, Missing::Member)
    }
}

/// The missing members and groups of one entry.
#[derive(Default)]
struct UnresolvedEntry {
    /// The first line that refers to one.
    line: Option<u64>,
    members: u64,
    groups: u64,
    other: Option<RejectReason>,
}

impl UnresolvedEntry {
    fn add(&mut self, line: u64, missing: Missing) {
        self.line = Some(self.line.map_or(line, |first| first.min(line)));
        match missing {
            Missing::Member => self.members += 1,
            Missing::Group => self.groups += 1,
            Missing::Other(reason) => {
                self.other.get_or_insert(reason);
            }
        }
    }

    fn rejected(self) -> Rejected {
        let reason = match self {
            Self { members: 0, groups: 0, other: Some(reason), .. } => reason,
            Self { members: 0, groups: count, .. } => RejectReason::UnknownGroup { count },
            Self { members: count, .. } => RejectReason::UnknownMember { count },
        };
        Rejected { place: self.line.map_or(Place::Whole, Place::Line), reason }
    }
}
