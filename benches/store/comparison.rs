//! One question, asked of two logs in turn.

use std::time::{Duration, Instant};

use super::answer::ApprovalDecision;
use super::median::median;

/// Medians, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) ours: f64,
    pub(crate) floor: f64,
    /// The median of the ratios of two answers that followed each other.
    pub(crate) ratio: f64,
}

impl Comparison {
    /// Asks both in turn. The round tells apart how it is asked each time.
    ///
    /// # Panics
    /// If the answers differ, or are not of the length expected.
    pub(crate) fn of(
        what: &str,
        expected: Option<usize>,
        ours: &dyn Fn(usize) -> ApprovalDecision,
        floor: &dyn Fn(usize) -> ApprovalDecision,
    ) -> Self {
        const ENOUGH: Duration = Duration::from_millis(600);
        // What is as slow as this needs no fine figure.
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
