//! Carries removed groups, and the names of users whose records were removed, over from one import to the next.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::ancestry::Ancestry;
use super::apply::{Draft, DraftRecord};
use super::builder::ImportError;
use super::groups::{GroupIndex, Knowledge, Removal};
use super::last_members::add_last_names;
use super::records::UserRecord;
use super::snapshot::DirectorySnapshot;
use super::users::UserIndex;
use crate::identity::{Alias, GroupId, UserId};
use crate::steps;

impl DirectorySnapshot {
    /// Returns this snapshot as the successor of `before`.
    ///
    /// A group that `before` has and this import lacks keeps its last members from one import to the next until it is
    /// restored, and so do removed groups that are nested in others. A member without a record in this import, because
    /// the user was deleted, keeps the former aliases, except those that another user has now. Every adapter calls this
    /// for each snapshot that it installs, so that the last members depend on the imports alone.
    ///
    /// Last members take three bytes for each membership. A snapshot remembers as many memberships in removed groups as
    /// it has memberships in its groups, and at least 65,536. Beyond that it forgets the members of the groups that
    /// were removed first, but never of those that were removed in this import. It keeps the id of a group whose
    /// members it forgot, so that no decision relies on a group with unknown members.
    ///
    /// All of this is in the memory of the process that saw the imports. For the next start,
    /// [`PrivacyFilter::reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory) stores the removed
    /// groups that a policy reaches, while deleted members of a group that still exists are then known by id alone. So
    /// an adapter should import deleted users with their records.
    ///
    /// If the import has no room left for removed groups or users, the members of every group are unknown until the
    /// next import, and a policy that names a group hides everything.
    ///
    /// Reads all records and all memberships once. Returns a snapshot that deltas made from `before` unchanged, because
    /// [`apply`](Self::apply) carries over too.
    #[must_use]
    pub fn carry_over_from(mut self, before: &Self) -> Self {
        if self.is_successor_of(before) {
            return self;
        }
        let ancestry = Ancestry::carried_over_from(&before.ancestry);
        let carried = CarryOver::new(&self, before).carry().and_then(|draft| draft.finish(self.as_of));
        match carried {
            Ok(carried) => self = carried,
            // There is no room left. A removed group with unknown members may have been nested in any group.
            Err(_) => Arc::make_mut(&mut self.groups).mark_all_unknown(),
        }
        self.ancestry = ancestry;
        self
    }
}

/// Carries over from `before` to a snapshot that an import made.
struct CarryOver<'a> {
    before: &'a DirectorySnapshot,
    draft: Draft<'a>,
    /// For each earlier group that is removed from now on, its index in the draft.
    carried: HashMap<GroupIndex, GroupIndex>,
    /// For each earlier group whose members are added to a group of the import, its index in the draft.
    joined: HashMap<GroupIndex, GroupIndex>,
    /// For each earlier group that has to be copied, the copy.
    copies: HashMap<GroupIndex, GroupIndex>,
    /// Earlier groups whose last nested groups are still to be added, each with its index in the draft.
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
                        Arc::make_mut(&mut self.draft.groups).add_last_child(into, child);
                    }
                    // A forgotten copy.
                    None => Arc::make_mut(&mut self.draft.groups).set_knowledge(into, Knowledge::Unknown),
                }
            }
        }
        self.carry_names();
        self.carry_memberships()?;
        self.draft.changes_last_members = true;
        self.draft.forget_oldest();
        self.draft.forget_last_names();
        Ok(self.draft)
    }

    fn carry_groups(&mut self) -> Result<(), ImportError> {
        let groups = &self.before.groups;
        for group in groups.all_indexes() {
            let Some(id) = groups.id(group).filter(|id| groups.index_even_if_removed(id) == Some(group)) else {
                continue;
            };
            match self.draft.groups.index_even_if_removed(id) {
                None => {
                    let removal = groups.removal(group);
                    let removal =
                        removal.unwrap_or(Removal { last_seen: self.before.revision, removed_in: self.draft.revision });
                    self.draft.check_room_for_a_group()?;
                    let name = groups.name(group).unwrap_or_default().into();
                    let drafted = Arc::make_mut(&mut self.draft.groups);
                    let index = drafted.put_removed(id.clone(), name, groups.knowledge(group), removal);
                    self.carried.insert(group, index);
                    self.open.push((group, index));
                }
                // A delta added it to an import without it, so it continues from its last known members.
                Some(added) if self.draft.groups.knowledge(added) == Knowledge::SinceAdded => {
                    Arc::make_mut(&mut self.draft.groups).set_knowledge(added, groups.knowledge(group));
                    self.joined.insert(group, added);
                }
                Some(_) => {}
            }
        }
        let carried: Vec<_> = self.carried.iter().chain(&self.joined).map(|(group, now)| (*group, *now)).collect();
        for (group, now) in carried {
            // With unknown members, its nestings are unknown too, and the import lists those that exist.
            if groups.knowledge(group) == Knowledge::Unknown {
                continue;
            }
            let (parents, children) = (groups.all_parents(group), groups.all_children(group));
            // A removed group that the import lists is as the import has it, with the groups that were already removed
            // in it.
            let is_listed_again = |other: &GroupIndex| {
                !groups.is_in_directory(*other) && !self.carried.contains_key(other) && !self.joined.contains_key(other)
            };
            let contains = |parent: &GroupIndex| !is_listed_again(parent) || groups.counts_as_child(*parent, group);
            let parents: Vec<_> = parents.iter().copied().filter(contains).collect();
            let now_of = |other: &GroupIndex| self.draft.groups.index_even_if_removed(groups.id(*other)?);
            let parents: Vec<_> = parents.iter().filter_map(now_of).map(|parent| (parent, now)).collect();
            let children: Vec<_> = children.iter().filter_map(now_of).map(|child| (now, child)).collect();
            let drafted = Arc::make_mut(&mut self.draft.groups);
            parents.into_iter().chain(children).for_each(|(group, child)| drafted.nest(group, child));
        }
        Ok(())
    }

    /// Returns the index of an earlier group as it was: that of the removed group, or of a copy.
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

    /// Gives users who are known by id alone their former names.
    fn carry_names(&mut self) {
        let now = self.draft.before;
        // Users with names but no record keep those names, because deltas led to them.
        let by_id_alone = now.users.records().filter(|(_, record)| !record.was_recorded());
        for (user, record) in by_id_alone {
            steps::advance(1);
            let known = self.before.find(&UserId::from_checked(record.id())).and_then(|user| self.before.record(user));
            if let Some(known) = known.filter(|known| known.was_recorded()) {
                let draft = self.without_record(known);
                self.draft.records.insert(user.as_u32(), draft);
            }
        }
    }

    /// Returns the draft of a user whose record was removed, without the aliases that the record of another user has.
    fn without_record(&self, known: UserRecord<'_>) -> DraftRecord {
        let users = &self.draft.before.users;
        let is_free = |alias: &Alias| !users.called(alias.into()).any(|(_, record)| record.is_recorded());
        let user = match known.was_recorded() {
            true => known.to_user().without_record(is_free),
            false => known.to_user(),
        };
        DraftRecord { user, recorded: false, carried: true, at: 0 }
    }

    fn carry_memberships(&mut self) -> Result<(), ImportError> {
        let before = self.before;
        let mut members: Vec<(UserIndex, BTreeSet<u32>)> = Vec::new();
        before.each_membership(before.user_range(), |user, groups| {
            steps::advance(1 + groups.len());
            let into = |group: u32| {
                let group = GroupIndex::from_u32(group);
                [&self.carried, &self.joined, &self.copies].into_iter().filter_map(move |map| map.get(&group)).copied()
            };
            let into: BTreeSet<u32> =
                groups.iter().flat_map(|group| into(group.get())).map(GroupIndex::as_u32).collect();
            if !into.is_empty() {
                members.push((UserIndex::from_u32(user), into));
            }
        });
        for (user, groups) in members {
            let Some(record) = before.record(user) else { continue };
            let mut known = record.to_user();
            let last_names = before.last_names.get(known.id());
            let number = match self.draft.number(known.id()) {
                Some(number) => number,
                None => {
                    let number = self.draft.number_or_new(known.id())?;
                    let draft = self.without_record(record);
                    self.draft.records.insert(number, draft);
                    number
                }
            };
            self.draft.memberships_of(number).extend(groups);
            last_names.into_iter().for_each(|names| known.add_names_of(names));
            let names_now = match self.draft.records.get(&number) {
                Some(draft) => Some(draft.user.clone()),
                None => self.draft.before.record(UserIndex::from_u32(number)).map(UserRecord::to_user),
            };
            if let Some(now) = names_now.filter(|now| now.lacks_a_name_of(&known)) {
                add_last_names(&mut self.draft.last_names, known.names_missing_from(&now));
            }
        }
        Ok(())
    }
}
