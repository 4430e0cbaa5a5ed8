//! Exports of the governance log.

use std::io::Write;

use super::PrivacyFilter;
use crate::export::{ExportError, RecordFormat};
use crate::governance::RecordQuery;
use crate::identity::UserId;

impl PrivacyFilter {
    /// Writes every governance record that matches, in sequence and one a line, and returns their number. Only one page
    /// of them is held in memory.
    ///
    /// The reader needs the permission to [read](Self::governance_records) the records, which is checked before each
    /// page, and the export contains what that method returns. A rejection is recorded. A later redaction of a record
    /// does not change an earlier export.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::export::RecordFormat;
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::governance::{RecordEntry, RecordQuery};
    /// use activity_privacy::identity::UserId;
    /// use activity_privacy::policy::Administrators;
    ///
    /// let root = UserId::new("admin-1")?;
    /// let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new())
    ///     .initialize(Administrators::new(root.clone(), UserId::new("admin-2")?)?)?;
    /// let mut file = Vec::new();
    /// assert_eq!(filter.export_governance(&root, &RecordQuery::default(), RecordFormat::JsonLines, &mut file)?, 2);
    ///
    /// let first: RecordEntry = serde_json::from_slice(file.split(|byte| *byte == b'\n').next().unwrap_or_default())?;
    /// assert_eq!(first.sequence, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`ExportError`] if the export is incomplete. Records that were written before the error stay written.
    pub fn export_governance(
        &self,
        reader: &UserId,
        query: &RecordQuery,
        format: RecordFormat,
        out: &mut dyn Write,
    ) -> Result<u64, ExportError> {
        let (mut written, mut log) = (0, self.inner.read_log(query));
        while !log.is_done() {
            let policy = self.inner.policy()?;
            self.inner.check_reader(&policy, reader).map_err(ExportError::Denied)?;
            let may_view_private = policy.may_view_private(reader).is_ok();
            for entry in log.page()? {
                format.write(&entry.visible_to_reader(may_view_private), out)?;
                written += 1;
            }
        }
        out.flush()?;
        Ok(written)
    }
}
