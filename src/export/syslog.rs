//! Syslog messages ([RFC 5424](https://www.rfc-editor.org/rfc/rfc5424)) with the framing of
//! [RFC 6587](https://www.rfc-editor.org/rfc/rfc6587).

use std::io::{self, Write};

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde::Serialize;
use thiserror::Error;

use super::ActivityFormat;
use super::activities::Names;
use super::one_line::escaped;
use super::product::{PRODUCT, PRODUCT_VERSION};
use crate::store::PublicActivity;
use crate::text::words;

/// Writes public activities as syslog messages.
///
/// The text of a message is the line of an [`ActivityFormat`]. Its header has the time at which the activity occurred,
/// the severity "informational" and the message id `activity`. The structured data has the element `origin`, and with an
/// [enterprise number](Self::with_enterprise_number) an element with the id, actor, action, app and suite.
///
/// A text that is not pure ASCII begins with the byte order mark that the standard requires. No message contains a
/// control character, so either framing holds.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::export::SyslogError> {
/// use activity_privacy::export::{ActivityFormat, Syslog};
///
/// let syslog = Syslog::new("log-1.contoso.example", ActivityFormat::Cef)?.with_process_id("4711")?;
/// # let _ = syslog;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Syslog {
    format: ActivityFormat,
    framing: Framing,
    facility: u8,
    host_name: String,
    app_name: String,
    process_id: String,
    enterprise_number: Option<u32>,
    marks_utf8: bool,
}

/// How a receiver finds the end of a message in a stream (RFC 6587).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// The length in bytes and a space precede each message (section 3.4.1).
    #[default]
    OctetCounting,
    /// A line feed follows each message (section 3.4.2).
    LineFeed,
}

words!(Framing, "syslog framing": OctetCounting = "octet_counting", LineFeed = "line_feed");

/// A value that RFC 5424 does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SyslogError {
    /// A field of the header is empty, too long, or contains a character that is not printable ASCII.
    #[error("invalid {what}, expected 1 to {max} printable ASCII characters without spaces")]
    Field {
        /// The field, for example "host name".
        what: &'static str,
        /// The maximum length.
        max: usize,
    },
    /// The facility is not a number from 0 to 23.
    #[error("invalid syslog facility, expected 0 to 23")]
    Facility,
}

/// The facility "log audit".
const LOG_AUDIT: u8 = 13;
/// The severity "informational".
const INFORMATIONAL: u16 = 6;
/// What RFC 5424 writes for a missing value.
const NIL: &str = "-";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Syslog {
    /// Returns a writer of messages from a host, with octet counting and the facility 13 ("log audit"). The host name is
    /// best a fully qualified domain name, or `-` if it is unknown.
    ///
    /// # Errors
    /// Returns [`SyslogError`] if the host name is not 1 to 255 printable ASCII characters without spaces.
    pub fn new(host_name: impl Into<String>, format: ActivityFormat) -> Result<Self, SyslogError> {
        Ok(Self {
            format,
            framing: Framing::default(),
            facility: LOG_AUDIT,
            host_name: field("host name", host_name.into(), 255)?,
            app_name: PRODUCT.to_owned(),
            process_id: NIL.to_owned(),
            enterprise_number: None,
            marks_utf8: true,
        })
    }

    /// Sets the framing.
    pub fn with_framing(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// Sets the facility, a number from 0 to 23.
    ///
    /// # Errors
    /// Returns [`SyslogError::Facility`] for any other number.
    pub fn with_facility(self, facility: u8) -> Result<Self, SyslogError> {
        if facility > 23 { Err(SyslogError::Facility) } else { Ok(Self { facility, ..self }) }
    }

    /// Sets the name of the application. Without this call, it is the name of this crate.
    ///
    /// # Errors
    /// Returns [`SyslogError`] if it is not 1 to 48 printable ASCII characters without spaces.
    pub fn with_app_name(self, app_name: impl Into<String>) -> Result<Self, SyslogError> {
        Ok(Self { app_name: field("app name", app_name.into(), 48)?, ..self })
    }

    /// Sets the id of the process.
    ///
    /// # Errors
    /// Returns [`SyslogError`] if it is not 1 to 128 printable ASCII characters without spaces.
    pub fn with_process_id(self, process_id: impl Into<String>) -> Result<Self, SyslogError> {
        Ok(Self { process_id: field("process id", process_id.into(), 128)?, ..self })
    }

    /// Adds an element `activity@NUMBER` to the structured data, with the private enterprise number that IANA assigned
    /// to the organisation of the caller. Its parameters are `id`, `actor`, `action`, `app` and `suite`.
    pub fn with_enterprise_number(self, number: u32) -> Self {
        Self { enterprise_number: Some(number), ..self }
    }

    /// Writes texts without a byte order mark. RFC 5424 requires the mark before a text in UTF-8; some receivers treat
    /// it as a part of the text.
    pub fn without_byte_order_mark(self) -> Self {
        Self { marks_utf8: false, ..self }
    }

    /// Writes an activity as one framed message, for a stream.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn write(&self, activity: &PublicActivity, out: &mut dyn Write) -> io::Result<()> {
        let message = self.message(activity)?;
        let mut frame = Vec::with_capacity(message.len() + 8);
        match self.framing {
            Framing::OctetCounting => {
                frame.extend(format!("{} ", message.len()).bytes());
                frame.extend(message);
            }
            Framing::LineFeed => {
                frame.extend(message);
                frame.push(b'\n');
            }
        }
        out.write_all(&frame)
    }

    /// Returns the message of an activity without framing, for a datagram.
    ///
    /// # Errors
    /// Returns the errors of [`ActivityFormat::line`].
    pub fn message(&self, public: &PublicActivity) -> io::Result<Vec<u8>> {
        let Self { facility, host_name, app_name, process_id, .. } = self;
        let priority = u16::from(*facility) * 8 + INFORMATIONAL;
        let at = timestamp(public.activity().occurred_at());
        let header = format!("<{priority}>1 {at} {host_name} {app_name} {process_id} activity ");
        let mut message = header.into_bytes();
        message.extend(self.structured_data(public).bytes());
        message.push(b' ');
        let start = message.len();
        self.format.append(public, &mut message)?;
        let needs_mark = self.marks_utf8 && message.get(start..).is_some_and(|text| !text.is_ascii());
        if needs_mark {
            message.splice(start..start, BYTE_ORDER_MARK.iter().copied());
        }
        Ok(message)
    }

    fn structured_data(&self, public: &PublicActivity) -> String {
        let mut data = format!("[origin software=\"{PRODUCT}\" swVersion=\"{PRODUCT_VERSION}\"]");
        let Some(number) = self.enterprise_number else { return data };
        let activity = public.activity();
        data.push_str(&format!("[activity@{number}"));
        let parameters = [
            ("id", Some(activity.id().as_str())),
            ("actor", Some(Names::of(activity.actor()).label)),
            ("action", Some(activity.action().as_str())),
            ("app", Some(activity.app().name().as_str())),
            ("suite", activity.app().suite().map(|suite| suite.as_str())),
        ];
        for (name, value) in parameters {
            let Some(value) = value else { continue };
            data.push_str(&format!(" {name}=\""));
            for c in escaped(value).chars() {
                // A backslash before any other character is a backslash.
                if matches!(c, '"' | '\\' | ']') {
                    data.push('\\');
                }
                data.push(c);
            }
            data.push('"');
        }
        data.push(']');
        data
    }
}

fn field(what: &'static str, text: String, max: usize) -> Result<String, SyslogError> {
    let is_valid = (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid { Ok(text) } else { Err(SyslogError::Field { what, max }) }
}

/// Returns the time to the microsecond. RFC 3339 has years of four digits only.
fn timestamp(time: DateTime<Utc>) -> String {
    if (0..=9999).contains(&time.year()) { time.to_rfc3339_opts(SecondsFormat::Micros, true) } else { NIL.to_owned() }
}
