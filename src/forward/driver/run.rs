//! The loop of a driver.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::Driver;
use super::delivery::{Answer, Connect, Connection, Threads};
use super::forwarder::{Accepted, DeliveryError};
use super::options::{DriverOptions, LONGEST};
use super::shared::Shared;
use super::state::{DriverError, Phase, RefusedItem, StopReason};
use crate::error::with_sources;
use crate::forward::{Batch, BatchLimit, Feed, FeedSource, ForwardError, Offset};
use crate::query::PageSize;

/// The loop of a driver, in a thread of its own.
pub(super) struct Run<S: FeedSource> {
    feed: Feed<S>,
    connect: Arc<Connect<S::Item>>,
    options: DriverOptions,
    shared: Arc<Shared>,
    threads: Arc<Threads>,
    /// The connection for the next batch, if the last delivery succeeded.
    connection: Option<Connection<S::Item>>,
    /// Deliveries that exceeded the time limit, the oldest first.
    late: Vec<Late<S::Item>>,
    /// An acknowledgement that failed.
    unsaved: Option<(Arc<Batch<S::Item>>, usize)>,
    /// The number of items in the next batch, if the item after them was refused.
    before_refused: Option<usize>,
    /// The acknowledged offset, and the time at which the first item after it was stored, as far as they are known.
    acknowledged: Option<Offset>,
    oldest: Option<DateTime<Utc>>,
}

/// A delivery that exceeded the time limit: its connection and its batch.
type Late<T> = (Connection<T>, Arc<Batch<T>>);

/// The result of one step.
enum Step {
    /// The next step can follow.
    Again,
    /// There is nothing to deliver.
    CaughtUp,
    /// Every thread waits for the destination.
    Hanging,
    Failed(String),
    Stopped(StopReason),
}

/// A destination that broke the contract of [`Forwarder`](super::Forwarder), or did not answer.
#[derive(Debug, Error)]
enum Fault {
    #[error("the destination did not answer within {} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("the destination panicked")]
    Panicked,
    #[error("the destination accepted no item")]
    AcceptedNothing,
    #[error("the destination refused an item that is not in the batch")]
    RefusedOther,
    #[error("no thread could be started")]
    NoThread(#[source] std::io::Error),
}

impl<S: FeedSource> Run<S> {
    pub(super) fn new(
        feed: Feed<S>,
        connect: Arc<Connect<S::Item>>,
        options: DriverOptions,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            feed,
            connect,
            options,
            shared,
            threads: Arc::default(),
            connection: None,
            late: Vec::new(),
            unsaved: None,
            before_refused: None,
            acknowledged: None,
            oldest: None,
        }
    }

    pub(super) fn run(mut self) {
        let mut reason = StopReason::Requested;
        while !self.shared.is_stopping() {
            match self.step() {
                Step::Again => {}
                Step::CaughtUp => self.pause(Phase::Waiting, self.options.poll),
                Step::Hanging => self.pause(Phase::Hanging, self.options.poll),
                Step::Failed(message) => self.back_off(message),
                Step::Stopped(why) => {
                    reason = why;
                    break;
                }
            }
        }
        // An idle connection is closed; one that hangs is abandoned.
        self.connection = None;
        self.threads.wait_for(self.late.len(), self.options.time_limit);
        self.shared.update(|state| {
            state.phase = Phase::Stopped;
            state.stopped = Some(reason);
        });
    }

    fn step(&mut self) -> Step {
        self.collect_late_answers();
        if let Some((batch, items)) = self.unsaved.take() {
            return self.acknowledge(batch, items);
        }
        if self.connection.is_none() && self.threads.running() >= Driver::MAX_THREADS {
            return Step::Hanging;
        }
        let limit = match self.before_refused {
            Some(items) => {
                let rows = items.min(self.options.batch.max_rows());
                BatchLimit::new(
                    PageSize::at_most(u16::try_from(rows).unwrap_or(u16::MAX)),
                    self.options.batch.max_bytes(),
                )
            }
            None => self.options.batch,
        };
        let batch = match self.feed.next_batch(limit) {
            Ok(batch) => Arc::new(batch),
            Err(ForwardError::Unknown(_)) => return Step::Stopped(StopReason::Removed),
            Err(error) => return Step::Failed(with_sources(&error)),
        };
        self.acknowledged = Some(batch.from.offset().clone());
        self.oldest = batch.items.first().map(S::stored_at);
        let Some(first) = batch.items.first() else {
            self.succeed();
            return Step::CaughtUp;
        };
        let id = S::id(first);
        self.refresh(Phase::Delivering);
        match self.deliver(&batch) {
            Ok(Accepted::All) => self.acknowledge(Arc::clone(&batch), batch.items.len()),
            Ok(Accepted::First(0)) => self.fail(&Fault::AcceptedNothing),
            Ok(Accepted::First(items)) => self.acknowledge(batch, items),
            Err(Failure::Delivery(DeliveryError::Refused { item, accepted, reason })) => {
                let accepted = accepted.min(item);
                if item >= batch.items.len() {
                    self.fail(&Fault::RefusedOther)
                } else if accepted > 0 {
                    let step = self.acknowledge(batch, accepted);
                    self.before_refused = (item > accepted).then_some(item - accepted);
                    step
                } else if item > 0 {
                    self.before_refused = Some(item);
                    Step::Again
                } else {
                    self.refuse(&batch, RefusedItem { id, reason: with_sources(&*reason) })
                }
            }
            Err(Failure::Delivery(error)) => self.fail(&error),
            Err(Failure::Fault(fault)) => self.fail(&fault),
        }
    }

    /// Acknowledges what destinations accepted after the time limit. A late answer is of no use if the batch was
    /// delivered again meanwhile; then its acknowledgement is superseded.
    fn collect_late_answers(&mut self) {
        let mut late = Vec::new();
        for (connection, batch) in std::mem::take(&mut self.late) {
            match connection.late_answer() {
                Answer::None => late.push((connection, batch)),
                Answer::Panicked => {}
                Answer::Answered(answer) => {
                    let items = match answer {
                        Ok(Accepted::All) => batch.items.len(),
                        Ok(Accepted::First(items)) => items.min(batch.items.len()),
                        Err(_) => 0,
                    };
                    if items > 0 && self.save(&batch, items).is_ok() && self.connection.is_none() {
                        self.connection = Some(connection);
                    }
                }
            }
        }
        self.late = late;
    }

    fn deliver(&mut self, batch: &Arc<Batch<S::Item>>) -> Result<Accepted, Failure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::start(Arc::clone(&self.connect), &self.threads)
                .map_err(|error| Failure::Fault(Fault::NoThread(error)))?,
        };
        if !connection.send(Arc::clone(batch)) {
            return Err(Failure::Fault(Fault::Panicked));
        }
        let until = Instant::now() + self.options.time_limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match connection.answer(left.min(self.options.poll)) {
                Answer::Answered(answer) => {
                    if !matches!(answer, Err(DeliveryError::Unavailable(_))) {
                        self.connection = Some(connection);
                    }
                    return answer.map_err(Failure::Delivery);
                }
                Answer::Panicked => return Err(Failure::Fault(Fault::Panicked)),
                Answer::None if Instant::now() >= until => {
                    self.late.push((connection, Arc::clone(batch)));
                    return Err(Failure::Fault(Fault::TimedOut(self.options.time_limit)));
                }
                Answer::None => self.refresh(Phase::Delivering),
            }
        }
    }

    /// Acknowledges the first items of a batch, which the destination accepted.
    fn acknowledge(&mut self, batch: Arc<Batch<S::Item>>, items: usize) -> Step {
        match self.save(&batch, items) {
            Ok(()) => {
                self.before_refused = None;
                self.succeed();
                Step::Again
            }
            Err(ForwardError::Superseded(_)) => {
                self.before_refused = None;
                self.shared.update(|state| state.superseded += 1);
                Step::Again
            }
            Err(error) => {
                self.unsaved = Some((batch, items));
                Step::Failed(with_sources(&error))
            }
        }
    }

    fn save(&mut self, batch: &Batch<S::Item>, items: usize) -> Result<(), ForwardError> {
        let missed = self.feed.acknowledge_counting(batch, items)?;
        let (now, accepted) = (self.feed.source().now(), items.min(batch.items.len()) as u64);
        self.shared.update(|state| {
            state.delivered += accepted;
            state.missed += missed;
            state.last_delivery = Some(now);
        });
        Ok(())
    }

    /// Sets the first item of a batch aside, or stops.
    fn refuse(&mut self, batch: &Batch<S::Item>, refused: RefusedItem) -> Step {
        self.shared.update(|state| state.last_refused = Some(refused.clone()));
        match self.feed.set_aside_first(batch, self.options.on_refusal.max_set_aside()) {
            Ok(()) => {
                self.before_refused = None;
                self.shared.update(|state| state.set_aside += 1);
                self.succeed();
                Step::Again
            }
            Err(ForwardError::SetAsideFull { .. }) => Step::Stopped(StopReason::Refused(refused)),
            Err(ForwardError::Superseded(_)) => {
                self.shared.update(|state| state.superseded += 1);
                Step::Again
            }
            Err(error) => Step::Failed(with_sources(&error)),
        }
    }

    fn succeed(&self) {
        self.shared.update(|state| state.failures = 0);
    }

    fn fail(&self, error: &(dyn Error + 'static)) -> Step {
        self.shared.update(|state| state.retries += 1);
        Step::Failed(with_sources(error))
    }

    fn back_off(&mut self, message: String) {
        let at = self.feed.source().now();
        let failures = self.shared.update(|state| {
            state.failures = state.failures.saturating_add(1);
            state.last_error = Some(DriverError { at, message });
            state.failures
        });
        let delay = self.options.back_off.delay(failures, (self.options.jitter)());
        self.pause(Phase::BackingOff, delay);
    }

    /// Waits for a time, or until the driver must stop. Keeps the state up to date.
    fn pause(&self, phase: Phase, time: Duration) {
        let until = Instant::now() + time.min(LONGEST);
        loop {
            self.refresh(phase);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.shared.wait(left.min(self.options.poll)) {
                break;
            }
        }
    }

    fn refresh(&self, phase: Phase) {
        let lag = match (phase, &self.acknowledged) {
            // The items after the offset were removed, and will be reported as a gap.
            (Phase::Waiting, _) => Some(0),
            (_, Some(offset)) => self.feed.lag(offset).ok(),
            (_, None) => None,
        };
        let behind = self.oldest.map(|oldest| (self.feed.source().now() - oldest).to_std().unwrap_or_default());
        self.shared.update(|state| {
            state.phase = phase;
            state.lag = lag.unwrap_or(state.lag);
            state.behind = behind.unwrap_or_default();
        });
    }
}

/// The reason why a delivery failed.
enum Failure {
    Delivery(DeliveryError),
    Fault(Fault),
}
