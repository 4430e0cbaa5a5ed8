//! The report as tables.

use std::io::Write;

use comfy_table::{Cell, CellAlignment};

use crate::people::{Counts, Known};
use crate::report::{Names, Report};
use crate::table::{WIDTH, heading, plain, table};
use crate::terminal::{Output, Result};
use crate::timeline::Interval;

pub(crate) fn report(out: &mut Output, name: &str, report: &Report) -> Result<()> {
    heading(out, &plain(name, 76))?;
    let how = if report.source.is_detected { "detected" } else { "stated" };
    writeln!(out, "source   {} ({how})", plain(&report.source.title, 58))?;
    if let Some(format) = &report.format {
        writeln!(out, "format   {format}")?;
    }
    writeln!(
        out,
        "records  {}: {} activities, {} rejected",
        grouped(report.records),
        grouped(report.activities),
        grouped(report.rejected)
    )?;
    if let (Some(first), Some(last)) = (report.first, report.last) {
        writeln!(out, "time     {} to {} UTC", first.format("%Y-%m-%d %H:%M"), last.format("%Y-%m-%d %H:%M"))?;
    }
    if report.activities > 0 {
        timeline(out, report)?;
        names(out, "Apps", &report.apps)?;
        names(out, "Actions", &report.actions)?;
        actors(out, report)?;
        identities(out, report)?;
        not_resolved(out, report)?;
    }
    rejected(out, report)
}

/// Plots the activities of each interval as a bar. A line of dots replaces intervals without activities.
fn timeline(out: &mut Output, report: &Report) -> Result<()> {
    let unit = match report.interval_hours {
        1 => "hour".to_owned(),
        24 => "day".to_owned(),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    };
    heading(out, &format!("Activities per {unit}"))?;
    let most = report.activities_by_time.iter().map(|interval| interval.activities).max().unwrap_or(1);
    let mut before = None;
    for Interval { from, activities } in &report.activities_by_time {
        let hours = from.timestamp() / 3_600;
        if before.is_some_and(|before| hours - before > report.interval_hours) {
            writeln!(out, "...")?;
        }
        before = Some(hours);
        let time = from.format(if report.interval_hours % 24 == 0 { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string();
        let count = grouped(*activities);
        let width = usize::from(WIDTH) - 1 - time.chars().count() - 1 - 11;
        writeln!(out, "{time} {count:>10} {}", bar(*activities, most, width))?;
    }
    Ok(())
}

/// Returns a bar to the eighth of a character. A number above zero has a bar.
fn bar(count: u64, most: u64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as f64 / most.max(1) as f64 * width as f64 * 8.0).round() as usize;
    let eighths = eighths.clamp(usize::from(count > 0), width * 8);
    "█".repeat(eighths / 8) + PARTS.get(eighths % 8).unwrap_or(&"")
}

fn names(out: &mut Output, title: &str, names: &Names) -> Result<()> {
    heading(out, title)?;
    let mut rows = table(&["name", "activities"]);
    for frequency in &names.most_frequent {
        rows.add_row([Cell::new(plain(&frequency.name, 60)), right(frequency.activities)]);
    }
    if names.other_activities > 0 {
        let others = format!("{} others", grouped((names.names - names.most_frequent.len()) as u64));
        rows.add_row([Cell::new(others), right(names.other_activities)]);
    }
    Ok(writeln!(out, "{rows}")?)
}

fn actors(out: &mut Output, report: &Report) -> Result<()> {
    heading(out, "Who acted")?;
    let mut rows = table(&["kind", "activities", "share", "most frequent"]);
    for of_kind in &report.actors {
        let names: Vec<_> = of_kind.most_frequent.iter().map(|frequency| plain(&frequency.name, 30)).collect();
        rows.add_row([
            Cell::new(of_kind.kind),
            right(of_kind.activities),
            Cell::new(share(of_kind.activities, report.activities)).set_alignment(CellAlignment::Right),
            Cell::new(names.join(", ")),
        ]);
    }
    writeln!(out, "{rows}")?;
    if report.on_behalf > 0 {
        writeln!(out, "{} activities also name a principal on whose behalf they were done", grouped(report.on_behalf))?;
    }
    if report.actors.iter().any(|of_kind| of_kind.kind == "unknown") {
        writeln!(out, "an activity whose actor is unknown is private (D9)")?;
    }
    Ok(())
}

fn identities(out: &mut Output, report: &Report) -> Result<()> {
    heading(out, "Identities of people")?;
    if report.identities.is_empty() {
        return Ok(writeln!(out, "no record names a person")?);
    }
    if report.directory.is_none() {
        let mut rows = table(&["form", "identities", "activities"]);
        for of_form in &report.identities {
            let form = Cell::new(plain(&of_form.form, 50));
            rows.add_row([form, right(of_form.identities), right(of_form.activities)]);
        }
        writeln!(out, "{rows}")?;
        writeln!(out, "use --directory to see whom a directory knows")?;
    } else {
        let mut rows =
            table(&["form", "activities", "identities", "of a user", "of several", "outside", "unknown form"]);
        for of_form in &report.identities {
            let Counts { user, several, outside, undecidable } = of_form.known.clone().unwrap_or_default();
            let form = Cell::new(plain(&of_form.form, 24));
            let counts = [of_form.activities, of_form.identities, user, several, outside, undecidable].map(right);
            rows.add_row([vec![form], counts.to_vec()].concat());
        }
        writeln!(out, "{rows}")?;
    }
    if report.identities_not_listed > 0 {
        let others = grouped(report.identities_not_listed);
        writeln!(out, "{others} more were not kept, because the log names too many people")?;
    }
    Ok(())
}

fn not_resolved(out: &mut Output, report: &Report) -> Result<()> {
    let Some(directory) = &report.directory else { return Ok(()) };
    if !directory.most_frequent_not_resolved.is_empty() {
        heading(out, "Identities that are not of one user, the most frequent first")?;
        let mut rows = table(&["identity", "form", "activities", "means"]);
        for identity in &directory.most_frequent_not_resolved {
            let means = match identity.known {
                Known::User => "of a user",
                Known::Several => "of several",
                Known::Outside => "outside",
                Known::Undecidable => "unknown form",
            };
            rows.add_row([
                Cell::new(plain(&identity.identity, 34)),
                Cell::new(plain(&identity.form, 18)),
                right(identity.activities),
                Cell::new(means),
            ]);
        }
        writeln!(out, "{rows}")?;
        let more = directory.not_resolved - directory.most_frequent_not_resolved.len();
        if more > 0 {
            writeln!(out, "and {} more", grouped(more as u64))?;
        }
        writeln!(
            out,
            "of several    several users have this name: activities with it are private\n\
             outside       a person who is not in the directory is in no imported group, and\n\
             \u{20}             is an external user if no managed domain contains the address\n\
             unknown form  the directory contains no identity of this form: activities with\n\
             \u{20}             no other identity are private (D9); import names of this form"
        )?;
    }
    heading(out, "Activities that would be private because they cannot be decided")?;
    let all: u64 = directory.undecidable.values().sum();
    writeln!(out, "{} of {} ({})", grouped(all), grouped(report.activities), share(all, report.activities))?;
    for (reason, activities) in &directory.undecidable {
        writeln!(out, "{:>10}  {reason}", grouped(*activities))?;
    }
    Ok(())
}

fn rejected(out: &mut Output, report: &Report) -> Result<()> {
    if report.rejected == 0 {
        return Ok(());
    }
    heading(out, "Rejected records")?;
    let mut rows = table(&["reason", "records", "first lines"]);
    for rejected in &report.rejected_by_reason {
        let mut lines: Vec<_> = rejected.first_lines.iter().map(u64::to_string).collect();
        if rejected.records > lines.len() as u64 {
            lines.push("...".to_owned());
        }
        rows.add_row([Cell::new(plain(&rejected.reason, 200)), right(rejected.records), Cell::new(lines.join(", "))]);
    }
    Ok(writeln!(out, "{rows}")?)
}

fn right(number: u64) -> Cell {
    Cell::new(grouped(number)).set_alignment(CellAlignment::Right)
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 / whole.max(1) as f64 * 100.0)
}

/// Returns a number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
