//! Counters of the steps that loops over input take, so that a test can check for linear time without a clock.
//!
//! Every loop over input calls [`advance`] with the number of values that it visits. So does every call that scans a
//! list, such as `retain` or `contains`. Outside of test builds this compiles to nothing.

/// Counts `steps` more values that a loop visits.
#[inline(always)]
pub(crate) fn advance(steps: usize) {
    #[cfg(test)]
    tests::add(steps);
    #[cfg(not(test))]
    let _ = steps;
}

#[cfg(test)]
pub(crate) use tests::assert_linear;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn add(steps: usize) {
        STEPS.set(STEPS.get() + steps as u64);
    }

    /// Returns how many steps `operation` takes on this thread.
    fn steps_of(operation: impl FnOnce()) -> u64 {
        let before = STEPS.get();
        operation();
        STEPS.get() - before
    }

    /// Asserts that an operation on `4 * size` takes at most six times the steps that it takes on `size`. To check that
    /// its loops are counted at all, also asserts at least one step for each unit of `size`.
    ///
    /// `prepare` makes the input of a size; its steps do not count.
    pub(crate) fn assert_linear<T>(what: &str, size: usize, prepare: impl Fn(usize) -> T, operation: impl Fn(T)) {
        let steps = [size, 4 * size].map(|size| {
            let input = prepare(size);
            steps_of(|| operation(input))
        });
        assert!(steps[0] >= size as u64, "{what}: only {} steps for {size}; its loops are not counted", steps[0]);
        assert!(steps[1] <= 6 * steps[0], "{what}: {} steps for {size}, {} for {}", steps[0], steps[1], 4 * size);
    }

    #[test]
    fn b3_quadratic_operation_is_detected() {
        let scan = |size: usize| (0..size).for_each(|_| super::advance(size));
        let linear = |size: usize| (0..size).for_each(|_| super::advance(3));
        assert_linear("linear", 100, |size| size, linear);
        assert!(std::panic::catch_unwind(|| assert_linear("quadratic", 100, |size| size, scan)).is_err());
        assert!(std::panic::catch_unwind(|| assert_linear("uncounted", 100, |size| size, |_| {})).is_err());
    }
}
