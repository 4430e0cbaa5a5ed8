//! The generated records of each source, and the readers of them.

use std::hint::black_box;
use std::time::Instant;

use activity_privacy::activity::Activity;
use activity_privacy::sources::mapped::{self, Map};
use activity_privacy::sources::{Rejected, m365};

use super::records;
use super::sample::{aws_cloudtrail, google_workspace, okta};
use super::samples;
use super::times::Times;

/// The records that a side reads in a turn: so few that most turns are not interrupted by other processes.
const TURN: usize = 20;

/// The different records of a source. They are read again until the number of records is reached.
const DIFFERENT: usize = 1_000 * TURN;

/// Records of one source in one format.
pub(crate) struct Source {
    pub(crate) name: &'static str,
    input: Vec<u8>,
    /// The records as JSON, one per line.
    lines: Vec<String>,
    reader: Reader,
}

#[derive(Clone, Copy)]
enum Reader {
    M365,
    Mapped(&'static Map),
}

/// Writes lines in a format.
type InFormat = fn(&[String]) -> Vec<u8>;

/// Returns the sample record of this number.
type Sample = fn(usize) -> String;

/// Returns all sources: Microsoft 365 in each format, and each map of which there are sample records.
pub(crate) fn all() -> impl Iterator<Item = Source> {
    let formats: [(_, InFormat); 3] = [
        ("Microsoft 365, JSON Lines", json_lines),
        ("Microsoft 365, JSON array", json_array),
        ("Microsoft 365, audit log CSV", audit_log_csv),
    ];
    let m365 = formats.into_iter().map(|(name, format)| {
        let lines = m365_lines();
        Source { name, input: format(&lines), lines, reader: Reader::M365 }
    });
    let samples: [(_, Sample); 8] = [
        ("google_workspace", google_workspace::activity),
        ("okta_system_log", okta::event),
        ("entra_sign_in", samples::entra_sign_in),
        ("github_audit", samples::github_audit),
        ("slack_audit", samples::slack_audit),
        ("aws_cloudtrail", aws_cloudtrail::event),
        ("ocsf", samples::ocsf),
        ("ecs", samples::ecs),
    ];
    let mapped = samples.into_iter().filter_map(|(name, record)| {
        let map = Map::shipped(name)?;
        let lines: Vec<_> = (0..DIFFERENT).map(record).collect();
        Some(Source {
            name: map.title().split(" (").next()?,
            input: json_lines(&lines),
            lines,
            reader: Reader::Mapped(map),
        })
    });
    m365.chain(mapped)
}

impl Source {
    pub(crate) fn bytes_of_record(&self) -> f64 {
        self.input.len() as f64 / self.lines.len() as f64
    }

    fn open(&self) -> Box<dyn Iterator<Item = Result<Activity, Rejected>> + '_> {
        match self.reader {
            Reader::M365 => Box::new(m365::Reader::new(self.input.as_slice())),
            Reader::Mapped(map) => Box::new(mapped::Reader::new(self.input.as_slice(), map)),
        }
    }

    /// Reads records, and parses the same records as JSON, in turns. Returns the times of both.
    pub(crate) fn measure(&self, records: usize) -> (Times, Times) {
        let (mut ours, mut theirs) = (Times::default(), Times::default());
        let (mut reader, mut lines) = (self.open(), self.lines.iter());
        for nth in 0..records / TURN {
            if (nth * TURN).is_multiple_of(self.lines.len()) {
                (reader, lines) = (self.open(), self.lines.iter());
            }
            for turn in 0..2 {
                let begun = Instant::now();
                if (nth + turn).is_multiple_of(2) {
                    for record in reader.by_ref().take(TURN) {
                        black_box(record.unwrap());
                    }
                    ours.add(TURN, begun.elapsed());
                } else {
                    for line in lines.by_ref().take(TURN) {
                        black_box(serde_json::from_str::<serde_json::Value>(line).unwrap());
                    }
                    theirs.add(TURN, begun.elapsed());
                }
            }
        }
        (ours, theirs)
    }
}

fn m365_lines() -> Vec<String> {
    let mut lines = Vec::new();
    records::write(DIFFERENT as u64, &mut lines);
    String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect()
}

fn json_lines(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>().into()
}

fn json_array(lines: &[String]) -> Vec<u8> {
    format!("[{}]", lines.join(",\n")).into()
}

fn audit_log_csv(lines: &[String]) -> Vec<u8> {
    let row = |line: &String| format!("2026-03-01,\"{}\"\n", line.replace('"', "\"\""));
    let rows = lines.iter().map(row);
    std::iter::once("CreationDate,AuditData\n".to_owned()).chain(rows).collect::<String>().into()
}
