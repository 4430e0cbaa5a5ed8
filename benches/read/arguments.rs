//! The arguments of the command line.

use lexopt::{Arg, Parser, ValueExt};

/// What to measure.
pub(crate) struct Arguments {
    /// The number of records for each source, and for the job.
    pub(crate) records: usize,
    /// Measures only the job.
    pub(crate) job_only: bool,
}

/// Reads the command line.
///
/// # Errors
/// Returns [`lexopt::Error`] if an argument is unknown or not a number.
pub(crate) fn read() -> Result<Arguments, lexopt::Error> {
    let mut arguments = Arguments { records: 100_000, job_only: false };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("records") => arguments.records = parser.value()?.parse()?,
            Arg::Long("job") => arguments.job_only = true,
            // Of cargo.
            Arg::Long("bench") => {}
            argument => return Err(argument.unexpected()),
        }
    }
    Ok(arguments)
}
