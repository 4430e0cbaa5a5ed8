//! Pages of a view, with and without a query, compared with hand-written SQL.

use activity_privacy::query::{PageSize, Query};

use super::answer::Answer;
use super::archive::Archive;
use super::comparison::Comparison;
use super::frequencies::{Frequencies, Key};
use super::report::Report;

const PAGE: PageSize = PageSize::at_most(50);
/// The columns of an activity: the id, three numbers, eight texts and a checksum.
const COLUMNS: &str =
    "id, occurred_at, decided_at, decision, actor, actor_kind, app, suite, action, identities, objects,
    details, checksum";

/// Times pages of each query and reports them, labelled with `archive_name`.
pub(crate) fn compare(archive: &Archive, archive_name: &str, report: &mut Report) {
    let mut worst = 0.0_f64;
    let mut compare_page = |what: &str, query: Query, filter: Option<(Key, &str)>, rows: u64| {
        let ours = |_| Answer::Page(archive.view.page(&query, PAGE, None).unwrap());
        let rows = rows.min(PAGE.get() as u64) as usize;
        let compared = Comparison::of(what, Some(rows), &ours, &|_| by_hand(archive, filter));
        report.time(&format!("page, {what}, {archive_name}"), compared.ours, "by hand", compared.floor, compared.ratio);
        worst = worst.max(compared.ratio);
    };
    compare_page("newest", Query::all(), None, archive.public);
    for (frequency, pick) in
        [("frequent", Frequencies::most_frequent as fn(&Frequencies, Key) -> _), ("rare", Frequencies::least_frequent)]
    {
        for key in Key::ALL {
            let (value, rows): (String, u64) = pick(&archive.frequencies, key);
            compare_page(&format!("{frequency} {}", key.name()), key.query(&value), Some((key, &value)), rows);
        }
    }
    report.fact(&format!("page, {archive_name}, worst ratio"), &format!("{worst:.2} times the hand-written query"));
}

/// Reads the same page with SQL. The table holds only the public activities, so no condition on visibility is needed.
fn by_hand(archive: &Archive, filter: Option<(Key, &str)>) -> Answer {
    let (condition, value) = match filter {
        Some((key, value)) => (format!("WHERE {} = ?1", key.name()), vec![value]),
        None => (String::new(), Vec::new()),
    };
    let limit = PAGE.get();
    let select = format!("SELECT {COLUMNS} FROM activity {condition} ORDER BY occurred_at DESC, id DESC LIMIT {limit}");
    let mut select = archive.floor.connection().prepare_cached(&select).unwrap();
    let mut rows = select.query(rusqlite::params_from_iter(value)).unwrap();
    let mut ids = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| row.get::<_, Option<String>>(column).unwrap();
        let number = |column: usize| row.get::<_, i64>(column).unwrap();
        // Reads every column, as the view does; otherwise the comparison is unfair.
        let read: Vec<Option<String>> = (4..12).map(text).collect();
        std::hint::black_box((read, (1..4).map(number).sum::<i64>(), row.get::<_, Vec<u8>>(12).unwrap()));
        ids.push(row.get(0).unwrap());
    }
    Answer::Rows(ids)
}
