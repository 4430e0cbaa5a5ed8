//! The contracts of the three ports as clauses, to run against any adapter.
//!
//! Each port says in its `# Contract` what an adapter must keep. Here it is cut into [`Clause`]s: each a function that
//! gets a fresh adapter, uses it through the port alone, and says what it saw if the promise was broken. What the
//! clauses need to write with, they make themselves; an embedder says where a fresh adapter is, how another handle on
//! it is opened, and what a crash leaves behind. The adapters of this crate are held to the same clauses, in the same
//! way.
//!
//! ```
//! use std::sync::Arc;
//!
//! use activity_privacy::conformance::{StoreHarness, store_clauses};
//! # use activity_privacy::memory::MemoryStore as MyStore;
//!
//! /// A place for `MyStore`, which lives as long as the process does.
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
//!     // Nothing to lose: what a crash would take is the process.
//!     fn crash(&mut self) {}
//! }
//!
//! // In `tests/conformance.rs`: one `#[test]` for each clause, named after it.
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
//! The program `examples/own_adapter` writes a store in two hundred lines, holds it to every clause, and shows what the
//! kit says of three stores that are almost right.
//!
//! # What it can and cannot tell
//!
//! A clause that fails has seen a promise broken. Clauses about threads let many calls meet, and look at what came of
//! it, not at a clock; an adapter that is wrong for an instant only may get past them. That the cost of a public answer
//! does not grow with what is hidden is part of the contract of a store, and left to a benchmark. No clause can be
//! switched off.

mod clause;
mod directory;
mod fixture;
mod sink;
mod store;

pub use self::clause::{Clause, Violation};
pub use self::directory::{DirectoryHarness, Source, directory_clauses};
pub use self::sink::{SinkHarness, sink_clauses};
pub use self::store::{StoreHarness, store_clauses};

/// Makes clauses of a contract's list: for each name, the function of that name in the module of its chapter, on a
/// fresh harness.
macro_rules! clauses_of {
    ($harness:ident; $($chapter:ident { $($name:ident: $promise:literal;)* })*) => {
        vec![$($(Clause {
            name: stringify!($name),
            chapter: stringify!($chapter),
            promise: $promise,
            try_out: || $chapter::$name($harness::fresh()),
        }),*),*]
    };
}

use clauses_of;

/// Makes tests of a contract's list.
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
                None => panic!("there is no clause of this name"),
            }
        }
    )*)* };
}

/// One `#[test]` for each clause of the contract of [`ActivityStore`](crate::store::ActivityStore), named after the clause,
/// for the adapter behind a [`StoreHarness`](crate::conformance::StoreHarness). Once in a module.
#[macro_export]
macro_rules! activity_store_conformance {
    ($harness:ty) => {
        $crate::__activity_store_contract! { [$crate::__conformance_tests] store_clauses $harness }
    };
}

/// One `#[test]` for each clause of the contract of [`GovernanceSink`](crate::governance::GovernanceSink), named after the clause,
/// for the adapter behind a [`SinkHarness`](crate::conformance::SinkHarness). Once in a module.
#[macro_export]
macro_rules! governance_sink_conformance {
    ($harness:ty) => {
        $crate::__governance_sink_contract! { [$crate::__conformance_tests] sink_clauses $harness }
    };
}

/// One `#[test]` for each clause of the contract of [`GroupDirectory`](crate::directory::GroupDirectory), named after the clause,
/// for the adapter behind a [`DirectoryHarness`](crate::conformance::DirectoryHarness). Once in a module.
#[macro_export]
macro_rules! group_directory_conformance {
    ($harness:ty) => {
        $crate::__group_directory_contract! { [$crate::__conformance_tests] directory_clauses $harness }
    };
}
