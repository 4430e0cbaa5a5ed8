//! The port behind which the offsets of forwarders are stored.

use std::sync::Arc;

use super::{FeedKind, ForwarderName, SavedForwarder};
use crate::store::StoreError;

/// Stores the offsets of forwarders and followers, each under its feed and its name.
///
/// Keep the offsets in the store whose activities they refer to. A backup then contains both. A restored store without
/// its offsets would otherwise miss activities, because a forwarder would continue after activities that the store no
/// longer contains. The stores of this crate implement this port.
///
/// # Contract
/// - **Compare and set.** [`replace`](Self::replace) is one transaction. It compares the whole saved value, and of
///   several callers that expect the same value exactly one succeeds, on any number of handles. The safe wrong answer is
///   `false` or an error: the batch is then delivered again.
/// - **Fidelity.** A value is returned as it was saved. It is stored in its `serde` form.
/// - **Durability.** A replacement that returned `true` survives a crash.
/// - **Independence.** A value belongs to one feed and one name. Names are compared byte for byte.
/// - **Concurrency.** Any thread may call any method, through any number of handles.
///
/// With the feature `conformance`, the module of that name tests an adapter against every clause.
pub trait ForwarderOffsets: Send + Sync {
    /// Returns the saved state of a forwarder, and `None` if there is none.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it cannot be read. The safe wrong answer is an error, never a later state.
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError>;

    /// Returns the saved state of every forwarder, in the order of feeds and names.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError>;

    /// Saves `next` if the saved state is `expected`, and returns whether it did. `None` stands for no saved state: as
    /// `expected` it creates a forwarder, as `next` it removes one.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the replacement might not be durable. It may have happened; the caller reads the state
    /// to find out.
    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: ForwarderOffsets + ?Sized> ForwarderOffsets for $pointer {
            fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
                (**self).saved(feed, name)
            }

            fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
                (**self).all_saved()
            }

            fn replace(
                &self,
                feed: FeedKind,
                name: &ForwarderName,
                expected: Option<&SavedForwarder>,
                next: Option<&SavedForwarder>,
            ) -> Result<bool, StoreError> {
                (**self).replace(feed, name, expected, next)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
