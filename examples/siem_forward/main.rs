//! Forwards the public activities of a database to a file or a TCP socket, in a format of SIEMs. It shows its progress,
//! and continues where it stopped.
//!
//! ```text
//! cargo run --features sqlite,export --example siem_forward
//! cargo run --features sqlite,export --example siem_forward -- --file siem.ndjson --format ecs audit.db
//! cargo run --features sqlite,export --example siem_forward -- \
//!     --tcp 127.0.0.1:5140 --format cef --syslog log-1.contoso.example audit.db
//! ```

mod arguments;
mod destination;
mod encoding;
mod sample;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use activity_privacy::filter::PrivacyFilter;
use activity_privacy::forward::{Driver, DriverOptions, DriverState, Phase};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use arguments::{Arguments, Target};
use destination::Destination;
use encoding::Encoding;
use indicatif::{ProgressBar, ProgressStyle};
use terminal::{Output, Result, at};

fn main() -> ExitCode {
    terminal::run(|out| {
        match Arguments::parse()? {
            None => writeln!(out, "{}", arguments::USAGE)?,
            Some(arguments) => match arguments.database.clone() {
                Some(database) => from_database(out, &arguments, &database)?,
                None => from_sample(out, &arguments)?,
            },
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn from_database(out: &mut Output, arguments: &Arguments, database: &Path) -> Result<()> {
    // Opening a missing file would create it.
    std::fs::metadata(database).map_err(at(database))?;
    let records = governance_path(database);
    let store = Arc::new(SqliteStore::open(database).map_err(at(database))?);
    let sink = SqliteGovernance::open(&records).map_err(at(&records))?;
    // This process ingests nothing, so it needs no directory.
    let filter =
        PrivacyFilter::builder(Arc::clone(&store), MemoryDirectory::new(), sink).open().map_err(at(database))?;
    let Some(target) = &arguments.target else { return Ok(()) };
    let state = forward(&filter, &store, arguments, target, arguments.once)?;
    report(out, "forwarded", &state)
}

/// Forwards sample data in two runs. The second continues where the first stopped.
fn from_sample(out: &mut Output, arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (filter, store) = sample::create(&folder.path().join("activities.db"))?;
    let target = arguments.target.clone().unwrap_or_else(|| Target::File(folder.path().join("forwarded")));
    sample::ingest(&filter, 0..1_000)?;
    writeln!(out, "2000 activities are stored, 1000 of them are private")?;
    report(out, "first run", &forward(&filter, &store, arguments, &target, true)?)?;
    sample::ingest(&filter, 1_000..1_250)?;
    writeln!(out, "500 more are stored, 250 of them are private")?;
    report(out, "second run", &forward(&filter, &store, arguments, &target, true)?)?;
    if let Target::File(path) = &target {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        let private = text.lines().filter(|line| line.contains("adele")).count();
        writeln!(out, "the file has {} lines, {private} of them with a private activity", text.lines().count())?;
        if let Some(line) = text.lines().last() {
            writeln!(out, "the last line:\n{line}")?;
        }
    }
    Ok(())
}

/// Forwards until the driver stops, or until everything was forwarded.
fn forward(
    filter: &PrivacyFilter,
    store: &Arc<SqliteStore>,
    arguments: &Arguments,
    target: &Target,
    once: bool,
) -> Result<DriverState> {
    let feed = filter.forwarders(Arc::clone(store)).open_or_create(&arguments.name, arguments.start)?;
    let (target, encoding) = (target.clone(), Encoding::of(arguments, target)?);
    let connect = move || Destination::connect(&target, &encoding);
    let driver = Driver::start(feed, connect, DriverOptions::default())?;
    let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} {per_sec} {wide_msg}")?;
    let bar = ProgressBar::new(0).with_style(style);
    loop {
        let state = driver.state();
        bar.set_length(state.delivered + state.lag);
        bar.set_position(state.delivered);
        bar.set_message(progress(&state));
        if state.phase == Phase::Stopped || (once && state.phase == Phase::Waiting) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    bar.finish_and_clear();
    Ok(driver.stop())
}

/// Returns what a driver does, and the error that keeps it from delivering.
fn progress(state: &DriverState) -> String {
    match &state.last_error {
        Some(error) if state.failures > 0 => {
            format!("{} after {} failures: {}", state.phase, state.failures, error.message)
        }
        _ => format!("{}, {} s behind", state.phase, state.behind.as_secs()),
    }
}

fn report(out: &mut Output, what: &str, state: &DriverState) -> Result<()> {
    writeln!(out, "{what}: {} activities, {} missed, {} retries", state.delivered, state.missed, state.retries)?;
    Ok(())
}
