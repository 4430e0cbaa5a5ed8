//! The pages in which APIs return records.

use crate::sources::framing::PageFormat;

/// The members of pages beside their list, of all sources.
const METADATA: &[&str] = &[
    "$schema",
    "apiversion",
    "chunk_size",
    "count",
    "cursor",
    "deltalink",
    "done",
    "etag",
    "from",
    "kind",
    "limit",
    "links",
    "meta",
    "metadata",
    "object",
    "offset",
    "ok",
    "paging",
    "paginginfo",
    "pagination",
    "queryid",
    "requestid",
    "request_id",
    "response_metadata",
    "size",
    "start",
    "stat",
    "status",
    "success",
    "timed_out",
    "to",
    "took",
    "_links",
];

/// The beginnings of the names of other such members.
const METADATA_PREFIXES: &[&str] =
    &["@", "context", "continuation", "entry_count", "has", "next", "odata.", "page", "prev", "result_count", "total"];

/// Returns the pages that contain their records in a member of one of these names.
pub(super) fn page_format(lists: &[String]) -> PageFormat {
    PageFormat {
        lists: lists.iter().map(|list| list.as_str().into()).collect(),
        metadata: METADATA,
        metadata_prefixes: METADATA_PREFIXES,
    }
}
