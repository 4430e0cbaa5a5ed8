//! The offsets of forwarders, in the file of the activities that they refer to.

use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::document::{FORWARDER, damaged, document, from_json, to_json};
use crate::forward::{FeedKind, ForwarderName, ForwarderOffsets, SavedForwarder};
use crate::store::StoreError;

impl ForwarderOffsets for SqliteStore {
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
        self.file.read(|connection| saved(connection, feed, name))
    }

    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        self.file.read(|connection| {
            let select = "SELECT document, feed, name FROM forwarder ORDER BY feed, name";
            let mut statement = connection.prepare_cached(select)?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let unreadable = |_| damaged(FORWARDER);
                let feed = row.get_ref(1)?.as_str().map_err(unreadable)?.parse().map_err(|_| damaged(FORWARDER))?;
                let name = ForwarderName::new(row.get_ref(2)?.as_str().map_err(unreadable)?);
                all.push((feed, name.map_err(|_| damaged(FORWARDER))?, from_json(FORWARDER, &document(row)?)?));
            }
            Ok(all)
        })
    }

    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let (name, expected) = (name.clone(), expected.cloned());
        let next = next.map(|next| to_json(FORWARDER, next)).transpose()?;
        self.file.write(move |writer| {
            let connection = writer.connection();
            if saved(connection, feed, &name)? != expected {
                return Ok(false);
            }
            match &next {
                Some(document) => connection
                    .prepare_cached("INSERT OR REPLACE INTO forwarder (feed, name, document) VALUES (?1, ?2, ?3)")?
                    .execute(params![feed.as_str(), name.as_str(), document])?,
                None => connection
                    .prepare_cached("DELETE FROM forwarder WHERE feed = ?1 AND name = ?2")?
                    .execute(params![feed.as_str(), name.as_str()])?,
            };
            Ok::<_, StoreError>(true)
        })
    }
}

fn saved(connection: &Connection, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
    let found = connection
        .prepare_cached("SELECT document FROM forwarder WHERE feed = ?1 AND name = ?2")?
        .query_row(params![feed.as_str(), name.as_str()], document)
        .optional()?;
    found.map(|found| from_json(FORWARDER, &found)).transpose()
}
