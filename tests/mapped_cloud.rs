//! The maps of cloud platforms, of common schemas and of more services: who acted, in each shape of their records.
#![cfg(feature = "mapped")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "mapped_cloud/ai_platforms.rs"]
mod ai_platforms;
#[path = "mapped_cloud/aws_cloudtrail.rs"]
mod aws_cloudtrail;
#[path = "mapped_cloud/azure_activity.rs"]
mod azure_activity;
#[path = "mapped_cloud/box_events.rs"]
mod box_events;
#[path = "mapped_cloud/collaboration.rs"]
mod collaboration;
#[path = "mapped_cloud/development.rs"]
mod development;
#[path = "mapped_cloud/ecs.rs"]
mod ecs;
#[path = "mapped_cloud/google_cloud.rs"]
mod google_cloud;
#[path = "mapped_cloud/infrastructure.rs"]
mod infrastructure;
#[path = "mapped_cloud/ocsf.rs"]
mod ocsf;
#[path = "mapped/pages.rs"]
mod pages;
#[path = "mapped/reading.rs"]
mod reading;
#[path = "mapped_cloud/security_tools.rs"]
mod security_tools;
#[path = "mapped_cloud/zoom.rs"]
mod zoom;

use activity_privacy::sources::mapped::{Map, detect};
use serde_json::Value;

/// Returns a record of each map of these files.
fn samples() -> Vec<(&'static str, Value)> {
    [
        ai_platforms::samples(),
        aws_cloudtrail::samples(),
        azure_activity::samples(),
        box_events::samples(),
        collaboration::samples(),
        development::samples(),
        ecs::samples(),
        google_cloud::samples(),
        infrastructure::samples(),
        ocsf::samples(),
        security_tools::samples(),
        zoom::samples(),
    ]
    .concat()
}

#[test]
fn b4_each_sample_is_recognized_as_its_source() {
    for (name, record) in samples() {
        let found = detect(record.to_string().as_bytes()).map(Map::name);
        assert_eq!(found, Some(name), "{record}");
    }
}

#[test]
fn b1_each_sample_is_read_by_its_map() {
    for (name, record) in samples() {
        let activity = reading::one(name, &record);
        assert!(!reading::actor(&activity).starts_with("unknown"), "{name}");
    }
}

#[test]
fn b1_pages_of_each_source_are_read() {
    pages::assert_read(samples());
}
