//! Bulk ingest beside what SQLite does with the same rows.

use std::path::Path;

use super::activities::{Activities, Number, stream};
use super::bare::{Bare, Row};
use super::replay::Replay;
use super::report::Report;
use super::service::Service;
use super::settings::Settings;
use super::times::Times;

const SAME_TABLES: &str = "(a) same tables";
const ORDERED: &str = "(b) one table, ordered";
const NAIVE: &str = "one table by random UUID";

/// Who takes part, in the order in which they begin.
const SIDES: usize = 4;

/// Slices in the order in which they are delivered: each batch size in turn, again and again, into the same files.
struct Plan {
    /// The batch size of a slice and how many activities are in it.
    slices: Vec<(usize, usize)>,
    rounds: usize,
}

impl Plan {
    fn new(settings: &Settings) -> Self {
        let slice = |batch: &usize| (*batch, (20 * batch).clamp(100, (2 * batch).max(6_000)) / batch * batch);
        let slices: Vec<(usize, usize)> = settings.batches.iter().map(slice).collect();
        let round: usize = slices.iter().map(|(_, rows)| rows).sum();
        Self { rounds: (settings.rows as usize / round).max(SIDES), slices }
    }

    fn rows(&self) -> u64 {
        self.slices.iter().map(|(_, rows)| (rows * self.rounds) as u64).sum()
    }

    /// Hands over every slice: in which round it is, which of the batch sizes it has, and what to deliver.
    fn each(&self, mut take: impl FnMut(usize, usize, &[Number])) {
        let mut numbers = stream(0..self.rows());
        for round in 0..self.rounds {
            for (at, (_, rows)) in self.slices.iter().enumerate() {
                let slice: Vec<Number> = numbers.by_ref().take(*rows).collect();
                take(round, at, &slice);
            }
        }
    }
}

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    for ids in settings.ids.iter().copied() {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let plan = Plan::new(settings);
        let name = ids.name();
        eprintln!("ingest, {name}: {} rows", plan.rows());
        let times = race(&plan, &Activities::new(ids), folder.path());
        for ((batch, _), [ours, same_tables, ordered, naive]) in plan.slices.iter().zip(&times) {
            let floors = [(SAME_TABLES, same_tables), (ORDERED, ordered), (NAIVE, naive)];
            report.rate(&format!("ingest, {name}, by {batch}"), "activities", ours, &floors);
        }
    }
}

/// The times of every side for each batch size.
fn race(plan: &Plan, activities: &Activities, folder: &Path) -> Vec<[Times; SIDES]> {
    let file = |name: &str| folder.join(name);
    let filled = Service::open(&file("filled.db"));
    plan.each(|_, at, slice| {
        filled.ingest(&activities.all(slice.iter().copied()), plan.slices[at].0);
    });
    drop(filled);
    let ours = Service::open(&file("ours.db"));
    let mut replay = Replay::new(&file("filled.db"), &file("same.db"), plan.rows());
    let (ordered, naive) = (Bare::ordered(&file("ordered.db")), Bare::naive(&file("naive.db")));
    let mut times: Vec<[Times; SIDES]> = plan.slices.iter().map(|_| Default::default()).collect();
    let mut public = 0;
    plan.each(|round, at, slice| {
        let batch = plan.slices[at].0;
        public += slice.iter().filter(|number| !number.hidden).count() as u64;
        let slice_activities = activities.all(slice.iter().copied());
        let rows: Vec<Row> = slice_activities.iter().zip(slice).map(|(one, number)| Row::new(one, *number)).collect();
        let prepared = replay.prepare(slice.len(), batch);
        for turn in 0..SIDES {
            let side = (turn + round) % SIDES;
            let took = match side {
                0 => ours.ingest(&slice_activities, batch),
                1 => replay.insert(&prepared),
                2 => ordered.insert(&rows, batch),
                _ => naive.insert(&rows, batch),
            };
            times[at][side].add(slice.len(), took);
        }
    });
    replay.check();
    assert_eq!((ordered.count(), naive.count()), (plan.rows(), plan.rows()));
    assert_eq!(ours.view().count(&activity_privacy::Query::all()).unwrap().total, public);
    times
}
