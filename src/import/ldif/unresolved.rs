//! Memberships that cannot be resolved before the input ends, because an entry may still follow.

use std::collections::BTreeMap;

use super::attribute::{Attribute, MembershipSource};
use super::entry::{DirectoryEntry, MemberRef};
use super::tree::{DirectoryTree, MAX_SHARED};
use crate::import::{EntryRejectReason, Place, RejectedEntry};
use crate::steps;

/// A statement about a membership that was read before one or both of its entries.
#[derive(Clone)]
pub(super) struct UnresolvedMembership {
    pub(super) line: u64,
    pub(super) statement: MembershipStatement,
}

#[derive(Clone)]
pub(super) enum MembershipStatement {
    /// A group lists a member.
    GroupListsMember { group: usize, member: MemberRef, by: Attribute },
    /// A change removes one account name from the `memberUid` of a group, or all of them if `uid` is `None`.
    GroupRemovesUid { group: usize, uid: Option<Box<str>> },
    /// An entry lists a group in `memberOf`.
    EntryNamesGroup { node: usize, group: usize },
    /// A user has a primary group, identified by a key if it is known.
    PrimaryGroup { node: usize, by: Attribute, key: Option<Box<str>> },
}

/// The result of resolving a statement.
enum Resolution {
    /// There is nothing to report.
    Done,
    /// The member is a declared non-person.
    NonPerson,
    Rejected {
        /// The entry to report.
        node: usize,
        problem: Problem,
    },
}

/// The reason why a statement cannot be resolved. Of several problems of an entry, the first in this order is reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Problem {
    MissingMember,
    /// The input contains the member, but the member is neither user nor group.
    OtherMember,
    MissingGroup,
    AmbiguousUid(Attribute),
    MissingSid,
    UnknownPrimaryGroup(Attribute),
}

impl DirectoryTree {
    /// Resolves the remaining memberships at the end of the input.
    ///
    /// Each entry with a missing member or group is reported once; its other memberships stay. A missing member that is
    /// listed by distinguished name becomes a user with that name as id; one listed by account name does not. Returns
    /// the rejections, and the number of members that are declared non-people.
    pub(super) fn resolve_pending(&mut self) -> (Vec<RejectedEntry>, u64) {
        // The problems of each entry, each with the first line and the number of statements.
        let (mut problems, mut non_people) = (BTreeMap::<(usize, Problem), (u64, u64)>::new(), 0);
        self.awaiting_uids.clear();
        for UnresolvedMembership { line, statement } in std::mem::take(&mut self.unresolved) {
            steps::advance(1);
            match self.resolve(statement) {
                Resolution::Done => {}
                Resolution::NonPerson => non_people += 1,
                Resolution::Rejected { node, problem } => {
                    let (first_line, count) = problems.entry((node, problem)).or_insert((line, 0));
                    *first_line = line.min(*first_line);
                    *count += 1;
                }
            }
        }
        let (mut rejected, mut reported) = (Vec::new(), None);
        for ((node, problem), (line, count)) in problems {
            if reported.replace(node) != Some(node) {
                rejected.push(RejectedEntry { place: Place::Line(line), reason: problem.reason(count) });
            }
        }
        (rejected, non_people)
    }

    fn resolve(&mut self, statement: MembershipStatement) -> Resolution {
        match statement {
            MembershipStatement::GroupListsMember { group, member: MemberRef::Node(node), .. } => {
                self.resolve_listed(group, node)
            }
            MembershipStatement::GroupListsMember { group, member: MemberRef::Uid(uid), by } => {
                // A rejected group was reported already, and a removed group lists no member.
                if self.group(group).is_none() {
                    return Resolution::Done;
                }
                let Some(uid_holders) = self.uid_holders(&uid) else {
                    return Resolution::Rejected { node: group, problem: Problem::AmbiguousUid(by) };
                };
                uid_holders.iter().for_each(|node| self.link(group, *node, by.source()));
                if !uid_holders.is_empty() {
                    Resolution::Done
                } else if self.is_non_person_uid(&uid) {
                    Resolution::NonPerson
                } else {
                    Resolution::Rejected { node: group, problem: Problem::MissingMember }
                }
            }
            MembershipStatement::GroupRemovesUid { group, uid } => {
                let listed = match uid {
                    // An ambiguous name removes no member, so that all of them stay protected.
                    Some(uid) => self.uid_holders(&uid).unwrap_or_default(),
                    None => self.listed_by(group, MembershipSource::MemberUid),
                };
                listed.into_iter().for_each(|node| self.unlist(group, node, Attribute::MemberUid));
                Resolution::Done
            }
            MembershipStatement::EntryNamesGroup { node, group } => match self.entry(group) {
                DirectoryEntry::Group(_) => {
                    self.link(group, node, MembershipSource::MemberOf);
                    self.resolve_listed(group, node)
                }
                DirectoryEntry::Rejected => Resolution::Done,
                _ if self.is_foreign(node) && self.names.is_non_person(node) => Resolution::NonPerson,
                _ => Resolution::Rejected { node, problem: Problem::MissingGroup },
            },
            MembershipStatement::PrimaryGroup { node, by, key } => {
                let problem = match key {
                    Some(key) if self.has_group_with_key(&key) => return Resolution::Done,
                    Some(_) => Problem::UnknownPrimaryGroup(by),
                    None => Problem::MissingSid,
                };
                Resolution::Rejected { node, problem }
            }
        }
    }

    /// Reports a listed entry that turned out to be neither user nor group, and makes its distinguished name a user.
    fn resolve_listed(&mut self, group: usize, node: usize) -> Resolution {
        let problem = match self.entry(node) {
            DirectoryEntry::Unknown => Problem::MissingMember,
            DirectoryEntry::Other | DirectoryEntry::Foreign => Problem::OtherMember,
            DirectoryEntry::Person(_)
            | DirectoryEntry::Group(_)
            | DirectoryEntry::Rejected
            | DirectoryEntry::Machine => return Resolution::Done,
        };
        if !self.group(group).is_some_and(|group| group.members.holds(node)) {
            return Resolution::Done;
        }
        if self.names.is_non_person(node) {
            return Resolution::NonPerson;
        }
        self.name_by_dn(node);
        self.record_edges(group, node, true);
        Resolution::Rejected { node: group, problem }
    }
}

impl Problem {
    fn reason(self, count: u64) -> EntryRejectReason {
        match self {
            Self::MissingMember => EntryRejectReason::UnknownMember { count },
            Self::OtherMember => EntryRejectReason::OtherMember { count },
            Self::MissingGroup => EntryRejectReason::UnknownGroup { count },
            Self::AmbiguousUid(by) => EntryRejectReason::AmbiguousReference { field: by.name(), max: MAX_SHARED },
            Self::MissingSid => EntryRejectReason::MissingField {
                field: Attribute::ObjectSid.name(),
                expected: "the user's SID, which `primaryGroupID` needs; export both attributes or neither",
            },
            Self::UnknownPrimaryGroup(by) => EntryRejectReason::UnknownPrimaryGroup { field: by.name() },
        }
    }
}
