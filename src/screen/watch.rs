//! The groups that a policy speaks of, laid over one directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::reason::{Reason, Standing};
use crate::directory::{DirectorySnapshot, GroupIndex, LastKnown, Packed, VanishedGroup};
use crate::identity::{Alias, GroupId, UserId};
use crate::policy::{GroupRef, PrivacyPolicy};

/// See the module. A watched group goes by its place in the order of all that are watched.
pub(super) struct Watch {
    groups: Vec<Watched>,
    reach: Reach,
    /// The last members of watched groups that are gone from the directory.
    retained: HashMap<UserId, Vec<usize>>,
    /// Whoever among them no record of the directory names, by the names that they had, in the form in which they are
    /// compared.
    last_names: HashMap<String, BTreeSet<UserId>>,
}

struct Watched {
    group: GroupRef,
    private: bool,
    members: Members,
}

/// For a group of the directory, which watched groups its members are in.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The set of each group that leads to any, by its place.
    of_group: Vec<u32>,
    /// The first is empty.
    sets: Vec<Vec<usize>>,
}

/// How it is known who is in a watched group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// The directory or the policy tells, as for built-in groups.
    Told,
    /// The group is gone; its last members are remembered.
    Remembered,
    /// The group is gone, and nobody knows who was in it.
    Unknown,
}

impl Watch {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        vanished: &[VanishedGroup],
    ) -> Self {
        let scope = policy.scope().iter().map(|rule| rule.group());
        let spoken_of: BTreeSet<&GroupRef> = policy.private_groups().iter().chain(scope).collect();
        let mut watch = Self {
            groups: Vec::with_capacity(spoken_of.len()),
            reach: Reach::default(),
            retained: HashMap::new(),
            last_names: HashMap::new(),
        };
        let mut reach: BTreeMap<GroupIndex, Vec<usize>> = BTreeMap::new();
        for (at, group) in spoken_of.into_iter().enumerate() {
            let members = match (group, directory) {
                (GroupRef::Imported(id), Some(directory)) => match directory.group_index(id) {
                    Some(index) => {
                        for below in directory.groups_below(index) {
                            reach.entry(below).or_default().push(at);
                        }
                        Members::Told
                    }
                    None => watch.remember(at, id, directory, vanished),
                },
                // Without a directory nothing can be decided anyway, and the directory is the cause.
                (GroupRef::Imported(_), None) | (GroupRef::Applications | GroupRef::ExternalUsers, _) => Members::Told,
            };
            let private = policy.private_groups().contains(group);
            watch.groups.push(Watched { group: group.clone(), private, members });
        }
        watch.reach = Reach::new(reach);
        watch
    }

    /// Notes who was in a group that is gone; tells whether that is known.
    fn remember(
        &mut self,
        at: usize,
        id: &GroupId,
        directory: &DirectorySnapshot,
        vanished: &[VanishedGroup],
    ) -> Members {
        let LastKnown { remembered, kept } = directory.last_known(id, vanished);
        if remembered.is_none() && kept.is_none() {
            return Members::Unknown;
        }
        for user in remembered.into_iter().chain(kept).flat_map(VanishedGroup::members) {
            self.retained.entry(user.id().clone()).or_default().push(at);
            // Whoever has a record goes by the names on it.
            if !directory.find(user.id()).is_some_and(|user| directory.is_named_on_record(user)) {
                for alias in user.aliases() {
                    self.last_names.entry(alias.key()).or_default().insert(user.id().clone());
                }
            }
        }
        Members::Remembered
    }

    /// Whether any group is gone from the directory.
    pub(super) fn relies_on_last_members(&self) -> bool {
        self.groups.iter().any(|watched| watched.members != Members::Told)
    }

    /// The imported groups of the policy of which nobody knows the members.
    pub(super) fn missing(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.iter().filter(|watched| watched.members == Members::Unknown).filter_map(|watched| {
            match &watched.group {
                GroupRef::Imported(id) => Some(id),
                GroupRef::Applications | GroupRef::ExternalUsers => None,
            }
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
    pub(super) fn private_reason(&self, at: usize, standing: Standing) -> Option<Reason> {
        self.private_group(at).map(|group| Reason::Member { group: group.clone(), standing })
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The watched groups that a user was in when these were last there.
    pub(super) fn retained(&self, user: &UserId) -> &[usize] {
        self.retained.get(user).map_or(&[], |at| at)
    }

    /// Whoever had this name when a watched group was last there, and is known by no record now.
    pub(super) fn last_called(&self, alias: &Alias) -> impl Iterator<Item = &UserId> {
        // Mostly there is nobody, and then the name need not be folded.
        let known = (!self.last_names.is_empty()).then(|| self.last_names.get(&alias.key())).flatten();
        known.into_iter().flatten()
    }

    /// Everybody who counts because of a group that is gone: by id, and by names in the form in which they are
    /// compared.
    pub(super) fn remembered(&self) -> (impl Iterator<Item = &UserId>, impl Iterator<Item = &str>) {
        (self.retained.keys(), self.last_names.keys().map(String::as_str))
    }

    /// Whether nobody counts because of a group that is gone.
    pub(super) fn remembers_nobody(&self) -> bool {
        self.retained.is_empty() && self.last_names.is_empty()
    }
}

impl Reach {
    fn new(groups: BTreeMap<GroupIndex, Vec<usize>>) -> Self {
        let mut sets = vec![Vec::new()];
        let mut numbers = HashMap::from([(Vec::new(), 0)]);
        let mut of_group = vec![0; groups.last_key_value().map_or(0, |(last, _)| last.place() + 1)];
        for (group, set) in groups {
            let number = *numbers.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                sets.len() as u32 - 1
            });
            if let Some(of_group) = of_group.get_mut(group.place()) {
                *of_group = number;
            }
        }
        Self { of_group, sets }
    }

    /// Whether any of these groups leads to one that is watched.
    #[inline]
    pub(super) fn is_led_to(&self, groups: &[Packed]) -> bool {
        groups.iter().fold(0, |found, group| found | self.number(group.get())) != 0
    }

    /// The number of the set of a group; 0 if it leads to no watched group.
    pub(super) fn number(&self, group: u32) -> u32 {
        self.of_group.get(group as usize).copied().unwrap_or(0)
    }

    pub(super) fn set(&self, number: u32) -> &[usize] {
        self.sets.get(number as usize).map_or(&[], |set| set)
    }

    /// The watched groups that whoever a group lists is in.
    pub(super) fn of(&self, group: GroupIndex) -> &[usize] {
        self.set(self.number(group.number()))
    }
}
