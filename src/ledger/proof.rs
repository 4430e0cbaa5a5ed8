//! Proofs that somebody takes along.

use std::fmt;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::hash::TreeHash;
use super::key::NoteVerifier;
use super::note::Note;
use super::path::{proves_consistency, proves_inclusion};

/// The proof that one record is in the log, with the checkpoint that it leads to: a file of the form [C2SP
/// tlog-proof](https://c2sp.org/tlog-proof), by custom called `*.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Which leaf, counted from 0: one less than the sequence number of the record.
    pub index: u64,
    /// The hashes beside the way from the leaf to the root.
    pub path: Vec<TreeHash>,
    /// The signed checkpoint, as it was written.
    pub checkpoint: Vec<u8>,
    /// What somebody has added. Nobody has signed it, and it proves nothing.
    pub extra: Option<Vec<u8>>,
}

/// Why a proof proves nothing. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Nobody needs one that long.
    #[error("the proof is {len} bytes long, expected at most {}", InclusionProof::MAX_BYTES)]
    TooLong {
        /// How long it is, in bytes.
        len: usize,
    },
    /// A line is not what it should be.
    #[error("line {line} of the proof does not fit, expected {expected}")]
    Line {
        /// The line.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The checkpoint is not believed.
    #[error("the checkpoint of the proof is not believed")]
    Checkpoint(#[from] CheckpointError),
    /// The record is not at this place of this log.
    #[error("the proof does not lead from the record to the root of the checkpoint")]
    Unproven,
}

impl InclusionProof {
    /// The longest that a proof may be, in bytes.
    pub const MAX_BYTES: usize = Note::MAX_BYTES + (128 << 10);
    /// The most hashes that the way to a root has beside it.
    pub const MAX_HASHES: usize = 64;

    /// Verifies that this very leaf is at this place of the log whose key is known.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, leaf: &[u8], known: &[NoteVerifier]) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, known)?;
        let hash = TreeHash::of_leaf(leaf);
        let is_proven = proves_inclusion(&self.path, self.index, &hash, checkpoint.size, &checkpoint.root);
        if is_proven { Ok(checkpoint) } else { Err(ProofError::Unproven) }
    }

    /// Reads a file of that form. What it proves is asked by [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`ProofError::TooLong`] and [`ProofError::Line`].
    pub fn parse(file: &[u8]) -> Result<Self, ProofError> {
        if file.len() > Self::MAX_BYTES {
            return Err(ProofError::TooLong { len: file.len() });
        }
        let mut lines = ProofLines { rest: file, number: 0 };
        if lines.next() != Some(HEADER) {
            return Err(lines.unlike("`c2sp.org/tlog-proof@v1`"));
        }
        let mut line = lines.next();
        let mut extra = None;
        if let Some(base64) = line.and_then(|line| line.strip_prefix("extra ")) {
            extra = Some(STANDARD.decode(base64).map_err(|_| lines.unlike("base64 after `extra`"))?);
            line = lines.next();
        }
        let index = line.and_then(|line| decimal(line.strip_prefix("index ")?));
        let index = index.ok_or_else(|| lines.unlike("`index` and a decimal number"))?;
        let mut path = Vec::new();
        loop {
            match lines.next() {
                Some("") => break,
                Some(line) if path.len() < Self::MAX_HASHES => {
                    path.push(line.parse().map_err(|_| lines.unlike("a hash in base64, or an empty line"))?);
                }
                _ => return Err(lines.unlike("an empty line")),
            }
        }
        Ok(Self { index, path, checkpoint: lines.rest.to_vec(), extra })
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { index, path, checkpoint, extra } = self;
        let mut text = format!("{HEADER}\n");
        // Writing to a string cannot fail.
        if let Some(extra) = extra {
            let _ = writeln!(text, "extra {}", STANDARD.encode(extra));
        }
        let _ = writeln!(text, "index {index}");
        for hash in path {
            let _ = writeln!(text, "{hash}");
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(checkpoint);
        bytes
    }
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The lines of a file, as far as they were read.
struct ProofLines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> ProofLines<'a> {
    /// The next line that ends and is text.
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        str::from_utf8(line).ok()
    }

    fn unlike(&self, expected: &'static str) -> ProofError {
        ProofError::Line { line: self.number, expected }
    }
}

/// The proof that a log begins with what it was earlier. As text, one hash a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The hashes from which both roots follow.
    pub path: Vec<TreeHash>,
}

impl ConsistencyProof {
    /// Whether it proves that the later checkpoint is of the log that the earlier one is of, and that nothing was
    /// changed since but added to.
    #[must_use]
    pub fn proves(&self, earlier: &Checkpoint, later: &Checkpoint) -> bool {
        earlier.origin == later.origin
            && proves_consistency(&self.path, earlier.size, &earlier.root, later.size, &later.root)
    }
}

impl fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))
    }
}
