//! The arguments of the command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
usage: activity_log [--database FILE] [--groups FILE] [--private GROUP]...
                    [--siem FILE] [--map NAME|FILE] [ACTIVITY-FILE]...

  --database FILE   SQLite file for activities; governance records are written
                    to a file beside it (default: a temporary file). Its groups
                    stay private, because the last step is skipped
  --groups FILE     users and groups as JSON
                    (default with activity files: no groups)
  --private GROUP   id or name of a group, `applications` or `external-users`;
                    can be repeated (default: the first group, or
                    `applications` without a groups file)
  --siem FILE       output file for the SIEM feed (default: a temporary file)
  --map NAME|FILE   source of the activity files: `m365`, a map of the library,
                    or a file with a map (default: detected for each file)
  ACTIVITY-FILE     records of one source: JSON Lines, a JSON array or pages, or
                    a CSV of Microsoft 365 (default: sample data)";

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) database: Option<PathBuf>,
    pub(crate) groups: Option<PathBuf>,
    pub(crate) private: Vec<String>,
    pub(crate) siem: Option<PathBuf>,
    pub(crate) map: Option<String>,
    pub(crate) files: Vec<PathBuf>,
}

impl Arguments {
    /// Parses the arguments of this process. Returns `None` if they ask for help.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = Self::default();
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("database") => arguments.database = Some(parser.value()?.into()),
                Arg::Long("groups") => arguments.groups = Some(parser.value()?.into()),
                Arg::Long("private") => arguments.private.push(parser.value()?.string()?),
                Arg::Long("siem") => arguments.siem = Some(parser.value()?.into()),
                Arg::Long("map") => arguments.map = Some(parser.value()?.string()?),
                Arg::Value(file) => arguments.files.push(file.into()),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Some(arguments))
    }
}
