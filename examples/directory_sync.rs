//! A directory from its source, and kept up with it: a first import, a change of the policy that is tried out before it is
//! made, and what changed since then.
//!
//! `cargo run --features import --example directory_sync`

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::{DirectoryRevision, GroupDirectory};
use activity_privacy::engine::PolicyEngine;
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::identity::{Alias, GroupId, UserId};
use activity_privacy::policy::{Administrators, PolicyChange};
use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use activity_privacy::import::csv::Tables;
use activity_privacy::import::graph::{Listing, Sync};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};

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

/// What Microsoft Graph answers to a delta query a while later: Bob is a youth delegate, and Adele lost a name to somebody else.
const CHANGED_USERS: &str = r##"{"@odata.deltaLink": "https://graph.example/users/delta?$deltatoken=2", "value": [
    {"id": "u-2", "userPrincipalName": "adele@contoso.com", "mail": null, "accountEnabled": true}]}"##;
const CHANGED_GROUPS: &str = r##"{"@odata.deltaLink": "https://graph.example/groups/delta?$deltatoken=2", "value": [
    {"id": "g-2", "members@delta": [{"@odata.type": "#microsoft.graph.user", "id": "u-3"}]}]}"##;

fn main() -> Result<(), Box<dyn Error>> {
    // The first import is used only if nothing of it was refused: whoever is left out is protected by none of their groups.
    let mut tables = Tables::new();
    for table in [USERS, GROUPS, MEMBERSHIPS] {
        tables.read(table.as_bytes());
    }
    let import = tables.finish();
    println!("imported: {} records read, {} refused", import.read(), import.rejected().len());
    let directory = Arc::new(MemoryDirectory::new());
    directory.install(import.into_complete()?.build(DirectoryRevision(1), SystemTime::now().into())?)?;

    let officer = UserId::new("u-1")?;
    let filter = PrivacyFilter::builder(MemoryStore::new(), Arc::clone(&directory), MemorySink::new())
        .initialize(Administrators::new(officer.clone(), UserId::new("u-5")?)?)?;
    let council = PolicyChange::MakePrivate(GroupId::new("g-1")?.into());
    let would = filter.dry_run(&officer, &council, 0)?;
    println!("the works council, if it were private: {} would be hidden", would.hidden().users());
    filter.update_policy(&officer, &council)?;

    println!("== Before");
    let actors = ["ADELE@contoso.com", "adele.vance@contoso.com", "bob@contoso.com"];
    decide(&filter, &directory, actors)?;

    // What changed is made ready beside those who decide, and then put in force at once.
    let mut round = Sync::new().with_whole_records();
    round.ask(Listing::Users, "https://graph.example/users/delta?$deltatoken=1");
    round.ask(Listing::Groups, "https://graph.example/groups/delta?$deltatoken=1");
    while let Some(link) = round.next_link().map(str::to_owned) {
        let page = if link.contains("users") { CHANGED_USERS } else { CHANGED_GROUPS };
        round.page(&link, page.as_bytes())?;
    }
    let before = directory.snapshot()?;
    let delta = round.into_delta(&before)?.into_complete()?;
    println!("changed: {} facts", delta.changes().len());
    let next = Arc::new(before.apply(&delta, DirectoryRevision(2), SystemTime::now().into())?);
    filter.prewarm(&next)?;
    directory.install(next)?;
    filter.reconcile_directory()?;

    println!("== After");
    decide(&filter, &directory, actors)
}

/// Says how what these people do now is decided. A service has its activities decided by `ingest`, with a decision that says the
/// same.
fn decide(filter: &PrivacyFilter, directory: &MemoryDirectory, actors: [&str; 3]) -> Result<(), Box<dyn Error>> {
    let engine = PolicyEngine::new(filter.policy()?, directory.snapshot());
    for actor in actors {
        let at = SystemTime::now().into();
        let app = App::new("SharePoint".parse()?);
        let activity = Activity::builder("a-1".parse()?, Actor::user(Alias::new(actor)?), app, "Login".parse()?, at);
        let batch = [activity.build()?];
        let decided = engine.decide(&batch, at)?;
        for decided in decided.decided() {
            println!("{actor}: {}", decided.decision().explain());
        }
    }
    Ok(())
}
