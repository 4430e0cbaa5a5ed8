//! Prewarmed engines are used for their own snapshot only, and freed after use.

use activity_privacy::directory::GroupDirectory;
use std::sync::Arc;

use activity_privacy::directory::{DirectoryBuilder, DirectoryDelta, DirectoryRevision};

use crate::fixture::{Fixture, activity, at, contoso, group, people, user};

#[test]
fn b3_snapshot_is_freed_after_replacement() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])]));
    // A change prewarms the engine for the next policy.
    fixture.make_private("council");
    fixture.ingest(&[activity("a-1", "adele")]);
    let old = Arc::downgrade(&fixture.directory.snapshot().unwrap());
    fixture.install(people(&[("adele", &["council"]), ("bob", &["council"])]));
    fixture.filter.reconcile_directory().unwrap();
    fixture.ingest(&[activity("a-2", "bob")]);
    assert!(old.upgrade().is_none(), "nobody decides against it any more");
    assert!(fixture.is_private("a-2"));
}

#[test]
fn b3_prewarmed_snapshot_is_freed_if_never_installed() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).make_private("council");
    fixture.ingest(&[activity("a-1", "adele")]);
    let before = fixture.directory.snapshot().unwrap();
    let prepared = before.apply(&DirectoryDelta::new().user(contoso("eve")), DirectoryRevision(2), at(0)).unwrap();
    let prepared = Arc::new(prepared);
    fixture.filter.prewarm(&prepared).unwrap();
    let never = Arc::downgrade(&prepared);
    drop((before, prepared));
    fixture.install(people(&[("adele", &["council"]), ("bob", &["council"])]));
    fixture.filter.reconcile_directory().unwrap();
    fixture.ingest(&[activity("a-2", "bob")]);
    assert!(never.upgrade().is_none(), "it was overtaken");
}

#[test]
fn d1_prewarmed_engine_is_not_used_for_other_snapshot() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).make_private("council");
    fixture.ingest(&[activity("a-1", "adele")]);
    // Known by id alone until it is the successor of the one before.
    let import = DirectoryBuilder::new()
        .user(contoso("root"))
        .group(group("council"), "council")
        .member(&group("council"), &user("adele"));
    let import = Arc::new(import.build(DirectoryRevision(2), at(0)).unwrap());
    fixture.filter.prewarm(&import).unwrap();
    fixture.directory.install(Arc::clone(&import)).unwrap();
    fixture.ingest(&[activity("a-2", "adele")]);
    assert!(fixture.is_private("a-2"));
}
