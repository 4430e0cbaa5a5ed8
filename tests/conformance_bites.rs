//! The conformance kit distinguishes faulty adapters from correct ones. Each faulty adapter is detected by the clause
//! that names its fault. The tests also list every other clause that it violates, so a kit that rejects everything
//! fails here. Every clause is violated by at least one adapter.
#![cfg(feature = "conformance")]

mod faulty;
#[path = "../examples/own_adapter/list.rs"]
mod list;

use std::collections::BTreeSet;

use activity_privacy::conformance::Clause;

/// Names of clauses.
type Names = &'static [&'static str];

/// The clauses that a faulty adapter violates.
struct Violations {
    /// The clauses that name its fault.
    detected_by: Names,
    /// Other clauses that it always violates.
    also: Names,
    /// Other clauses that it violates under some thread interleavings.
    perhaps: Names,
}

impl Violations {
    fn check(&self, clauses: &[Clause]) {
        let failed = clauses.iter().filter_map(|clause| clause.check().err());
        let broken: BTreeSet<&str> = failed.map(|violation| violation.clause).collect();
        let surely: BTreeSet<&str> = [self.detected_by, self.also].concat().into_iter().collect();
        let missed: Vec<_> = surely.difference(&broken).collect();
        assert!(missed.is_empty(), "not detected by {missed:?}");
        let beyond: Vec<_> = broken.difference(&surely).filter(|name| !self.perhaps.contains(name)).collect();
        assert!(beyond.is_empty(), "also detected by {beyond:?}");
    }
}

/// Generates one test per faulty adapter, one for the correct adapter, and one for clauses that no adapter violates.
macro_rules! violations {
    (
        $clauses:ident:
        $($test:ident $fault:ident, detected by [$($by:ident),+] also [$($also:ident),*] perhaps [$($perhaps:ident),*];)+
    ) => {
        $(#[test]
        fn $test() {
            let violations = Violations {
                detected_by: &[$(stringify!($by)),+],
                also: &[$(stringify!($also)),*],
                perhaps: &[$(stringify!($perhaps)),*],
            };
            violations.check(&$clauses::<Place<$fault>>());
        })+

        #[test]
        fn correct_adapter_violates_no_clause() {
            Violations { detected_by: &[], also: &[], perhaps: &[] }.check(&$clauses::<Place<NoFault>>());
        }

        #[test]
        fn every_clause_is_violated_by_an_adapter() {
            let violations = BTreeSet::from([$($(stringify!($by),)+ $(stringify!($also),)*)+]);
            let clauses = $clauses::<Place<NoFault>>();
            let unviolated: Vec<_> = clauses.iter().filter(|clause| !violations.contains(clause.name)).collect();
            assert!(unviolated.is_empty(), "no adapter violates {unviolated:?}");
        }
    };
}

#[path = "conformance_bites/directory.rs"]
mod directory;
#[path = "conformance_bites/offsets.rs"]
mod offsets;
#[path = "conformance_bites/sink.rs"]
mod sink;
#[path = "conformance_bites/store.rs"]
mod store;
