//! The arguments of the command line.

use std::path::PathBuf;

use activity_privacy::export::ActivityFormat;
use activity_privacy::forward::{ForwarderName, Start};
use lexopt::{Arg, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
usage: siem_forward [--file FILE | --tcp HOST:PORT] [--format FORMAT]
                    [--syslog HOST] [--name NAME] [--start START] [--once]
                    [DATABASE]

Forwards the public activities of a database, and continues where it stopped
when it is started again. Private activities are never forwarded.

  DATABASE          SQLite file of activities, with the governance records
                    beside it (default: sample data in a temporary file, which
                    is forwarded in two runs)
  --file FILE       append to this file (default with sample data: a temporary
                    file)
  --tcp HOST:PORT   send to this address
  --format FORMAT   json_lines (default), ocsf, ecs, cef or leef
  --syslog HOST     send syslog messages (RFC 5424) of this host name: over TCP
                    each with its length before it, in a file each on a line
  --name NAME       name of the forwarder, whose offset the database stores
                    (default: siem)
  --start START     where a new forwarder starts: `beginning` (default), `now`,
                    or a time like 2026-03-01T00:00:00Z
  --once            stop when every activity was forwarded, instead of waiting
                    for more";

/// The destination of the activities.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    File(PathBuf),
    Tcp(String),
}

pub(crate) struct Arguments {
    pub(crate) database: Option<PathBuf>,
    pub(crate) target: Option<Target>,
    pub(crate) format: ActivityFormat,
    pub(crate) syslog: Option<String>,
    pub(crate) name: ForwarderName,
    pub(crate) start: Start,
    pub(crate) once: bool,
}

impl Arguments {
    /// Parses the arguments of this process. Returns `None` if they ask for help.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = Self {
            database: None,
            target: None,
            format: ActivityFormat::JsonLines,
            syslog: None,
            name: ForwarderName::new("siem").map_err(|error| error.to_string())?,
            start: Start::Beginning,
            once: false,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("file") => arguments.target = Some(Target::File(parser.value()?.into())),
                Arg::Long("tcp") => arguments.target = Some(Target::Tcp(parser.value()?.string()?)),
                Arg::Long("format") => arguments.format = parser.value()?.parse()?,
                Arg::Long("syslog") => arguments.syslog = Some(parser.value()?.string()?),
                Arg::Long("name") => arguments.name = parser.value()?.parse()?,
                Arg::Long("start") => arguments.start = parser.value()?.parse_with(start)?,
                Arg::Long("once") => arguments.once = true,
                Arg::Value(database) if arguments.database.is_none() => arguments.database = Some(database.into()),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        if arguments.database.is_some() && arguments.target.is_none() {
            return Err("a database needs a destination: `--file` or `--tcp`".into());
        }
        Ok(Some(arguments))
    }
}

fn start(text: &str) -> Result<Start, String> {
    match text {
        "beginning" => Ok(Start::Beginning),
        "now" => Ok(Start::Now),
        time => match time.parse() {
            Ok(time) => Ok(Start::Time(time)),
            Err(_) => Err("expected `beginning`, `now` or a time like 2026-03-01T00:00:00Z".to_owned()),
        },
    }
}
