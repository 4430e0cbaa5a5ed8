//! A look at a log before it is ingested: its source and format, the time that it covers, who acted, whom a directory
//! knows, and which records are rejected. Nothing is stored.
//!
//! ```text
//! cargo run --release --features import --example read_log -- --directory users.csv audit.jsonl
//! ```

mod arguments;
mod directory;
mod people;
mod report;
#[path = "../shared/sample/mod.rs"]
mod sample;
mod show;
#[path = "../shared/source.rs"]
mod source;
#[path = "../shared/table.rs"]
mod table;
#[path = "../shared/terminal.rs"]
mod terminal;
mod timeline;
mod top;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use arguments::Arguments;
use directory::Directory;
use indicatif::{ProgressBar, ProgressStyle};
use people::Lookup;
use report::{Reading, Report, SourceName};
use source::Source;
use terminal::{Output, Result, at};

fn main() -> ExitCode {
    terminal::run(|out| {
        match Arguments::parse()? {
            Some(arguments) if arguments.lists_maps => list_maps(out)?,
            Some(arguments) => look(out, &arguments)?,
            None => writeln!(out, "{}", arguments::USAGE)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list_maps(out: &mut Output) -> Result<()> {
    let mut rows = table::table(&["name", "source"]);
    for (name, title) in source::all() {
        rows.add_row([name, title]);
    }
    Ok(writeln!(out, "{rows}")?)
}

fn look(out: &mut Output, arguments: &Arguments) -> Result<()> {
    let stated = arguments.map.as_deref().map(Source::stated).transpose()?;
    let directory = match (arguments.directory.as_slice(), &arguments.log) {
        ([], None) => Some(directory::from_csv(sample::users().as_bytes())?),
        ([], Some(_)) => None,
        (paths, _) => Some(directory::read(paths)?),
    };
    // A part of a directory makes people look as if they were outside.
    if let Some(Directory { rejected: rejected @ 1.., first_rejected: Some(first), .. }) = &directory {
        let mut errors = io::stderr().lock();
        writeln!(errors, "the directory is incomplete: {rejected} record(s) were rejected, the first at {first}")?;
    }
    let lookup = directory.map(|directory| Lookup::new(directory.snapshot)).transpose()?;

    let (name, report) = match &arguments.log {
        None => ("sample data".to_owned(), read(sample::m365::first_day().as_bytes(), stated, lookup)?),
        Some(path) if path == Path::new("-") => {
            ("standard input".to_owned(), read(BufReader::new(io::stdin()), stated, lookup)?)
        }
        Some(path) => (path.display().to_string(), read_file(path, stated, lookup)?),
    };
    if arguments.is_json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        return Ok(writeln!(out)?);
    }
    show::report(out, &name, &report)
}

fn read_file(path: &Path, stated: Option<Source>, lookup: Option<Lookup>) -> Result<Report> {
    let file = File::open(path).map_err(at(path))?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    let bar = ProgressBar::new(bytes)
        .with_style(ProgressStyle::with_template("[{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")?);
    let input = BufReader::with_capacity(1 << 20, bar.wrap_read(file));
    let report = read(input, stated, lookup).map_err(|error| format!("{}: {error}", path.display()))?;
    bar.finish_and_clear();
    Ok(report)
}

fn read(input: impl BufRead, stated: Option<Source>, lookup: Option<Lookup>) -> Result<Report> {
    let is_detected = stated.is_none();
    let (source, mut records) = source::open(input, stated)?;
    let mut reading = Reading::new(lookup);
    records.by_ref().for_each(|item| reading.add(item));
    let (name, title) = (source.name().to_owned(), source.title().to_owned());
    reading.finish(records.format(), SourceName { name, title, is_detected })
}
