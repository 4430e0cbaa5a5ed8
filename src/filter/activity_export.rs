//! Exports of activities, with a reveal and without.

use super::reveal::Reveal;
use super::view::View;
use super::{RevealError, ViewError};
use crate::export::{Export, ExportError, Exported};
use crate::governance::{FailureReason, PrivateRows};
use crate::query::{PageSize, Query};
use crate::stored::StoredActivity;

/// The number of activities that an export holds in memory.
const PAGE: PageSize = PageSize::at_most(250);

impl View {
    /// Exports the activities that match, newest first. It holds one page of them in memory, however many there are.
    ///
    /// The output is as if no private activity had ever been stored. Activities that are stored meanwhile are exported
    /// if they are older than those already written.
    ///
    /// # Errors
    /// Returns [`ExportError`] if the export is incomplete. Rows that were written before the error stay written.
    pub fn export(&self, query: &Query, export: Export<'_>) -> Result<Exported, ExportError> {
        export.write(|after| {
            let page = self.page(query, PAGE, after)?;
            Ok::<_, ViewError>((page.activities, page.next))
        })
    }
}

impl Reveal {
    /// Exports the activities of the reveal, newest first. The content of private activities is never exported:
    /// `private_rows` states whether they are omitted, or each becomes a row that contains only the word "private".
    ///
    /// The export is on record before its first byte, and its outcome after the last. If it omits private activities, it
    /// reads public ones only. If it writes redacted rows, it reads [pages](Self::page), and each of them is on record
    /// like any other, because the rows disclose how many private activities there are. The number of these records
    /// discloses the number of pages to readers of the log.
    ///
    /// # Errors
    /// Returns [`ExportError::Denied`] if the permission was revoked or the lifetime is over, which is recorded, and
    /// another [`ExportError`] if the export could not be recorded or is incomplete.
    pub fn export(&mut self, private_rows: PrivateRows, export: Export<'_>) -> Result<Exported, ExportError> {
        let filter = self.filter.clone();
        let inner = &filter.inner;
        let pending = self.permit_export((export.format(), private_rows))?;
        let recorded = inner.record(pending).map_err(ExportError::Unrecorded)?;
        let exported = match recorded.summary().private_rows {
            PrivateRows::Redact => export.write(|after| {
                let page = self.page(PAGE, after)?;
                Ok::<_, RevealError>((page.activities, page.next))
            }),
            PrivateRows::Omit => self.export_public(export),
        };
        let failure = exported.as_ref().err().map(failure);
        let outcome = recorded.outcome(inner.fresh_record(), inner.now(), failure);
        let outcome = inner.record_only(&outcome);
        let exported = exported?;
        outcome.map_err(ExportError::OutcomeUnrecorded)?;
        Ok(exported)
    }

    /// Exports the public activities of the reveal as a view does, without reading a private one.
    fn export_public(&self, export: Export<'_>) -> Result<Exported, ExportError> {
        let request = self.request();
        if request.is_private_only() {
            return export.write(|_| Ok::<(Vec<StoredActivity>, _), ExportError>((Vec::new(), None)));
        }
        self.filter.view(self.viewer()).export(request.query(), export)
    }
}

/// Returns the reason in the record of the outcome.
fn failure(error: &ExportError) -> FailureReason {
    match error {
        ExportError::Denied(denial) => FailureReason::Denied(*denial),
        ExportError::Store(_) | ExportError::WrongPage => FailureReason::Store,
        ExportError::Sink(_)
        | ExportError::Unrecorded(_)
        | ExportError::OutcomeUnrecorded(_)
        | ExportError::ApprovalsUnreadable(_)
        | ExportError::Salt(_) => FailureReason::Sink,
        ExportError::Cursor(_) | ExportError::NoParquet | ExportError::Write(_) => FailureReason::Output,
    }
}
