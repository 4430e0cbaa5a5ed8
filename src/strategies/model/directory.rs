//! Who is in which group: D8, D10, D11.

use chrono::{DateTime, Utc};

use super::super::imports::Import;
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// A directory in force on one node.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) revision: u64,
    pub(super) as_of: DateTime<Utc>,
    /// What its source said last.
    pub(super) import: Import,
    /// Everybody who counts: those with a record, members, and last members.
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<GroupId>,
    /// Also of groups that are gone, as they were last.
    members: Vec<(GroupId, UserId)>,
    nested: Vec<(GroupId, GroupId)>,
    gone: Vec<Gone>,
    /// Groups that a delta added of which this node had never heard before.
    added: Vec<GroupId>,
    /// The names that last members had since, and have no more.
    former: Vec<(UserId, Alias)>,
}

/// A group that is gone, as far as this node saw it, with everybody who was in it last.
#[derive(Debug, Clone)]
struct Gone {
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

/// Where somebody is at home.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Home {
    /// The directory says so, or their first address does.
    At(Domain),
    /// A guest's, and the directory does not say where; or an address that has no domain.
    Elsewhere,
    /// Nothing that the directory knows says where.
    Unsaid,
}

/// Who was last in a group that is gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LastMembers {
    pub(super) group: GroupId,
    last_seen: u64,
    pub(super) removed_in: u64,
    pub(super) members: Vec<Person>,
    /// Since when it is there again.
    pub(super) restored_in: Option<u64>,
    /// The groups of the policy that it counts for besides.
    pub(super) child_groups: Vec<GroupId>,
}

impl Directory {
    /// A whole import: what it lists is as it says, and what is gone stays as it was.
    pub(super) fn following(before: Option<&Self>, revision: u64, as_of: DateTime<Utc>, import: &Import) -> Self {
        let mut people: Vec<Person> = import.users.iter().map(Person::on_record).collect();
        let (mut members, mut nested) = (import.members.clone(), import.nested.clone());
        let mut added = Vec::new();
        if let Some(before) = before {
            let is_gone = |group: &GroupId| !import.groups.contains(group) && before.knows(group);
            members.extend(before.members.iter().filter(|(group, _)| is_gone(group)).cloned());
            // A group that was gone and is listed again holds what the import says, and what was gone when it went.
            let is_listed_again = |group: &GroupId| {
                import.groups.contains(group) && !before.groups.contains(group) && before.knows(group)
            };
            let knows = |group: &GroupId| import.groups.contains(group) || is_gone(group);
            let stays = |(group, child): &&(GroupId, GroupId)| {
                let one_is_gone = is_gone(group) || is_gone(child);
                one_is_gone
                    && knows(group)
                    && knows(child)
                    && (!is_listed_again(group) || before.went_first(child, group))
            };
            nested.extend(before.nested.iter().filter(stays).cloned());
            added.extend(before.added.iter().filter(|group| is_gone(group)).cloned());
        }
        let known = before.map(|before| before.people.clone()).unwrap_or_default();
        people.extend(known.into_iter().map(Person::without_record));
        Self::settled(
            before,
            Self {
                revision,
                as_of,
                import: import.clone(),
                people,
                groups: import.groups.clone(),
                members,
                nested,
                gone: Vec::new(),
                added,
                former: Vec::new(),
            },
        )
    }

    /// What changed since the last import: facts about what it lists, and nothing about the members of what is gone.
    pub(super) fn changed(&self, revision: u64, as_of: DateTime<Utc>, import: &Import) -> Self {
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
        let told = import.users.iter().filter(|user| !old.users.contains(user));
        let mut people: Vec<Person> = told.map(Person::on_record).collect();
        let is_removed = |id: &UserId| {
            old.users.iter().any(|user| user.id() == id) && import.users.iter().all(|user| user.id() != id)
        };
        for person in &self.people {
            people.push(if is_removed(&person.id) { person.clone().without_record() } else { person.clone() });
        }
        let (gone, former) = (Vec::new(), Vec::new());
        let import = import.clone();
        Self::settled(
            Some(self),
            Self { revision, as_of, import, people, groups, members, nested, gone, added, former },
        )
    }

    /// Works out what is gone, and who counts because of it. The first of several persons with one id is the one.
    fn settled(before: Option<&Self>, mut next: Self) -> Self {
        if let Some(before) = before {
            let long_gone = before.gone.iter().cloned();
            let now_gone = before.groups.iter().map(|group| Gone {
                group: group.clone(),
                last_seen: before.revision,
                removed_in: next.revision,
                members: before.members_of(group),
            });
            let gone = long_gone.chain(now_gone).filter(|gone| !next.groups.contains(&gone.group));
            next.gone = gone.collect();
        }
        let mut people: Vec<Person> = Vec::new();
        let by_id_alone = next.members.iter().map(|(_, user)| Person::by_id(user.clone()));
        for person in next.people.iter().cloned().chain(by_id_alone) {
            let counts = person.recorded || next.members.iter().any(|(_, user)| *user == person.id);
            if (counts || next.is_last_member(&person.id)) && people.iter().all(|known| known.id != person.id) {
                people.push(person);
            }
        }
        next.people = people;
        // Whoever has no record is known by what was known before, less the names that are somebody else's now.
        let taken = next.names_on_record();
        for person in next.people.iter_mut().filter(|person| !person.recorded) {
            person.aliases.retain(|alias| !taken.iter().any(|name| name.matches(alias)));
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

    /// Whether a group is there or was.
    pub(super) fn knows(&self, group: &GroupId) -> bool {
        self.groups.contains(group) || self.gone.iter().any(|gone| gone.group == *group)
    }

    /// Whether one of two groups that are gone went before the other, or with it.
    fn went_first(&self, first: &GroupId, other: &GroupId) -> bool {
        let removed_in =
            |group: &GroupId| self.gone.iter().find(|gone| gone.group == *group).map(|gone| gone.removed_in);
        removed_in(first).is_some_and(|first| removed_in(other).is_some_and(|other| first <= other))
    }

    /// Whether all that is known of a group is what a delta said since it was added.
    pub(super) fn is_added(&self, group: &GroupId) -> bool {
        self.added.contains(group)
    }

    fn is_last_member(&self, user: &UserId) -> bool {
        self.gone.iter().any(|gone| gone.members.contains(user))
    }

    fn names_on_record(&self) -> Vec<Alias> {
        self.people.iter().filter(|person| person.recorded).flat_map(|person| person.aliases.clone()).collect()
    }

    pub(super) fn is_named_on_record(&self, user: &UserId) -> bool {
        self.people.iter().any(|person| person.id == *user && person.recorded && !person.aliases.is_empty())
    }

    /// Everybody but those who are only last members.
    pub(super) fn there(&self) -> impl Iterator<Item = &Person> {
        let lists =
            |user: &UserId| self.members.iter().any(|(group, member)| member == user && self.groups.contains(group));
        self.people.iter().filter(move |person| person.recorded || lists(&person.id))
    }

    /// Everybody who holds a name now.
    pub(super) fn holders(&self, alias: &Alias) -> Vec<&Person> {
        self.there().filter(|person| person.holds(alias)).collect()
    }

    /// Last members who had a name and have it no more.
    pub(super) fn formerly(&self, alias: &Alias) -> impl Iterator<Item = &Person> {
        let had = |person: &&Person| self.former.iter().any(|(user, name)| *user == person.id && name.matches(alias));
        self.people.iter().filter(had)
    }

    /// Every group that is there and counts somebody as a member.
    pub(super) fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        self.groups.iter().filter(|group| self.members_of(group).contains(user)).cloned().collect()
    }

    /// The group and all that is nested in it, by going down until nothing new is found. What is in a group that is gone
    /// is not looked at any more.
    pub(super) fn below(&self, group: &GroupId) -> Vec<GroupId> {
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

    /// Whether a group that was kept counts as nested in a group: it was nested in that one, or in one below it.
    pub(super) fn holds(&self, group: &GroupId, kept: &LastMembers) -> bool {
        self.below(group).iter().any(|below| kept.child_groups.contains(below))
    }

    /// Whoever counts as a member of a group: whom it and those below it list, and the last members of those that are gone.
    fn members_of(&self, group: &GroupId) -> Vec<UserId> {
        let mut members = Vec::new();
        for below in self.below(group) {
            match self.gone.iter().find(|gone| gone.group == below) {
                Some(gone) => members.extend(gone.members.clone()),
                None => members
                    .extend(self.members.iter().filter(|(group, _)| *group == below).map(|(_, user)| user.clone())),
            }
        }
        members.sort();
        members.dedup();
        members
    }

    /// The last members of a group that is gone, under every name that they had since.
    pub(super) fn last_members(&self, group: &GroupId) -> Option<LastMembers> {
        let gone = self.gone.iter().find(|gone| gone.group == *group)?;
        let mut members: Vec<Person> =
            self.people.iter().filter(|person| gone.members.contains(&person.id)).cloned().collect();
        for member in &mut members {
            let former = self.former.iter().filter(|(user, _)| *user == member.id);
            member.aliases.extend(former.map(|(_, alias)| alias.clone()));
        }
        let (last_seen, removed_in) = (gone.last_seen, gone.removed_in);
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
        let home = match (user.stated_home_domain(), user.aliases().iter().find(|alias| reads_as_address(alias))) {
            (Some(stated), _) => Home::At(stated.clone()),
            (None, _) if user.aliases().iter().any(Alias::is_guest) => Home::Elsewhere,
            (None, Some(first)) => first.domain().map_or(Home::Elsewhere, Home::At),
            (None, None) => Home::Unsaid,
        };
        let (id, aliases) = (user.id().clone(), user.aliases().to_vec());
        Self { id, aliases, home, recorded: true, deleted: user.status() == UserStatus::Deleted }
    }

    fn without_record(self) -> Self {
        Self { recorded: false, deleted: true, ..self }
    }

    fn by_id(id: UserId) -> Self {
        Self { id, aliases: Vec::new(), home: Home::Unsaid, recorded: false, deleted: true }
    }

    fn holds(&self, name: &Alias) -> bool {
        self.aliases.iter().any(|alias| alias.matches(name))
    }

    pub(super) fn is(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Id(id) => self.id == *id,
            Identity::Alias(alias) => self.holds(alias),
        }
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }
}

impl LastMembers {
    /// What two nodes know: of the same time that it was gone the members of both, under the names of both; otherwise
    /// what is from the later time.
    pub(super) fn with(self, other: &Self) -> Self {
        if other.is_before(&self) {
            return self;
        }
        if self.is_before(other) {
            return other.clone();
        }
        self.joined(other)
    }

    /// The members of both, under the names of both.
    pub(super) fn joined(mut self, other: &Self) -> Self {
        self.last_seen = self.last_seen.max(other.last_seen);
        self.removed_in = self.removed_in.min(other.removed_in);
        self.learn(&other.members);
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

    /// Adds the names by which somebody else knows the members.
    fn learn(&mut self, people: &[Person]) {
        for known in &mut self.members {
            for other in people.iter().filter(|other| other.id == known.id) {
                for alias in &other.aliases {
                    if !known.aliases.contains(alias) {
                        known.aliases.push(alias.clone());
                    }
                }
                if known.home == Home::Unsaid {
                    known.home = other.home.clone();
                }
            }
        }
    }

    /// Whether nobody has seen the group there again, as far as a directory of this revision can tell.
    pub(super) fn still_counts(&self, restored_in: Option<u64>, revision: u64) -> bool {
        restored_in.is_none_or(|restored_in| restored_in > revision || restored_in <= self.last_seen)
    }
}

/// Whether something stands on both sides of the last `@`.
pub(super) fn reads_as_address(alias: &Alias) -> bool {
    alias.as_str().rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}
