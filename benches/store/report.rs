//! The results as a table.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use super::times::{Ratio, Times};

/// All measurements, in order.
#[derive(Default)]
pub(crate) struct Report(Vec<[String; 5]>);

impl Report {
    /// Adds a rate and the rates of its baselines.
    pub(crate) fn rate(&mut self, what: &str, unit: &str, times: &Times, floors: &[(&str, &Times)]) {
        let rate = format!("{} {unit}/s", grouped(times.rate()));
        self.fact(what, &rate);
        for (name, floor) in floors {
            let Ratio { median, whole } = times.over(floor);
            let theirs = format!("{name}: {}/s", grouped(floor.rate()));
            self.beside(&theirs, &format!("{median:.2}"), &format!("{whole:.2}"));
        }
    }

    /// Adds a time in seconds and that of its baseline.
    pub(crate) fn time(&mut self, what: &str, seconds: f64, name: &str, floor: f64, ratio: f64) {
        self.fact(what, &duration(seconds));
        self.beside(&format!("{name}: {}", duration(floor)), &format!("{ratio:.2}"), "");
    }

    /// Adds a size in bytes and that of its baseline.
    pub(crate) fn size(&mut self, what: &str, bytes: f64, name: &str, floor: f64) {
        self.fact(what, &format!("{bytes:.0} bytes"));
        self.beside(&format!("{name}: {floor:.0} bytes"), &format!("{:.2}", bytes / floor), "");
    }

    pub(crate) fn fact(&mut self, what: &str, fact: &str) {
        self.0.push([what.to_owned(), fact.to_owned(), String::new(), String::new(), String::new()]);
    }

    /// Adds a baseline of the last measurement; the first baseline is in the same row.
    fn beside(&mut self, floor: &str, median: &str, whole: &str) {
        let beside = [floor, median, whole].map(str::to_owned);
        match self.0.last_mut() {
            Some([_, _, rest @ ..]) if rest.iter().all(String::is_empty) => *rest = beside,
            _ => {
                let [floor, median, whole] = beside;
                self.0.push([String::new(), String::new(), floor, median, whole]);
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["what", "measured", "baseline", "ratio, median", "ratio, total"]);
        for [what, measured, floor, median, whole] in &self.0 {
            let right = |text: &String| Cell::new(text).set_alignment(CellAlignment::Right);
            table.add_row([Cell::new(what), right(measured), Cell::new(floor), right(median), right(whole)]);
        }
        table.fmt(f)
    }
}

/// Formats a number with thousands separators.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a time with a unit.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        0.0..1e-3 => format!("{:.1} µs", seconds * 1e6),
        1e-3..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}
