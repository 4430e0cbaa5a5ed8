//! Values that prove a completed step cannot be built outside the crate, not even by struct update from another one.

use activity_privacy::engine::DecidedBatch;
use activity_privacy::governance::{NewPolicy, Receipt, Record, Recorded, Removal};
use activity_privacy::policy::{PrivacyPolicy, Revision};
use activity_privacy::reveal::{AuthorisedReveal, PagePermit, RevealRequest};

fn forge_recorded_reveal(receipt: Receipt, genuine: Recorded<AuthorisedReveal>) -> Recorded<AuthorisedReveal> {
    Recorded { receipt, ..genuine }
}

fn forge_authorised_reveal(request: RevealRequest, genuine: AuthorisedReveal) -> AuthorisedReveal {
    AuthorisedReveal { request, ..genuine }
}

fn forge_page_permit<'a>(request: &'a RevealRequest, genuine: PagePermit<'a>) -> PagePermit<'a> {
    PagePermit { request, ..genuine }
}

fn forge_recorded_change(act: NewPolicy, genuine: Recorded<NewPolicy>) -> Recorded<NewPolicy> {
    Recorded { act, ..genuine }
}

fn forge_new_policy(policy: PrivacyPolicy, genuine: NewPolicy) -> NewPolicy {
    NewPolicy { policy, ..genuine }
}

fn forge_recorded_removal(record: Record, genuine: Recorded<Removal>) -> Recorded<Removal> {
    Recorded { record, ..genuine }
}

fn forge_decided_batch<'a>(genuine: DecidedBatch<'a>) -> DecidedBatch<'a> {
    DecidedBatch { policy: Revision::FIRST, ..genuine }
}

fn main() {}
