//! When requests for reveals were looked at last.

use std::collections::HashMap;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};

use crate::governance::RequestId;
use crate::reveal::Approvals;
use crate::sync::Mutex;

/// The latest time at which this process looked at each request that is on record, so that one that was found over stays
/// over when the clock goes back. Other processes go by the times of the answers in the log, refused ones included.
#[derive(Default)]
pub(super) struct Requests(Mutex<HashMap<RequestId, DateTime<Utc>>>);

impl Requests {
    /// Tells the approvals of a request when it was looked at last, which is now or later.
    pub(super) fn look(&self, approvals: &mut Approvals, now: DateTime<Utc>) {
        // Ids of no request would fill the memory.
        if approvals.asked().is_some() {
            let mut looked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let last = looked.entry(approvals.request()).or_insert(now);
            *last = now.max(*last);
            approvals.saw(*last);
        }
    }
}
