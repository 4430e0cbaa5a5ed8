//! What a log has signed about itself.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::hash::TreeHash;
use super::key::{KeyName, NoteSigner, NoteVerifier};
use super::note::{Note, NoteError};

/// How many records a log has, and the root of the tree over them: [C2SP
/// tlog-checkpoint](https://c2sp.org/tlog-checkpoint). Whoever keeps one that is signed can tell later whether any of
/// these records was changed, removed or put elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of the key that signs for it.
    pub origin: KeyName,
    /// How many records it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
    /// Lines that others have added. This library adds none, and keeps what it reads.
    pub extensions: Vec<String>,
}

/// Why a checkpoint is not believed. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note around it is not believed.
    #[error("the checkpoint is not signed as it should be")]
    Note(#[from] NoteError),
    /// A line is not what it should be.
    #[error("line {line} of the checkpoint does not fit, expected {expected}")]
    Line {
        /// The line.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// It was signed by a key that is known for another log.
    #[error("the checkpoint is of another log than those that signed it")]
    OtherLog,
}

impl CheckpointError {
    /// Returns whether a known key had signed the checkpoint before it was damaged in transfer. It is to be transferred again.
    #[must_use]
    pub fn is_damage(self) -> bool {
        matches!(self, Self::Note(error) if error.is_damage())
    }

    /// Returns whether the checkpoint cannot be verified, as in [`NoteError::is_unverifiable`]. An error that is neither this
    /// nor [damage](Self::is_damage) is to be taken for a forgery.
    #[must_use]
    pub fn is_unverifiable(self) -> bool {
        matches!(self, Self::Note(error) if error.is_unverifiable())
    }
}

impl Checkpoint {
    /// The most records that a log may have.
    pub const MAX_SIZE: u64 = 1 << 62;

    /// Signs it.
    ///
    /// # Errors
    /// [`CheckpointError::OtherLog`] when the key is of another name, others when it has extension lines that do not
    /// fit.
    pub fn sign(&self, signer: &NoteSigner) -> Result<String, CheckpointError> {
        if self.origin != *signer.verifier().name() {
            return Err(CheckpointError::OtherLog);
        }
        let text = self.to_string();
        // Whatever could be read back as something else is not signed.
        if text.parse::<Self>()? != *self {
            return Err(CheckpointError::Line { line: 4, expected: "lines that are not empty" });
        }
        Ok(signer.sign(&text)?)
    }

    /// Reads a signed checkpoint, and verifies that the key of its own log is among the known ones and has signed it.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(note: &[u8], known: &[NoteVerifier]) -> Result<Self, CheckpointError> {
        match Self::open_undone(note, known)? {
            (checkpoint, None) => Ok(checkpoint),
            (_, Some(damaged)) => Err(damaged),
        }
    }

    /// Opens a checkpoint as it was before any damage that can be undone. Returns that damage as well, as the error that it is.
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

/// The text within the note. Says nothing of who signed it.
impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let unlike = |line, expected| CheckpointError::Line { line, expected };
        let whole = text.strip_suffix('\n');
        let whole = whole.ok_or(unlike(text.matches('\n').count() + 1, "a line feed at its end"))?;
        let mut lines = whole.split('\n');
        let origin = lines.next().and_then(|line| KeyName::new(line).ok());
        let origin = origin.ok_or(unlike(1, "the name of a log"))?;
        let size = lines.next().and_then(decimal).filter(|size| *size <= Self::MAX_SIZE);
        let size = size.ok_or(unlike(2, "the size of a log, in decimal digits"))?;
        let root = lines.next().and_then(|line| line.parse().ok());
        let root = root.ok_or(unlike(3, "a root in base64"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        match extensions.iter().position(String::is_empty) {
            Some(empty) => Err(unlike(empty + 4, "a line that is not empty")),
            None => Ok(Self { origin, size, root, extensions }),
        }
    }
}

/// A number as it is written in one way only.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
