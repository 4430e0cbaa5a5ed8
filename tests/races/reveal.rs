//! P2, R2, R3 and G1: reveals that race a revocation, and records that race each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use activity_privacy::filter::{Page, RevealError};
use activity_privacy::governance::{
    Digest, Event, GovernanceSink, Initiator, Outcome, Receipt, Record, RecordKind, RevealId, SinkError, WriteOnlySink,
};
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::{Denial, PolicyChange, Role};
use activity_privacy::query::PageSize;
use shuttle::thread;

use super::explore::{exhaust, explore};
use super::scene::*;
use crate::fixture::*;
use crate::forward::forward;

/// A sink that notes, when it answers for a page, whether a revocation had already returned.
struct Watchful {
    inner: Arc<MemorySink>,
    revoked: Arc<AtomicBool>,
    /// Whether a revocation had returned, for the page recorded last.
    before_the_answer: Arc<AtomicBool>,
}

impl GovernanceSink for Watchful {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = self.inner.record(record)?;
        // Pauses, as a slow sink does: most revocations return in the meantime.
        for _ in 0..if record.kind() == RecordKind::Page { 40 } else { 1 } {
            thread::yield_now();
        }
        if record.kind() == RecordKind::Page && record.outcome == Outcome::Intended {
            self.before_the_answer.store(self.revoked.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        Ok(receipt)
    }

    forward! { inner: records newest remove }
}

/// Reads pages of a reveal while another node revokes the permission.
fn pages_race_a_revocation(revocation: PolicyChange) {
    let scene = Scene::with_private_council();
    scene.update_policy(PolicyChange::SetAdmin(user("other"), Role::PrivacyAdministrator));
    let [revoking, ingesting] = [1, 1].map(|revision| scene.node(directory(council(revision))));
    ingesting.ingest(&[activity("1", "adele"), activity("2", "bob"), activity("3", "adele")]).unwrap();
    let [revoked, before_the_answer] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let sink = Watchful {
        inner: Arc::clone(&scene.sink),
        revoked: Arc::clone(&revoked),
        before_the_answer: Arc::clone(&before_the_answer),
    };
    let node = scene.builder_over(directory(council(1)), sink).open().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            revoking.update_policy(&user("other"), &revocation).unwrap();
            revoked.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            let asked_after = || revoked.load(Ordering::SeqCst);
            let after = asked_after();
            let Ok(mut reveal) = node.reveal(reveal_all("root")) else { return };
            assert!(!after, "no reveal is opened after the revocation returned");
            let mut cursor = None;
            for _ in 0..2 {
                let after = asked_after();
                let Ok(page) = reveal.page(PageSize::at_most(2), cursor.as_ref()) else { continue };
                assert!(!after, "no page is returned that was requested after the revocation returned");
                assert!(
                    !before_the_answer.load(Ordering::SeqCst),
                    "no page is returned if the revocation returned before its record was durable"
                );
                is_on_record(&scene, reveal.id(), &page);
                cursor = page.next().cloned();
            }
        });
    });
}

/// Checks that the record of a page describes it and precedes it, and that the reveal's record precedes both.
fn is_on_record(scene: &Scene, reveal: RevealId, page: &Page) {
    let private = page.activities().iter().filter(|stored| is_private(stored)).map(|stored| stored.activity().id());
    let seen = Digest::of_ids(private);
    let records = scene.records();
    let opened = records
        .iter()
        .position(|entry| matches!(&entry.record.event, Event::Reveal(summary) if summary.reveal == reveal));
    let shown = records.iter().position(|entry| {
        matches!(&entry.record.event, Event::Page { reveal: of, activities, digest, .. }
            if *of == reveal
                && activities.value() == Some(&(page.activities().len() as u64))
                && digest.value() == Some(&seen))
            && entry.record.outcome == Outcome::Intended
    });
    assert!(opened.is_some() && shown.is_some(), "the page is recorded before it is returned");
    assert!(opened < shown, "the reveal is recorded before the page");
}

#[test]
fn p2_no_page_is_returned_after_revocation() {
    explore(|| pages_race_a_revocation(PolicyChange::Revoke(user("root").into())));
}

#[test]
fn p2_no_page_is_returned_after_role_is_removed() {
    explore(|| pages_race_a_revocation(PolicyChange::RemoveAdmin(user("root"))));
}

#[test]
fn r2_page_is_recorded_first_although_sink_hangs() {
    /// How many pages were shown, and how many were not because the sink timed out.
    static PAGES: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    explore(|| {
        let scene = Scene::with_private_council();
        let ingesting = scene.node(directory(council(1)));
        ingesting.ingest(&[activity("1", "adele"), activity("2", "bob"), activity("3", "adele")]).unwrap();
        // A sink that times out on writes also times out on reads.
        let known = WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed();
        let node = scene.builder(directory(council(1))).write_only_sink(known).sink_timeout(ANY_MOMENT).open().unwrap();
        // Usually the record of the reveal itself times out.
        let Some(mut reveal) = (0..16).find_map(|_| node.reveal(reveal_all("root")).ok()) else { return };
        // Each page has another size, so that a late record of an earlier page cannot be mistaken for its own.
        for size in 1..=3 {
            match reveal.page(PageSize::at_most(size), None) {
                Ok(page) => {
                    is_on_record(&scene, reveal.id(), &page);
                    PAGES[0].fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => {
                    assert!(matches!(error, RevealError::Unrecorded(SinkError::TimedOut)), "{error:?}");
                    PAGES[1].fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    });
    println!("pages shown and not shown: {PAGES:?}");
    assert!(PAGES.iter().all(|pages| pages.load(Ordering::SeqCst) > 0), "{PAGES:?}");
}

fn refusal(scene: &Scene, reader: &str) -> Record {
    Record {
        id: scene.fresh(),
        at: at(0),
        initiator: Initiator::User(user(reader)),
        policy: None,
        event: Event::ReadGovernance,
        outcome: Outcome::Denied(Denial::MayNotReadGovernance),
    }
}

#[test]
fn g1_sequence_numbers_have_no_gap_or_duplicate() {
    exhaust(10_000, || {
        let scene = Scene::new();
        let shared = refusal(&scene, "shared");
        let records = ["one", "other"].map(|reader| refusal(&scene, reader));
        let receipts: Vec<Receipt> = thread::scope(|scope| {
            let threads = records.each_ref().map(|own| {
                let (sink, shared) = (&scene.sink, &shared);
                // Both threads offer a record of their own, and one that they share.
                scope.spawn(move || [own, shared].map(|record| sink.record(record).unwrap()))
            });
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let entries = scene.records();
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
        assert_eq!(numbers, [1, 2, 3]);
        for receipt in receipts {
            let entry = entries.iter().find(|entry| entry.sequence == receipt.sequence()).unwrap();
            assert_eq!(entry.record.id, receipt.record(), "a receipt has the sequence number of its own record");
        }
    });
}
