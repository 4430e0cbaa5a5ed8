//! Rule R2: leave to read one page ends with the reveal that it is for.

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
