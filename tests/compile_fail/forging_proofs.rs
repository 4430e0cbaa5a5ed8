//! Each proof is created only by the step before it.

use activity_privacy::engine::DecidedBatch;
use activity_privacy::governance::{Receipt, Record, RecordedChange, RecordedRemoval};
use activity_privacy::policy::{PrivacyPolicy, Revision};
use activity_privacy::reveal::{PagePermit, RecordedReveal, RevealRequest};

fn a_recorded_reveal(request: RevealRequest, receipt: Receipt, known: RecordedReveal) -> RecordedReveal {
    RecordedReveal { receipt, request, ..known }
}

fn a_page_permit<'a>(request: &'a RevealRequest, known: PagePermit<'a>) -> PagePermit<'a> {
    PagePermit { request, ..known }
}

fn a_recorded_change(record: Record, next: PrivacyPolicy) -> RecordedChange {
    RecordedChange { record, next, expected: None }
}

fn a_recorded_removal(record: Record, known: RecordedRemoval) -> RecordedRemoval {
    RecordedRemoval { record, ..known }
}

fn a_decided_batch<'a>() -> DecidedBatch<'a> {
    DecidedBatch { policy: Revision::FIRST, monitored: Vec::new(), decided: Vec::new() }
}

fn main() {}
