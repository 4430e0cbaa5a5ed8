//! The runner: random histories played against the adapters of an embedder, and compared with the model.

mod checks;
mod nodes;
mod reading;
mod reference;
mod tally;

use std::error::Error;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

pub use self::nodes::Nodes;
use self::reference::Reference;
pub use self::tally::Coverage;
use super::Step;
use crate::directory::{DirectorySnapshot, GroupDirectory};
use crate::governance::GovernanceSink;
use crate::identity::UserId;
use crate::policy::Administrators;
use crate::store::ActivityStore;

/// The adapters that a [`HistoryTest`] plays histories against: how to create them, and how a node opens them.
pub trait HistoryHarness: Sized {
    /// The directory of one node.
    type Directory: GroupDirectory + 'static;

    /// Creates an empty store and an empty log, independent of all others.
    fn fresh() -> Self;

    /// Opens the store and the sink for a node that starts. Two nodes have them open at the same time.
    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>);

    /// Creates the directory for a node that starts, without any import.
    fn directory(&self) -> Self::Directory;

    /// Puts a snapshot in force on a node: a full import, or the state after a delta. It already is the
    /// [successor](DirectorySnapshot::carry_over_from) of the one before.
    ///
    /// # Errors
    /// Returns the adapter's error, and in particular rejects a snapshot that is not newer than the one in force. The
    /// directory then stays as it is.
    fn install(
        directory: &Self::Directory,
        snapshot: Arc<DirectorySnapshot>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// A test that plays random histories of two nodes against the adapters of `H`, and compares every answer, and after
/// each step everything observable, with the [`Model`](super::Model).
///
/// ```no_run
/// use std::error::Error;
/// use std::sync::Arc;
///
/// use activity_privacy::directory::DirectorySnapshot;
/// use activity_privacy::governance::GovernanceSink;
/// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use activity_privacy::store::ActivityStore;
/// use activity_privacy::strategies::{HistoryHarness, HistoryTest};
///
/// /// Your store and sink; here those of this crate.
/// #[derive(Default)]
/// struct Mine(Arc<MemoryStore>, Arc<MemorySink>);
///
/// impl HistoryHarness for Mine {
///     type Directory = MemoryDirectory;
///
///     fn fresh() -> Self {
///         Self::default()
///     }
///
///     fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
///         (self.0.clone(), self.1.clone())
///     }
///
///     fn directory(&self) -> MemoryDirectory {
///         MemoryDirectory::new()
///     }
///
///     fn install(
///         directory: &MemoryDirectory,
///         snapshot: Arc<DirectorySnapshot>,
///     ) -> Result<(), Box<dyn Error + Send + Sync>> {
///         Ok(directory.install(snapshot)?)
///     }
/// }
///
/// // In a `#[test]`:
/// HistoryTest::new().cases(64).run::<Mine>();
/// ```
///
/// # Limits
///
/// The steps run one after another, so histories do not find races between threads, and no step is a crash within a
/// write. The [conformance kit](crate::conformance) has clauses for both.
#[derive(Debug, Clone)]
#[must_use]
pub struct HistoryTest {
    config: Config,
    length: RangeInclusive<usize>,
    is_repeatable: bool,
}

impl HistoryTest {
    /// Returns a test of 32 histories of up to 50 steps.
    pub fn new() -> Self {
        let config = Config { cases: 32, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
        Self { config, length: 1..=50, is_repeatable: false }
    }

    /// Sets the number of histories.
    pub fn cases(mut self, cases: u32) -> Self {
        self.config.cases = cases;
        self
    }

    /// Sets the number of steps of each history.
    pub fn length(self, steps: RangeInclusive<usize>) -> Self {
        Self { length: steps, ..self }
    }

    /// Sets the file that keeps the seeds of failures, so that the next run tries them first.
    pub fn seeds(mut self, path: &'static str) -> Self {
        self.config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(path)));
        self
    }

    /// Plays the same histories in every run.
    pub fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    /// Plays the histories, and returns how often each outcome was reached.
    ///
    /// # Panics
    /// Panics with the shortest history that was found if an answer or an observation differs from the model, or if an
    /// adapter fails.
    pub fn run<H: HistoryHarness>(self) -> Coverage {
        let mut runner = match self.is_repeatable {
            true => {
                let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
                TestRunner::new_with_rng(self.config.clone(), rng)
            }
            false => TestRunner::new(self.config.clone()),
        };
        let histories = Reference::sequential_strategy(self.length.clone());
        let (outcome, reached) = Coverage::during(|| {
            let outcome = runner.run(&histories, |(state, steps, seen)| {
                let case = || Machine::<H>::test_sequential(self.config.clone(), state, steps, seen);
                panic::catch_unwind(AssertUnwindSafe(case)).map_err(|panicked| {
                    let message = panicked.downcast_ref::<String>().cloned();
                    let message = message.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    TestCaseError::fail(message.unwrap_or_default())
                })
            });
            outcome.err().map(|error| match error {
                TestError::Fail(why, (_, steps, _)) => format!("{why}\nafter the history {steps:#?}"),
                TestError::Abort(why) => why.to_string(),
            })
        });
        match outcome {
            None => reached,
            Some(failure) => panic!("{failure}"),
        }
    }
}

impl Default for HistoryTest {
    fn default() -> Self {
        Self::new()
    }
}

/// The library on the adapters of one harness.
struct Machine<H>(PhantomData<H>);

impl<H: HistoryHarness> StateMachineTest for Machine<H> {
    type SystemUnderTest = Nodes<H>;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Nodes<H> {
        Nodes::new()
    }

    fn apply(mut nodes: Nodes<H>, expected: &Reference, step: Step) -> Nodes<H> {
        nodes.check_step(&step, &expected.answer);
        nodes
    }

    fn check_invariants(nodes: &Nodes<H>, expected: &Reference) {
        nodes.check(&expected.model);
    }

    fn teardown(mut nodes: Nodes<H>, expected: Reference) {
        nodes.check_all(&expected.model);
    }
}

/// Returns the privacy administrators of the first policy of a history: `root` and `deputy`.
#[must_use]
pub fn first_administrators() -> Administrators {
    Administrators::new(user("root"), user("deputy")).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// Returns the time `seconds` after the start of a history.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000 + seconds, 0).unwrap()
}
