//! An exported log, held against what was signed.

use std::io::{self, BufRead, Read};

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::damage::{self, Damage};
use super::key::NoteVerifier;
use super::line::{LineError, LogLine, MAX_BYTES};
use super::peaks::Peaks;

/// What holds of an exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLog {
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

/// The first thing that does not hold of an exported log. Lines are counted from 1, as they stand in the file.
///
/// A file is called [damaged](Self::is_damage) in transfer only if everything holds once the damage is undone. A log that is
/// cut off within a line, or a file in another encoding, [cannot be verified](Self::is_unverifiable): it may be forged as well.
/// What can be checked is checked before that is said, and a forgery that is found there is the finding. Everything else
/// counts as forged: a log that ends after a whole line, for example, may have been cut there by anybody, and a checkpoint
/// without a signature may have been written by anybody.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
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
    /// The file was damaged in transfer, in this line first. What was signed holds once the damage is undone.
    #[error("line {line} was damaged in transfer: {damage}; transfer the file again, byte for byte")]
    Damaged {
        /// The line.
        line: u64,
        /// How.
        damage: Damage,
    },
    /// The file ends within this line, before the last record that was signed. So the log cannot be verified.
    #[error(
        "the log is cut off within line {line}, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    CutOff {
        /// The line.
        line: u64,
    },
    /// The file is in another encoding, or it is no text. So the log cannot be verified.
    #[error("line {line} is not UTF-8 text, so nothing of the log is proven; transfer the file again, byte for byte")]
    OtherEncoding {
        /// The line.
        line: u64,
    },
    /// A record is not in its place: one before it is missing, or they were put in another order.
    #[error("line {line} is not the record with sequence number {expected}")]
    OutOfSequence {
        /// The line.
        line: u64,
        /// The sequence number that belongs there.
        expected: u64,
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
/// The first [`VerifyError`].
pub fn verify_log(
    mut log: impl BufRead,
    checkpoint: &[u8],
    older: Option<&[u8]>,
    known: &[NoteVerifier],
) -> Result<VerifiedLog, VerifyError> {
    let newer = Checkpoint::open_undone(checkpoint, known).map_err(VerifyError::Checkpoint);
    let older =
        older.map(|older| Checkpoint::open_undone(older, known)).transpose().map_err(VerifyError::OlderCheckpoint);
    let ((checkpoint, newer_damaged), older) = match (newer, older) {
        // Of what cannot be verified nothing is known, so the forgery is the finding.
        (Err(newer), Err(older)) if newer.is_unverifiable() => return Err(older),
        (Err(newer), _) => return Err(newer),
        (Ok(newer), older) => (newer, older),
    };
    // Returned unless a forgery is found: damage, or that the older one cannot be verified.
    let (older, older_unproven) = match older {
        Ok(Some((older, damaged))) => (Some(older), damaged.map(VerifyError::OlderCheckpoint)),
        Ok(None) => (None, None),
        Err(unverifiable) if unverifiable.is_unverifiable() => (None, Some(unverifiable)),
        Err(forged) => return Err(forged),
    };
    if let Some(older) = &older {
        if older.origin != checkpoint.origin {
            return Err(VerifyError::OtherLog);
        }
        if older.size > checkpoint.size {
            return Err(VerifyError::Shrunk { older: older.size, size: checkpoint.size });
        }
    }
    let mut verified = VerifiedLog { checkpoint, older, records: 0, removed: 0, openings: 0, unsigned: 0 };
    let damaged = verified.read(&mut log)?;
    let damaged = older_unproven.or(newer_damaged.map(VerifyError::Checkpoint)).or(damaged);
    damaged.map_or(Ok(verified), Err)
}

impl VerifyError {
    /// Returns whether a file was damaged in transfer (the log, the checkpoint or the older one), and everything that was signed
    /// holds once the damage is undone. The file is to be transferred again.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Checkpoint(error) | Self::OlderCheckpoint(error) => error.is_damage(),
            _ => false,
        }
    }

    /// Returns whether a file cannot be verified, because it is cut off or in another encoding. Nothing is proven then: the file
    /// may be forged as well as damaged, and is to be transferred again. A finding that is neither this nor
    /// [damage](Self::is_damage) nor [`Io`](Self::Io) is to be taken for a forgery.
    #[must_use]
    pub fn is_unverifiable(&self) -> bool {
        match self {
            Self::CutOff { .. } | Self::OtherEncoding { .. } => true,
            Self::Checkpoint(error) | Self::OlderCheckpoint(error) => error.is_unverifiable(),
            _ => false,
        }
    }
}

impl VerifiedLog {
    /// Reads the log and verifies it. Returns the first damage if everything that was signed holds once it is undone.
    fn read(&mut self, log: &mut impl BufRead) -> Result<Option<VerifyError>, VerifyError> {
        let size = self.checkpoint.size;
        let mut peaks = Peaks::new();
        let mut lines = LogLines::default();
        loop {
            self.compare_roots(&peaks)?;
            let number = peaks.leaves() + 1;
            let counts = number <= size;
            match lines.next(log) {
                Ok(true) => {}
                Ok(false) => break,
                // What follows the signed records changes nothing about them.
                Err(VerifyError::OtherEncoding { line }) if !counts => {
                    lines.damage = lines.damage.or(Some((line, Damage::NotText)));
                    break;
                }
                Err(finding) => return Err(finding),
            }
            let at = lines.number;
            let line = match LogLine::parse(&lines.line) {
                Ok(line) => line,
                Err(_) if lines.is_cut_off && LogLine::is_begun(&lines.line) => {
                    if counts {
                        return Err(VerifyError::CutOff { line: at });
                    }
                    break;
                }
                Err(fault) => return Err(fault.at(at, number)),
            };
            let hash = line.check(number).map_err(|fault| fault.at(at, number))?;
            match &line {
                LogLine::Removed(_) if self.removed + 1 < number || !counts => {
                    return Err(VerifyError::Removed { line: at });
                }
                LogLine::Removed(_) => self.removed += 1,
                LogLine::Record { openings, .. } if counts => {
                    self.records += 1;
                    self.openings += openings.len() as u64;
                }
                LogLine::Record { .. } => self.unsigned += 1,
            }
            peaks.push(hash);
        }
        if peaks.leaves() < size {
            let cut_off = VerifyError::CutOff { line: lines.number - 1 };
            return Err(if lines.is_cut_off { cut_off } else { VerifyError::Fewer { lines: peaks.leaves(), size } });
        }
        Ok(lines.damage.map(|(line, damage)| VerifyError::Damaged { line, damage }))
    }

    /// Compares the root where a checkpoint counts as many records. The older one first: what it does not lead to was
    /// changed after it was signed.
    fn compare_roots(&self, peaks: &Peaks) -> Result<(), VerifyError> {
        let size = peaks.leaves();
        let differs = |checkpoint: &Checkpoint| checkpoint.size == size && checkpoint.root != peaks.root();
        if self.older.as_ref().is_some_and(differs) {
            return Err(VerifyError::OlderRoot { size });
        }
        if differs(&self.checkpoint) { Err(VerifyError::Root { size }) } else { Ok(()) }
    }
}

/// The lines of a log, as they were before any damage that can be undone.
#[derive(Default)]
struct LogLines {
    /// Of the line, as it stands in the file.
    number: u64,
    line: Vec<u8>,
    /// The first damage that was undone, and in which line.
    damage: Option<(u64, Damage)>,
    /// Whether the file ends within the line.
    is_cut_off: bool,
}

impl LogLines {
    /// Goes on to the next line that is neither blank nor a repetition. False at the end of the file.
    fn next(&mut self, log: &mut impl BufRead) -> Result<bool, VerifyError> {
        loop {
            self.number += 1;
            let Some(raw) = self.read(log)? else { return Ok(false) };
            let (line, mut damage) = damage::undone(&raw, self.line.is_empty());
            // The file may end within a blank line, but no record is cut off by that.
            self.is_cut_off &= !line.is_empty();
            let is_repeated = !line.is_empty() && line == self.line;
            if is_repeated {
                damage = damage.or(Some(Damage::Repeated));
            } else if self.is_cut_off {
                damage = damage.or(Some(Damage::CutOff));
            }
            self.damage = self.damage.or(damage.map(|damage| (self.number, damage)));
            if !line.is_empty() && !is_repeated {
                self.line = if line.len() == raw.len() { raw } else { line.to_vec() };
                return Ok(true);
            }
        }
    }

    fn read(&mut self, log: &mut impl BufRead) -> Result<Option<Vec<u8>>, VerifyError> {
        let line = self.number;
        let mut text = Vec::new();
        let mut bounded = log.take(MAX_BYTES as u64 + 1);
        bounded.read_until(b'\n', &mut text).map_err(|source| VerifyError::Io { line, source })?;
        if text.is_empty() {
            return Ok(None);
        }
        self.is_cut_off = text.pop_if(|last| *last == b'\n').is_none();
        if text.len() > MAX_BYTES {
            return Err(VerifyError::Unreadable { line, expected: "at most 80 MiB" });
        }
        if damage::is_other_encoding(&text, self.is_cut_off) {
            return Err(VerifyError::OtherEncoding { line });
        }
        Ok(Some(text))
    }
}

impl LineError {
    fn at(self, line: u64, sequence: u64) -> VerifyError {
        match self {
            Self::Unreadable(expected) => VerifyError::Unreadable { line, expected },
            Self::Sequence(found) => VerifyError::OutOfSequence { line, expected: sequence, found },
            Self::Opening => VerifyError::Opening { line },
        }
    }
}
