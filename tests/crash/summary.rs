//! How much a run has put to the test.

use std::collections::BTreeMap;
use std::fmt;

/// How much was put to the test.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) kills: u64,
    pub(crate) lives: usize,
    pub(crate) looks: usize,
    pub(crate) activities_told: usize,
    pub(crate) activities_lying: usize,
    pub(crate) changes: usize,
    pub(crate) pages: usize,
    pub(crate) private_shown: usize,
    /// Batches without an answer: not stored at all, and stored whole.
    pub(crate) interrupted: [usize; 2],
    pub(crate) forwarded: usize,
    pub(crate) records: usize,
    /// What was under way when the kills came.
    pub(crate) amid: BTreeMap<&'static str, usize>,
}

impl Summary {
    /// Whether there was something to lose when the kills came; of many kills, whether they came amid everything.
    pub(crate) fn has_bitten(&self) -> bool {
        let amid = |what| self.amid.get(what).copied().unwrap_or_default();
        let some = [self.activities_told, self.changes, self.pages];
        let [none, whole] = self.interrupted;
        let many = [self.private_shown, none, whole, amid("ingest"), amid("change"), amid("reveal"), amid("page")];
        let all = |counts: &[usize]| counts.iter().all(|count| *count > 0);
        (self.kills < 40 || all(&some)) && (self.kills < 400 || all(&many))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, lives, looks, activities_told, activities_lying, changes, pages, .. } = self;
        let [none, whole] = self.interrupted;
        writeln!(f, "{kills} kills in {lives} lives of files, which were looked into {looks} times")?;
        writeln!(f, "{activities_told} answers for activities held, {activities_lying} activities stored")?;
        writeln!(f, "{} batches without an answer: {whole} stored whole, {none} not at all", none + whole)?;
        writeln!(f, "{changes} changes held, {pages} pages with {} private activities on record", self.private_shown)?;
        writeln!(f, "{} activities forwarded once, {} records without a gap", self.forwarded, self.records)?;
        write!(f, "killed amid {:?} (several at once where several threads were at it)", self.amid)
    }
}
