//! Exports of activities: rules V5, V2, R6 and G1.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "export")]

mod fault;
mod fixture;
mod forward;
#[path = "formats/hostile.rs"]
mod hostile;
#[cfg(feature = "parquet")]
#[path = "activity_export/parquet.rs"]
mod parquet_file;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::error::{Classify, ErrorKind};
use activity_privacy::export::{ActivityFormat, Export, ExportError, Exported, Syslog};
use activity_privacy::filter::Reveal;
use activity_privacy::forward::Offset;
use activity_privacy::governance::{
    Event, ExportFormat, ExportSummary, FailureReason, Outcome, PrivateRows, Record, RecordKind,
};
use activity_privacy::identity::{Alias, UserId};
use activity_privacy::memory::MemoryStore;
use activity_privacy::policy::{Denial, OnUndecidable, OptionsPatch, PolicyChange};
use activity_privacy::query::{Cursor, CursorError, PageSize, Query};
use fault::{Fault, FaultySink, Log};
use fixture::*;
use hostile::activities;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

const FORMATS: [ExportFormat; 2] = [ExportFormat::JsonLines, ExportFormat::Csv];

/// Part of every text of a private activity.
const CANARY: &str = "canary";

/// Returns a fixture in which `root` may view private activities. Every third of `count` activities is private.
fn fixture_with(count: i64) -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[("canary", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.permit_root();
    let all: Vec<Activity> = (0..count)
        .map(|n| {
            let name = if n % 3 == 1 { CANARY } else { "bob" };
            let app = App::new(format!("{name}-app").parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
            let actor = Actor::user(alias(&format!("{name}@contoso.com")));
            let begun = Activity::builder(
                format!("{name}-{n}").parse().unwrap(),
                actor,
                app,
                format!("{name} read").parse().unwrap(),
                at(n),
            );
            begun.object(format!("{name}.docx")).details(format!("{{\"{name}\":{n}}}")).build().unwrap()
        })
        .collect();
    for batch in all.chunks(1_000) {
        fixture.ingest(batch);
    }
    fixture
}

fn viewed(fixture: &Fixture, format: ExportFormat) -> (Exported, Vec<u8>) {
    let mut out = Vec::new();
    let exported = fixture.filter.view(&user("ann")).export(&Query::all(), Export::new(format, &mut out)).unwrap();
    assert_eq!(exported.bytes, out.len() as u64);
    (exported, out)
}

fn revealed(reveal: &mut Reveal, private_rows: PrivateRows, format: ExportFormat) -> (Exported, Vec<u8>) {
    let mut out = Vec::new();
    let exported = reveal.export(private_rows, Export::new(format, &mut out)).unwrap();
    (exported, out)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The records after the first `count`.
fn records_after(fixture: &Fixture, count: usize) -> Vec<Record> {
    fixture.records().into_iter().skip(count).map(|entry| entry.record).collect()
}

fn event(reveal: &Reveal, format: ExportFormat, private_rows: PrivateRows) -> Event {
    Event::Export(ExportSummary { reveal: reveal.id(), format, private_rows })
}

#[test]
fn v5_view_export_contains_every_public_activity() {
    let fixture = fixture_with(1_000);
    let expected: Vec<String> = fixture.public_ids();
    let (exported, out) = viewed(&fixture, ExportFormat::JsonLines);
    assert_eq!((exported.public, exported.private, exported.is_complete()), (667, 0, true));
    let lines: Vec<Value> = text(out).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    let (_, out) = viewed(&fixture, ExportFormat::Csv);
    let mut table = csv::Reader::from_reader(&out[..]);
    assert_eq!(table.records().map(|row| row.unwrap()[1].to_owned()).collect::<Vec<_>>(), expected);
}

#[test]
fn v2_view_export_equals_one_without_private_activities() {
    let with = fixture_with(1_000);
    let without = Fixture::new();
    without.install(people(&[("canary", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    without.permit_root();
    let public: Vec<Activity> =
        with.everything().into_iter().filter_map(|stored| Some(stored.into_public()?.activity().clone())).collect();
    without.ingest(&public);
    let mut formats = FORMATS.to_vec();
    if cfg!(feature = "parquet") {
        formats.push(ExportFormat::Parquet);
    }
    for format in formats {
        let (exported, out) = viewed(&with, format);
        assert_eq!((exported, &out), (viewed(&without, format).0, &viewed(&without, format).1), "{format}");
        assert!(!out.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{format}");
    }
}

#[test]
fn f1_forwarded_lines_contain_no_private_text() {
    let fixture = fixture_with(600);
    let batch = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap();
    assert_eq!(batch.activities.len(), 400);
    for format in ActivityFormat::ALL {
        let syslog = Syslog::new("-", format).unwrap().with_enterprise_number(32_473);
        for (n, activity) in batch.activities.iter().enumerate() {
            let (mut out, own) = (Vec::new(), format!("bob-{}", n / 2 * 3 + n % 2 * 2));
            format.write(activity, &mut out).unwrap();
            syslog.write(activity, &mut out).unwrap();
            let out = text(out).to_lowercase();
            assert!(!out.contains(CANARY) && out.contains(&own), "{format}: {out}");
        }
    }
}

#[test]
fn v5_reveal_export_omits_private_activities_by_default() {
    let fixture = fixture_with(600);
    assert_eq!(PrivateRows::default(), PrivateRows::Omit);
    for format in FORMATS {
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let before = fixture.records().len();
        let (exported, out) = revealed(&mut reveal, PrivateRows::Omit, format);
        assert_eq!((exported, out), viewed(&fixture, format));
        // No page was read, so no private activity was viewed.
        let records = records_after(&fixture, before);
        let [intent, outcome] = &records[..] else { panic!("{} records", records.len()) };
        assert_eq!((&intent.event, &intent.outcome), (&event(&reveal, format, PrivateRows::Omit), &Outcome::Intended));
        assert_eq!((&outcome.event, &outcome.outcome), (&intent.event, &Outcome::Done { intent: intent.id }));
        assert_eq!((intent.kind(), intent.targets()), (RecordKind::Export, vec![reveal.id().to_string()]));
    }
    let mut reveal = fixture.filter.reveal(reveal_all("root").private_only()).unwrap();
    let (exported, out) = revealed(&mut reveal, PrivateRows::Omit, ExportFormat::JsonLines);
    assert_eq!((exported.public, out.len()), (0, 0), "all that the reveal is about is omitted");
}

#[test]
fn v5_redacted_row_says_only_private() {
    let fixture = fixture_with(600);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let (exported, out) = revealed(&mut reveal, PrivateRows::Redact, ExportFormat::JsonLines);
    assert_eq!((exported.public, exported.private), (400, 200));
    let out = text(out);
    assert!(!out.to_lowercase().contains(CANARY));
    // Newest first, so the last line is activity 0.
    for (n, line) in out.lines().rev().enumerate() {
        let is_private = n % 3 == 1;
        assert_eq!(line == r#"{"version":1,"decision":{"visibility":"private"}}"#, is_private, "{line}");
        assert_eq!(line.contains(&format!("\"bob-{n}\"")), !is_private, "{line}");
    }
    let (exported, out) = revealed(&mut reveal, PrivateRows::Redact, ExportFormat::Csv);
    let out = text(out);
    assert!(exported.private == 200 && !out.to_lowercase().contains(CANARY));
    assert_eq!(out.lines().filter(|line| *line == "private,,,,,,,,,,,,,,,").count(), 200);
    assert_eq!(out.lines().filter(|line| line.starts_with("public,bob-")).count(), 400);
}

#[test]
fn r3_redacted_export_records_each_page() {
    let fixture = fixture_with(600);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let before = fixture.records().len();
    revealed(&mut reveal, PrivateRows::Redact, ExportFormat::Csv);
    let records = records_after(&fixture, before);
    let kinds: Vec<_> = records.iter().map(Record::kind).collect();
    use RecordKind::{Export as Exports, Page};
    assert_eq!(kinds, [Exports, Page, Page, Page, Exports]);
    let private = |record: &Record| match &record.event {
        Event::Page { private, .. } => private.value().copied(),
        _ => None,
    };
    assert_eq!(records.iter().filter_map(private).sum::<u64>(), 200);
    assert_eq!(reveal.close().unwrap().private, 200);
}

/// A writer that runs an action before each write.
struct Before<F: FnMut(usize) -> io::Result<()>>(usize, F);

impl<F: FnMut(usize) -> io::Result<()>> Write for Before<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        (self.1)(self.0)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn g1_reveal_export_is_recorded_before_its_first_byte() {
    for private_rows in [PrivateRows::Omit, PrivateRows::Redact] {
        let fixture = fixture_with(600);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let expected = event(&reveal, ExportFormat::JsonLines, private_rows);
        let mut writes = 0;
        let mut out = Before(0, |_| {
            writes += 1;
            let records = fixture.records();
            let of_export: Vec<_> = records.iter().filter(|entry| entry.record.event == expected).collect();
            assert_eq!(of_export.len(), 1);
            assert_eq!(of_export[0].record.outcome, Outcome::Intended);
            Ok(())
        });
        reveal.export(private_rows, Export::new(ExportFormat::JsonLines, &mut out)).unwrap();
        assert!(writes > 0);
    }
}

#[test]
fn r2_unrecorded_export_writes_nothing() {
    let sink = FaultySink::new(&Log::default());
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), Arc::clone(&sink) as _);
    fixture.install(people(&[("adele", &["council"])])).make_private("council").permit_root();
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]);
    for private_rows in [PrivateRows::Omit, PrivateRows::Redact] {
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        sink.fault_in(0, Fault::Fails);
        let mut out = Vec::new();
        let error = reveal.export(private_rows, Export::new(ExportFormat::JsonLines, &mut out)).unwrap_err();
        assert!(matches!(error, ExportError::Unrecorded(_)) && out.is_empty(), "{error:?}");
    }
    // The record of the export succeeds, and that of its page fails.
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    sink.fault_in(1, Fault::Fails);
    let mut out = Vec::new();
    let error = reveal.export(PrivateRows::Redact, Export::new(ExportFormat::JsonLines, &mut out)).unwrap_err();
    assert!(matches!(error, ExportError::Unrecorded(_)) && out.is_empty(), "{error:?}");
    // The record of the outcome fails: the export is complete.
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    sink.fault_in(1, Fault::Fails);
    let mut out = Vec::new();
    let error = reveal.export(PrivateRows::Omit, Export::new(ExportFormat::JsonLines, &mut out)).unwrap_err();
    assert!(matches!(error, ExportError::OutcomeUnrecorded(_)), "{error:?}");
    assert_eq!((error.kind(), text(out).lines().count()), (ErrorKind::OutcomeUnrecorded, 1));
}

#[test]
fn p2_revocation_stops_redacted_export_at_next_page() {
    let fixture = fixture_with(600);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let mut out = Before(0, |number| {
        if number == 1 {
            fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        }
        Ok(())
    });
    let error = reveal.export(PrivateRows::Redact, Export::new(ExportFormat::JsonLines, &mut out)).unwrap_err();
    assert!(matches!(error, ExportError::Denied(Denial::NotPermitted)) && out.0 == 1, "{error:?}");
    let last = fixture.records().pop().unwrap().record;
    assert_eq!((last.kind(), last.outcome.kind().as_str()), (RecordKind::Export, "failed"));
    assert!(matches!(last.outcome, Outcome::Failed { reason: FailureReason::Denied(Denial::NotPermitted), .. }));
    // A later export is denied before its first byte, on record.
    for private_rows in [PrivateRows::Omit, PrivateRows::Redact] {
        let mut out = Vec::new();
        let error = reveal.export(private_rows, Export::new(ExportFormat::Csv, &mut out)).unwrap_err();
        assert!(matches!(error, ExportError::Denied(Denial::NotPermitted)) && out.is_empty(), "{error:?}");
        let last = fixture.records().pop().unwrap().record;
        assert_eq!(last.event, event(&reveal, ExportFormat::Csv, private_rows));
        assert_eq!(last.outcome, Outcome::Denied(Denial::NotPermitted));
    }
}

#[test]
fn v5_failed_output_is_recorded() {
    let fixture = fixture_with(600);
    for private_rows in [PrivateRows::Omit, PrivateRows::Redact] {
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let mut out = Before(0, |number| if number == 2 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) });
        let error = reveal.export(private_rows, Export::new(ExportFormat::Csv, &mut out)).unwrap_err();
        assert!(matches!(&error, ExportError::Write(error) if error.kind() == io::ErrorKind::StorageFull), "{error:?}");
        let last = fixture.records().pop().unwrap().record.outcome;
        assert!(matches!(last, Outcome::Failed { reason: FailureReason::Output, .. }), "{last:?}");
    }
}

/// Exports up to the page after which `stop` says so.
fn stopped(
    fixture: &Fixture,
    format: ExportFormat,
    out: &mut Vec<u8>,
    after: Option<Cursor>,
    pages: usize,
) -> Exported {
    let mut seen = Vec::new();
    let mut export = Export::new(format, out).on_progress(|progress| {
        seen.push(progress.clone());
        if seen.len() == pages { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(cursor) = after {
        export = export.after(cursor);
    }
    let exported = fixture.filter.view(&user("ann")).export(&Query::all(), export).unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].public < pair[1].public && pair[0].bytes <= pair[1].bytes));
    exported
}

#[test]
fn v5_export_resumes_where_it_stopped() {
    let fixture = fixture_with(3_000);
    for format in FORMATS {
        let (_, whole) = viewed(&fixture, format);
        let mut file = Vec::new();
        let first = stopped(&fixture, format, &mut file, None, 3);
        assert_eq!((first.public, first.is_complete()), (750, false));
        assert_eq!(first.bytes, file.len() as u64);
        // A crash after more was written than the caller saw.
        file.extend_from_slice(b"{\"id\":\"half a li");
        file.truncate(usize::try_from(first.bytes).unwrap());
        let rest = stopped(&fixture, format, &mut file, first.next, usize::MAX);
        assert_eq!((first.public + rest.public, rest.is_complete()), (2_000, true));
        assert_eq!(text(file), text(whole), "{format}");
    }
}

#[test]
fn v4_export_rejects_foreign_cursor() {
    let fixture = fixture_with(600);
    let mut file = Vec::new();
    let cursor = stopped(&fixture, ExportFormat::JsonLines, &mut file, None, 1).next.unwrap();
    let mut out = Vec::new();
    let export = Export::new(ExportFormat::Csv, &mut out).after(cursor.clone());
    let error = fixture.filter.view(&user("bob")).export(&Query::all(), export).unwrap_err();
    assert!(matches!(error, ExportError::Cursor(CursorError::Foreign)) && out.is_empty(), "{error:?}");
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let mut out = Vec::new();
    let export = Export::new(ExportFormat::Csv, &mut out).after(cursor);
    let error = reveal.export(PrivateRows::Redact, export).unwrap_err();
    assert!(matches!(error, ExportError::Cursor(CursorError::Foreign)) && out.is_empty(), "{error:?}");
}

#[test]
fn v5_redacted_export_resumes_within_its_reveal() {
    let fixture = fixture_with(1_000);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let (_, whole) = revealed(&mut reveal, PrivateRows::Redact, ExportFormat::Csv);
    let mut file = Vec::new();
    let export = Export::new(ExportFormat::Csv, &mut file).on_progress(|_| ControlFlow::Break(()));
    let first = reveal.export(PrivateRows::Redact, export).unwrap();
    assert_eq!(first.public + first.private, 250);
    let export = Export::new(ExportFormat::Csv, &mut file).after(first.next.unwrap());
    assert!(reveal.export(PrivateRows::Redact, export).unwrap().is_complete());
    assert_eq!(text(file), text(whole));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn v5_parquet_without_its_feature_is_an_error() {
    let fixture = fixture_with(3);
    let mut out = Vec::new();
    let export = Export::new(ExportFormat::Parquet, &mut out);
    let error = fixture.filter.view(&user("ann")).export(&Query::all(), export).unwrap_err();
    assert!(matches!(error, ExportError::NoParquet) && error.kind() == ErrorKind::Misconfigured && out.is_empty());
}

/// Returns a fixture that stores every activity as public.
fn open_fixture(all: &[Activity]) -> Fixture {
    let fixture = Fixture::new();
    fixture.options(OptionsPatch::new().on_undecidable(OnUndecidable::FailOpen));
    fixture.ingest(all);
    fixture
}

/// Removes the apostrophe that an export puts before some cells.
fn cell(text: &str) -> &str {
    text.strip_prefix('\'').unwrap_or(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn v5_csv_cells_read_back_and_begin_no_formula(all in vec(activities(), 0..6)) {
        let all: Vec<Activity> = all.into_iter().map(|public| public.activity().clone()).collect();
        let fixture = open_fixture(&all);
        let page = fixture.filter.view(&user("ann")).page(&Query::all(), PageSize::MAX, None).unwrap();
        let (_, out) = viewed(&fixture, ExportFormat::Csv);
        let mut table = csv::ReaderBuilder::new().flexible(false).from_reader(&out[..]);
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), page.activities().len());
        for (row, stored) in rows.iter().zip(page.activities()) {
            for raw in row {
                prop_assert!(!raw.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']), "{raw:?}");
            }
            let (of, row) = (stored.activity(), row.iter().map(cell).collect::<Vec<_>>());
            prop_assert_eq!(&row[..2], ["public", of.id().as_str()]);
            prop_assert_eq!(row[2].parse::<chrono::DateTime<chrono::Utc>>().unwrap(), of.occurred_at());
            prop_assert_eq!(&row[3..5], [of.actor().kind().as_str(), of.actor().label()]);
            let principals: Vec<Actor> = serde_json::from_str(row[6]).unwrap();
            prop_assert_eq!(&principals, of.on_behalf_of());
            prop_assert_eq!(serde_json::from_str::<Vec<activity_privacy::identity::Identity>>(row[5]).unwrap(), of.actor().identities());
            prop_assert_eq!(&row[7..10], [of.app().name().as_str(), of.app().suite().map_or("", AsRef::as_ref), of.action().as_str()]);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(row[10]).unwrap(), of.objects().collect::<Vec<_>>());
            prop_assert_eq!(row[11], of.details().unwrap_or_default());
        }
    }
}

#[test]
fn v5_formula_cells_begin_with_apostrophe() {
    let cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'quoted", "plain"];
    let all: Vec<Activity> = (0..)
        .zip(cells)
        .map(|(n, cell)| {
            let actor = Actor::user(Alias::new("bob@contoso.com").unwrap()).with_identity(UserId::new("bob").unwrap());
            let app = App::new("Box".parse().unwrap());
            let begun = Activity::builder(format!("={n}").parse().unwrap(), actor, app, "-x".parse().unwrap(), at(-n));
            begun.details(cell).build().unwrap()
        })
        .collect();
    let (_, out) = viewed(&open_fixture(&all), ExportFormat::Csv);
    let mut table = csv::Reader::from_reader(&out[..]);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let details: Vec<&str> = rows.iter().map(|row| &row[11]).collect();
    let expected = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "'\n=1", "'＝1", "''quoted", "plain"];
    assert_eq!(details, expected);
    assert_eq!((&rows[0][1], &rows[0][9]), ("'=0", "'-x"));
}
