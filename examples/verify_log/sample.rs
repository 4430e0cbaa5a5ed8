//! A sample log.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use activity_privacy::governance::{GovernanceSink, Justification};
use activity_privacy::ledger::{Disclosure, KeyName, LedgerSink, MemoryHashes, NoteSigner};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::prelude::*;

use crate::terminal::{Output, Result, at};

/// Writes the log of a new service, its checkpoints, its public key and two proofs.
pub(crate) fn write(out: &mut Output, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    // This key is public. A service reads 32 random bytes from its secret store.
    let signer = NoteSigner::new(KeyName::new("example.com/governance")?, b"a key for samples, known to all.");
    write_file(folder, "log.vkey", format!("{}\n", signer.verifier()))?;

    let ledger = Arc::new(LedgerSink::open(MemorySink::new(), MemoryHashes::new(), signer)?);
    let (officer, deputy, council) = (UserId::new("u-1")?, UserId::new("u-3")?, GroupId::new("g-council")?);
    let filter = PrivacyFilter::builder(MemoryStore::new(), directory(&officer, &council)?, Arc::clone(&ledger))
        .initialize(Administrators::new(officer.clone(), deputy.clone())?)?;
    filter.update_policy(&officer, PolicyChange::MakePrivate(council.into()))?;
    filter.update_policy(&deputy, PolicyChange::Grant(Alias::new("officer@contoso.com")?))?;
    let actor = Actor::user(Alias::new("adele@contoso.com")?);
    let activity = Activity::builder(
        "a-1".parse()?,
        actor,
        App::new("SharePoint".parse()?),
        "FileAccessed".parse()?,
        SystemTime::now().into(),
    );
    filter.ingest(&[activity.object("plan.docx").build()?])?;

    let older = ledger.checkpoint()?;
    write_file(folder, "older-checkpoint", &older)?;
    let before = ledger.records(&RecordQuery::default(), 0, usize::MAX)?.len() as u64;

    for ticket in ["ticket 4711", "ticket 4712"] {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(officer.clone(), Query::all(), Duration::from_secs(600), audited);
        let mut reveal = filter.reveal(request.because(Justification::new(ticket)?))?;
        reveal.page(PageSize::default(), None)?;
        reveal.close()?;
    }

    let mut log = BufWriter::new(File::create(folder.join("log.jsonl")).map_err(at(folder))?);
    let checkpoint = ledger.export(&mut log, Disclosure::Include)?;
    write_file(folder, "checkpoint", checkpoint)?;
    let size = ledger.records(&RecordQuery::default(), 0, usize::MAX)?.len() as u64;
    let proof = ledger.inclusion_proof(before + 2)?;
    write_file(folder, "record.tlog-proof", proof.to_bytes())?;
    write_file(folder, "older.consistency", ledger.consistency_proof(before, size)?.to_string())?;
    writeln!(out, "wrote {size} records to {}; the older checkpoint covers the first {before}", folder.display())?;
    Ok(())
}

fn directory(officer: &UserId, council: &GroupId) -> Result<MemoryDirectory> {
    let directory = MemoryDirectory::new();
    let adele = UserId::new("u-2")?;
    directory.install(
        DirectoryBuilder::new()
            .user(User::new(officer.clone()).with_alias(Alias::new("officer@contoso.com")?))
            .user(User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?))
            .group(council.clone(), "Works council")
            .member(council, &adele)
            .build(DirectoryRevision(1), SystemTime::now().into())?,
    )?;
    Ok(directory)
}

fn write_file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
    let path = folder.join(name);
    Ok(fs::write(&path, content).map_err(at(&path))?)
}
