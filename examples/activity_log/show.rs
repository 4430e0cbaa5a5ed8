//! Output as tables.

use std::fmt;
use std::io::Write;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::filter::{BulkProgress, Page};
use activity_privacy::governance::{Initiator, Outcome, RecordEntry};
use activity_privacy::query::Count;
use comfy_table::Cell;

use crate::groups::WALK_THROUGH;
use crate::table::{plain, table};
use crate::terminal::{Output, Result};

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

/// Returns an id in a width, without the prefix of the administrators of this walk-through.
fn short(id: &str, width: usize) -> String {
    plain(id.strip_prefix(WALK_THROUGH).unwrap_or(id), width)
}

/// The outcomes of the records read. Their sum is the number of records.
#[derive(Default)]
pub(crate) struct Totals {
    read: u64,
    stored: u64,
    duplicates: u64,
    conflicts: u64,
    not_monitored: u64,
    rejected: u64,
}

impl Totals {
    pub(crate) fn merge(&mut self, progress: &BulkProgress) {
        self.read += progress.read();
        self.stored += progress.stored();
        self.duplicates += progress.duplicates();
        self.conflicts += progress.conflicts();
        self.not_monitored += progress.not_monitored();
        self.rejected += progress.rejected();
    }
}

impl From<&BulkProgress> for Totals {
    fn from(progress: &BulkProgress) -> Self {
        let mut totals = Self::default();
        totals.merge(progress);
        totals
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, stored, duplicates, conflicts, not_monitored, rejected } = self;
        write!(
            f,
            "records {read} stored {stored} duplicate {duplicates} conflict {conflicts} not-monitored {not_monitored} \
             rejected {rejected}"
        )
    }
}
