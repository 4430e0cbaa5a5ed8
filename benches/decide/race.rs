//! Times contenders in turns, so that load on the machine affects all of them.

use super::block::{BLOCK, Block, Form};
use super::chance::SplitMix64;
use super::contender::Contender;
use super::median::median;
use super::organisation::{Organisation, is_spelt_beyond_ascii};

/// The time of one decision of each contender.
pub(crate) struct Times(Vec<(&'static str, f64, f64)>);

impl Times {
    /// Returns the time in nanoseconds, and as a multiple of the floor.
    pub(crate) fn of(&self, name: &str) -> Option<(f64, f64)> {
        self.0.iter().find(|(known, ..)| *known == name).map(|(_, nanoseconds, ratio)| (*nanoseconds, *ratio))
    }
}

/// The names of the two floors.
pub(crate) const FLOOR: &str = "floor: protected identities, folded in advance";
pub(crate) const FLOOR_BATCH: &str = "floor, 64 at once";

/// Gives every contender one block a round, in turns, and takes the median. All contenders decide the same blocks, but
/// never one that another has just decided, because contenders that share a table would find it in the cache.
///
/// # Panics
/// Panics if a contender returns a wrong verdict.
pub(crate) fn race(organisation: &Organisation, actors: &[u32], rounds: usize, contenders: &[Contender<'_>]) -> Times {
    const APART: usize = 211;
    let mut chance = SplitMix64::new(12);
    let mut times: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::with_capacity(rounds)).collect();
    let blocks = actors.len() / BLOCK;
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let contender = &contenders[at];
            let first = (round + at * APART) % blocks * BLOCK;
            let users = actors[first..first + BLOCK].iter().map(|user| fitting(contender.form, organisation, *user));
            let users: Vec<u32> = users.collect();
            let is_hidden = |users: &[u32]| users.iter().any(|user| (contender.is_hidden)(*user));
            let block = Block::new(&users, contender.form, &mut chance, is_hidden);
            block.touch();
            let (took, hidden) = (contender.decide)(&block);
            assert_eq!(hidden, block.hidden, "{} gave another verdict", contender.name);
            times[at].push(took.as_nanos() as f64 / BLOCK as f64);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let floor = |is_batch: bool| {
        let name = if is_batch { FLOOR_BATCH } else { FLOOR };
        contenders.iter().position(|contender| contender.name == name).map_or(f64::NAN, |at| medians[at])
    };
    let ratio = |contender: &Contender<'_>, median: f64| median / floor(contender.is_batch);
    Times(contenders.iter().zip(&medians).map(|(one, median)| (one.name, *median, ratio(one, *median))).collect())
}

/// Returns the user, or a user nearby who can act in this form.
fn fitting(form: Form, organisation: &Organisation, user: u32) -> u32 {
    let fits = |user: &u32| match form {
        Form::NotAscii => is_spelt_beyond_ascii(*user),
        Form::Protected => organisation.is_protected(*user),
        Form::Upn | Form::IdAndUpn | Form::OnBehalf | Form::Account => true,
    };
    (user..organisation.users).chain(0..user).find(fits).unwrap_or(user)
}
