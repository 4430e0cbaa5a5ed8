//! A sink that runs a closure while it records a page.

use std::sync::Mutex;

use activity_privacy::governance::{Event, GovernanceSink, Receipt, Record, SinkError};
use activity_privacy::memory::MemorySink;

use crate::forward::forward;

/// Runs a closure once, while it records a page.
#[derive(Default)]
pub(crate) struct Meanwhile {
    inner: MemorySink,
    action: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meanwhile {
    pub(crate) fn then(&self, action: impl FnOnce() + Send + 'static) {
        *self.action.lock().unwrap() = Some(Box::new(action));
    }
}

impl GovernanceSink for Meanwhile {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if matches!(record.event, Event::Page { .. })
            && let Some(action) = self.action.lock().unwrap().take()
        {
            action();
        }
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}
