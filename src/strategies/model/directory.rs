//! The directory of a node: D8, D10, D11.

use chrono::{DateTime, Utc};

use super::super::imports::ImportedDirectory;
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// The directory in force on one node.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) revision: u64,
    pub(super) as_of: DateTime<Utc>,
    /// The last content of its source.
    pub(super) import: ImportedDirectory,
    /// Every person that counts: those with a record, members, and last members.
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<GroupId>,
    /// Memberships, including the last ones of removed groups.
    members: Vec<(GroupId, UserId)>,
    nested: Vec<(GroupId, GroupId)>,
    removed: Vec<LastSeenGroup>,
    /// Groups that a delta added and that this node did not know before.
    added: Vec<GroupId>,
    /// Names that last members had after the removal and no longer have.
    former: Vec<(UserId, Alias)>,
}

/// A removed group as this node last saw it, with all its members.
#[derive(Debug, Clone)]
struct LastSeenGroup {
    group: GroupId,
    last_seen: u64,
    removed_in: u64,
    members: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) aliases: Vec<Alias>,
    home: Home,
    recorded: bool,
    pub(super) deleted: bool,
}

/// The home domain of a person.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Home {
    /// A domain: the directory states it, or the first address has it.
    At(Domain),
    /// A guest without a stated home domain, or an address without a valid domain.
    Outside,
    /// The directory does not determine it.
    Unknown,
}

/// The last members of a removed group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LastMembers {
    pub(super) group: GroupId,
    last_seen: u64,
    pub(super) removed_in: u64,
    pub(super) members: Vec<Person>,
    /// The revision in which the group was restored.
    pub(super) restored_in: Option<u64>,
    /// The other groups of the policy in which it was nested.
    pub(super) child_groups: Vec<GroupId>,
}

impl Directory {
    /// Returns the directory after a full import. Listed groups are as the import says; removed groups keep their last
    /// members.
    pub(super) fn from_import(
        before: Option<&Self>,
        revision: u64,
        as_of: DateTime<Utc>,
        import: &ImportedDirectory,
    ) -> Self {
        let mut people: Vec<Person> = import.users.iter().map(Person::on_record).collect();
        let (mut members, mut nested) = (import.members.clone(), import.nested.clone());
        let mut added = Vec::new();
        if let Some(before) = before {
            let is_removed = |group: &GroupId| !import.groups.contains(group) && before.knows(group);
            members.extend(before.members.iter().filter(|(group, _)| is_removed(group)).cloned());
            // A removed group that is listed again has the content of the import, and groups that were removed before
            // it or with it.
            let is_listed_again = |group: &GroupId| {
                import.groups.contains(group) && !before.groups.contains(group) && before.knows(group)
            };
            let knows = |group: &GroupId| import.groups.contains(group) || is_removed(group);
            let stays = |(group, child): &&(GroupId, GroupId)| {
                let one_is_removed = is_removed(group) || is_removed(child);
                one_is_removed
                    && knows(group)
                    && knows(child)
                    && (!is_listed_again(group) || before.removed_before(child, group))
            };
            nested.extend(before.nested.iter().filter(stays).cloned());
            added.extend(before.added.iter().filter(|group| is_removed(group)).cloned());
        }
        let known = before.map(|before| before.people.clone()).unwrap_or_default();
        people.extend(known.into_iter().map(Person::without_record));
        Self::completed(
            before,
            Self {
                revision,
                as_of,
                import: import.clone(),
                people,
                groups: import.groups.clone(),
                members,
                nested,
                removed: Vec::new(),
                added,
                former: Vec::new(),
            },
        )
    }

    /// Returns the directory after a delta: the changes of listed groups, and nothing about the members of removed
    /// groups.
    pub(super) fn after_delta(&self, revision: u64, as_of: DateTime<Utc>, import: &ImportedDirectory) -> Self {
        let old = &self.import;
        let (mut members, mut nested, mut added) = (self.members.clone(), self.nested.clone(), self.added.clone());
        let mut groups = self.groups.clone();
        groups.retain(|group| import.groups.contains(group) || !old.groups.contains(group));
        for group in import.groups.iter().filter(|group| !old.groups.contains(group)) {
            if !self.knows(group) {
                added.push(group.clone());
            }
            groups.push(group.clone());
        }
        members.extend(import.members.iter().filter(|member| !old.members.contains(member)).cloned());
        nested.extend(import.nested.iter().filter(|nesting| !old.nested.contains(nesting)).cloned());
        let lost = |member: &(GroupId, UserId)| old.members.contains(member) && !import.members.contains(member);
        members.retain(|member| !(lost(member) && groups.contains(&member.0)));
        let lost = |nesting: &(GroupId, GroupId)| old.nested.contains(nesting) && !import.nested.contains(nesting);
        nested.retain(|nesting| !(lost(nesting) && groups.contains(&nesting.0) && groups.contains(&nesting.1)));
        let updated = import.users.iter().filter(|user| !old.users.contains(user));
        let mut people: Vec<Person> = updated.map(Person::on_record).collect();
        let has_lost_record = |id: &UserId| {
            old.users.iter().any(|user| user.id() == id) && import.users.iter().all(|user| user.id() != id)
        };
        for person in &self.people {
            people.push(if has_lost_record(&person.id) { person.clone().without_record() } else { person.clone() });
        }
        let (removed, former) = (Vec::new(), Vec::new());
        let import = import.clone();
        Self::completed(
            Some(self),
            Self { revision, as_of, import, people, groups, members, nested, removed, added, former },
        )
    }

    /// Determines the removed groups and the persons that count because of them. Of several persons with one id the
    /// first counts.
    fn completed(before: Option<&Self>, mut next: Self) -> Self {
        if let Some(before) = before {
            let earlier = before.removed.iter().cloned();
            let newly_removed = before.groups.iter().map(|group| LastSeenGroup {
                group: group.clone(),
                last_seen: before.revision,
                removed_in: next.revision,
                members: before.members_of(group),
            });
            let removed = earlier.chain(newly_removed).filter(|removed| !next.groups.contains(&removed.group));
            next.removed = removed.collect();
        }
        let mut people: Vec<Person> = Vec::new();
        let by_id_only = next.members.iter().map(|(_, user)| Person::by_id(user.clone()));
        for person in next.people.iter().cloned().chain(by_id_only) {
            let counts = person.recorded || next.members.iter().any(|(_, user)| *user == person.id);
            if (counts || next.is_last_member(&person.id)) && people.iter().all(|known| known.id != person.id) {
                people.push(person);
            }
        }
        next.people = people;
        // A person without a record keeps the earlier names, except those that another person has now.
        let current_names = next.names_on_record();
        for person in next.people.iter_mut().filter(|person| !person.recorded) {
            person.aliases.retain(|alias| !current_names.iter().any(|name| name.matches(alias)));
        }
        for person in before.map_or(&[][..], |before| &before.people) {
            let now = next.people.iter().find(|now| now.id == person.id);
            let lost = person.aliases.iter().filter(|alias| now.is_some_and(|now| !now.aliases.contains(alias)));
            next.former.extend(lost.map(|alias| (person.id.clone(), alias.clone())));
        }
        next.former.extend(before.map(|before| before.former.clone()).unwrap_or_default());
        let former = std::mem::take(&mut next.former);
        next.former = former.into_iter().filter(|(user, _)| next.is_last_member(user)).collect();
        next
    }

    /// Returns whether a group exists or existed.
    pub(super) fn knows(&self, group: &GroupId) -> bool {
        self.groups.contains(group) || self.removed.iter().any(|removed| removed.group == *group)
    }

    /// Returns whether one of two removed groups was removed before the other, or with it.
    fn removed_before(&self, first: &GroupId, other: &GroupId) -> bool {
        let removed_in = |group: &GroupId| {
            self.removed.iter().find(|removed| removed.group == *group).map(|removed| removed.removed_in)
        };
        removed_in(first).is_some_and(|first| removed_in(other).is_some_and(|other| first <= other))
    }

    /// Returns whether only deltas since its addition describe a group.
    pub(super) fn is_added(&self, group: &GroupId) -> bool {
        self.added.contains(group)
    }

    fn is_last_member(&self, user: &UserId) -> bool {
        self.removed.iter().any(|removed| removed.members.contains(user))
    }

    fn names_on_record(&self) -> Vec<Alias> {
        self.people.iter().filter(|person| person.recorded).flat_map(|person| person.aliases.clone()).collect()
    }

    pub(super) fn is_named_on_record(&self, user: &UserId) -> bool {
        self.people.iter().any(|person| person.id == *user && person.recorded && !person.aliases.is_empty())
    }

    /// Returns every person except those who are only last members.
    pub(super) fn current_people(&self) -> impl Iterator<Item = &Person> {
        let lists =
            |user: &UserId| self.members.iter().any(|(group, member)| member == user && self.groups.contains(group));
        self.people.iter().filter(move |person| person.recorded || lists(&person.id))
    }

    /// Returns every person who has a name now.
    pub(super) fn holders(&self, alias: &Alias) -> Vec<&Person> {
        self.current_people().filter(|person| person.has_alias(alias)).collect()
    }

    /// Returns last members who had a name and no longer have it.
    pub(super) fn former_holders(&self, alias: &Alias) -> impl Iterator<Item = &Person> {
        let had = |person: &&Person| self.former.iter().any(|(user, name)| *user == person.id && name.matches(alias));
        self.people.iter().filter(had)
    }

    /// Returns every existing group of which a user is a member.
    pub(super) fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        self.groups.iter().filter(|group| self.members_of(group).contains(user)).cloned().collect()
    }

    /// Returns the group and all groups nested in it, by descending to a fixed point. Groups nested in removed groups
    /// are not followed.
    pub(super) fn descendants(&self, group: &GroupId) -> Vec<GroupId> {
        let mut found = vec![group.clone()];
        loop {
            let more = self
                .nested
                .iter()
                .find(|(group, child)| found.contains(group) && self.groups.contains(group) && !found.contains(child));
            match more {
                Some((_, child)) => found.push(child.clone()),
                None => return found,
            }
        }
    }

    /// Returns whether a stored group counts as nested in a group: it was nested in that one, or in one nested in it.
    pub(super) fn contains_nested(&self, group: &GroupId, kept: &LastMembers) -> bool {
        self.descendants(group).iter().any(|below| kept.child_groups.contains(below))
    }

    /// Returns the members of a group: those of the group and its nested groups, and the last members of removed ones.
    fn members_of(&self, group: &GroupId) -> Vec<UserId> {
        let mut members = Vec::new();
        for below in self.descendants(group) {
            match self.removed.iter().find(|removed| removed.group == below) {
                Some(removed) => members.extend(removed.members.clone()),
                None => members
                    .extend(self.members.iter().filter(|(group, _)| *group == below).map(|(_, user)| user.clone())),
            }
        }
        members.sort();
        members.dedup();
        members
    }

    /// Returns the last members of a removed group, with every name that they had since.
    pub(super) fn last_members(&self, group: &GroupId) -> Option<LastMembers> {
        let removed = self.removed.iter().find(|removed| removed.group == *group)?;
        let mut members: Vec<Person> =
            self.people.iter().filter(|person| removed.members.contains(&person.id)).cloned().collect();
        for member in &mut members {
            let former = self.former.iter().filter(|(user, _)| *user == member.id);
            member.aliases.extend(former.map(|(_, alias)| alias.clone()));
        }
        let (last_seen, removed_in) = (removed.last_seen, removed.removed_in);
        Some(LastMembers {
            group: group.clone(),
            last_seen,
            removed_in,
            members,
            restored_in: None,
            child_groups: Vec::new(),
        })
    }
}

impl Person {
    fn on_record(user: &User) -> Self {
        let home = match (user.stated_home_domain(), user.aliases().iter().find(|alias| is_address(alias))) {
            (Some(stated), _) => Home::At(stated.clone()),
            (None, _) if user.aliases().iter().any(Alias::is_guest) => Home::Outside,
            (None, Some(first)) => first.domain().map_or(Home::Outside, Home::At),
            (None, None) => Home::Unknown,
        };
        let (id, aliases) = (user.id().clone(), user.aliases().to_vec());
        Self { id, aliases, home, recorded: true, deleted: user.status() == UserStatus::Deleted }
    }

    fn without_record(self) -> Self {
        Self { recorded: false, deleted: true, ..self }
    }

    fn by_id(id: UserId) -> Self {
        Self { id, aliases: Vec::new(), home: Home::Unknown, recorded: false, deleted: true }
    }

    fn has_alias(&self, name: &Alias) -> bool {
        self.aliases.iter().any(|alias| alias.matches(name))
    }

    pub(super) fn has_identity(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Id(id) => self.id == *id,
            Identity::Alias(alias) => self.has_alias(alias),
        }
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }
}

impl LastMembers {
    /// Merges the knowledge of two nodes. For the same removal, returns the members of both with the names of both;
    /// otherwise, the members of the later removal.
    pub(super) fn merge(self, other: &Self) -> Self {
        if other.is_before(&self) {
            return self;
        }
        if self.is_before(other) {
            return other.clone();
        }
        self.union(other)
    }

    /// Returns the members of both, with the names of both.
    pub(super) fn union(mut self, other: &Self) -> Self {
        self.last_seen = self.last_seen.max(other.last_seen);
        self.removed_in = self.removed_in.min(other.removed_in);
        self.add_names(&other.members);
        for member in &other.members {
            if !self.members.iter().any(|known| known.id == member.id) {
                self.members.push(member.clone());
            }
        }
        self.restored_in = self.restored_in.into_iter().chain(other.restored_in).min();
        self.child_groups.extend(other.child_groups.clone());
        self
    }

    pub(super) fn is_before(&self, other: &Self) -> bool {
        self.removed_in <= other.last_seen
    }

    /// Adds the names that another node has of the members.
    fn add_names(&mut self, people: &[Person]) {
        for known in &mut self.members {
            for other in people.iter().filter(|other| other.id == known.id) {
                for alias in &other.aliases {
                    if !known.aliases.contains(alias) {
                        known.aliases.push(alias.clone());
                    }
                }
                if known.home == Home::Unknown {
                    known.home = other.home.clone();
                }
            }
        }
    }

    /// Returns whether no node has restored the group, as far as a directory of this revision can tell.
    pub(super) fn still_counts(&self, restored_in: Option<u64>, revision: u64) -> bool {
        restored_in.is_none_or(|restored_in| restored_in > revision || restored_in <= self.last_seen)
    }
}

/// Returns whether a name has text on both sides of its last `@`.
pub(super) fn is_address(alias: &Alias) -> bool {
    alias.as_str().rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}
