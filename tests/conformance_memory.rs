//! The in-memory adapters fulfil the contracts of their ports.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::error::Error;
use std::sync::Arc;

use activity_privacy::conformance::{
    DirectoryHarness, FinishImport, OffsetsHarness, SinkHarness, Source, StoreHarness,
};
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, GroupDirectory, ImportError};
use activity_privacy::identity::{GroupId, UserId};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::{
    activity_store_conformance, forwarder_offsets_conformance, governance_sink_conformance, group_directory_conformance,
};

/// An adapter in this process. A crash leaves nothing to inspect.
struct InMemory<T>(Arc<T>);

impl StoreHarness for InMemory<MemoryStore> {
    type Store = Arc<MemoryStore>;

    fn fresh() -> Self {
        Self(Arc::new(MemoryStore::new()))
    }

    fn open(&self) -> Self::Store {
        Arc::clone(&self.0)
    }

    fn crash(&mut self) {}
}

impl OffsetsHarness for InMemory<MemoryStore> {
    type Offsets = Arc<MemoryStore>;

    fn fresh() -> Self {
        Self(Arc::new(MemoryStore::new()))
    }

    fn open(&self) -> Self::Offsets {
        Arc::clone(&self.0)
    }

    fn crash(&mut self) {}
}

impl SinkHarness for InMemory<MemorySink> {
    type Sink = Arc<MemorySink>;

    fn fresh() -> Self {
        Self(Arc::new(MemorySink::new()))
    }

    fn open(&self) -> Self::Sink {
        Arc::clone(&self.0)
    }

    fn crash(&mut self) {}
}

impl DirectoryHarness for InMemory<MemoryDirectory> {
    type Directory = Arc<MemoryDirectory>;

    fn fresh() -> Self {
        Self(Arc::new(MemoryDirectory::new()))
    }

    fn open(&self) -> Self::Directory {
        Arc::clone(&self.0)
    }

    fn import(&self, source: &Source) -> Result<(), Box<dyn Error + Send + Sync>> {
        let revision = self.0.snapshot().map_or(1, |snapshot| snapshot.revision().0 + 1);
        Ok(self.0.install(builder(source).build(DirectoryRevision(revision), source.as_of)?)?)
    }

    fn import_cut_off(&self, source: &Source) {
        // A membership of a group whose record was cut off.
        let cut = GroupId::new("cut off").unwrap();
        let cut_off = builder(source).member(&cut, &UserId::new("somebody").unwrap());
        let refused = cut_off.build(DirectoryRevision(u64::MAX), source.as_of).unwrap_err();
        assert_eq!(refused, ImportError::UnknownGroup(cut), "an incomplete import is not built");
    }

    fn begin_import<'a>(&'a self, source: &Source) -> FinishImport<'a> {
        let revision = self.0.snapshot().map_or(1, |snapshot| snapshot.revision().0 + 1);
        let built = builder(source).build(DirectoryRevision(revision), source.as_of).unwrap();
        Box::new(move || Ok(self.0.install(built)?))
    }

    fn crash(&mut self) {}
}

fn builder(source: &Source) -> DirectoryBuilder {
    let mut builder = DirectoryBuilder::new();
    for user in &source.users {
        builder = builder.user(user.clone());
    }
    for (id, name) in &source.groups {
        builder = builder.group(id.clone(), name);
    }
    for (group, user) in &source.members {
        builder = builder.member(group, user);
    }
    for (group, child) in &source.nested {
        builder = builder.nested(group, child);
    }
    builder
}

activity_store_conformance!(InMemory<MemoryStore>);
forwarder_offsets_conformance!(InMemory<MemoryStore>);
governance_sink_conformance!(InMemory<MemorySink>);
group_directory_conformance!(InMemory<MemoryDirectory>);
