//! Output as tables, with colour only on a terminal.

use std::fmt;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestOutcome, IngestReport, Page};
use activity_privacy::governance::{Initiator, Outcome, RecordEntry};
use activity_privacy::query::Count;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, Color, Table};

pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
}

pub(crate) fn groups(snapshot: &DirectorySnapshot) {
    if snapshot.groups().next().is_none() {
        println!("no groups; use --groups to read a groups file");
        return;
    }
    let mut groups = table(&["group", "name", "members"]);
    for (id, name) in snapshot.groups() {
        groups.add_row([id.to_string(), plain(name, 40), snapshot.all_members(id).len().to_string()]);
    }
    println!("{groups}");
}

pub(crate) fn page(page: &Page) {
    let mut rows = table(&["when", "who", "app", "action", "object", ""]);
    for stored in page.activities() {
        let activity = stored.activity();
        let private = stored.visibility() == Visibility::Private;
        let mark = if private { Cell::new("private").fg(Color::Yellow) } else { Cell::new("") };
        rows.add_row([
            Cell::new(activity.occurred_at().format("%Y-%m-%d %H:%M:%S")),
            Cell::new(plain(activity.actor().label(), 34)),
            Cell::new(plain(activity.app().name().as_str(), 22)),
            Cell::new(plain(activity.action().as_str(), 26)),
            Cell::new(plain(activity.objects().next().unwrap_or_default(), 40)),
            mark,
        ]);
    }
    println!("{rows}");
    if page.includes_private() {
        println!("this page includes private activities");
    }
}

pub(crate) fn counts(counts: &[Count]) {
    let mut rows = table(&["app", "activities"]);
    for count in counts {
        rows.add_row([plain(&count.key, 40), count.activities.to_string()]);
    }
    println!("{rows}");
}

pub(crate) fn records(entries: &[RecordEntry]) {
    let mut rows = table(&["no.", "when", "who", "what", "outcome", "target"]);
    for RecordEntry { sequence, record } in entries {
        let who = match &record.initiator {
            Initiator::User(user) => user.as_str().to_owned(),
            Initiator::System => "system".to_owned(),
        };
        let outcome = match &record.outcome {
            Outcome::Denied(denial) => Cell::new(denial).fg(Color::Red),
            Outcome::Closed { pages, private, .. } => Cell::new(match private.value() {
                Some(private) => format!("closed: {pages} page(s), {private} private"),
                None => format!("closed: {pages} page(s)"),
            }),
            outcome => Cell::new(outcome.kind()),
        };
        rows.add_row([
            Cell::new(sequence),
            Cell::new(record.at.format("%H:%M:%S%.3f")),
            Cell::new(plain(&who, 26)),
            Cell::new(record.kind()),
            outcome,
            Cell::new(plain(&record.targets().join(", "), 36)),
        ]);
    }
    println!("{rows}");
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
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
