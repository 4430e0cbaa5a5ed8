//! The arguments of the command line.

use lexopt::{Arg, Parser, ValueExt};

/// Returns the number of records for each source.
///
/// # Errors
/// Returns [`lexopt::Error`] if an argument is unknown or not a number.
pub(crate) fn records() -> Result<usize, lexopt::Error> {
    let mut records = 100_000;
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("records") => records = parser.value()?.parse()?,
            // Of cargo.
            Arg::Long("bench") => {}
            argument => return Err(argument.unexpected()),
        }
    }
    Ok(records)
}
