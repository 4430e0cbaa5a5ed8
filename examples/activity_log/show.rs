//! Output as tables.

use std::fmt;
use std::io::Write;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::filter::{IngestOutcome, IngestReport, Page};
use activity_privacy::governance::{Initiator, Outcome, RecordEntry};
use activity_privacy::query::Count;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, ContentArrangement, LineStyle, Table};

use crate::groups::WALK_THROUGH;
use crate::terminal::{Output, Result};

/// The width of a terminal that every reader has.
const WIDTH: u16 = 80;

pub(crate) fn heading(out: &mut Output, text: &str) -> Result<()> {
    Ok(writeln!(out, "\n== {text}")?)
}

pub(crate) fn groups(out: &mut Output, snapshot: &DirectorySnapshot) -> Result<()> {
    if snapshot.groups().next().is_none() {
        return Ok(writeln!(out, "no groups; use --groups to read a groups file")?);
    }
    let mut groups = table(&["group", "name", "members, nested ones included"]);
    for (id, name) in snapshot.groups() {
        groups.add_row([plain(id.as_str(), 20), plain(name, 24), snapshot.all_members(id).len().to_string()]);
    }
    Ok(writeln!(out, "{groups}")?)
}

pub(crate) fn page(out: &mut Output, page: &Page) -> Result<()> {
    let mut rows = table(&["when (UTC)", "who", "app", "action", "visible"]);
    for stored in page.activities() {
        let activity = stored.activity();
        rows.add_row([
            Cell::new(activity.occurred_at().format("%m-%d %H:%M")),
            Cell::new(plain(activity.actor().label(), 24)),
            Cell::new(plain(activity.app().name().as_str(), 12)),
            Cell::new(plain(activity.action().as_str(), 17)),
            Cell::new(stored.visibility()),
        ]);
    }
    writeln!(out, "{rows}")?;
    if page.includes_private() {
        writeln!(out, "this page includes private activities")?;
    }
    Ok(())
}

pub(crate) fn counts(out: &mut Output, counts: &[Count]) -> Result<()> {
    let mut rows = table(&["app", "activities"]);
    for count in counts {
        rows.add_row([plain(&count.key, 40), count.activities.to_string()]);
    }
    Ok(writeln!(out, "{rows}")?)
}

pub(crate) fn records(out: &mut Output, entries: &[RecordEntry]) -> Result<()> {
    let mut rows = table(&["no.", "time", "who", "what", "outcome", "target"]);
    for RecordEntry { sequence, record } in entries {
        let who = match &record.initiator {
            Initiator::User(user) => user.as_str(),
            Initiator::System => "system",
        };
        let outcome = match &record.outcome {
            Outcome::Denied(denial) => denial.to_string(),
            Outcome::Closed { pages, private, .. } => match private.value() {
                Some(private) => format!("closed: {pages} page(s), {private} private"),
                None => format!("closed: {pages} page(s)"),
            },
            outcome => outcome.kind().to_string(),
        };
        let targets: Vec<_> = record.targets().iter().map(|target| short(target, 12)).collect();
        rows.add_row([
            sequence.to_string(),
            record.at.format("%H:%M:%S").to_string(),
            short(who, 12),
            record.kind().to_string(),
            outcome,
            targets.join(" "),
        ]);
    }
    Ok(writeln!(out, "{rows}")?)
}

/// Returns a table that wraps cells, so that it is at most 80 columns wide.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none())).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table
}

/// Returns an id in a width, without the prefix of the administrators of this walk-through.
fn short(id: &str, width: usize) -> String {
    plain(id.strip_prefix(WALK_THROUGH).unwrap_or(id), width)
}

/// Returns external text without control characters, truncated to a width.
fn plain(text: &str, width: usize) -> String {
    let mut plain: String = text.chars().filter(|c| !c.is_control()).take(width + 1).collect();
    if plain.chars().count() > width {
        plain = plain.chars().take(width - 1).chain(['…']).collect();
    }
    plain
}

/// The outcomes of the lines read. Their sum is the number of lines.
#[derive(Default)]
pub(crate) struct Totals {
    stored: usize,
    duplicate: usize,
    conflict: usize,
    not_monitored: usize,
    rejected: usize,
}

impl Totals {
    pub(crate) fn reject(&mut self) {
        self.rejected += 1;
    }

    pub(crate) fn rejected(&self) -> usize {
        self.rejected
    }

    pub(crate) fn add(&mut self, report: &IngestReport) {
        self.stored += report.count(IngestOutcome::Stored);
        self.duplicate += report.count(IngestOutcome::Duplicate);
        self.conflict += report.count(IngestOutcome::Conflict);
        self.not_monitored += report.count(IngestOutcome::NotMonitored);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.conflict += other.conflict;
        self.not_monitored += other.not_monitored;
        self.rejected += other.rejected;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, duplicate, conflict, not_monitored, rejected } = self;
        let lines = stored + duplicate + conflict + not_monitored + rejected;
        write!(
            f,
            "lines {lines} stored {stored} duplicate {duplicate} conflict {conflict} not-monitored {not_monitored} \
             rejected {rejected}"
        )
    }
}
