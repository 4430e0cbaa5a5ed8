//! Which groups list whom: for each user the numbers of their groups, three bytes each.
//!
//! Only this way round: whoever asks for the members of a group reads it all, at about the speed of memory, because it
//! is asked when a policy changes and not when an activity comes in. Whatever changes with one user is then in one
//! place.
//!
//! Users stand in blocks, and blocks in chunks, as segments stand in the log of a log-structured file system (Rosenblum
//! and Ousterhout, "The Design and Implementation of a Log-Structured File System"). A delta writes the blocks of whoever
//! changed behind each other in a chunk of its own, and notes where they stand now. What it costs is the copying of these
//! blocks and of a list of places; snapshots share the chunks, and there are too few of them for the counting of who
//! shares them to cost anything. Blocks that were overtaken are left where they are, and chunks are put together when
//! too much of them is such.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::packed::Packed;
use crate::steps;

/// How many users share one block, which is what is copied when the groups of one of them change.
const BLOCK: usize = 32;

/// How many blocks an import puts in one chunk.
const CHUNK: usize = 1 << 10;

/// The groups that list each user themselves.
#[derive(Clone, Default)]
pub(super) struct Memberships {
    /// Where each block stands.
    places: Vec<Place>,
    chunks: Vec<Arc<Chunk>>,
    /// How many of its blocks each chunk still counts for.
    live: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: u32,
    /// How many blocks stand before it in the chunk.
    block: u32,
}

/// Whole blocks: a user who is not there yet has a place in the last one.
#[derive(Default)]
struct Chunk {
    /// Where the groups of each user end.
    ends: Vec<u32>,
    groups: Vec<Packed>,
}

/// The most groups that a directory can tell apart.
pub(super) const MAX_GROUPS: usize = (1 << 23) - 1;

impl Chunk {
    fn start(&self, user: usize) -> usize {
        user.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize)
    }

    fn of(&self, user: usize) -> &[Packed] {
        let end = self.ends.get(user).map_or(0, |end| *end as usize);
        self.groups.get(self.start(user)..end).unwrap_or_default()
    }

    fn push(&mut self, groups: impl Iterator<Item = u32>) {
        self.groups.extend(groups.map(Packed::new));
        self.ends.push(self.groups.len() as u32);
    }

    /// Adds the groups of some users of another chunk.
    fn push_all(&mut self, from: &Self, users: Range<usize>) {
        steps::advance(users.len());
        let (first, shift) = (from.start(users.start), self.groups.len());
        let ends = from.ends.get(users).unwrap_or_default();
        let last = ends.last().map_or(first, |end| *end as usize);
        steps::advance(last - first);
        self.groups.extend_from_slice(from.groups.get(first..last).unwrap_or_default());
        self.ends.extend(ends.iter().map(|end| (*end as usize - first + shift) as u32));
    }

    fn push_nobody(&mut self, users: usize) {
        steps::advance(users);
        self.ends.extend(std::iter::repeat_n(self.groups.len() as u32, users));
    }

    fn blocks(&self) -> usize {
        self.ends.len() / BLOCK
    }

    fn has_room_for_a_block(&self) -> bool {
        self.groups.len() + BLOCK * MAX_GROUPS <= u32::MAX as usize
    }
}

impl Memberships {
    /// From pairs of user and group, in any order and with repetitions, for users from 0.
    pub(super) fn sorted_by_user(users: usize, pairs: &[(u32, u32)]) -> Self {
        // A counting sort: each pair is moved once.
        steps::advance(users + 3 * pairs.len());
        let mut ends = vec![0_usize; users + 1];
        for (user, _) in pairs {
            if let Some(count) = ends.get_mut(*user as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut groups = vec![0_u32; pairs.len()];
        let mut next = ends.clone();
        for (user, group) in pairs {
            if let Some(place) = next.get_mut(*user as usize)
                && let Some(there) = groups.get_mut(*place)
            {
                *there = *group;
                *place += 1;
            }
        }
        let mut sorted = Self::default();
        let mut chunk = Chunk::default();
        for (at, bounds) in ends.windows(2).enumerate() {
            let [start, end] = *bounds else { continue };
            if at % BLOCK == 0 && (chunk.blocks() == CHUNK || !chunk.has_room_for_a_block()) {
                sorted.add(&mut chunk);
            }
            let of_user = groups.get_mut(start..end).unwrap_or_default();
            of_user.sort_unstable();
            let mut before = None;
            chunk.push(of_user.iter().copied().filter(|group| before.replace(*group) != Some(*group)));
        }
        sorted.add(&mut chunk);
        sorted
    }

    /// Adds a chunk with the blocks behind all others.
    fn add(&mut self, chunk: &mut Chunk) {
        let mut chunk = mem::take(chunk);
        chunk.push_nobody(chunk.ends.len().next_multiple_of(BLOCK) - chunk.ends.len());
        chunk.ends.shrink_to_fit();
        chunk.groups.shrink_to_fit();
        let number = self.chunks.len() as u32;
        self.places.extend((0..chunk.blocks() as u32).map(|block| Place { chunk: number, block }));
        self.live.push(chunk.blocks() as u32);
        self.chunks.push(Arc::new(chunk));
    }

    /// The number of a chunk that counts for nothing any more, or of a new one.
    fn free_chunk(&mut self) -> usize {
        self.live.iter().position(|live| *live == 0).unwrap_or_else(|| {
            self.chunks.push(Arc::default());
            self.live.push(0);
            self.chunks.len() - 1
        })
    }

    /// Where the users of a block stand.
    fn block(&self, at: usize) -> Option<(&Chunk, usize)> {
        let place = self.places.get(at)?;
        Some((self.chunks.get(place.chunk as usize)?, place.block as usize * BLOCK))
    }

    /// The groups that list this user, in order.
    pub(super) fn of(&self, user: u32) -> impl Iterator<Item = u32> + '_ {
        let at = user as usize;
        let groups = self.block(at / BLOCK).map_or(&[][..], |(chunk, first)| chunk.of(first + at % BLOCK));
        groups.iter().map(|group| group.get())
    }

    /// Calls `found` for each of some users in order, with the groups that list them.
    pub(super) fn each(&self, users: Range<u32>, mut found: impl FnMut(u32, &[Packed])) {
        steps::advance(users.len());
        let mut user = users.start as usize;
        while user < users.end as usize {
            let (at, after) = (user / BLOCK, ((user / BLOCK + 1) * BLOCK).min(users.end as usize));
            match self.block(at) {
                Some((chunk, first)) => {
                    let (from, to) = (first + user % BLOCK, first + user % BLOCK + after - user);
                    let mut start = chunk.start(from);
                    for (user, end) in (user as u32..).zip(chunk.ends.get(from..to).unwrap_or_default()) {
                        found(user, chunk.groups.get(start..*end as usize).unwrap_or_default());
                        start = *end as usize;
                    }
                }
                // Whoever came after the last of them whose groups ever changed.
                None => (user..after).for_each(|unlisted| found(unlisted as u32, &[])),
            }
            user = after;
        }
    }

    /// The users of whom a group is `wanted`, by number, in order.
    pub(super) fn listed_in(&self, wanted: &[bool]) -> Vec<u32> {
        let is_wanted = |group: &Packed| wanted.get(group.get() as usize).copied().unwrap_or(false);
        let mut listed = Vec::new();
        let all = u32::try_from(self.places.len() * BLOCK).unwrap_or(u32::MAX);
        self.each(0..all, |user, groups| {
            steps::advance(groups.len());
            if groups.iter().any(is_wanted) {
                listed.push(user);
            }
        });
        listed
    }

    /// The same, but for users whose groups are others now; they are given in order, new ones behind the known.
    pub(super) fn replacing(&self, changed: &[(u32, Vec<u32>)]) -> Self {
        steps::advance(self.places.len() / CHUNK + changed.len());
        let mut next = self.clone();
        let mut rewritten = Rewriting::new(&mut next);
        let block_of = |(user, _): &(u32, Vec<u32>)| *user as usize / BLOCK;
        for here in changed.chunk_by(|one, other| block_of(one) == block_of(other)) {
            let Some(at) = here.first().map(block_of) else { continue };
            rewritten.reach(at);
            let before = self.block(at);
            let mut copied = 0;
            for (user, groups) in here {
                let place = *user as usize % BLOCK;
                rewritten.copy(before, copied..place);
                rewritten.chunk.push(groups.iter().copied());
                copied = place + 1;
            }
            rewritten.copy(before, copied..BLOCK);
            rewritten.stands_for(at);
        }
        rewritten.finish();
        next
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let chunk = |chunk: &Arc<Chunk>| chunk.groups.capacity() * 3 + chunk.ends.capacity() * 4 + size_of::<Chunk>();
        let chunks: usize = self.chunks.iter().map(chunk).sum();
        chunks + self.places.capacity() * size_of::<Place>() + self.chunks.capacity() * (size_of::<usize>() + 4)
    }
}

/// A chunk in the making, with blocks that take the place of others.
struct Rewriting<'a> {
    memberships: &'a mut Memberships,
    chunk: Chunk,
    number: usize,
}

impl<'a> Rewriting<'a> {
    fn new(memberships: &'a mut Memberships) -> Self {
        let number = memberships.free_chunk();
        Self { memberships, chunk: Chunk::default(), number }
    }

    /// Adds users of a block as they were, or nobody if there was none.
    fn copy(&mut self, before: Option<(&Chunk, usize)>, users: Range<usize>) {
        match before {
            Some((chunk, first)) => self.chunk.push_all(chunk, first + users.start..first + users.end),
            None => self.chunk.push_nobody(users.len()),
        }
    }

    /// Blocks of nobody's, up to this place.
    fn reach(&mut self, at: usize) {
        while self.memberships.places.len() < at {
            self.chunk.push_nobody(BLOCK);
            self.stands_for(self.memberships.places.len());
        }
    }

    /// The block written last is the one at this place from now on.
    fn stands_for(&mut self, at: usize) {
        let Memberships { places, live, .. } = &mut *self.memberships;
        let place = Place { chunk: self.number as u32, block: self.chunk.blocks() as u32 - 1 };
        match places.get_mut(at) {
            Some(there) => {
                if let Some(live) = live.get_mut(there.chunk as usize) {
                    *live -= 1;
                }
                *there = place;
            }
            None => places.push(place),
        }
        if let Some(live) = live.get_mut(self.number) {
            *live += 1;
        }
        if !self.chunk.has_room_for_a_block() {
            self.close();
            self.number = self.memberships.free_chunk();
        }
    }

    fn close(&mut self) {
        if let Some(there) = self.memberships.chunks.get_mut(self.number) {
            *there = Arc::new(mem::take(&mut self.chunk));
        }
    }

    fn finish(mut self) {
        let crowded = self.crowded();
        for at in 0..if crowded.is_empty() { 0 } else { self.memberships.places.len() } {
            let Some(place) = self.memberships.places.get(at) else { break };
            if crowded.binary_search(&place.chunk).is_ok() {
                let chunk = self.memberships.chunks.get(place.chunk as usize).map(Arc::clone).unwrap_or_default();
                self.copy(Some((&chunk, place.block as usize * BLOCK)), 0..BLOCK);
                self.stands_for(at);
            }
        }
        self.close();
        let Memberships { chunks, live, .. } = self.memberships;
        for (chunk, _) in chunks.iter_mut().zip(live).filter(|(_, live)| **live == 0) {
            *chunk = Arc::default();
        }
    }

    /// The chunks whose blocks are to be put together with those that were written now, by number: those with the
    /// fewest blocks that still count, until there are few enough chunks, and few enough blocks that do not count.
    fn crowded(&self) -> Vec<u32> {
        const MANY: usize = 64;
        let Memberships { places, chunks, live } = &*self.memberships;
        let others = chunks.iter().zip(live).enumerate().filter(|(at, (_, live))| **live > 0 && *at != self.number);
        let mut others: Vec<(u32, usize, u32)> =
            others.map(|(at, (chunk, live))| (*live, chunk.blocks(), at as u32)).collect();
        let mut written = self.chunk.blocks() + others.iter().map(|(_, blocks, _)| blocks).sum::<usize>();
        let mut count = others.len();
        others.sort_unstable();
        let too_many = |written: usize, count: usize| {
            written > places.len() + places.len() / 4 + CHUNK / 16 || count > MANY + 2 * places.len() / CHUNK
        };
        let emptied = others.into_iter().take_while(|(live, blocks, _)| {
            let is_emptied = too_many(written, count);
            (written, count) = (written + *live as usize - blocks, count - 1);
            is_emptied
        });
        let mut emptied: Vec<u32> = emptied.map(|(_, _, at)| at).collect();
        emptied.sort_unstable();
        emptied
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(memberships: &Memberships, users: usize) -> Vec<Vec<u32>> {
        let mut seen: Vec<Vec<u32>> = Vec::new();
        memberships.each(0..users as u32, |user, groups| {
            assert_eq!(user as usize, seen.len());
            seen.push(groups.iter().map(|group| group.get()).collect());
        });
        assert!(seen.iter().zip(0..).all(|(groups, user)| memberships.of(user).eq(groups.iter().copied())));
        seen
    }

    proptest! {
        #[test]
        fn d10_whatever_changes_is_told_and_nothing_else_and_earlier_snapshots_stay(
            pairs in prop::collection::vec((0..200_u32, 0..9_u32), 0..400),
            deltas in prop::collection::vec(prop::collection::btree_map(0..400_u32, prop::collection::btree_set(0..9_u32, 0..4), 1..6), 0..150),
        ) {
            let mut users = 200;
            let mut model = vec![Vec::new(); users];
            for (user, group) in &pairs {
                model[*user as usize].push(*group);
            }
            for groups in &mut model {
                groups.sort_unstable();
                groups.dedup();
            }
            let mut now = Memberships::sorted_by_user(users, &pairs);
            for delta in deltas {
                let changed: Vec<(u32, Vec<u32>)> =
                    delta.into_iter().map(|(user, groups)| (user, groups.into_iter().collect())).collect();
                let (before, known) = (now.clone(), model.clone());
                now = now.replacing(&changed);
                for (user, groups) in changed {
                    users = users.max(user as usize + 1);
                    model.resize(users, Vec::new());
                    model[user as usize] = groups;
                }
                prop_assert_eq!(all(&before, known.len()), known);
                prop_assert_eq!(&all(&now, users), &model);
                prop_assert_eq!(&all(&now, users + 100)[..users], &model[..]);
            }
            for group in 0..9 {
                let listed: Vec<u32> = (0..users as u32).filter(|user| model[*user as usize].contains(&group)).collect();
                let wanted: Vec<bool> = (0..9).map(|other| other == group).collect();
                prop_assert_eq!(now.listed_in(&wanted), listed);
            }
        }
    }

    #[test]
    fn b3_blocks_that_were_overtaken_do_not_pile_up() {
        let users = 40_000_u32;
        let pairs: Vec<(u32, u32)> = (0..users).map(|user| (user, user % 7)).collect();
        let first = Memberships::sorted_by_user(users as usize, &pairs);
        let mut now = first.clone();
        for round in 0..500 {
            let several = |n: u32| (n * 7_919 + round * 104_729) % users;
            let mut changed: Vec<(u32, Vec<u32>)> = (0..20).map(|n| (several(n), vec![round % 7])).collect();
            changed.sort_unstable();
            changed.dedup_by_key(|(user, _)| *user);
            now = now.replacing(&changed[..if round % 3 == 0 { 1 } else { changed.len() }]);
            let written: usize = now.chunks.iter().map(|chunk| chunk.blocks()).sum();
            assert!(written <= now.places.len() * 5 / 4 + 2 * CHUNK, "{written} of {}", now.places.len());
            assert!(now.chunks.len() <= 64 + 2 * now.places.len() / CHUNK + 2, "{}", now.chunks.len());
            assert_eq!(now.live.iter().sum::<u32>() as usize, now.places.len());
        }
        assert!(now.heap_bytes() < 2 * first.heap_bytes());
    }
}
