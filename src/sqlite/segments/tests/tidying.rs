//! Rows that are removed, and what is left of their segments.

use super::*;
use crate::identity::Identity;

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    /// Rows that lie beside each other.
    Delete(Index, usize),
    Tidy(usize),
    /// Somebody begins to tidy, and others do something before they write.
    Begin,
    End,
    /// Somebody begins to read, and goes on to see what they see now.
    Look,
    Check(Index, Query),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..9_usize).prop_map(Step::Append),
        3 => (any::<Index>(), 1..20_usize).prop_map(|(from, rows)| Step::Delete(from, rows)),
        2 => (1..40_usize).prop_map(Step::Tidy),
        2 => Just(Step::Begin),
        1 => Just(Step::End),
        1 => Just(Step::Look),
        3 => (any::<Index>(), queries()).prop_map(|(reader, query)| Step::Check(reader, query)),
    ];
    vec(step, 1..40)
}

impl Log {
    fn delete_run(&mut self, from: &Index, rows: usize) {
        if !self.rows.is_empty() {
            self.delete_from(from.index(self.rows.len()), rows);
        }
    }

    fn delete_from(&mut self, from: usize, rows: usize) {
        let run: Vec<_> = self.rows.drain(from..self.rows.len().min(from + rows)).collect();
        let transaction = self.connection.transaction().unwrap();
        for (sequence, _) in &run {
            transaction.execute("DELETE FROM public_activity WHERE sequence = ?1", [sequence]).unwrap();
        }
        thin(&transaction, &run.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>()).unwrap();
        transaction.commit().unwrap();
    }

    fn tidy(&mut self, times: usize) {
        for _ in 0..times {
            let transaction = self.connection.transaction().unwrap();
            if let Some(untidy) = Untidy::next(&transaction).unwrap() {
                untidy.write(&transaction).unwrap();
            }
            transaction.commit().unwrap();
        }
    }

    fn tidy_up(&mut self) {
        while Untidy::next(&self.connection).unwrap().is_some() {
            self.tidy(1);
        }
    }

    /// Everything that is kept of the rows, beside them.
    fn kept(&self) -> Vec<u8> {
        let mut kept = Vec::new();
        for table in TABLES {
            let mut statement = self.connection.prepare(&format!("SELECT entries FROM {table}")).unwrap();
            let blobs = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
            blobs.for_each(|blob| kept.extend(blob.unwrap()));
        }
        kept
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Two who write by turns, and readers who share what they know, some of whom began long ago.
    #[test]
    fn v3_what_is_left_is_found_and_counted_at_every_moment(
        history in histories(160), segment_rows in 1..4_usize, steps in steps(),
    ) {
        let mut log = Log::new(segment_rows);
        let mut idle = Draft::load(&log.connection, segment_rows).unwrap();
        let (tail, mut left, mut begun) = (Tail::default(), history.as_slice(), Vec::new());
        let mut readers: Vec<(Connection, Vec<(i64, Activity)>)> = Vec::new();
        for step in steps {
            match step {
                Step::Append(rows) => {
                    let (batch, rest) = left.split_at(rows.min(left.len()));
                    left = rest;
                    log.append(batch);
                    std::mem::swap(&mut log.draft, &mut idle);
                }
                Step::Delete(from, rows) => log.delete_run(&from, rows),
                Step::Tidy(times) => log.tidy(times),
                Step::Begin => begun.extend(Untidy::next(&log.connection).unwrap()),
                Step::End => {
                    for untidy in begun.drain(..) {
                        let transaction = log.connection.transaction().unwrap();
                        untidy.write(&transaction).unwrap();
                        transaction.commit().unwrap();
                    }
                }
                Step::Look => {
                    let reader = log.reader();
                    reader.execute_batch("BEGIN; SELECT count(*) FROM public_activity").unwrap();
                    readers.push((reader, log.rows.clone()));
                }
                Step::Check(which, query) => {
                    check((&log.connection, &tail), &log.rows, &query)?;
                    if !readers.is_empty() {
                        let (reader, seen) = &readers[which.index(readers.len())];
                        check((reader, &tail), seen, &query)?;
                    }
                    check((&log.connection, &tail), &log.rows, &query)?;
                }
            }
        }
        log.tidy_up();
        check((&log.connection, &tail), &log.rows, &Query::all())?;
        check((&log.connection, &Tail::default()), &log.rows, &Query::all())?;
    }

    #[test]
    fn g5_whoever_is_looked_for_is_found_by_every_identity(
        history in histories(60), segment_rows in 1..4_usize, deleted in vec(any::<Index>(), 0..4), who in any::<Index>(),
        form in 0..3_usize,
    ) {
        let identities: Vec<Identity> = history
            .iter()
            .flat_map(|activity| activity.principals().flat_map(|principal| principal.identities()).cloned())
            .collect();
        prop_assume!(!identities.is_empty());
        let identity = &identities[who.index(identities.len())];
        // As somebody else would write it.
        let asked = match identity {
            Identity::Id(_) => identity.clone(),
            Identity::Alias(alias) => {
                let text = match form {
                    0 => alias.as_str().to_uppercase(),
                    1 => alias.as_str().to_lowercase(),
                    _ => alias.as_str().to_owned(),
                };
                let other = match alias.app() {
                    Some(app) => Alias::account(app, &text).unwrap(),
                    None => Alias::new(&text).unwrap(),
                };
                if other.matches(alias) { other.into() } else { identity.clone() }
            }
        };
        let mut log = Log::new(segment_rows);
        log.append(&history);
        deleted.iter().for_each(|which| log.delete(which));
        let closed = {
            let number = i64::MAX >> 1;
            let last = "SELECT max(last) FROM public_segment WHERE number < ?1";
            log.connection.query_row(last, [number], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0)
        };
        let (tail, mut after, mut found) = (Tail::default(), 0, Vec::new());
        loop {
            let transaction = log.connection.unchecked_transaction().unwrap();
            let holding = holding(&transaction, &tail, std::slice::from_ref(&asked), after).unwrap();
            prop_assert!(holding.sequences.is_sorted() && holding.sequences.iter().all(|found| *found > after));
            found.extend(holding.sequences);
            after = holding.up_to;
            if holding.is_all {
                break;
            }
        }
        prop_assert_eq!(after, closed);
        let names = |activity: &Activity| {
            let mut all = activity.principals().flat_map(|principal| principal.identities());
            all.any(|one| match (one, &asked) {
                (Identity::Alias(one), Identity::Alias(asked)) => one.matches(asked),
                (one, asked) => one == asked,
            })
        };
        for (sequence, activity) in log.rows.iter().filter(|(sequence, _)| *sequence <= closed) {
            prop_assert!(!names(activity) || found.contains(sequence));
        }
    }
}

#[test]
fn g5_nothing_that_is_kept_names_whoever_was_removed() {
    let mut log = hundred_and_twenty();
    let is_adele =
        |activity: &Activity| activity.actor().identities().contains(&alias("adele@contoso.com").identities()[0]);
    let hers: Vec<usize> = (0..log.rows.len()).filter(|at| is_adele(&log.rows[*at].1)).collect();
    assert_eq!(hers.len(), 3);
    let names = |log: &Log| log.kept().windows(5).any(|part| part == b"adele");
    assert!(names(&log));
    for at in hers.into_iter().rev() {
        let (sequence, _) = log.rows.remove(at);
        let transaction = log.connection.transaction().unwrap();
        transaction.execute("DELETE FROM public_activity WHERE sequence = ?1", [sequence]).unwrap();
        thin(&transaction, &[sequence]).unwrap();
        transaction.commit().unwrap();
    }
    log.tidy_up();
    assert!(!names(&log));
    check((&log.connection, &Tail::default()), &log.rows, &Query::all()).unwrap();
    // Whole again: nothing is looked for row by row.
    log.connection.execute_batch("UPDATE public_order SET entries = x'ff'").unwrap();
    assert_eq!(count(&log.connection, &Tail::default(), &Query::all()).unwrap(), Some(117));
}

#[test]
fn v2_what_is_gone_costs_nothing_to_pass_by() {
    let mut log = hundred_and_twenty();
    // All but the first segment and the last.
    let transaction = log.connection.transaction().unwrap();
    transaction
        .execute(
            "DELETE FROM public_activity WHERE sequence > ?1 AND sequence <= ?2",
            params![log.rows[3].0, log.rows[115].0],
        )
        .unwrap();
    thin(&transaction, &log.rows[4..116].iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>()).unwrap();
    transaction.commit().unwrap();
    log.rows.drain(4..116);
    let (tail, query) = (Tail::default(), Query::all().in_app("Box".parse().unwrap()));
    let (found, read) = page((&log.connection, &tail), &query, None, usize::MAX);
    assert_eq!((found.len(), read), (4, 4), "no row was looked for that is gone");
    log.tidy_up();
    let rows = |table: &str| {
        log.connection
            .query_row(&format!("SELECT count(DISTINCT place >> 20) FROM {table}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(["public_order", "public_posting", "public_facet"].map(rows), [2; 3]);
    check((&log.connection, &tail), &log.rows, &query).unwrap();
}

#[test]
fn v3_what_was_read_is_not_written_once_more_is_gone() {
    let mut log = hundred_and_twenty();
    let tail = Tail::default();
    let first = log.rows[0].0;
    log.delete_from(1, 1);
    let begun = Untidy::next(&log.connection).unwrap().unwrap();
    log.delete_from(1, 1);
    begun.write(&log.connection).unwrap();
    check((&log.connection, &tail), &log.rows, &Query::all()).unwrap();
    // Nor once somebody else has written it, and more is gone since.
    let begun = Untidy::next(&log.connection).unwrap().unwrap();
    log.tidy_up();
    log.delete_from(1, 1);
    log.delete_from(60, 1);
    begun.write(&log.connection).unwrap();
    check((&log.connection, &tail), &log.rows, &Query::all()).unwrap();
    log.tidy_up();
    check((&log.connection, &tail), &log.rows, &Query::all()).unwrap();
    assert_eq!((log.rows[0].0, log.rows.len()), (first, 116));
}

#[test]
fn v3_the_open_segment_is_not_taken_for_tidy_if_it_was_closed_meanwhile() {
    for before in [0, 8] {
        let mut log = Log::new(4);
        let rows: Vec<_> = (0..before + 7).map(|n| activity(n, alias("otto@contoso.com"), "Box")).collect();
        let (first, then) = rows.split_at(rows.len() - 4);
        log.append(first);
        log.delete_from(first.len() - 2, 1);
        let begun = Untidy::next(&log.connection).unwrap().unwrap();
        log.append(then);
        begun.write(&log.connection).unwrap();
        check((&log.connection, &Tail::default()), &log.rows, &Query::all()).unwrap();
        log.tidy_up();
        check((&log.connection, &Tail::default()), &log.rows, &Query::all()).unwrap();
    }
}
