//! Which groups list whom: for each user the numbers of their groups, three bytes each.
//!
//! Only this way round: whoever asks for the members of a group reads it all, at about the speed of memory, because it
//! is asked when a policy changes and not when an activity comes in. Whatever changes with one user is then in one
//! place.

use std::ops::Range;
use std::sync::Arc;

use super::names::BLOCK;
use super::packed::Packed;

/// The groups of up to [`BLOCK`] users.
#[derive(Clone, Default)]
struct Block {
    /// Where the groups of each user end.
    ends: Vec<u32>,
    groups: Vec<Packed>,
}

/// The groups that list each user themselves.
#[derive(Clone, Default)]
pub(super) struct Memberships {
    blocks: Vec<Arc<Block>>,
}

/// The most groups that a directory can tell apart.
pub(super) const MAX_GROUPS: usize = (1 << 23) - 1;

impl Block {
    fn of(&self, at: usize) -> impl Iterator<Item = u32> + '_ {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let end = self.ends.get(at).map_or(start, |end| *end as usize);
        self.groups.get(start..end).unwrap_or_default().iter().map(|group| group.get())
    }

    fn push(&mut self, groups: impl Iterator<Item = u32>) {
        self.groups.extend(groups.map(Packed::new));
        // INVARIANT: this is below 2^32, because there are at most 2^9 users in fewer than 2^23 groups.
        self.ends.push(self.groups.len() as u32);
    }

    /// Adds the groups of users from one place to another in an earlier block, or nothing where it knows of nobody.
    fn push_all(&mut self, before: &Self, users: Range<usize>) {
        let start = |at: usize| at.checked_sub(1).and_then(|at| before.ends.get(at)).copied();
        let known = before.ends.get(users.start..users.end.min(before.ends.len())).unwrap_or_default();
        let first = start(users.start).unwrap_or(0);
        let last = known.last().copied().unwrap_or(first);
        let shift = self.groups.len() as u32;
        self.groups.extend_from_slice(before.groups.get(first as usize..last as usize).unwrap_or_default());
        self.ends.extend(known.iter().map(|end| end - first + shift));
        // Whoever came since and whom no group lists yet.
        self.ends.extend(std::iter::repeat_n(self.groups.len() as u32, users.len() - known.len()));
    }
}

impl Memberships {
    /// From pairs of user and group, in any order and with repetitions, for users from 0.
    pub(super) fn sorted_by_user(users: usize, pairs: &[(u32, u32)]) -> Self {
        // A counting sort: each pair is moved once.
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
        let mut blocks = Vec::with_capacity(users.div_ceil(BLOCK));
        for first in (0..users).step_by(BLOCK) {
            let last = (first + BLOCK).min(users);
            let starts = ends.get(first..=last).unwrap_or_default();
            let (from, to) = (starts.first().copied().unwrap_or(0), starts.last().copied().unwrap_or(0));
            let mut block = Block { ends: Vec::with_capacity(last - first), groups: Vec::with_capacity(to - from) };
            for bounds in starts.windows(2) {
                let [start, end] = bounds else { continue };
                let of_user = groups.get_mut(*start..*end).unwrap_or_default();
                of_user.sort_unstable();
                let mut before = None;
                block.push(of_user.iter().copied().filter(|group| before.replace(*group) != Some(*group)));
            }
            block.groups.shrink_to_fit();
            blocks.push(Arc::new(block));
        }
        Self { blocks }
    }

    /// The groups that list this user, in order.
    pub(super) fn of(&self, user: u32) -> impl Iterator<Item = u32> + '_ {
        let at = user as usize;
        self.blocks.get(at / BLOCK).into_iter().flat_map(move |block| block.of(at % BLOCK))
    }

    /// Calls `found` for each of so many users in order, with the groups that list them.
    pub(super) fn each(&self, users: usize, mut found: impl FnMut(u32, &[Packed])) {
        let mut user = 0;
        for (block, first) in self.blocks.iter().zip((0..).step_by(BLOCK)) {
            let mut start = 0;
            for end in &block.ends {
                found(user, block.groups.get(start..*end as usize).unwrap_or_default());
                start = *end as usize;
                user += 1;
            }
            // Whoever came after the last of them whose groups ever changed.
            let after = (first + BLOCK).min(users) as u32;
            (user..after).for_each(|unlisted| found(unlisted, &[]));
            user = after;
        }
        (user..users as u32).for_each(|unlisted| found(unlisted, &[]));
    }

    /// The users whom one group lists, in order.
    pub(super) fn listed_by(&self, group: u32) -> Vec<u32> {
        let mut wanted = vec![false; group as usize + 1];
        wanted.last_mut().into_iter().for_each(|last| *last = true);
        self.listed_in(&wanted).collect()
    }

    /// The users of whom a group is `wanted`, by number, in order.
    pub(super) fn listed_in<'a>(&'a self, wanted: &'a [bool]) -> impl Iterator<Item = u32> + 'a {
        let is_wanted = move |group: &Packed| wanted.get(group.get() as usize).copied().unwrap_or(false);
        self.blocks.iter().zip((0..).step_by(BLOCK)).flat_map(move |(block, first)| {
            let mut start = 0;
            block.ends.iter().zip(first..).filter_map(move |(end, user)| {
                let groups = block.groups.get(start..*end as usize).unwrap_or_default();
                start = *end as usize;
                groups.iter().any(is_wanted).then_some(user)
            })
        })
    }

    /// The same, but for users whose groups are others now; they are given in order, new ones behind the known.
    pub(super) fn replacing(&self, changed: &[(u32, Vec<u32>)]) -> Self {
        let mut next = self.clone();
        let block_of = |(user, _): &(u32, Vec<u32>)| *user as usize / BLOCK;
        for here in changed.chunk_by(|one, other| block_of(one) == block_of(other)) {
            let Some(at) = here.first().map(block_of) else { continue };
            let empty = Arc::default();
            let before: &Arc<Block> = self.blocks.get(at).unwrap_or(&empty);
            let mut block =
                Block { ends: Vec::with_capacity(BLOCK), groups: Vec::with_capacity(before.groups.len() + here.len()) };
            let mut copied = 0;
            for (user, groups) in here {
                let place = *user as usize % BLOCK;
                block.push_all(before, copied..place);
                block.push(groups.iter().copied());
                copied = place + 1;
            }
            block.push_all(before, copied..before.ends.len().max(copied));
            if next.blocks.len() <= at {
                next.blocks.resize_with(at + 1, Arc::default);
            }
            if let Some(there) = next.blocks.get_mut(at) {
                *there = Arc::new(block);
            }
        }
        next
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let block =
            |block: &Arc<Block>| block.groups.capacity() * 3 + block.ends.capacity() * 4 + size_of::<Block>() + 16;
        self.blocks.iter().map(block).sum::<usize>() + self.blocks.capacity() * size_of::<usize>()
    }
}
