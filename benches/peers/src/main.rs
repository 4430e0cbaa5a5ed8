//! The decision of `activity-privacy` compared with general-purpose policy engines: Cedar, regorus and casbin.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- 10000 1000000`; the arguments are numbers of users.
//! Every verdict of every engine is checked while it is timed. Each engine is loaded again in a separate process, to
//! measure its memory.
//!
//! Each engine is used as its documentation recommends; see its file. All of them receive the actor as the source wrote
//! it and fold it themselves. Only this crate folds it by Unicode, knows several names per user, and returns reasons.
#![allow(dead_code, reason = "the crate's own bench uses more of these modules")]

#[path = "../../decide/block.rs"]
mod block;
mod casbin;
mod cedar;
#[path = "../../decide/chance.rs"]
mod chance;
#[path = "../../decide/contender.rs"]
mod contender;
mod engine;
#[path = "../../decide/import.rs"]
mod import;
#[path = "../../decide/organisation.rs"]
mod organisation;
mod ours;
#[path = "../../decide/policies.rs"]
mod policies;
#[path = "../../decide/race.rs"]
mod race;
mod rego;

use std::process::Command;
use std::time::Instant;

use chrono::{DateTime, Utc};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use self::block::Form;
use self::casbin::Casbin;
use self::cedar::Cedar;
use self::contender::{Contender, Decide, GroupsByName, IsHidden};
use self::engine::Engine;
use self::organisation::{Actors, Organisation};
use self::ours::Ours;
use self::race::race;
use self::rego::Regorus;

/// The time of every activity.
pub(crate) fn as_of() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000, 0).unwrap()
}

const BATCH: &str = "`PolicyEngine::verdicts`";
const BY_HAND: &str = "`HashMap<String, Vec<u32>>`, by hand";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [weigh, engine, users] = arguments.as_slice()
        && weigh == "--weigh"
    {
        println!("{}", weighed(engine, users.parse().unwrap()));
        return;
    }
    let sizes: Vec<u32> = arguments.iter().map(|users| users.parse().expect("numbers of users")).collect();
    for users in if sizes.is_empty() { vec![10_000] } else { sizes } {
        println!("{}", compared(users));
    }
}

fn compared(users: u32) -> Table {
    let organisation = Organisation::new(users);
    let mut ours = Loaded::<Ours>::new(&organisation);
    let mut cedar = Loaded::<Cedar>::new(&organisation);
    let mut rego = Loaded::<Regorus>::new(&organisation);
    let mut casbin = Loaded::<Casbin>::new(&organisation);
    let by_hand = GroupsByName::new(&organisation);
    let times = {
        let is_hidden = |user| organisation.is_protected(user);
        // This crate is the floor here.
        let contenders = [
            contender(race::FLOOR, ours.engine.decide(), &is_hidden),
            contender(BATCH, ours.engine.batch(), &is_hidden),
            contender(Cedar::NAME, cedar.engine.decide(), &is_hidden),
            contender(Regorus::NAME, rego.engine.decide(), &is_hidden),
            contender(Casbin::NAME, casbin.engine.decide(), &is_hidden),
            contender(BY_HAND, by_hand.decide(), &is_hidden),
        ];
        Actors::BOTH.map(|actors| race(&organisation, &actors.draw(users, 1_000_000), 100, &contenders))
    };
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        &format!("{} users", in_words(users)),
        "Zipf",
        "uniform",
        "bytes a user",
        "load",
        "publish",
    ]);
    let mut row = |name: &str, timed_as: &str, facts: [String; 3]| {
        let times = times.iter().filter_map(|times| times.of(timed_as));
        let times = times.map(|(nanoseconds, ratio)| format!("{nanoseconds:.0} ns  {ratio:.1}×"));
        let cells = times.chain(facts).map(|cell| Cell::new(cell).set_alignment(CellAlignment::Right));
        table.add_row([Cell::new(name)].into_iter().chain(cells));
    };
    row(Ours::NAME, race::FLOOR, ours.facts(&organisation));
    row(BATCH, BATCH, Default::default());
    row(Cedar::NAME, Cedar::NAME, cedar.facts(&organisation));
    row(Regorus::NAME, Regorus::NAME, rego.facts(&organisation));
    row(Casbin::NAME, Casbin::NAME, casbin.facts(&organisation));
    row(BY_HAND, BY_HAND, Default::default());
    table
}

fn contender<'a>(name: &'static str, decide: Decide<'a>, is_hidden: IsHidden<'a>) -> Contender<'a> {
    Contender { name, form: Form::Upn, is_batch: false, decide, is_hidden }
}

/// Formats a number of users for people.
fn in_words(users: u32) -> String {
    match users {
        1_000_000.. if users.is_multiple_of(1_000_000) => format!("{} M", users / 1_000_000),
        1_000.. if users.is_multiple_of(1_000) => format!("{} k", users / 1_000),
        _ => users.to_string(),
    }
}

/// An engine and its loading time.
struct Loaded<E> {
    engine: E,
    seconds: f64,
}

impl<E: Engine> Loaded<E> {
    fn new(organisation: &Organisation) -> Self {
        eprintln!("{} users: loading {}", organisation.users, E::NAME);
        let start = Instant::now();
        let engine = E::load(organisation);
        Self { engine, seconds: start.elapsed().as_secs_f64() }
    }

    /// Returns the bytes per user, the time to load and the time to publish.
    fn facts(&mut self, organisation: &Organisation) -> [String; 3] {
        let publish: Vec<f64> = (0..3).map(|_| self.engine.publish(organisation) * 1e3).collect();
        [
            bytes_a_user(E::NAME, organisation.users).map_or("-".to_owned(), |bytes| format!("{bytes:.0}")),
            format!("{:.2} s", self.seconds),
            format!("{:.2} ms", race::median(publish)),
        ]
    }
}

/// Returns the memory per user that an engine takes in a separate process.
fn bytes_a_user(engine: &str, users: u32) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new(program).args(["--weigh", engine, &users.to_string()]).output().ok()?;
    let bytes: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    (bytes > 0.0).then_some(bytes / f64::from(users))
}

/// Returns the growth of the resident memory caused by loading an engine, in bytes.
fn weighed(engine: &str, users: u32) -> u64 {
    fn load<E: Engine>(organisation: &Organisation) -> u64 {
        let before = resident();
        let engine = E::load(organisation);
        let bytes = resident().saturating_sub(before);
        drop(engine);
        bytes
    }
    let organisation = Organisation::new(users);
    match engine {
        Ours::NAME => load::<Ours>(&organisation),
        Cedar::NAME => load::<Cedar>(&organisation),
        Regorus::NAME => load::<Regorus>(&organisation),
        Casbin::NAME => load::<Casbin>(&organisation),
        _ => 0,
    }
}

/// Returns the resident memory on Linux, and 0 elsewhere.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1_024
}
