//! Formats of activities and of governance records, and exports.
//!
//! Public activities are written one by one, for a forwarder, in the formats of SIEMs: see [`ActivityFormat`] and
//! [`Syslog`]. [`View::export`](crate::filter::View::export) and [`Reveal::export`](crate::filter::Reveal::export) write
//! all activities that a query finds: see [`Export`]. [`RecordFormat`] is for governance records.
//!
//! Requires the feature `export`.

mod activities;
mod error;
mod json;
mod one_line;
mod product;
mod records;
mod rows;
mod syslog;
mod target;

pub use self::activities::ActivityFormat;
pub use self::error::ExportError;
pub use self::records::RecordFormat;
pub(crate) use self::rows::{Row, RowWriter};
pub use self::syslog::{Framing, Syslog, SyslogError};
pub use self::target::{Export, Exported};
