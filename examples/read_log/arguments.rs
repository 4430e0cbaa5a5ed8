//! The arguments of the command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
usage: read_log [--map NAME|FILE] [--directory FILE]... [--json] [LOG|-]
       read_log --maps

Reads a log without storing it and prints its source and format, who acted, whom
a directory knows, and which records are rejected.

  --map NAME|FILE   source of the log: `m365`, a map of the library, or a file
                    with a map (default: detected by the first records)
  --directory FILE  users: CSV, LDIF, a SCIM list or a page of Microsoft Graph;
                    can be repeated for several files of one directory
  --maps            lists the names of all maps of the library
  --json            the result as JSON
  LOG               a file, or `-` for the standard input
                    (default: sample data with a sample directory)";

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) log: Option<PathBuf>,
    pub(crate) map: Option<String>,
    pub(crate) directory: Vec<PathBuf>,
    pub(crate) lists_maps: bool,
    pub(crate) is_json: bool,
}

impl Arguments {
    /// Parses the arguments of this process. Returns `None` if they ask for help.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = Self::default();
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("map") => arguments.map = Some(parser.value()?.string()?),
                Arg::Long("directory") => arguments.directory.push(parser.value()?.into()),
                Arg::Long("maps") => arguments.lists_maps = true,
                Arg::Long("json") => arguments.is_json = true,
                Arg::Value(log) if arguments.log.is_none() => arguments.log = Some(log.into()),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Some(arguments))
    }
}
