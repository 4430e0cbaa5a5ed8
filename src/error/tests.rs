use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::governance::{ApprovalDecision, OutcomeKind, RecordId, RecordKind, SinkError};
use crate::store::StoreError;
use crate::text::Words;

fn check_words<T>()
where
    T: Words + PartialEq + Serialize + DeserializeOwned,
    T::Err: Error,
{
    for value in T::ALL {
        let word = value.to_string();
        assert_eq!(serde_json::to_value(value).unwrap(), word, "{value:?}");
        assert_eq!(serde_json::from_value::<T>(word.clone().into()).unwrap(), *value);
        assert_eq!(word.parse::<T>().unwrap(), *value);
    }
    let error = "canary".parse::<T>().err().unwrap().to_string();
    assert!(!error.contains("canary") && error.contains("expected one of `"), "{error}");
}

#[test]
fn b1_words_are_those_of_serde() {
    check_words::<ErrorKind>();
    check_words::<ApprovalDecision>();
    check_words::<OutcomeKind>();
    check_words::<RecordKind>();
    check_words::<crate::activity::ActorKind>();
    check_words::<crate::directory::UserStatus>();
    check_words::<crate::engine::PrincipalRole>();
    check_words::<crate::engine::Verdict>();
    check_words::<crate::engine::Visibility>();
    check_words::<crate::filter::IngestOutcome>();
    check_words::<crate::forward::FeedKind>();
    check_words::<crate::forward::Phase>();
    check_words::<crate::policy::OnUndecidable>();
    check_words::<crate::policy::Role>();
    check_words::<crate::policy::ScopeEffect>();
    check_words::<crate::query::CountBy>();
    check_words::<crate::governance::ExportFormat>();
    check_words::<crate::governance::PrivateRows>();
    #[cfg(feature = "export")]
    {
        check_words::<crate::export::ActivityFormat>();
        check_words::<crate::export::Framing>();
        check_words::<crate::export::RecordFormat>();
    }
}

fn backend(source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Backend(source.into())
}

#[test]
fn b1_backend_error_has_kind_of_its_source() {
    assert_eq!(backend("unknown").kind(), ErrorKind::Unavailable);
    assert_eq!(backend(io::Error::from(io::ErrorKind::StorageFull)).kind(), ErrorKind::Full);
    assert_eq!(backend(io::Error::other(WithKind::new(ErrorKind::Busy, "locked"))).kind(), ErrorKind::Busy);
    assert_eq!(backend(SinkError::TimedOut).kind(), ErrorKind::TimedOut);
    assert_eq!(SinkError::IdTaken(RecordId(uuid::Uuid::nil())).kind(), ErrorKind::BrokenContract);
    #[cfg(feature = "sqlite")]
    assert_eq!(backend(crate::sqlite::FileError::Full).kind(), ErrorKind::Full);
}

#[test]
fn r4_backend_cannot_claim_a_denial_or_a_done_act() {
    use ErrorKind::{Conflict, Denied, Ended, Invalid, NotFound, OutcomeUnknown, OutcomeUnrecorded};

    for claimed in [Denied, Invalid, NotFound, Conflict, Ended, OutcomeUnrecorded, OutcomeUnknown] {
        assert_eq!(backend(WithKind::new(claimed, "wrong password")).kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn p1_update_that_may_be_in_force_is_not_retryable() {
    use crate::filter::UpdatePolicyError;

    let lost = UpdatePolicyError::OutcomeUnknown(backend(WithKind::new(ErrorKind::TimedOut, "the answer was lost")));
    assert_eq!((lost.kind(), lost.is_retryable()), (ErrorKind::OutcomeUnknown, false));
    assert!(UpdatePolicyError::Unrecorded(SinkError::TimedOut).is_retryable(), "nothing was done");
}

#[test]
fn b1_only_passing_errors_are_retryable() {
    let retryable: Vec<_> = ErrorKind::ALL.iter().filter(|kind| kind.is_retryable()).collect();
    assert_eq!(retryable, [&ErrorKind::Contended, &ErrorKind::Busy, &ErrorKind::TimedOut, &ErrorKind::Unavailable]);
}
