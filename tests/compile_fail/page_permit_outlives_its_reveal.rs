//! Rule R2: a page permit ends with its reveal.

use activity_privacy::governance::{RecordId, Salt};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::reveal::{PagePermit, RecordedReveal};

fn kept(
    reveal: RecordedReveal,
    policy: &PrivacyPolicy,
    record: RecordId,
    salts: [Salt; 4],
) -> Option<PagePermit<'static>> {
    reveal.admit(policy, None, record, salts, chrono::DateTime::UNIX_EPOCH).ok()
}

fn main() {}
