//! Ninety days of activities, a tenth of them hidden, and a table of the public ones with every index.

use std::path::Path;

use activity_privacy::filter::View;
use activity_privacy::query::Query;

use super::activities::{Activities, Ids, Number, Spread, over_days};
use super::floor::{Floor, Row};
use super::frequencies::Frequencies;
use super::service::Service;

pub(crate) const DAYS: u64 = 90;
const BATCH: usize = 10_000;

pub(crate) struct Archive {
    pub(crate) view: View,
    pub(crate) floor: Floor,
    pub(crate) frequencies: Frequencies,
    pub(crate) public: u64,
}

impl Archive {
    pub(crate) fn fill(spread: Spread, rows: u64, folder: &Path) -> Self {
        let activities = Activities::new(Ids::Random);
        let ours = Service::open(&folder.join("ours.db"));
        let floor = Floor::to_be_indexed(&folder.join("floor.db"));
        let (mut frequencies, mut public) = (Frequencies::default(), 0);
        let mut numbers = over_days(DAYS, spread, rows);
        loop {
            let batch: Vec<Number> = numbers.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let delivered = activities.all(batch.iter().copied());
            let shown = delivered.iter().zip(&batch).filter(|(_, number)| !number.hidden);
            shown.clone().for_each(|(activity, _)| frequencies.add(activity));
            let rows: Vec<Row> = shown.map(|(activity, number)| Row::new(activity, *number)).collect();
            public += rows.len() as u64;
            ours.ingest(&delivered, BATCH);
            floor.insert(&rows);
        }
        floor.build_indexes();
        let view = ours.view();
        assert_eq!((view.count(&Query::all()).unwrap().total, floor.count()), (public, public));
        Self { view, floor, frequencies, public }
    }
}
