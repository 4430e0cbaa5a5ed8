//! A sink and a store that fail, hang, panic or return wrong results on command, and that log their calls.
#![allow(dead_code, unused_imports, reason = "every test file uses a part of it")]

mod meanwhile;
mod sink;
mod store;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use meanwhile::Meanwhile;
pub(crate) use sink::{FAULTS, Fault, FaultySink, UNDETECTABLE_FAULTS};
pub(crate) use store::{FaultyStore, STORE_FAULTS, StoreFault};

/// The timeout of sinks in these tests, and the duration of a hanging call.
pub(crate) const LIMIT: Duration = Duration::from_millis(200);
pub(crate) const HANG: Duration = Duration::from_millis(600);

/// The calls of a sink and a store that share the log, in order.
pub(crate) type Log = Arc<Mutex<Vec<&'static str>>>;

/// Panics without the hook, which can take long to print a backtrace.
fn panic_on_command() -> ! {
    std::panic::resume_unwind(Box::new("on command"))
}
