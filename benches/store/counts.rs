//! Counts compared with a scan of an ordinary table.

use activity_privacy::query::{CountBy, Query};
use chrono::{DateTime, Utc};
use rusqlite::params;

use super::activities::BEGINNING;
use super::answer::Answer;
use super::archive::{Archive, DAYS};
use super::comparison::Comparison;
use super::report::Report;

const SECOND: i64 = 1_000_000;

pub(crate) fn ask(archive: &Archive, of: &str, report: &mut Report) {
    let mut worst = 0.0_f64;
    // About the middle half, with both ends within an hour.
    let begin = BEGINNING as i64 * SECOND;
    let span = DAYS as i64 * 86_400 * SECOND;
    let cut = (begin + span / 4 + 1_234 * SECOND, begin + span / 4 * 3 + 2_345 * SECOND);
    for (when, range) in [("all", None), ("a range", Some(cut))] {
        let query = range.map_or(Query::all(), |(from, until)| Query::all().since(time(from)).until(time(until)));
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            let what =
                format!("count of {when}{}", by.map_or(String::new(), |by| format!(" by {by:?}").to_lowercase()));
            let ours = |_| {
                Answer::Counts(match by {
                    None => archive.view.count(&query).unwrap(),
                    Some(by) => archive.view.counts(&query, by).unwrap(),
                })
            };
            let compared = Comparison::of(&what, None, &ours, &|_| scan(archive, by, range));
            report.time(&format!("{what}, {of}"), compared.ours, "a scan", compared.floor, compared.ratio);
            worst = worst.max(compared.ratio);
        }
    }
    report.fact(&format!("count, {of}, worst ratio"), &format!("{worst:.4} × a scan"));
}

fn scan(archive: &Archive, by: Option<CountBy>, range: Option<(i64, i64)>) -> Answer {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;
    // The covering index: without the hint SQLite looks up each row of a range.
    let (key, index) = match by {
        None => ("NULL".to_owned(), "by_time"),
        Some(CountBy::Hour) => (format!("occurred_at / {}", HOUR * SECOND), "by_time"),
        Some(CountBy::Day) => (format!("occurred_at / {}", DAY * SECOND), "by_time"),
        Some(CountBy::App) => ("app".to_owned(), "by_app"),
        Some(CountBy::Actor) => ("actor".to_owned(), "by_actor"),
    };
    // Without a range the condition compares the parameters only.
    let condition = if range.is_some() { "WHERE occurred_at >= ?1 AND occurred_at < ?2" } else { "WHERE ?1 = ?2" };
    let order = if by.is_some() { "GROUP BY 1 ORDER BY 1" } else { "" };
    let select = format!("SELECT {key}, count(*) FROM activity INDEXED BY {index} {condition} {order}");
    let mut select = archive.floor.connection().prepare_cached(&select).unwrap();
    let (from, until) = range.unwrap_or_default();
    let range = params![from, until];
    match by {
        None => Answer::Total(select.query_row(range, |row| row.get::<_, i64>(1)).unwrap().unsigned_abs()),
        Some(CountBy::Hour | CountBy::Day) => {
            let period = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
            let periods = select.query_map(range, period).unwrap().map(Result::unwrap).collect();
            Answer::Periods(if by == Some(CountBy::Hour) { HOUR } else { DAY }, periods)
        }
        Some(CountBy::App | CountBy::Actor) => {
            let text = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
            Answer::Texts(select.query_map(range, text).unwrap().map(Result::unwrap).collect())
        }
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}
