//! What cannot be decided before the input ends: who is listed may come later.

use std::collections::BTreeMap;

use super::attribute::Attribute;
use super::entry::{Entry, Member};
use super::tree::Tree;
use crate::import::{Place, RejectReason, Rejected};

/// Somebody is listed in a group, and one of the two was not read yet.
#[derive(Clone)]
pub(super) struct Doubt {
    pub(super) line: u64,
    pub(super) group: usize,
    pub(super) member: Member,
    /// What says it.
    pub(super) by: Attribute,
}

impl Tree {
    /// Decides what was left open. Whoever lists somebody of whom nothing was read, or says that they are in a group of
    /// which nothing was read, is rejected once. Those who are listed are then taken for users who are known by their
    /// names alone.
    pub(super) fn settle(&mut self) -> Vec<Rejected> {
        let mut open: BTreeMap<usize, Open> = BTreeMap::new();
        for doubt in std::mem::take(&mut self.doubts) {
            if self.is_open(&doubt) {
                let Doubt { line, group, member, by } = doubt;
                let said_by_member = by == Attribute::MemberOf;
                let at = match member {
                    Member::Node(node) if said_by_member => node,
                    _ => group,
                };
                open.entry(at).or_default().note(line, said_by_member);
            }
        }
        open.into_values().map(Open::rejected).collect()
    }

    fn is_open(&mut self, doubt: &Doubt) -> bool {
        let Doubt { line, group, member, by } = doubt;
        let said_by_member = *by == Attribute::MemberOf;
        if self.group(*group).is_none() {
            // One that was refused is rejected already.
            return said_by_member && !matches!(self.entry(*group), Entry::Refused);
        }
        match member {
            Member::Node(_) if said_by_member => {
                self.list(*group, member, *by, *line);
                false
            }
            Member::Node(node) => {
                let listed = self.group(*group).is_some_and(|group| group.members.contains_key(node));
                let open = listed && matches!(self.entry(*node), Entry::Unknown | Entry::Neither);
                if open {
                    self.name_by_dn(*node);
                    self.tell_edges(*group, *node, true);
                }
                open
            }
            Member::Uid(uid) => {
                let holders = self.holders(uid);
                for node in &holders {
                    self.list(*group, &Member::Node(*node), *by, *line);
                }
                holders.is_empty()
            }
        }
    }
}

/// What is left open of one entry.
#[derive(Default)]
struct Open {
    /// The first line that says it.
    line: Option<u64>,
    members: u64,
    groups: u64,
}

impl Open {
    fn note(&mut self, line: u64, said_by_member: bool) {
        self.line = Some(self.line.map_or(line, |first| first.min(line)));
        if said_by_member { self.groups += 1 } else { self.members += 1 }
    }

    fn rejected(self) -> Rejected {
        let reason = match (self.members, self.groups) {
            (0, count) => RejectReason::UnknownGroup { count },
            (count, _) => RejectReason::UnknownMember { count },
        };
        Rejected { place: self.line.map_or(Place::Whole, Place::Line), reason }
    }
}
