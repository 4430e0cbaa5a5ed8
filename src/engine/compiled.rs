//! The groups that a policy names, resolved in one directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::reach::Reach;
use super::reason::{PrincipalRole, Reason};
use crate::directory::{DirectorySnapshot, GroupIndex, IdentityKey, Knowledge, LastKnown, RemovedGroup, UserIndex};
use crate::identity::{Alias, GroupId, UserId};
use crate::policy::{GroupRef, PrivacyPolicy};
use crate::steps;

/// The groups of a policy, private or in scope, in order. Code elsewhere refers to a group by its position.
pub(super) struct CompiledPolicy {
    groups: Vec<PolicyGroup>,
    reach: Arc<Reach>,
    last_members: Arc<LastMembers>,
}

#[derive(Clone)]
struct PolicyGroup {
    group: GroupRef,
    private: bool,
    /// Whether its members, or those of a group nested in it, are not known.
    is_unknown: bool,
}

/// Stored last members of removed groups, as far as their memberships in the directory do not lead to these groups.
#[derive(Default, PartialEq, Eq)]
struct LastMembers {
    by_id: HashMap<UserId, Vec<usize>>,
    /// The users who had a name while they were last members, by [`Alias::key`].
    by_name: HashMap<String, BTreeSet<UserId>>,
}

impl CompiledPolicy {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        removed_groups: &[RemovedGroup],
    ) -> Self {
        let scope = policy.scope().iter().map(|rule| rule.group());
        let named: BTreeSet<&GroupRef> = policy.private_groups().iter().chain(scope).collect();
        let groups = named.into_iter().map(|group| {
            let private = policy.private_groups().contains(group);
            PolicyGroup { group: group.clone(), private, is_unknown: false }
        });
        let groups = groups.collect();
        let (reach, last_members) = (Arc::default(), Arc::default());
        let compiled = Self { groups, reach, last_members };
        // Without a directory the activity cannot be decided anyway, and that is the reason to report.
        match directory {
            Some(directory) => compiled.resolved_in(directory, removed_groups, None),
            None => compiled,
        }
    }

    /// Resolves the same groups in the directory that deltas made of the one before. Shares what did not change.
    pub(super) fn updated(
        &self,
        before: &DirectorySnapshot,
        next: &DirectorySnapshot,
        removed_groups: &[RemovedGroup],
    ) -> Self {
        let groups = self.groups.iter().map(|group| PolicyGroup { is_unknown: false, ..group.clone() }).collect();
        let (reach, last_members) = (Arc::clone(&self.reach), Arc::clone(&self.last_members));
        let compiled = Self { groups, reach, last_members };
        let is_restored =
            |group: &RemovedGroup| group.restored_by(before.revision()) != group.restored_by(next.revision());
        if !next.has_same_groups_as(before) || removed_groups.iter().any(is_restored) {
            return compiled.resolved_in(next, removed_groups, None);
        }
        if next.last_members_mark() != before.last_members_mark() {
            let reach = Arc::clone(&self.reach);
            return compiled.resolved_in(next, removed_groups, Some(reach));
        }
        Self { groups: self.groups.clone(), ..compiled }
    }

    fn resolved_in(
        mut self,
        directory: &DirectorySnapshot,
        removed_groups: &[RemovedGroup],
        reach: Option<Arc<Reach>>,
    ) -> Self {
        steps::advance(self.groups.len() + removed_groups.len());
        let stored: HashMap<&GroupId, &RemovedGroup> =
            removed_groups.iter().map(|group| (group.group(), group)).collect();
        let mut resolver = RemovedGroupResolver { directory, stored: &stored, positions: BTreeMap::new() };
        let mut in_directory: Vec<(GroupIndex, usize)> = Vec::new();
        for (at, group) in self.groups.iter_mut().enumerate() {
            let GroupRef::Imported(id) = &group.group else { continue };
            match directory.group_index(id).filter(|index| resolver.is_in_directory(*index, id)) {
                Some(index) => in_directory.push((index, at)),
                None => {
                    let counts = directory.last_known_of(None, stored.get(id).copied()).stored.is_some();
                    group.is_unknown = !counts;
                    if counts {
                        resolver.add(id, &[at]);
                    }
                }
            }
        }
        self.reach = reach.unwrap_or_else(|| Arc::new(Reach::new(directory, &in_directory)));
        for open in &self.reach.open {
            let at = self.reach.of_open(open);
            let (is_known, counts) = resolver.resolve_open(open.group, open.is_known);
            if let Some(id) = directory.group_id(open.group).filter(|_| counts) {
                resolver.add(id, &at);
            }
            if !is_known && !counts {
                for at in &*at {
                    self.groups.get_mut(*at).into_iter().for_each(|group| group.is_unknown = true);
                }
            }
        }
        // Removed groups that another process saw nested in a group of the policy.
        for group in removed_groups {
            if !resolver.may_be_nested_elsewhere(group) {
                continue;
            }
            // If it counts for no group of the policy, it identifies no user either.
            let at = self.containing(group, directory);
            if !at.is_empty() {
                resolver.add(group.group(), &at);
            }
        }
        let last_members = resolver.last_members(&self.reach);
        if last_members != *self.last_members {
            self.last_members = Arc::new(last_members);
        }
        self
    }

    /// Returns the groups below imported groups of the policy, and these groups themselves, whose members the directory
    /// may not know: removed groups, and groups that a delta added. Each comes with the groups of the policy that it
    /// counts for.
    pub(super) fn incomplete_groups(&self, directory: &DirectorySnapshot) -> BTreeMap<GroupId, BTreeSet<GroupId>> {
        let imported = |at: &usize| self.imported(*at).cloned();
        let open = self.reach.open.iter().filter_map(|open| {
            let counts_for = self.reach.of_open(open).iter().filter_map(imported).collect();
            Some((directory.group_id(open.group)?.clone(), counts_for))
        });
        open.collect()
    }

    /// Returns the positions of the groups that a removed group counts as nested in: those in which it was last, and
    /// every group that contains one of these by way of groups in the directory.
    fn containing(&self, removed: &RemovedGroup, directory: &DirectorySnapshot) -> Vec<usize> {
        let mut at: BTreeSet<usize> = BTreeSet::new();
        for id in removed.nested_in() {
            steps::advance(1);
            at.extend(self.position(&GroupRef::Imported(id.clone())));
            if let Some(group) = directory.group_index(id) {
                directory.parent_groups(group).for_each(|parent| at.extend(&*self.reach.of(parent)));
            }
        }
        at.into_iter().collect()
    }

    /// Returns the imported groups of the policy that a removed group counts as nested in.
    pub(super) fn groups_containing<'a>(
        &'a self,
        removed: &RemovedGroup,
        directory: &DirectorySnapshot,
    ) -> impl Iterator<Item = &'a GroupId> {
        self.containing(removed, directory).into_iter().filter_map(|at| self.imported(at))
    }

    /// Returns the id of the group at a position if it is an imported one.
    fn imported(&self, at: usize) -> Option<&GroupId> {
        match &self.groups.get(at)?.group {
            GroupRef::Imported(id) => Some(id),
            GroupRef::Applications | GroupRef::ExternalUsers => None,
        }
    }

    /// Returns whether stored members of removed groups may count for any group of the policy. The directory does not
    /// tell: another process may have seen a group nested in one of the policy that this directory never contained.
    pub(super) fn may_have_last_members(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.group, GroupRef::Imported(_)))
    }

    /// Returns the imported groups of the policy whose members are not known.
    pub(super) fn unknown_groups(&self) -> impl Iterator<Item = &GroupId> {
        let unknown = self.groups.iter().enumerate().filter(|(_, group)| group.is_unknown);
        unknown.filter_map(|(at, _)| self.imported(at))
    }

    /// Returns the position of a group if the policy names it.
    pub(super) fn position(&self, group: &GroupRef) -> Option<usize> {
        self.groups.binary_search_by(|known| known.group.cmp(group)).ok()
    }

    /// Returns the group at a position if it is private.
    pub(super) fn private_group(&self, at: usize) -> Option<&GroupRef> {
        self.groups.get(at).filter(|group| group.private).map(|group| &group.group)
    }

    /// Returns a reason for the group at a position if it is private.
    pub(super) fn private_reason(&self, at: usize, role: PrincipalRole) -> Option<Reason> {
        self.private_group(at).map(|group| Reason::Member { group: group.clone(), role })
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Returns whether the same groups lead to those of both policies, with the same last members.
    pub(super) fn has_same_members_as(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.reach, &other.reach) || self.reach == other.reach)
            && (Arc::ptr_eq(&self.last_members, &other.last_members) || self.last_members == other.last_members)
    }

    /// Returns the positions of the groups that a user was last in, as far as the directory does not have these
    /// memberships.
    pub(super) fn last_groups(&self, user: &UserId) -> &[usize] {
        self.last_members.by_id.get(user).map_or(&[], |at| at)
    }

    /// Returns the last members who had this name. Users whose record has names are known by these alone.
    pub(super) fn last_called<'a>(
        &'a self,
        key: IdentityKey<'_>,
        directory: Option<&'a DirectorySnapshot>,
    ) -> impl Iterator<Item = &'a UserId> {
        let by_name = &self.last_members.by_name;
        // Mostly there are no last members, and the key need not be put into lower case.
        let known = (!by_name.is_empty()).then(|| by_name.get(&key.to_lower_case())).flatten();
        let is_named =
            move |id: &UserId| directory.is_some_and(|it| it.find(id).is_some_and(|user| it.is_named_on_record(user)));
        known.into_iter().flatten().filter(move |id| !is_named(id))
    }

    /// Returns whether a last member has this id or had this name.
    pub(super) fn is_last_member(&self, key: IdentityKey<'_>) -> bool {
        match key {
            IdentityKey::Id(_) => self.last_members.by_id.contains_key(&UserId::from_checked(key.text())),
            IdentityKey::Name(_) => self.last_members.by_name.contains_key(&key.to_lower_case()),
        }
    }

    /// Returns the ids of all last members, and their names by [`Alias::key`].
    pub(super) fn last_members(&self) -> (impl Iterator<Item = &UserId>, impl Iterator<Item = &str>) {
        (self.last_members.by_id.keys(), self.last_members.by_name.keys().map(String::as_str))
    }

    pub(super) fn has_no_last_members(&self) -> bool {
        self.last_members.by_id.is_empty() && self.last_members.by_name.is_empty()
    }
}

/// Finds out which stored removed groups count, and for which groups of the policy.
struct RemovedGroupResolver<'a> {
    directory: &'a DirectorySnapshot,
    stored: &'a HashMap<&'a GroupId, &'a RemovedGroup>,
    /// For each stored group that counts, the positions of the groups that it counts for.
    positions: BTreeMap<&'a GroupId, BTreeSet<usize>>,
}

impl<'a> RemovedGroupResolver<'a> {
    fn add(&mut self, group: &GroupId, at: &[usize]) {
        if let Some((id, _)) = self.stored.get_key_value(group) {
            self.positions.entry(id).or_default().extend(at);
        }
    }

    /// Returns whether a group of the policy counts as the directory has it: it was not removed, or it was and no other
    /// process has seen it since.
    fn is_in_directory(&self, group: GroupIndex, id: &GroupId) -> bool {
        let removal = self.directory.removal(group);
        removal.is_none() || self.directory.last_known_of(removal, self.stored.get(id).copied()).is_remembered
    }

    /// Returns whether the directory knows all members of an [open group](super::reach::OpenGroup), and whether the
    /// stored ones count.
    fn resolve_open(&self, group: GroupIndex, is_known: bool) -> (bool, bool) {
        let Some(id) = self.directory.group_id(group) else { return (false, false) };
        let stored = self.stored.get(id).copied();
        if self.directory.has_group(group) {
            return (is_known, stored.is_some());
        }
        let removal = self.directory.removal(group).filter(|_| is_known);
        let LastKnown { is_remembered, stored } = self.directory.last_known_of(removal, stored);
        (is_remembered, stored.is_some())
    }

    /// Returns whether a removed group may be nested in groups that this directory does not have as its parents.
    fn may_be_nested_elsewhere(&self, removed: &RemovedGroup) -> bool {
        match self.directory.group_index(removed.group()) {
            Some(group) => self.directory.knowledge(group) != Knowledge::Whole,
            None => removed.restored_by(self.directory.revision()).is_none(),
        }
    }

    fn last_members(self, reach: &Reach) -> LastMembers {
        let mut last_members = LastMembers::default();
        let directory = self.directory;
        let mut add_name = |alias: &Alias, id: &UserId| {
            last_members.by_name.entry(alias.key()).or_default().insert(id.clone());
        };
        for (id, user) in directory.last_names() {
            user.aliases().iter().for_each(|alias| add_name(alias, id));
        }
        for (group, at) in self.positions {
            let at: Vec<usize> = at.into_iter().collect();
            for member in self.stored.get(group).into_iter().flat_map(|stored| stored.members()) {
                steps::advance(1);
                let known = directory.find(member.id());
                let unknown = match known {
                    Some(user) => directory.not_called(user, member.aliases()),
                    None => member.aliases().iter().collect(),
                };
                unknown.into_iter().for_each(|alias| add_name(alias, member.id()));
                if !known.is_some_and(|user| is_in_all(directory, reach, user, &at)) {
                    last_members.by_id.entry(member.id().clone()).or_default().extend(&at);
                }
            }
        }
        last_members
    }
}

/// Returns whether the memberships of a user lead to the groups of the policy at all of these positions.
fn is_in_all(directory: &DirectorySnapshot, reach: &Reach, user: UserIndex, at: &[usize]) -> bool {
    let sets = || directory.groups_of_user(user).filter_map(|group| reach.expanded(reach.number(group.as_u32())));
    at.iter().all(|at| sets().any(|set| set.binary_search(at).is_ok()))
}
