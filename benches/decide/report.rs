//! The table.

use std::fmt;
use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use super::organisation::Actors;
use super::race::{FLOOR, FLOOR_BATCH, Times};
use super::upkeep::{Pauses, Steps, milliseconds};
use super::{VERDICT, VERDICT_BATCH};

pub(crate) const DECISIONS: &str = "`PolicyEngine::decide`";
pub(crate) const ALL: &str = "hashbrown, all users, folded in advance";
pub(crate) const VERDICTS: &str = "`HashMap<String, bool>`, `to_lowercase`";
pub(crate) const GROUPS: &str = "`HashMap<String, Vec<u32>>`, `to_lowercase`";
/// Policies and activities that are less plain, one by one and as a batch.
pub(crate) const VARIANTS: [[&str; 2]; 8] = [
    ["id and UPN", "id and UPN, batch"],
    ["on behalf of another user", "on behalf of another user, batch"],
    ["external users private", "external users private, batch"],
    ["scope of 4 rules", "scope of 4 rules, batch"],
    ["account names", "account names, batch"],
    ["not in ASCII", "not in ASCII, batch"],
    ["protected actors only", "protected actors only, batch"],
    ["floor, protected actors only", "floor, protected actors only, 64 at once"],
];

/// All measurements of one number of users.
pub(crate) struct Size {
    pub(crate) users: u32,
    pub(crate) decisions: Vec<(Actors, Times)>,
    pub(crate) variants: Vec<(Actors, Times)>,
    pub(crate) directory_bytes: f64,
    pub(crate) name_bytes: f64,
    pub(crate) engine_bytes: f64,
    pub(crate) sorting: Duration,
    pub(crate) collecting: Duration,
    pub(crate) building: Duration,
    pub(crate) steps: Steps,
    pub(crate) pauses: Pauses,
}

pub(crate) struct Report(pub(crate) Vec<Size>);

impl Report {
    /// Returns one row of times: for each size, those for Zipf and uniform actors.
    fn times<'a>(
        &'a self,
        of: impl Fn(&'a Size) -> &'a Vec<(Actors, Times)> + 'a,
        name: &'static str,
    ) -> impl Iterator<Item = String> + 'a {
        let times = self.0.iter().flat_map(of);
        times.map(move |(_, times)| match times.of(name) {
            Some((nanoseconds, ratio)) => format!("{nanoseconds:.1} ns  {ratio:.2}×"),
            None => "-".to_owned(),
        })
    }

    fn row(table: &mut Table, name: &str, cells: impl Iterator<Item = String>) {
        let cells = cells.map(|cell| Cell::new(cell).set_alignment(CellAlignment::Right));
        table.add_row([Cell::new(name)].into_iter().chain(cells));
    }

    /// Adds a row that does not depend on the actors.
    fn fact(&self, table: &mut Table, name: &str, fact: impl Fn(&Size) -> String) {
        Self::row(table, name, self.0.iter().flat_map(|size| [fact(size), String::new()]));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        let heads = self.0.iter().flat_map(|size| {
            let users = in_words(size.users);
            Actors::BOTH.map(|actors| format!("{users}, {}", actors.name()))
        });
        table.set_header(["a decision, and times the floor".to_owned()].into_iter().chain(heads));
        for name in [FLOOR, VERDICT, FLOOR_BATCH, VERDICT_BATCH, DECISIONS, ALL, VERDICTS, GROUPS] {
            Self::row(&mut table, name, self.times(|size| &size.decisions, name));
        }
        for name in VARIANTS.as_flattened() {
            Self::row(&mut table, name, self.times(|size| &size.variants, name));
        }
        self.fact(&mut table, "directory, bytes a user beyond names", |size| format!("{:.1}", size.directory_bytes));
        self.fact(&mut table, "the names themselves, bytes a user", |size| format!("{:.1}", size.name_bytes));
        self.fact(&mut table, "engine, bytes a user", |size| format!("{:.1}", size.engine_bytes));
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        self.fact(&mut table, "import, unsorted: collecting", |size| seconds(size.collecting));
        self.fact(&mut table, "import, unsorted: building", |size| seconds(size.building));
        self.fact(&mut table, "sorting a u64 for each membership", |size| seconds(size.sorting));
        self.fact(&mut table, "import, in such sorts", |size| {
            let all = size.collecting + size.building;
            format!("{:.1}×", milliseconds(all) / milliseconds(size.sorting))
        });
        let fine = |time: f64| format!("{time:.2} ms");
        self.fact(&mut table, "1,000 memberships change: snapshot", |size| fine(size.steps.delta));
        self.fact(&mut table, "1,000 memberships change: engine", |size| fine(size.steps.updated_for_delta));
        self.fact(&mut table, "a tenth of all become private: engine", |size| fine(size.steps.updated_for_policy));
        self.fact(&mut table, "a first engine", |size| fine(size.steps.new_engine));
        self.fact(&mut table, "worst batch of 64, nothing happens", |size| fine(size.pauses.quiet));
        self.fact(&mut table, "worst batch of 64, memberships change", |size| fine(size.pauses.delta));
        self.fact(&mut table, "worst batch of 64, a tenth become private", |size| fine(size.pauses.policy));
        table.fmt(f)
    }
}

/// Returns a number of users as text.
pub(crate) fn in_words(users: u32) -> String {
    match users {
        1_000_000.. if users.is_multiple_of(1_000_000) => format!("{} M", users / 1_000_000),
        1_000.. if users.is_multiple_of(1_000) => format!("{} k", users / 1_000),
        _ => users.to_string(),
    }
}
