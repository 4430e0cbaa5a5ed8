//! In which closed segments rows are that name one of some identities, and which rows.

use rusqlite::Connection;

use super::directory::Presence;
use super::keys::{self, Clause, Wanted};
use super::order::Order;
use super::ranks::{Hits, Lists};
use super::tail::Tail;
use crate::identity::Identity;
use crate::store::StoreError;

/// Some rows that may name one of the identities.
pub(in crate::sqlite) struct Holding {
    /// In rising order.
    pub(in crate::sqlite) sequences: Vec<i64>,
    /// Up to and with this sequence, no other row does.
    pub(in crate::sqlite) up_to: i64,
    /// Whether no closed segment is left. What lies in the open one is not told: whoever asks reads its rows.
    pub(in crate::sqlite) is_all: bool,
}

/// The public rows after a sequence that may name one of some identities, those of one segment at a time. They may be
/// gone. Costs two look-ups a group where none of its segments knows the identities. To be called in a transaction.
pub(in crate::sqlite) fn holding(
    connection: &Connection,
    tail: &Tail,
    identities: &[Identity],
    after: i64,
) -> Result<Holding, StoreError> {
    let snapshot = tail.snapshot(connection)?;
    let wanted = Wanted { clauses: vec![Clause(identities.iter().map(keys::of).collect())], is_exact: false };
    let mut presence = Presence::default();
    let mut up_to = after;
    for number in 0..snapshot.closed {
        let Some(closed) = snapshot.directory.segment(number).filter(|closed| closed.last > after) else { continue };
        up_to = closed.last;
        let among = (&*snapshot.directory, snapshot.closed);
        if closed.is_empty() || !presence.may_hold(connection, among, &wanted, number)? {
            continue;
        }
        let Some(mut hits) = Hits::find(connection, closed, &wanted, Lists::All)? else { continue };
        let (mut order, mut sequences) = (Order::of(*closed), Vec::new());
        while let Some(rank) = hits.next()? {
            sequences.push(order.entry(connection, rank)?.sequence);
        }
        sequences.retain(|sequence| *sequence > after);
        if !sequences.is_empty() {
            sequences.sort_unstable();
            return Ok(Holding { sequences, up_to, is_all: false });
        }
    }
    Ok(Holding { sequences: Vec::new(), up_to, is_all: true })
}
