//! The kinds of errors that calls of the filter return.

use std::time::Duration;

use activity_privacy::error::{Classify, ErrorKind};
use activity_privacy::filter::UpdatePolicyError;
use activity_privacy::governance::SinkError;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{PolicyUpdate, Revision};
use activity_privacy::prelude::*;

/// An error of a service, as the documentation of `error` describes it: one conversion for all errors of the library.
#[derive(Debug, PartialEq)]
struct Response(u16);

impl<E: Classify> From<E> for Response {
    fn from(error: E) -> Self {
        Self(match error.kind() {
            ErrorKind::Denied => 403,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict => 409,
            ErrorKind::Ended => 410,
            ErrorKind::Invalid => 422,
            ErrorKind::TimedOut => 504,
            ErrorKind::Full => 507,
            ErrorKind::OutcomeUnrecorded => 202,
            _ if error.is_retryable() => 503,
            _ => 500,
        })
    }
}

fn filter() -> PrivacyFilter {
    PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new())
        .initialize(Administrators::only_one("root".parse().unwrap()))
        .unwrap()
}

fn change(filter: &PrivacyFilter, by: &str, update: impl Into<PolicyUpdate>) -> Result<(), Response> {
    filter.update_policy(&UserId::new(by)?, update)?;
    Ok(())
}

#[test]
fn b1_every_error_has_one_status() {
    let filter = filter();
    let private = || PolicyChange::MakePrivate(GroupRef::Applications);
    assert_eq!(change(&filter, "other", private()), Err(Response(403)));
    assert_eq!(change(&filter, "root", private()), Ok(()));
    assert_eq!(change(&filter, "root", private()), Err(Response(409)));
    let stale = PolicyUpdate::from(PolicyChange::MakePublic(GroupRef::Applications)).made_for(Revision::FIRST);
    assert_eq!(change(&filter, "root", stale), Err(Response(409)));
    assert_eq!(change(&filter, "root", PolicyChange::Grant("root".parse().unwrap())), Err(Response(422)));
    let unknown = PolicyChange::Grant("root@contoso.com".parse().unwrap());
    assert_eq!(change(&filter, "root", unknown), Err(Response(503)), "no directory is loaded");
    assert_eq!(change(&filter, "", private()), Err(Response(422)));

    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new("root".parse().unwrap(), Query::all(), Duration::from_secs(60), audited);
    assert_eq!(filter.reveal(request).err().map(Response::from), Some(Response(403)));
    assert_eq!("xyz".parse::<activity_privacy::query::Cursor>().map_err(Response::from).err(), Some(Response(422)));
}

#[test]
fn g1_unrecorded_outcome_has_a_kind_of_its_own() {
    let done = UpdatePolicyError::OutcomeUnrecorded { revision: Revision::FIRST, source: SinkError::TimedOut };
    assert_eq!((done.kind(), done.is_retryable()), (ErrorKind::OutcomeUnrecorded, false));
    let not_done = UpdatePolicyError::Unrecorded(SinkError::TimedOut);
    assert_eq!((not_done.kind(), not_done.is_retryable()), (ErrorKind::TimedOut, true));
}

#[test]
fn r1_reveal_returns_its_viewer_and_its_end() {
    let filter = filter();
    let root: UserId = "root".parse().unwrap();
    let directory = MemoryDirectory::new();
    let import = DirectoryBuilder::new().user(User::new(root.clone()).with_alias("root@contoso.com".parse().unwrap()));
    let now = std::time::SystemTime::now().into();
    directory.install(import.build(DirectoryRevision(1), now).unwrap()).unwrap();
    drop(filter);
    let deputy: UserId = "deputy".parse().unwrap();
    let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new())
        .clock(move || now)
        .initialize(Administrators::new(root.clone(), deputy.clone()).unwrap())
        .unwrap();
    change(&filter, "deputy", PolicyChange::Grant("root@contoso.com".parse().unwrap())).unwrap();
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let reveal =
        filter.reveal(RevealRequest::new(root.clone(), Query::all(), Duration::from_secs(60), audited)).unwrap();
    assert_eq!(*reveal.viewer(), root);
    assert_eq!(reveal.expires_at(), now + Duration::from_secs(60));
}
