//! Exports in every format, read back as texts.

use activity_privacy::export::Export;
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::governance::{ExportFormat, PrivateRows};
use activity_privacy::query::Query;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::fixture::*;

pub(crate) const FORMATS: [ExportFormat; 3] = [ExportFormat::JsonLines, ExportFormat::Csv, ExportFormat::Parquet];

/// The rows of an export, and the bytes of the file as text.
pub(crate) struct Rows {
    pub(crate) public: Vec<String>,
    pub(crate) file: String,
}

/// Exports everything: as a view does, or under a reveal by `root`.
pub(crate) fn export(filter: &PrivacyFilter, format: ExportFormat, reveal: Option<PrivateRows>) -> Rows {
    let mut out = Vec::new();
    let export = Export::new(format, &mut out);
    let exported = match reveal {
        None => filter.view(&user("ann")).export(&Query::all(), export),
        Some(private_rows) => {
            let mut reveal = filter.reveal(reveal_all("root")).unwrap();
            let exported = reveal.export(private_rows, export);
            reveal.close().unwrap();
            exported
        }
    };
    let exported = exported.unwrap();
    let rows = rows(format, &out);
    let redacted = rows.iter().filter(|row| !row.contains("canary")).count();
    assert_eq!(redacted as u64, exported.private);
    let public: Vec<String> = rows.into_iter().filter(|row| row.contains("canary")).collect();
    assert_eq!(public.len() as u64, exported.public);
    Rows { public, file: String::from_utf8_lossy(&out).into_owned() }
}

/// Returns each row as one text.
fn rows(format: ExportFormat, out: &[u8]) -> Vec<String> {
    match format {
        ExportFormat::JsonLines => String::from_utf8(out.to_vec()).unwrap().lines().map(str::to_owned).collect(),
        ExportFormat::Csv => {
            let mut reader = csv::Reader::from_reader(out);
            reader.records().map(|row| row.unwrap().iter().collect::<Vec<_>>().join(" ")).collect()
        }
        _ => {
            let reader = SerializedFileReader::new(Bytes::copy_from_slice(out)).unwrap();
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect()
        }
    }
}
