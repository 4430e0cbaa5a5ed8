//! Telling a protected person who looked: when and for what purpose, and never by name.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{GovernanceError, Inner, PrivacyFilter};
use crate::directory::Resolution;
use crate::governance::{Event, Outcome, Record, RecordEntry, RecordId, RecordKind, RecordQuery, RevealId, Subjects};
use crate::identity::{Identity, Subject};
use crate::policy::Purpose;

/// One reveal in which somebody's private activities were seen. It names nobody who looked, nor which activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessNotice {
    /// When the first page with something of theirs was recorded.
    pub from: DateTime<Utc>,
    /// When the last one was.
    pub until: DateTime<Utc>,
    /// On how many pages.
    pub pages: u64,
    /// For what purpose, if the viewer named one.
    pub purpose: Option<Purpose>,
}

impl PrivacyFilter {
    /// When, and for what purpose, private activities of `subject` were looked at on pages recorded in `times`, the first
    /// reveal first. For that person to read: the service says that it is them.
    ///
    /// Goes by the identities on the activities, so whoever has an alias now that somebody else had is told of looks at
    /// what was done under it before: rather that than somebody who is not told. Pages that were recorded and refused at the last moment were never seen, and do not
    /// count; neither does what the log was told to [forget](Self::redact), or does not keep any longer.
    ///
    /// Reads the whole log of those times.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::{Duration, SystemTime};
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::activity::{Activity, Actor, App};
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::identity::{Alias, GroupId, Subject, UserId};
    /// use activity_privacy::policy::{Administrators, PolicyChange, Purpose};
    /// use activity_privacy::query::{PageSize, Query};
    /// use activity_privacy::reveal::{Acknowledgement, RevealRequest};
    /// use chrono::{DateTime, Utc};
    ///
    /// # let (officer, adele) = (UserId::new("u-1")?, UserId::new("u-2")?);
    /// # let (directory, council) = (MemoryDirectory::new(), GroupId::new("g-council")?);
    /// # directory.install(
    /// #     DirectoryBuilder::new()
    /// #         .user(User::new(officer.clone()).with_alias(Alias::new("officer@contoso.com")?))
    /// #         .user(User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?))
    /// #         .group(council.clone(), "Works council")
    /// #         .member(&council, &adele)
    /// #         .build(DirectoryRevision(1), SystemTime::now().into())?,
    /// # )?;
    /// # let deputy = UserId::new("deputy")?;
    /// # let administrators = Administrators::new(officer.clone(), deputy.clone())?;
    /// # let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new()).initialize(administrators)?;
    /// # filter.update_policy(&officer, &PolicyChange::MakePrivate(council.into()))?;
    /// # filter.update_policy(&deputy, PolicyChange::Grant(Alias::new("officer@contoso.com")?))?;
    /// # let (actor, app) = (Actor::user(Alias::new("ADELE@contoso.com")?), App::new("SharePoint".parse()?));
    /// # let at = "2026-03-02T09:00:00Z".parse()?;
    /// # filter.ingest(&[Activity::builder("a-1".parse()?, actor, app, "FileAccessed".parse()?, at).build()?])?;
    /// let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    /// let wish = RevealRequest::new(officer, Query::all(), Duration::from_secs(600), audited)
    ///     .for_purpose(Purpose::new("security incident")?);
    /// filter.reveal(wish)?.page(PageSize::default(), None)?;
    ///
    /// let looks = filter.access_report(&Subject::of(adele), DateTime::<Utc>::MIN_UTC..DateTime::<Utc>::MAX_UTC)?;
    /// assert_eq!(looks[0].purpose.as_ref().map(Purpose::as_str), Some("security incident"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`GovernanceError::Sink`] when the log cannot be read.
    pub fn access_report(
        &self,
        subject: &Subject,
        times: Range<DateTime<Utc>>,
    ) -> Result<Vec<AccessNotice>, GovernanceError> {
        let subject = self.inner.with_names(subject.clone());
        let mut seen = HashMap::new();
        let pages = RecordQuery { kind: Some(RecordKind::Page), from: Some(times.start), ..RecordQuery::default() };
        self.inner.each_record(&pages, |entry| {
            note_page(&entry.record, subject.identities(), &times, &mut seen);
        })?;
        let mut looks: BTreeMap<RevealId, AccessNotice> = BTreeMap::new();
        for (reveal, at) in seen.into_values() {
            let look = looks.entry(reveal).or_insert(AccessNotice { from: at, until: at, pages: 0, purpose: None });
            (look.from, look.until, look.pages) = (look.from.min(at), look.until.max(at), look.pages + 1);
        }
        let reveals = RecordQuery { kind: Some(RecordKind::Reveal), ..RecordQuery::default() };
        self.inner.each_record(&reveals, |RecordEntry { record, .. }| {
            if let Event::Reveal(summary) = record.event
                && let Some(look) = looks.get_mut(&summary.reveal)
            {
                look.purpose = summary.about.purpose;
            }
        })?;
        let mut looks: Vec<AccessNotice> = looks.into_values().collect();
        looks.sort_by_key(|look| (look.from, look.until));
        Ok(looks)
    }
}

/// Takes down a page with something of somebody on it, by its record: of which reveal, and when. Takes one back that was
/// never seen.
fn note_page(
    record: &Record,
    subject: &[Identity],
    times: &Range<DateTime<Utc>>,
    seen: &mut HashMap<RecordId, (RevealId, DateTime<Utc>)>,
) {
    let Event::Page { reveal, subjects, .. } = &record.event else { return };
    match &record.outcome {
        Outcome::Intended if times.contains(&record.at) => {
            let is_there = |subjects: &Subjects| subject.iter().any(|identity| subjects.contains(*reveal, identity));
            if subjects.value().is_some_and(is_there) {
                seen.insert(record.id, (*reveal, record.at));
            }
        }
        Outcome::Failed { intent, .. } => drop(seen.remove(intent)),
        _ => {}
    }
}

impl Inner {
    /// Somebody, by the names that the directory knows them by now as well.
    pub(super) fn with_names(&self, subject: Subject) -> Subject {
        let Ok(directory) = self.directory() else { return subject };
        match directory.resolve(&Identity::Id(subject.id().clone())) {
            Resolution::Known(user) => user.aliases().iter().cloned().fold(subject, Subject::with_identity),
            Resolution::Unknown | Resolution::Ambiguous => subject,
        }
    }
}
