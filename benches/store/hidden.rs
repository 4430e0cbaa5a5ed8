//! The cost of reads as a function of the number of hidden activities.

use std::path::Path;

use activity_privacy::activity::{Activity, ActivityId};
use activity_privacy::filter::View;
use activity_privacy::query::{CountBy, Cursor, PageSize, Query};

use super::activities::{Activities, Ids, Number};
use super::answer::Answer;
use super::comparison::Comparison;
use super::frequencies::{Frequencies, Key};
use super::people::{ranked, upn};
use super::report::{Report, grouped};
use super::service::Service;
use super::settings::Settings;

/// The hidden shares of all activities.
const HIDDEN: [f64; 3] = [0.2, 0.99, 0.9999];
/// The number of public activities, unless that would need too many hidden ones.
const PUBLIC: u64 = 50_000;
const PAGE: PageSize = PageSize::at_most(50);
/// All activities arrive within ten days.
const SPAN: u64 = 10 * 86_400 * 1_000_000;

/// The number of public and hidden activities of a log.
struct Mixture {
    public: u64,
    hidden: u64,
}

/// A log. The logs of a comparison contain the same public activities.
struct Log {
    view: View,
    /// The cursors of pages deep in the log.
    deep: Vec<Cursor>,
}

/// A question: its name, the expected length of the answer, and the query.
type Question<'a> = (String, Option<usize>, Box<dyn Fn(&Log, usize) -> Answer + 'a>);

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let activities = Activities::new(Ids::TimeOrdered);
    for share in HIDDEN {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let mixture = Mixture::new(share, settings.hidden);
        let of = format!("{} % of {} hidden", share * 100.0, grouped((mixture.public + mixture.hidden) as f64));
        eprintln!("hidden, {of}");
        let without = Mixture { hidden: 0, ..mixture };
        let mut frequencies = Frequencies::default();
        let bare = without.fill(&folder.path().join("without.db"), &activities, |one| frequencies.add(one));
        let full = mixture.fill(&folder.path().join("with.db"), &activities, |_| ());
        let mut worst = 0.0_f64;
        for (what, expected, ask) in questions(&activities, &mixture, &frequencies) {
            let compared = Comparison::of(&what, expected, &|round| ask(&full, round), &|round| ask(&bare, round));
            let Comparison { ours, floor, ratio } = compared;
            report.time(&format!("{what}, {of}"), ours, "nothing hidden", floor, ratio);
            worst = worst.max(ratio);
        }
        report.fact(&format!("{of}, worst ratio"), &format!("{worst:.2} × nothing hidden"));
    }
}

fn questions<'a>(activities: &'a Activities, mixture: &'a Mixture, frequencies: &Frequencies) -> Vec<Question<'a>> {
    let public = mixture.public;
    let mut questions: Vec<Question<'a>> = Vec::new();
    let mut page = |what: &str, query: Query, rows: u64| {
        let rows = rows.min(PAGE.get() as u64) as usize;
        let ask = move |log: &Log, _| Answer::Page(log.view.page(&query, PAGE, None).unwrap());
        questions.push((format!("page, {what}"), Some(rows), Box::new(ask)));
    };
    page("newest", Query::all(), public);
    for (frequency, pick) in
        [("frequent", Frequencies::most_frequent as fn(&Frequencies, Key) -> _), ("rare", Frequencies::least_frequent)]
    {
        for key in Key::ALL {
            let (value, rows): (String, u64) = pick(frequencies, key);
            page(&format!("{frequency} {}", key.name()), key.query(&value), rows);
        }
    }
    page("actor who is hidden", Query::all().by_actor(upn(ranked(0, true)).as_str()).unwrap(), 0);
    let deep = |log: &Log, round: usize| {
        let cursor = &log.deep[round % log.deep.len()];
        Answer::Page(log.view.page(&Query::all(), PAGE, Some(cursor)).unwrap())
    };
    questions.push(("page, deep".to_owned(), Some(PAGE.get()), Box::new(deep)));
    let count = move |log: &Log, _| Answer::Counts(log.view.count(&Query::all()).unwrap());
    questions.push(("count".to_owned(), Some(1), Box::new(count)));
    for (what, by) in [("hour", CountBy::Hour), ("app", CountBy::App), ("actor", CountBy::Actor)] {
        let counts = move |log: &Log, _| Answer::Counts(log.view.counts(&Query::all(), by).unwrap());
        questions.push((format!("counts by {what}"), None, Box::new(counts)));
    }
    let mut look_up = |what: &str, found: usize, id: Box<dyn Fn(usize) -> ActivityId + 'a>| {
        let ask = move |log: &Log, round| {
            let found = log.view.activity(&id(round)).unwrap();
            Answer::Found(found.map(|found| found.activity().id().clone()))
        };
        questions.push((format!("look-up, {what}"), Some(found), Box::new(ask)));
    };
    // Far enough apart that each is on a page of its own.
    look_up("stored", 1, Box::new(move |round| activities.id(mixture.public(round as u64 * 7_919 % public))));
    look_up("hidden", 0, Box::new(move |round| activities.id(mixture.hidden(round as u64 * 7_919 % mixture.hidden))));
    look_up("unknown", 0, Box::new(move |round| activities.id(mixture.public(public + round as u64))));
    questions
}

impl Mixture {
    fn new(share: f64, most_hidden: u64) -> Self {
        let around_each = share / (1.0 - share);
        let public = PUBLIC.min((most_hidden as f64 / around_each) as u64);
        // At least two pages, so that one is not the first.
        assert!(public > 2 * PAGE.get() as u64 - 2, "STORE_HIDDEN is too small for a page");
        Self { public, hidden: (public as f64 * around_each).round() as u64 }
    }

    fn public(&self, number: u64) -> Number {
        Number { number, hidden: false, micros: number * (SPAN / self.public) }
    }

    fn hidden(&self, number: u64) -> Number {
        let micros = (u128::from(number) * u128::from(SPAN) / u128::from(self.hidden)) as u64;
        Number { number, hidden: true, micros }
    }

    fn numbers(&self) -> impl Iterator<Item = Number> + '_ {
        let until = |number: u64| (u128::from(self.hidden) * u128::from(number) / u128::from(self.public)) as u64;
        (0..self.public).flat_map(move |number| {
            let around = (until(number)..until(number + 1)).map(|number| self.hidden(number));
            around.chain([self.public(number)])
        })
    }

    fn fill(&self, path: &Path, activities: &Activities, mut see: impl FnMut(&Activity)) -> Log {
        const BATCH: usize = 10_000;
        let service = Service::open(path);
        let mut numbers = self.numbers();
        loop {
            let batch = activities.all(numbers.by_ref().take(BATCH));
            if batch.is_empty() {
                return Log::new(service.view(), self.public);
            }
            batch.iter().for_each(&mut see);
            service.ingest(&batch, BATCH);
        }
    }
}

impl Log {
    fn new(view: View, public: u64) -> Self {
        let step = (public / 8).clamp(1, 500) as u16;
        let mut deep = Vec::new();
        let (mut cursor, mut depth) = (None, 0);
        while depth + u64::from(step) + PAGE.get() as u64 <= public {
            let page = view.page(&Query::all(), PageSize::at_most(step), cursor.as_ref()).unwrap();
            cursor = page.next().cloned();
            depth += u64::from(step);
            if depth >= public / 3 {
                deep.extend(cursor.clone());
            }
        }
        Self { view, deep }
    }
}
