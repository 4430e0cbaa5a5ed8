//! The conformance kit: the contracts of the ports as clauses, to test any adapter.
//!
//! Requires the feature `conformance`.
//!
//! The `# Contract` section of each port states what an adapter must do. The kit divides it into [`Clause`]s. Each
//! clause is a function that uses a fresh adapter through its port and returns what it observed if the adapter broke
//! the contract. The clauses make their own data. The embedder supplies a harness, which creates an adapter, opens
//! another handle to it, and simulates a crash. The adapters of this crate pass the same clauses.
//!
//! ```
//! use std::sync::Arc;
//!
//! use activity_privacy::conformance::{StoreHarness, store_clauses};
//! # use activity_privacy::memory::MemoryStore as MyStore;
//!
//! /// A harness for `MyStore`, whose data ends with the process.
//! struct InMemory(Arc<MyStore>);
//!
//! impl StoreHarness for InMemory {
//!     type Store = Arc<MyStore>;
//!
//!     fn fresh() -> Self {
//!         Self(Arc::new(MyStore::new()))
//!     }
//!
//!     fn open(&self) -> Self::Store {
//!         Arc::clone(&self.0)
//!     }
//!
//!     // Nothing to do: the data ends with the process.
//!     fn crash(&mut self) {}
//! }
//!
//! // In `tests/conformance.rs`: one test for each clause, with its name.
//! activity_privacy::activity_store_conformance!(InMemory);
//!
//! // Or clause by clause, from any program.
//! # fn main() {
//! for clause in store_clauses::<InMemory>() {
//!     assert_eq!(clause.check(), Ok(()));
//! }
//! # }
//! ```
//!
//! The example `own_adapter` implements a small store, runs every clause against it, and shows the violations of three
//! faulty stores.
//!
//! # Limits
//!
//! A failed clause observed a violation of the contract. Clauses about concurrency run many calls at the same time and
//! check the results, not the time; an adapter that is wrong only for an instant can pass them. The cost of public
//! answers is part of the store's contract, but is left to a benchmark. No clause can be switched off.
//!
//! A process cannot observe what a machine loses. `crash` of a harness simulates what the embedder knows to be lost,
//! and the kit cannot tell whether that is true:
//!
//! - **A missing sync.** An adapter that answers before its data is durable (without `fsync`, or on a disk that
//!   confirms writes that it only buffers) passes every clause, because the operating system still returns the data. To
//!   find it, cut the power of a machine or a virtual machine, or let `crash` discard what was not synced, with a file
//!   system that records syncs.
//! - **A torn tail.** A write that a crash cuts in the middle, or reordered writes, appear only if `crash` makes them.
//!   Truncate the last file at each of its last bytes in `crash`, and open the store again.
//! - **Damage and restored backups.** The clauses never change stored bytes, and never restore a file.
//! - **Several machines.** All handles are in one process. Clocks that differ and networks that split are not
//!   simulated.

mod clause;
mod directory;
mod fixture;
mod offsets;
mod sink;
mod store;

pub use self::clause::{Clause, Violation};
pub use self::directory::{DirectoryHarness, FinishImport, Source, directory_clauses};
pub use self::offsets::{OffsetsHarness, offsets_clauses};
pub use self::sink::{SinkHarness, sink_clauses};
pub use self::store::{StoreHarness, store_clauses};

/// Returns the clauses of a contract's list: for each name, the function of that name in the module of its chapter, on
/// a fresh harness.
macro_rules! clauses_of {
    ($harness:ident; $($chapter:ident { $($name:ident: $promise:literal;)* })*) => {
        vec![$($(Clause {
            name: stringify!($name),
            chapter: stringify!($chapter),
            promise: $promise,
            run: || $chapter::$name($harness::fresh()),
        }),*),*]
    };
}

use clauses_of;

/// Generates one test for each clause of a contract's list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($clauses:ident $harness:ty; $($chapter:ident { $($name:ident: $promise:literal;)* })*) => { $($(
        #[test]
        fn $name() {
            let mut clauses = $crate::conformance::$clauses::<$harness>().into_iter();
            let clause = clauses.find(|clause| clause.name == stringify!($name));
            match clause.map(|clause| clause.check()) {
                Some(Ok(())) => {}
                Some(Err(violation)) => panic!("{violation}"),
                None => panic!("no clause has this name"),
            }
        }
    )*)* };
}

/// Generates one `#[test]` with the clause's name for each clause of the contract of
/// [`ActivityStore`](crate::store::ActivityStore), for the adapter of a
/// [`StoreHarness`](crate::conformance::StoreHarness). Use it at most once in a module.
#[macro_export]
macro_rules! activity_store_conformance {
    ($harness:ty) => {
        $crate::__activity_store_contract! { [$crate::__conformance_tests] store_clauses $harness }
    };
}

/// Generates one `#[test]` with the clause's name for each clause of the contract of
/// [`GovernanceSink`](crate::governance::GovernanceSink), for the adapter of a
/// [`SinkHarness`](crate::conformance::SinkHarness). Use it at most once in a module.
#[macro_export]
macro_rules! governance_sink_conformance {
    ($harness:ty) => {
        $crate::__governance_sink_contract! { [$crate::__conformance_tests] sink_clauses $harness }
    };
}

/// Generates one `#[test]` with the clause's name for each clause of the contract of
/// [`ForwarderOffsets`](crate::forward::ForwarderOffsets), for the adapter of an
/// [`OffsetsHarness`](crate::conformance::OffsetsHarness). Use it at most once in a module.
#[macro_export]
macro_rules! forwarder_offsets_conformance {
    ($harness:ty) => {
        $crate::__forwarder_offsets_contract! { [$crate::__conformance_tests] offsets_clauses $harness }
    };
}

/// Generates one `#[test]` with the clause's name for each clause of the contract of
/// [`GroupDirectory`](crate::directory::GroupDirectory), for the adapter of a
/// [`DirectoryHarness`](crate::conformance::DirectoryHarness). Use it at most once in a module.
#[macro_export]
macro_rules! group_directory_conformance {
    ($harness:ty) => {
        $crate::__group_directory_contract! { [$crate::__conformance_tests] directory_clauses $harness }
    };
}
