//! Where to look for an identity: fingerprints, each with something to tell of it.
//!
//! A fingerprint that is not there is the truth: nobody here is called that, and to know it costs the reading of one cache
//! line. One that is there may be that of another identity, so that what stands beside it has to be held against something.
//!
//! Open addressing over buckets that are half a cache line wide, as in Swiss tables, but with 16 bits a fingerprint, so
//! that one in some thousand strangers is taken for somebody and not one in ten.

/// How many fingerprints stand together.
const WIDTH: usize = 16;

/// See the module.
#[derive(Clone)]
pub(crate) struct Hints<T> {
    tags: Box<[Tags]>,
    values: Box<[[T; WIDTH]]>,
    len: usize,
}

/// From the left; 0 is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
struct Tags([u16; WIDTH]);

impl Tags {
    #[inline(always)]
    fn hold(self, tag: u16) -> bool {
        self.0.iter().fold(false, |found, here| found | (*here == tag))
    }

    /// Where a fingerprint stands, a bit for each place.
    #[inline(always)]
    fn places_of(self, tag: u16) -> u16 {
        self.0.iter().enumerate().fold(0, |places, (at, here)| places | u16::from(*here == tag) << at)
    }

    #[inline(always)]
    fn are_full(self) -> bool {
        let [.., last] = self.0;
        last != 0
    }
}

impl<T: Copy + Default> Hints<T> {
    /// A table for so many, of which each bucket holds `filled` on average.
    pub(crate) fn with_room_for(identities: usize, filled: usize) -> Self {
        let buckets = identities / filled.clamp(1, WIDTH - 1) + 1;
        Self {
            tags: vec![Tags([0; WIDTH]); buckets].into(),
            values: vec![[T::default(); WIDTH]; buckets].into(),
            len: 0,
        }
    }

    /// How many fingerprints there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether so many more would leave searching fast.
    pub(crate) fn has_room_for(&self, more: usize) -> bool {
        self.len + more <= self.tags.len() * (WIDTH - 2)
    }

    /// How much memory it takes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tags.len() * (size_of::<Tags>() + size_of::<[T; WIDTH]>())
    }

    /// Adds one, for which there must be [room](Self::has_room_for).
    pub(crate) fn insert(&mut self, hash: u64, value: T) {
        let tag = tag(hash);
        for at in self.buckets_from(hash) {
            let (Some(tags), Some(values)) = (self.tags.get_mut(at), self.values.get_mut(at)) else { return };
            if let Some((free, value_there)) = tags.0.iter_mut().zip(values).find(|(tag, _)| **tag == 0) {
                (*free, *value_there) = (tag, value);
                self.len += 1;
                return;
            }
        }
    }

    /// Whether somebody may be called that. Reads one cache line of nearly every name that nobody has.
    #[inline(always)]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let tag = tag(hash);
        match self.tags.get(self.bucket(hash)) {
            Some(tags) => tags.hold(tag) || (tags.are_full() && self.may_hold_beyond(hash)),
            None => false,
        }
    }

    #[cold]
    #[inline(never)]
    fn may_hold_beyond(&self, hash: u64) -> bool {
        self.candidates(hash).next().is_some()
    }

    /// Gives one that stands there another value, or adds it, for which there must be room.
    pub(crate) fn put(&mut self, hash: u64, value: T, is: impl Fn(T) -> bool) {
        let mut candidates = self.candidates(hash);
        while let Some(known) = candidates.next() {
            let (bucket, place) = (candidates.bucket, candidates.place);
            if is(known) {
                if let Some(there) = self.values.get_mut(bucket).and_then(|values| values.get_mut(place)) {
                    *there = value;
                }
                return;
            }
        }
        self.insert(hash, value);
    }

    /// What stands beside each fingerprint that is the same.
    #[inline]
    pub(crate) fn candidates(&self, hash: u64) -> Candidates<'_, T> {
        let (tag, bucket) = (tag(hash), self.bucket(hash));
        let places = self.tags.get(bucket).map_or(0, |tags| tags.places_of(tag));
        Candidates { hints: self, tag, bucket, places, place: 0, passed: 0 }
    }

    /// The bucket of a hash, and those that take what it has no room for.
    fn buckets_from(&self, hash: u64) -> impl Iterator<Item = usize> + use<T> {
        let (first, all) = (self.bucket(hash), self.tags.len());
        (first..all).chain(0..first)
    }

    #[inline(always)]
    fn bucket(&self, hash: u64) -> usize {
        // The high half, spread over the buckets without a division (Lemire, "Fast random integer generation in an
        // interval").
        (((hash >> 32) * self.tags.len() as u64) >> 32) as usize
    }
}

/// See [`Hints::candidates`].
pub(crate) struct Candidates<'a, T> {
    hints: &'a Hints<T>,
    tag: u16,
    bucket: usize,
    /// Those in the bucket that were not given yet, a bit for each.
    places: u16,
    /// Where the one stood that was given last.
    place: usize,
    /// How many buckets were passed.
    passed: usize,
}

impl<T: Copy + Default> Iterator for Candidates<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let Hints { tags, values, .. } = self.hints;
        while self.places == 0 {
            self.passed += 1;
            if self.passed >= tags.len() || !tags.get(self.bucket)?.are_full() {
                return None;
            }
            self.bucket = if self.bucket + 1 == tags.len() { 0 } else { self.bucket + 1 };
            self.places = tags.get(self.bucket)?.places_of(self.tag);
        }
        self.place = self.places.trailing_zeros() as usize;
        self.places &= self.places - 1;
        values.get(self.bucket)?.get(self.place).copied()
    }
}

#[inline(always)]
fn tag(hash: u64) -> u16 {
    (hash as u16).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::hashing::Hashing;
    use super::*;

    #[test]
    fn d8_whoever_was_put_in_is_found_however_full_it_gets() {
        let hashing = Hashing::new();
        for (room, filled) in [(0, 1), (1, 1), (100, 8), (1_000, 13), (5_000, 15)] {
            let mut hints = Hints::with_room_for(room, filled);
            let mut put = 0;
            while hints.has_room_for(1) {
                hints.insert(hashing.of_id(put.to_string()), put);
                put += 1;
            }
            for user in 0..put {
                let hash = hashing.of_id(user.to_string());
                assert!(hints.may_hold(hash) && hints.candidates(hash).any(|found| found == user), "{user} of {put}");
            }
            assert_eq!(hints.len(), put as usize);
        }
    }
}
