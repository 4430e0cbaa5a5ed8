//! The coverage of a run.

use std::collections::BTreeMap;
use std::fmt;

/// The number of verified operations of a run.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) kills: u64,
    pub(crate) file_sets: usize,
    pub(crate) verifications: usize,
    pub(crate) activities_answered: usize,
    pub(crate) activities_stored: usize,
    pub(crate) changes: usize,
    pub(crate) pages: usize,
    pub(crate) private_shown: usize,
    /// Batches without an answer: not stored at all, and stored as a whole.
    pub(crate) interrupted: [usize; 2],
    pub(crate) forwarded: usize,
    pub(crate) records: usize,
    /// The operations that were interrupted, by name.
    pub(crate) during: BTreeMap<&'static str, usize>,
}

impl Summary {
    /// Returns whether the kills interrupted enough: some operations; with many kills, every kind of operation.
    pub(crate) fn is_conclusive(&self) -> bool {
        let during = |what| self.during.get(what).copied().unwrap_or_default();
        let some = [self.activities_answered, self.changes, self.pages];
        let [none, whole] = self.interrupted;
        let many =
            [self.private_shown, none, whole, during("ingest"), during("change"), during("reveal"), during("page")];
        let all = |counts: &[usize]| counts.iter().all(|count| *count > 0);
        (self.kills < 40 || all(&some)) && (self.kills < 400 || all(&many))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, file_sets, verifications, activities_answered, activities_stored, changes, pages, .. } = self;
        let [none, whole] = self.interrupted;
        writeln!(f, "{kills} kills on {file_sets} sets of files, {verifications} verifications")?;
        writeln!(f, "{activities_answered} acknowledged deliveries, {activities_stored} stored activities")?;
        writeln!(f, "{} batches without an answer: {whole} stored, {none} not stored", none + whole)?;
        writeln!(f, "{changes} policy changes, {pages} pages with {} private activities", self.private_shown)?;
        writeln!(f, "{} activities forwarded once, {} records without a gap", self.forwarded, self.records)?;
        write!(f, "killed during {:?} (several for concurrent operations)", self.during)
    }
}
