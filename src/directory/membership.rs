//! The groups that list each user: compressed sparse rows (CSR), copied on write in blocks.
//!
//! A row has the numbers of the groups of one user, three bytes each. There is no index from groups to users. To find
//! the members of a group, a caller reads all rows, at about memory bandwidth; that happens when a policy changes and
//! not for each activity. In return, a change of one user touches one row.
//!
//! Rows are grouped in blocks of 32 users, and blocks in chunks, which snapshots share. A delta writes new versions of
//! the changed blocks into one new chunk and updates the list of their locations, as a log-structured file system does
//! with its segments (Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System"). It
//! costs copying these blocks and the list. There are few chunks, so their reference counts cost little. Replaced
//! blocks remain in their chunks until these have too many of them and are compacted.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use super::packed::Packed;
use crate::steps;

/// How many users share a block. A delta that changes the groups of one user copies its block.
const BLOCK: usize = 32;

/// How many blocks an import writes to one chunk.
const CHUNK: usize = 1 << 10;

/// The groups that list each user themselves.
#[derive(Clone, Default)]
pub(super) struct Memberships {
    /// The location of each block.
    locations: Vec<BlockLocation>,
    chunks: Vec<Arc<Chunk>>,
    /// How many blocks of each chunk were not replaced.
    live: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct BlockLocation {
    chunk: u32,
    /// The number of the block in the chunk.
    block: u32,
}

/// Whole blocks. The last one has empty rows for users who do not exist yet.
#[derive(Default)]
struct Chunk {
    /// The end of the row of each user in `groups`.
    ends: Vec<u32>,
    groups: Vec<Packed>,
}

/// The most groups that a directory can have.
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

    /// Appends the rows of some users of another chunk.
    fn push_rows_of(&mut self, from: &Self, users: Range<usize>) {
        steps::advance(users.len());
        let (first, shift) = (from.start(users.start), self.groups.len());
        let ends = from.ends.get(users).unwrap_or_default();
        let last = ends.last().map_or(first, |end| *end as usize);
        steps::advance(last - first);
        self.groups.extend_from_slice(from.groups.get(first..last).unwrap_or_default());
        self.ends.extend(ends.iter().map(|end| (*end as usize - first + shift) as u32));
    }

    fn push_empty(&mut self, users: usize) {
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
    /// Returns the memberships given as pairs of user and group, which can be in any order and repeat, for users from
    /// 0.
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
            if let Some(position) = next.get_mut(*user as usize)
                && let Some(slot) = groups.get_mut(*position)
            {
                *slot = *group;
                *position += 1;
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

    /// Appends a chunk.
    fn add(&mut self, chunk: &mut Chunk) {
        let mut chunk = mem::take(chunk);
        chunk.push_empty(chunk.ends.len().next_multiple_of(BLOCK) - chunk.ends.len());
        chunk.ends.shrink_to_fit();
        chunk.groups.shrink_to_fit();
        let number = self.chunks.len() as u32;
        self.locations.extend((0..chunk.blocks() as u32).map(|block| BlockLocation { chunk: number, block }));
        self.live.push(chunk.blocks() as u32);
        self.chunks.push(Arc::new(chunk));
    }

    /// Returns the number of a chunk without live blocks, or of a new one.
    fn free_chunk(&mut self) -> usize {
        self.live.iter().position(|live| *live == 0).unwrap_or_else(|| {
            self.chunks.push(Arc::default());
            self.live.push(0);
            self.chunks.len() - 1
        })
    }

    /// Returns the chunk of a block, and the position of its first row there.
    fn block(&self, at: usize) -> Option<(&Chunk, usize)> {
        let location = self.locations.get(at)?;
        Some((self.chunks.get(location.chunk as usize)?, location.block as usize * BLOCK))
    }

    /// Returns the groups that list a user, in order.
    pub(super) fn of(&self, user: u32) -> impl Iterator<Item = u32> + '_ {
        let at = user as usize;
        let groups = self.block(at / BLOCK).map_or(&[][..], |(chunk, first)| chunk.of(first + at % BLOCK));
        groups.iter().map(|group| group.get())
    }

    /// Calls `found` for each user in a range, in order, with the groups that list the user.
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
                // Users after the last one whose groups ever changed.
                None => (user..after).for_each(|unlisted| found(unlisted as u32, &[])),
            }
            user = after;
        }
    }

    /// Returns the users in any group whose number is marked in `wanted`, in order.
    pub(super) fn listed_in(&self, wanted: &[bool]) -> Vec<u32> {
        let is_wanted = |group: &Packed| wanted.get(group.get() as usize).copied().unwrap_or(false);
        let mut listed = Vec::new();
        let all = u32::try_from(self.locations.len() * BLOCK).unwrap_or(u32::MAX);
        self.each(0..all, |user, groups| {
            steps::advance(groups.len());
            if groups.iter().any(is_wanted) {
                listed.push(user);
            }
        });
        listed
    }

    /// Returns the memberships after the groups of some users changed. The users must be in order, new ones last.
    pub(super) fn replacing(&self, changed: &[(u32, Vec<u32>)]) -> Self {
        steps::advance(self.locations.len() / CHUNK + changed.len());
        let mut next = self.clone();
        let mut writer = ChunkWriter::new(&mut next);
        let block_of = |(user, _): &(u32, Vec<u32>)| *user as usize / BLOCK;
        for here in changed.chunk_by(|one, other| block_of(one) == block_of(other)) {
            let Some(at) = here.first().map(block_of) else { continue };
            writer.pad_to(at);
            let before = self.block(at);
            let mut copied = 0;
            for (user, groups) in here {
                let row = *user as usize % BLOCK;
                writer.copy(before, copied..row);
                writer.chunk.push(groups.iter().copied());
                copied = row + 1;
            }
            writer.copy(before, copied..BLOCK);
            writer.place_block(at);
        }
        writer.finish();
        next
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let chunk = |chunk: &Arc<Chunk>| chunk.groups.capacity() * 3 + chunk.ends.capacity() * 4 + size_of::<Chunk>();
        let chunks: usize = self.chunks.iter().map(chunk).sum();
        chunks
            + self.locations.capacity() * size_of::<BlockLocation>()
            + self.chunks.capacity() * (size_of::<usize>() + 4)
    }
}

/// Writes a new chunk whose blocks replace others.
struct ChunkWriter<'a> {
    memberships: &'a mut Memberships,
    chunk: Chunk,
    number: usize,
}

impl<'a> ChunkWriter<'a> {
    fn new(memberships: &'a mut Memberships) -> Self {
        let number = memberships.free_chunk();
        Self { memberships, chunk: Chunk::default(), number }
    }

    /// Appends rows of a block as they were, or empty ones if there was no such block.
    fn copy(&mut self, before: Option<(&Chunk, usize)>, users: Range<usize>) {
        match before {
            Some((chunk, first)) => self.chunk.push_rows_of(chunk, first + users.start..first + users.end),
            None => self.chunk.push_empty(users.len()),
        }
    }

    /// Appends empty blocks up to a position.
    fn pad_to(&mut self, at: usize) {
        while self.memberships.locations.len() < at {
            self.chunk.push_empty(BLOCK);
            self.place_block(self.memberships.locations.len());
        }
    }

    /// Makes the block that was written last the one at a position.
    fn place_block(&mut self, at: usize) {
        let Memberships { locations, live, .. } = &mut *self.memberships;
        let location = BlockLocation { chunk: self.number as u32, block: self.chunk.blocks() as u32 - 1 };
        match locations.get_mut(at) {
            Some(replaced) => {
                if let Some(live) = live.get_mut(replaced.chunk as usize) {
                    *live -= 1;
                }
                *replaced = location;
            }
            None => locations.push(location),
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
        if let Some(chunk) = self.memberships.chunks.get_mut(self.number) {
            *chunk = Arc::new(mem::take(&mut self.chunk));
        }
    }

    fn finish(mut self) {
        let compacted = self.chunks_to_compact();
        for at in 0..if compacted.is_empty() { 0 } else { self.memberships.locations.len() } {
            let Some(location) = self.memberships.locations.get(at) else { break };
            if compacted.binary_search(&location.chunk).is_ok() {
                let chunk = self.memberships.chunks.get(location.chunk as usize).map(Arc::clone).unwrap_or_default();
                self.copy(Some((&chunk, location.block as usize * BLOCK)), 0..BLOCK);
                self.place_block(at);
            }
        }
        self.close();
        let Memberships { chunks, live, .. } = self.memberships;
        for (chunk, _) in chunks.iter_mut().zip(live).filter(|(_, live)| **live == 0) {
            *chunk = Arc::default();
        }
    }

    /// Returns the numbers of the chunks whose live blocks move to the new chunk: those with the fewest live blocks,
    /// until there are few enough chunks and few enough replaced blocks.
    fn chunks_to_compact(&self) -> Vec<u32> {
        const MANY: usize = 64;
        let Memberships { locations, chunks, live } = &*self.memberships;
        let others = chunks.iter().zip(live).enumerate().filter(|(at, (_, live))| **live > 0 && *at != self.number);
        let mut others: Vec<(u32, usize, u32)> =
            others.map(|(at, (chunk, live))| (*live, chunk.blocks(), at as u32)).collect();
        let mut written = self.chunk.blocks() + others.iter().map(|(_, blocks, _)| blocks).sum::<usize>();
        let mut count = others.len();
        others.sort_unstable();
        let too_many = |written: usize, count: usize| {
            written > locations.len() + locations.len() / 4 + CHUNK / 16 || count > MANY + 2 * locations.len() / CHUNK
        };
        let compacted = others.into_iter().take_while(|(live, blocks, _)| {
            let is_compacted = too_many(written, count);
            (written, count) = (written + *live as usize - blocks, count - 1);
            is_compacted
        });
        let mut compacted: Vec<u32> = compacted.map(|(_, _, at)| at).collect();
        compacted.sort_unstable();
        compacted
    }
}

#[cfg(test)]
#[cfg(feature = "proptest")]
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
        fn d10_changed_rows_change_and_earlier_snapshots_stay(
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
    fn b3_replaced_blocks_are_compacted() {
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
            assert!(written <= now.locations.len() * 5 / 4 + 2 * CHUNK, "{written} of {}", now.locations.len());
            assert!(now.chunks.len() <= 64 + 2 * now.locations.len() / CHUNK + 2, "{}", now.chunks.len());
            assert_eq!(now.live.iter().sum::<u32>() as usize, now.locations.len());
        }
        assert!(now.heap_bytes() < 2 * first.heap_bytes());
    }
}
