//! Notifies people when private activities were looked at: the persons concerned, the admins who could have approved, and
//! an oversight address. A follower of the governance records drives it.
//!
//! `cargo run --example notify`

#[path = "shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, SystemTime};

use activity_privacy::forward::{Accepted, Batch, DeliveryError, Driver, DriverOptions, Forwarder, Start};
use activity_privacy::governance::{Event, Initiator, Outcome, Record, RecordEntry, RevealTerms};
use activity_privacy::identity::Subject;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::Purpose;
use activity_privacy::prelude::*;
use chrono::TimeDelta;
use terminal::{Output, Result};

const USAGE: &str = "\
usage: notify

Reveals private activities of a small organisation, and prints the notes that
people receive because of it. The data is part of the program.";

/// The address that is notified of every reveal.
const OVERSIGHT: &str = "works-council@contoso.com";

/// The people whose activities are private, and their addresses.
const PROTECTED: [(&str, &str); 2] = [("u-2", "adele@contoso.com"), ("u-3", "bob@contoso.com")];

/// Sends a note for each record that concerns a person. A service sends e-mails; this example passes them to a channel.
struct Notifier {
    filter: PrivacyFilter,
    outbox: Sender<(String, String)>,
}

impl Forwarder<RecordEntry> for Notifier {
    fn deliver(&mut self, batch: &Batch<RecordEntry>) -> std::result::Result<Accepted, DeliveryError> {
        for (done, RecordEntry { record, .. }) in batch.items().iter().enumerate() {
            if let Err(error) = self.notify(record) {
                // The records up to here are acknowledged. The rest follows later.
                return if done > 0 {
                    Ok(Accepted::First(done))
                } else {
                    Err(DeliveryError::unavailable(error.to_string()))
                };
            }
        }
        Ok(Accepted::All)
    }
}

impl Notifier {
    fn notify(&self, record: &Record) -> Result<()> {
        // An intent is recorded before anything is shown. A page that fails later was never seen.
        let Outcome::Intended = record.outcome else { return Ok(()) };
        match &record.event {
            Event::Reveal(reveal) => self.notify_of_reveal(record, &reveal.terms),
            Event::Page { .. } => self.notify_of_page(record),
            _ => Ok(()),
        }
    }

    /// Notifies the oversight address, and the other admins who may view private activities.
    fn notify_of_reveal(&self, record: &Record, terms: &RevealTerms) -> Result<()> {
        let purpose = terms.purpose.as_ref().map_or("no purpose", Purpose::as_str);
        let Initiator::User(viewer) = &record.initiator else { return Ok(()) };
        self.send(OVERSIGHT, format!("{viewer} opened a reveal, for: {purpose}"))?;
        for (admin, grant) in self.filter.policy()?.grants().iter().filter(|(admin, _)| *admin != viewer) {
            self.send(grant.named().as_ref(), format!("{admin}, a reveal was opened by {viewer}, for: {purpose}"))?;
        }
        Ok(())
    }

    /// Notifies the people whose activities a page showed. The note does not name the viewer.
    fn notify_of_page(&self, record: &Record) -> Result<()> {
        for (id, address) in PROTECTED {
            let subject = Subject::of(UserId::new(id)?);
            for notice in self.filter.access_report(&subject, record.at..record.at + TimeDelta::microseconds(1))? {
                let purpose = notice.purpose.as_ref().map_or("no purpose", Purpose::as_str);
                self.send(address, format!("your activities were looked at, for: {purpose}"))?;
            }
        }
        Ok(())
    }

    fn send(&self, to: &str, text: String) -> Result<()> {
        Ok(self.outbox.send((to.to_owned(), text))?)
    }
}

fn main() -> ExitCode {
    terminal::run(|out| {
        if terminal::has_no_arguments(out, USAGE)? {
            notify(out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn notify(out: &mut Output) -> Result<()> {
    let (officer, investigator) = (UserId::new("u-1")?, UserId::new("u-4")?);
    let store = Arc::new(MemoryStore::new());
    let filter = PrivacyFilter::builder(Arc::clone(&store), directory()?, MemorySink::new())
        .initialize(Administrators::new(officer.clone(), investigator.clone())?)?;
    // The follower starts with the record of this change.
    filter.update_policy(
        &officer,
        [
            PolicyChange::MakePrivate(GroupId::new("g-council")?.into()),
            PolicyChange::Grant(Alias::new("investigator@contoso.com")?),
            PolicyChange::AddFollower("notes".parse()?, Start::Now),
        ],
    )?;
    filter.update_policy(&investigator, PolicyChange::Grant(Alias::new("officer@contoso.com")?))?;
    for (number, (_, address)) in PROTECTED.iter().enumerate() {
        let (actor, app) = (Actor::user(Alias::new(address)?), App::new("SharePoint".parse()?));
        let id = format!("a-{number}").parse()?;
        let activity = Activity::builder(id, actor, app, "FileAccessed".parse()?, SystemTime::now().into());
        filter.ingest(&[activity.build()?])?;
    }

    let (outbox, sent) = mpsc::channel();
    let notifier = filter.clone();
    let connect = move || Ok(Notifier { filter: notifier.clone(), outbox: outbox.clone() });
    let feed = filter.forwarders(store).follower(&"notes".parse()?)?;
    let driver = Driver::start(feed, connect, DriverOptions::default().poll_every(Duration::from_millis(10)))?;

    writeln!(out, "The investigator looks at Adele's activities. Bob's are private too, and are not shown.\n")?;
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let query = Query::all().by_actor("adele@contoso.com")?;
    let request = RevealRequest::new(investigator, query, Duration::from_secs(600), audited);
    let mut reveal = filter.reveal(request.for_purpose(Purpose::new("security incident")?))?;
    reveal.page(PageSize::default(), None)?;
    reveal.close()?;

    // One note for the reveal to each of two, and one for the page.
    for _ in 0..3 {
        let (to, text) = sent.recv_timeout(Duration::from_secs(10))?;
        writeln!(out, "to {to}: {text}")?;
    }
    let state = driver.stop();
    writeln!(out, "\n{} records followed, {} missed, {} retries", state.delivered, state.missed, state.retries)?;
    Ok(())
}

/// Returns a directory with a works council of two, and two administrators.
fn directory() -> Result<MemoryDirectory> {
    let council = GroupId::new("g-council")?;
    let mut import = DirectoryBuilder::new().group(council.clone(), "Works council");
    for (id, address) in
        PROTECTED.into_iter().chain([("u-1", "officer@contoso.com"), ("u-4", "investigator@contoso.com")])
    {
        let id = UserId::new(id)?;
        if PROTECTED.iter().any(|(protected, _)| *protected == id.as_str()) {
            import = import.member(&council, &id);
        }
        import = import.user(User::new(id).with_alias(Alias::new(address)?));
    }
    let directory = MemoryDirectory::new();
    directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    Ok(directory)
}
