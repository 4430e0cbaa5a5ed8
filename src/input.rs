//! Input bytes before any format is parsed: what the readers of activities and of directories share.
//!
//! Requires the feature `import`, `m365` or `mapped`.
//!
//! All of them expect UTF-8 text. [`InputKind`] names an input that is something else.

#[cfg(any(feature = "import", feature = "m365"))]
pub(crate) mod csv;
mod kind;
#[cfg_attr(not(any(feature = "import", feature = "m365")), allow(dead_code, reason = "tables and LDIF need more"))]
mod record;
#[cfg_attr(not(any(feature = "import", feature = "m365")), allow(dead_code, reason = "tables and LDIF need more"))]
mod stream;

pub use self::kind::InputKind;
pub(crate) use self::record::{RecordBuffer, RecordError};
pub(crate) use self::stream::{InputError, InputStream};
