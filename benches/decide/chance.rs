//! Reproducible pseudorandom numbers.

/// A SplitMix64 generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        scale(self.next(), end)
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Spreads a number over all 64 bits.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Scales a random number to one below `end`.
pub(crate) fn scale(random: u64, end: u64) -> u64 {
    ((u128::from(random) * u128::from(end)) >> 64) as u64
}

/// A permutation of the numbers below `end`. Each is computed on demand, so that no list is held in memory.
pub(crate) struct Shuffled {
    end: u64,
    half_bits: u32,
    seed: u64,
}

impl Shuffled {
    pub(crate) fn new(end: u64, seed: u64) -> Self {
        let bits = u64::BITS - end.saturating_sub(1).leading_zeros();
        Self { end, half_bits: bits.div_ceil(2).max(1), seed }
    }

    /// Returns the number at `position`, which must be below `end`.
    pub(crate) fn at(&self, position: u64) -> u64 {
        debug_assert!(position < self.end, "position {position}, end {}", self.end);
        let mut number = self.permute(position);
        // Cycle walking: repeats until the number is below `end`.
        while number >= self.end {
            number = self.permute(number);
        }
        number
    }

    /// Permutes the numbers of the network's range, a power of 4, by a Feistel network.
    fn permute(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mix(right ^ mix(self.seed + round)) & mask));
        }
        left << self.half_bits | right
    }
}
