//! Replays the corpora of the fuzz targets, so that every test run checks the inputs that a fuzzer found.
#![cfg(all(feature = "import", feature = "ledger", feature = "mapped", feature = "sqlite"))]
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

use std::path::{Path, PathBuf};

use activity_privacy::policy::PrivacyPolicy;

/// Returns every file in the corpus of a target, in the order of their names.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files
}

/// Runs a check on every file in the corpus of a target.
fn replay(target: &str, check: impl Fn(&[u8])) {
    for file in corpus(target) {
        // The test runner shows this only if the check fails.
        eprintln!("{}", file.file_name().unwrap().to_string_lossy());
        check(&std::fs::read(file).unwrap());
    }
}

/// Checks that the written seeds of a target are accepted, except those whose names end as listed. The fuzzer's own
/// inputs have no file extension.
fn written_seeds_are_accepted(target: &str, damaged: &[&str], is_accepted: impl Fn(&[u8]) -> bool) {
    for file in corpus(target).iter().filter(|file| file.extension().is_some()) {
        let name = file.file_stem().unwrap().to_string_lossy();
        let is_damaged = damaged.iter().any(|end| name.ends_with(end));
        assert_eq!(is_accepted(&std::fs::read(file).unwrap()), !is_damaged, "{target}/{name}");
    }
}

#[test]
fn d2_written_seeds_have_the_current_form() {
    let damaged = ["-misspelt", "-spoilt", "-with-more", "cut", "deep", "repeated"];
    written_seeds_are_accepted("stored_documents", &damaged, checks::stored_documents::is_document);
    let damaged = ["no-revision", "no-admin", "repeated-admin", "strange-grant", "unknown-field", "deep"];
    written_seeds_are_accepted("policy_document", &damaged, |input| {
        serde_json::from_slice::<PrivacyPolicy>(input).is_ok()
    });
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
fn b1_mapped_records_of_corpus_are_read_or_rejected() {
    replay("mapped", checks::mapped::check);
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
