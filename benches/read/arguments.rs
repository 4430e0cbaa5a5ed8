//! The arguments of the command line.

use lexopt::{Arg, Parser, ValueExt};

/// Returns the number of records for each source.
pub(crate) fn records() -> usize {
    let mut records = 100_000;
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next().unwrap() {
        match argument {
            Arg::Long("records") => records = parser.value().unwrap().parse().unwrap(),
            // Of cargo.
            Arg::Long("bench") => {}
            argument => panic!("{}", argument.unexpected()),
        }
    }
    records
}
