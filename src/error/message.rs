//! The message of an error with those of its sources.

use std::error::Error;

/// Returns the message of an error and of its sources, separated by colons.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    /// An embedder can make a chain without an end by mistake.
    const MAX_SOURCES: usize = 16;
    let mut message = error.to_string();
    let mut source = error.source();
    for _ in 0..MAX_SOURCES {
        let Some(error) = source else { break };
        message = format!("{message}: {error}");
        source = error.source();
    }
    message
}
