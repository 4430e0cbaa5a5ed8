//! A governance sink whose records are leaves of a tree.

use std::sync::{Arc, PoisonError};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::error::LedgerError;
use super::hash::TreeHash;
use super::hashes::{HashStore, HashStoreError};
use super::key::NoteSigner;
use super::leaf::Leaf;
use super::path::{proves_consistency, proves_inclusion};
use super::peaks::Peaks;
use super::proof::{ConsistencyProof, InclusionProof};
use super::tree::{MerkleTree, TreeError};
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// A wrapper of any sink that maintains a tree over its records. The record with sequence number 1 is leaf 0.
///
/// Recording waits for the wrapped sink only. The tree is updated when the caller requests a
/// [checkpoint](Self::checkpoint) or a proof, or calls [`catch_up`](Self::catch_up). The new records are then read from
/// the sink, whichever process recorded them. Several processes may therefore have a ledger over the same sink and
/// hashes. Remove records through a ledger only, in any process: a record that the sink removed before it was hashed is
/// lost.
///
/// The newest checkpoint is stored with the hashes, and later states must be consistent with it. Any inconsistency is
/// an error from then on, and is never repaired: see [`LedgerError`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use activity_privacy::ledger::{Checkpoint, KeyName, LedgerSink, MemoryHashes, NoteSigner};
/// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use activity_privacy::filter::PrivacyFilter;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
///
/// let signer = NoteSigner::new(KeyName::new("example.com/governance")?, &[7; 32]);
/// let auditor_knows = [signer.verifier().clone()];
/// let ledger = Arc::new(LedgerSink::open(MemorySink::new(), MemoryHashes::new(), signer)?);
/// let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), Arc::clone(&ledger))
///     .initialize(Administrators::new(UserId::new("admin-1")?, UserId::new("admin-2")?)?)?;
///
/// // Store it where no operator of the service can change it.
/// let saved = ledger.checkpoint()?;
/// assert_eq!(Checkpoint::open(saved.as_bytes(), &auditor_knows)?.size, 2);
/// # drop(filter);
/// # Ok(())
/// # }
/// ```
pub struct LedgerSink<S> {
    sink: S,
    signer: NoteSigner,
    state: Mutex<LedgerState>,
    /// The highest sequence number that the sink has confirmed through this ledger.
    confirmed: AtomicU64,
}

#[derive(Clone)]
pub(super) struct LedgerState {
    /// INVARIANT: has the size and the root of `kept`. A tree that grew further but was not stored is dropped.
    pub(super) tree: MerkleTree,
    /// The newest checkpoint of any process that this one has read or written.
    kept: Checkpoint,
    pub(super) note: Vec<u8>,
}

/// The number of records that are read and hashed at a time. It is small, because records can be large.
pub(super) const PAGE: usize = 64;
/// The number of records after which a checkpoint is stored while the tree catches up, so that an interrupted run need
/// not start again.
const KEPT_AT: u64 = 1 << 16;

impl<S: GovernanceSink> LedgerSink<S> {
    /// Opens the ledger of a sink, and updates its tree to the sink's last record. An empty hash store starts a new
    /// ledger. This reads a number of hashes logarithmic in the length of the log, and the records since the last
    /// checkpoint.
    ///
    /// # Errors
    /// Returns [`LedgerError`] if the sink or the hashes cannot be read, or are inconsistent. Nothing is repaired: if
    /// hashes were lost, use [`rebuild`](Self::rebuild).
    pub fn open(sink: S, hashes: impl HashStore + 'static, signer: NoteSigner) -> Result<Self, LedgerError> {
        Self::begin(sink, MerkleTree::new(hashes), signer, |_, tree, kept| {
            let tree = tree.of_size(kept.size).map_err(forked(kept.size))?;
            if tree.root() == kept.root { Ok(tree) } else { Err(LedgerError::Forked { size: kept.size }) }
        })
    }

    /// Opens the ledger of a sink whose hashes are lost or damaged, and computes all hashes again from the records.
    /// They must match the checkpoint stored with the hashes.
    ///
    /// # Errors
    /// Returns [`LedgerError`], also if records were removed, because their hashes cannot be computed again. Stored
    /// hashes are overwritten only after the records were verified against the checkpoint.
    pub fn rebuild(sink: S, hashes: impl HashStore + 'static, signer: NoteSigner) -> Result<Self, LedgerError> {
        Self::begin(sink, MerkleTree::new(hashes), signer, |ledger, mut tree, kept| {
            // Nothing is overwritten before the records were verified against the checkpoint.
            let mut peaks = Peaks::new();
            ledger.each_leaf(0, kept.size, |leaves| {
                leaves.into_iter().for_each(|leaf| peaks.push(leaf));
                Ok(())
            })?;
            if peaks.leaves() < kept.size {
                return Err(LedgerError::Lost { sequence: peaks.leaves() + 1 });
            }
            if peaks.root() != kept.root {
                return Err(LedgerError::Forked { size: kept.size });
            }
            ledger.grow(&mut tree, kept.size)?;
            if *tree.peaks() == peaks { Ok(tree) } else { Err(LedgerError::RemovedMeanwhile) }
        })
    }

    fn begin(
        sink: S,
        empty: MerkleTree,
        signer: NoteSigner,
        restore: impl FnOnce(&Self, MerkleTree, &Checkpoint) -> Result<MerkleTree, LedgerError>,
    ) -> Result<Self, LedgerError> {
        let nothing = checkpoint_of(&signer, 0, TreeHash::of_nothing());
        let state = LedgerState { tree: empty.clone(), kept: nothing, note: Vec::new() };
        let ledger = Self { sink, signer, state: Mutex::new(state), confirmed: AtomicU64::new(0) };
        let hashes = Arc::clone(empty.hashes());
        let lock = hashes.lock()?;
        match hashes.checkpoint()? {
            Some(note) => {
                let kept = ledger.open_own(&note)?;
                let tree = restore(&ledger, empty, &kept)?;
                ledger.check_last_record(&tree)?;
                *ledger.state() = LedgerState { tree, kept, note };
            }
            // Every ledger stores a checkpoint before its first hash.
            None if hashes.size()? > 0 => return Err(LedgerError::NoCheckpoint),
            None => ledger.keep(&mut ledger.state(), empty)?,
        }
        ledger.grow_to_last(&mut ledger.state(), 0)?;
        drop(lock);
        Ok(ledger)
    }

    /// Returns the wrapped sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Updates the tree to the sink's last record, some records at a time, and stores a checkpoint with the hashes.
    /// Call this periodically, so that checkpoints and opening stay fast.
    ///
    /// # Errors
    /// Returns [`LedgerError`] if the sink or the hashes cannot be read or written, or are inconsistent.
    pub fn catch_up(&self) -> Result<(), LedgerError> {
        self.signed().map(drop)
    }

    /// Returns the signed checkpoint over all confirmed records. Store it where no operator of the service can change
    /// it.
    ///
    /// # Errors
    /// Returns [`LedgerError`] if the sink or the hashes cannot be read or written, or are inconsistent. No checkpoint
    /// ever covers an inconsistent log.
    pub fn checkpoint(&self) -> Result<String, LedgerError> {
        let LedgerState { note, .. } = self.signed()?;
        Ok(String::from_utf8_lossy(&note).into_owned())
    }

    /// Returns the signed checkpoint over the first `size` records.
    ///
    /// # Errors
    /// Returns [`LedgerError::Beyond`] if the log has fewer records, and other [`LedgerError`]s if it cannot be read or
    /// is inconsistent.
    pub fn checkpoint_of(&self, size: u64) -> Result<String, LedgerError> {
        let LedgerState { tree, .. } = self.up_to(size)?;
        let root = proven_root(&tree, size)?;
        Ok(checkpoint_of(&self.signer, size, root).sign(&self.signer)?)
    }

    /// Returns the proof that the record with this sequence number is in the log.
    ///
    /// # Errors
    /// Returns [`LedgerError::Beyond`] if the log has fewer records, [`LedgerError::NoRecordZero`] for 0, and other
    /// [`LedgerError`]s if the log cannot be read or is inconsistent.
    pub fn inclusion_proof(&self, sequence: u64) -> Result<InclusionProof, LedgerError> {
        let index = sequence.checked_sub(1).ok_or(LedgerError::NoRecordZero)?;
        let mut state = self.state().clone();
        if sequence > state.kept.size {
            state = self.signed()?;
        }
        let LedgerState { tree, kept, note } = state;
        if sequence > kept.size {
            return Err(LedgerError::Beyond { size: kept.size, requested: sequence });
        }
        let path = tree.inclusion(index, kept.size)?;
        let proven = match tree.leaves(index..sequence)?[..] {
            [leaf] => proves_inclusion(&path, index, &leaf, kept.size, &kept.root),
            _ => false,
        };
        // An invalid proof is never returned.
        if !proven {
            return Err(LedgerError::Damaged);
        }
        Ok(InclusionProof { index, path, checkpoint: note, extra: None })
    }

    /// Returns the proof that the log of `size` records begins with the log of `earlier` records.
    ///
    /// # Errors
    /// Returns [`LedgerError::Order`] if `earlier` is greater than `size`, [`LedgerError::Beyond`] if the log has fewer
    /// records, and other [`LedgerError`]s if it cannot be read or is inconsistent.
    pub fn consistency_proof(&self, earlier: u64, size: u64) -> Result<ConsistencyProof, LedgerError> {
        if earlier > size {
            return Err(LedgerError::Order { earlier, size });
        }
        let LedgerState { tree, .. } = self.up_to(size)?;
        let path = tree.consistency(earlier, size)?;
        let (before, after) = (proven_root(&tree, earlier)?, proven_root(&tree, size)?);
        if !proves_consistency(&path, earlier, &before, size, &after) {
            return Err(LedgerError::Damaged);
        }
        Ok(ConsistencyProof { path })
    }

    /// Returns a state of at least `size` records, updating the tree if needed.
    fn up_to(&self, size: u64) -> Result<LedgerState, LedgerError> {
        let state = self.state().clone();
        let state = if size > state.tree.size() { self.signed()? } else { state };
        let has = state.tree.size();
        if size > has { Err(LedgerError::Beyond { size: has, requested: size }) } else { Ok(state) }
    }

    /// Updates the tree, and returns it with the checkpoint over all of it.
    pub(super) fn signed(&self) -> Result<LedgerState, LedgerError> {
        let mut state = self.state();
        // Loaded before the records are read, so that the records include it.
        let confirmed = self.confirmed.load(Ordering::SeqCst);
        let hashes = Arc::clone(state.tree.hashes());
        // The write lock keeps other processes from updating the tree.
        let lock = hashes.lock()?;
        self.grow_to_last(&mut state, confirmed)?;
        drop(lock);
        Ok(state.clone())
    }

    /// Updates the tree to the sink's last record. It must include the last confirmed record.
    fn grow_to_last(&self, state: &mut LedgerState, confirmed: u64) -> Result<(), LedgerError> {
        self.adopt(state)?;
        loop {
            let mut tree = state.tree.clone();
            let until = tree.size().saturating_add(KEPT_AT);
            self.grow(&mut tree, until)?;
            let has_all = tree.size() < until;
            if has_all && tree.size() < confirmed {
                return Err(LedgerError::Lost { sequence: tree.size() + 1 });
            }
            if tree.size() > state.tree.size() {
                self.keep(state, tree)?;
            }
            if has_all {
                return Ok(());
            }
        }
    }

    /// Adopts the checkpoint of another process, if it is consistent with the state of this one.
    fn adopt(&self, state: &mut LedgerState) -> Result<(), LedgerError> {
        let note = state.tree.hashes().checkpoint()?.ok_or(LedgerError::NoCheckpoint)?;
        if note == state.note {
            return Ok(());
        }
        let kept = self.open_own(&note)?;
        // The state of this process is what it holds in memory, not what the hash store contains now.
        let (size, root) = (state.tree.size(), state.tree.root());
        if kept.size < size {
            return Err(LedgerError::Forked { size: kept.size });
        }
        let tree = state.tree.of_size(kept.size).map_err(forked(kept.size))?;
        let path = tree.consistency(size, kept.size)?;
        if tree.root() != kept.root || !proves_consistency(&path, size, &root, kept.size, &kept.root) {
            return Err(LedgerError::Forked { size: kept.size });
        }
        self.check_last_record(&tree)?;
        *state = LedgerState { tree, kept, note };
        Ok(())
    }

    /// Adds the sink's records that the tree does not contain, up to a size.
    fn grow(&self, tree: &mut MerkleTree, until: u64) -> Result<(), LedgerError> {
        self.each_leaf(tree.size(), until, |leaves| Ok(tree.append(&leaves)?))
    }

    /// Passes the leaves of the records after the first `size` to `take`, some at a time, up to `until` or to the last
    /// record.
    fn each_leaf(
        &self,
        mut size: u64,
        until: u64,
        mut take: impl FnMut(Vec<TreeHash>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        while size < until {
            let entries = self.sink.records(&RecordQuery::default(), size, PAGE)?;
            let left = usize::try_from(until - size).unwrap_or(usize::MAX);
            let mut leaves = Vec::with_capacity(entries.len());
            for (entry, sequence) in entries.iter().take(left).zip(size + 1..) {
                if entry.sequence != sequence {
                    return Err(LedgerError::Lost { sequence });
                }
                leaves.push(Leaf::of(entry)?.hash());
            }
            if leaves.is_empty() {
                break;
            }
            size += leaves.len() as u64;
            take(leaves)?;
        }
        Ok(())
    }

    /// Verifies that the sink still has the last record of the tree unchanged, or a later one if that record was
    /// removed.
    fn check_last_record(&self, tree: &MerkleTree) -> Result<(), LedgerError> {
        let Some(last) = tree.size().checked_sub(1) else { return Ok(()) };
        let entries = self.sink.records(&RecordQuery::default(), last, 1)?;
        let entry = entries.first().ok_or(LedgerError::Lost { sequence: tree.size() })?;
        if entry.sequence == tree.size() && tree.leaves(last..tree.size())? != [Leaf::of(entry)?.hash()] {
            return Err(LedgerError::Rewritten { sequence: entry.sequence });
        }
        Ok(())
    }

    /// Signs a checkpoint of a tree, and stores it after the hashes are durable.
    fn keep(&self, state: &mut LedgerState, tree: MerkleTree) -> Result<(), LedgerError> {
        let kept = checkpoint_of(&self.signer, tree.size(), tree.root());
        let note = kept.sign(&self.signer)?.into_bytes();
        tree.hashes().sync()?;
        tree.hashes().keep_checkpoint(&note)?;
        *state = LedgerState { tree, kept, note };
        Ok(())
    }

    /// Opens a checkpoint that must be signed by this ledger's key.
    fn open_own(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(note, std::slice::from_ref(self.signer.verifier()))
    }

    fn state(&self) -> MutexGuard<'_, LedgerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Converts an error of the tree: missing hashes contradict the checkpoint, while a failing store says nothing about
/// it.
fn forked(size: u64) -> impl Fn(TreeError) -> LedgerError {
    move |error| match error {
        TreeError::Hashes(error @ HashStoreError::Backend(_)) => LedgerError::Hashes(error),
        TreeError::Hashes(_) | TreeError::Beyond { .. } | TreeError::NoLeaf { .. } | TreeError::Order { .. } => {
            LedgerError::Forked { size }
        }
    }
}

/// Returns the root of the first `size` leaves, if it is consistent with the root of the tree. This detects damaged
/// hashes.
fn proven_root(tree: &MerkleTree, size: u64) -> Result<TreeHash, LedgerError> {
    let (root, path) = (tree.root_of(size)?, tree.consistency(size, tree.size())?);
    let is_proven = proves_consistency(&path, size, &root, tree.size(), &tree.root());
    if is_proven { Ok(root) } else { Err(LedgerError::Damaged) }
}

fn checkpoint_of(signer: &NoteSigner, size: u64, root: TreeHash) -> Checkpoint {
    Checkpoint { origin: signer.verifier().name().clone(), size, root, extensions: Vec::new() }
}

/// Forwards to the wrapped sink. A removal of records waits until their hashes are durable.
impl<S: GovernanceSink> GovernanceSink for LedgerSink<S> {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = self.sink.record(record)?;
        // A receipt for another record does not confirm this one.
        if receipt.record() == record.id {
            self.confirmed.fetch_max(receipt.sequence(), Ordering::SeqCst);
        }
        Ok(receipt)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.sink.records(query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.sink.newest(query)
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        if removal.records_before().is_some() {
            self.signed().map_err(|error| SinkError::Backend(Box::new(error)))?;
        }
        self.sink.remove(removal)
    }
}

impl<S> std::fmt::Debug for LedgerSink<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerSink").field("signer", &self.signer).finish_non_exhaustive()
    }
}
