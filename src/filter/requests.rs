//! The times at which requests for reveals were last read.

use std::collections::HashMap;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};

use crate::governance::RequestId;
use crate::reveal::Approvals;
use crate::sync::Mutex;

/// The latest time at which this process read each request on record. A request that was found expired stays expired if
/// the clock is set back. Other processes use the times of the answers in the log, rejected ones included.
#[derive(Default)]
pub(super) struct Requests(Mutex<HashMap<RequestId, DateTime<Utc>>>);

impl Requests {
    /// Notes that a request is read now, and adds the latest such time to its approvals.
    pub(super) fn note_read(&self, approvals: &mut Approvals, now: DateTime<Utc>) {
        // Unknown ids are not kept, because they would fill the memory.
        if approvals.asked().is_some() {
            let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let last = read.entry(approvals.request()).or_insert(now);
            *last = now.max(*last);
            approvals.note_time(*last);
        }
    }
}
