//! Settings from environment variables.

use std::fmt::Debug;
use std::path::PathBuf;
use std::str::FromStr;

use super::activities::Ids;

pub(crate) struct Settings {
    /// The number of rows per file.
    pub(crate) rows: u64,
    /// The kinds of activity ids to compare.
    pub(crate) ids: Vec<Ids>,
    /// The maximum number of hidden rows.
    pub(crate) hidden: u64,
    pub(crate) parts: Vec<Part>,
    /// The folder for the temporary files.
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Ingest,
    Pages,
    Counts,
    Hidden,
    Callers,
    Timing,
    Main,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self {
            rows: number("STORE_ROWS").unwrap_or(1_000_000),
            ids: list("STORE_IDS").unwrap_or_else(|| vec![Ids::Random, Ids::TimeOrdered]),
            hidden: number("STORE_HIDDEN").unwrap_or(1_000_000),
            parts: list("STORE_PART").unwrap_or_else(|| Part::ALL.map(|(_, part)| part).to_vec()),
            folder: variable("STORE_DIR").map_or_else(std::env::temp_dir, PathBuf::from),
        }
    }
}

impl FromStr for Ids {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "time-ordered" => Ok(Self::TimeOrdered),
            "random" => Ok(Self::Random),
            _ => Err("expected time-ordered or random"),
        }
    }
}

impl Part {
    const ALL: [(&str, Self); 7] = [
        ("ingest", Self::Ingest),
        ("pages", Self::Pages),
        ("counts", Self::Counts),
        ("hidden", Self::Hidden),
        ("callers", Self::Callers),
        ("timing", Self::Timing),
        ("main", Self::Main),
    ];
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(called, _)| *called == name).map(|(_, part)| *part);
        found.ok_or_else(|| format!("expected one of {}", Self::ALL.map(|(name, _)| name).join(", ")))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn list<T: FromStr<Err: Debug>>(name: &str) -> Option<Vec<T>> {
    let parse = |text: &str| text.trim().parse().unwrap_or_else(|error| panic!("{name}: {error:?}"));
    variable(name).map(|text| text.split(',').map(parse).collect())
}
