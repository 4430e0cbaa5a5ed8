//! Access reports: when and for what purpose a person's private activities were viewed. They never name the viewer.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{GovernanceError, Inner, PrivacyFilter};
use crate::directory::Resolution;
use crate::governance::{Event, Outcome, Record, RecordEntry, RecordId, RecordKind, RecordQuery, RevealId, Subjects};
use crate::identity::{Identity, Subject};
use crate::policy::Purpose;

/// A reveal that showed private activities of a person. It names neither the viewer nor the activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessNotice {
    /// The time at which the first page with their activities was recorded.
    pub from: DateTime<Utc>,
    /// The time at which the last such page was recorded.
    pub until: DateTime<Utc>,
    /// The number of such pages.
    pub pages: u64,
    /// The purpose, if the viewer stated one.
    pub purpose: Option<Purpose>,
}

impl PrivacyFilter {
    /// Returns when, and for what purpose, private activities of `subject` were viewed on pages recorded within
    /// `times`, in order of the reveals. The report is for that person. The caller must authenticate them.
    ///
    /// The report compares identities on the activities. A person who now has an alias that belonged to another person
    /// is also informed about that person's activities under it. That is the safe error: no access is left out. Pages
    /// that were recorded and then rejected were never seen and do not count. Pages whose records were
    /// [redacted](Self::redact) or removed by retention do not count either.
    ///
    /// Reads all page records of those times, and all reveal records.
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
    /// let notices = filter.access_report(&Subject::of(adele), DateTime::<Utc>::MIN_UTC..DateTime::<Utc>::MAX_UTC)?;
    /// assert_eq!(notices[0].purpose.as_ref().map(Purpose::as_str), Some("security incident"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`GovernanceError::Sink`] if the log cannot be read.
    pub fn access_report(
        &self,
        subject: &Subject,
        times: Range<DateTime<Utc>>,
    ) -> Result<Vec<AccessNotice>, GovernanceError> {
        let subject = self.inner.with_aliases(subject.clone());
        let mut shown = HashMap::new();
        let pages = RecordQuery { kind: Some(RecordKind::Page), from: Some(times.start), ..RecordQuery::default() };
        self.inner.each_record(&pages, |entry| {
            note_page(&entry.record, subject.identities(), &times, &mut shown);
        })?;
        let mut notices: BTreeMap<RevealId, AccessNotice> = BTreeMap::new();
        for (reveal, at) in shown.into_values() {
            let notice = notices.entry(reveal).or_insert(AccessNotice { from: at, until: at, pages: 0, purpose: None });
            (notice.from, notice.until, notice.pages) = (notice.from.min(at), notice.until.max(at), notice.pages + 1);
        }
        let reveals = RecordQuery { kind: Some(RecordKind::Reveal), ..RecordQuery::default() };
        self.inner.each_record(&reveals, |RecordEntry { record, .. }| {
            if let Event::Reveal(summary) = record.event
                && let Some(notice) = notices.get_mut(&summary.reveal)
            {
                notice.purpose = summary.terms.purpose;
            }
        })?;
        let mut notices: Vec<AccessNotice> = notices.into_values().collect();
        notices.sort_by_key(|notice| (notice.from, notice.until));
        Ok(notices)
    }
}

/// Adds the reveal and the time of a page with activities of a person, from its record. Removes a page that was never
/// seen.
fn note_page(
    record: &Record,
    subject: &[Identity],
    times: &Range<DateTime<Utc>>,
    shown: &mut HashMap<RecordId, (RevealId, DateTime<Utc>)>,
) {
    let Event::Page { reveal, subjects, .. } = &record.event else { return };
    match &record.outcome {
        Outcome::Intended if times.contains(&record.at) => {
            let includes = |subjects: &Subjects| subject.iter().any(|identity| subjects.contains(*reveal, identity));
            if subjects.value().is_some_and(includes) {
                shown.insert(record.id, (*reveal, record.at));
            }
        }
        Outcome::Failed { intent, .. } => drop(shown.remove(intent)),
        _ => {}
    }
}

impl Inner {
    /// Adds the current aliases of a person in the directory.
    fn with_aliases(&self, subject: Subject) -> Subject {
        let Ok(directory) = self.directory() else { return subject };
        match directory.resolve(&Identity::Id(subject.id().clone())) {
            Resolution::Known(user) => user.aliases().iter().cloned().fold(subject, Subject::with_identity),
            Resolution::Unknown | Resolution::Ambiguous => subject,
        }
    }
}
