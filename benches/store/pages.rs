//! What reading costs, however much is hidden around what is read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::{Activity, ActivityId, Count, CountBy, Cursor, Identity, Page, PageSize, Query, View};

use super::activities::{Activities, Ids, Number};
use super::median::median;
use super::people::{ranked, upn};
use super::report::{Report, grouped};
use super::service::Service;
use super::settings::Settings;

/// So much of all activities is hidden.
const HIDDEN: [f64; 3] = [0.2, 0.99, 0.9999];
/// How many are public, unless too many would have to be hidden around them.
const PUBLIC: u64 = 50_000;
const PAGE: PageSize = PageSize::at_most(50);
/// All of them come in within ten days.
const SPAN: u64 = 10 * 86_400 * 1_000_000;

/// What stands in a log, and what of it is hidden.
struct Mixture {
    public: u64,
    hidden: u64,
}

/// A log with the same public activities as another, whatever else is in it.
struct Log {
    view: View,
    /// Where pages begin that are well inside the log.
    deep: Vec<Cursor>,
}

/// Something to ask a log. The round tells apart how it is asked each time.
type Question<'a> = (String, Box<dyn Fn(&Log, usize) -> Answer + 'a>);

enum Answer {
    /// A page, and how many should be on it.
    Page(Page, usize),
    /// Counts, and what they should come to.
    Counts(Vec<Count>, u64),
    Count(u64, u64),
    Found(Option<ActivityId>),
}

/// How often each value stands in the public activities.
#[derive(Default)]
struct Census {
    actors: BTreeMap<String, u64>,
    apps: BTreeMap<String, u64>,
    actions: BTreeMap<String, u64>,
    suites: BTreeMap<String, u64>,
}

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let activities = Activities::new(Ids::TimeOrdered);
    for share in HIDDEN {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let mixture = Mixture::new(share, settings.hidden);
        let of = format!("{} % of {} hidden", share * 100.0, grouped((mixture.public + mixture.hidden) as f64));
        eprintln!("pages, {of}");
        let without = Mixture { hidden: 0, ..mixture };
        let mut census = Census::default();
        let bare = without.fill(&folder.path().join("without.db"), &activities, |one| census.add(one));
        let full = mixture.fill(&folder.path().join("with.db"), &activities, |_| ());
        for (what, ask) in questions(&activities, &mixture, &census) {
            let [full, bare, ratio] = race(&full, &bare, &what, &ask);
            report.time(&format!("{what}, {of}"), full, "nothing hidden", bare, ratio);
        }
    }
}

fn questions<'a>(activities: &'a Activities, mixture: &'a Mixture, census: &Census) -> Vec<Question<'a>> {
    let public = mixture.public;
    let mut questions: Vec<Question<'a>> = Vec::new();
    let mut page = |what: &str, query: Query, rows: u64| {
        let rows = rows.min(PAGE.get() as u64) as usize;
        let ask = move |log: &Log, _| Answer::Page(log.view.page(&query, PAGE, None).unwrap(), rows);
        questions.push((format!("page, {what}"), Box::new(ask)));
    };
    page("newest", Query::all(), public);
    for (how, chosen) in [("frequent", Census::most as fn(&_) -> _), ("rare", Census::least)] {
        let by_actor = |(name, rows): (String, u64)| (Query::all().by_actor(name).unwrap(), rows);
        let (query, rows) = by_actor(chosen(&census.actors));
        page(&format!("{how} actor"), query, rows);
        let (app, rows) = chosen(&census.apps);
        page(&format!("{how} app"), Query::all().in_app(app.parse().unwrap()), rows);
        let (action, rows) = chosen(&census.actions);
        page(&format!("{how} action"), Query::all().with_action(action.parse().unwrap()), rows);
        let (suite, rows) = chosen(&census.suites);
        page(&format!("{how} suite"), Query::all().in_suite(suite.parse().unwrap()), rows);
    }
    page("actor who is hidden", Query::all().by_actor(upn(ranked(0, true)).as_str()).unwrap(), 0);
    let deep = |log: &Log, round: usize| {
        let cursor = &log.deep[round % log.deep.len()];
        Answer::Page(log.view.page(&Query::all(), PAGE, Some(cursor)).unwrap(), PAGE.get())
    };
    questions.push(("page, deep".to_owned(), Box::new(deep)));
    let count = move |log: &Log, _| Answer::Count(log.view.count(&Query::all()).unwrap().total, public);
    questions.push(("count".to_owned(), Box::new(count)));
    for (what, by) in [("hour", CountBy::Hour), ("app", CountBy::App), ("actor", CountBy::Actor)] {
        let counts = move |log: &Log, _| Answer::Counts(log.view.counts(&Query::all(), by).unwrap().by_key, public);
        questions.push((format!("counts by {what}"), Box::new(counts)));
    }
    let mut look_up = |what: &str, id: Box<dyn Fn(usize) -> ActivityId + 'a>| {
        let ask = move |log: &Log, round| {
            let found = log.view.activity(&id(round)).unwrap();
            Answer::Found(found.map(|found| found.activity().id().clone()))
        };
        questions.push((format!("look-up, {what}"), Box::new(ask)));
    };
    // Some way from each other, so that each is on a page of its own.
    look_up("there", Box::new(move |round| activities.id(mixture.public(round as u64 * 7_919 % public))));
    look_up("hidden", Box::new(move |round| activities.id(mixture.hidden(round as u64 * 7_919 % mixture.hidden))));
    look_up("unknown", Box::new(move |round| activities.id(mixture.public(public + round as u64))));
    questions
}

/// Asks both logs in turn: the median of the times of each, in seconds, and how many times as long the first one takes.
///
/// # Panics
/// When an answer is wrong, or not the same from both.
fn race(full: &Log, bare: &Log, what: &str, ask: &dyn Fn(&Log, usize) -> Answer) -> [f64; 3] {
    const ENOUGH: Duration = Duration::from_millis(600);
    // Whatever is as slow as this needs no fine figure.
    const MORE_THAN_ENOUGH: Duration = Duration::from_secs(4);
    let (begun, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
    for round in 0.. {
        let took = begun.elapsed();
        if round > 1_000 || (round >= 15 && took > ENOUGH) || (round > 0 && took > MORE_THAN_ENOUGH) {
            break;
        }
        let mut answers = [None, None];
        for turn in 0..2 {
            let side = (turn + round) % 2;
            let begun = Instant::now();
            let answer = ask([full, bare][side], round);
            times[side].push(begun.elapsed().as_secs_f64());
            answer.check(what);
            answers[side] = Some(answer.words());
        }
        assert_eq!(answers[0], answers[1], "{what}: what is hidden shows");
    }
    let ratios = times[0].iter().zip(&times[1]).map(|(full, bare)| full / bare);
    let ratio = median(ratios.collect());
    let [full, bare] = times.map(median);
    [full, bare, ratio]
}

impl Mixture {
    fn new(share: f64, most_hidden: u64) -> Self {
        let around_each = share / (1.0 - share);
        let public = PUBLIC.min((most_hidden as f64 / around_each) as u64);
        // Two pages, so that there is one that is not the first.
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

impl Answer {
    fn check(&self, what: &str) {
        match self {
            Self::Page(page, rows) => assert_eq!(page.activities().len(), *rows, "{what}"),
            Self::Count(count, right) => assert_eq!(count, right, "{what}"),
            Self::Counts(counts, right) => {
                assert_eq!(counts.iter().map(|count| count.activities).sum::<u64>(), *right, "{what}");
            }
            Self::Found(found) => assert_eq!(found.is_some(), what.contains("there"), "{what}"),
        }
    }

    /// What can be compared with what another log answers.
    fn words(&self) -> Vec<String> {
        match self {
            Self::Page(page, _) => {
                page.activities().iter().map(|one| one.activity().id().as_str().to_owned()).collect()
            }
            Self::Count(count, _) => vec![count.to_string()],
            Self::Counts(counts, _) => counts.iter().map(|one| format!("{} {}", one.key, one.activities)).collect(),
            Self::Found(found) => found.iter().map(|id| id.as_str().to_owned()).collect(),
        }
    }
}

impl Census {
    fn add(&mut self, activity: &Activity) {
        let add = |to: &mut BTreeMap<String, u64>, key: &str| *to.entry(key.to_owned()).or_default() += 1;
        for identity in activity.actor().identities() {
            if let Identity::Alias(alias) = identity {
                add(&mut self.actors, alias.as_str());
            }
        }
        add(&mut self.apps, activity.app().name().as_str());
        add(&mut self.actions, activity.action().as_str());
        activity.app().suite().into_iter().for_each(|suite| add(&mut self.suites, suite.as_str()));
    }

    fn most(of: &BTreeMap<String, u64>) -> (String, u64) {
        of.iter().max_by_key(|(_, rows)| **rows).map(|(key, rows)| (key.clone(), *rows)).unwrap()
    }

    fn least(of: &BTreeMap<String, u64>) -> (String, u64) {
        of.iter().min_by_key(|(_, rows)| **rows).map(|(key, rows)| (key.clone(), *rows)).unwrap()
    }
}
