//! Exporting the governance log: allowed before each page.

use std::io::Write;

use super::PrivacyFilter;
use crate::export::{ExportError, RecordFormat};
use crate::governance::RecordQuery;
use crate::identity::UserId;

impl PrivacyFilter {
    /// Writes every governance record that matches, in sequence, one a line, and says how many. However many there are, only a
    /// page of them is held in memory.
    ///
    /// For whoever may [read](Self::governance_records) them, which is asked again before each page, and as they read them; a
    /// refusal is recorded. What a record forgets later is not forgotten in what was exported before.
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
    /// [`ExportError`]; what was written until then stays written.
    pub fn export_governance(
        &self,
        reader: &UserId,
        query: &RecordQuery,
        format: RecordFormat,
        out: &mut dyn Write,
    ) -> Result<u64, ExportError> {
        let (mut written, mut log) = (0, self.inner.log(query));
        while !log.is_done() {
            let policy = self.inner.policy()?;
            self.inner.check_reader(&policy, reader).map_err(ExportError::Denied)?;
            let may_view_private = policy.may_view_private(reader).is_ok();
            for entry in log.page()? {
                format.write(&entry.told(may_view_private), out)?;
                written += 1;
            }
        }
        out.flush()?;
        Ok(written)
    }
}
