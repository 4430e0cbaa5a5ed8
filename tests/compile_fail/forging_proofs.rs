//! No proof is made but by the step before it.

use activity_privacy::engine::DecidedBatch;
use activity_privacy::governance::{NewPolicy, Receipt, Record, Recorded, Removal};
use activity_privacy::policy::{PrivacyPolicy, Revision};
use activity_privacy::reveal::{AuthorisedReveal, PagePermit, RevealRequest};

fn a_recorded_reveal(receipt: Receipt, known: Recorded<AuthorisedReveal>) -> Recorded<AuthorisedReveal> {
    Recorded { receipt, ..known }
}

fn an_authorised_reveal(request: RevealRequest, known: AuthorisedReveal) -> AuthorisedReveal {
    AuthorisedReveal { request, ..known }
}

fn a_page_permit<'a>(request: &'a RevealRequest, known: PagePermit<'a>) -> PagePermit<'a> {
    PagePermit { request, ..known }
}

fn a_recorded_change(act: NewPolicy, known: Recorded<NewPolicy>) -> Recorded<NewPolicy> {
    Recorded { act, ..known }
}

fn a_new_policy(policy: PrivacyPolicy, known: NewPolicy) -> NewPolicy {
    NewPolicy { policy, ..known }
}

fn a_recorded_removal(record: Record, known: Recorded<Removal>) -> Recorded<Removal> {
    Recorded { record, ..known }
}

fn a_decided_batch<'a>(known: DecidedBatch<'a>) -> DecidedBatch<'a> {
    DecidedBatch { policy: Revision::FIRST, ..known }
}

fn main() {}
