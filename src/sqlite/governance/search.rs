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
    let mut found = Vec::new();
    let searches = Search::after(query, after);
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

/// The newest record that matches. Of a kind that stands under several numbers, the newest of each is looked up.
pub(super) fn newest(connection: &Connection, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
    let mut newest: Option<RecordEntry> = None;
    for search in Search::backwards(query) {
        let found = find(connection, &search, query, 1)?.pop();
        newest = newest.into_iter().chain(found).max_by_key(|entry| entry.sequence);
    }
    Ok(newest)
}

fn find(
    connection: &Connection,
    search: &Search,
    query: &RecordQuery,
    limit: usize,
) -> Result<Vec<RecordEntry>, SinkError> {
    let Search { select, values } = search;
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

/// Whether no record of this kind has several targets.
fn has_one_target(kind: RecordKind) -> bool {
    match kind {
        RecordKind::PolicyChange | RecordKind::DryRun | RecordKind::Grant | RecordKind::Revocation => false,
        RecordKind::Reveal
        | RecordKind::Page
        | RecordKind::RevealRequest
        | RecordKind::Approval
        | RecordKind::Erasure
        | RecordKind::Redaction
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
    /// What comes after a sequence number, the first one first. One search for each number that the kind has where those are
    /// looked up.
    fn after(query: &RecordQuery, after: u64) -> Vec<Self> {
        let after = Value::Integer(i64::try_from(after).unwrap_or(i64::MAX));
        let of = |numbers: Option<&[i64]>| {
            let mut search = Self::of(query, numbers, "sequence > :after", "sequence");
            search.values.push((":after", after.clone()));
            search
        };
        match query.kind.map(row::numbers_of_kind) {
            Some(numbers) if query.outcome.is_some() && query.kind.is_some_and(changes_store) => {
                numbers.iter().map(|number| of(Some(std::slice::from_ref(number)))).collect()
            }
            numbers => vec![of(numbers.as_deref())],
        }
    }

    /// The newest one first, one search for each number that the kind has: of several numbers at once, SQLite would sort all
    /// that match.
    fn backwards(query: &RecordQuery) -> Vec<Self> {
        let of = |numbers: Option<&[i64]>| Self::of(query, numbers, "TRUE", "sequence DESC");
        match query.kind.map(row::numbers_of_kind) {
            Some(numbers) => numbers.iter().map(|number| of(Some(std::slice::from_ref(number)))).collect(),
            None => vec![of(None)],
        }
    }

    fn of(query: &RecordQuery, numbers: Option<&[i64]>, among: &str, order: &str) -> Self {
        let RecordQuery { from, until, kind, initiator, target, outcome } = query;
        // Kind and outcome as literals: only so does SQLite see that the index has every row that is asked for.
        let mut conditions = vec![match numbers {
            Some([one]) => format!("kind = {one}"),
            Some(several) => {
                format!("kind IN ({})", several.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
            }
            None => format!("kind <> {REMOVED}"),
        }];
        conditions.extend(outcome.map(|outcome| format!("outcome = {}", outcome_number(outcome))));
        let mut values = Vec::new();
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
        let is_one = matches!(numbers, Some([_]));
        let changes_store = is_one && outcome.is_some() && kind.is_some_and(changes_store);
        let by = match (of_request, changes_store) {
            (true, _) => "INDEXED BY said_of_request",
            (false, true) => "INDEXED BY changes_store",
            (false, false) => "NOT INDEXED",
        };
        let conditions = conditions.join(" AND ");
        let select =
            format!("SELECT sequence, record FROM record {by} WHERE {among} AND {conditions} ORDER BY {order}");
        Self { select, values }
    }
}

/// Whether records of a kind tell of changes or removals in the store.
fn changes_store(kind: RecordKind) -> bool {
    use RecordKind::{Erasure, Grant, PolicyChange, Retention, Revocation};
    matches!(kind, PolicyChange | Grant | Revocation | Erasure | Retention)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::governance::OutcomeKind;
    use crate::sqlite::table;

    fn plan(connection: &Connection, query: &RecordQuery) -> Vec<String> {
        table::tests::plan(connection, &Search::after(query, 7)[0].select)
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

    #[test]
    fn g8_newest_change_is_found_without_reading_others() {
        use RecordKind::{Erasure, Grant, PolicyChange, Retention, Revocation};
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(row::TABLE).unwrap();
        let plan = |search: &Search| table::tests::plan(&connection, &search.select);
        for kind in [PolicyChange, Grant, Revocation, Erasure, Retention] {
            for outcome in [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Failed] {
                let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
                for search in Search::backwards(&query) {
                    assert_eq!(
                        plan(&search),
                        ["SEARCH record USING INDEX changes_store (kind=? AND outcome=?)"],
                        "{query:?}"
                    );
                }
            }
        }
        for kind in [PolicyChange, Grant, Revocation, Erasure, Retention] {
            for outcome in [OutcomeKind::Intended, OutcomeKind::Done] {
                let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
                for search in Search::after(&query, 7) {
                    let looked_up = "SEARCH record USING INDEX changes_store (kind=? AND outcome=? AND rowid>?)";
                    assert_eq!(plan(&search), [looked_up], "{query:?}");
                }
            }
        }
        let all = Search::backwards(&RecordQuery::default());
        assert_eq!(all.iter().map(plan).collect::<Vec<_>>(), [["SCAN record"]], "from the end");
    }
}
