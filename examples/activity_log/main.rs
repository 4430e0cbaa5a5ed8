//! A walk-through for administrators, on the embedded store. It imports groups, makes one private, grants a permission,
//! ingests records of several sources, shows the public view, attempts a reveal without the permission, reveals with it,
//! reads the governance log, writes the feed for a SIEM, and shows that a policy change does not alter past decisions.
//!
//! ```text
//! cargo run --features sqlite --example activity_log
//! cargo run --release --features sqlite --example activity_log -- \
//!     --database audit.db --groups groups.json --private "Works council" audit-*.jsonl
//! ```

mod arguments;
#[path = "../shared/sample/mod.rs"]
mod data;
mod groups;
mod sample;
mod show;
#[path = "../shared/source.rs"]
mod source;
#[path = "../shared/table.rs"]
mod table;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use activity_privacy::filter::UpdatePolicyError;
use activity_privacy::forward::Offset;
use activity_privacy::governance::{Justification, RecordEntry};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{PolicyError, PolicyUpdate, Role};
use activity_privacy::prelude::*;
use activity_privacy::query::CountBy;
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use activity_privacy::store::StoredActivity;
use arguments::Arguments;
use groups::Organisation;
use indicatif::{ProgressBar, ProgressStyle};
use show::Totals;
use source::Source;
use terminal::{Output, Result, at};

/// The maximum number of rejections printed per file.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    terminal::run(|out| {
        match Arguments::parse()? {
            Some(arguments) => walk_through(out, &arguments)?,
            None => writeln!(out, "{}", arguments::USAGE)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn walk_through(out: &mut Output, arguments: &Arguments) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let database = arguments.database.clone().unwrap_or_else(|| scratch.path().join("activities.db"));
    let records = governance_path(&database);
    let organisation = match &arguments.groups {
        Some(path) => Organisation::read(path)?,
        None if arguments.files.is_empty() => sample::organisation()?,
        None => Organisation::empty(),
    };

    table::heading(out, "Import groups")?;
    let directory = MemoryDirectory::new();
    let snapshot = organisation.snapshot()?;
    show::groups(out, &snapshot)?;
    let private = organisation.choose(&arguments.private, &snapshot)?;
    directory.install(snapshot)?;
    let filter = PrivacyFilter::builder(
        SqliteStore::open(&database).map_err(at(&database))?,
        directory,
        SqliteGovernance::open(&records).map_err(at(&records))?,
    )
    .open_or_initialize(Administrators::new(groups::officer(), groups::deputy())?)?;

    table::heading(out, "Make groups private and grant the permission")?;
    let mut update: PolicyUpdate = organisation.managed_domains().map(PolicyChange::ManageDomain).collect();
    update.push(PolicyChange::SetAdmin(groups::analyst(), Role::Analyst));
    update.push(PolicyChange::SetAdmin(groups::investigator(), Role::Analyst));
    update.push(PolicyChange::Grant(groups::investigator_address()?));
    for group in &private {
        update.push(PolicyChange::MakePrivate(group.clone()));
    }
    change(&filter, update)?;
    for group in &private {
        writeln!(out, "private: {group}")?;
    }
    writeln!(out, "may view private activities: {}", groups::investigator_address()?.as_str())?;

    table::heading(out, "Ingest")?;
    let mut totals = Totals::default();
    if arguments.files.is_empty() {
        for records in sample::first_day() {
            ingest(out, &filter, "first day", records.as_bytes(), None, &mut totals)?;
        }
    }
    let stated = arguments.map.as_deref().map(Source::stated).transpose()?;
    for path in &arguments.files {
        ingest_file(out, &filter, path, stated.clone(), &mut totals)?;
    }

    table::heading(out, "Public view: the newest activities")?;
    let view = filter.view(&groups::analyst());
    show::page(out, &view.page(&Query::all(), PageSize::at_most(8), None)?)?;
    writeln!(out, "{} public activities in all; by app:", view.count(&Query::all())?.total)?;
    show::counts(out, &view.counts(&Query::all(), CountBy::App)?.by_key)?;

    table::heading(out, "Reveal without the permission")?;
    match filter.reveal(request(groups::analyst())?) {
        Ok(_) => return Err("a reveal without the permission was opened".into()),
        Err(error) => writeln!(out, "the analyst: {error}")?,
    }

    table::heading(out, "Reveal with the permission, acknowledged as audited")?;
    let private_activity = reveal(out, &filter)?;

    table::heading(out, "Governance log: the last twelve records")?;
    show::records(out, &latest_records(&filter)?)?;

    table::heading(out, "Feed for a SIEM")?;
    let siem = arguments.siem.clone().unwrap_or_else(|| scratch.path().join("siem.jsonl"));
    writeln!(out, "{} public activities, no private ones", forward(&filter, &siem)?)?;

    // Skipped on a database that persists: activities ingested meanwhile by another process would stay public.
    if arguments.database.is_none() {
        table::heading(out, "Make the groups public: past decisions do not change")?;
        change(&filter, private.iter().cloned().map(PolicyChange::MakePublic).collect::<PolicyUpdate>())?;
        for group in &private {
            writeln!(out, "public: {group}")?;
        }
    }
    if arguments.files.is_empty() {
        let before = view.count(&Query::all())?.total;
        ingest(out, &filter, "second day", sample::m365::second_day().as_bytes(), None, &mut totals)?;
        let more = view.count(&Query::all())?.total - before;
        writeln!(out, "activities of the second day in the public view: {more}")?;
        if arguments.database.is_none() {
            writeln!(out, "(the rest cannot be decided, because it names no user; that is hidden too)")?;
        }
    }
    if let Some(first) = private_activity {
        let delivery = filter.ingest(std::slice::from_ref(first.activity()))?;
        let shown = view.activity(first.activity().id())?.is_some();
        let outcomes: Vec<_> = delivery.outcomes().iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "the newest private activity of before, delivered again: {}, and {}",
            outcomes.join(", "),
            if shown { "now public" } else { "still private" }
        )?;
    }

    // A database that persists keeps no grant of the walk-through.
    change(&filter, PolicyChange::Revoke(groups::investigator().into()))?;

    table::heading(out, "All records read, by outcome")?;
    writeln!(out, "{totals}")?;
    Ok(())
}

/// Changes the policy as the officer. On a database that was used before, the policy may already be as requested.
fn change(filter: &PrivacyFilter, update: impl Into<PolicyUpdate>) -> Result<()> {
    match filter.update_policy(&groups::officer(), update) {
        Ok(_) | Err(UpdatePolicyError::Invalid(PolicyError::Unchanged)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn ingest_file(
    out: &mut Output,
    filter: &PrivacyFilter,
    path: &Path,
    stated: Option<Source>,
    totals: &mut Totals,
) -> Result<()> {
    let file = File::open(path).map_err(at(path))?;
    let bar = ProgressBar::new(file.metadata().map_or(0, |metadata| metadata.len()))
        .with_style(ProgressStyle::with_template("{msg:30!} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")?);
    let name = path.display().to_string();
    bar.set_message(name.clone());
    ingest(out, filter, &name, bar.wrap_read(file), stated, totals)?;
    bar.finish_and_clear();
    Ok(())
}

/// Ingests all records of an input. Prints the first rejected records with their lines and continues.
fn ingest(
    out: &mut Output,
    filter: &PrivacyFilter,
    name: &str,
    input: impl Read + Send,
    stated: Option<Source>,
    totals: &mut Totals,
) -> Result<()> {
    let input = BufReader::with_capacity(1 << 20, input);
    let (source, records) = source::open(input, stated).map_err(|error| format!("{name}: {error}"))?;
    let name = format!("{}, {name}", source.title());
    let (mut shown, mut written) = (0, Ok(()));
    let progress = filter.bulk_ingest(records).run(|batch| {
        for rejected in batch.rejected().iter().take(SHOWN - shown) {
            shown += 1;
            written = writeln!(out, "{name}: {rejected}");
            if written.is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    written?;
    if progress.rejected() > shown as u64 {
        writeln!(out, "{name}: {} more rejections are not shown", progress.rejected() - shown as u64)?;
    }
    writeln!(out, "{name}: {}", Totals::from(&progress))?;
    totals.merge(&progress);
    Ok(())
}

fn request(viewer: UserId) -> Result<RevealRequest> {
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let why = Justification::new("case 2026-17: unusual downloads")?;
    Ok(RevealRequest::new(viewer, Query::all(), Duration::from_secs(15 * 60), audited).because(why))
}

/// Reveals one page with the private rows marked. Explains and returns the newest private activity.
fn reveal(out: &mut Output, filter: &PrivacyFilter) -> Result<Option<StoredActivity>> {
    let mut reveal = filter.reveal(request(groups::investigator())?)?;
    let page = reveal.page(PageSize::at_most(12), None)?;
    show::page(out, &page)?;
    reveal.close()?;

    let mut reveal = filter.reveal(request(groups::investigator())?.private_only())?;
    let first = reveal.page(PageSize::at_most(1), None)?.activities().first().cloned();
    reveal.close()?;
    match &first {
        Some(first) => writeln!(out, "the newest private activity is {}", first.decision().explain())?,
        None => writeln!(out, "there are no private activities")?,
    }
    Ok(first)
}

/// Returns the last twelve records, read page by page.
fn latest_records(filter: &PrivacyFilter) -> Result<Vec<RecordEntry>> {
    let (mut latest, mut after) = (Vec::new(), 0);
    loop {
        let page = filter.governance_records(&groups::officer(), &RecordQuery::default(), after, PageSize::MAX)?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        latest.extend(page);
        latest.drain(..latest.len().saturating_sub(12));
    }
    Ok(latest)
}

/// Writes every public activity as a line of JSON, in storage order. Returns their number.
fn forward(filter: &PrivacyFilter, path: &Path) -> Result<u64> {
    let mut out = BufWriter::new(File::create(path).map_err(at(path))?);
    let (mut offset, mut sent) = (Offset::START, 0);
    loop {
        let batch = filter.forward(&offset, PageSize::MAX)?;
        if batch.activities.is_empty() {
            out.flush()?;
            return Ok(sent);
        }
        for activity in &batch.activities {
            serde_json::to_writer(&mut out, activity)?;
            out.write_all(b"\n")?;
            sent += 1;
        }
        offset = batch.next;
    }
}
