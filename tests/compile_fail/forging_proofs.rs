//! No proof is made but by the step before it.

use activity_privacy::*;

fn a_recorded_reveal(request: RevealRequest, intent: RecordId, known: RecordedReveal) -> RecordedReveal {
    RecordedReveal { intent, request, ..known }
}

fn an_admission<'a>(known: Admission<'a>) -> Admission<'a> {
    Admission { policy: Revision::FIRST, ..known }
}

fn a_recorded_change(record: Record, next: PrivacyPolicy) -> RecordedChange {
    RecordedChange { record, next, expected: None }
}

fn a_stamped_batch<'a>() -> StampedBatch<'a> {
    StampedBatch { policy: Revision::FIRST, monitored: Vec::new(), stamped: Vec::new() }
}

fn main() {}
