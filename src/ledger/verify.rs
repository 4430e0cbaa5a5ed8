//! An exported log, held against what was signed.

use std::io::{self, BufRead, Read};

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::key::NoteVerifier;
use super::line::{Fault, Line, MAX_BYTES};
use super::peaks::Peaks;

/// What holds of an exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint that the log leads to.
    pub checkpoint: Checkpoint,
    /// The older one that it leads to as well, if one was given.
    pub older: Option<Checkpoint>,
    /// How many records are there in full, of those that the checkpoint counts.
    pub records: u64,
    /// How many there are the hashes of alone: the first ones, removed since.
    pub removed: u64,
    /// How many values were opened that the records commit to.
    pub openings: u64,
    /// How many more lines there are, which the checkpoint does not count and nobody has signed.
    pub unsigned: u64,
}

/// The first thing that does not hold of an exported log. Lines are counted from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Finding {
    /// The checkpoint is not one that a known key signed.
    #[error("the checkpoint is not believed")]
    Checkpoint(#[source] CheckpointError),
    /// Nor is the older one.
    #[error("the older checkpoint is not believed")]
    OlderCheckpoint(#[source] CheckpointError),
    /// The older checkpoint is of another log.
    #[error("the older checkpoint is of another log")]
    OtherLog,
    /// The older checkpoint counts more records: the log has become shorter, or the two are mixed up.
    #[error("the older checkpoint counts {older} records, expected at most the {size} of the newer one")]
    Shrunk {
        /// How many the older one counts.
        older: u64,
        /// How many the newer one counts.
        size: u64,
    },
    /// The file cannot be read.
    #[error("line {line} cannot be read")]
    Io {
        /// The line.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is not of the form of an export.
    #[error("line {line} is not a line of an exported log, expected {expected}")]
    Unreadable {
        /// The line.
        line: u64,
        /// What it should be.
        expected: &'static str,
    },
    /// The file ends within a line.
    #[error("line {line} is cut off, expected a line feed at its end")]
    CutOff {
        /// The line.
        line: u64,
    },
    /// A record is not in its place: one before it is missing, or they were put in another order.
    #[error("line {line} is not the record with sequence number {line}")]
    OutOfSequence {
        /// The line.
        line: u64,
        /// The sequence number that it has.
        found: Option<u64>,
    },
    /// A record is left out that has one before it. Only the first ones are ever removed.
    #[error("line {line} is a removed record after one that is kept")]
    Removed {
        /// The line.
        line: u64,
    },
    /// What is said to be sealed in a record is not what it commits to.
    #[error("line {line} opens a commitment that does not stand in it, or not with this value")]
    Opening {
        /// The line.
        line: u64,
    },
    /// There are fewer records than were signed.
    #[error("there are {lines} records, expected the {size} that the checkpoint counts")]
    Fewer {
        /// How many there are.
        lines: u64,
        /// How many the checkpoint counts.
        size: u64,
    },
    /// Some record is not what it was when the older checkpoint was signed.
    #[error("the first {size} records are not those of the older checkpoint")]
    OlderRoot {
        /// How many it counts.
        size: u64,
    },
    /// Some record is not what was signed.
    #[error("the first {size} records are not those of the checkpoint")]
    Root {
        /// How many it counts.
        size: u64,
    },
}

/// Verifies an exported log against a checkpoint, and against an older one that was saved before, with nothing but these
/// and the public keys of the log. Takes as much memory for a long log as for a short one.
///
/// What it does is written down in the documentation of this [module](super), so that others can do it with a JSON parser
/// and SHA-256.
///
/// # Errors
/// The first [`Finding`].
pub fn verify_log(
    mut log: impl BufRead,
    checkpoint: &[u8],
    older: Option<&[u8]>,
    known: &[NoteVerifier],
) -> Result<Verified, Finding> {
    let checkpoint = Checkpoint::open(checkpoint, known).map_err(Finding::Checkpoint)?;
    let older = older.map(|older| Checkpoint::open(older, known)).transpose().map_err(Finding::OlderCheckpoint)?;
    if let Some(older) = &older {
        if older.origin != checkpoint.origin {
            return Err(Finding::OtherLog);
        }
        if older.size > checkpoint.size {
            return Err(Finding::Shrunk { older: older.size, size: checkpoint.size });
        }
    }
    let mut verified = Verified { checkpoint, older, records: 0, removed: 0, openings: 0, unsigned: 0 };
    let mut peaks = Peaks::new();
    loop {
        verified.hold_against(&peaks)?;
        let number = peaks.leaves() + 1;
        let Some(line) = next(&mut log, number)? else { break };
        let counts = number <= verified.checkpoint.size;
        let line = Line::parse(&line).map_err(|fault| fault.at(number))?;
        let hash = line.check(number).map_err(|fault| fault.at(number))?;
        match &line {
            Line::Removed(_) if verified.removed + 1 < number || !counts => {
                return Err(Finding::Removed { line: number });
            }
            Line::Removed(_) => verified.removed += 1,
            Line::Record { openings, .. } if counts => {
                verified.records += 1;
                verified.openings += openings.len() as u64;
            }
            Line::Record { .. } => verified.unsigned += 1,
        }
        peaks.push(hash);
    }
    let (lines, size) = (peaks.leaves(), verified.checkpoint.size);
    if lines < size { Err(Finding::Fewer { lines, size }) } else { Ok(verified) }
}

impl Verified {
    /// Compares the root where a checkpoint counts as many records. The older one first: what it does not lead to was
    /// changed after it was signed.
    fn hold_against(&self, peaks: &Peaks) -> Result<(), Finding> {
        let size = peaks.leaves();
        let differs = |checkpoint: &Checkpoint| checkpoint.size == size && checkpoint.root != peaks.root();
        if self.older.as_ref().is_some_and(differs) {
            return Err(Finding::OlderRoot { size });
        }
        if differs(&self.checkpoint) { Err(Finding::Root { size }) } else { Ok(()) }
    }
}

/// The next line without its end, or none at the end of the file.
fn next(log: &mut impl BufRead, line: u64) -> Result<Option<Vec<u8>>, Finding> {
    let mut text = Vec::new();
    let mut bounded = log.take(MAX_BYTES as u64 + 1);
    bounded.read_until(b'\n', &mut text).map_err(|source| Finding::Io { line, source })?;
    match text.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(text)),
        Some(_) if text.len() >= MAX_BYTES => Err(Finding::Unreadable { line, expected: "at most 80 MiB" }),
        Some(_) => Err(Finding::CutOff { line }),
    }
}

impl Fault {
    fn at(self, line: u64) -> Finding {
        match self {
            Self::Unlike(expected) => Finding::Unreadable { line, expected },
            Self::Sequence(found) => Finding::OutOfSequence { line, found },
            Self::Opening => Finding::Opening { line },
        }
    }
}
