//! A quorum of sinks fulfils the contract of a sink.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use activity_privacy::conformance::SinkHarness;
use activity_privacy::governance_sink_conformance;
use activity_privacy::memory::MemorySink;
use activity_privacy::sinks::QuorumSink;

/// Three in-memory sinks. Each handle is a separate `QuorumSink`, as in another process.
struct Three([Arc<MemorySink>; 3]);

impl SinkHarness for Three {
    type Sink = QuorumSink;

    fn fresh() -> Self {
        Self([(); 3].map(|()| Arc::new(MemorySink::new())))
    }

    fn open(&self) -> QuorumSink {
        let [a, b, c] = self.0.clone();
        let sinks = QuorumSink::with_leader("a".parse().unwrap(), a);
        sinks.push("b".parse().unwrap(), b).push("c".parse().unwrap(), c).build().unwrap()
    }

    fn crash(&mut self) {}
}

governance_sink_conformance!(Three);
