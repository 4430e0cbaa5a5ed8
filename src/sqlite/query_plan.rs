//! Query plans of statements, for tests.

use rusqlite::Connection;

/// Returns the steps of a statement's query plan.
pub(super) fn query_plan(connection: &Connection, select: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
    // Without parameter values, which do not affect the plan.
    let mut rows = explain.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}
