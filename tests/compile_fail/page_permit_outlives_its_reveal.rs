//! Rule R2: the permit to read a page ends with its reveal.

use activity_privacy::governance::{RecordId, Recorded, Salt};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::reveal::{AuthorisedReveal, PagePermit};

fn kept(
    reveal: Recorded<AuthorisedReveal>,
    policy: &PrivacyPolicy,
    record: RecordId,
    salts: [Salt; 4],
) -> Option<PagePermit<'static>> {
    reveal.permit_page(policy, None, record, salts, chrono::DateTime::UNIX_EPOCH).ok()
}

fn main() {}
