//! Replays the corpora of the fuzz targets, so that every test run checks the inputs that a fuzzer found.
#![cfg(all(feature = "import", feature = "ledger", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy recognises only test functions as tests"
)]

#[path = "../fuzz/checks/mod.rs"]
mod checks;
mod fixture;

use std::path::Path;

/// Runs a check on every file in the corpus of a target, in the order of their names.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    for file in &files {
        // The test runner shows this only if the check fails.
        eprintln!("{}", file.file_name().unwrap().to_string_lossy());
        check(&std::fs::read(file).unwrap());
    }
}

#[test]
fn b1_json_records_of_corpus_are_read_or_rejected() {
    replay("m365_json", checks::m365_json::check);
}

#[test]
fn b1_csv_rows_of_corpus_are_read_or_rejected() {
    replay("m365_csv", checks::m365_csv::check);
}

#[test]
fn b1_graph_pages_of_corpus_are_read_or_rejected() {
    replay("graph", checks::graph::check);
}

#[test]
fn b1_scim_bodies_of_corpus_are_read_or_rejected() {
    replay("scim", checks::scim::check);
}

#[test]
fn b1_policy_documents_of_corpus_are_valid_or_rejected() {
    replay("policy_document", checks::policy_document::check);
}

#[test]
fn b2_invalid_stored_documents_of_corpus_are_not_quoted() {
    replay("stored_documents", checks::stored_documents::check);
}

#[test]
fn b3_names_of_corpus_are_parsed_without_panic() {
    replay("identity", checks::identity::check);
}

#[test]
fn b3_cursors_of_corpus_are_valid_or_rejected() {
    replay("cursor", checks::cursor::check);
}

#[test]
fn b3_both_stores_answer_queries_of_corpus_alike() {
    replay("query", checks::query::check);
}

#[test]
fn b1_ldif_records_of_corpus_are_read_or_rejected() {
    replay("ldif", checks::ldif::check);
}

#[test]
fn b1_directory_tables_of_corpus_are_read_or_rejected() {
    replay("table", checks::table::check);
}

#[test]
fn g6_logs_of_corpus_are_verified_or_rejected() {
    replay("ledger", checks::ledger::check);
}
