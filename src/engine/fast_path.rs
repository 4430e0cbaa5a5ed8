//! A table of the identities of all users whom a policy concerns.
//!
//! The policy concerns no principal of most activities. The table answers that for an identity at the cost of one hash
//! and one cache line, whatever the number of users, groups and nestings. If no identity on an activity is in the
//! table, and the rule of [`super::evaluate`] needs nothing else, the activity is decided. For an identity in the
//! table, a second hash distinguishes it from all others, and the table has the set of policy groups of its holder, so
//! that the evaluator reads the directory only for few.
//!
//! INVARIANT: a set in the table equals what the evaluator finds in the directory. Identities for which that is not
//! certain are in the table with an unknown set: names of several users, last members of removed groups and their
//! names, and users without a home on record if external users count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::{hint, slice};

use super::build::{BuiltTable, FILL};
use super::compiled::CompiledPolicy;
use super::evaluate::{Collector, Residence, collect_principal, residence};
use super::group_sets::{CheckedSet, GroupSets, SetFinder, SetId};
use crate::activity::Activity;
use crate::directory::{DirectorySnapshot, FingerprintTable, HashPair, Hashing, Home, IdentityKey, UserIndex};
use crate::identity::Identity;
use crate::policy::{GroupRef, PrivacyPolicy};
use crate::steps;

/// The table; see the module documentation.
pub(super) struct FastPath {
    identities: Arc<FingerprintTable<CheckedSet>>,
    /// What changed since that table was built.
    recent: Arc<FingerprintTable<CheckedSet>>,
    sets: Arc<GroupSets>,
    has_applications: bool,
    has_external: bool,
}

impl FastPath {
    /// Builds the table from all users of a directory.
    pub(super) fn new(policy: &PrivacyPolicy, compiled: &CompiledPolicy, directory: &DirectorySnapshot) -> Self {
        let BuiltTable { identities, sets } = BuiltTable::new(policy, compiled, directory);
        Self {
            identities: Arc::new(identities),
            recent: Arc::new(FingerprintTable::with_capacity(0, 1)),
            sets: Arc::new(sets),
            has_applications: compiled.position(&GroupRef::Applications).is_some(),
            has_external: compiled.position(&GroupRef::ExternalUsers).is_some(),
        }
    }

    /// Returns the table after a delta, at a cost linear in the number of `changed` users. Returns `None` if it is
    /// better to build a new one. The groups of the policy and the groups that lead to them must be the same.
    pub(super) fn updated(
        &self,
        policy: &PrivacyPolicy,
        compiled: &CompiledPolicy,
        before: &DirectorySnapshot,
        directory: &DirectorySnapshot,
        changed: &BTreeSet<UserIndex>,
    ) -> Option<Self> {
        let mut finder = SetFinder::new(policy, compiled, directory, GroupSets::clone(&self.sets));
        let hashing = directory.hashing();
        // A former identity of a changed user has no holder unless a user has it now.
        let former = changed.iter().flat_map(|user| before.hashes_of(*user));
        let mut identities: BTreeMap<HashPair, SetId> = former.map(|hashes| (hashes, SetId::EMPTY)).collect();
        for user in changed {
            steps::advance(1);
            let groups = directory.groups_of_user(*user).map(|group| group.as_u32());
            let set = finder.set_of(groups, directory.home_number(*user));
            for hashes in directory.hashes_of(*user) {
                let known = identities.entry(hashes).or_insert(SetId::EMPTY);
                *known = known.and(set);
            }
        }
        // Users who share a name with a changed user count as changed, and a shared name has an unknown set anyway.
        for name in directory.shared_aliases().iter() {
            if let Some(set) = identities.get_mut(&hashing.pair_of(IdentityKey::name(name))) {
                *set = SetId::UNKNOWN;
            }
        }
        if !compiled.has_no_last_members() {
            let records = changed.iter().flat_map(|user| [before.record(*user), directory.record(*user)]).flatten();
            for record in records {
                let is_last_member = compiled.is_last_member(record.key());
                for key in record.keys().filter(|key| is_last_member || compiled.is_last_member(*key)) {
                    identities.insert(hashing.pair_of(key), SetId::UNKNOWN);
                }
            }
        }

        let mut recent = FingerprintTable::clone(&self.recent);
        if self.recent.is_empty() || !recent.has_capacity_for(identities.len()) {
            // An eighth of the table, so that a copy is cheap and a new build is rare.
            let capacity = (self.identities.len() / 8).max(1 << 14);
            if !self.recent.is_empty() || identities.len() > capacity / 2 {
                return None;
            }
            recent = FingerprintTable::with_capacity(capacity, FILL);
        }
        for (HashPair { hash, check }, set) in identities {
            recent.replace_or_insert(hash, CheckedSet::new(check, set), |value| value.matches(check));
        }
        let identities = Arc::clone(&self.identities);
        Some(Self { identities, recent: Arc::new(recent), sets: Arc::new(finder.sets), ..*self })
    }

    pub(super) fn sets(&self) -> &GroupSets {
        &self.sets
    }

    /// Returns whether the policy has the group of external users.
    pub(super) fn has_external(&self) -> bool {
        self.has_external
    }

    /// Returns the set of the holder of an identity: the empty one if the identity is not in the table.
    #[inline]
    pub(super) fn find(&self, hashing: &Hashing, key: IdentityKey<'_>) -> SetId {
        let hash = hashing.of(key);
        if !self.may_contain(hash) {
            return SetId::EMPTY;
        }
        let check = hashing.check_of(key);
        let find_in = |table: &FingerprintTable<CheckedSet>| {
            let matching = table.candidates(hash).filter(|value| value.matches(check)).map(CheckedSet::set);
            matching.reduce(SetId::and)
        };
        // A recent entry replaces an earlier one, also by the empty set.
        let recent = if self.recent.is_empty() { None } else { find_in(&self.recent) };
        recent.or_else(|| find_in(&self.identities)).unwrap_or(SetId::EMPTY)
    }

    #[inline(always)]
    fn may_contain(&self, hash: u64) -> bool {
        self.identities.may_contain(hash) || (!self.recent.is_empty() && self.recent.may_contain(hash))
    }

    /// Returns whether an identity with one of these hashes may be in the table.
    #[inline(always)]
    pub(super) fn may_contain_any(&self, hashes: &Hashes) -> bool {
        hashes.iter().any(|hash| self.may_contain(*hash))
    }

    /// Reads the entries for some hashes at the same time, because the processor waits for each that is read alone.
    pub(super) fn prefetch(&self, hashes: &[u64]) {
        let values = hashes.iter().filter_map(|hash| self.identities.candidates(*hash).next());
        hint::black_box(values.fold(0, |read, value| read ^ value.set().number()));
    }

    /// Stores the hashes of the identities on an activity, in all of their meanings. If the table contains none of
    /// them, the policy concerns no principal of the activity. Returns `false` if that takes an evaluation, or too many
    /// hashes.
    #[inline(always)]
    pub(super) fn filter(
        &self,
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
        activity: &Activity,
        hashes: &mut Hashes,
    ) -> bool {
        let mut filter = Filter { table: self, policy, directory, hashes, is_open: false };
        for principal in activity.principals() {
            collect_principal(&mut filter, principal, activity.app());
        }
        !filter.is_open
    }

    /// Returns the size of the table in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.identities.heap_bytes() + self.recent.heap_bytes()
    }
}

/// A few hashes.
#[derive(Clone, Copy, Default)]
pub(super) struct Hashes {
    hashes: [u64; Self::MAX],
    len: usize,
}

impl Hashes {
    const MAX: usize = 3;

    #[inline(always)]
    pub(super) fn iter(&self) -> slice::Iter<'_, u64> {
        self.hashes.get(..self.len).unwrap_or_default().iter()
    }
}

/// Applies the rule as if no identity had a holder whom the policy concerns, and stores what that has to be true of.
struct Filter<'a> {
    table: &'a FastPath,
    policy: &'a PrivacyPolicy,
    directory: &'a DirectorySnapshot,
    hashes: &'a mut Hashes,
    /// Whether the policy may concern a principal all the same.
    is_open: bool,
}

impl Collector for Filter<'_> {
    #[inline(always)]
    fn add_holder(&mut self, key: IdentityKey<'_>, identity: &Identity) -> Residence {
        match self.hashes.hashes.get_mut(self.hashes.len) {
            Some(hash) => (*hash, self.hashes.len) = (self.directory.hashing().of(key), self.hashes.len + 1),
            None => self.is_open = true,
        }
        match self.table.has_external {
            true => residence(self.policy, Home::Unsaid, Some(identity)),
            false => Residence::Unknown,
        }
    }

    #[inline(always)]
    fn add_builtin(&mut self, group: &GroupRef) {
        self.is_open |= match group {
            GroupRef::Applications => self.table.has_applications,
            GroupRef::ExternalUsers => self.table.has_external,
            GroupRef::Imported(_) => true,
        };
    }

    #[inline(always)]
    fn add_unusable(&mut self) {
        self.is_open = true;
    }

    #[inline(always)]
    fn directory(&self) -> Option<&DirectorySnapshot> {
        Some(self.directory)
    }

    /// Leaves a principal in an unknown form to the evaluator.
    #[inline(always)]
    fn resolves(&self, _: &Identity) -> bool {
        false
    }
}
