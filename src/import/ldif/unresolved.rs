//! What cannot be decided before the input ends: who is listed may come later.

use std::collections::BTreeMap;

use super::attribute::{Attribute, Mark};
use super::entry::{Entry, Member};
use super::tree::{MAX_SHARED, Tree};
use crate::import::{Place, RejectReason, Rejected};
use crate::steps;

/// A membership that was told of before both of its sides were read.
#[derive(Clone)]
pub(super) struct Doubt {
    pub(super) line: u64,
    pub(super) claim: Claim,
}

#[derive(Clone)]
pub(super) enum Claim {
    /// A group lists somebody.
    Lists { group: usize, member: Member, by: Attribute },
    /// A group lists one account name no more, or none.
    LetsGo { group: usize, uid: Option<Box<str>> },
    /// Somebody says that they are in a group.
    IsIn { node: usize, group: usize },
    /// A user has a primary group, which is found by a key if there is one.
    Primary { node: usize, by: Attribute, key: Option<Box<str>> },
}

/// What becomes of a doubt.
enum Outcome {
    Settled,
    /// It is about no person, as the caller knows.
    LeftOut,
    /// It stays open, which is a fault of this entry.
    Open(usize, Missing),
}

enum Missing {
    Member,
    Group,
    Other(RejectReason),
}

impl Tree {
    /// Decides what was left open. Whoever lists somebody of whom nothing was read, or says that they are in a group of
    /// which nothing was read, is rejected once. Those who are listed are then taken for users who are known by their
    /// names alone. Returns the rejections, and how many members were left out because they are no people.
    pub(super) fn settle(&mut self) -> (Vec<Rejected>, u64) {
        let (mut open, mut left_out) = (BTreeMap::<usize, Open>::new(), 0);
        self.awaiting_uids.clear();
        for Doubt { line, claim } in std::mem::take(&mut self.doubts) {
            steps::advance(1);
            match self.decide(claim) {
                Outcome::Settled => {}
                Outcome::LeftOut => left_out += 1,
                Outcome::Open(at, missing) => open.entry(at).or_default().note(line, missing),
            }
        }
        (open.into_values().map(Open::rejected).collect(), left_out)
    }

    fn decide(&mut self, claim: Claim) -> Outcome {
        match claim {
            Claim::Lists { group, member: Member::Node(node), .. } => self.decide_listed(group, node),
            Claim::Lists { group, member: Member::Uid(uid), by } => {
                // One that was refused is rejected already, and one that is gone lists nobody.
                if self.group(group).is_none() {
                    return Outcome::Settled;
                }
                let Some(holders) = self.holders(&uid) else {
                    let reason = RejectReason::TooManyHolders { field: by.name(), max: MAX_SHARED };
                    return Outcome::Open(group, Missing::Other(reason));
                };
                holders.iter().for_each(|node| self.link(group, *node, by.mark()));
                match () {
                    () if !holders.is_empty() => Outcome::Settled,
                    () if self.is_uid_left_out(&uid) => Outcome::LeftOut,
                    () => Outcome::Open(group, Missing::Member),
                }
            }
            Claim::LetsGo { group, uid } => {
                let listed = match uid {
                    Some(uid) => self.holders(&uid).unwrap_or_default(),
                    None => self.listed_by(group, Mark::MemberUid),
                };
                listed.into_iter().for_each(|node| self.unlist(group, node, Attribute::MemberUid));
                Outcome::Settled
            }
            Claim::IsIn { node, group } => match self.entry(group) {
                Entry::Group(_) => {
                    self.link(group, node, Mark::MemberOf);
                    self.decide_listed(group, node)
                }
                Entry::Refused => Outcome::Settled,
                _ if self.is_foreign(node) && self.names.is_left_out(node) => Outcome::LeftOut,
                _ => Outcome::Open(node, Missing::Group),
            },
            Claim::Primary { node, by, key } => {
                let reason = match key {
                    Some(key) if self.has_group_of(&key) => return Outcome::Settled,
                    Some(_) => RejectReason::UnknownPrimaryGroup { field: by.name() },
                    None => RejectReason::MissingField {
                        field: Attribute::ObjectSid.name(),
                        expected: "the SID of a user of a domain beside `primaryGroupID`, or an export without both",
                    },
                };
                Outcome::Open(node, Missing::Other(reason))
            }
        }
    }

    fn decide_listed(&mut self, group: usize, node: usize) -> Outcome {
        let is_listed = self.group(group).is_some_and(|group| group.members.holds(node));
        if !is_listed || !matches!(self.entry(node), Entry::Unknown | Entry::Neither | Entry::Foreign) {
            return Outcome::Settled;
        }
        if self.names.is_left_out(node) {
            return Outcome::LeftOut;
        }
        self.name_by_dn(node);
        self.tell_edges(group, node, true);
        Outcome::Open(group, Missing::Member)
    }
}

/// What is left open of one entry.
#[derive(Default)]
struct Open {
    /// The first line that says it.
    line: Option<u64>,
    members: u64,
    groups: u64,
    other: Option<RejectReason>,
}

impl Open {
    fn note(&mut self, line: u64, missing: Missing) {
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
