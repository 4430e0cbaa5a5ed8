//! Keeps a directory up to date: a first import from CSV, a dry run of a policy change, and a delta from Microsoft
//! Graph.
//!
//! `cargo run --features import --example directory_sync`

#[path = "shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use activity_privacy::directory::GroupDirectory;
use activity_privacy::engine::PolicyEngine;
use activity_privacy::import::csv::Tables;
use activity_privacy::import::graph::{Listing, Sync};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::prelude::*;
use terminal::{Output, Result};

const USAGE: &str = "\
usage: directory_sync

Imports users and groups from CSV, tries and makes a policy change, and applies a
delta from Microsoft Graph. The data is part of the program.";

const USERS: &str = "\
id,userPrincipalName,mail
u-1,officer@contoso.com,
u-2,adele@contoso.com,adele.vance@contoso.com
u-3,bob@contoso.com,
u-4,adele.vance@contoso.com,
";
const GROUPS: &str = "\
group id,name
g-1,Works council
g-2,Youth delegates
";
const MEMBERSHIPS: &str = "\
group,member,type
g-1,u-2,user
g-1,g-2,group
";

/// The responses of Microsoft Graph to later delta queries: Bob joined the youth delegates, and Adele lost an address
/// to another user.
const CHANGED_USERS: &str = r##"{"@odata.deltaLink": "https://graph.example/users/delta?$deltatoken=2", "value": [
    {"id": "u-2", "userPrincipalName": "adele@contoso.com", "mail": null, "accountEnabled": true}]}"##;
const CHANGED_GROUPS: &str = r##"{"@odata.deltaLink": "https://graph.example/groups/delta?$deltatoken=2", "value": [
    {"id": "g-2", "members@delta": [{"@odata.type": "#microsoft.graph.user", "id": "u-3"}]}]}"##;

fn main() -> ExitCode {
    terminal::run(|out| {
        if terminal::has_no_arguments(out, USAGE)? {
            synchronize(out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn synchronize(out: &mut Output) -> Result<()> {
    // The import is used only if no record was rejected: a user missing from it loses the protection of their groups.
    let mut tables = Tables::new();
    for table in [USERS, GROUPS, MEMBERSHIPS] {
        tables.read(table.as_bytes());
    }
    let import = tables.finish();
    writeln!(out, "First import: {} records read, {} rejected", import.read(), import.rejected().len())?;
    let directory = Arc::new(MemoryDirectory::new());
    directory.install(import.into_complete()?.build(DirectoryRevision(1), SystemTime::now().into())?)?;

    let officer = UserId::new("u-1")?;
    let filter = PrivacyFilter::builder(MemoryStore::new(), Arc::clone(&directory), MemorySink::new())
        .initialize(Administrators::new(officer.clone(), UserId::new("u-5")?)?)?;
    let council = PolicyChange::MakePrivate(GroupId::new("g-1")?.into());
    let dry_run = filter.dry_run(&officer, &council, 0)?;
    writeln!(out, "Dry run: making the works council private hides {} user(s)", dry_run.hidden().users())?;
    filter.update_policy(&officer, &council)?;

    writeln!(out, "\nDecisions before the delta:")?;
    let actors = ["ADELE@contoso.com", "adele.vance@contoso.com", "bob@contoso.com"];
    print_decisions(out, &filter, &directory, actors)?;

    // The next snapshot is prepared while ingest continues, and is then in force at once.
    let mut sync = Sync::new().with_whole_records();
    sync.ask(Listing::Users, "https://graph.example/users/delta?$deltatoken=1");
    sync.ask(Listing::Groups, "https://graph.example/groups/delta?$deltatoken=1");
    while let Some(link) = sync.next_link().map(str::to_owned) {
        let page = if link.contains("users") { CHANGED_USERS } else { CHANGED_GROUPS };
        sync.page(&link, page.as_bytes())?;
    }
    let before = directory.snapshot()?;
    let delta = sync.into_delta(&before)?.into_complete()?;
    writeln!(out, "\nDelta: Bob joins the youth delegates, a part of the works council, and Adele loses an address")?;
    writeln!(out, "({} changes of the directory).", delta.changes().len())?;
    let next = Arc::new(before.apply(&delta, DirectoryRevision(2), SystemTime::now().into())?);
    filter.prewarm(&next)?;
    directory.install(next)?;
    filter.reconcile_directory()?;

    writeln!(out, "\nDecisions after the delta:")?;
    print_decisions(out, &filter, &directory, actors)
}

/// Prints how an activity of each actor is decided. A service calls `PrivacyFilter::ingest`, which decides in the same
/// way.
fn print_decisions(
    out: &mut Output,
    filter: &PrivacyFilter,
    directory: &MemoryDirectory,
    actors: [&str; 3],
) -> Result<()> {
    let engine = PolicyEngine::new(filter.policy()?, directory.snapshot());
    for actor in actors {
        let at = SystemTime::now().into();
        let app = App::new("SharePoint".parse()?);
        let activity = Activity::builder("a-1".parse()?, Actor::user(Alias::new(actor)?), app, "Login".parse()?, at);
        let batch = [activity.build()?];
        let decided = engine.decide(&batch, at)?;
        for decided in decided.decided() {
            writeln!(out, "{actor}: {}", decided.decision().explain())?;
        }
    }
    Ok(())
}
