//! Searches of the governance log that read few records beyond those that match.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::row::{self, micros, outcome_word, target_text, targets_text};
use crate::governance::{RecordEntry, RecordKind, RecordQuery, SinkError};

/// Returns the records that match, in sequence. The columns narrow the search before the text of a record is read, and
/// [`RecordQuery::matches`] decides.
pub(super) fn records(
    connection: &Connection,
    query: &RecordQuery,
    after: u64,
    limit: usize,
) -> Result<Vec<RecordEntry>, SinkError> {
    let mut found = Vec::new();
    let searches = RecordSearch::after(query, after)?;
    let are_several = searches.len() > 1;
    for search in &searches {
        found.append(&mut find(connection, search, query, limit)?);
    }
    if are_several {
        found.sort_unstable_by_key(|entry| entry.sequence);
        found.truncate(limit);
    }
    Ok(found)
}

/// Returns the newest record that matches. For a kind that is part of several texts, it looks up the newest of each.
pub(super) fn newest(connection: &Connection, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
    let mut newest: Option<RecordEntry> = None;
    for search in RecordSearch::backwards(query)? {
        let found = find(connection, &search, query, 1)?.pop();
        newest = newest.into_iter().chain(found).max_by_key(|entry| entry.sequence);
    }
    Ok(newest)
}

fn find(
    connection: &Connection,
    search: &RecordSearch,
    query: &RecordQuery,
    limit: usize,
) -> Result<Vec<RecordEntry>, SinkError> {
    let RecordSearch { select, values } = search;
    let values: Vec<(&str, &dyn rusqlite::ToSql)> =
        values.iter().map(|(name, value)| (*name, value as &dyn rusqlite::ToSql)).collect();
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let entry = row::entry(row)?;
        if query.matches(&entry.record) {
            found.push(entry);
        }
    }
    Ok(found)
}

struct RecordSearch {
    select: String,
    values: Vec<(&'static str, Value)>,
}

impl RecordSearch {
    /// Returns the searches for the records after a sequence number, in ascending order: one for each text of the kind
    /// where an index finds them, else one.
    fn after(query: &RecordQuery, after: u64) -> Result<Vec<Self>, SinkError> {
        let after = Value::Integer(i64::try_from(after).unwrap_or(i64::MAX));
        let of = |kinds: &[&str]| {
            let mut search = Self::of(query, kinds, "sequence > :after", "sequence")?;
            search.values.push((":after", after.clone()));
            Ok(search)
        };
        match query.kind.map(row::kind_texts) {
            Some(kinds) if query.outcome.is_some() && query.kind.is_some_and(changes_store) => {
                kinds.chunks(1).map(of).collect()
            }
            kinds => Ok(vec![of(&kinds.unwrap_or_default())?]),
        }
    }

    /// Returns the searches for the newest record, in descending order: one for each text of the kind, because SQLite
    /// would sort all that match several texts.
    fn backwards(query: &RecordQuery) -> Result<Vec<Self>, SinkError> {
        let of = |kinds: &[&str]| Self::of(query, kinds, "TRUE", "sequence DESC");
        match query.kind.map(row::kind_texts) {
            Some(kinds) => kinds.chunks(1).map(of).collect(),
            None => Ok(vec![of(&[])?]),
        }
    }

    /// Searches for records with one of these texts of kinds, or of any kind if there are none.
    fn of(query: &RecordQuery, kinds: &[&str], among: &str, order: &str) -> Result<Self, SinkError> {
        let RecordQuery { from, until, kind, initiator, target, outcome } = query;
        let of_request = matches!(kind, Some(RecordKind::RevealRequest | RecordKind::Approval)) && target.is_some();
        let of_change = kinds.len() == 1 && outcome.is_some() && kind.is_some_and(changes_store);
        let by = match (of_request, of_change) {
            (true, _) => "INDEXED BY requests_by_target",
            (false, true) => "INDEXED BY changes_by_kind",
            (false, false) => "NOT INDEXED",
        };
        // Kind and outcome are literals, because SQLite uses a partial index only if the text of the query implies its
        // condition. They are words of this library, never input.
        let mut conditions = vec![match kinds {
            [] => "removed = 0".to_owned(),
            [one] => format!("kind = '{one}'"),
            several => format!("kind IN ('{}')", several.join("', '")),
        }];
        conditions.extend(outcome.map(|outcome| format!("outcome = '{}'", outcome_word(outcome))));
        let mut values = Vec::new();
        let mut narrow = |condition: &str, name: &'static str, value: Value| {
            conditions.push(condition.to_owned());
            values.push((name, value));
        };
        if let Some(from) = from {
            narrow("recorded_at >= :from", ":from", micros(*from).into());
        }
        if let Some(until) = until {
            // Not `<`, because `until` can be finer than a microsecond.
            narrow("recorded_at <= :until", ":until", micros(*until).into());
        }
        if let Some(initiator) = initiator {
            narrow("initiator = :initiator", ":initiator", initiator.as_str().to_owned().into());
        }
        match target {
            // A request and its approvals have the request as their only target.
            Some(target) if of_request => {
                narrow("targets = :targets", ":targets", targets_text(std::slice::from_ref(target))?.into());
            }
            Some(target) => narrow("instr(targets, :target) > 0", ":target", target_text(target)?.into()),
            None => {}
        }
        let conditions = conditions.join(" AND ");
        let select =
            format!("SELECT sequence, record FROM record {by} WHERE {among} AND {conditions} ORDER BY {order}");
        Ok(Self { select, values })
    }
}

/// Returns whether records of a kind are about changes or removals in the store.
fn changes_store(kind: RecordKind) -> bool {
    use RecordKind::{Erasure, Grant, PolicyChange, Retention, Revocation};
    matches!(kind, PolicyChange | Grant | Revocation | Erasure | Retention)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::governance::OutcomeKind;
    use crate::sqlite::query_plan::query_plan;

    fn plan(connection: &Connection, query: &RecordQuery) -> Vec<String> {
        query_plan(connection, &RecordSearch::after(query, 7).unwrap()[0].select)
    }

    #[test]
    fn g1_record_is_found_by_its_id() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(row::TABLE).unwrap();
        let plan = query_plan(&connection, row::BY_ID);
        assert_eq!(plan, ["SEARCH record USING INDEX sqlite_autoindex_record_1 (id=?)"]);
    }

    #[test]
    fn g3_approvals_of_a_request_are_found_by_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(row::TABLE).unwrap();
        let time = "2026-03-01T09:30:00Z".parse().ok();
        for kind in [None, Some(RecordKind::RevealRequest), Some(RecordKind::Approval), Some(RecordKind::Page)] {
            for target in [None, Some("41".to_owned())] {
                for (from, outcome) in [(None, None), (time, Some(OutcomeKind::Done))] {
                    let is_indexed = target.is_some() && kind.is_some_and(|kind| kind != RecordKind::Page);
                    let expected = if is_indexed {
                        "SEARCH record USING INDEX requests_by_target (targets=? AND rowid>?)"
                    } else {
                        "SEARCH record USING INTEGER PRIMARY KEY (rowid>?)"
                    };
                    let initiator = from.and_then(|_| crate::identity::UserId::new("root").ok());
                    let query = RecordQuery { from, until: from, kind, initiator, target: target.clone(), outcome };
                    assert_eq!(plan(&connection, &query), [expected], "{query:?}");
                }
            }
        }
    }

    #[test]
    fn g8_newest_change_is_found_by_index() {
        use RecordKind::{Erasure, Grant, PolicyChange, Retention, Revocation};
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(row::TABLE).unwrap();
        let plan = |search: &RecordSearch| query_plan(&connection, &search.select);
        for kind in [PolicyChange, Grant, Revocation, Erasure, Retention] {
            for outcome in [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Failed] {
                let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
                for search in RecordSearch::backwards(&query).unwrap() {
                    assert_eq!(
                        plan(&search),
                        ["SEARCH record USING INDEX changes_by_kind (kind=? AND outcome=?)"],
                        "{query:?}"
                    );
                }
            }
        }
        for kind in [PolicyChange, Grant, Revocation, Erasure, Retention] {
            for outcome in [OutcomeKind::Intended, OutcomeKind::Done] {
                let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
                for search in RecordSearch::after(&query, 7).unwrap() {
                    let looked_up = "SEARCH record USING INDEX changes_by_kind (kind=? AND outcome=? AND rowid>?)";
                    assert_eq!(plan(&search), [looked_up], "{query:?}");
                }
            }
        }
        let all = RecordSearch::backwards(&RecordQuery::default()).unwrap();
        assert_eq!(all.iter().map(plan).collect::<Vec<_>>(), [["SCAN record"]], "from the end");
    }
}
