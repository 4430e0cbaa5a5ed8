//! Signed checkpoints of a log.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::hash::TreeHash;
use super::key::{KeyName, NoteSigner, NoteVerifier};
use super::note::{Note, NoteError};

/// The number of records in a log, and the root of the tree over them: [C2SP
/// tlog-checkpoint](https://c2sp.org/tlog-checkpoint).
///
/// The holder of a signed checkpoint can detect later whether any of these records was changed, removed or reordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, which is the name of the key that signs for it.
    pub origin: KeyName,
    /// The number of records.
    pub size: u64,
    /// The root of the tree over the records.
    pub root: TreeHash,
    /// Extension lines. This library adds none, and preserves the lines that it reads.
    pub extensions: Vec<String>,
}

/// The reason why a checkpoint was rejected. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The signed note was rejected.
    #[error("the checkpoint has no valid signature")]
    Note(#[from] NoteError),
    /// A line is invalid.
    #[error("line {line} of the checkpoint is invalid, expected {expected}")]
    Line {
        /// The line number.
        line: usize,
        /// The expected content.
        expected: &'static str,
    },
    /// The key that signed the checkpoint is not the key of its log.
    #[error("the checkpoint belongs to another log than its signatures")]
    OtherLog,
}

impl CheckpointError {
    /// Returns whether a known key had signed the checkpoint before it was damaged in transfer. Transfer it again.
    #[must_use]
    pub fn is_damage(self) -> bool {
        matches!(self, Self::Note(error) if error.is_damage())
    }

    /// Returns whether the checkpoint cannot be verified, as in [`NoteError::is_unverifiable`]. Treat any error that is
    /// neither this nor [damage](Self::is_damage) as a forgery.
    #[must_use]
    pub fn is_unverifiable(self) -> bool {
        matches!(self, Self::Note(error) if error.is_unverifiable())
    }
}

impl Checkpoint {
    /// The most records that a log may have.
    pub const MAX_SIZE: u64 = 1 << 62;

    /// Signs the checkpoint.
    ///
    /// # Errors
    /// Returns [`CheckpointError::OtherLog`] if the key has another name, and other errors if an extension line is
    /// invalid.
    pub fn sign(&self, signer: &NoteSigner) -> Result<String, CheckpointError> {
        if self.origin != *signer.verifier().name() {
            return Err(CheckpointError::OtherLog);
        }
        let text = self.to_string();
        // A checkpoint that would not parse back to the same value is not signed.
        if text.parse::<Self>()? != *self {
            return Err(CheckpointError::Line { line: 4, expected: "extension lines that are not empty" });
        }
        Ok(signer.sign(&text)?)
    }

    /// Reads a signed checkpoint, and verifies that the key of its log is among `known` and has signed it.
    ///
    /// # Errors
    /// Returns [`CheckpointError`] if the checkpoint is rejected.
    pub fn open(note: &[u8], known: &[NoteVerifier]) -> Result<Self, CheckpointError> {
        match Self::open_undone(note, known)? {
            (checkpoint, None) => Ok(checkpoint),
            (_, Some(damaged)) => Err(damaged),
        }
    }

    /// Opens a checkpoint after undoing transfer damage. Also returns the damage, as an error.
    pub(super) fn open_undone(
        note: &[u8],
        known: &[NoteVerifier],
    ) -> Result<(Self, Option<CheckpointError>), CheckpointError> {
        let (note, damaged) = Note::open_undone(note, known)?;
        let checkpoint: Self = note.text().parse()?;
        let has_signed = note.signers().iter().any(|key| *key.name() == checkpoint.origin);
        if has_signed { Ok((checkpoint, damaged.map(Into::into))) } else { Err(CheckpointError::OtherLog) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root, extensions } = self;
        write!(f, "{origin}\n{size}\n{root}\n")?;
        extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Parses the text of a checkpoint. This does not verify its signature.
impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let invalid = |line, expected| CheckpointError::Line { line, expected };
        let whole = text.strip_suffix('\n');
        let whole = whole.ok_or(invalid(text.matches('\n').count() + 1, "a line feed at the end"))?;
        let mut lines = whole.split('\n');
        let origin = lines.next().and_then(|line| KeyName::new(line).ok());
        let origin = origin.ok_or(invalid(1, "the name of a log"))?;
        let size = lines.next().and_then(decimal).filter(|size| *size <= Self::MAX_SIZE);
        let size = size.ok_or(invalid(2, "the size of a log, in decimal digits"))?;
        let root = lines.next().and_then(|line| line.parse().ok());
        let root = root.ok_or(invalid(3, "a root in base64"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        match extensions.iter().position(String::is_empty) {
            Some(empty) => Err(invalid(empty + 4, "an extension line that is not empty")),
            None => Ok(Self { origin, size, root, extensions }),
        }
    }
}

/// Parses a decimal number in canonical form.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
