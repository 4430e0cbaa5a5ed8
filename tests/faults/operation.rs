//! What a filter is asked to do, and what must be so afterwards, whatever went wrong beneath it.

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

use super::scene::{Scene, everybody, without_the_council};
use crate::fault::{Fault, StoreFault};
use crate::fixture::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Initialize,
    Open,
    Ingest,
    Change,
    Reveal,
    RevealOfWhoeverLostTheGrant,
    Pages,
    PagesOfBobAlone,
    Close,
    ReadLog,
    ReadLogRefused,
    FollowVanished,
    FollowReturned,
    View,
    Forward,
}

/// What went wrong beneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Store(StoreFault),
    Sink(Fault),
}

/// How an operation ended.
pub(crate) enum End {
    Done(ApprovalDecision),
    Refused(Box<dyn Error>),
    /// A panic of a port came through.
    BrokeOff,
}

#[derive(Default)]
pub(crate) struct ApprovalDecision {
    pub(crate) outcomes: Vec<IngestOutcome>,
    pub(crate) revision: Option<Revision>,
    /// What was shown of private activities and public ones, in which reveal.
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
        Self::RevealOfWhoeverLostTheGrant,
        Self::Pages,
        Self::PagesOfBobAlone,
        Self::Close,
        Self::ReadLog,
        Self::ReadLogRefused,
        Self::FollowVanished,
        Self::FollowReturned,
        Self::View,
        Self::Forward,
    ];

    /// Whatever comes before it and goes well.
    pub(crate) fn prepare(self, scene: &mut Scene) {
        match self {
            Self::Pages | Self::Close => scene.reveal = Some(scene.filter().reveal(reveal_all("root")).unwrap()),
            Self::PagesOfBobAlone => {
                let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
                let query = Query::all().by_actor("bob@contoso.com").unwrap();
                let lifetime = std::time::Duration::from_secs(3_600);
                let request = RevealRequest::new(user("root"), query, lifetime, audited);
                scene.reveal = Some(scene.filter().reveal(request).unwrap());
            }
            Self::FollowVanished => drop(scene.fixture.install(without_the_council())),
            Self::FollowReturned => {
                scene.fixture.install(without_the_council());
                scene.filter().reconcile_directory().unwrap();
                scene.fixture.install(everybody());
            }
            _ => {}
        }
    }

    pub(crate) fn run(self, scene: &mut Scene) -> Result<ApprovalDecision, Box<dyn Error>> {
        let mut answer = ApprovalDecision::default();
        match self {
            Self::Initialize => scene.filter = Some(scene.builder().initialize(admins())?),
            Self::Open => scene.open()?,
            Self::Ingest => {
                let batch = [activity("secret-new", "adele"), activity("shown-new", "bob"), activity("shown-1", "bob")];
                answer.outcomes = scene.filter().ingest(&batch)?.outcomes().to_vec();
            }
            Self::Change => answer.revision = Some(scene.filter().update_policy(&user("root"), finance_private())?),
            Self::Reveal => scene.reveal = Some(scene.filter().reveal(reveal_all("root"))?),
            Self::RevealOfWhoeverLostTheGrant => scene.reveal = Some(scene.filter().reveal(reveal_all("ann"))?),
            Self::Pages | Self::PagesOfBobAlone => {
                let reveal = scene.reveal.as_mut().unwrap();
                let first = reveal.page(PageSize::at_most(2), None)?;
                let next = first.next().cloned();
                answer.pages.push((reveal.id(), first));
                if next.is_some() {
                    answer.pages.push((reveal.id(), reveal.page(PageSize::at_most(2), next.as_ref())?));
                }
            }
            Self::Close => {
                if let Some(reveal) = scene.reveal.take() {
                    answer.text = format!("{:?}", reveal.close()?);
                }
            }
            Self::ReadLog | Self::ReadLogRefused => {
                let reader = if self == Self::ReadLog { "root" } else { "bob" };
                scene.filter().governance_records(&user(reader), &RecordQuery::default(), 0, PageSize::MAX)?;
            }
            Self::FollowVanished | Self::FollowReturned => scene.filter().reconcile_directory()?,
            Self::View => answer.text = viewed(scene.filter())?,
            Self::Forward => {
                let ForwardBatch { activities, next } = scene.filter().forward(&Offset::START, PageSize::at_most(2))?;
                answer.text = serde_json::to_string(&(activities, next)).unwrap();
            }
        }
        Ok(answer)
    }

    /// Whether, with nothing wrong any more, this is how it ends when it is asked for again.
    pub(crate) fn ends_well(self, end: &End) -> bool {
        match (self, end) {
            (_, End::BrokeOff) => false,
            (Self::RevealOfWhoeverLostTheGrant, End::Refused(error)) => {
                matches!(error.downcast_ref(), Some(RevealError::Denied(Denial::NotPermitted)))
            }
            (Self::ReadLogRefused, End::Refused(error)) => {
                matches!(error.downcast_ref(), Some(GovernanceError::Denied(Denial::NotAdmin)))
            }
            (Self::RevealOfWhoeverLostTheGrant | Self::ReadLogRefused, End::Done(_)) => false,
            (_, End::Done(_)) => true,
            // It was done the first time.
            (Self::Initialize, End::Refused(error)) => {
                matches!(error.downcast_ref(), Some(OpenError::AlreadyInitialized))
            }
            (Self::Change, End::Refused(error)) => {
                matches!(error.downcast_ref(), Some(UpdatePolicyError::Invalid(PolicyError::Unchanged)))
            }
            (_, End::Refused(_)) => false,
        }
    }

    /// What was answered is so, and what was refused left nothing, or what the refusal says.
    pub(crate) fn holds(self, end: &End, wrong: Wrong, scene: &Scene) {
        // Nobody can tell by its answer that a store lied when it said that all is well.
        if wrong == Wrong::Store(StoreFault::Loses) {
            return;
        }
        match self {
            Self::Initialize => {
                let initialized = scene.policy().is_some();
                match end {
                    End::Done(_) => assert!(initialized),
                    End::Refused(error) => match error.downcast_ref().unwrap() {
                        OpenError::OutcomeUnrecorded(_) => assert!(initialized),
                        OpenError::AlreadyInitialized if wrong == Wrong::Store(StoreFault::SaysStale) => {}
                        // The initialization went well, and was tried once more.
                        OpenError::AlreadyInitialized => assert!(initialized),
                        _ => assert!(!initialized, "{error:?}"),
                    },
                    End::BrokeOff => {}
                }
            }
            Self::Ingest => {
                let stored = scene.stored();
                let lying = [("secret-new", Visibility::Private), ("shown-new", Visibility::Public)]
                    .map(|(id, visibility)| stored.get(id).map(|lying| assert_eq!(*lying, visibility)).is_some());
                match end {
                    End::Done(answer) => {
                        assert_eq!(lying, [true, true], "what is answered is stored");
                        use IngestOutcome::{Duplicate, Stored};
                        let again = wrong == Wrong::Store(StoreFault::DoesItTwice);
                        let fresh = if again { answer.outcomes[0] } else { Stored };
                        assert_eq!(answer.outcomes, [fresh, fresh, Duplicate]);
                    }
                    _ => assert_eq!(lying[0], lying[1], "a batch is stored whole or not at all"),
                }
            }
            Self::Change => {
                let policy = scene.policy().unwrap();
                let made = policy.private_groups().contains(&group("finance").into());
                match end {
                    End::Done(answer) => assert_eq!((made, answer.revision), (true, Some(policy.revision()))),
                    // A store says that the policy moved on only if somebody else moved it. Asked again, it was.
                    End::Refused(error) if wrong == Wrong::Store(StoreFault::DoesItTwice) => {
                        assert!(matches!(
                            error.downcast_ref().unwrap(),
                            UpdatePolicyError::Invalid(PolicyError::Unchanged)
                        ));
                    }
                    End::Refused(error) => match error.downcast_ref().unwrap() {
                        UpdatePolicyError::OutcomeUnrecorded { revision, .. } => {
                            assert_eq!((made, *revision), (true, policy.revision()));
                        }
                        _ => assert!(!made, "{error:?}"),
                    },
                    End::BrokeOff => {}
                }
            }
            Self::RevealOfWhoeverLostTheGrant => assert!(!matches!(end, End::Done(_)), "P2: she lost it"),
            Self::PagesOfBobAlone => {
                if let End::Done(answer) = end {
                    let shown = answer.pages.iter().flat_map(|(_, page)| page.activities());
                    let private = shown.filter(|stored| stored.visibility() == Visibility::Private).count();
                    assert_eq!(private, 0, "R1: what the reveal did not ask for is not shown");
                }
            }
            Self::Close if matches!(end, End::Done(_)) && wrong != Wrong::Sink(Fault::Loses) => {
                let closed = |entry: &RecordEntry| matches!(entry.record.outcome, Outcome::Closed { .. });
                assert!(scene.records().iter().any(closed), "G1: what is closed is closed on record");
            }
            Self::View | Self::Forward => {
                if let End::Done(answer) = end {
                    assert_says_nothing(&answer.text);
                }
            }
            _ => {}
        }
    }
}

pub(crate) fn finance_private() -> PolicyChange {
    PolicyChange::MakePrivate(group("finance").into())
}

/// Whatever a viewer can ask for.
pub(crate) fn viewed(filter: &PrivacyFilter) -> Result<String, ViewError> {
    let view = filter.view(&user("somebody"));
    let first = view.page(&Query::all(), PageSize::at_most(2), None)?;
    let second = view.page(&Query::all(), PageSize::at_most(2), first.next())?;
    let known = [view.activity(&"shown-1".parse().unwrap())?, view.activity(&"secret-1".parse().unwrap())?];
    let counts = (view.count(&Query::all())?, view.counts(&Query::all(), CountBy::Actor)?);
    Ok(serde_json::to_string(&(first, second, known, counts)).unwrap())
}

pub(crate) fn assert_says_nothing(text: &str) {
    for canary in super::scene::CANARIES {
        assert!(!text.contains(canary), "B2: {text}");
    }
}
