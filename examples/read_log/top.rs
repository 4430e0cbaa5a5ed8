//! The most frequent texts of a log.

use std::collections::HashMap;

use serde::Serialize;

/// The number of activities by a text, in bounded memory.
#[derive(Default)]
pub(crate) struct Top {
    counts: HashMap<String, u64>,
    /// Activities with texts beyond the limit.
    others: u64,
}

/// A text, and the number of activities that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Frequency {
    pub(crate) name: String,
    pub(crate) activities: u64,
}

impl Top {
    const MAX_TEXTS: usize = 10_000;

    pub(crate) fn add(&mut self, text: &str) {
        let has_room = self.counts.len() < Self::MAX_TEXTS;
        match self.counts.get_mut(text) {
            Some(count) => *count += 1,
            None if has_room => drop(self.counts.insert(text.to_owned(), 1)),
            None => self.others += 1,
        }
    }

    /// Returns the number of different texts, at most the limit.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Returns the most frequent texts, the first in alphabetical order of those that are equally frequent.
    pub(crate) fn first(&self, number: usize) -> Vec<Frequency> {
        let mut all: Vec<_> = self.counts.iter().map(|(name, activities)| (*activities, name)).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let first = all.into_iter().take(number);
        first.map(|(activities, name)| Frequency { name: name.clone(), activities }).collect()
    }

    /// Returns the number of activities whose text is not among the [first](Self::first).
    pub(crate) fn rest(&self, number: usize) -> u64 {
        let first: u64 = self.first(number).iter().map(|frequency| frequency.activities).sum();
        self.counts.values().sum::<u64>() + self.others - first
    }
}
