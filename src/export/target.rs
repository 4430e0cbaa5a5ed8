//! The target of an export of activities.

use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;

use super::{ExportError, Row, RowWriter};
use crate::governance::ExportFormat;
use crate::query::Cursor;
use crate::stored::StoredActivity;

/// The format and the output of an export, its start, and a function that is called with its progress.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// # use activity_privacy::filter::PrivacyFilter;
/// # use activity_privacy::policy::Administrators;
/// use activity_privacy::export::Export;
/// use activity_privacy::governance::ExportFormat;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::query::Query;
///
/// # let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new())
/// #     .initialize(Administrators::new(UserId::new("admin-1")?, UserId::new("admin-2")?)?)?;
/// let mut file = Vec::new();
/// let view = filter.view(&UserId::new("analyst-1")?);
/// let exported = view.export(&Query::all(), Export::new(ExportFormat::Csv, &mut file))?;
/// assert!(exported.is_complete());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Export<'a> {
    format: ExportFormat,
    out: &'a mut dyn Write,
    after: Option<Cursor>,
    progress: Progress<'a>,
}

/// The function that an export calls with its progress.
type Progress<'a> = Box<dyn FnMut(&Exported) -> ControlFlow<()> + 'a>;

/// The progress or the result of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// The number of public activities that were written.
    pub public: u64,
    /// The number of redacted rows that were written for private activities. 0 without a reveal.
    pub private: u64,
    /// The number of bytes that were written.
    pub bytes: u64,
    /// The cursor after the last row that was written, or `None` if the export is complete. The cursor of a Parquet
    /// export is after the last row that was read: some of them are not written before the end.
    pub next: Option<Cursor>,
}

impl Exported {
    /// Returns whether every row was written.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next.is_none()
    }
}

impl<'a> Export<'a> {
    /// Returns an export of everything into `out`. An export writes large pieces, so `out` needs no buffer.
    pub fn new(format: ExportFormat, out: &'a mut dyn Write) -> Self {
        Self { format, out, after: None, progress: Box::new(|_| ControlFlow::Continue(())) }
    }

    /// Continues an export of the same view and query, or in the same reveal, after the cursor of an [`Exported`].
    ///
    /// JSON Lines and CSV continue in the same file: the caller cuts it to [`Exported::bytes`] first, because the
    /// earlier export may have written more. CSV then has no second header. A Parquet file cannot continue; the rest
    /// becomes a file of its own.
    pub fn after(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), ..self }
    }

    /// Calls a function after each page. It stops the export by returning [`ControlFlow::Break`]; the file is then
    /// valid, and [`Exported::next`] is the cursor to continue from.
    pub fn on_progress(self, progress: impl FnMut(&Exported) -> ControlFlow<()> + 'a) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    pub(crate) fn format(&self) -> ExportFormat {
        self.format
    }

    /// Writes the pages that `read` returns, each with the cursor of the next one. `read` omits the activities that
    /// are not to be written. Private ones become redacted rows.
    pub(crate) fn write<E: Into<ExportError>>(
        self,
        mut read: impl FnMut(Option<&Cursor>) -> Result<(Vec<StoredActivity>, Option<Cursor>), E>,
    ) -> Result<Exported, ExportError> {
        let Self { format, out, after, mut progress } = self;
        let mut rows = RowWriter::new(format, after.is_some(), out)?;
        let mut exported = Exported { next: after, ..Exported::default() };
        loop {
            let (activities, next) = read(exported.next.as_ref()).map_err(Into::into)?;
            for activity in activities {
                let row = Row::from(activity);
                match row {
                    Row::Public(_) => exported.public += 1,
                    Row::Private => exported.private += 1,
                }
                rows.add(&row)?;
            }
            rows.end_page()?;
            (exported.bytes, exported.next) = (rows.written(), next);
            if exported.next.is_none() || progress(&exported).is_break() {
                rows.finish()?;
                exported.bytes = rows.written();
                return Ok(exported);
            }
        }
    }
}

impl fmt::Debug for Export<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("format", &self.format).finish_non_exhaustive()
    }
}
