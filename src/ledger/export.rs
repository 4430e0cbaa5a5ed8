//! Exports and audits of the log.

use std::io::Write;

use super::error::LedgerError;
use super::hash::TreeHash;
use super::leaf::Leaf;
use super::line::LogLine;
use super::peaks::Peaks;
use super::sink::{LedgerSink, LedgerState, PAGE};
use super::tree::MerkleTree;
use crate::governance::{GovernanceSink, RecordQuery};

/// Whether an export contains the values that records commit to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// The export contains every value that was not redacted: justifications, query values that could be guessed, the
    /// number of activities on a page and the digest of their ids, the data subjects, and the number and time of
    /// removals. A reader can check them. Give such an export only to readers who may view private activities.
    Include,
    /// The export contains commitments only. The log can still be verified.
    Redact,
}

/// The result of an audit of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSummary {
    /// The number of records, including removed ones.
    pub size: u64,
    /// The number of removed records, which are the first ones. Their hashes remain.
    pub removed: u64,
}

impl<S: GovernanceSink> LedgerSink<S> {
    /// Writes the log as JSON Lines, one record a line, and returns the signed checkpoint over it. Memory use is
    /// constant.
    ///
    /// A line is `{"entry":"...","openings":{...}}`. `entry` is the leaf as it is hashed, as a string. `openings`
    /// contains `"sha256":{"salt":"...","text":"..."}` for each disclosed commitment, so that `printf '%s\n%s' SALT
    /// TEXT | sha256sum` prints the commitment. A removed record is `{"leaf_hash":"..."}`, in base64. Each line ends
    /// with a line feed, and must be transferred byte for byte: see [`Damage`](super::Damage).
    ///
    /// # Errors
    /// Returns [`LedgerError`] if the log cannot be read or written, or has changed. The output is then not a valid
    /// export.
    pub fn export(&self, to: &mut impl Write, disclosure: Disclosure) -> Result<String, LedgerError> {
        let state = self.signed()?;
        self.each_line(
            &state,
            |line| {
                let line = line.to_json().map_err(|error| LedgerError::Export(error.into()))?;
                writeln!(to, "{line}").map_err(LedgerError::Export)
            },
            disclosure,
        )?;
        to.flush().map_err(LedgerError::Export)?;
        Ok(String::from_utf8_lossy(&state.note).into_owned())
    }

    /// Reads every record and every hash, and verifies that they match.
    ///
    /// # Errors
    /// Returns [`LedgerError::Rewritten`] or [`LedgerError::Lost`] with the first record that does not match, and other
    /// [`LedgerError`]s if the log cannot be read.
    pub fn audit(&self) -> Result<AuditSummary, LedgerError> {
        let state = self.signed()?;
        let removed = self.each_line(&state, |_| Ok(()), Disclosure::Redact)?;
        Ok(AuditSummary { size: state.tree.size(), removed })
    }

    /// Passes the line of each leaf of the tree to `write`, and returns the number of removed records. Verifies that
    /// each record matches its hash, and that the hashes match the root.
    fn each_line(
        &self,
        state: &LedgerState,
        mut write: impl FnMut(&LogLine) -> Result<(), LedgerError>,
        disclosure: Disclosure,
    ) -> Result<u64, LedgerError> {
        let (tree, mut peaks, mut removed) = (&state.tree, Peaks::new(), 0);
        while peaks.leaves() < tree.size() {
            let from = peaks.leaves();
            let entries = self.sink().records(&RecordQuery::default(), from, PAGE)?;
            // The log may have grown beyond the tree.
            let first = entries.first().map(|entry| entry.sequence).filter(|first| *first <= tree.size());
            // Retention removes the first records only. A record missing after an existing one is lost.
            let kept_from = match first {
                Some(first) if first > from => first,
                None if !entries.is_empty() => tree.size() + 1,
                _ => return Err(LedgerError::Lost { sequence: from + 1 }),
            };
            if kept_from > from + 1 && from > removed {
                // Unless the records before it have been removed in the meantime.
                let left = self.sink().records(&RecordQuery::default(), 0, 1)?;
                let is_first = left.first().is_none_or(|first| first.sequence >= kept_from);
                return Err(if is_first {
                    LedgerError::RemovedMeanwhile
                } else {
                    LedgerError::Lost { sequence: from + 1 }
                });
            }
            for _ in from..kept_from - 1 {
                write(&LogLine::Removed(grow(tree, &mut peaks, None)?))?;
                removed += 1;
            }
            for entry in entries.iter().take_while(|entry| entry.sequence <= tree.size()) {
                let sequence = peaks.leaves() + 1;
                if entry.sequence != sequence {
                    return Err(LedgerError::Lost { sequence });
                }
                let leaf = Leaf::of(entry)?;
                grow(tree, &mut peaks, Some(leaf.hash()))?;
                write(&LogLine::of(&leaf, entry, disclosure))?;
            }
        }
        if peaks.root() == tree.root() { Ok(removed) } else { Err(LedgerError::Damaged) }
    }
}

/// Adds the next stored leaf to the peaks. The leaf must match `expected`, if given, and the other hashes stored with
/// it must match those computed here.
fn grow(tree: &MerkleTree, peaks: &mut Peaks, expected: Option<TreeHash>) -> Result<TreeHash, LedgerError> {
    let stored = tree.hashes_added_with(peaks.leaves())?;
    let leaf = *stored.first().ok_or(LedgerError::Damaged)?;
    if expected.is_some_and(|expected| expected != leaf) {
        return Err(LedgerError::Rewritten { sequence: peaks.leaves() + 1 });
    }
    let mut computed = Vec::with_capacity(stored.len());
    peaks.push_with(leaf, |hash| computed.push(hash));
    if computed == stored { Ok(leaf) } else { Err(LedgerError::Damaged) }
}
