//! What was asked for on the command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const USAGE: &str = "\
usage: activity_log [--database FILE] [--groups FILE] [--private GROUP]... [--siem FILE] [ACTIVITY-FILE]...

  --database FILE   where activities are kept; governance records go into a file beside it (default: nowhere).
                    Its policy is left as the other arguments say, so the step that makes groups public is left out
  --groups FILE     users and groups as JSON (default with activity files: nobody is in any group)
  --private GROUP   a group's id or name, `applications` or `external-users`; may be given again
                    (default: the first group, or `applications` without a groups file)
  --siem FILE       where to write what a SIEM receives (default: nowhere)
  ACTIVITY-FILE     Microsoft 365 records: JSON Lines, a JSON array, an audit-log or OfficeActivity CSV
                    (default: sample data)";

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) database: Option<PathBuf>,
    pub(crate) groups: Option<PathBuf>,
    pub(crate) private: Vec<String>,
    pub(crate) siem: Option<PathBuf>,
    pub(crate) files: Vec<PathBuf>,
}

impl Arguments {
    /// None when help was asked for.
    pub(crate) fn parse() -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = Self::default();
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("database") => arguments.database = Some(parser.value()?.into()),
                Arg::Long("groups") => arguments.groups = Some(parser.value()?.into()),
                Arg::Long("private") => arguments.private.push(parser.value()?.string()?),
                Arg::Long("siem") => arguments.siem = Some(parser.value()?.into()),
                Arg::Value(file) => arguments.files.push(file.into()),
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Some(arguments))
    }
}
