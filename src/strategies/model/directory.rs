//! Who is in which group: D8, D10, D11.

use chrono::{DateTime, Utc};

use super::super::imports::Import;
use crate::directory::UserStatus;
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// A directory in force on one node.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) revision: u64,
    pub(super) as_of: DateTime<Utc>,
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<GroupId>,
    members: Vec<(GroupId, UserId)>,
    nested: Vec<(GroupId, GroupId)>,
    /// Groups that are gone, as far as this node saw them.
    pub(super) vanished: Vec<LastMembers>,
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
    pub(super) gone_in: u64,
    pub(super) members: Vec<Person>,
    /// Since when it is there again.
    pub(super) back_in: Option<u64>,
}

impl Directory {
    pub(super) fn following(before: Option<&Self>, revision: u64, as_of: DateTime<Utc>, import: &Import) -> Self {
        let mut people: Vec<Person> = Vec::new();
        for user in &import.users {
            let home = match (user.stated_home_domain(), user.aliases().iter().find(|alias| reads_as_address(alias))) {
                (Some(stated), _) => Home::At(stated.clone()),
                (None, _) if user.aliases().iter().any(Alias::is_guest) => Home::Elsewhere,
                (None, Some(first)) => first.domain().map_or(Home::Elsewhere, Home::At),
                (None, None) => Home::Unsaid,
            };
            let deleted = user.status() == UserStatus::Deleted;
            people.push(Person {
                id: user.id().clone(),
                aliases: user.aliases().to_vec(),
                home,
                recorded: true,
                deleted,
            });
        }
        // A member without a record is known by what was known before, less the names that are somebody else's now.
        for (_, member) in &import.members {
            if people.iter().any(|person| person.id == *member) {
                continue;
            }
            let known = before.and_then(|before| before.people.iter().find(|person| person.id == *member));
            let mut person = known.cloned().unwrap_or_else(|| Person::by_id(member.clone()));
            (person.recorded, person.deleted) = (false, true);
            people.push(person);
        }
        let mut directory = Self {
            revision,
            as_of,
            people,
            groups: import.groups.clone(),
            members: import.members.clone(),
            nested: import.nested.clone(),
            vanished: Vec::new(),
        };
        let taken = directory.names_on_record();
        for person in directory.people.iter_mut().filter(|person| !person.recorded) {
            person.aliases.retain(|alias| !taken.iter().any(|name| name.matches(alias)));
        }
        if let Some(before) = before {
            let gone = before.groups.iter().map(|group| LastMembers {
                group: group.clone(),
                last_seen: before.revision,
                gone_in: revision,
                members: before.members_of(group),
                back_in: None,
            });
            let mut vanished: Vec<LastMembers> = gone.chain(before.vanished.iter().cloned()).collect();
            // Whoever is renamed now or later is known by the new name too.
            for vanished in &mut vanished {
                vanished.learn(&directory.people);
            }
            vanished.retain(|vanished| !directory.groups.contains(&vanished.group));
            directory.vanished = vanished;
        }
        directory
    }

    fn names_on_record(&self) -> Vec<Alias> {
        self.people.iter().filter(|person| person.recorded).flat_map(|person| person.aliases.clone()).collect()
    }

    pub(super) fn is_named_on_record(&self, user: &UserId) -> bool {
        self.people.iter().any(|person| person.id == *user && person.recorded && !person.aliases.is_empty())
    }

    /// Everybody who holds a name now.
    pub(super) fn holders(&self, alias: &Alias) -> Vec<&Person> {
        self.people.iter().filter(|person| person.holds(alias)).collect()
    }

    /// Every group that somebody is in, by going up until nothing new is found.
    pub(super) fn groups_of(&self, user: &UserId) -> Vec<GroupId> {
        let mut found: Vec<GroupId> =
            self.members.iter().filter(|(_, member)| member == user).map(|(group, _)| group.clone()).collect();
        loop {
            let more = self.nested.iter().find(|(group, child)| found.contains(child) && !found.contains(group));
            match more {
                Some((group, _)) => found.push(group.clone()),
                None => return found,
            }
        }
    }

    fn members_of(&self, group: &GroupId) -> Vec<Person> {
        self.people.iter().filter(|person| self.groups_of(&person.id).contains(group)).cloned().collect()
    }
}

impl Person {
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
        self.gone_in = self.gone_in.min(other.gone_in);
        self.learn(&other.members);
        for member in &other.members {
            if !self.members.iter().any(|known| known.id == member.id) {
                self.members.push(member.clone());
            }
        }
        self.back_in = self.back_in.into_iter().chain(other.back_in).min();
        self
    }

    pub(super) fn is_before(&self, other: &Self) -> bool {
        self.gone_in <= other.last_seen
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
    pub(super) fn still_counts(&self, back_in: Option<u64>, revision: u64) -> bool {
        back_in.is_none_or(|back_in| back_in > revision || back_in <= self.last_seen)
    }
}

/// Whether something stands on both sides of the last `@`.
pub(super) fn reads_as_address(alias: &Alias) -> bool {
    alias.as_str().rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}
