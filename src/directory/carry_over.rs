//! What a snapshot remembers of the ones before: groups that were removed, and the names of users whose record is gone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::ancestry::Lineage;
use super::apply::{Draft, Written};
use super::builder::ImportError;
use super::groups::{GroupIndex, Knowledge, Removal};
use super::last_members::learn;
use super::names::Entry;
use super::people::UserIndex;
use super::snapshot::DirectorySnapshot;
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::steps;

impl DirectorySnapshot {
    /// The same snapshot as the one that follows `before`. Groups that stood there and are gone keep their last
    /// members, from one import to the next, until they come back, and so do groups that are nested in others and gone;
    /// and a member of whom the import has no record, because the user was deleted, stays known by the aliases of before,
    /// unless somebody else holds them now. Every adapter puts its snapshots in force in this way, so that what is
    /// remembered depends on the imports alone.
    ///
    /// Last members take three bytes for each membership. A snapshot remembers as many memberships in removed groups as
    /// there are memberships in its groups, and 65,536 in any case. Beyond that it forgets the members of the groups that
    /// were removed first, but never of those that it was the first without. Of a group whose members it forgot it knows the
    /// id, so that a policy is not applied to a group of which nobody knows the members.
    ///
    /// All of this is remembered by the process that saw the imports; for the next start, groups that a policy reaches are
    /// kept by [`PrivacyFilter::reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory), while deleted members of a
    /// group that is still there are then known by id alone. An adapter does best to import deleted users with their
    /// records.
    ///
    /// If there are too many groups or users to remember those that are gone, the members of every group are unknown until
    /// the next import, and a policy that names a group hides everybody.
    ///
    /// Reads everybody once, and all memberships. What was made of `before` by deltas
    /// [has done it all already](Self::with).
    #[must_use]
    pub fn carry_over_from(mut self, before: &Self) -> Self {
        if self.is_successor_of(before) {
            return self;
        }
        let lineage = Lineage::after(&before.lineage);
        let carried = CarryOver::new(&self, before).carry().and_then(|draft| draft.finish(self.as_of));
        match carried {
            Ok(carried) => self = carried,
            // There are too many groups or users to number more. Any group that is listed may have had others nested in
            // it, of which nobody knows the members then.
            Err(_) => Arc::make_mut(&mut self.groups).forget_all(),
        }
        self.lineage = lineage;
        self
    }
}

/// Carries over what `before` knew to a snapshot that an import made.
struct CarryOver<'a> {
    before: &'a DirectorySnapshot,
    draft: Draft<'a>,
    /// For each group of before that is removed from now on, and for each copy: its number in the draft.
    carried: HashMap<GroupIndex, GroupIndex>,
    /// For each group of before of which something is carried over to a group that is there: its number in the draft.
    joined: HashMap<GroupIndex, GroupIndex>,
    /// For each group of before that has to be copied: the copy.
    copies: HashMap<GroupIndex, GroupIndex>,
    /// Groups of before of which it is still to be said what was nested in them last.
    open: Vec<(GroupIndex, GroupIndex)>,
}

impl<'a> CarryOver<'a> {
    fn new(now: &'a DirectorySnapshot, before: &'a DirectorySnapshot) -> Self {
        let draft = Draft::over(now, now.revision);
        let (carried, joined, copies) = <_>::default();
        Self { before, draft, carried, joined, copies, open: Vec::new() }
    }

    fn carry(mut self) -> Result<Draft<'a>, ImportError> {
        self.carry_groups()?;
        while let Some((group, into)) = self.open.pop() {
            for child in self.before.groups.counted_children(group) {
                match self.before.groups.id(child) {
                    Some(id) => {
                        let child = self.counterpart(child, id)?;
                        Arc::make_mut(&mut self.draft.groups).nest_last(into, child);
                    }
                    // A copy that was forgotten.
                    None => Arc::make_mut(&mut self.draft.groups).set_knowledge(into, Knowledge::Unknown),
                }
            }
        }
        self.carry_names();
        self.carry_memberships()?;
        self.draft.moves_last_members = true;
        self.draft.forget_oldest();
        self.draft.forget_last_names();
        Ok(self.draft)
    }

    fn carry_groups(&mut self) -> Result<(), ImportError> {
        let groups = &self.before.groups;
        for group in groups.all() {
            let Some(id) = groups.id(group).filter(|id| groups.known(id) == Some(group)) else { continue };
            match self.draft.groups.known(id) {
                None => {
                    let removal = groups.removal(group);
                    let removal =
                        removal.unwrap_or(Removal { last_seen: self.before.revision, removed_in: self.draft.revision });
                    self.draft.check_room_for_a_group()?;
                    let name = groups.name(group).unwrap_or_default().into();
                    let drafted = Arc::make_mut(&mut self.draft.groups);
                    let number = drafted.put_removed(id.clone(), name, groups.knowledge(group), removal);
                    self.carried.insert(group, number);
                    self.open.push((group, number));
                }
                // A delta added it to an import without it, so it continues from what was known of it.
                Some(there) if self.draft.groups.knowledge(there) == Knowledge::SinceAdded => {
                    Arc::make_mut(&mut self.draft.groups).set_knowledge(there, groups.knowledge(group));
                    self.joined.insert(group, there);
                }
                Some(_) => {}
            }
        }
        let carried: Vec<_> = self.carried.iter().chain(&self.joined).map(|(group, now)| (*group, *now)).collect();
        for (group, now) in carried {
            // Where nobody knows who was in it, it is not known to be nested anywhere either: an import has listed what is.
            if groups.knowledge(group) == Knowledge::Unknown {
                continue;
            }
            let (parents, children) = groups.neighbours(group);
            // A removed group that the import lists again is what the import says, and holds what was gone when it went.
            let is_listed_again = |other: &GroupIndex| {
                !groups.is_there(*other) && !self.carried.contains_key(other) && !self.joined.contains_key(other)
            };
            let holds = |parent: &GroupIndex| !is_listed_again(parent) || groups.counts_in(group, *parent);
            let parents: Vec<_> = parents.iter().copied().filter(holds).collect();
            let now_of = |other: &GroupIndex| self.draft.groups.known(groups.id(*other)?);
            let parents: Vec<_> = parents.iter().filter_map(now_of).map(|parent| (parent, now)).collect();
            let children: Vec<_> = children.iter().filter_map(now_of).map(|child| (now, child)).collect();
            let drafted = Arc::make_mut(&mut self.draft.groups);
            parents.into_iter().chain(children).for_each(|(group, child)| drafted.nest(group, child));
        }
        Ok(())
    }

    /// What stands for a group of before as it was: its removed self, or a copy.
    fn counterpart(&mut self, group: GroupIndex, id: &GroupId) -> Result<GroupIndex, ImportError> {
        if let Some(known) = self.carried.get(&group).or_else(|| self.copies.get(&group)) {
            return Ok(*known);
        }
        self.draft.check_room_for_a_group()?;
        let groups = &self.before.groups;
        let since = groups.remembered_since(group).unwrap_or(self.draft.revision);
        let copy = Arc::make_mut(&mut self.draft.groups).put_copy(id.clone(), groups.knowledge(group), since);
        self.copies.insert(group, copy);
        self.open.push((group, copy));
        Ok(copy)
    }

    /// Whoever is known by id alone goes on to be known by the names of before.
    fn carry_names(&mut self) {
        let now = self.draft.before;
        // Whoever is remembered here already, because deltas led to it, stays known as they are.
        let by_id_alone =
            now.people.entries().filter(|(_, entry)| !entry.is_recorded() && !entry.is_known_by_more_than_an_id());
        for (user, entry) in by_id_alone {
            steps::advance(1);
            let known = self.before.find(&UserId::from_checked(entry.id())).and_then(|user| self.before.entry(user));
            if let Some(known) = known.filter(|known| known.is_known_by_more_than_an_id()) {
                let written = self.remembered(known);
                self.draft.records.insert(user.number(), written);
            }
        }
    }

    /// Somebody who has no record any more. An alias that somebody else holds by now is theirs, and never comes back.
    fn remembered(&self, known: Entry<'_>) -> Written {
        let people = &self.draft.before.people;
        let is_free =
            |alias: &Alias| !people.called(&Identity::Alias(alias.clone())).any(|(_, entry)| entry.is_recorded());
        let user = match known.is_known_by_more_than_an_id() {
            true => known.to_user().remembered(is_free),
            false => known.to_user(),
        };
        Written { user, recorded: false, carried: true, at: 0 }
    }

    fn carry_memberships(&mut self) -> Result<(), ImportError> {
        let before = self.before;
        let mut members: Vec<(UserIndex, BTreeSet<u32>)> = Vec::new();
        before.each_membership(before.user_range(), |user, groups| {
            steps::advance(1 + groups.len());
            let into = |group: u32| {
                let group = GroupIndex::numbered(group);
                [&self.carried, &self.joined, &self.copies].into_iter().filter_map(move |map| map.get(&group)).copied()
            };
            let into: BTreeSet<u32> =
                groups.iter().flat_map(|group| into(group.get())).map(GroupIndex::number).collect();
            if !into.is_empty() {
                members.push((UserIndex::numbered(user), into));
            }
        });
        for (user, groups) in members {
            let Some(entry) = before.entry(user) else { continue };
            let mut known = entry.to_user();
            let last_names = before.last_names.get(known.id());
            let number = match self.draft.number(known.id()) {
                Some(number) => number,
                None => {
                    let number = self.draft.number_or_new(known.id())?;
                    let written = self.remembered(entry);
                    self.draft.records.insert(number, written);
                    number
                }
            };
            self.draft.memberships_of(number).extend(groups);
            last_names.into_iter().for_each(|names| known.learn(names));
            let names_now = match self.draft.records.get(&number) {
                Some(written) => Some(written.user.clone()),
                None => self.draft.before.entry(UserIndex::numbered(number)).map(|entry| entry.to_user()),
            };
            if let Some(now) = names_now.filter(|now| now.lacks_a_name_of(&known)) {
                learn(&mut self.draft.last_names, known.names_beside(&now));
            }
        }
        Ok(())
    }
}
