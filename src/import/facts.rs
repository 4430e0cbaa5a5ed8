//! The facts that a source states about users, groups and memberships, independent of their order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::names::{MAX_NAMES, NamesError, UserNames};
use super::{EntryRejectReason, Import, Place, RejectedEntry};
use crate::directory::{DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot, Resolution, User};
use crate::identity::{GroupId, Identity, UserId};
use crate::steps::advance;

/// The facts from all pages of a source. Each fact is a set or a union, so the order of pages does not matter.
#[derive(Default)]
pub(super) struct DirectoryFacts {
    users: BTreeMap<UserId, UserFacts>,
    groups: BTreeMap<GroupId, GroupFacts>,
    members: BTreeMap<(GroupId, String), MembershipFacts>,
}

/// A member that a group lists, or that was removed from it.
pub(super) struct MemberRecord {
    /// The id of a user or of a group.
    pub(super) id: String,
    pub(super) kind: MemberType,
    pub(super) removed: bool,
}

/// The type that the source states for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MemberType {
    User,
    Group,
    Unspecified,
}

/// The changes that result from the facts, with the records that were ignored or rejected.
pub(super) struct ChangeSet {
    pub(super) changes: Vec<DirectoryChange>,
    /// The number of records whose ids the caller declared as non-people.
    pub(super) ignored: u64,
    pub(super) rejected: Vec<RejectedEntry>,
}

/// The rules by which sources differ.
pub(super) struct SourceRules<'a> {
    /// The snapshot that the source changes, if it is a delta.
    pub(super) before: Option<&'a DirectorySnapshot>,
    /// Whether a user record contains every property of the user.
    pub(super) complete_records: bool,
    /// The rank of a user property that was not requested, so that its absence means nothing.
    pub(super) not_requested: Option<usize>,
    /// The ids that the caller declared as non-people.
    pub(super) non_people: &'a HashSet<String>,
    /// The reason to reject a user record without a name.
    pub(super) missing_name: EntryRejectReason,
    /// The reason to reject a member of unknown type.
    pub(super) missing_type: EntryRejectReason,
}

#[derive(Default)]
struct UserFacts {
    removed: bool,
    names: Option<UserNames>,
    /// Whether the source has a record of the user, and not only a membership.
    has_record: bool,
    /// The places of the records that contain the names.
    named_at: Vec<Place>,
}

#[derive(Default)]
struct GroupFacts {
    removed: bool,
    present: bool,
    names: BTreeSet<String>,
}

#[derive(Default)]
struct MembershipFacts {
    listed_as: BTreeSet<MemberType>,
    removed_as: BTreeSet<MemberType>,
    /// The places that list the member without a type.
    unspecified_at: Vec<Place>,
    /// The first place that lists the member.
    listed_at: Option<Place>,
}

impl DirectoryFacts {
    /// Adds a user record.
    pub(super) fn user(&mut self, id: UserId, names: UserNames, place: Place) {
        self.user_in_member_list(id.clone(), names, place);
        self.users.entry(id).or_default().has_record = true;
    }

    /// Adds the user data in an entry of a member list.
    pub(super) fn user_in_member_list(&mut self, id: UserId, names: UserNames, place: Place) {
        let facts = self.users.entry(id).or_default();
        facts.named_at.push(place);
        match &mut facts.names {
            Some(known) => known.merge(names),
            None => facts.names = Some(names),
        }
    }

    /// Records that the user's record was removed.
    pub(super) fn remove_user(&mut self, id: UserId) {
        self.users.entry(id).or_default().removed = true;
    }

    /// Records that a group exists.
    pub(super) fn group(&mut self, id: GroupId, name: Option<String>) {
        let facts = self.groups.entry(id).or_default();
        facts.present = true;
        facts.names.extend(name);
    }

    /// Records that a group was removed.
    pub(super) fn remove_group(&mut self, id: GroupId) {
        self.groups.entry(id).or_default().removed = true;
    }

    /// Records that a group lists a member, or that the member was removed from it.
    pub(super) fn member(&mut self, group: GroupId, member: MemberRecord, place: Place) {
        let membership = self.members.entry((group, member.id)).or_default();
        if member.removed {
            membership.removed_as.insert(member.kind);
        } else {
            membership.listed_as.insert(member.kind);
            membership.listed_at.get_or_insert(place);
            if member.kind == MemberType::Unspecified {
                membership.unspecified_at.push(place);
            }
        }
    }

    /// Returns the groups that exist, in order of id.
    pub(super) fn groups(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.iter().filter(|(_, facts)| facts.present).map(|(id, _)| id)
    }

    /// Returns the changes, groups first and removals last, and the rejected records.
    pub(super) fn changes(self, rules: &SourceRules<'_>) -> ChangeSet {
        let mut ignored = 0;
        let (mut changes, mut removals, mut additions, mut rejected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, facts) in &self.groups {
            advance(1);
            if facts.present {
                let known = rules.before.and_then(|before| before.group_name(id));
                let name = facts.names.last().map(String::as_str).or(known).unwrap_or(id.as_str());
                changes.push(DirectoryChange::Group(id.clone(), name.into()));
            } else if facts.removed {
                removals.push(DirectoryChange::RemoveGroup(id.clone()));
            }
        }
        for ((group, id), membership) in self.members.iter().filter(|((group, _), _)| !self.is_removed(group)) {
            advance(1);
            let listed = !membership.listed_as.is_empty();
            let types = if listed { &membership.listed_as } else { &membership.removed_as };
            let Some(resolved) = ResolvedMember::of(
                id,
                types,
                listed,
                |id| self.knows_user(id, rules),
                |id| self.knows_group(id, rules),
            ) else {
                let rejection = |place: &Place| RejectedEntry { place: *place, reason: rules.missing_type.clone() };
                rejected.extend(membership.unspecified_at.iter().map(rejection));
                continue;
            };
            // Removing a group also removes it from its parent groups, so it needs no change of its own.
            let resolved = ResolvedMember { group: resolved.group.filter(|child| !self.is_removed(child)), ..resolved };
            // The members of a group that no source has described are unknown.
            if listed && resolved.group.as_ref().is_some_and(|child| !self.knows_group(child, rules)) {
                let place = membership.listed_at.unwrap_or(Place::Whole);
                rejected.push(RejectedEntry { place, reason: EntryRejectReason::UnknownMember { count: 1 } });
                additions.extend(ResolvedMember { group: None, ..resolved }.addition_to(group));
                continue;
            }
            if listed {
                additions.extend(resolved.addition_to(group))
            } else {
                removals.extend(resolved.removal_from(group))
            }
        }
        for (id, facts) in self.users {
            advance(1);
            let Some(names) = facts.names else {
                removals.push(DirectoryChange::RemoveUser(id));
                continue;
            };
            let known = rules.before.and_then(|before| known_user(before, &id));
            let is_no_person = rules.non_people.contains(id.as_str());
            match names.user(id, known.as_ref(), rules.complete_records, rules.not_requested) {
                Ok(user) => changes.push(DirectoryChange::User(user)),
                // A user known only by id from a member list has no record that could be incomplete.
                Err(NamesError::MissingName) if !facts.has_record && names.is_empty() => {}
                Err(NamesError::MissingName) if is_no_person => ignored += facts.named_at.len() as u64,
                Err(error) => {
                    let reason = match error {
                        NamesError::MissingName => rules.missing_name.clone(),
                        NamesError::TooManyNames => EntryRejectReason::TooManyNames { max: MAX_NAMES },
                    };
                    rejected.extend(
                        facts.named_at.into_iter().map(|place| RejectedEntry { place, reason: reason.clone() }),
                    );
                }
            }
        }
        // Records of one sync have no order. Removals come last, so that a removed group keeps the members added in the
        // same sync.
        changes.append(&mut additions);
        changes.append(&mut removals);
        ChangeSet { changes, ignored, rejected }
    }

    fn knows_user(&self, id: &UserId, rules: &SourceRules<'_>) -> bool {
        self.users.contains_key(id) || rules.before.is_some_and(|before| before.find(id).is_some())
    }

    fn knows_group(&self, id: &GroupId, rules: &SourceRules<'_>) -> bool {
        self.groups.get(id).is_some_and(|facts| facts.present || facts.removed)
            || rules.before.is_some_and(|before| before.group_name(id).is_some())
    }

    fn is_removed(&self, group: &GroupId) -> bool {
        self.groups.get(group).is_some_and(|facts| facts.removed && !facts.present)
    }
}

/// A member by type: a user, a group, or both if the stated type and the known type differ.
pub(super) struct ResolvedMember {
    pub(super) user: Option<UserId>,
    pub(super) group: Option<GroupId>,
}

impl ResolvedMember {
    /// Returns `None` if the member is listed and its type is unknown. A removed member that was never known as a group
    /// can only have been a user.
    pub(super) fn of(
        id: &str,
        types: &BTreeSet<MemberType>,
        listed: bool,
        knows_user: impl FnOnce(&UserId) -> bool,
        knows_group: impl FnOnce(&GroupId) -> bool,
    ) -> Option<Self> {
        let (user, group) = (UserId::new(id).ok()?, GroupId::new(id).ok()?);
        let as_group = types.contains(&MemberType::Group) || knows_group(&group);
        let as_user = types.contains(&MemberType::User)
            || if listed { types.contains(&MemberType::Unspecified) && knows_user(&user) } else { !as_group };
        (as_user || as_group)
            .then(|| Self { user: Some(user).filter(|_| as_user), group: Some(group).filter(|_| as_group) })
    }

    /// Returns the changes that add the member to a group.
    pub(super) fn addition_to(self, group: &GroupId) -> impl Iterator<Item = DirectoryChange> {
        let user = self.user.map(|user| DirectoryChange::Member(group.clone(), user));
        user.into_iter().chain(self.group.map(|child| DirectoryChange::Nested(group.clone(), child)))
    }

    /// Returns the changes that remove the member from a group.
    pub(super) fn removal_from(self, group: &GroupId) -> impl Iterator<Item = DirectoryChange> {
        let user = self.user.map(|user| DirectoryChange::RemoveMember(group.clone(), user));
        user.into_iter().chain(self.group.map(|child| DirectoryChange::RemoveNesting(group.clone(), child)))
    }
}

/// Returns the record of a user by id.
pub(super) fn known_user(before: &DirectorySnapshot, id: &UserId) -> Option<User> {
    match before.resolve(&Identity::Id(id.clone())) {
        Resolution::Known(user) => Some(user.clone()),
        Resolution::Ambiguous | Resolution::Unknown => None,
    }
}

impl Import<Vec<DirectoryChange>> {
    /// Returns the added objects as a whole directory. A whole directory does not contain removed objects, so removals
    /// are dropped.
    pub(super) fn into_builder(self) -> Import<DirectoryBuilder> {
        self.map(|changes| {
            changes.into_iter().fold(DirectoryBuilder::new(), |builder, change| match change {
                DirectoryChange::User(user) => builder.user(user),
                DirectoryChange::Group(id, name) => builder.group(id, name),
                DirectoryChange::Member(group, user) => builder.member(&group, &user),
                DirectoryChange::Nested(group, child) => builder.nested(&group, &child),
                DirectoryChange::RemoveUser(_)
                | DirectoryChange::RemoveGroup(_)
                | DirectoryChange::RemoveMember(..)
                | DirectoryChange::RemoveNesting(..) => builder,
            })
        })
    }

    pub(super) fn into_delta(self) -> Import<DirectoryDelta> {
        self.map(|changes| changes.into_iter().fold(DirectoryDelta::new(), DirectoryDelta::push))
    }
}
