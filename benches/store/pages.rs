//! Filtered pages compared with a hand-written query.

use activity_privacy::query::{PageSize, Query};

use super::answer::Answer;
use super::archive::Archive;
use super::comparison::Comparison;
use super::frequencies::{Frequencies, Key};
use super::report::Report;

const PAGE: PageSize = PageSize::at_most(50);
const COLUMNS: &str =
    "id, occurred_at, decided_at, decision, actor, actor_kind, app, suite, action, identities, objects,
    details, checksum";

pub(crate) fn ask(archive: &Archive, of: &str, report: &mut Report) {
    let mut worst = 0.0_f64;
    let mut ask = |what: &str, query: Query, filter: Option<(Key, &str)>, rows: u64| {
        let ours = |_| Answer::Page(archive.view.page(&query, PAGE, None).unwrap());
        let rows = rows.min(PAGE.get() as u64) as usize;
        let compared = Comparison::of(what, Some(rows), &ours, &|_| by_hand(archive, filter));
        report.time(&format!("page, {what}, {of}"), compared.ours, "by hand", compared.floor, compared.ratio);
        worst = worst.max(compared.ratio);
    };
    ask("newest", Query::all(), None, archive.public);
    for (how, choose) in [("frequent", Frequencies::most as fn(&Frequencies, Key) -> _), ("rare", Frequencies::least)] {
        for key in Key::ALL {
            let (value, rows): (String, u64) = choose(&archive.frequencies, key);
            ask(&format!("{how} {}", key.name()), key.query(&value), Some((key, &value)), rows);
        }
    }
    report.fact(&format!("page, {of}, worst ratio"), &format!("{worst:.2} × by hand"));
}

fn by_hand(archive: &Archive, filter: Option<(Key, &str)>) -> Answer {
    let (condition, value) = match filter {
        Some((key, value)) => (format!("WHERE {} = ?1", key.name()), vec![value]),
        None => (String::new(), Vec::new()),
    };
    let select = format!("SELECT {COLUMNS} FROM activity {condition} ORDER BY occurred_at DESC, id DESC LIMIT 50");
    let mut select = archive.floor.connection().prepare_cached(&select).unwrap();
    let mut rows = select.query(rusqlite::params_from_iter(value)).unwrap();
    let mut ids = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| row.get::<_, Option<String>>(column).unwrap();
        let number = |column: usize| row.get::<_, i64>(column).unwrap();
        // Reads every column of an activity.
        let read: Vec<Option<String>> = (4..12).map(text).collect();
        std::hint::black_box((read, (1..4).map(number).sum::<i64>(), row.get::<_, Vec<u8>>(12).unwrap()));
        ids.extend(text(0));
    }
    Answer::Rows(ids)
}
