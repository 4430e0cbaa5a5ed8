//! The interface of every engine.

use crate::contender::Decide;
use crate::organisation::Organisation;

pub(crate) trait Engine: Sized {
    const NAME: &'static str;

    /// Loads everything that a decision needs into memory.
    fn load(organisation: &Organisation) -> Self;

    /// Returns a closure that decides raw actors one at a time.
    fn decide(&self) -> Decide<'_>;

    /// Makes the large group private. Returns the time in seconds.
    fn publish(&mut self, organisation: &Organisation) -> f64;
}
