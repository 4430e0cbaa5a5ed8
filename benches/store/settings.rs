//! What the environment asks for.

use std::fmt::Debug;
use std::path::PathBuf;
use std::str::FromStr;

use super::activities::Ids;

pub(crate) struct Settings {
    /// How many rows a file grows to.
    pub(crate) rows: u64,
    /// How many activities are delivered at once.
    pub(crate) batches: Vec<usize>,
    /// How activities are named, where both ways are compared.
    pub(crate) ids: Vec<Ids>,
    /// The most hidden rows that are put around the public ones.
    pub(crate) hidden: u64,
    pub(crate) parts: Vec<Part>,
    /// Where the files are for the time being.
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Ingest,
    Growth,
    Pages,
    Callers,
    Retention,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let parts = vec![Part::Ingest, Part::Growth, Part::Pages, Part::Callers, Part::Retention];
        Self {
            rows: number("STORE_ROWS").unwrap_or(300_000),
            batches: list("STORE_BATCHES").unwrap_or_else(|| vec![1, 100, 1_000, 10_000]),
            ids: list("STORE_IDS").unwrap_or_else(|| vec![Ids::TimeOrdered, Ids::Random]),
            hidden: number("STORE_HIDDEN").unwrap_or(1_000_000),
            parts: list("STORE_PART").unwrap_or(parts),
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

impl FromStr for Part {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "ingest" => Ok(Self::Ingest),
            "growth" => Ok(Self::Growth),
            "pages" => Ok(Self::Pages),
            "callers" => Ok(Self::Callers),
            "retention" => Ok(Self::Retention),
            _ => Err("expected ingest, growth, pages, callers or retention"),
        }
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
