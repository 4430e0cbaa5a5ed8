//! A sink whose records are leaves of a tree.

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
use super::tree::{Tree, TreeError};
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// Any sink, and the tree over its records: the record with sequence number 1 is leaf 0.
///
/// Whoever records waits for the sink alone. The tree grows when somebody asks for a [checkpoint](Self::checkpoint) or a
/// proof, or [has it grow](Self::catch_up): what the sink has and the tree has not is read from the sink, whichever
/// process recorded it. So several processes may each have a ledger over the same sink and the same hashes. Records are
/// removed through a ledger only, by whichever process: what the sink itself removed before it was hashed is lost.
///
/// A checkpoint is kept beside the hashes, and what comes later must fit it. What does not is an error from then on, and
/// is never made to fit: see [`LedgerError`].
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
/// // To be kept where nobody who runs the service can reach it.
/// let saved = ledger.checkpoint()?;
/// assert_eq!(Checkpoint::open(saved.as_bytes(), &auditor_knows)?.size, 2);
/// # drop(filter);
/// # Ok(())
/// # }
/// ```
pub struct LedgerSink<S> {
    sink: S,
    signer: NoteSigner,
    state: Mutex<State>,
    /// The highest sequence number that the sink has answered through this.
    answered: AtomicU64,
}

#[derive(Clone)]
pub(super) struct State {
    /// INVARIANT: has as many leaves as the checkpoint counts, and its root. What grew beyond and was not kept is let go of.
    pub(super) tree: Tree,
    /// The newest checkpoint of any process, as far as this one knows.
    kept: Checkpoint,
    pub(super) note: Vec<u8>,
}

/// How many records are read and hashed at once. Few, because there can be large ones.
pub(super) const PAGE: usize = 64;
/// After how many records a checkpoint is kept while the tree catches up, so that whoever is interrupted need not begin
/// anew.
const KEPT_AT: u64 = 1 << 16;

impl<S: GovernanceSink> LedgerSink<S> {
    /// Opens the ledger of a sink, and has its tree grow up to the sink's last record. An empty store of hashes begins a
    /// new one. However long the log is, few hashes are read, and those records that came since the last checkpoint.
    ///
    /// # Errors
    /// [`LedgerError`]. Nothing is made to fit: for hashes that were lost there is [`rebuild`](Self::rebuild).
    pub fn open(sink: S, hashes: impl HashStore + 'static, signer: NoteSigner) -> Result<Self, LedgerError> {
        Self::begin(sink, Tree::new(hashes), signer, |_, tree, kept| {
            let tree = tree.of_size(kept.size).map_err(forked(kept.size))?;
            if tree.root() == kept.root { Ok(tree) } else { Err(LedgerError::Forked { size: kept.size }) }
        })
    }

    /// Opens the ledger of a sink whose hashes are lost or damaged: makes all of them again from the records. They must
    /// lead to the checkpoint that is kept beside the hashes.
    ///
    /// # Errors
    /// [`LedgerError`], also when records were removed already: their hashes cannot be made again. What lay among the hashes
    /// is written over only once the records are known to lead to that checkpoint.
    pub fn rebuild(sink: S, hashes: impl HashStore + 'static, signer: NoteSigner) -> Result<Self, LedgerError> {
        Self::begin(sink, Tree::new(hashes), signer, |ledger, mut tree, kept| {
            // Nothing is written over before it is known that the records are those.
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
        empty: Tree,
        signer: NoteSigner,
        restore: impl FnOnce(&Self, Tree, &Checkpoint) -> Result<Tree, LedgerError>,
    ) -> Result<Self, LedgerError> {
        let nothing = checkpoint_of(&signer, 0, TreeHash::of_nothing());
        let state = State { tree: empty.clone(), kept: nothing, note: Vec::new() };
        let ledger = Self { sink, signer, state: Mutex::new(state), answered: AtomicU64::new(0) };
        let hashes = Arc::clone(empty.hashes());
        let hold = hashes.lock()?;
        match hashes.checkpoint()? {
            Some(note) => {
                let kept = ledger.own(&note)?;
                let tree = restore(&ledger, empty, &kept)?;
                ledger.stands_by(&tree)?;
                *ledger.state() = State { tree, kept, note };
            }
            // A tree that ever grew has a checkpoint, be it of nothing.
            None if hashes.size()? > 0 => return Err(LedgerError::NoCheckpoint),
            None => ledger.keep(&mut ledger.state(), empty)?,
        }
        ledger.settle(&mut ledger.state(), 0)?;
        drop(hold);
        Ok(ledger)
    }

    /// The sink behind this.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Has the tree grow up to the sink's last record, a few records at a time, and keeps a checkpoint of it beside the
    /// hashes. A service calls this now and then, so that neither a checkpoint nor opening takes long.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn catch_up(&self) -> Result<(), LedgerError> {
        self.signed().map(drop)
    }

    /// The checkpoint over all records that were answered so far, signed: a note, to be kept where nobody who runs the
    /// service can reach it.
    ///
    /// # Errors
    /// [`LedgerError`]. Then none is handed out, and what is wrong is in no checkpoint.
    pub fn checkpoint(&self) -> Result<String, LedgerError> {
        let State { note, .. } = self.signed()?;
        Ok(String::from_utf8_lossy(&note).into_owned())
    }

    /// The checkpoint over the first `size` records, signed.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there were never so many, and any other [`LedgerError`].
    pub fn checkpoint_of(&self, size: u64) -> Result<String, LedgerError> {
        let State { tree, .. } = self.up_to(size)?;
        let root = proven_root(&tree, size)?;
        Ok(checkpoint_of(&self.signer, size, root).sign(&self.signer)?)
    }

    /// The proof that the record with this sequence number is in the log.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there is none, and any other [`LedgerError`].
    pub fn inclusion_proof(&self, sequence: u64) -> Result<InclusionProof, LedgerError> {
        let mut state = self.state().clone();
        if sequence > state.kept.size {
            state = self.signed()?;
        }
        let State { tree, kept, note } = state;
        let index = sequence.checked_sub(1).filter(|_| sequence <= kept.size);
        let index = index.ok_or(LedgerError::Beyond { size: kept.size, asked: sequence })?;
        let path = tree.inclusion(index, kept.size)?;
        let proven = match tree.leaves(index..sequence)?[..] {
            [leaf] => proves_inclusion(&path, index, &leaf, kept.size, &kept.root),
            _ => false,
        };
        // Nobody is handed a proof that proves nothing.
        if !proven {
            return Err(LedgerError::Damaged);
        }
        Ok(InclusionProof { index, path, checkpoint: note, extra: None })
    }

    /// The proof that the log of `size` records begins with the log of `earlier` records.
    ///
    /// # Errors
    /// [`LedgerError::Beyond`] when there were never so many, and any other [`LedgerError`].
    pub fn consistency_proof(&self, earlier: u64, size: u64) -> Result<ConsistencyProof, LedgerError> {
        let State { tree, .. } = self.up_to(size.max(earlier))?;
        let path = tree.consistency(earlier, size)?;
        let (before, after) = (proven_root(&tree, earlier)?, proven_root(&tree, size)?);
        if !proves_consistency(&path, earlier, &before, size, &after) {
            return Err(LedgerError::Damaged);
        }
        Ok(ConsistencyProof { path })
    }

    /// The state as it is, if it has so many records, or as it is once the tree has caught up.
    fn up_to(&self, size: u64) -> Result<State, LedgerError> {
        let state = self.state().clone();
        let state = if size > state.tree.size() { self.signed()? } else { state };
        let has = state.tree.size();
        if size > has { Err(LedgerError::Beyond { size: has, asked: size }) } else { Ok(state) }
    }

    /// The tree once it has caught up, and the checkpoint over all of it.
    pub(super) fn signed(&self) -> Result<State, LedgerError> {
        let mut state = self.state();
        // Told before the records are read, so that they are among those.
        let answered = self.answered.load(Ordering::SeqCst);
        let hashes = Arc::clone(state.tree.hashes());
        // No other process lets it grow meanwhile.
        let hold = hashes.lock()?;
        self.settle(&mut state, answered)?;
        drop(hold);
        Ok(state.clone())
    }

    /// Has the tree grow up to the sink's last record, which is the last that was answered or a later one.
    fn settle(&self, state: &mut State, answered: u64) -> Result<(), LedgerError> {
        self.adopt(state)?;
        loop {
            let mut tree = state.tree.clone();
            let until = tree.size().saturating_add(KEPT_AT);
            self.grow(&mut tree, until)?;
            let has_all = tree.size() < until;
            if has_all && tree.size() < answered {
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

    /// Takes over the checkpoint of another process, if it fits what this one knows.
    fn adopt(&self, state: &mut State) -> Result<(), LedgerError> {
        let note = state.tree.hashes().checkpoint()?.ok_or(LedgerError::NoCheckpoint)?;
        if note == state.note {
            return Ok(());
        }
        let kept = self.own(&note)?;
        // What this process knows is what it holds itself, not what lies among the hashes by now.
        let (size, root) = (state.tree.size(), state.tree.root());
        if kept.size < size {
            return Err(LedgerError::Forked { size: kept.size });
        }
        let tree = state.tree.of_size(kept.size).map_err(forked(kept.size))?;
        let path = tree.consistency(size, kept.size)?;
        if tree.root() != kept.root || !proves_consistency(&path, size, &root, kept.size, &kept.root) {
            return Err(LedgerError::Forked { size: kept.size });
        }
        self.stands_by(&tree)?;
        *state = State { tree, kept, note };
        Ok(())
    }

    /// Adds what the sink has and the tree has not, up to a size.
    fn grow(&self, tree: &mut Tree, until: u64) -> Result<(), LedgerError> {
        self.each_leaf(tree.size(), until, |leaves| Ok(tree.append(&leaves)?))
    }

    /// Hands the leaves of the records behind the first so many to `take`, some at a time: up to a size, or to the last
    /// record that there is.
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

    /// Whether the sink still has the last record of the tree as it was, or a later one if that was removed.
    fn stands_by(&self, tree: &Tree) -> Result<(), LedgerError> {
        let Some(last) = tree.size().checked_sub(1) else { return Ok(()) };
        let entries = self.sink.records(&RecordQuery::default(), last, 1)?;
        let entry = entries.first().ok_or(LedgerError::Lost { sequence: tree.size() })?;
        if entry.sequence == tree.size() && tree.leaves(last..tree.size())? != [Leaf::of(entry)?.hash()] {
            return Err(LedgerError::Rewritten { sequence: entry.sequence });
        }
        Ok(())
    }

    /// Signs a checkpoint of a tree, and keeps both once the hashes are durable.
    fn keep(&self, state: &mut State, tree: Tree) -> Result<(), LedgerError> {
        let kept = checkpoint_of(&self.signer, tree.size(), tree.root());
        let note = kept.sign(&self.signer)?.into_bytes();
        tree.hashes().sync()?;
        tree.hashes().keep_checkpoint(&note)?;
        *state = State { tree, kept, note };
        Ok(())
    }

    /// A checkpoint that this key has signed.
    fn own(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(note, std::slice::from_ref(self.signer.verifier()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes that are not there, or not for such a tree, do not lead to the checkpoint; that they cannot be read says nothing.
fn forked(size: u64) -> impl Fn(TreeError) -> LedgerError {
    move |error| match error {
        TreeError::Hashes(error @ HashStoreError::Backend(_)) => LedgerError::Hashes(error),
        TreeError::Hashes(_) | TreeError::Beyond { .. } => LedgerError::Forked { size },
    }
}

/// The root of the first `size` leaves, if it is that of a beginning of the tree: of what was signed before, whatever became
/// of the hashes.
fn proven_root(tree: &Tree, size: u64) -> Result<TreeHash, LedgerError> {
    let (root, path) = (tree.root_of(size)?, tree.consistency(size, tree.size())?);
    let is_proven = proves_consistency(&path, size, &root, tree.size(), &tree.root());
    if is_proven { Ok(root) } else { Err(LedgerError::Damaged) }
}

fn checkpoint_of(signer: &NoteSigner, size: u64, root: TreeHash) -> Checkpoint {
    Checkpoint { origin: signer.verifier().name().clone(), size, root, extensions: Vec::new() }
}

/// The same as that of the sink behind it; a removal of records waits until their hashes are durable.
impl<S: GovernanceSink> GovernanceSink for LedgerSink<S> {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = self.sink.record(record)?;
        // A receipt for another record says nothing of the log.
        if receipt.record() == record.id {
            self.answered.fetch_max(receipt.sequence(), Ordering::SeqCst);
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
