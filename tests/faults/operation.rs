//! The operations of a filter, and the conditions that hold after each, whatever the fault.

use std::error::Error;

use activity_privacy::engine::Visibility;
use activity_privacy::filter::{
    GovernanceError, IngestOutcome, OpenError, Page, PrivacyFilter, RevealError, UpdatePolicyError, ViewError,
};
use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::governance::{Outcome, RecordEntry, RecordQuery, RevealId};
use activity_privacy::policy::{Denial, PolicyChange, PolicyError, Revision};
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};

use super::setup::{Setup, directory, without_the_council};
use crate::fault::{Fault, StoreFault};
use crate::fixture::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Initialize,
    Open,
    Ingest,
    Change,
    Reveal,
    RevealWithoutGrant,
    Pages,
    PagesOfOneActor,
    Close,
    ReadLog,
    ReadLogRefused,
    ReconcileRemovedGroup,
    ReconcileRestoredGroup,
    View,
    Forward,
}

/// A fault of a store or a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    Store(StoreFault),
    Sink(Fault),
}

/// How an operation ended.
pub(crate) enum Ending {
    Done(Answer),
    Error(Box<dyn Error>),
    /// A panic of a port reached the caller.
    Panicked,
}

#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) outcomes: Vec<IngestOutcome>,
    pub(crate) revision: Option<Revision>,
    /// The revealed pages, with their reveals.
    pub(crate) pages: Vec<(RevealId, Page)>,
    pub(crate) text: String,
}

impl Operation {
    pub(crate) const ALL: [Self; 15] = [
        Self::Initialize,
        Self::Open,
        Self::Ingest,
        Self::Change,
        Self::Reveal,
        Self::RevealWithoutGrant,
        Self::Pages,
        Self::PagesOfOneActor,
        Self::Close,
        Self::ReadLog,
        Self::ReadLogRefused,
        Self::ReconcileRemovedGroup,
        Self::ReconcileRestoredGroup,
        Self::View,
        Self::Forward,
    ];

    /// Prepares a setup with everything that must precede the operation.
    pub(crate) fn prepare(self, setup: &mut Setup) {
        match self {
            Self::Pages | Self::Close => setup.reveal = Some(setup.filter().reveal(reveal_all("root")).unwrap()),
            Self::PagesOfOneActor => {
                let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
                let query = Query::all().by_actor("bob@contoso.com").unwrap();
                let lifetime = std::time::Duration::from_secs(3_600);
                let request = RevealRequest::new(user("root"), query, lifetime, audited);
                setup.reveal = Some(setup.filter().reveal(request).unwrap());
            }
            Self::ReconcileRemovedGroup => drop(setup.fixture.install(without_the_council())),
            Self::ReconcileRestoredGroup => {
                setup.fixture.install(without_the_council());
                setup.filter().reconcile_directory().unwrap();
                setup.fixture.install(directory());
            }
            _ => {}
        }
    }

    pub(crate) fn run(self, setup: &mut Setup) -> Result<Answer, Box<dyn Error>> {
        let mut answer = Answer::default();
        match self {
            Self::Initialize => setup.filter = Some(setup.builder().initialize(admins())?),
            Self::Open => setup.open()?,
            Self::Ingest => {
                let batch = [activity("secret-new", "adele"), activity("shown-new", "bob"), activity("shown-1", "bob")];
                answer.outcomes = setup.filter().ingest(&batch)?.outcomes().to_vec();
            }
            Self::Change => answer.revision = Some(setup.filter().update_policy(&user("root"), finance_private())?),
            Self::Reveal => setup.reveal = Some(setup.filter().reveal(reveal_all("root"))?),
            Self::RevealWithoutGrant => setup.reveal = Some(setup.filter().reveal(reveal_all("ann"))?),
            Self::Pages | Self::PagesOfOneActor => {
                let reveal = setup.reveal.as_mut().unwrap();
                let first = reveal.page(PageSize::at_most(2), None)?;
                let next = first.next().cloned();
                answer.pages.push((reveal.id(), first));
                if next.is_some() {
                    answer.pages.push((reveal.id(), reveal.page(PageSize::at_most(2), next.as_ref())?));
                }
            }
            Self::Close => {
                if let Some(reveal) = setup.reveal.take() {
                    answer.text = format!("{:?}", reveal.close()?);
                }
            }
            Self::ReadLog | Self::ReadLogRefused => {
                let reader = if self == Self::ReadLog { "root" } else { "bob" };
                setup.filter().governance_records(&user(reader), &RecordQuery::default(), 0, PageSize::MAX)?;
            }
            Self::ReconcileRemovedGroup | Self::ReconcileRestoredGroup => setup.filter().reconcile_directory()?,
            Self::View => answer.text = viewed(setup.filter())?,
            Self::Forward => {
                let ForwardBatch { activities, next, .. } =
                    setup.filter().forward(&Offset::START, PageSize::at_most(2))?;
                answer.text = serde_json::to_string(&(activities, next)).unwrap();
            }
        }
        Ok(answer)
    }

    /// Returns whether the operation ends as expected when it is repeated after the fault.
    pub(crate) fn ends_well(self, end: &Ending) -> bool {
        match (self, end) {
            (_, Ending::Panicked) => false,
            (Self::RevealWithoutGrant, Ending::Error(error)) => {
                matches!(error.downcast_ref(), Some(RevealError::Denied(Denial::NotPermitted)))
            }
            (Self::ReadLogRefused, Ending::Error(error)) => {
                matches!(error.downcast_ref(), Some(GovernanceError::Denied(Denial::NotAdmin)))
            }
            (Self::RevealWithoutGrant | Self::ReadLogRefused, Ending::Done(_)) => false,
            (_, Ending::Done(_)) => true,
            // The first attempt succeeded.
            (Self::Initialize, Ending::Error(error)) => {
                matches!(error.downcast_ref(), Some(OpenError::AlreadyInitialized))
            }
            (Self::Change, Ending::Error(error)) => {
                matches!(error.downcast_ref(), Some(UpdatePolicyError::Invalid(PolicyError::Unchanged)))
            }
            (_, Ending::Error(_)) => false,
        }
    }

    /// Asserts that a success is true, and that an error left no effect or the effect that it states.
    pub(crate) fn assert_holds(self, end: &Ending, fault: InjectedFault, setup: &Setup) {
        // A caller cannot detect a store that falsely reports success.
        if fault == InjectedFault::Store(StoreFault::Loses) {
            return;
        }
        match self {
            Self::Initialize => {
                let initialized = setup.policy().is_some();
                match end {
                    Ending::Done(_) => assert!(initialized),
                    Ending::Error(error) => match error.downcast_ref().unwrap() {
                        OpenError::OutcomeUnrecorded(_) => assert!(initialized),
                        OpenError::AlreadyInitialized if fault == InjectedFault::Store(StoreFault::SaysStale) => {}
                        // The initialization succeeded and was repeated.
                        OpenError::AlreadyInitialized => assert!(initialized),
                        _ => assert!(!initialized, "{error:?}"),
                    },
                    Ending::Panicked => {}
                }
            }
            Self::Ingest => {
                let stored = setup.stored();
                let stored = [("secret-new", Visibility::Private), ("shown-new", Visibility::Public)]
                    .map(|(id, visibility)| stored.get(id).map(|stored| assert_eq!(*stored, visibility)).is_some());
                match end {
                    Ending::Done(answer) => {
                        assert_eq!(stored, [true, true], "acknowledged activities are not stored");
                        use IngestOutcome::{Duplicate, Stored};
                        let again = fault == InjectedFault::Store(StoreFault::ExecutesTwice);
                        let fresh = if again { answer.outcomes[0] } else { Stored };
                        assert_eq!(answer.outcomes, [fresh, fresh, Duplicate]);
                    }
                    _ => assert_eq!(stored[0], stored[1], "a part of a batch is stored"),
                }
            }
            Self::Change => {
                let policy = setup.policy().unwrap();
                let made = policy.private_groups().contains(&group("finance").into());
                match end {
                    Ending::Done(answer) => assert_eq!((made, answer.revision), (true, Some(policy.revision()))),
                    // The store executed the change twice, so the second execution found a newer policy.
                    Ending::Error(error) if fault == InjectedFault::Store(StoreFault::ExecutesTwice) => {
                        assert!(matches!(
                            error.downcast_ref().unwrap(),
                            UpdatePolicyError::Invalid(PolicyError::Unchanged)
                        ));
                    }
                    Ending::Error(error) => match error.downcast_ref().unwrap() {
                        UpdatePolicyError::OutcomeUnrecorded { revision, .. } => {
                            assert_eq!((made, *revision), (true, policy.revision()));
                        }
                        _ => assert!(!made, "{error:?}"),
                    },
                    Ending::Panicked => {}
                }
            }
            Self::RevealWithoutGrant => {
                assert!(!matches!(end, Ending::Done(_)), "P2: a reveal without a grant was opened")
            }
            Self::PagesOfOneActor => {
                if let Ending::Done(answer) = end {
                    let shown = answer.pages.iter().flat_map(|(_, page)| page.activities());
                    let private = shown.filter(|stored| stored.visibility() == Visibility::Private).count();
                    assert_eq!(private, 0, "R1: rows outside the query are shown");
                }
            }
            Self::Close if matches!(end, Ending::Done(_)) && fault != InjectedFault::Sink(Fault::Loses) => {
                let closed = |entry: &RecordEntry| matches!(entry.record.outcome, Outcome::Closed { .. });
                assert!(setup.records().iter().any(closed), "G1: the closing is not recorded");
            }
            Self::View | Self::Forward => {
                if let Ending::Done(answer) = end {
                    assert_no_private_text(&answer.text);
                }
            }
            _ => {}
        }
    }
}

pub(crate) fn finance_private() -> PolicyChange {
    PolicyChange::MakePrivate(group("finance").into())
}

/// Reads everything that a viewer can read, as text.
pub(crate) fn viewed(filter: &PrivacyFilter) -> Result<String, ViewError> {
    let view = filter.view(&user("somebody"));
    let first = view.page(&Query::all(), PageSize::at_most(2), None)?;
    let second = view.page(&Query::all(), PageSize::at_most(2), first.next())?;
    let known = [view.activity(&"shown-1".parse().unwrap())?, view.activity(&"secret-1".parse().unwrap())?];
    let counts = (view.count(&Query::all())?, view.counts(&Query::all(), CountBy::Actor)?);
    Ok(serde_json::to_string(&(first, second, known, counts)).unwrap())
}

pub(crate) fn assert_no_private_text(text: &str) {
    for canary in super::setup::CANARIES {
        assert!(!text.contains(canary), "B2: {text}");
    }
}
