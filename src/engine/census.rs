//! Looking through everybody for those whom a policy watches.
//!
//! A change of the policy is not in force before this is done. So where there are many people, each core looks through a
//! part of them.

use std::iter;
use std::ops::Range;
use std::thread;

use super::classes::{Class, Kinds, Seen, Sorter};
use super::watch::Watch;
use crate::directory::{DirectorySnapshot, Hints, Print, UserIndex};
use crate::policy::PrivacyPolicy;
use crate::steps;

/// How full the buckets of the tables are. Half, so that hardly a look has to go on to the next.
pub(super) const FILLED: usize = 8;

/// Whoever is watched.
pub(super) struct Census {
    pub(super) identities: Hints<Seen>,
    pub(super) kinds: Kinds,
    /// The class of applications, if they are watched.
    pub(super) applications: Class,
}

/// What was found among a part of the users.
struct Part {
    kinds: Kinds,
    applications: Class,
    identities: Identities,
}

/// Identities by their hashes, those together whose places in a table are near each other: a cache line is then still
/// there when the next one goes into it.
struct Identities {
    seen: Vec<(u64, Seen)>,
    /// Where those begin whose hash has this first byte.
    starts: [usize; BYTES + 1],
}

const BYTES: usize = 1 << 8;

impl Census {
    pub(super) fn take(policy: &PrivacyPolicy, watch: &Watch, directory: &DirectorySnapshot) -> Self {
        Self::of_parts(ranges(directory.user_range()), policy, watch, directory)
    }

    fn of_parts(ranges: Vec<Range<u32>>, policy: &PrivacyPolicy, watch: &Watch, directory: &DirectorySnapshot) -> Self {
        let look = |users: Range<u32>| Part::among(users, policy, watch, directory);
        let Part { mut kinds, applications, identities } = look(0..0);
        let mut parts = vec![identities];
        for mut part in each_beside_the_others(ranges, look) {
            let classes = kinds.taking_in(watch, &part.kinds);
            let is_same = classes.iter().zip(0..).all(|(class, number)| class.number() == number);
            if !is_same {
                for (_, seen) in &mut part.identities.seen {
                    *seen = seen.with_class(classes.get(usize::from(seen.class().number())).copied());
                }
            }
            parts.push(part.identities);
        }
        let unclear = unclear_identities(watch, directory);
        let unclear = unclear.map(|print| (print.hash, Seen::new(print.proof, Class::UNCLEAR))).collect();
        parts.push(Identities::by_place(unclear));
        Self { identities: table_of(&parts), kinds, applications }
    }
}

impl Part {
    fn among(users: Range<u32>, policy: &PrivacyPolicy, watch: &Watch, directory: &DirectorySnapshot) -> Self {
        const AT_ONCE: usize = 64;
        let mut sorter = Sorter::new(policy, watch, directory, Kinds::new());
        let mut found = Vec::new();
        directory.each_membership(users, |user, groups| {
            steps::advance(groups.len());
            let home = match sorter.home_classes {
                Some(_) => directory.home_number(UserIndex::numbered(user)),
                // Most are in no group that is watched.
                None if !watch.reach().is_led_to(groups) => return,
                None => 0,
            };
            let class = sorter.class(groups.iter().map(|group| group.get()), home);
            if class != Class::NONE {
                found.push((UserIndex::numbered(user), class));
            }
        });
        let mut identities = Vec::with_capacity(found.len() * 3);
        for found in found.chunks(AT_ONCE) {
            directory.touch(found.iter().map(|(user, _)| *user));
            for (user, class) in found {
                let prints = directory.prints_of(*user);
                identities.extend(prints.map(|print| (print.hash, Seen::new(print.proof, *class))));
            }
        }
        let Sorter { kinds, applications, .. } = sorter;
        Self { kinds, applications, identities: Identities::by_place(identities) }
    }
}

impl Identities {
    /// One pass of a radix sort.
    fn by_place(unsorted: Vec<(u64, Seen)>) -> Self {
        /// Below so many the table stays in a core's own cache.
        const MANY: usize = 1 << 15;
        if unsorted.len() < MANY {
            let mut starts = [unsorted.len(); BYTES + 1];
            starts[0] = 0;
            return Self { seen: unsorted, starts };
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
        let (mut next, mut seen) = (starts, vec![(0, Seen::default()); unsorted.len()]);
        for identity in unsorted {
            if let Some(place) = next.get_mut(byte(identity.0))
                && let Some(there) = seen.get_mut(*place)
            {
                *there = identity;
                *place += 1;
            }
        }
        Self { seen, starts }
    }

    fn near(&self, byte: usize) -> &[(u64, Seen)] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.seen.len());
        self.seen.get(bound(byte)..bound(byte + 1)).unwrap_or_default()
    }
}

/// A part for each core, if it is worth the while.
fn ranges(users: Range<u32>) -> Vec<Range<u32>> {
    const WORTH_A_THREAD: u32 = 1 << 18;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(8) as u32);
    let parts = (users.len() as u32 / WORTH_A_THREAD).clamp(1, cores);
    let end = |part: u32| (u64::from(users.end) * u64::from(part) / u64::from(parts)) as u32;
    (0..parts).map(|part| end(part)..end(part + 1)).collect()
}

/// What `act` makes of each part, in order. Each but the first has a thread, if one can be had. Not those of
/// [`sync`](crate::sync): they share nothing that anybody changes.
fn each_beside_the_others<T: Send>(
    parts: Vec<Range<u32>>,
    act: impl Fn(Range<u32>) -> T + Sync,
) -> impl Iterator<Item = T> {
    let act = &act;
    let made: Vec<T> = thread::scope(|scope| {
        let begin = |part: &Range<u32>| {
            let part = part.clone();
            thread::Builder::new().spawn_scoped(scope, move || act(part)).ok()
        };
        // All are begun before any is waited for.
        let begun: Vec<_> = parts.iter().skip(1).map(begin).collect();
        let first = parts.first().map(|part| act(part.clone()));
        let others = begun.into_iter().zip(parts.iter().skip(1));
        let others = others.map(|(begun, part)| match begun.map(|thread| thread.join()) {
            Some(Ok(made)) => made,
            _ => act(part.clone()),
        });
        first.into_iter().chain(others).collect()
    });
    made.into_iter()
}

fn table_of(parts: &[Identities]) -> Hints<Seen> {
    let mut table = Hints::with_room_for(parts.iter().map(|part| part.seen.len()).sum(), FILLED);
    for byte in 0..BYTES {
        for (hash, seen) in parts.iter().flat_map(|part| part.near(byte)) {
            steps::advance(1);
            table.insert(*hash, *seen);
        }
    }
    table
}

/// The prints of names and ids of which the seeker has to say what they mean.
fn unclear_identities<'a>(watch: &'a Watch, directory: &'a DirectorySnapshot) -> impl Iterator<Item = Print> + 'a {
    let hashing = directory.hashing();
    let (ids, names) = watch.remembered();
    let shared = directory.shared_aliases().iter().map(|name| hashing.print_of_form(name));
    // Whoever the directory knows is also found by what it calls them.
    let known = ids.flat_map(move |id| {
        let user = directory.find(id).into_iter();
        iter::once(hashing.print_of_id(id.as_str())).chain(user.flat_map(|user| directory.prints_of(user)))
    });
    shared.chain(known).chain(names.map(|name| hashing.print_of_form(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{DirectoryBuilder, DirectoryRevision};
    use crate::identity::{GroupId, UserId};

    #[test]
    fn d10_whoever_looks_through_everybody_in_parts_finds_the_same() {
        let group = |at: u32| GroupId::new(format!("g{at}")).unwrap();
        let user = |at: u32| UserId::new(format!("u{at}")).unwrap();
        let builder = (0..7).fold(DirectoryBuilder::new(), |builder, at| builder.group(group(at), "a group"));
        let builder = (0..2_000).fold(builder, |builder, at| builder.member(&group(at % 7), &user(at)));
        // Who is in several differs from one part to the next, so that each numbers its classes in another way.
        let several = (0..2_000).filter(|at| at % 3 == 0);
        let builder = several.fold(builder, |builder, at| builder.member(&group(at / 300), &user(at)));
        let directory = builder.build(DirectoryRevision(1), chrono::DateTime::UNIX_EPOCH).unwrap();
        let groups: Vec<_> = (0..6).map(|at| serde_json::json!({ "imported": format!("g{at}") })).collect();
        let mut document =
            serde_json::to_value(PrivacyPolicy::initial(&crate::policy::Administrators::only_one(user(0)))).unwrap();
        document["private_groups"] = groups.into();
        let policy: PrivacyPolicy = serde_json::from_value(document).unwrap();
        let watch = Watch::new(&policy, Some(&directory), &[]);

        let groups_of = |census: &Census, at: u32| {
            let print = directory.hashing().print_of_id(user(at).as_str());
            let seen = census.identities.candidates(print.hash).find(|seen| seen.is(print.proof));
            seen.map(|seen| census.kinds.groups(seen.class()).to_vec())
        };
        let take = |ranges: Vec<Range<u32>>| Census::of_parts(ranges, &policy, &watch, &directory);
        let (whole, parts) = (take(ranges(0..2_000)), take(vec![0..5, 5..5, 5..1_100, 1_100..2_000]));
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
    fn d10_whoever_is_put_in_order_is_in_the_table_once() {
        let hash = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let seen = |at: u64| Seen::new(hash(at).rotate_left(32), Class::UNCLEAR);
        let part = |range: Range<u64>| Identities::by_place(range.map(|at| (hash(at), seen(at))).collect());
        // Two are large enough to be sorted, and one is not.
        let parts = [part(0..70_000), part(70_000..70_100), part(70_100..110_000)];
        let near = |part: &Identities| (0..BYTES).map(|byte| part.near(byte).len()).collect::<Vec<_>>();
        assert!(near(&parts[0]).iter().all(|count| *count > 100));
        assert_eq!((near(&parts[1])[0], near(&parts[1]).iter().sum()), (100, 100));
        let table = table_of(&parts);
        for at in 0..110_000 {
            let found = table.candidates(hash(at)).filter(|found| found.is(hash(at).rotate_left(32))).count();
            assert_eq!(found, 1, "{at}");
        }
    }
}
