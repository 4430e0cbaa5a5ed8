//! A comparison of two logs that answer the same question alternately.

use std::time::{Duration, Instant};

use super::answer::Answer;
use super::median::median;

/// Medians, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) ours: f64,
    pub(crate) floor: f64,
    /// The median ratio of consecutive answers.
    pub(crate) ratio: f64,
}

impl Comparison {
    /// Queries both sides alternately, with the number of the round.
    ///
    /// # Panics
    /// Panics if the answers differ or do not have the expected length.
    pub(crate) fn of(
        what: &str,
        expected: Option<usize>,
        ours: &dyn Fn(usize) -> Answer,
        floor: &dyn Fn(usize) -> Answer,
    ) -> Self {
        const ENOUGH: Duration = Duration::from_millis(600);
        // A slow question needs fewer rounds.
        const MORE_THAN_ENOUGH: Duration = Duration::from_secs(4);
        let (begun, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
        for round in 0.. {
            let took = begun.elapsed();
            if round > 1_000 || (round >= 15 && took > ENOUGH) || (round >= 3 && took > MORE_THAN_ENOUGH) {
                break;
            }
            let mut answers = [Vec::new(), Vec::new()];
            for turn in 0..2 {
                let side = (turn + round) % 2;
                let begun = Instant::now();
                let answer = if side == 0 { ours(round) } else { floor(round) };
                times[side].push(begun.elapsed().as_secs_f64());
                answers[side] = answer.words();
            }
            assert!(answers[0] == answers[1], "{what}: the answers differ");
            assert!(expected.is_none_or(|expected| answers[0].len() == expected), "{what}: {}", answers[0].len());
        }
        let ratios = times[0].iter().zip(&times[1]).map(|(ours, floor)| ours / floor);
        let ratio = median(ratios.collect());
        let [ours, floor] = times.map(median);
        Self { ours, floor, ratio }
    }
}
