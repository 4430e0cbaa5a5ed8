//! The last members of removed groups, as many as a directory remembers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::additions::Additions;
use super::apply::Draft;
use super::builder::ImportError;
use super::groups::GroupIndex;
use super::revision::DirectoryRevision;
use super::snapshot::LastNames;
use super::user::User;
use super::users::UserIndex;
use crate::identity::UserId;
use crate::steps;

/// How many memberships in removed groups are remembered in any case. More are remembered only if they are no more than
/// those in groups of the directory.
const ALWAYS_REMEMBERED: usize = 1 << 16;

/// Copies of groups as they were before a delta.
struct Copies {
    /// The copy of each group.
    made: HashMap<GroupIndex, GroupIndex>,
    /// Groups whose nested groups are still to be added to the copy.
    open: Vec<(GroupIndex, GroupIndex)>,
    /// The additions of the delta, which the copies include.
    additions: Additions,
}

impl Copies {
    fn with(additions: Additions) -> Self {
        Self { made: HashMap::new(), open: Vec::new(), additions }
    }
}

impl Draft<'_> {
    /// Settles the last members of the groups that a delta removed, and of those that a restored group was last nested
    /// in.
    pub(super) fn settle_removed(&mut self) -> Result<(), ImportError> {
        let (removed, restored) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.restored));
        if removed.is_empty() && restored.is_empty() {
            return Ok(());
        }
        self.changes_last_members = true;
        // Last members that were settled before the delta do not change.
        let mut before = Copies::with(Additions::default());
        let restored: BTreeSet<_> = restored.into_iter().filter(|group| self.was_removed(*group)).collect();
        for group in self.groups.last_children_among(&restored) {
            self.copy(group, &mut before)?;
        }
        if !before.made.is_empty() {
            Arc::make_mut(&mut self.groups).replace_last_children(&before.made);
        }
        self.nest_copies(&mut before)?;
        let mut now = Copies::with(std::mem::take(&mut self.additions));
        for group in removed {
            if self.groups.removal(group).is_none() {
                continue;
            }
            let children: Vec<GroupIndex> = self.groups.all_children(group).iter().copied().collect();
            self.add_last_children(group, children, &mut now)?;
        }
        self.nest_copies(&mut now)?;
        self.copy_memberships(&before, &now);
        self.forget_oldest();
        self.forget_last_names();
        Ok(())
    }

    fn was_removed(&self, group: GroupIndex) -> bool {
        self.before.groups.removal(group).is_some()
    }

    fn is_new(&self, group: GroupIndex) -> bool {
        group.as_usize() >= self.before.groups.slots()
    }

    /// Adds to the copies the groups that were nested in the originals before the delta, and those that it added.
    fn nest_copies(&mut self, copies: &mut Copies) -> Result<(), ImportError> {
        while let Some((group, copy)) = copies.open.pop() {
            let before = self.before.groups.counted_children(group);
            let children: Vec<GroupIndex> = before.chain(copies.additions.child_groups(group)).collect();
            self.add_last_children(copy, children, copies)?;
        }
        Ok(())
    }

    /// Adds its last children to a removed group or a copy. Each is a removed group, a copy, or a
    /// copy of a group that is in the directory or that the delta reduced.
    fn add_last_children(
        &mut self,
        group: GroupIndex,
        children: Vec<GroupIndex>,
        copies: &mut Copies,
    ) -> Result<(), ImportError> {
        for child in children {
            let child = match self.groups.is_in_directory(child) || copies.additions.is_reduced(child) {
                true => self.copy(child, copies)?,
                false => child,
            };
            Arc::make_mut(&mut self.groups).add_last_child(group, child);
        }
        Ok(())
    }

    fn copy(&mut self, group: GroupIndex, copies: &mut Copies) -> Result<GroupIndex, ImportError> {
        if let Some(copy) = copies.made.get(&group) {
            return Ok(*copy);
        }
        self.check_room_for_a_group()?;
        let known = if self.is_new(group) { &self.groups } else { &self.before.groups };
        let Some(id) = known.id(group).cloned() else { return Ok(group) };
        let knowledge = known.knowledge(group);
        let copy = Arc::make_mut(&mut self.groups).put_copy(id, knowledge, self.revision);
        copies.made.insert(group, copy);
        copies.open.push((group, copy));
        Ok(copy)
    }

    /// Adds the members of the originals to the copies.
    fn copy_memberships(&mut self, before: &Copies, now: &Copies) {
        if before.made.is_empty() && now.made.is_empty() {
            return;
        }
        let mut copied: Vec<(u32, GroupIndex)> = Vec::new();
        self.before.each_membership(self.before.user_range(), |user, groups| {
            steps::advance(1 + groups.len());
            for group in groups.iter().map(|group| GroupIndex::from_u32(group.get())) {
                copied.extend([before, now].into_iter().filter_map(|copies| Some((user, *copies.made.get(&group)?))));
            }
        });
        let added = now.additions.members().filter_map(|(group, user)| Some((user, *now.made.get(&group)?)));
        for (user, copy) in copied.into_iter().chain(added) {
            self.memberships_of(user).insert(copy.as_u32());
        }
    }

    /// Calls `found` for each user with the groups that list the user now.
    fn each_membership_now(&self, mut found: impl FnMut(u32, &mut dyn Iterator<Item = u32>)) {
        self.before.each_membership(self.before.user_range(), |user, groups| {
            steps::advance(1 + groups.len());
            match self.memberships.get(&user) {
                Some(now) => found(user, &mut now.iter().copied()),
                None => found(user, &mut groups.iter().map(|group| group.get())),
            }
        });
        for (user, groups) in self.memberships.range(self.before.user_range().end..) {
            steps::advance(1 + groups.len());
            found(*user, &mut groups.iter().copied());
        }
    }

    /// Forgets the members of the groups that were removed first, until the limit is met. Groups that were removed in
    /// this directory are not forgotten.
    pub(super) fn forget_oldest(&mut self) {
        let groups = Arc::clone(&self.groups);
        let mut sizes = vec![1; groups.slots()];
        let mut in_directory = 0;
        self.each_membership_now(|_, of_user| {
            for group in of_user.map(GroupIndex::from_u32) {
                if groups.is_in_directory(group) {
                    in_directory += 1;
                } else if let Some(size) = sizes.get_mut(group.as_usize()) {
                    *size += 1;
                }
            }
        });
        let mut by_age: BTreeMap<DirectoryRevision, Vec<(GroupIndex, usize)>> = BTreeMap::new();
        let mut remembered = 0;
        for group in groups.all_indexes() {
            let Some(since) = groups.remembered_since(group) else { continue };
            let size = sizes.get(group.as_usize()).copied().unwrap_or(0);
            remembered += size;
            if since != self.revision {
                by_age.entry(since).or_default().push((group, size));
            }
        }
        let limit = in_directory.max(ALWAYS_REMEMBERED);
        let mut forgotten: BTreeSet<u32> = groups.unused_copies().map(GroupIndex::as_u32).collect();
        for (group, size) in by_age.into_values().flatten() {
            if remembered <= limit {
                break;
            }
            remembered -= size;
            forgotten.insert(group.as_u32());
        }
        if forgotten.is_empty() {
            return;
        }
        let mut members = Vec::new();
        self.each_membership_now(|user, of_user| {
            if of_user.fold(false, |found, group| found | forgotten.contains(&group)) {
                members.push(user);
            }
        });
        for user in members {
            self.memberships_of(user).retain(|group| !forgotten.contains(group));
        }
        let groups = Arc::make_mut(&mut self.groups);
        forgotten.into_iter().for_each(|group| groups.forget(GroupIndex::from_u32(group)));
    }

    /// Returns whether a removed group or a copy lists a user.
    fn is_last_member(&self, user: u32) -> bool {
        let is_removed = |group: u32| !self.groups.is_in_directory(GroupIndex::from_u32(group));
        steps::advance(1);
        match self.memberships.get(&user) {
            Some(groups) => groups.iter().any(|group| is_removed(*group)),
            None => self.before.memberships.of(user).any(is_removed),
        }
    }

    /// Stores the names that last members of removed groups lose with a change of their records.
    pub(super) fn keep_last_names(&mut self) {
        let changed = self.records.keys().chain(self.memberships.keys());
        let last_members: BTreeSet<u32> = changed.copied().filter(|user| self.is_last_member(*user)).collect();
        self.changes_last_members |= !last_members.is_empty();
        for user in last_members {
            let Some(draft) = self.records.get(&user) else { continue };
            let Some(before) = self.before.record(UserIndex::from_u32(user)) else { continue };
            let known = before.to_user();
            if draft.user.lacks_a_name_of(&known) {
                let lost = known.names_missing_from(&draft.user);
                add_last_names(&mut self.last_names, lost);
            }
        }
    }

    /// Forgets the last names of users who are not last members any more.
    pub(super) fn forget_last_names(&mut self) {
        steps::advance(self.last_names.len());
        let is_over = |id: &UserId| !self.number(id).is_some_and(|user| self.is_last_member(user));
        let over: Vec<UserId> = self.last_names.keys().filter(|id| is_over(id)).cloned().collect();
        if !over.is_empty() {
            let names = Arc::make_mut(&mut self.last_names);
            over.iter().for_each(|id| drop(names.remove(id)));
        }
    }
}

/// Adds names that a last member lost.
pub(super) fn add_last_names(names: &mut Arc<LastNames>, lost: User) {
    let names = Arc::make_mut(names);
    match names.get_mut(lost.id()) {
        Some(known) => known.add_names_of(&lost),
        None => drop(names.insert(lost.id().clone(), lost)),
    }
}
