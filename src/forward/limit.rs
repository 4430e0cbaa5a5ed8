//! The limit of a batch.

use crate::query::PageSize;

/// The limit of one batch, and so of what a [`Driver`](crate::forward::Driver) has in flight: a number of items, and
/// their approximate size in memory. A batch contains at least one item if any is left, however large the item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    rows: PageSize,
    bytes: usize,
}

impl BatchLimit {
    /// Returns a limit of items and bytes.
    #[must_use]
    pub const fn new(rows: PageSize, bytes: usize) -> Self {
        Self { rows, bytes }
    }

    /// Returns a limit of items, with the default number of bytes.
    #[must_use]
    pub const fn rows(rows: u16) -> Self {
        Self { rows: PageSize::at_most(rows), bytes: Self::DEFAULT_BYTES }
    }

    /// Returns the maximum number of items.
    #[must_use]
    pub const fn max_rows(self) -> usize {
        self.rows.get()
    }

    /// Returns the maximum size of all items in bytes.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        self.bytes
    }

    const DEFAULT_BYTES: usize = 4 * 1024 * 1024;
}

/// 500 items and 4 MiB.
impl Default for BatchLimit {
    fn default() -> Self {
        Self::rows(500)
    }
}
