//! The bytes of an activity: a line in a format, or a syslog message that contains it.

use std::io::{self, Write};

use activity_privacy::export::{ActivityFormat, Framing, Syslog};
use activity_privacy::store::PublicActivity;

use crate::arguments::{Arguments, Target};
use crate::terminal::Result;

#[derive(Debug, Clone)]
pub(crate) enum Encoding {
    Line(ActivityFormat),
    Syslog(Syslog),
}

impl Encoding {
    /// Returns the encoding for a target. A message has its length before it in a stream, and is a line in a file.
    pub(crate) fn of(arguments: &Arguments, target: &Target) -> Result<Self> {
        let Some(host_name) = &arguments.syslog else { return Ok(Self::Line(arguments.format)) };
        let framing = match target {
            Target::File(_) => Framing::LineFeed,
            Target::Tcp(_) => Framing::OctetCounting,
        };
        let syslog = Syslog::new(host_name, arguments.format)?.with_process_id(std::process::id().to_string())?;
        Ok(Self::Syslog(syslog.with_framing(framing)))
    }

    pub(crate) fn write(&self, activity: &PublicActivity, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Line(format) => format.write(activity, out),
            Self::Syslog(syslog) => syslog.write(activity, out),
        }
    }
}
