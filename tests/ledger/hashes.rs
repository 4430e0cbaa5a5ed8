//! The contract of `HashStore`, and its implementations.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use activity_privacy::ledger::*;

use crate::log::*;

#[test]
fn g6_hash_stores_keep_their_contract() {
    fn check(one: &dyn HashStore, other: &dyn HashStore) {
        let hash = |byte: u8| TreeHash([byte; 32]);
        assert_eq!((one.size().unwrap(), one.checkpoint().unwrap()), (0, None));
        assert!(matches!(one.write(1, &[hash(1)]), Err(HashStoreError::Gap { position: 1, len: 0 })));
        one.write(0, &[hash(1), hash(2), hash(3)]).unwrap();
        assert_eq!(other.read(&[2, 0, 1, 1]).unwrap(), [hash(3), hash(1), hash(2), hash(2)]);
        other.write(1, &[hash(4)]).unwrap();
        other.write(2, &[hash(5), hash(6)]).unwrap();
        other.write(0, &[]).unwrap();
        assert_eq!(one.read(&[0, 1, 2, 3]).unwrap(), [hash(1), hash(4), hash(5), hash(6)]);
        assert_eq!((one.size().unwrap(), other.size().unwrap()), (4, 4));
        for position in [4, 5, u64::MAX / 32, u64::MAX] {
            assert!(matches!(one.read(&[0, position]), Err(HashStoreError::Missing { .. })), "{position}");
            assert!(
                position == 4 || matches!(one.write(position, &[hash(1)]), Err(HashStoreError::Gap { .. })),
                "{position}"
            );
        }
        one.sync().unwrap();
        one.keep_checkpoint(b"one").unwrap();
        other.keep_checkpoint(b"two").unwrap();
        assert_eq!(one.checkpoint().unwrap().unwrap(), b"two");
        // Only one handle holds the write lock.
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for store in [one, other, one, other] {
                let (inside, most) = (&inside, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let hold = store.lock().unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(hold);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
    let memory = MemoryHashes::new();
    check(&memory, &memory);
    let folder = folder();
    check(&hashes(&folder), &hashes(&folder));
    assert!(FileHashes::open(Path::new("/nowhere/at/all")).is_err());
}

/// A hash store that requires the write lock for writes.
#[derive(Default)]
struct Watched {
    inner: MemoryHashes,
    is_held: AtomicBool,
}

struct Watch<'a>(&'a AtomicBool, #[allow(dead_code, reason = "it is there to be dropped")] WriteLock<'a>);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Watched {
    fn with_lock(&self) -> &MemoryHashes {
        assert!(self.is_held.load(Ordering::SeqCst), "a write without the lock");
        &self.inner
    }
}

impl HashStore for Watched {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.inner.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.inner.read(positions)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.with_lock().write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.with_lock().sync()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.with_lock().checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.with_lock().keep_checkpoint(checkpoint)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        let hold = self.inner.lock()?;
        self.is_held.store(true, Ordering::SeqCst);
        Ok(WriteLock::new(Watch(&self.is_held, hold)))
    }
}

#[test]
fn g6_ledger_holds_lock_while_writing() {
    let (sink, hashes) = (filled(3), Arc::new(Watched::default()));
    let ledger = over(&sink, Arc::clone(&hashes));
    fill(&ledger, 4, 6);
    ledger.catch_up().unwrap();
    ledger.checkpoint().unwrap();
    fill(&ledger, 7, 9);
    is_sound(&ledger, 9);
    assert!(!hashes.is_held.load(Ordering::SeqCst), "the lock was released");
    is_sound(&over(&sink, Arc::clone(&hashes)), 9);
    is_sound(&LedgerSink::rebuild(sink, hashes, key()).unwrap(), 9);
}
