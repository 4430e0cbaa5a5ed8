//! What a directory remembers of removed groups: their last members, as long as there is room for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::additions::Additions;
use super::apply::Draft;
use super::builder::ImportError;
use super::groups::GroupIndex;
use super::people::UserIndex;
use super::revision::DirectoryRevision;
use super::snapshot::LastNames;
use super::user::User;
use crate::identity::UserId;
use crate::steps;

/// How many memberships in removed groups are remembered in any case; more only while they are no more than those in
/// groups that are there.
const ALWAYS_REMEMBERED: usize = 1 << 16;

/// Copies of groups, as they counted before a delta.
struct Copies {
    /// By the number of what they are copies of.
    made: HashMap<GroupIndex, GroupIndex>,
    /// Those of which it is still to be said what is nested in them.
    open: Vec<(GroupIndex, GroupIndex)>,
    /// What the delta added to what they are copies of.
    additions: Additions,
}

impl Copies {
    fn with(additions: Additions) -> Self {
        Self { made: HashMap::new(), open: Vec::new(), additions }
    }
}

impl Draft<'_> {
    /// Settles what counts of the groups that a delta removed, and of those in which a restored group was nested last.
    pub(super) fn settle_removed(&mut self) -> Result<(), ImportError> {
        let (removed, restored) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.restored));
        if removed.is_empty() && restored.is_empty() {
            return Ok(());
        }
        self.moves_last_members = true;
        // What was settled before the delta stays as it is.
        let mut before = Copies::with(Additions::default());
        let restored: BTreeSet<_> = restored.into_iter().filter(|group| self.was_removed(*group)).collect();
        for group in self.groups.nested_last(&restored) {
            self.copy(group, &mut before)?;
        }
        if !before.made.is_empty() {
            Arc::make_mut(&mut self.groups).replace_last(&before.made);
        }
        self.nest_copies(&mut before)?;
        let mut now = Copies::with(std::mem::take(&mut self.additions));
        for group in removed {
            if self.groups.removal(group).is_none() {
                continue;
            }
            let children: Vec<GroupIndex> = self.groups.neighbours(group).1.iter().copied().collect();
            self.nest_last(group, children, &mut now)?;
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
        group.place() >= self.before.groups.numbers()
    }

    /// Notes what was nested in what was copied: before the delta, and with what it added.
    fn nest_copies(&mut self, copies: &mut Copies) -> Result<(), ImportError> {
        while let Some((group, copy)) = copies.open.pop() {
            let before = self.before.groups.counted_children(group);
            let children: Vec<GroupIndex> = before.chain(copies.additions.child_groups(group)).collect();
            self.nest_last(copy, children, copies)?;
        }
        Ok(())
    }

    /// Notes what was nested in a removed group or a copy: other such, and copies of groups that are there or were more
    /// before the delta.
    fn nest_last(
        &mut self,
        group: GroupIndex,
        children: Vec<GroupIndex>,
        copies: &mut Copies,
    ) -> Result<(), ImportError> {
        for child in children {
            let child = match self.groups.is_there(child) || copies.additions.is_lessened(child) {
                true => self.copy(child, copies)?,
                false => child,
            };
            Arc::make_mut(&mut self.groups).nest_last(group, child);
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

    /// Gives the copies the members of what they are copies of.
    fn copy_memberships(&mut self, before: &Copies, now: &Copies) {
        if before.made.is_empty() && now.made.is_empty() {
            return;
        }
        let mut copied: Vec<(u32, GroupIndex)> = Vec::new();
        self.before.each_membership(self.before.user_range(), |user, groups| {
            steps::advance(1 + groups.len());
            for group in groups.iter().map(|group| GroupIndex::numbered(group.get())) {
                copied.extend([before, now].into_iter().filter_map(|copies| Some((user, *copies.made.get(&group)?))));
            }
        });
        let added = now.additions.members().filter_map(|(group, user)| Some((user, *now.made.get(&group)?)));
        for (user, copy) in copied.into_iter().chain(added) {
            self.memberships_of(user).insert(copy.number());
        }
    }

    /// Calls `found` for everybody with the groups that list them now.
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

    /// Forgets the members of the groups that went first, while more is remembered than there is room for. What went in
    /// this directory is not forgotten.
    pub(super) fn forget_oldest(&mut self) {
        let groups = Arc::clone(&self.groups);
        let mut sizes = vec![1; groups.numbers()];
        let mut memberships_there = 0;
        self.each_membership_now(|_, of_user| {
            for group in of_user.map(GroupIndex::numbered) {
                if groups.is_there(group) {
                    memberships_there += 1;
                } else if let Some(size) = sizes.get_mut(group.place()) {
                    *size += 1;
                }
            }
        });
        let mut by_age: BTreeMap<DirectoryRevision, Vec<(GroupIndex, usize)>> = BTreeMap::new();
        let mut remembered = 0;
        for group in groups.all() {
            let Some(since) = groups.remembered_since(group) else { continue };
            let size = sizes.get(group.place()).copied().unwrap_or(0);
            remembered += size;
            if since != self.revision {
                by_age.entry(since).or_default().push((group, size));
            }
        }
        let room = memberships_there.max(ALWAYS_REMEMBERED);
        let mut forgotten: BTreeSet<u32> = groups.unused_copies().map(GroupIndex::number).collect();
        for (group, size) in by_age.into_values().flatten() {
            if remembered <= room {
                break;
            }
            remembered -= size;
            forgotten.insert(group.number());
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
        forgotten.into_iter().for_each(|group| groups.forget(GroupIndex::numbered(group)));
    }

    /// Whether a removed group or a copy lists a user.
    fn is_last_member(&self, user: u32) -> bool {
        let is_gone = |group: u32| !self.groups.is_there(GroupIndex::numbered(group));
        steps::advance(1);
        match self.memberships.get(&user) {
            Some(groups) => groups.iter().any(|group| is_gone(*group)),
            None => self.before.memberships.of(user).any(is_gone),
        }
    }

    /// Keeps the names that members of removed groups lose with their records.
    pub(super) fn keep_last_names(&mut self) {
        let changed = self.records.keys().chain(self.memberships.keys());
        let moved: BTreeSet<u32> = changed.copied().filter(|user| self.is_last_member(*user)).collect();
        self.moves_last_members |= !moved.is_empty();
        for user in moved {
            let Some(written) = self.records.get(&user) else { continue };
            let Some(before) = self.before.entry(UserIndex::numbered(user)) else { continue };
            let known = before.to_user();
            if written.user.lacks_a_name_of(&known) {
                let lost = known.names_beside(&written.user);
                learn(&mut self.last_names, lost);
            }
        }
    }

    /// Forgets the last names of users who are no last members any more.
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

/// Adds names that a last member had.
pub(super) fn learn(names: &mut Arc<LastNames>, lost: User) {
    let names = Arc::make_mut(names);
    match names.get_mut(lost.id()) {
        Some(known) => known.learn(&lost),
        None => drop(names.insert(lost.id().clone(), lost)),
    }
}
