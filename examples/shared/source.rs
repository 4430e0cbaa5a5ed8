//! The source of a log, found out by its first records or stated by the user.

use std::fs;
use std::io::{BufRead, Chain, Cursor, Read};
use std::path::Path;

use activity_privacy::activity::Activity;
use activity_privacy::sources::mapped::{self, Map};
use activity_privacy::sources::{RejectReason, Rejected, m365};

use crate::terminal::{Result, at};

/// The bytes at the beginning of an input that are inspected.
const HEAD_BYTES: u64 = 256 * 1024;

/// The records at the beginning of an input that are inspected.
const HEAD_RECORDS: usize = 16;

/// The name of the reader that has no map.
const M365: &str = "m365";

/// A source whose records can be read.
#[derive(Clone)]
pub(crate) enum Source {
    M365,
    Mapped(Map),
}

/// An input that was inspected: its first bytes and the rest.
pub(crate) type Input<R> = Chain<Cursor<Vec<u8>>, R>;

/// The records of an input.
pub(crate) enum Records<R> {
    M365(m365::Reader<Input<R>>),
    Mapped(mapped::Reader<Input<R>>),
}

impl Source {
    /// Returns the source that the user states: the name of a reader or a map, or the path of a map.
    #[allow(dead_code, reason = "some examples always detect the source")]
    pub(crate) fn stated(map: &str) -> Result<Self> {
        if map == M365 {
            return Ok(Self::M365);
        }
        if let Some(map) = Map::shipped(map) {
            return Ok(Self::Mapped(map.clone()));
        }
        let path = Path::new(map);
        if !path.exists() {
            return Err(format!("no map and no file has the name `{map}`; `read_log --maps` lists all maps").into());
        }
        let text = fs::read_to_string(path).map_err(at(path))?;
        Ok(Self::Mapped(Map::from_json(&text).map_err(at(path))?))
    }

    /// Detects the source by the beginning of an input.
    fn detect(head: &[u8]) -> Result<Self> {
        let (mut seen, mut accepted) = (0, 0);
        for item in m365::Reader::new(head).take(HEAD_RECORDS) {
            if let Err(rejected) = &item
                && matches!(rejected.reason(), RejectReason::OtherInput { .. } | RejectReason::Io { .. })
            {
                return Err(rejected.reason().to_string().into());
            }
            (seen, accepted) = (seen + 1, accepted + usize::from(item.is_ok()));
        }
        // The last record can be incomplete.
        if accepted > 0 && accepted + 1 >= seen {
            return Ok(Self::M365);
        }
        match mapped::detect(head) {
            Some(map) => Ok(Self::Mapped(map.clone())),
            None if accepted > 0 => Ok(Self::M365),
            None if seen == 0 => Err("the input contains no records".into()),
            None => Err("the source of the records is unknown; state it with `--map`".into()),
        }
    }

    pub(crate) fn title(&self) -> &str {
        match self {
            Self::M365 => "Microsoft 365 management activities",
            Self::Mapped(map) => map.title(),
        }
    }

    #[allow(dead_code, reason = "some examples show the title only")]
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::M365 => M365,
            Self::Mapped(map) => map.name(),
        }
    }
}

/// Opens an input. Detects its source unless the user states it.
pub(crate) fn open<R: BufRead>(mut input: R, stated: Option<Source>) -> Result<(Source, Records<R>)> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let source = match stated {
        Some(source) => source,
        None => Source::detect(&head)?,
    };
    let input = Cursor::new(head).chain(input);
    let records = match &source {
        Source::M365 => Records::M365(m365::Reader::new(input)),
        Source::Mapped(map) => Records::Mapped(mapped::Reader::new(input, map)),
    };
    Ok((source, records))
}

/// Returns the names that [`Source::stated`] accepts, with their titles.
#[allow(dead_code, reason = "some examples always detect the source")]
pub(crate) fn all() -> impl Iterator<Item = (String, String)> {
    let maps = Map::all_shipped().cloned().map(Source::Mapped);
    std::iter::once(Source::M365).chain(maps).map(|source| (source.name().to_owned(), source.title().to_owned()))
}

impl<R: BufRead> Records<R> {
    /// Returns the format of the input, once the first record was read.
    #[allow(dead_code, reason = "some examples do not show it")]
    pub(crate) fn format(&self) -> Option<String> {
        match self {
            Self::M365(reader) => reader.format().map(|format| format.to_string()),
            Self::Mapped(reader) => reader.format().map(|format| format.to_string()),
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = std::result::Result<Activity, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::M365(reader) => reader.next(),
            Self::Mapped(reader) => reader.next(),
        }
    }
}
