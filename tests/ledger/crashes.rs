//! A process crashes, or the power fails, while its ledger grows.

use activity_privacy::governance::GovernanceSink;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use activity_privacy::governance::RecordQuery;
use activity_privacy::ledger::*;

use crate::log::*;

/// A hash store that fails from one call on, as if the process had crashed there.
struct Mortal {
    inner: Arc<MemoryHashes>,
    left: AtomicUsize,
}

impl Mortal {
    fn step(&self) -> Result<(), HashStoreError> {
        let lives = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        lives.map(|_| ()).map_err(|_| HashStoreError::Backend("simulated crash".into()))
    }
}

impl HashStore for Mortal {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.step()?;
        self.inner.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.step()?;
        self.inner.read(positions)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        // Half of the write is applied.
        if let Err(died) = self.step() {
            self.inner.write(position, &hashes[..hashes.len() / 2])?;
            return Err(died);
        }
        self.inner.write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.sync()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.step()?;
        self.inner.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.keep_checkpoint(checkpoint)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        self.step()?;
        self.inner.lock()
    }
}

#[test]
fn g6_next_process_continues_after_crash() {
    let mut died = 0;
    for steps in 0.. {
        let (sink, inner) = (filled(3), Arc::new(MemoryHashes::new()));
        let mortal = Mortal { inner: Arc::clone(&inner), left: AtomicUsize::new(steps) };
        let signed = LedgerSink::open(Arc::clone(&sink), mortal, key()).and_then(|ledger| {
            let first = ledger.checkpoint()?;
            fill(&sink, 4, 700);
            ledger.catch_up()?;
            fill(&sink, 701, 710);
            Ok((first, ledger.checkpoint()?))
        });
        let size = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap().len() as u64;
        let next = over(&sink, inner);
        assert_eq!(opened(&next.checkpoint().unwrap()).root, peaks(size).root(), "crashed after {steps}");
        next.audit().unwrap();
        if signed.is_ok() {
            break;
        }
        died += 1;
    }
    assert!(died > 20, "{died}");
}

/// A hash store after a power failure: it keeps what was synced, and reads zeros where more was written.
#[derive(Default)]
struct Volatile {
    inner: MemoryHashes,
    synced: Mutex<Vec<TreeHash>>,
    /// The number of calls of `sync` and `keep_checkpoint` that succeed before the power fails.
    left: AtomicUsize,
}

impl Volatile {
    fn all(&self) -> Vec<TreeHash> {
        let positions: Vec<u64> = (0..self.inner.size().unwrap()).collect();
        self.inner.read(&positions).unwrap()
    }

    fn step(&self) -> Result<(), HashStoreError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| HashStoreError::Backend("no power".into()))
    }

    fn after_power_failure(&self) -> MemoryHashes {
        let (mut left, after) = (self.synced.lock().unwrap().clone(), MemoryHashes::new());
        left.resize(self.all().len().max(left.len()), TreeHash([0; 32]));
        after.write(0, &left).unwrap();
        if let Some(checkpoint) = self.inner.checkpoint().unwrap() {
            after.keep_checkpoint(&checkpoint).unwrap();
        }
        after
    }
}

impl HashStore for Volatile {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.inner.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.inner.read(positions)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.inner.write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.step()?;
        *self.synced.lock().unwrap() = self.all();
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.inner.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.keep_checkpoint(checkpoint)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        self.inner.lock()
    }
}

#[test]
fn g6_power_failure_loses_no_hash_under_checkpoint() {
    // Opening takes four such calls: a checkpoint of the empty log, and one of the present log.
    for steps in 4..11 {
        let (sink, hashes) = (filled(3), Arc::new(Volatile { left: AtomicUsize::new(steps), ..Volatile::default() }));
        let ledger = over(&sink, Arc::clone(&hashes));
        let mut size = 3;
        while ledger.checkpoint().is_ok() {
            size += 4;
            fill(&sink, size - 3, size);
        }
        is_sound(&over(&sink, hashes.after_power_failure()), size);
    }
}
