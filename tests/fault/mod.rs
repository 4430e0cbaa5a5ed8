//! A sink and a store that fail, hang, lie or break off on command, and that say what they were asked.
#![allow(dead_code, unused_imports, reason = "every test file uses a part of it")]

mod meanwhile;
mod sink;
mod store;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use meanwhile::Meanwhile;
pub(crate) use sink::{FAULTS, Fault, FaultySink, UNSEEN_FAULTS};
pub(crate) use store::{FaultyStore, STORE_FAULTS, StoreFault};

/// How long a sink in these tests may take, and how long one that hangs does.
pub(crate) const LIMIT: Duration = Duration::from_millis(200);
pub(crate) const HANG: Duration = Duration::from_millis(600);

/// What was asked, in order, of a sink and a store that share it.
pub(crate) type Log = Arc<Mutex<Vec<&'static str>>>;

/// Without the hook, which can take its time to print a backtrace.
fn panic_on_command() -> ! {
    std::panic::resume_unwind(Box::new("on command"))
}
