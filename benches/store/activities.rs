//! Generated activities of about 400 bytes, computed from their number on demand instead of stored.

use activity_privacy::activity::{Action, Activity, ActivityId, Actor, App, AppName};
use chrono::DateTime;
use uuid::{Builder, Uuid};

use super::chance::{SplitMix64, mix, scale};
use super::people::{Zipf, id, ranked, ranks, upn};

const APPS: u32 = 30;
const SUITES: u32 = 6;
const ACTIONS: u32 = 200;

/// How a source names its activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// From the time and random bits, as UUIDv7.
    TimeOrdered,
    /// From random bits alone, as UUIDv4.
    Random,
}

/// Activities by number. A number always produces the same activity, however many activities around it are hidden.
pub(crate) struct Activities {
    ids: Ids,
    public: Zipf,
    hidden: Zipf,
    apps: Zipf,
    actions: Zipf,
}

/// One activity in a stream of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    pub(crate) number: u64,
    pub(crate) hidden: bool,
    /// The time of arrival in microseconds after the first activity.
    pub(crate) micros: u64,
}

impl Ids {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TimeOrdered => "time-ordered ids",
            Self::Random => "random ids",
        }
    }
}

impl Activities {
    pub(crate) fn new(ids: Ids) -> Self {
        let (public, hidden) = (Zipf::new(ranks(false)), Zipf::new(ranks(true)));
        Self { ids, public, hidden, apps: Zipf::new(APPS), actions: Zipf::new(ACTIONS) }
    }

    pub(crate) fn id(&self, number: Number) -> ActivityId {
        let uuid = match self.ids {
            Ids::Random => random_id(number),
            Ids::TimeOrdered => {
                let mut bytes = [0; 10];
                bytes[..8].copy_from_slice(&mix(number.seed() ^ 1).to_be_bytes());
                Builder::from_unix_timestamp_millis(BEGINNING * 1_000 + number.micros / 1_000, &bytes).into_uuid()
            }
        };
        uuid.to_string().parse().unwrap()
    }

    pub(crate) fn at(&self, number: Number) -> Activity {
        let mut chance = SplitMix64::new(number.seed());
        let actor = ranked(if number.hidden { &self.hidden } else { &self.public }.draw(&mut chance), number.hidden);
        let actor = Actor::user(id(actor)).with_identity(upn(actor));
        let app_rank = self.apps.draw(&mut chance);
        let app = App::new(app(app_rank)).in_suite(suite(app_rank % SUITES));
        let action = action(self.actions.draw(&mut chance));
        // Almost in the order of arrival.
        let micros = BEGINNING * 1_000_000 + number.micros + chance.below(5_000_000);
        let time = DateTime::from_timestamp_micros(micros as i64).unwrap();
        let object = format!("/sites/site-{}/documents/plan-{}.docx", chance.below(1_000), chance.below(100_000));
        let [a, b, c, d, e, f] = std::array::from_fn(|_| chance.next());
        let details = format!(
            "{{\"ClientIP\":\"10.{}.{}.{}\",\"CorrelationId\":\"{a:016x}{b:016x}\",\"Session\":\"{c:016x}{d:016x}\",\
             \"Token\":\"{e:016x}{f:016x}\",\"Agent\":\"Mozilla/5.0 (X11; Linux) Gecko\"}}",
            a % 256,
            b % 256,
            c % 256
        );
        let activity = Activity::builder(self.id(number), actor, app, action, time);
        activity.object(object).details(details).build().unwrap()
    }

    pub(crate) fn all(&self, numbers: impl IntoIterator<Item = Number>) -> Vec<Activity> {
        numbers.into_iter().map(|number| self.at(number)).collect()
    }
}

impl Number {
    fn seed(self) -> u64 {
        mix(self.number << 1 | u64::from(self.hidden))
    }
}

/// Returns an id that is independent of the time.
fn random_id(number: Number) -> Uuid {
    let (high, low) = (mix(number.seed() ^ 3), mix(number.seed() ^ 4));
    Builder::from_random_bytes(Uuid::from_u64_pair(high, low).into_bytes()).into_uuid()
}

/// Returns a stream of ten activities per second, a tenth of them hidden.
pub(crate) fn stream(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Number> {
    numbers.map(|number| Number { number, hidden: mix(number).is_multiple_of(10), micros: number * 100_000 })
}

/// The distribution of activity times over the days.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spread {
    /// They rise in storage order, within some seconds.
    Rising,
    /// Each is random within the days.
    Random,
}

impl Spread {
    pub(crate) const ALL: [Self; 2] = [Self::Rising, Self::Random];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rising => "times rising",
            Self::Random => "times at random",
        }
    }
}

/// Returns `rows` activities over some days, a tenth of them hidden.
pub(crate) fn over_days(days: u64, spread: Spread, rows: u64) -> impl Iterator<Item = Number> {
    let span = days * 86_400 * 1_000_000;
    stream(0..rows).map(move |number| {
        let micros = match spread {
            Spread::Rising => span / rows * number.number,
            Spread::Random => scale(mix(number.seed() ^ 5), span),
        };
        Number { micros, ..number }
    })
}

/// The Unix time in seconds at which the first activities arrive.
pub(crate) const BEGINNING: u64 = 1_772_000_000;

pub(crate) fn app(rank: u32) -> AppName {
    format!("Contoso App {rank:02}").parse().unwrap()
}

pub(crate) fn suite(number: u32) -> AppName {
    format!("Contoso Suite {number}").parse().unwrap()
}

fn action(rank: u32) -> Action {
    format!("DocumentAction{rank:03}").parse().unwrap()
}
