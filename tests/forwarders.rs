//! Named forwarders, their driver, and followers of the governance records: F1 to F3 and G9.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

mod forwarders {
    mod back_off;
    mod destination;
    mod driver;
    mod driver_limits;
    mod followers;
    mod gaps;
    mod histories;
    mod named;
    mod nodes;
    mod refusals;
    mod scene;
    mod set_aside;
}
