//! A hash table that stores a 16-bit fingerprint of each identity, with a value.
//!
//! If the table lacks a fingerprint, it lacks the identity, and that costs reading one cache line. If it has the
//! fingerprint, that may be of another identity, so the caller has to check the value.
//!
//! The table is open addressing over buckets of 16, as in Swiss tables. Their fingerprints of 7 bits would match one
//! in ten unknown identities; those of 16 bits match one in some thousand.

/// How many fingerprints a bucket has.
const WIDTH: usize = 16;

/// The table; see the module documentation.
#[derive(Clone)]
pub(crate) struct FingerprintTable<T> {
    buckets: Box<[Bucket]>,
    values: Box<[[T; WIDTH]]>,
    len: usize,
}

/// The fingerprints of a bucket, from the left; 0 is an empty slot.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
struct Bucket([u16; WIDTH]);

impl Bucket {
    #[inline(always)]
    fn contains(self, fingerprint: u16) -> bool {
        self.0.iter().fold(false, |found, slot| found | (*slot == fingerprint))
    }

    /// Returns the slots with a fingerprint, a bit for each slot.
    #[inline(always)]
    fn slots_of(self, fingerprint: u16) -> u16 {
        self.0.iter().enumerate().fold(0, |slots, (at, slot)| slots | u16::from(*slot == fingerprint) << at)
    }

    #[inline(always)]
    fn is_full(self) -> bool {
        let [.., last] = self.0;
        last != 0
    }
}

impl<T: Copy + Default> FingerprintTable<T> {
    /// Returns a table for so many identities, with `filled` of the 16 slots of each bucket in use on average.
    pub(crate) fn with_capacity(identities: usize, filled: usize) -> Self {
        let buckets = identities / filled.clamp(1, WIDTH - 1) + 1;
        Self {
            buckets: vec![Bucket([0; WIDTH]); buckets].into(),
            values: vec![[T::default(); WIDTH]; buckets].into(),
            len: 0,
        }
    }

    /// Returns the number of fingerprints.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether searching stays fast with so many more.
    pub(crate) fn has_capacity_for(&self, more: usize) -> bool {
        self.len + more <= self.buckets.len() * (WIDTH - 2)
    }

    /// Returns the size of the table in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.buckets.len() * (size_of::<Bucket>() + size_of::<[T; WIDTH]>())
    }

    /// Adds an identity. The table must have [capacity](Self::has_capacity_for) for it.
    pub(crate) fn insert(&mut self, hash: u64, value: T) {
        let fingerprint = fingerprint(hash);
        for at in self.buckets_from(hash) {
            let (Some(bucket), Some(values)) = (self.buckets.get_mut(at), self.values.get_mut(at)) else { return };
            if let Some((free, free_value)) = bucket.0.iter_mut().zip(values).find(|(slot, _)| **slot == 0) {
                (*free, *free_value) = (fingerprint, value);
                self.len += 1;
                return;
            }
        }
    }

    /// Returns whether the table may contain an identity. Reads one cache line for nearly every identity that it lacks.
    #[inline(always)]
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let fingerprint = fingerprint(hash);
        match self.buckets.get(self.bucket(hash)) {
            Some(bucket) => bucket.contains(fingerprint) || (bucket.is_full() && self.may_overflow(hash)),
            None => false,
        }
    }

    #[cold]
    #[inline(never)]
    fn may_overflow(&self, hash: u64) -> bool {
        self.candidates(hash).next().is_some()
    }

    /// Replaces the value of an identity that the table has, or adds it. The table must have capacity for it.
    pub(crate) fn replace_or_insert(&mut self, hash: u64, value: T, is: impl Fn(T) -> bool) {
        let mut candidates = self.candidates(hash);
        while let Some(known) = candidates.next() {
            let (bucket, slot) = (candidates.bucket, candidates.slot);
            if is(known) {
                if let Some(known) = self.values.get_mut(bucket).and_then(|values| values.get_mut(slot)) {
                    *known = value;
                }
                return;
            }
        }
        self.insert(hash, value);
    }

    /// Returns the value of each equal fingerprint.
    #[inline]
    pub(crate) fn candidates(&self, hash: u64) -> Candidates<'_, T> {
        let (fingerprint, bucket) = (fingerprint(hash), self.bucket(hash));
        let slots = self.buckets.get(bucket).map_or(0, |bucket| bucket.slots_of(fingerprint));
        Candidates { table: self, fingerprint, bucket, slots, slot: 0, passed: 0 }
    }

    /// Returns the bucket of a hash, and then those for its overflow.
    fn buckets_from(&self, hash: u64) -> impl Iterator<Item = usize> + use<T> {
        let (first, all) = (self.bucket(hash), self.buckets.len());
        (first..all).chain(0..first)
    }

    #[inline(always)]
    fn bucket(&self, hash: u64) -> usize {
        // The high half, spread over the buckets without a division (Lemire, "Fast random integer generation in an
        // interval").
        (((hash >> 32) * self.buckets.len() as u64) >> 32) as usize
    }
}

/// The iterator of [`FingerprintTable::candidates`].
pub(crate) struct Candidates<'a, T> {
    table: &'a FingerprintTable<T>,
    fingerprint: u16,
    bucket: usize,
    /// The slots in the bucket that were not returned yet, a bit for each.
    slots: u16,
    /// The slot that was returned last.
    slot: usize,
    /// How many buckets were read before this one.
    passed: usize,
}

impl<T: Copy + Default> Iterator for Candidates<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let FingerprintTable { buckets, values, .. } = self.table;
        while self.slots == 0 {
            self.passed += 1;
            if self.passed >= buckets.len() || !buckets.get(self.bucket)?.is_full() {
                return None;
            }
            self.bucket = if self.bucket + 1 == buckets.len() { 0 } else { self.bucket + 1 };
            self.slots = buckets.get(self.bucket)?.slots_of(self.fingerprint);
        }
        self.slot = self.slots.trailing_zeros() as usize;
        self.slots &= self.slots - 1;
        values.get(self.bucket)?.get(self.slot).copied()
    }
}

#[inline(always)]
fn fingerprint(hash: u64) -> u16 {
    (hash as u16).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::hashing::Hashing;
    use super::*;

    #[test]
    fn d8_inserted_identities_are_found_in_a_full_table() {
        let hashing = Hashing::new();
        for (capacity, filled) in [(0, 1), (1, 1), (100, 8), (1_000, 13), (5_000, 15)] {
            let mut table = FingerprintTable::with_capacity(capacity, filled);
            let mut len = 0;
            while table.has_capacity_for(1) {
                table.insert(hashing.of_id(len.to_string()), len);
                len += 1;
            }
            for user in 0..len {
                let hash = hashing.of_id(user.to_string());
                assert!(
                    table.may_contain(hash) && table.candidates(hash).any(|found| found == user),
                    "{user} of {len}"
                );
            }
            assert_eq!(table.len(), len as usize);
        }
    }
}
