//! Which hashes a run certainly does not hold: a split-block Bloom filter (Putze, Sanders, Singler: *Cache-, hash- and
//! space-efficient Bloom filters*, 2007), laid out as in the specification of Apache Parquet.
//!
//! One block of 32 bytes, half a cache line, is looked at for each hash.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use crate::sync::Mutex;

/// One bit in each word of one block says that a hash is there.
pub(super) struct Filter(Vec<Block>);

#[derive(Clone, Copy)]
#[repr(align(32))]
struct Block([u32; WORDS]);

const WORDS: usize = 8;
const BLOCK_BYTES: usize = 32;

/// One hash in about a thousand that are not there passes.
const BITS_PER_HASH: u64 = 16;

/// From Parquet's specification.
const SALT: [u32; WORDS] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

impl Filter {
    pub(super) fn for_hashes(count: u64) -> Self {
        Self(vec![Block([0; WORDS]); usize::try_from(blocks_for(count)).unwrap_or(usize::MAX)])
    }

    pub(super) fn add(&mut self, hash: u64) {
        let (at, probe) = (self.place(hash), Probe::of(hash));
        if let Some(block) = self.0.get_mut(at) {
            block.0.iter_mut().zip(probe.bits).for_each(|(word, bit)| *word |= bit);
        }
    }

    #[inline]
    pub(super) fn may_hold(&self, probe: &Probe) -> bool {
        // INVARIANT: there is a block for each hash. If there were none, the run would be asked.
        let Some(block) = self.0.get(self.place(probe.hash)) else { return true };
        block.0.iter().zip(probe.bits).fold(0, |missing, (word, bit)| missing | (!word & bit)) == 0
    }

    /// The high half of a hash picks the block, the low half the bits in it.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        (((hash >> 32) * self.0.len() as u64) >> 32) as usize
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|block| block.0).flat_map(u32::to_le_bytes).collect()
    }

    /// Nothing if these are not the bytes of a filter for so many hashes.
    pub(super) fn from_bytes(bytes: &[u8], count: u64) -> Option<Self> {
        let (blocks, []) = bytes.as_chunks::<BLOCK_BYTES>() else { return None };
        let block = |bytes: &[u8; BLOCK_BYTES]| {
            let mut block = [0; WORDS];
            block.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
            Block(block)
        };
        (blocks.len() as u64 == blocks_for(count)).then(|| Self(blocks.iter().map(block).collect()))
    }
}

fn blocks_for(count: u64) -> u64 {
    count.saturating_mul(BITS_PER_HASH).div_ceil(8 * BLOCK_BYTES as u64).max(1)
}

/// What is looked for in each of several filters.
pub(super) struct Probe {
    hash: u64,
    bits: [u32; WORDS],
}

impl Probe {
    pub(super) fn of(hash: u64) -> Self {
        Self { hash, bits: SALT.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27)) }
    }
}

/// The filters that anybody in this process holds, by seal, so that whoever reads the same file shares them. Holds none
/// itself: the filter of a run that was merged away goes when the last who knew the run forgets it.
#[derive(Clone, Default)]
pub(in crate::sqlite) struct Filters(Arc<Mutex<HashMap<u64, Weak<Filter>>>>);

impl Filters {
    pub(super) fn known(&self, seal: u64) -> Option<Arc<Filter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&seal)?.upgrade()
    }

    /// Shares a filter with whoever asks for it, or takes the one that is shared already.
    pub(super) fn share(&self, seal: u64, filter: Filter) -> Arc<Filter> {
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = filters.get(&seal).and_then(Weak::upgrade) {
            return known;
        }
        let filter = Arc::new(filter);
        filters.retain(|_, filter| filter.strong_count() > 0);
        filters.insert(seal, Arc::downgrade(&filter));
        filter
    }
}
