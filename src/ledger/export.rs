//! The log as a file.

use std::io::Write;

use super::error::LedgerError;
use super::hash::TreeHash;
use super::leaf::Leaf;
use super::line::LogLine;
use super::peaks::Peaks;
use super::sink::{LedgerSink, LedgerState, PAGE};
use super::tree::MerkleTree;
use crate::governance::{GovernanceSink, RecordQuery};

/// Whether what is sealed in records goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// What was not forgotten goes along: justifications, by what queries can be guessed, how many activities were on a page
    /// and the digest of their ids, whose they were, how many were removed, and when that ended. A reader can check it. For
    /// those alone who may view private activities.
    Include,
    /// Nothing of it goes along, and the log is verified all the same.
    Redact,
}

/// What was found while the log was gone through from its first record to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSummary {
    /// How many records there are, or were.
    pub size: u64,
    /// How many of them, the first ones, are not kept any longer. Of these there are the hashes.
    pub removed: u64,
}

impl<S: GovernanceSink> LedgerSink<S> {
    /// Writes the log as JSON Lines, one record a line, and answers with the signed checkpoint over it. Takes as much
    /// memory for a long log as for a short one.
    ///
    /// A line is `{"entry":"...","openings":{...}}`: the leaf as it is hashed, as a string; and for each commitment in
    /// it that is opened `"sha256":{"salt":"...","text":"..."}`, so that `printf '%s\n%s' SALT TEXT | sha256sum` gives
    /// the commitment. Of a record that is not kept any longer there is `{"leaf_hash":"..."}`, in base64. Each line ends with
    /// a line feed, and is to be transferred byte for byte: see [`Damage`](super::Damage).
    ///
    /// # Errors
    /// [`LedgerError`]. What was written until then is no export.
    pub fn export(&self, to: &mut impl Write, openings: Disclosure) -> Result<String, LedgerError> {
        let state = self.signed()?;
        self.go_through(
            &state,
            |line| {
                let line = line.to_json().map_err(|error| LedgerError::Export(error.into()))?;
                writeln!(to, "{line}").map_err(LedgerError::Export)
            },
            openings,
        )?;
        to.flush().map_err(LedgerError::Export)?;
        Ok(String::from_utf8_lossy(&state.note).into_owned())
    }

    /// Reads every record and every hash, and makes sure that they are what they were.
    ///
    /// # Errors
    /// [`LedgerError::Rewritten`] and [`LedgerError::Lost`] with the first record that is not, and any other
    /// [`LedgerError`].
    pub fn audit(&self) -> Result<AuditSummary, LedgerError> {
        let state = self.signed()?;
        let removed = self.go_through(&state, |_| Ok(()), Disclosure::Redact)?;
        Ok(AuditSummary { size: state.tree.size(), removed })
    }

    /// Hands out line by line what belongs to the leaves of the tree, and says how many are removed. Each is what its
    /// hash says, and the hashes lead to the root.
    fn go_through(
        &self,
        state: &LedgerState,
        mut hand_out: impl FnMut(&LogLine) -> Result<(), LedgerError>,
        openings: Disclosure,
    ) -> Result<u64, LedgerError> {
        let (tree, mut peaks, mut removed) = (&state.tree, Peaks::new(), 0);
        while peaks.leaves() < tree.size() {
            let from = peaks.leaves();
            let entries = self.sink().records(&RecordQuery::default(), from, PAGE)?;
            // Those of the tree alone, if the log has grown since.
            let first = entries.first().map(|entry| entry.sequence).filter(|first| *first <= tree.size());
            // Whoever removes records removes the first ones. What is missing after one that is there is lost.
            let kept_from = match first {
                Some(first) if first > from => first,
                None if !entries.is_empty() => tree.size() + 1,
                _ => return Err(LedgerError::Lost { sequence: from + 1 }),
            };
            if kept_from > from + 1 && from > removed {
                // Unless those before it are gone by now as well.
                let left = self.sink().records(&RecordQuery::default(), 0, 1)?;
                let is_first = left.first().is_none_or(|first| first.sequence >= kept_from);
                return Err(if is_first {
                    LedgerError::RemovedMeanwhile
                } else {
                    LedgerError::Lost { sequence: from + 1 }
                });
            }
            for _ in from..kept_from - 1 {
                hand_out(&LogLine::Removed(grow(tree, &mut peaks, None)?))?;
                removed += 1;
            }
            for entry in entries.iter().take_while(|entry| entry.sequence <= tree.size()) {
                let sequence = peaks.leaves() + 1;
                if entry.sequence != sequence {
                    return Err(LedgerError::Lost { sequence });
                }
                let leaf = Leaf::of(entry)?;
                grow(tree, &mut peaks, Some(leaf.hash()))?;
                hand_out(&LogLine::of(&leaf, entry, openings == Disclosure::Include))?;
            }
        }
        if peaks.root() == tree.root() { Ok(removed) } else { Err(LedgerError::Damaged) }
    }
}

/// Adds the next leaf to the edge: the one that is stored, which must be the one that is expected, if any is. The hashes
/// that came with it must be those that come with it now.
fn grow(tree: &MerkleTree, peaks: &mut Peaks, expected: Option<TreeHash>) -> Result<TreeHash, LedgerError> {
    let stored = tree.came_with(peaks.leaves())?;
    let leaf = *stored.first().ok_or(LedgerError::Damaged)?;
    if expected.is_some_and(|expected| expected != leaf) {
        return Err(LedgerError::Rewritten { sequence: peaks.leaves() + 1 });
    }
    let mut made = Vec::with_capacity(stored.len());
    peaks.push_with(leaf, |hash| made.push(hash));
    if made == stored { Ok(leaf) } else { Err(LedgerError::Damaged) }
}
