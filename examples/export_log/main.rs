//! Writes a sample log in every format: the lines that a forwarder sends to a SIEM, with or without syslog headers, and
//! the exports of a view or of a reveal.
//!
//! ```text
//! cargo run --features export --example export_log -- cef
//! cargo run --features export --example export_log -- leef --syslog log-1.contoso.example
//! cargo run --features export --example export_log -- csv --redact
//! cargo run --features parquet --example export_log -- parquet > activities.parquet
//! ```

mod sample;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use activity_privacy::export::{ActivityFormat, Export, Framing, Syslog};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{ExportFormat, PrivateRows};
use activity_privacy::prelude::*;
use lexopt::{Arg, Parser, ValueExt};
use terminal::{Output, Result};

const USAGE: &str = "\
usage: export_log [FORMAT] [--export | --redact]
       export_log [FORMAT] --syslog HOST [--lines] [--pen NUMBER]

Writes a sample log in a format.

  FORMAT         json_lines (default), ocsf, ecs, cef or leef: the public
                 activities in the order of storing, as a forwarder sends them;
                 csv or parquet: an export of the public activities, newest first
  --export       write json_lines as an export
  --redact       export under a reveal, with a row for each private activity
  --syslog HOST  write syslog messages (RFC 5424), each with its length before it
  --lines        write a line feed after each message instead of its length
  --pen NUMBER   add structured data under a private enterprise number";

#[derive(Default)]
struct Arguments {
    format: Option<String>,
    is_export: bool,
    redacts: bool,
    syslog: Option<String>,
    lines: bool,
    pen: Option<u32>,
}

fn main() -> ExitCode {
    terminal::run(|out| {
        match parse()? {
            Some(arguments) => write(out, &arguments)?,
            None => writeln!(out, "{USAGE}")?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn parse() -> Result<Option<Arguments>> {
    let (mut arguments, mut parser) = (Arguments::default(), Parser::from_env());
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            Arg::Long("export") => arguments.is_export = true,
            Arg::Long("redact") => arguments.redacts = true,
            Arg::Long("syslog") => arguments.syslog = Some(parser.value()?.string()?),
            Arg::Long("lines") => arguments.lines = true,
            Arg::Long("pen") => arguments.pen = Some(parser.value()?.parse()?),
            Arg::Value(format) if arguments.format.is_none() => arguments.format = Some(format.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(arguments))
}

fn write(out: &mut Output, arguments: &Arguments) -> Result<()> {
    let filter = sample::filter()?;
    let format = arguments.format.as_deref().unwrap_or("json_lines");
    if arguments.redacts || arguments.is_export || matches!(format, "csv" | "parquet") {
        return export(out, &filter, format.parse()?, arguments.redacts);
    }
    let format: ActivityFormat = format.parse()?;
    let syslog = match &arguments.syslog {
        Some(host) => {
            let framing = if arguments.lines { Framing::LineFeed } else { Framing::OctetCounting };
            let syslog = Syslog::new(host, format)?.with_framing(framing);
            Some(match arguments.pen {
                Some(number) => syslog.with_enterprise_number(number),
                None => syslog,
            })
        }
        None => None,
    };
    let mut offset = Offset::START;
    loop {
        let batch = filter.forward(&offset, PageSize::MAX)?;
        if batch.activities.is_empty() {
            return Ok(());
        }
        for activity in &batch.activities {
            match &syslog {
                Some(syslog) => syslog.write(activity, out)?,
                None => format.write(activity, out)?,
            }
        }
        offset = batch.next;
    }
}

fn export(out: &mut Output, filter: &PrivacyFilter, format: ExportFormat, redacts: bool) -> Result<()> {
    let export = Export::new(format, out);
    if !redacts {
        filter.view(&UserId::new("analyst")?).export(&Query::all(), export)?;
        return Ok(());
    }
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new(sample::officer()?, Query::all(), Duration::from_secs(600), audited);
    let mut reveal = filter.reveal(request)?;
    reveal.export(PrivateRows::Redact, export)?;
    reveal.close()?;
    Ok(())
}
