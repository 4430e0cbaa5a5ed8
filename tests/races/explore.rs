//! How a scenario is run in many interleavings.

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Runs a scenario in many interleavings: half of them random, half with few preemptions at random places (PCT), which
/// finds what hides from the first half: one thread that stands still while all others go on.
pub(crate) fn explore(scenario: fn()) {
    const PREEMPTIONS: usize = 3;
    let schedules = std::env::var("ACTIVITY_PRIVACY_SCHEDULES").map_or(1_500, |count| count.parse().unwrap());
    let half = usize::max(schedules / 2, 1);
    run(RandomScheduler::new(half), scenario);
    run(PctScheduler::new(PREEMPTIONS, half), scenario);
}

/// Runs a small scenario in every interleaving there is; fewer than `bound`, so that it stays a small one.
pub(crate) fn exhaust(bound: usize, scenario: fn()) {
    let schedules = run(DfsScheduler::new(Some(bound), false), scenario);
    println!("{schedules} interleavings are all there are");
    assert!(schedules < bound, "there are more than {bound} interleavings");
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x8_0000;
    Runner::new(scheduler, config).run(scenario)
}
