//! The totals of histories.

use std::fmt;
use std::ops::AddAssign;

#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) histories: u64,
    /// Activities that were delivered, and those of them that were stored. The others were not monitored.
    pub(crate) ingested: u64,
    pub(crate) public: u64,
    pub(crate) private: u64,
    /// Messages that forwarders delivered, and those of them that repeated another one.
    pub(crate) messages: u64,
    pub(crate) repeated: u64,
    pub(crate) exported_rows: u64,
    pub(crate) redacted_exports: u64,
    pub(crate) records: u64,
    /// Bytes that were searched.
    pub(crate) bytes: u64,
    pub(crate) policy_changes: u64,
    pub(crate) restarts: u64,
    pub(crate) created_again: u64,
    pub(crate) driven: u64,
    pub(crate) retries: u64,
}

impl Totals {
    /// Returns whether the histories reached what they are for.
    pub(crate) fn is_conclusive(&self) -> bool {
        [self.public, self.private, self.repeated, self.policy_changes, self.restarts, self.created_again, self.retries]
            .iter()
            .all(|count| *count > 0)
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.ingested += other.ingested;
        self.public += other.public;
        self.private += other.private;
        self.messages += other.messages;
        self.repeated += other.repeated;
        self.exported_rows += other.exported_rows;
        self.redacted_exports += other.redacted_exports;
        self.records += other.records;
        self.bytes += other.bytes;
        self.policy_changes += other.policy_changes;
        self.restarts += other.restarts;
        self.created_again += other.created_again;
        self.driven += other.driven;
        self.retries += other.retries;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} histories with {} policy changes and {} restarts",
            self.histories, self.policy_changes, self.restarts
        )?;
        writeln!(f, "{} activities ingested: {} public, {} private", self.ingested, self.public, self.private)?;
        writeln!(
            f,
            "{} messages forwarded, {} of them again; {} drivers with {} retries, {} forwarders created again",
            self.messages, self.repeated, self.driven, self.retries, self.created_again
        )?;
        writeln!(f, "{} rows exported, {} redacted exports", self.exported_rows, self.redacted_exports)?;
        write!(f, "{} governance records followed; {} bytes searched", self.records, self.bytes)
    }
}
