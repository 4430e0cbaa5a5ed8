//! Verification of an exported log.

use std::io::{self, BufRead, Read};

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::damage::{self, Damage};
use super::key::NoteVerifier;
use super::line::{LineError, LogLine, MAX_BYTES};
use super::peaks::Peaks;

/// The result of verifying an exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLog {
    /// The checkpoint that the log matches.
    pub checkpoint: Checkpoint,
    /// The older checkpoint that the log also matches, if one was given.
    pub older: Option<Checkpoint>,
    /// The number of records that the checkpoint covers and the export contains.
    pub records: u64,
    /// The number of removed records. They are the first ones, and only their hashes remain.
    pub removed: u64,
    /// The number of disclosed values that match their commitments.
    pub openings: u64,
    /// The number of records after the checkpoint, which no signature covers.
    pub unsigned: u64,
}

/// The first error in an exported log. Lines are counted from 1, as in the file.
///
/// A file counts as [damaged](Self::is_damage) in transfer only if everything verifies after the damage is undone. A
/// log that is truncated within a line, or a file in another encoding, [cannot be verified](Self::is_unverifiable): it
/// may also be forged. Everything verifiable is verified first, and a forgery takes precedence. Every other error
/// counts as a forgery. For example, anyone can truncate a log after a whole line, or write a checkpoint without a
/// signature.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The checkpoint is not signed by a known key, or is invalid.
    #[error("the checkpoint was rejected")]
    Checkpoint(#[source] CheckpointError),
    /// The older checkpoint is not signed by a known key, or is invalid.
    #[error("the older checkpoint was rejected")]
    OlderCheckpoint(#[source] CheckpointError),
    /// The older checkpoint belongs to another log.
    #[error("the older checkpoint belongs to another log")]
    OtherLog,
    /// The older checkpoint covers more records: the log was truncated, or the checkpoints were swapped.
    #[error("the older checkpoint covers {older} records, more than the {size} of the newer one")]
    Shrunk {
        /// The number of records in the older checkpoint.
        older: u64,
        /// The number of records in the newer checkpoint.
        size: u64,
    },
    /// The file cannot be read.
    #[error("could not read line {line}")]
    Io {
        /// The line number.
        line: u64,
        /// The I/O error.
        #[source]
        source: io::Error,
    },
    /// A line does not have the format of an export.
    #[error("line {line} is not a line of an exported log, expected {expected}")]
    Unreadable {
        /// The line number.
        line: u64,
        /// The expected format.
        expected: &'static str,
    },
    /// The file was damaged in transfer, first in this line. The signed content verifies after the damage is undone.
    #[error("line {line} was damaged in transfer: {damage}; transfer the file again, byte for byte")]
    Damaged {
        /// The line number.
        line: u64,
        /// The damage.
        damage: Damage,
    },
    /// The file is truncated within this line, before the last signed record, so the log cannot be verified.
    #[error(
        "the log is cut off within line {line}, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    CutOff {
        /// The line number.
        line: u64,
    },
    /// The file is in another encoding, or is not text, so the log cannot be verified.
    #[error("line {line} is not UTF-8 text, so nothing of the log is proven; transfer the file again, byte for byte")]
    OtherEncoding {
        /// The line number.
        line: u64,
    },
    /// A record has the wrong sequence number: a record before it is missing, or records were reordered.
    #[error("line {line} is not the record with sequence number {expected}")]
    OutOfSequence {
        /// The line number.
        line: u64,
        /// The expected sequence number.
        expected: u64,
        /// The sequence number in the line.
        found: Option<u64>,
    },
    /// A removed record follows one that was kept. Retention removes the first records only.
    #[error("line {line} is a removed record after a kept one")]
    Removed {
        /// The line number.
        line: u64,
    },
    /// A disclosed value does not match a commitment in its record.
    #[error("line {line} discloses a value that matches no commitment of the record")]
    Opening {
        /// The line number.
        line: u64,
    },
    /// The log has fewer records than the checkpoint covers.
    #[error("the log has {lines} records, fewer than the {size} of the checkpoint")]
    Fewer {
        /// The number of records in the log.
        lines: u64,
        /// The number of records that the checkpoint covers.
        size: u64,
    },
    /// A record has changed since the older checkpoint was signed.
    #[error("the first {size} records differ from those of the older checkpoint")]
    OlderRoot {
        /// The number of records that the older checkpoint covers.
        size: u64,
    },
    /// A record differs from the signed one.
    #[error("the first {size} records differ from those of the checkpoint")]
    Root {
        /// The number of records that the checkpoint covers.
        size: u64,
    },
}

/// Verifies an exported log against a checkpoint, and against an older one that was saved before. It needs nothing else
/// but the public keys of the log. Memory use is constant.
///
/// The documentation of this [module](super) describes each step, so that it can be repeated with a JSON parser and
/// SHA-256.
///
/// # Errors
/// Returns the first [`VerifyError`].
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
        // An unverifiable checkpoint proves nothing, so a forged one takes precedence.
        (Err(newer), Err(older)) if newer.is_unverifiable() => return Err(older),
        (Err(newer), _) => return Err(newer),
        (Ok(newer), older) => (newer, older),
    };
    // Returned unless a forgery is found: transfer damage, or an older checkpoint that cannot be verified.
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
    /// Returns whether a file (the log, the checkpoint or the older one) was damaged in transfer, and all signed
    /// content verifies after the damage is undone. Transfer the file again.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Checkpoint(error) | Self::OlderCheckpoint(error) => error.is_damage(),
            _ => false,
        }
    }

    /// Returns whether a file cannot be verified, because it is truncated or in another encoding. It may be forged or
    /// damaged; transfer it again. Treat any error that is neither this nor [damage](Self::is_damage) nor
    /// [`Io`](Self::Io) as a forgery.
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
    /// Reads and verifies the log. Returns the first damage if all signed content verifies after it is undone.
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
                // Text after the signed records does not affect them.
                Err(VerifyError::OtherEncoding { line }) if !counts => {
                    lines.damage = lines.damage.or(Some((line, Damage::NotText)));
                    break;
                }
                Err(error) => return Err(error),
            }
            let at = lines.number;
            let line = match LogLine::parse(&lines.line) {
                Ok(line) => line,
                Err(_) if lines.is_cut_off && LogLine::is_incomplete(&lines.line) => {
                    if counts {
                        return Err(VerifyError::CutOff { line: at });
                    }
                    break;
                }
                Err(fault) => return Err(fault.at(at, number)),
            };
            let hash = line.verified_hash(number).map_err(|fault| fault.at(at, number))?;
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

    /// Compares the root with each checkpoint of this size. The older one is compared first: a mismatch means that a
    /// record changed after it was signed.
    fn compare_roots(&self, peaks: &Peaks) -> Result<(), VerifyError> {
        let size = peaks.leaves();
        let differs = |checkpoint: &Checkpoint| checkpoint.size == size && checkpoint.root != peaks.root();
        if self.older.as_ref().is_some_and(differs) {
            return Err(VerifyError::OlderRoot { size });
        }
        if differs(&self.checkpoint) { Err(VerifyError::Root { size }) } else { Ok(()) }
    }
}

/// The lines of a log, with transfer damage undone.
#[derive(Default)]
struct LogLines {
    /// The number of the line in the file.
    number: u64,
    line: Vec<u8>,
    /// The first damage that was undone, with its line.
    damage: Option<(u64, Damage)>,
    /// Whether the file ends within the line.
    is_cut_off: bool,
}

impl LogLines {
    /// Reads the next line that is neither blank nor repeated. Returns false at the end of the file.
    fn next(&mut self, log: &mut impl BufRead) -> Result<bool, VerifyError> {
        loop {
            self.number += 1;
            let Some(raw) = self.read(log)? else { return Ok(false) };
            let (line, mut damage) = damage::undone(&raw, self.line.is_empty());
            // A file that ends within a blank line truncates no record.
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
            Self::Unreadable { expected } => VerifyError::Unreadable { line, expected },
            Self::Sequence { found } => VerifyError::OutOfSequence { line, expected: sequence, found },
            Self::Opening => VerifyError::Opening { line },
        }
    }
}
