//! The groups that a policy speaks of, laid over one directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::reach::Reach;
use super::reason::{PrincipalRole, Reason};
use crate::directory::{DirectorySnapshot, GroupIndex, Knowledge, LastKnown, RemovedGroup, UserIndex};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::policy::{GroupRef, PrivacyPolicy};
use crate::steps;

/// See the module. A watched group goes by its place in the order of all that are watched.
pub(super) struct Watch {
    groups: Vec<Watched>,
    reach: Arc<Reach>,
    retained: Arc<Retained>,
    /// Whether what nodes keep of removed groups counts for any watched group.
    relies_on_last_members: bool,
}

#[derive(Clone)]
struct Watched {
    group: GroupRef,
    private: bool,
    /// Whether nobody knows who is in it, or in a group that is nested in it.
    is_unknown: bool,
}

/// Last members of removed groups whom the directory does not lead to these by itself: what nodes kept of them.
#[derive(Default, PartialEq, Eq)]
struct Retained {
    by_id: HashMap<UserId, Vec<usize>>,
    /// Whoever had a name while they were a last member, in the form in which names are compared.
    by_name: HashMap<String, BTreeSet<UserId>>,
}

impl Watch {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        vanished: &[RemovedGroup],
    ) -> Self {
        let scope = policy.scope().iter().map(|rule| rule.group());
        let spoken_of: BTreeSet<&GroupRef> = policy.private_groups().iter().chain(scope).collect();
        let watched = spoken_of.into_iter().map(|group| {
            let private = policy.private_groups().contains(group);
            Watched { group: group.clone(), private, is_unknown: false }
        });
        let groups = watched.collect();
        let (reach, retained) = (Arc::default(), Arc::default());
        let watch = Self { groups, reach, retained, relies_on_last_members: false };
        // Without a directory nothing can be decided anyway, and the directory is the cause.
        match directory {
            Some(directory) => watch.laid_over(directory, vanished, None),
            None => watch,
        }
    }

    /// The same groups, laid over a directory that deltas made of the one before, where the same is kept.
    pub(super) fn following(
        &self,
        before: &DirectorySnapshot,
        next: &DirectorySnapshot,
        vanished: &[RemovedGroup],
    ) -> Self {
        let groups = self.groups.iter().map(|watched| Watched { is_unknown: false, ..watched.clone() }).collect();
        let (reach, retained) = (Arc::clone(&self.reach), Arc::clone(&self.retained));
        let watch = Self { groups, reach, retained, relies_on_last_members: self.relies_on_last_members };
        let comes_back = |kept: &RemovedGroup| kept.back_by(before.revision()) != kept.back_by(next.revision());
        if !next.has_the_groups_of(before) || vanished.iter().any(comes_back) {
            return watch.laid_over(next, vanished, None);
        }
        if next.last_members_mark() != before.last_members_mark() {
            let reach = Arc::clone(&self.reach);
            return watch.laid_over(next, vanished, Some(reach));
        }
        Self { groups: self.groups.clone(), ..watch }
    }

    fn laid_over(
        mut self,
        directory: &DirectorySnapshot,
        vanished: &[RemovedGroup],
        reach: Option<Arc<Reach>>,
    ) -> Self {
        steps::advance(self.groups.len() + vanished.len());
        let kept: HashMap<&GroupId, &RemovedGroup> = vanished.iter().map(|kept| (kept.group(), kept)).collect();
        let mut counting = Counting { directory, positions: BTreeMap::new(), kept: &kept, is_open: false };
        let mut led_to: Vec<(GroupIndex, usize)> = Vec::new();
        for (at, watched) in self.groups.iter_mut().enumerate() {
            let GroupRef::Imported(id) = &watched.group else { continue };
            match directory.group_index(id).filter(|group| counting.is_led_to(*group, id)) {
                Some(group) => led_to.push((group, at)),
                None => {
                    let counts = directory.last_known_of(None, kept.get(id).copied()).kept.is_some();
                    counting.is_open = true;
                    watched.is_unknown = !counts;
                    if counts {
                        counting.count(id, &[at]);
                    }
                }
            }
        }
        self.reach = reach.unwrap_or_else(|| Arc::new(Reach::new(directory, &led_to)));
        for open in &self.reach.open {
            let at = self.reach.of_open(open);
            let (is_known, counts) = counting.of_open(open.group, open.is_known);
            if let Some(id) = directory.group_id(open.group).filter(|_| counts) {
                counting.count(id, &at);
            }
            if !is_known && !counts {
                for at in &*at {
                    self.groups.get_mut(*at).into_iter().for_each(|watched| watched.is_unknown = true);
                }
            }
        }
        // What was nested in a watched group while another process saw it.
        for kept in vanished {
            if !counting.is_elsewhere(kept) {
                continue;
            }
            let at = self.holding(kept, directory);
            counting.is_open |= !at.is_empty();
            counting.count(kept.group(), &at);
        }
        self.relies_on_last_members = counting.is_open || !self.reach.open.is_empty();
        let retained = counting.retained(&self.reach);
        if retained != *self.retained {
            self.retained = Arc::new(retained);
        }
        self
    }

    /// The groups that are nested in imported groups of the policy or are among them, and of which the directory may not
    /// know the members: removed ones, and those that a delta added. Each with the groups of the policy that it counts for.
    pub(super) fn open_groups(&self, directory: &DirectorySnapshot) -> BTreeMap<GroupId, BTreeSet<GroupId>> {
        let imported = |at: &usize| self.imported(*at).cloned();
        let open = self.reach.open.iter().filter_map(|open| {
            let counts_for = self.reach.of_open(open).iter().filter_map(imported).collect();
            Some((directory.group_id(open.group)?.clone(), counts_for))
        });
        open.collect()
    }

    /// The watched groups in which a group that was kept counts as nested: those in which it was last, and every group
    /// in which one of these is nested by way of groups that are there.
    fn holding(&self, kept: &RemovedGroup, directory: &DirectorySnapshot) -> Vec<usize> {
        let mut at: BTreeSet<usize> = BTreeSet::new();
        for id in kept.nested_in() {
            steps::advance(1);
            at.extend(self.position(&GroupRef::Imported(id.clone())));
            if let Some(group) = directory.group_index(id) {
                directory.nesting(group).for_each(|outer| at.extend(&*self.reach.of(outer)));
            }
        }
        at.into_iter().collect()
    }

    /// The imported groups of the policy in which a group that was kept counts as nested.
    pub(super) fn groups_holding<'a>(
        &'a self,
        kept: &RemovedGroup,
        directory: &DirectorySnapshot,
    ) -> impl Iterator<Item = &'a GroupId> {
        self.holding(kept, directory).into_iter().filter_map(|at| self.imported(at))
    }

    /// A watched group, if it is an imported one.
    fn imported(&self, at: usize) -> Option<&GroupId> {
        match &self.groups.get(at)?.group {
            GroupRef::Imported(id) => Some(id),
            GroupRef::Applications | GroupRef::ExternalUsers => None,
        }
    }

    /// Whether what nodes keep of removed groups counts for any watched group.
    pub(super) fn relies_on_last_members(&self) -> bool {
        self.relies_on_last_members
    }

    /// The imported groups of the policy of which nobody knows the members.
    pub(super) fn missing(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.iter().filter(|watched| watched.is_unknown).filter_map(|watched| match &watched.group {
            GroupRef::Imported(id) => Some(id),
            GroupRef::Applications | GroupRef::ExternalUsers => None,
        })
    }

    /// The place of a group, if it is watched.
    pub(super) fn position(&self, group: &GroupRef) -> Option<usize> {
        self.groups.binary_search_by(|watched| watched.group.cmp(group)).ok()
    }

    /// A watched group, if it is private.
    pub(super) fn private_group(&self, at: usize) -> Option<&GroupRef> {
        self.groups.get(at).filter(|watched| watched.private).map(|watched| &watched.group)
    }

    /// A reason for a watched group, if it is private.
    pub(super) fn private_reason(&self, at: usize, role: PrincipalRole) -> Option<Reason> {
        self.private_group(at).map(|group| Reason::Member { group: group.clone(), role })
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether both are led to by the same groups, and retain the same members.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.reach, &other.reach) || self.reach == other.reach)
            && (Arc::ptr_eq(&self.retained, &other.retained) || self.retained == other.retained)
    }

    /// The watched groups that a user was in when these were last there, as far as the directory does not say so.
    pub(super) fn retained(&self, user: &UserId) -> &[usize] {
        self.retained.by_id.get(user).map_or(&[], |at| at)
    }

    /// Whoever had this name while they were a last member. Whoever has a record with names goes by these alone.
    pub(super) fn last_called<'a>(
        &'a self,
        alias: &Alias,
        directory: Option<&'a DirectorySnapshot>,
    ) -> impl Iterator<Item = &'a UserId> {
        let by_name = &self.retained.by_name;
        // Mostly there is nobody, and then the name need not be folded.
        let known = (!by_name.is_empty()).then(|| by_name.get(&alias.key())).flatten();
        let is_named =
            move |id: &UserId| directory.is_some_and(|it| it.find(id).is_some_and(|user| it.is_named_on_record(user)));
        known.into_iter().flatten().filter(move |id| !is_named(id))
    }

    /// Whether a name or an id is one by which somebody is retained.
    pub(super) fn retains(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Id(id) => self.retained.by_id.contains_key(id),
            Identity::Alias(alias) => self.retained.by_name.contains_key(&alias.key()),
        }
    }

    /// Everybody who is retained: by id, and by names in the form in which they are compared.
    pub(super) fn remembered(&self) -> (impl Iterator<Item = &UserId>, impl Iterator<Item = &str>) {
        (self.retained.by_id.keys(), self.retained.by_name.keys().map(String::as_str))
    }

    /// Whether nobody is retained.
    pub(super) fn remembers_nobody(&self) -> bool {
        self.retained.by_id.is_empty() && self.retained.by_name.is_empty()
    }
}

/// Finds out which of the groups that were kept count, and for which watched groups.
struct Counting<'a> {
    directory: &'a DirectorySnapshot,
    kept: &'a HashMap<&'a GroupId, &'a RemovedGroup>,
    /// For each group that was kept and counts.
    positions: BTreeMap<&'a GroupId, BTreeSet<usize>>,
    /// Whether what is kept may count for a watched group.
    is_open: bool,
}

impl<'a> Counting<'a> {
    fn count(&mut self, group: &GroupId, at: &[usize]) {
        if let Some((id, _)) = self.kept.get_key_value(group) {
            self.positions.entry(id).or_default().extend(at);
        }
    }

    /// Whether a watched group counts as the directory has it: it is there, or it was removed and not seen since.
    fn is_led_to(&self, group: GroupIndex, id: &GroupId) -> bool {
        let removal = self.directory.removal(group);
        removal.is_none() || self.directory.last_known_of(removal, self.kept.get(id).copied()).is_remembered
    }

    /// Whether the directory knows all members of an [open group](super::reach::OpenGroup), and whether what was kept of
    /// it counts.
    fn of_open(&self, group: GroupIndex, is_known: bool) -> (bool, bool) {
        let Some(id) = self.directory.group_id(group) else { return (false, false) };
        let kept = self.kept.get(id).copied();
        if self.directory.has_group(group) {
            return (is_known, kept.is_some());
        }
        let removal = self.directory.removal(group).filter(|_| is_known);
        let LastKnown { is_remembered, kept } = self.directory.last_known_of(removal, kept);
        (is_remembered, kept.is_some())
    }

    /// Whether a group that was kept may be nested in others without the knowledge of this directory.
    fn is_elsewhere(&self, kept: &RemovedGroup) -> bool {
        match self.directory.group_index(kept.group()) {
            Some(group) => self.directory.knowledge(group) != Knowledge::Whole,
            None => kept.back_by(self.directory.revision()).is_none(),
        }
    }

    fn retained(self, reach: &Reach) -> Retained {
        let mut retained = Retained::default();
        let directory = self.directory;
        let mut name = |alias: &Alias, id: &UserId| {
            retained.by_name.entry(alias.key()).or_default().insert(id.clone());
        };
        for (id, user) in directory.last_names() {
            user.aliases().iter().for_each(|alias| name(alias, id));
        }
        for (group, at) in self.positions {
            let at: Vec<usize> = at.into_iter().collect();
            for member in self.kept.get(group).into_iter().flat_map(|kept| kept.members()) {
                steps::advance(1);
                let known = directory.find(member.id());
                let unknown = match known {
                    Some(user) => directory.not_called(user, member.aliases()),
                    None => member.aliases().iter().collect(),
                };
                unknown.into_iter().for_each(|alias| name(alias, member.id()));
                if !known.is_some_and(|user| leads_to(directory, reach, user, &at)) {
                    retained.by_id.entry(member.id().clone()).or_default().extend(&at);
                }
            }
        }
        retained
    }
}

/// Whether the groups of a user lead to all of these watched groups.
fn leads_to(directory: &DirectorySnapshot, reach: &Reach, user: UserIndex, at: &[usize]) -> bool {
    let sets = || directory.groups_of_user(user).filter_map(|group| reach.written(reach.number(group.number())));
    at.iter().all(|at| sets().any(|set| set.binary_search(at).is_ok()))
}
