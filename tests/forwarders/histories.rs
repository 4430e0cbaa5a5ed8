//! Random histories of ingests, removals, reads, acknowledgements, restarts and created forwarders, compared with a model,
//! and with the same history without private activities.

use activity_privacy::activity::Activity;
use activity_privacy::filter::ActivityFeed;
use activity_privacy::forward::{Batch, BatchLimit, ForwardError, Offset, Start};
use activity_privacy::store::PublicActivity;
use proptest::collection::vec;
use proptest::prelude::*;

use super::scene::*;
use crate::fixture::*;
use crate::place::*;

const FORWARDERS: [&str; 2] = ["siem", "archive"];

#[derive(Debug, Clone)]
enum Step {
    /// Ingests activities of these users. Adele's are private.
    Ingest(Vec<&'static str>),
    /// Erases a user's activities.
    Erase(&'static str),
    Advance,
    /// Reads a batch.
    Read {
        forwarder: usize,
        rows: u16,
    },
    /// Acknowledges the first items of the batch that was read last, or all of them.
    Acknowledge {
        forwarder: usize,
        items: usize,
    },
    SetAside {
        forwarder: usize,
    },
    /// Removes the forwarder and creates it again.
    Create {
        forwarder: usize,
        start: usize,
    },
    /// Opens everything again. Batches that were read stay in the hands of another node.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = prop_oneof![3 => Just("adele"), 3 => Just("bob"), 1 => Just("carol")];
    let forwarder = 0..FORWARDERS.len();
    let step = prop_oneof![
        5 => vec(who, 0..6).prop_map(Step::Ingest),
        1 => prop_oneof![Just("bob"), Just("carol"), Just("adele")].prop_map(Step::Erase),
        2 => Just(Step::Advance),
        5 => (forwarder.clone(), 1..6_u16).prop_map(|(forwarder, rows)| Step::Read { forwarder, rows }),
        5 => (forwarder.clone(), 0..6_usize).prop_map(|(forwarder, items)| Step::Acknowledge { forwarder, items }),
        1 => forwarder.clone().prop_map(|forwarder| Step::SetAside { forwarder }),
        1 => (forwarder, 0..4_usize).prop_map(|(forwarder, start)| Step::Create { forwarder, start }),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..60)
}

/// The public activities ever stored, and the position of each forwarder among them.
#[derive(Default)]
struct Model {
    /// The id, the time of the decision, and whether it was removed.
    stored: Vec<(String, i64, bool)>,
    forwarders: [Option<Position>; FORWARDERS.len()],
    now: i64,
}

#[derive(Clone, Default)]
struct Position {
    after: usize,
    missed: u64,
    set_aside: Vec<usize>,
    /// Grows with each change of the saved state.
    version: u64,
}

/// A batch as the model expects it.
struct Expected {
    items: Vec<usize>,
    missed: u64,
    version: u64,
}

impl Model {
    fn start(&self, start: usize) -> (Start, usize) {
        match start {
            0 => (Start::Beginning, 0),
            1 => (Start::Now, self.stored.len()),
            back => {
                let time = self.now - 2 * (back as i64 - 1);
                let first = self.stored.iter().position(|(_, at, removed)| *at >= time && !removed);
                (Start::Time(at(time)), first.unwrap_or(self.stored.len()))
            }
        }
    }

    fn missed(&self, after: usize, until: usize) -> u64 {
        self.stored[after..until].iter().filter(|(_, _, removed)| *removed).count() as u64
    }

    fn read(&self, forwarder: usize, rows: usize) -> Expected {
        let position = self.forwarders[forwarder].clone().unwrap();
        let later = (position.after..self.stored.len()).filter(|at| !self.stored[*at].2);
        let items: Vec<usize> = later.take(rows).collect();
        let missed = items.last().map_or(0, |last| self.missed(position.after, *last + 1));
        Expected { items, missed, version: position.version }
    }
}

/// One history on a place, with or without private activities.
struct Run<'a> {
    place: &'a Place,
    scene: Scene,
    feeds: Vec<ActivityFeed>,
    batches: [Option<Batch<PublicActivity>>; FORWARDERS.len()],
}

impl<'a> Run<'a> {
    fn new(place: &'a Place) -> Self {
        let scene = Scene::new(place);
        let feeds = FORWARDERS
            .map(|name| scene.forwarders.create(&name.parse().unwrap(), Start::Beginning).unwrap())
            .into_iter()
            .collect();
        Self { place, scene, feeds, batches: Default::default() }
    }

    fn restart(&mut self, now: i64) {
        self.scene = Scene::again(self.place);
        self.scene.fixture.advance(now);
        self.feeds = FORWARDERS.map(|name| self.scene.forwarders.open(&name.parse().unwrap()).unwrap()).into();
    }
}

/// Returns all that a forwarder can see of a batch.
fn seen(batch: &Batch<PublicActivity>) -> (Vec<(Offset, String)>, u64) {
    let items = batch.with_offsets().map(|(offset, public)| (offset.clone(), serde_json::to_string(public).unwrap()));
    (items.collect(), batch.gap().map_or(0, |gap| gap.missed.get()))
}

fn check(steps: &[Step], with: &Place, without: &Place) {
    let (mut model, mut number) = (Model::default(), 0);
    model.forwarders = [Some(Position::default()), Some(Position::default())];
    let mut runs = [Run::new(with), Run::new(without)];
    let mut expected: [Option<Expected>; FORWARDERS.len()] = Default::default();
    for step in steps {
        match step {
            Step::Ingest(names) => {
                let mut batch: Vec<Activity> = Vec::new();
                for who in names {
                    batch.push(activity(&format!("{who}-{number}"), who));
                    number += 1;
                    if *who != "adele" {
                        model.stored.push((batch[batch.len() - 1].id().as_str().to_owned(), model.now, false));
                    }
                }
                runs[0].scene.fixture.ingest(&batch);
                batch.retain(|activity| !activity.id().as_str().starts_with("adele"));
                runs[1].scene.fixture.ingest(&batch);
            }
            Step::Erase(who) => {
                for run in &runs {
                    run.scene.erase(who);
                }
                let of = format!("{who}-");
                model
                    .stored
                    .iter_mut()
                    .filter(|(id, ..)| id.starts_with(&of))
                    .for_each(|(.., removed)| *removed = true);
            }
            Step::Advance => {
                model.now += 1;
                for run in &runs {
                    run.scene.fixture.advance(1);
                }
            }
            Step::Read { forwarder, rows } => {
                let batches =
                    runs.each_ref().map(|run| run.feeds[*forwarder].next_batch(BatchLimit::rows(*rows)).unwrap());
                assert_eq!(seen(&batches[0]), seen(&batches[1]), "F3");
                let wanted = model.read(*forwarder, usize::from(*rows));
                let of_model: Vec<&str> = wanted.items.iter().map(|at| model.stored[*at].0.as_str()).collect();
                assert_eq!(ids(&batches[0]), of_model, "F1, F2");
                assert_eq!(seen(&batches[0]).1, wanted.missed, "F2: the gap");
                for (run, batch) in runs.iter_mut().zip(batches) {
                    run.batches[*forwarder] = Some(batch);
                }
                expected[*forwarder] = Some(wanted);
            }
            Step::Acknowledge { forwarder, items } => {
                let Some(wanted) = &expected[*forwarder] else { continue };
                let items = (*items).min(wanted.items.len());
                let position = model.forwarders[*forwarder].as_mut().unwrap();
                let is_current = position.version == wanted.version;
                for run in &runs {
                    let batch = run.batches[*forwarder].as_ref().unwrap();
                    match run.feeds[*forwarder].acknowledge_first(batch, items) {
                        Ok(()) => assert!(is_current || items == 0, "an older batch was acknowledged"),
                        Err(ForwardError::Superseded(_)) => assert!(!is_current && items > 0),
                        Err(error) => panic!("{error:?}"),
                    }
                }
                if is_current && items > 0 {
                    let until = wanted.items[items - 1] + 1;
                    // An item that was removed since the batch was read was delivered, and is no gap.
                    let stored = (until - position.after) as u64;
                    position.missed += stored - items as u64;
                    (position.after, position.version) = (until, position.version + 1);
                }
            }
            Step::SetAside { forwarder } => {
                let Some(wanted) = &expected[*forwarder] else { continue };
                let position = model.forwarders[*forwarder].as_mut().unwrap();
                let is_current = position.version == wanted.version;
                for run in &runs {
                    let batch = run.batches[*forwarder].as_ref().unwrap();
                    match run.feeds[*forwarder].set_aside_first(batch, usize::MAX) {
                        Ok(()) => assert!(is_current || wanted.items.is_empty()),
                        Err(ForwardError::Superseded(_)) => assert!(!is_current && !wanted.items.is_empty()),
                        Err(error) => panic!("{error:?}"),
                    }
                }
                if let Some(first) = wanted.items.first().filter(|_| is_current) {
                    position.missed += (first - position.after) as u64;
                    position.set_aside.push(*first);
                    (position.after, position.version) = (first + 1, position.version + 1);
                }
            }
            Step::Create { forwarder, start } => {
                let (start, after) = model.start(*start);
                for run in &mut runs {
                    let name = FORWARDERS[*forwarder].parse().unwrap();
                    run.scene.forwarders.remove(&name).unwrap();
                    run.feeds[*forwarder] = run.scene.forwarders.create(&name, start).unwrap();
                }
                let version = model.forwarders[*forwarder].as_ref().unwrap().version + 1;
                model.forwarders[*forwarder] = Some(Position { after, version, ..Position::default() });
            }
            Step::Restart => {
                for run in &mut runs {
                    run.restart(model.now);
                }
            }
        }
        check_status(&model, &runs);
    }
    finish(&model, &runs);
}

fn check_status(model: &Model, runs: &[Run<'_>; 2]) {
    let [with, without] = runs.each_ref().map(|run| run.scene.forwarders.list().unwrap());
    assert_eq!(with, without, "F3");
    for (name, position) in FORWARDERS.iter().zip(&model.forwarders) {
        let status = with.iter().find(|status| status.name.as_str() == *name).unwrap();
        let position = position.as_ref().unwrap();
        assert_eq!(
            (status.lag, status.missed, status.set_aside),
            ((model.stored.len() - position.after) as u64, position.missed, position.set_aside.len())
        );
    }
}

/// Everything that is left is delivered once, and all that was set aside is still there.
fn finish(model: &Model, runs: &[Run<'_>; 2]) {
    for run in runs {
        for (feed, position) in run.feeds.iter().zip(&model.forwarders) {
            let position = position.as_ref().unwrap();
            let set_aside = feed.set_aside().unwrap().into_iter().map(|item| item.item);
            let set_aside: Vec<Option<String>> =
                set_aside.map(|item| item.map(|public| public.activity().id().as_str().to_owned())).collect();
            let expected = position.set_aside.iter().map(|at| &model.stored[*at]);
            assert_eq!(set_aside, expected.map(|(id, _, removed)| (!removed).then(|| id.clone())).collect::<Vec<_>>());
            let left = model.stored[position.after..].iter().filter(|(.., removed)| !removed);
            assert_eq!(drain(feed, 4).0, left.map(|(id, ..)| id.clone()).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("ACTIVITY_PRIVACY_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
    ))]

    #[test]
    fn f2_f3_histories_match_model_with_and_without_private_activities(steps in steps()) {
        for (with, without) in places().iter().zip(&places()) {
            check(&steps, with, without);
        }
    }
}
