//! The delay before a retry.

use std::time::Duration;

use activity_privacy::forward::BackOff;
use proptest::prelude::*;

proptest! {
    #[test]
    fn f2_delay_doubles_up_to_the_longest_with_jitter(
        first in 0..u64::MAX,
        longest in 0..u64::MAX,
        failures in 0..100_u32,
        random: u32,
    ) {
        let (first, longest) = (Duration::from_millis(first), Duration::from_millis(longest));
        let back_off = BackOff::new(first, longest);
        let delay = back_off.delay(failures, random);
        let whole = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(31))).min(longest);
        prop_assert!(delay >= whole / 2 && delay <= whole, "{delay:?} of {whole:?}");
        prop_assert!(back_off.delay(failures, u32::MAX) >= delay);
        prop_assert!(back_off.delay(failures, 0) <= delay);
    }
}
