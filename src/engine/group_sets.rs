//! Sets of policy groups, and the set that each user is in.

use std::collections::HashMap;

use super::compiled::CompiledPolicy;
use super::evaluate::{Residence, residences};
use super::reason::{PrincipalRole, Reasons};
use crate::directory::DirectorySnapshot;
use crate::policy::{GroupRef, PrivacyPolicy};
use crate::steps;

/// The number of a set of policy groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct SetId(u16);

impl SetId {
    /// The empty set.
    pub(super) const EMPTY: Self = Self(0);
    /// Stands for a set that only the evaluator can find out.
    pub(super) const UNKNOWN: Self = Self(u16::MAX);

    pub(super) fn number(self) -> u16 {
        self.0
    }

    /// Returns the set of an identity that two users hold.
    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::EMPTY) => one,
            (Self::EMPTY, other) => other,
            (one, other) if one == other => one,
            _ => Self::UNKNOWN,
        }
    }
}

/// The set of the holder of an identity, together with 48 bits of the check hash of the identity.
///
/// With the fingerprint, and in a large table with the position, these bits distinguish identities by 64 to 80 bits
/// under random keys. A collision among ten million users is less likely than a memory error, and would hide one of
/// them.
#[derive(Clone, Copy, Default)]
pub(super) struct CheckedSet(u64);

impl CheckedSet {
    pub(super) fn new(check: u64, set: SetId) -> Self {
        Self(check & !u64::from(u16::MAX) | u64::from(set.number()))
    }

    pub(super) fn matches(self, check: u64) -> bool {
        (self.0 ^ check) <= u64::from(u16::MAX)
    }

    pub(super) fn set(self) -> SetId {
        SetId(self.0 as u16)
    }

    /// Returns the same value with another set, or with an unknown one for `None`.
    pub(super) fn with_set(self, set: Option<SetId>) -> Self {
        Self::new(self.0, set.unwrap_or(SetId::UNKNOWN))
    }
}

/// The sets by number, with the reasons that follow from each.
#[derive(Clone)]
pub(super) struct GroupSets {
    sets: Vec<GroupSet>,
    numbers: HashMap<Box<[usize]>, SetId>,
    /// How many groups all sets have in sum.
    groups: usize,
}

/// The most groups that all sets together may list.
const MAX_GROUPS: usize = 1 << 20;

#[derive(Clone)]
struct GroupSet {
    groups: Box<[usize]>,
    /// The reasons for an actor who is in these groups.
    reasons: Reasons,
}

impl GroupSets {
    pub(super) fn new() -> Self {
        let empty = GroupSet { groups: Box::default(), reasons: Reasons::NONE };
        Self { sets: vec![empty], numbers: HashMap::from([(Box::default(), SetId::EMPTY)]), groups: 0 }
    }

    /// Returns the policy groups in a set.
    pub(super) fn groups(&self, set: SetId) -> &[usize] {
        self.sets.get(usize::from(set.0)).map_or(&[], |set| &set.groups)
    }

    /// Returns why an activity is hidden whose actor is in the groups of a set.
    pub(super) fn reasons(&self, set: SetId) -> Reasons {
        self.sets.get(usize::from(set.0)).map_or(Reasons::NONE, |set| set.reasons.clone())
    }

    /// Adds the sets of `others`, and returns the number of each here, in order of the numbers there.
    pub(super) fn merge(&mut self, compiled: &CompiledPolicy, others: &Self) -> Vec<SetId> {
        others.sets.iter().map(|set| self.number(compiled, &set.groups)).collect()
    }

    /// Returns the number of a set, whose groups are in order.
    pub(super) fn number(&mut self, compiled: &CompiledPolicy, groups: &[usize]) -> SetId {
        steps::advance(groups.len());
        if let Some(set) = self.numbers.get(groups) {
            return *set;
        }
        let set = match u16::try_from(self.sets.len()) {
            Ok(number) if number < u16::MAX && self.groups + groups.len() <= MAX_GROUPS => SetId(number),
            // More sets are not worth the memory.
            _ => return SetId::UNKNOWN,
        };
        self.groups += groups.len();
        let groups: Box<[usize]> = groups.into();
        let reasons = groups.iter().filter_map(|at| compiled.private_reason(*at, PrincipalRole::Actor)).collect();
        self.sets.push(GroupSet { groups: groups.clone(), reasons });
        self.numbers.insert(groups, set);
        set
    }
}

/// Finds the set of policy groups that a user is in.
pub(super) struct SetFinder<'a> {
    compiled: &'a CompiledPolicy,
    pub(super) sets: GroupSets,
    /// The set of users whose groups all lead to one set of [`Reach`](super::reach::Reach), by the number of that set.
    of_reach: Vec<Option<SetId>>,
    /// The position of the group of external users if the policy has it, and the residence for each home in the
    /// directory.
    external: Option<(usize, Vec<Residence>)>,
    groups: Vec<usize>,
}

impl<'a> SetFinder<'a> {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        compiled: &'a CompiledPolicy,
        directory: &DirectorySnapshot,
        sets: GroupSets,
    ) -> Self {
        let external = compiled.position(&GroupRef::ExternalUsers);
        let external = external.map(|at| (at, residences(policy, directory)));
        Self { compiled, sets, of_reach: Vec::new(), external, groups: Vec::new() }
    }

    /// Returns whether the home of a user counts.
    pub(super) fn needs_home(&self) -> bool {
        self.external.is_some()
    }

    /// Returns the set of a user with this home whom these groups list.
    #[inline]
    pub(super) fn set_of(&mut self, groups: impl Iterator<Item = u32>, home: u32) -> SetId {
        let reach = self.compiled.reach();
        let (mut only, mut several) = (0, false);
        self.groups.clear();
        for set in groups.map(|group| reach.number(group)).filter(|set| *set != 0) {
            if only == 0 {
                only = set;
            } else if only != set {
                several = true;
                let Some(set) = reach.expanded(set) else { return SetId::UNKNOWN };
                self.groups.extend_from_slice(set);
            }
        }
        let external = match &self.external {
            None => None,
            Some((at, residences)) => match residences.get(home as usize) {
                Some(Residence::Managed) => None,
                Some(Residence::External) => Some(*at),
                // The name on the activity decides.
                Some(Residence::Unknown) | None => return SetId::UNKNOWN,
            },
        };
        if external.is_none() && !several {
            return if only == 0 { SetId::EMPTY } else { self.set_of_reach(only) };
        }
        let Some(set) = reach.expanded(only) else { return SetId::UNKNOWN };
        self.groups.extend_from_slice(set);
        self.groups.extend(external);
        self.groups.sort_unstable();
        self.groups.dedup();
        self.sets.number(self.compiled, &self.groups)
    }

    fn set_of_reach(&mut self, number: u32) -> SetId {
        let at = number as usize;
        if self.of_reach.len() <= at {
            self.of_reach.resize(at + 1, None);
        }
        let Self { compiled, sets, of_reach, .. } = self;
        match of_reach.get_mut(at) {
            Some(Some(set)) => *set,
            Some(unset) => {
                let expanded = compiled.reach().expanded(number);
                *unset.insert(expanded.map_or(SetId::UNKNOWN, |groups| sets.number(compiled, groups)))
            }
            None => SetId::UNKNOWN,
        }
    }
}
