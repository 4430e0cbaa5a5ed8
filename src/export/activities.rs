//! Formats of public activities.

mod action_kind;
mod cef;
mod ecs;
mod json_lines;
mod leef;
mod names;
mod ocsf;
mod own_fields;

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

pub(super) use self::json_lines::{JsonLine, PrivateLine};
pub(super) use self::names::Names;
use super::json;
use crate::store::PublicActivity;
use crate::text::words;

/// A format of one public activity on one line, for a forwarder. The guide
#[cfg_attr(any(doc, doctest), doc = "[formats](crate::guides::formats)")]
#[cfg_attr(not(any(doc, doctest)), doc = "formats")]
/// states the fields of each.
///
/// A line contains no control character, no U+2028 and no U+2029. No text in an activity can end its line or its field,
/// and each field can be read back unchanged.
///
/// Only a [`PublicActivity`] can be written. A private activity has another type:
///
/// ```compile_fail,E0308
/// # use activity_privacy::export::ActivityFormat;
/// # use activity_privacy::store::StoredActivity;
/// fn forward(private: &StoredActivity) -> std::io::Result<Vec<u8>> {
///     ActivityFormat::Cef.line(private)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActivityFormat {
    /// A JSON document of this crate, with a version and every field.
    JsonLines,
    /// An event of the Open Cybersecurity Schema Framework 1.8.0: API Activity (6003), or Authentication (3002) if a
    /// user signs in or out.
    Ocsf,
    /// An event of the Elastic Common Schema 9.4.0.
    Ecs,
    /// ArcSight Common Event Format, version 0. It contains no details.
    Cef,
    /// IBM QRadar Log Event Extended Format 2.0. It contains no details.
    Leef,
}

words!(ActivityFormat, "activity format": JsonLines = "json_lines", Ocsf = "ocsf", Ecs = "ecs", Cef = "cef", Leef = "leef");

impl ActivityFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::JsonLines, Self::Ocsf, Self::Ecs, Self::Cef, Self::Leef];

    /// Writes an activity as one line, with a line feed.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn write(self, activity: &PublicActivity, out: &mut dyn Write) -> io::Result<()> {
        let mut line = self.line(activity)?;
        line.push(b'\n');
        out.write_all(&line)
    }

    /// Returns the line of an activity in UTF-8, without a line feed.
    ///
    /// # Errors
    /// Returns an error if a value cannot be serialized. No value of this crate has this error.
    pub fn line(self, activity: &PublicActivity) -> io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        self.append(activity, &mut line)?;
        Ok(line)
    }

    /// Appends the line of an activity, without a line feed.
    pub(super) fn append(self, activity: &PublicActivity, line: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::JsonLines => json::append(&JsonLine::of(activity), line),
            Self::Ocsf => json::append(&ocsf::OcsfEvent::of(activity), line),
            Self::Ecs => json::append(&ecs::EcsEvent::of(activity), line),
            Self::Cef => {
                cef::append(activity, line);
                Ok(())
            }
            Self::Leef => {
                leef::append(activity, line);
                Ok(())
            }
        }
    }
}

/// Returns the time in RFC 3339 with the precision that is stored.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
