//! The settings of a run, from the environment.

use std::env;

/// The number of kills, and the seed of all delays.
pub(crate) struct Settings {
    pub(crate) kills: u64,
    pub(crate) seed: u64,
}

impl Settings {
    /// Reads the settings, and prints the seed.
    pub(crate) fn read(default_kills: u64) -> Self {
        let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
        let kills = number("ACTIVITY_PRIVACY_KILLS").unwrap_or(default_kills);
        let seed = number("ACTIVITY_PRIVACY_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
        println!("ACTIVITY_PRIVACY_SEED={seed}");
        Self { kills, seed }
    }
}
