//! What is asked of every engine.

use crate::contender::Decide;
use crate::organisation::Organisation;

pub(crate) trait Engine: Sized {
    const NAME: &'static str;

    /// Everything that it needs to decide, in memory.
    fn load(organisation: &Organisation) -> Self;

    /// Decides one raw actor after the other.
    fn decide(&self) -> Decide<'_>;

    /// Makes the large group private, and tells how many seconds that took.
    fn publish(&mut self, organisation: &Organisation) -> f64;
}
