//! A sink during whose recording of a page something happens.

use std::sync::Mutex;

use activity_privacy::governance::{Event, GovernanceSink, Receipt, Record, SinkError};
use activity_privacy::memory::MemorySink;

use crate::forward::forward;

/// Does something once, while it records a page.
#[derive(Default)]
pub(crate) struct Meanwhile {
    inner: MemorySink,
    event: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meanwhile {
    pub(crate) fn then(&self, event: impl FnOnce() + Send + 'static) {
        *self.event.lock().unwrap() = Some(Box::new(event));
    }
}

impl GovernanceSink for Meanwhile {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if matches!(record.event, Event::Page { .. })
            && let Some(event) = self.event.lock().unwrap().take()
        {
            event();
        }
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}
