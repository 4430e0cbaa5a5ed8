//! Builds the table of [`super::fast_path`] from all users.
//!
//! A policy change is not in force before the table is built. So with many users, each core goes through a part of
//! them.

use std::iter;
use std::ops::Range;
use std::thread;

use super::compiled::CompiledPolicy;
use super::group_sets::{CheckedSet, GroupSets, SetFinder, SetId};
use crate::directory::{DirectorySnapshot, FingerprintTable, HashPair, IdentityKey, UserIndex};
use crate::policy::PrivacyPolicy;
use crate::steps;

/// How many of the 16 slots of a bucket are filled on average. With half of them, hardly any search reads a second
/// bucket.
pub(super) const FILL: usize = 8;

/// The identities of all users whom a policy concerns.
pub(super) struct BuiltTable {
    pub(super) identities: FingerprintTable<CheckedSet>,
    pub(super) sets: GroupSets,
}

/// The results for a range of users.
struct Part {
    sets: GroupSets,
    identities: Identities,
}

/// Identities by hash. Those with near positions in a table are near each other, so that the cache line of one is still
/// cached for the next.
struct Identities {
    values: Vec<(u64, CheckedSet)>,
    /// For each first byte of a hash, the position of the first identity with it.
    starts: [usize; BYTES + 1],
}

const BYTES: usize = 1 << 8;

impl BuiltTable {
    pub(super) fn new(policy: &PrivacyPolicy, compiled: &CompiledPolicy, directory: &DirectorySnapshot) -> Self {
        Self::from_ranges(ranges(directory.user_range()), policy, compiled, directory)
    }

    fn from_ranges(
        ranges: Vec<Range<u32>>,
        policy: &PrivacyPolicy,
        compiled: &CompiledPolicy,
        directory: &DirectorySnapshot,
    ) -> Self {
        let mut sets = GroupSets::new();
        let mut parts = Vec::new();
        for mut part in map_in_parallel(ranges, |users| Part::of(users, policy, compiled, directory)) {
            let numbers = sets.merge(compiled, &part.sets);
            let is_same = numbers.iter().zip(0..).all(|(set, number)| set.number() == number);
            if !is_same {
                for (_, value) in &mut part.identities.values {
                    *value = value.with_set(numbers.get(usize::from(value.set().number())).copied());
                }
            }
            parts.push(part.identities);
        }
        let unknown = unknown_identities(compiled, directory);
        let unknown = unknown.map(|pair| (pair.hash, CheckedSet::new(pair.check, SetId::UNKNOWN))).collect();
        parts.push(Identities::sorted(unknown));
        Self { identities: table_of(&parts), sets }
    }
}

impl Part {
    fn of(users: Range<u32>, policy: &PrivacyPolicy, compiled: &CompiledPolicy, directory: &DirectorySnapshot) -> Self {
        const BATCH: usize = 64;
        let mut finder = SetFinder::new(policy, compiled, directory, GroupSets::new());
        let needs_home = finder.needs_home();
        let mut found = Vec::new();
        directory.each_membership(users, |user, groups| {
            steps::advance(groups.len());
            let home = match needs_home {
                true => directory.home_number(UserIndex::from_u32(user)),
                // Most users are in no group that leads to one of the policy.
                false if !compiled.reach().is_reached_from(groups) => return,
                false => 0,
            };
            let set = finder.set_of(groups.iter().map(|group| group.get()), home);
            if set != SetId::EMPTY {
                found.push((UserIndex::from_u32(user), set));
            }
        });
        let mut identities = Vec::with_capacity(found.len() * 3);
        for found in found.chunks(BATCH) {
            directory.prefetch(found.iter().map(|(user, _)| *user));
            for (user, set) in found {
                let pairs = directory.hashes_of(*user);
                identities.extend(pairs.map(|pair| (pair.hash, CheckedSet::new(pair.check, *set))));
            }
        }
        Self { sets: finder.sets, identities: Identities::sorted(identities) }
    }
}

impl Identities {
    /// Sorts by the first byte of the hash, in one pass of a radix sort.
    fn sorted(unsorted: Vec<(u64, CheckedSet)>) -> Self {
        /// A table for fewer fits into the cache of one core.
        const WORTH_SORTING: usize = 1 << 15;
        if unsorted.len() < WORTH_SORTING {
            let mut starts = [unsorted.len(); BYTES + 1];
            starts[0] = 0;
            return Self { values: unsorted, starts };
        }
        let byte = |hash: u64| (hash >> 56) as usize;
        let mut starts = [0; BYTES + 1];
        for (hash, _) in &unsorted {
            if let Some(count) = starts.get_mut(byte(*hash) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let (mut next, mut values) = (starts, vec![(0, CheckedSet::default()); unsorted.len()]);
        for identity in unsorted {
            if let Some(position) = next.get_mut(byte(identity.0))
                && let Some(slot) = values.get_mut(*position)
            {
                *slot = identity;
                *position += 1;
            }
        }
        Self { values, starts }
    }

    fn with_byte(&self, byte: usize) -> &[(u64, CheckedSet)] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.values.len());
        self.values.get(bound(byte)..bound(byte + 1)).unwrap_or_default()
    }
}

/// Splits users into a range for each core, if there are enough of them to be worth a thread.
fn ranges(users: Range<u32>) -> Vec<Range<u32>> {
    const WORTH_A_THREAD: u32 = 1 << 18;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(8) as u32);
    let parts = (users.len() as u32 / WORTH_A_THREAD).clamp(1, cores);
    let end = |part: u32| (u64::from(users.end) * u64::from(part) / u64::from(parts)) as u32;
    (0..parts).map(|part| end(part)..end(part + 1)).collect()
}

/// Returns the results of `act` in the order of the ranges. Each range but the first has a thread of its own, if the
/// system has one to spare. These threads are not those of [`sync`](crate::sync), because they share nothing that
/// changes.
fn map_in_parallel<T: Send>(ranges: Vec<Range<u32>>, act: impl Fn(Range<u32>) -> T + Sync) -> impl Iterator<Item = T> {
    let act = &act;
    let results: Vec<T> = thread::scope(|scope| {
        let spawn = |range: &Range<u32>| {
            let range = range.clone();
            thread::Builder::new().spawn_scoped(scope, move || act(range)).ok()
        };
        // All threads start before the first is waited for.
        let threads: Vec<_> = ranges.iter().skip(1).map(spawn).collect();
        let first = ranges.first().map(|range| act(range.clone()));
        let others = threads.into_iter().zip(ranges.iter().skip(1));
        let others = others.map(|(thread, range)| match thread.map(|thread| thread.join()) {
            Some(Ok(result)) => result,
            _ => act(range.clone()),
        });
        first.into_iter().chain(others).collect()
    });
    results.into_iter()
}

fn table_of(parts: &[Identities]) -> FingerprintTable<CheckedSet> {
    let identities = parts.iter().map(|part| part.values.len()).sum();
    let mut table = FingerprintTable::with_capacity(identities, FILL);
    for byte in 0..BYTES {
        for (hash, value) in parts.iter().flat_map(|part| part.with_byte(byte)) {
            steps::advance(1);
            table.insert(*hash, *value);
        }
    }
    table
}

/// Returns the hashes of identities whose holder only the evaluator can find out.
fn unknown_identities<'a>(
    compiled: &'a CompiledPolicy,
    directory: &'a DirectorySnapshot,
) -> impl Iterator<Item = HashPair> + 'a {
    let hashing = directory.hashing();
    let (ids, names) = compiled.last_members();
    let names = directory.shared_aliases().iter().map(String::as_str).chain(names);
    // A last member in the directory is also found by the names there.
    let known = ids.flat_map(move |id| {
        let user = directory.find(id).into_iter();
        iter::once(hashing.pair_of(IdentityKey::id(id))).chain(user.flat_map(|user| directory.hashes_of(user)))
    });
    known.chain(names.map(|name| hashing.pair_of(IdentityKey::name(name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{DirectoryBuilder, DirectoryRevision};
    use crate::identity::{GroupId, UserId};

    #[test]
    fn d10_table_built_in_parts_is_the_same() {
        let group = |at: u32| GroupId::new(format!("g{at}")).unwrap();
        let user = |at: u32| UserId::new(format!("u{at}")).unwrap();
        let builder = (0..7).fold(DirectoryBuilder::new(), |builder, at| builder.group(group(at), "a group"));
        let builder = (0..2_000).fold(builder, |builder, at| builder.member(&group(at % 7), &user(at)));
        // Membership in several groups differs between the parts, so that each part numbers its sets in another way.
        let several = (0..2_000).filter(|at| at % 3 == 0);
        let builder = several.fold(builder, |builder, at| builder.member(&group(at / 300), &user(at)));
        let directory = builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap();
        let groups: Vec<_> = (0..6).map(|at| serde_json::json!({ "imported": format!("g{at}") })).collect();
        let mut document =
            serde_json::to_value(PrivacyPolicy::initial(&crate::policy::Administrators::only_one(user(0)))).unwrap();
        document["private_groups"] = groups.into();
        let policy: PrivacyPolicy = serde_json::from_value(document).unwrap();
        let compiled = CompiledPolicy::new(&policy, Some(&directory), &[]);

        let groups_of = |table: &BuiltTable, at: u32| {
            let pair = directory.hashing().pair_of(IdentityKey::id(&user(at)));
            let value = table.identities.candidates(pair.hash).find(|value| value.matches(pair.check));
            value.map(|value| table.sets.groups(value.set()).to_vec())
        };
        let build = |ranges: Vec<Range<u32>>| BuiltTable::from_ranges(ranges, &policy, &compiled, &directory);
        let (whole, parts) = (build(ranges(0..2_000)), build(vec![0..5, 5..5, 5..1_100, 1_100..2_000]));
        for at in 0..2_000 {
            let found = groups_of(&parts, at);
            assert_eq!(found, groups_of(&whole, at), "{at}");
            assert_eq!(found.is_some(), at % 7 != 6 || (at % 3 == 0 && at / 300 != 6), "{at}");
        }
        assert_eq!(ranges(0..2_000).len(), 1);
        let many = ranges(0..u32::MAX);
        assert!(many.windows(2).all(|pair| pair[0].end == pair[1].start) && many.len() <= 8);
        assert_eq!((many[0].start, many[many.len() - 1].end), (0, u32::MAX));
    }

    #[test]
    fn d10_table_of_sorted_parts_has_each_identity_once() {
        let hash = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = |at: u64| CheckedSet::new(hash(at).rotate_left(32), SetId::UNKNOWN);
        let part = |range: Range<u64>| Identities::sorted(range.map(|at| (hash(at), value(at))).collect());
        // Two parts are large enough to be sorted, and one is not.
        let parts = [part(0..70_000), part(70_000..70_100), part(70_100..110_000)];
        let counts = |part: &Identities| (0..BYTES).map(|byte| part.with_byte(byte).len()).collect::<Vec<_>>();
        assert!(counts(&parts[0]).iter().all(|count| *count > 100));
        assert_eq!((counts(&parts[1])[0], counts(&parts[1]).iter().sum()), (100, 100));
        let table = table_of(&parts);
        for at in 0..110_000 {
            let found = table.candidates(hash(at)).filter(|found| found.matches(hash(at).rotate_left(32))).count();
            assert_eq!(found, 1, "{at}");
        }
    }
}
