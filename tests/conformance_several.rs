//! Several sinks together keep the contract of one.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use activity_privacy::conformance::SinkHarness;
use activity_privacy::memory::MemorySink;
use activity_privacy::{SeveralSinks, governance_sink_conformance};

/// Three sinks that live in this process. Every handle on them is one of its own, as another process would have it.
struct Three([Arc<MemorySink>; 3]);

impl SinkHarness for Three {
    type Sink = SeveralSinks;

    fn fresh() -> Self {
        Self([(); 3].map(|()| Arc::new(MemorySink::new())))
    }

    fn open(&self) -> SeveralSinks {
        let [a, b, c] = self.0.clone();
        let sinks = SeveralSinks::led_by("a".parse().unwrap(), a);
        sinks.and("b".parse().unwrap(), b).and("c".parse().unwrap(), c).build().unwrap()
    }

    fn crash(&mut self) {}
}

governance_sink_conformance!(Three);
