//! Inclusion and consistency proofs.

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

/// A proof that one record is in the log, with the signed checkpoint.
///
/// [`parse`](Self::parse) and [`to_bytes`](Self::to_bytes) use the format [C2SP
/// tlog-proof](https://c2sp.org/tlog-proof). Such files are named `*.tlog-proof` by convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The index of the leaf, from 0: the sequence number of the record minus 1.
    pub index: u64,
    /// The sibling hashes on the path from the leaf to the root.
    pub path: Vec<TreeHash>,
    /// The signed checkpoint, byte for byte.
    pub checkpoint: Vec<u8>,
    /// Additional data. It is not signed and proves nothing.
    pub extra: Option<Vec<u8>>,
}

/// The reason why a proof was rejected. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The proof exceeds the size limit.
    #[error("the proof has {len} bytes, but at most {} are allowed", InclusionProof::MAX_BYTES)]
    TooLong {
        /// The length of the proof, in bytes.
        len: usize,
    },
    /// A line is invalid.
    #[error("line {line} of the proof is invalid, expected {expected}")]
    Line {
        /// The line number.
        line: usize,
        /// The expected content.
        expected: &'static str,
    },
    /// The checkpoint was rejected.
    #[error("the checkpoint of the proof was rejected")]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not show that the record is at this index in this log.
    #[error("the proof does not connect the record with the root of the checkpoint")]
    Unproven,
}

impl InclusionProof {
    /// The maximum size of a proof, in bytes.
    pub const MAX_BYTES: usize = Note::MAX_BYTES + (128 << 10);
    /// The maximum number of hashes in a path.
    pub const MAX_HASHES: usize = 64;

    /// Verifies that a log whose checkpoint is signed by one of the `known` keys contains `leaf` at
    /// [`index`](Self::index), and returns that checkpoint.
    ///
    /// # Errors
    /// Returns [`ProofError`] if the proof is rejected.
    pub fn verify(&self, leaf: &[u8], known: &[NoteVerifier]) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, known)?;
        let hash = TreeHash::of_leaf(leaf);
        let is_proven = proves_inclusion(&self.path, self.index, &hash, checkpoint.size, &checkpoint.root);
        if is_proven { Ok(checkpoint) } else { Err(ProofError::Unproven) }
    }

    /// Parses a proof file. Call [`verify`](Self::verify) to verify it.
    ///
    /// # Errors
    /// Returns [`ProofError::TooLong`] or [`ProofError::Line`] if the file is invalid.
    pub fn parse(file: &[u8]) -> Result<Self, ProofError> {
        if file.len() > Self::MAX_BYTES {
            return Err(ProofError::TooLong { len: file.len() });
        }
        let mut lines = ProofLines { rest: file, number: 0 };
        if lines.next() != Some(HEADER) {
            return Err(lines.invalid(EXPECTED_HEADER));
        }
        let mut line = lines.next();
        let mut extra = None;
        if let Some(base64) = line.and_then(|line| line.strip_prefix("extra ")) {
            extra = Some(STANDARD.decode(base64).map_err(|_| lines.invalid("base64 after `extra`"))?);
            line = lines.next();
        }
        let index = line.and_then(|line| decimal(line.strip_prefix("index ")?));
        let index =
            index.ok_or_else(|| lines.invalid("`index`, a space and a decimal number without leading zeros"))?;
        let mut path = Vec::new();
        loop {
            match lines.next() {
                Some("") => break,
                _ if path.len() == Self::MAX_HASHES => return Err(lines.invalid("an empty line")),
                line => {
                    let hash = line.and_then(|line| line.parse().ok());
                    path.push(hash.ok_or_else(|| lines.invalid(EXPECTED_HASH))?);
                }
            }
        }
        Ok(Self { index, path, checkpoint: lines.rest.to_vec(), extra })
    }

    /// Returns the proof file.
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
const EXPECTED_HEADER: &str = "`c2sp.org/tlog-proof@v1`";
const EXPECTED_HASH: &str = "a hash in base64, or an empty line, ended by a line feed";

/// The lines of a file, with the unread rest.
struct ProofLines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> ProofLines<'a> {
    /// Returns the next line, if it ends with a line feed and is UTF-8.
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        str::from_utf8(line).ok()
    }

    fn invalid(&self, expected: &'static str) -> ProofError {
        ProofError::Line { line: self.number, expected }
    }
}

/// A proof that a later state of a log only adds records to an earlier one. `Display` writes one hash per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The hashes that determine both roots.
    pub path: Vec<TreeHash>,
}

impl ConsistencyProof {
    /// Returns whether this proves that both checkpoints belong to one log, to which records were only appended in
    /// between. Both checkpoints must have been [verified](Checkpoint::open).
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
