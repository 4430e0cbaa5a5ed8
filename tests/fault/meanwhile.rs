//! A sink during whose recording of a page something happens.

use std::sync::Mutex;

use activity_privacy::memory::MemorySink;
use activity_privacy::*;

use crate::forward::forward;

/// Does something once, while it records a page.
#[derive(Default)]
pub(crate) struct Meanwhile {
    inner: MemorySink,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meanwhile {
    pub(crate) fn then(&self, act: impl FnOnce() + Send + 'static) {
        *self.act.lock().unwrap() = Some(Box::new(act));
    }
}

impl GovernanceSink for Meanwhile {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if matches!(record.act, Act::Page { .. })
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}
