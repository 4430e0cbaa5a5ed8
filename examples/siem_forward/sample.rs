//! Sample data: a small organisation whose works council is private, and some activities.

use std::time::SystemTime;

use activity_privacy::memory::MemoryDirectory;
use activity_privacy::prelude::*;
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use std::path::Path;
use std::sync::Arc;

use crate::terminal::Result;

/// Creates a database with a private group.
pub(crate) fn create(path: &Path) -> Result<(PrivacyFilter, Arc<SqliteStore>)> {
    let (officer, council) = (UserId::new("u-1")?, GroupId::new("g-council")?);
    let adele = User::new(UserId::new("u-2")?).with_alias(Alias::new("adele@contoso.com")?);
    let bob = User::new(UserId::new("u-3")?).with_alias(Alias::new("bob@contoso.com")?);
    let directory = MemoryDirectory::new();
    let import = DirectoryBuilder::new().group(council.clone(), "Works council").member(&council, adele.id());
    directory.install(import.user(adele).user(bob).build(DirectoryRevision(1), SystemTime::now().into())?)?;
    let store = Arc::new(SqliteStore::open(path)?);
    let filter = PrivacyFilter::builder(Arc::clone(&store), directory, SqliteGovernance::open(governance_path(path))?)
        .initialize(Administrators::new(officer.clone(), UserId::new("u-4")?)?)?;
    filter.update_policy(&officer, PolicyChange::MakePrivate(council.into()))?;
    Ok((filter, store))
}

/// Ingests activities of Bob, which are public, and as many of Adele, which are private.
pub(crate) fn ingest(filter: &PrivacyFilter, numbers: std::ops::Range<u32>) -> Result<()> {
    let mut batch = Vec::new();
    for number in numbers {
        for name in ["adele", "bob"] {
            let actor = Actor::user(Alias::new(format!("{name}@contoso.com"))?);
            let app = App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?);
            let id = format!("{name}-{number}").parse()?;
            let activity = Activity::builder(id, actor, app, "FileAccessed".parse()?, SystemTime::now().into());
            batch.push(activity.object(format!("report {number}.docx")).build()?);
        }
    }
    filter.ingest(&batch)?;
    Ok(())
}
