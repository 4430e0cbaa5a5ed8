//! Parquet files, read by the reader of the crate `parquet`.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use super::*;

/// Returns a column of a row. Its name is that of the schema.
fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(of, _)| *of == name).unwrap().1
}

fn text_of<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    match field(row, name) {
        Field::Str(text) => Some(text),
        Field::Bytes(bytes) => Some(std::str::from_utf8(bytes.data()).unwrap()),
        Field::Null => None,
        other => panic!("{name} is {other:?}"),
    }
}

fn rows(file: Vec<u8>) -> Vec<Row> {
    SerializedFileReader::new(Bytes::from(file)).unwrap().get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

#[test]
fn v5_redacted_parquet_row_says_only_private() {
    let fixture = fixture_with(600);
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let (exported, out) = revealed(&mut reveal, PrivateRows::Redact, ExportFormat::Parquet);
    assert_eq!((exported.public, exported.private, exported.bytes), (400, 200, out.len() as u64));
    let rows = rows(out);
    assert_eq!(rows.len(), 600);
    for (n, row) in rows.iter().rev().enumerate() {
        let is_private = n % 3 == 1;
        assert_eq!(text_of(row, "visibility"), Some(if is_private { "private" } else { "public" }));
        let is_empty = row.get_column_iter().skip(1).all(|(_, field)| *field == Field::Null);
        assert_eq!(is_empty, is_private, "{row}");
    }
}

#[test]
fn v5_parquet_file_has_several_row_groups() {
    let fixture = fixture_with(100_000);
    let (exported, out) = viewed(&fixture, ExportFormat::Parquet);
    assert!(exported.is_complete());
    let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
    assert!(reader.num_row_groups() > 1);
    assert_eq!(reader.metadata().file_metadata().num_rows(), i64::try_from(exported.public).unwrap());
}

#[test]
fn v5_stopped_parquet_export_is_a_whole_file() {
    let fixture = fixture_with(3_000);
    let mut file = Vec::new();
    let first = stopped(&fixture, ExportFormat::Parquet, &mut file, None, 3);
    let mut rest = Vec::new();
    let last = stopped(&fixture, ExportFormat::Parquet, &mut rest, first.next, usize::MAX);
    assert_eq!((first.public, last.public), (750, 1_250));
    let ids = |file| rows(file).iter().map(|row| text_of(row, "id").unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!([ids(file), ids(rest)].concat(), fixture_ids(&fixture));
}

fn fixture_ids(fixture: &Fixture) -> Vec<String> {
    let (_, out) = viewed(fixture, ExportFormat::JsonLines);
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    text(out).lines().map(id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn v5_parquet_values_read_back_unchanged(all in vec(activities(), 0..6)) {
        let all: Vec<Activity> = all.into_iter().map(|public| public.activity().clone()).collect();
        let fixture = open_fixture(&all);
        let page = fixture.filter.view(&user("ann")).page(&Query::all(), PageSize::MAX, None).unwrap();
        let rows = rows(viewed(&fixture, ExportFormat::Parquet).1);
        prop_assert_eq!(rows.len(), page.activities().len());
        for (row, stored) in rows.iter().zip(page.activities()) {
            let (of, decision) = (stored.activity(), stored.decision());
            prop_assert_eq!(text_of(row, "id"), Some(of.id().as_str()));
            prop_assert_eq!(field(row, "occurred_at"), &Field::TimestampMicros(of.occurred_at().timestamp_micros()));
            prop_assert_eq!(text_of(row, "actor_kind"), Some(of.actor().kind().as_str()));
            prop_assert_eq!(text_of(row, "actor"), Some(of.actor().label()));
            let principals: Vec<Actor> = serde_json::from_str(text_of(row, "on_behalf_of").unwrap()).unwrap();
            prop_assert_eq!(&principals, of.on_behalf_of());
            prop_assert_eq!(text_of(row, "app"), Some(of.app().name().as_str()));
            prop_assert_eq!(text_of(row, "suite"), of.app().suite().map(AsRef::as_ref));
            prop_assert_eq!(text_of(row, "action"), Some(of.action().as_str()));
            let Field::ListInternal(list) = field(row, "objects") else { panic!("objects are no list") };
            let objects: Vec<&str> = list.elements().iter().map(|item| match item {
                Field::Str(text) => text.as_str(),
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(objects, of.objects().collect::<Vec<_>>());
            prop_assert_eq!(text_of(row, "details"), of.details());
            prop_assert_eq!(field(row, "policy"), &Field::ULong(decision.policy().number()));
        }
    }
}
