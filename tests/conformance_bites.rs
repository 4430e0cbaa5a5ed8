//! The conformance kit tells adapters that are almost right from those that are. Each wrong one is caught by the clause
//! that names its fault. What else it breaks is listed by name, so that nobody takes a kit that refuses everything for
//! a sharp one, and no clause is left that nothing breaks.
#![cfg(feature = "conformance")]

mod faulty;
#[path = "../examples/own_adapter/list.rs"]
mod list;

use std::collections::BTreeSet;

use activity_privacy::conformance::Clause;

/// Names of clauses.
type Names = &'static [&'static str];

/// What is to be seen of a wrong adapter.
struct Bite {
    /// The clauses that name its fault.
    caught_by: Names,
    /// What it breaks besides, each time.
    also: Names,
    /// What it breaks besides when threads meet unluckily.
    perhaps: Names,
}

impl Bite {
    fn check(&self, clauses: &[Clause]) {
        let violations = clauses.iter().filter_map(|clause| clause.check().err());
        let broken: BTreeSet<&str> = violations.map(|violation| violation.clause).collect();
        let surely: BTreeSet<&str> = [self.caught_by, self.also].concat().into_iter().collect();
        let missed: Vec<_> = surely.difference(&broken).collect();
        assert!(missed.is_empty(), "not caught by {missed:?}");
        let beyond: Vec<_> = broken.difference(&surely).filter(|name| !self.perhaps.contains(name)).collect();
        assert!(beyond.is_empty(), "caught by {beyond:?} as well");
    }
}

/// One test for each wrong adapter, one for the right one, and one that no clause is left over.
macro_rules! bites {
    (
        $clauses:ident:
        $($test:ident $fault:ident, caught by [$($by:ident),+] also [$($also:ident),*] perhaps [$($perhaps:ident),*];)+
    ) => {
        $(#[test]
        fn $test() {
            let bite = Bite {
                caught_by: &[$(stringify!($by)),+],
                also: &[$(stringify!($also)),*],
                perhaps: &[$(stringify!($perhaps)),*],
            };
            bite.check(&$clauses::<Place<$fault>>());
        })+

        #[test]
        fn no_fault() {
            Bite { caught_by: &[], also: &[], perhaps: &[] }.check(&$clauses::<Place<NoFault>>());
        }

        #[test]
        fn no_clause_is_idle() {
            let bite = BTreeSet::from([$($(stringify!($by),)+ $(stringify!($also),)*)+]);
            let clauses = $clauses::<Place<NoFault>>();
            let idle: Vec<_> = clauses.iter().filter(|clause| !bite.contains(clause.name)).collect();
            assert!(idle.is_empty(), "nothing breaks {idle:?}");
        }
    };
}

#[path = "conformance_bites/directory.rs"]
mod directory;
#[path = "conformance_bites/sink.rs"]
mod sink;
#[path = "conformance_bites/store.rs"]
mod store;
