//! The log as a file.

use std::io::Write;

use super::error::LedgerError;
use super::hash::TreeHash;
use super::leaf::Leaf;
use super::line::Line;
use super::peaks::Peaks;
use super::sink::{LedgerSink, State};
use super::tree::Tree;
use crate::governance::{GovernanceSink, RecordQuery};

/// Whether what is sealed in records goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openings {
    /// What was not forgotten goes along: justifications, and whose activities were on a page. A reader can check it.
    Shown,
    /// Nothing of it goes along, and the log is verified all the same.
    Withheld,
}

/// What was found while the log was gone through from its first record to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// How many records there are, or were.
    pub size: u64,
    /// How many of them, the first ones, are not kept any longer. Of these there are the hashes.
    pub removed: u64,
}

/// How many records are read at once.
const PAGE: usize = 256;

impl<S: GovernanceSink> LedgerSink<S> {
    /// Writes the log as JSON Lines, one record a line, and answers with the signed checkpoint over it. Takes as much
    /// memory for a long log as for a short one.
    ///
    /// A line is `{"entry":"...","openings":{...}}`: the leaf as it is hashed, as a string; and for each commitment in
    /// it that is opened `"sha256":{"salt":"...","text":"..."}`, so that `printf '%s\n%s' SALT TEXT | sha256sum` gives
    /// the commitment. Of a record that is not kept any longer there is `{"leaf_hash":"..."}`, in base64.
    ///
    /// # Errors
    /// [`LedgerError`]. What was written until then is no export.
    pub fn export(&self, to: &mut impl Write, openings: Openings) -> Result<String, LedgerError> {
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
    pub fn audit(&self) -> Result<Audit, LedgerError> {
        let state = self.signed()?;
        let removed = self.go_through(&state, |_| Ok(()), Openings::Withheld)?;
        Ok(Audit { size: state.tree.size(), removed })
    }

    /// Hands out line by line what belongs to the leaves of the tree, and says how many are removed. Each is what its
    /// hash says, and the hashes lead to the root.
    fn go_through(
        &self,
        state: &State,
        mut hand_out: impl FnMut(&Line) -> Result<(), LedgerError>,
        openings: Openings,
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
                return Err(LedgerError::Lost { sequence: from + 1 });
            }
            for index in from..kept_from - 1 {
                for hash in tree.leaves(index..index + 1)? {
                    leads_on(tree, &mut peaks, hash)?;
                    hand_out(&Line::Removed(hash))?;
                    removed += 1;
                }
            }
            for entry in entries.iter().take_while(|entry| entry.sequence <= tree.size()) {
                let sequence = peaks.leaves() + 1;
                if entry.sequence != sequence {
                    return Err(LedgerError::Lost { sequence });
                }
                let leaf = Leaf::of(entry)?;
                if tree.leaves(sequence - 1..sequence)? != [leaf.hash()] {
                    return Err(LedgerError::Rewritten { sequence });
                }
                leads_on(tree, &mut peaks, leaf.hash())?;
                hand_out(&Line::of(&leaf, entry, openings == Openings::Shown))?;
            }
        }
        if peaks.root() == tree.root() { Ok(removed) } else { Err(LedgerError::Damaged) }
    }
}

/// Adds a leaf to the edge, and makes sure that the hashes that came with it are those that were stored.
fn leads_on(tree: &Tree, peaks: &mut Peaks, leaf: TreeHash) -> Result<(), LedgerError> {
    let stored = tree.came_with(peaks.leaves())?;
    let mut made = Vec::with_capacity(stored.len());
    peaks.push_with(leaf, |hash| made.push(hash));
    if made == stored { Ok(()) } else { Err(LedgerError::Damaged) }
}
