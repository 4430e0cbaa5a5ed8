//! What a source says, whatever the order in which it was said.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::names::{MAX_NAMES, NamesError, UserNames};
use super::{Import, Place, RejectReason, Rejected};
use crate::directory::{DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot, Resolution, User};
use crate::identity::{GroupId, Identity, UserId};
use crate::steps::advance;

/// What the pages of a source say together. Each fact is a set or a union, so that the order of pages plays no part.
#[derive(Default)]
pub(super) struct DirectoryFacts {
    users: BTreeMap<UserId, UserFacts>,
    groups: BTreeMap<GroupId, GroupFacts>,
    members: BTreeMap<(GroupId, String), MembershipFacts>,
}

/// Something that a group lists, or lists no more.
pub(super) struct MemberRecord {
    /// An id of a user or of a group.
    pub(super) id: String,
    pub(super) kind: MemberType,
    pub(super) removed: bool,
}

/// What the source says that a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MemberType {
    User,
    Group,
    Unspecified,
}

/// What the facts come to.
pub(super) struct ChangeSet {
    pub(super) changes: Vec<DirectoryChange>,
    /// How many records are of ids that are no people.
    pub(super) ignored: u64,
    pub(super) rejected: Vec<Rejected>,
}

/// How a source is read, as far as sources differ.
pub(super) struct SourceRules<'a> {
    /// What was known before, if this is a change of it.
    pub(super) before: Option<&'a DirectorySnapshot>,
    /// Whether a user record says all that there is to say.
    pub(super) complete_records: bool,
    /// The rank of a property of users that was not asked for, so that its absence says nothing.
    pub(super) not_requested: Option<usize>,
    /// The ids that the caller knows to be of no people here.
    pub(super) non_people: &'a HashSet<String>,
    /// What is wrong with a user record that gives no name.
    pub(super) missing_name: RejectReason,
    /// What is wrong with a member of whom nobody knows what they are.
    pub(super) missing_type: RejectReason,
}

#[derive(Default)]
struct UserFacts {
    removed: bool,
    names: Option<UserNames>,
    /// Whether there is a record of the user, and not only one of a member.
    has_record: bool,
    /// Where the records are that give the names.
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
    /// Where it was listed without a word on what it is.
    unspecified_at: Vec<Place>,
    /// Where it was listed first.
    listed_at: Option<Place>,
}

impl DirectoryFacts {
    /// Adds what a user record says.
    pub(super) fn user(&mut self, id: UserId, names: UserNames, place: Place) {
        self.user_in_member_list(id.clone(), names, place);
        self.users.entry(id).or_default().has_record = true;
    }

    /// Adds what a list of members says of a user by the way.
    pub(super) fn user_in_member_list(&mut self, id: UserId, names: UserNames, place: Place) {
        let facts = self.users.entry(id).or_default();
        facts.named_at.push(place);
        match &mut facts.names {
            Some(known) => known.merge(names),
            None => facts.names = Some(names),
        }
    }

    /// Adds that there is no record of a user any more.
    pub(super) fn remove_user(&mut self, id: UserId) {
        self.users.entry(id).or_default().removed = true;
    }

    /// Adds that a group is there.
    pub(super) fn group(&mut self, id: GroupId, name: Option<String>) {
        let facts = self.groups.entry(id).or_default();
        facts.present = true;
        facts.names.extend(name);
    }

    /// Adds that a group is gone.
    pub(super) fn remove_group(&mut self, id: GroupId) {
        self.groups.entry(id).or_default().removed = true;
    }

    /// Adds that a group lists something, or lists it no more.
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

    /// The groups that are there, in order.
    pub(super) fn groups(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.iter().filter(|(_, facts)| facts.present).map(|(id, _)| id)
    }

    /// Returns what changed, groups first and what is gone last, and what could not be taken.
    pub(super) fn changes(self, rules: &SourceRules<'_>) -> ChangeSet {
        let mut ignored = 0;
        let (mut changes, mut gone, mut joined, mut rejected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, facts) in &self.groups {
            advance(1);
            if facts.present {
                let known = rules.before.and_then(|before| before.group_name(id));
                let name = facts.names.last().map(String::as_str).or(known).unwrap_or(id.as_str());
                changes.push(DirectoryChange::Group(id.clone(), name.into()));
            } else if facts.removed {
                gone.push(DirectoryChange::RemoveGroup(id.clone()));
            }
        }
        for ((group, id), membership) in self.members.iter().filter(|((group, _), _)| !self.is_removed(group)) {
            advance(1);
            let listed = !membership.listed_as.is_empty();
            let said = if listed { &membership.listed_as } else { &membership.removed_as };
            let Some(party) =
                ResolvedMember::of(id, said, listed, |id| self.knows_user(id, rules), |id| self.knows_group(id, rules))
            else {
                let refused = |place: &Place| Rejected { place: *place, reason: rules.missing_type.clone() };
                rejected.extend(membership.unspecified_at.iter().map(refused));
                continue;
            };
            // A group that is gone takes its place in others with it.
            let party = ResolvedMember { group: party.group.filter(|child| !self.is_removed(child)), ..party };
            // One that nobody has told of has members whom nobody knows.
            if listed && party.group.as_ref().is_some_and(|child| !self.knows_group(child, rules)) {
                let place = membership.listed_at.unwrap_or(Place::Whole);
                rejected.push(Rejected { place, reason: RejectReason::UnknownMember { count: 1 } });
                joined.extend(ResolvedMember { group: None, ..party }.joining(group));
                continue;
            }
            if listed { joined.extend(party.joining(group)) } else { gone.extend(party.leaving(group)) }
        }
        for (id, facts) in self.users {
            advance(1);
            let Some(names) = facts.names else {
                gone.push(DirectoryChange::RemoveUser(id));
                continue;
            };
            let known = rules.before.and_then(|before| known_user(before, &id));
            let is_no_person = rules.non_people.contains(id.as_str());
            match names.user(id, known.as_ref(), rules.complete_records, rules.not_requested) {
                Ok(user) => changes.push(DirectoryChange::User(user)),
                // Whom only a list of members speaks of, by the id alone, has no record that could be cut.
                Err(NamesError::NoName) if !facts.has_record && names.is_empty() => {}
                Err(NamesError::NoName) if is_no_person => ignored += facts.named_at.len() as u64,
                Err(unfit) => {
                    let reason = match unfit {
                        NamesError::NoName => rules.missing_name.clone(),
                        NamesError::TooManyNames => RejectReason::TooManyNames { max: MAX_NAMES },
                    };
                    rejected.extend(facts.named_at.into_iter().map(|place| Rejected { place, reason: reason.clone() }));
                }
            }
        }
        // A round has no order. Whoever joins a group in it counts as a member of what it removes.
        changes.append(&mut joined);
        changes.append(&mut gone);
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

/// What a member is: a user, a group, or what is said to be the one and known for the other.
pub(super) struct ResolvedMember {
    pub(super) user: Option<UserId>,
    pub(super) group: Option<GroupId>,
}

impl ResolvedMember {
    /// Nothing when it is listed and nobody knows what it is. What is listed no more and was never known for a group
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

    /// That a group lists it.
    pub(super) fn joining(self, group: &GroupId) -> impl Iterator<Item = DirectoryChange> {
        let user = self.user.map(|user| DirectoryChange::Member(group.clone(), user));
        user.into_iter().chain(self.group.map(|child| DirectoryChange::Nested(group.clone(), child)))
    }

    /// That a group lists it no more.
    pub(super) fn leaving(self, group: &GroupId) -> impl Iterator<Item = DirectoryChange> {
        let user = self.user.map(|user| DirectoryChange::RemoveMember(group.clone(), user));
        user.into_iter().chain(self.group.map(|child| DirectoryChange::RemoveNesting(group.clone(), child)))
    }
}

/// The record of a user, by their id.
pub(super) fn known_user(before: &DirectorySnapshot, id: &UserId) -> Option<User> {
    match before.resolve(&Identity::Id(id.clone())) {
        Resolution::Known(user) => Some(user.clone()),
        Resolution::Ambiguous | Resolution::Unknown => None,
    }
}

impl Import<Vec<DirectoryChange>> {
    /// What is there, as a whole directory. What is gone was never in it.
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
