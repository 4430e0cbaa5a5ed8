//! The governance log as a Merkle tree.

mod checkpoint;
mod error;
mod export;
mod file;
mod hash;
mod hashes;
mod key;
mod layout;
mod leaf;
mod line;
mod note;
mod path;
mod peaks;
mod proof;
mod sink;
mod tree;
mod verify;

pub use self::checkpoint::{Checkpoint, CheckpointError};
pub use self::error::LedgerError;
pub use self::export::{Audit, Openings};
pub use self::file::FileHashes;
pub use self::hash::{HashError, TreeHash};
pub use self::hashes::{HashStore, HashStoreError, Hold, MemoryHashes};
pub use self::key::{KeyError, KeyName, NoteSigner, NoteVerifier};
pub use self::leaf::{Leaf, LeafError};
pub use self::note::{Note, NoteError};
pub use self::path::{proves_consistency, proves_inclusion};
pub use self::peaks::Peaks;
pub use self::proof::{ConsistencyProof, InclusionProof, ProofError};
pub use self::sink::LedgerSink;
pub use self::tree::{Tree, TreeError};
pub use self::verify::{Finding, Verified, verify_log};
