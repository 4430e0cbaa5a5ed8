//! A minimal service: decides at ingest, hides private activities without a trace, reveals them on record.
//!
//! `cargo run --example quickstart`

#[path = "shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::prelude::*;
use terminal::{Output, Result};

fn main() -> ExitCode {
    terminal::run(|out| {
        if terminal::has_no_arguments(out, "usage: quickstart\n\nHides, reveals and records activities in memory.")? {
            quickstart(out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn quickstart(out: &mut Output) -> Result<()> {
    // Import users and groups from the identity provider. An import is installed as a whole or not at all.
    let (officer, deputy, council) = (UserId::new("u-1")?, UserId::new("u-2")?, GroupId::new("g-council")?);
    let adele = UserId::new("u-3")?;
    let directory = MemoryDirectory::new();
    directory.install(
        DirectoryBuilder::new()
            .user(User::new(officer.clone()).with_alias(Alias::new("officer@contoso.com")?))
            .user(User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?))
            .group(council.clone(), "Works council")
            .member(&council, &adele)
            .build(DirectoryRevision(1), SystemTime::now().into())?,
    )?;

    // Make the works council private. Activities of its members are hidden from now on.
    let administrators = Administrators::new(officer.clone(), deputy.clone())?;
    let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new()).initialize(administrators)?;
    filter.update_policy(&officer, PolicyChange::MakePrivate(council.into()))?;

    let file_accessed = |id: &str, user: &str| -> Result<Activity> {
        let (actor, app) = (Actor::user(Alias::new(user)?), App::new("SharePoint".parse()?));
        Ok(Activity::builder(id.parse()?, actor, app, "FileAccessed".parse()?, SystemTime::now().into())
            .object("plan.docx")
            .build()?)
    };
    filter.ingest(&[file_accessed("a-1", "Adele@CONTOSO.com")?, file_accessed("a-2", "bob@contoso.com")?])?;

    // A view contains no trace of Adele.
    let view = filter.view(&officer);
    writeln!(out, "Ingested: a-1 by Adele, of the works council, which is private, and a-2 by Bob.")?;
    writeln!(out, "Activities in the view: {}", view.count(&Query::all())?.total)?;
    let found = view.activity(&"a-1".parse()?)?;
    writeln!(out, "Look-up of a-1 in the view: {}", if found.is_some() { "found" } else { "not found" })?;

    // A reveal needs the permission, which another administrator must grant. It is recorded before anything is read.
    let request = || {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        RevealRequest::new(officer.clone(), Query::all(), Duration::from_secs(600), audited)
    };
    if let Err(error) = filter.reveal(request()) {
        writeln!(out, "Reveal without the permission: {error}")?;
    }
    filter.update_policy(&deputy, PolicyChange::Grant(Alias::new("officer@contoso.com")?))?;
    let mut reveal = filter.reveal(request())?;
    writeln!(out, "\nReveal with the permission:")?;
    for stored in reveal.page(PageSize::default(), None)?.activities() {
        let (id, who) = (stored.activity().id(), stored.activity().actor().label());
        writeln!(out, "{id} by {who} is {}: {}", stored.visibility(), stored.decision().explain())?;
    }
    reveal.close()?;

    writeln!(out, "\nGovernance log (number, kind, outcome):")?;
    for entry in filter.governance_records(&officer, &RecordQuery::default(), 0, PageSize::MAX)? {
        writeln!(out, "{:>3} {:<13} {}", entry.sequence, entry.record.kind(), entry.record.outcome.kind())?;
    }
    Ok(())
}
