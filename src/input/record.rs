//! The bytes of one record, up to a limit.

/// The bytes of the record that is being read. Stores no more of them than the limit.
pub(crate) struct RecordBuffer {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_too_long: bool,
    /// Whether all bytes are white space, including those beyond the limit.
    is_blank: bool,
}

/// The reason why the bytes of a record are not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordError {
    /// The record is longer than this many bytes.
    TooLong { max: usize },
    /// The byte at this index, counted from the start of the record, is not UTF-8.
    NotUtf8 { at: usize },
    /// The input ends inside a quoted field of a CSV row.
    UnclosedQuote,
}

impl RecordBuffer {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { bytes: Vec::new(), max_bytes, is_too_long: false, is_blank: true }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.is_too_long, self.is_blank) = (false, true);
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.is_blank = self.is_blank && bytes.trim_ascii().is_empty();
        // INVARIANT: never stores more than the limit.
        let room = self.max_bytes.saturating_sub(self.bytes.len());
        self.is_too_long |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Returns whether the record contains nothing but ASCII white space, however long it is.
    pub(crate) fn is_blank(&self) -> bool {
        self.is_blank
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    /// Returns the record as text.
    ///
    /// # Errors
    /// Returns [`RecordError`] if the record is longer than the limit or is not UTF-8.
    pub(crate) fn text(&self) -> Result<&str, RecordError> {
        if self.is_too_long {
            return Err(RecordError::TooLong { max: self.max_bytes });
        }
        str::from_utf8(&self.bytes).map_err(|error| RecordError::NotUtf8 { at: error.valid_up_to() })
    }
}
