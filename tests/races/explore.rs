//! Runs a scenario in many interleavings.

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Runs a scenario in many interleavings. Half of them are random. The other half have few preemptions at random points
/// (PCT), which finds faults that need one stalled thread.
pub(crate) fn explore(scenario: fn()) {
    const PREEMPTIONS: usize = 3;
    let schedules = std::env::var("ACTIVITY_PRIVACY_SCHEDULES").map_or(1_500, |count| count.parse().unwrap());
    let half = usize::max(schedules / 2, 1);
    run(RandomScheduler::new(half), scenario);
    run(PctScheduler::new(PREEMPTIONS, half), scenario);
}

/// Runs a small scenario in every possible interleaving, and fails if there are `bound` or more.
pub(crate) fn exhaust(bound: usize, scenario: fn()) {
    let schedules = run(DfsScheduler::new(Some(bound), false), scenario);
    println!("{schedules} interleavings explored exhaustively");
    assert!(schedules < bound, "there are at least {bound} interleavings");
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x8_0000;
    Runner::new(scheduler, config).run(scenario)
}
