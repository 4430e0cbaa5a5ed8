//! Finding records without reading those that were not asked for.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::row::{self, REMOVED, outcome_number, time_number};
use crate::governance::{RecordEntry, RecordKind, RecordQuery, SinkError};

/// The records that match, in sequence. [`RecordQuery::matches`] has the last word; columns leave out before the text of
/// a record is read.
pub(super) fn records(
    connection: &Connection,
    query: &RecordQuery,
    after: u64,
    limit: usize,
) -> Result<Vec<RecordEntry>, SinkError> {
    let Search { select, values } = Search::of(query, after);
    let values: Vec<(&str, &dyn rusqlite::ToSql)> =
        values.iter().map(|(name, value)| (*name, value as &dyn rusqlite::ToSql)).collect();
    let mut statement = connection.prepare_cached(&select)?;
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

/// Whether no record of this kind has several targets.
fn has_one_target(kind: RecordKind) -> bool {
    match kind {
        RecordKind::PolicyChange | RecordKind::Grant | RecordKind::Revocation => false,
        RecordKind::Reveal
        | RecordKind::Page
        | RecordKind::RevealRequest
        | RecordKind::Approval
        | RecordKind::Erasure
        | RecordKind::Retention
        | RecordKind::SinkChange
        | RecordKind::GovernanceRead
        | RecordKind::Directory => true,
    }
}

struct Search {
    select: String,
    values: Vec<(&'static str, Value)>,
}

impl Search {
    fn of(query: &RecordQuery, after: u64) -> Self {
        let RecordQuery { from, until, kind, initiator, target, outcome } = query;
        // Kind and outcome as literals: only so does SQLite see that the index has every row that is asked for.
        let mut conditions = vec![match kind {
            Some(kind) => match row::numbers_of_kind(*kind).as_slice() {
                [one] => format!("kind = {one}"),
                several => format!("kind IN ({})", several.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
            },
            None => format!("kind <> {REMOVED}"),
        }];
        conditions.extend(outcome.map(|outcome| format!("outcome = {}", outcome_number(outcome))));
        let mut values = vec![(":after", Value::Integer(i64::try_from(after).unwrap_or(i64::MAX)))];
        let mut narrow = |condition: &str, name: &'static str, value: Value| {
            conditions.push(condition.to_owned());
            values.push((name, value));
        };
        if let Some(from) = from {
            narrow("at >= :from", ":from", time_number(*from).into());
        }
        if let Some(until) = until {
            // Not `<`, because this one may be finer than a microsecond.
            narrow("at <= :until", ":until", time_number(*until).into());
        }
        if let Some(initiator) = initiator {
            narrow("initiator = :initiator", ":initiator", initiator.as_str().to_owned().into());
        }
        if let Some(target) = target {
            let condition = if kind.is_some_and(has_one_target) {
                "target = :target"
            } else {
                "(target = :target OR instr(target, char(10) || :target || char(10)) > 0)"
            };
            narrow(condition, ":target", target.clone().into());
        }
        let of_request = matches!(kind, Some(RecordKind::RevealRequest | RecordKind::Approval)) && target.is_some();
        let by = if of_request { "INDEXED BY said_of_request" } else { "NOT INDEXED" };
        let conditions = conditions.join(" AND ");
        let select = format!(
            "SELECT sequence, record FROM record {by} WHERE sequence > :after AND {conditions} ORDER BY sequence"
        );
        Self { select, values }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::governance::OutcomeKind;
    use crate::sqlite::table;

    fn plan(connection: &Connection, query: &RecordQuery) -> Vec<String> {
        table::tests::plan(connection, &Search::of(query, 7).select)
    }

    #[test]
    fn g3_what_is_said_of_a_request_is_looked_up_and_nothing_is_sorted() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(row::TABLE).unwrap();
        let time = "2026-03-01T09:30:00Z".parse().ok();
        for kind in [None, Some(RecordKind::RevealRequest), Some(RecordKind::Approval), Some(RecordKind::Page)] {
            for target in [None, Some("41".to_owned())] {
                for (from, outcome) in [(None, None), (time, Some(OutcomeKind::Done))] {
                    let is_looked_up = target.is_some() && kind.is_some_and(|kind| kind != RecordKind::Page);
                    let expected = if is_looked_up {
                        "SEARCH record USING INDEX said_of_request (target=? AND rowid>?)"
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
}
