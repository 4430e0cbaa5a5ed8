//! The governance log as a Merkle tree with signed checkpoints, so that an outside auditor finds any change, removal,
//! reordering or truncation, offline, with tools that were not written here.
//!
//! [`LedgerSink`] stands in front of any [`GovernanceSink`](crate::governance::GovernanceSink). It signs a
//! [checkpoint](LedgerSink::checkpoint) of the log whenever it is asked to. **Have each one saved where nobody who runs
//! the service can change it**: with the works council, the auditor, a notary, a mailbox outside. A saved checkpoint is
//! three lines of text and a signature, and from then on everything that it counts is fixed.
//!
//! # What an auditor does
//!
//! They have the log's public key and the checkpoints that they saved. They ask for an [export](LedgerSink::export) and
//! a checkpoint of today, and [verify](verify_log) both against a saved one; `examples/verify_log` is that as a program.
//! Or they do it with other tools:
//!
//! - A checkpoint is a note of the form [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint): the name of the log, how
//!   many records it has, the root in base64, an empty line, and the signature, as in [C2SP
//!   signed-note](https://c2sp.org/signed-note). Go verifies it by `golang.org/x/mod/sumdb/note`, Rust by `signed_note`.
//! - A line of an export is a JSON object. The string `entry` in it is a leaf, byte for byte. The hash of a leaf is
//!   SHA-256 of a zero byte and the leaf; that of two subtrees is SHA-256 of a byte 1 and both hashes; where a tree parts
//!   in two is said in [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1). The root over
//!   the first so many lines is the one in the checkpoint of that size. For a line that has `leaf_hash` instead, the
//!   record is not kept any longer, and this is its hash in base64.
//! - The member `sequence` of the entry in line n is n.
//! - For each member of `openings`: its name is in hex the SHA-256 of its `salt`, a line feed and its `text`, and stands
//!   in the entry as `{"sha256":"..."}`. The `salt` is 32 lower-case hex digits: one that holds a line feed
//!   would hide what was sealed.
//!
//! [One record](LedgerSink::inclusion_proof) is proven to be in the log by a file of the form [C2SP
//! tlog-proof](https://c2sp.org/tlog-proof), and [two checkpoints](LedgerSink::consistency_proof) are proven to be of one
//! history, without the rest of the log.
//!
//! # What it cannot do
//!
//! - Without a checkpoint that was saved elsewhere, whoever has the key can write all of history anew. So can whoever
//!   takes hashes and checkpoint away, and has the ledger begin again; or puts an older checkpoint back, and has it go on
//!   from there with other records.
//! - What was recorded after the last saved checkpoint can be changed until the next one is saved. Save them often.
//! - A record that never reached the sink is in no tree. That nothing is shown before it is recorded is kept by other
//!   means (rule R2).
//! - Two auditors who never meet can be shown two histories. They compare their checkpoints, or ask for a
//!   [consistency proof](LedgerSink::consistency_proof) between them.
//! - A log whose first records are said to have been removed by retention may have had others removed with them: of these
//!   there are the hashes, and how many. [`VerifiedLog::removed`] says that; whether the policy asked for it is on record.
//!
//! # What is kept
//!
//! What people can ask to be forgotten is not in the tree, and neither is what depends on hidden activities: a leaf holds the
//! [commitment](crate::governance::Commitment) to it. So what a
//! record [forgot](crate::governance::Record::redact) breaks no proof, and after that nobody can tell what it was. Records that
//! retention removes leave their hashes.
//!
//! Of a record that is added to the log the hash is made when somebody asks for a checkpoint or a proof, or calls
//! [`catch_up`](LedgerSink::catch_up): whoever records waits for the sink alone. Hashes lie in a [`HashStore`], for example
//! [in a file](FileHashes): 64 bytes for each record.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::ledger::{KeyName, LedgerSink, MemoryHashes, NoteSigner, Disclosure, verify_log};
//! use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
//! use activity_privacy::filter::PrivacyFilter;
//! use activity_privacy::identity::UserId;
//! use activity_privacy::policy::{Administrators, GroupRef, PolicyChange};
//! use std::sync::Arc;
//!
//! let signer = NoteSigner::new(KeyName::new("example.com/governance")?, &[7; 32]);
//! let public_key = signer.verifier().clone();
//! let ledger = Arc::new(LedgerSink::open(MemorySink::new(), MemoryHashes::new(), signer)?);
//! let admin = UserId::new("admin-1")?;
//! let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), Arc::clone(&ledger))
//!     .initialize(Administrators::new(admin.clone(), UserId::new("deputy")?)?)?;
//! let saved_in_spring = ledger.checkpoint()?;
//! filter.update_policy(&admin, PolicyChange::MakePrivate(GroupRef::Applications))?;
//!
//! let mut log = Vec::new();
//! let checkpoint = ledger.export(&mut log, Disclosure::Redact)?;
//! let saved = Some(saved_in_spring.as_bytes());
//! let verified = verify_log(&log[..], checkpoint.as_bytes(), saved, &[public_key.clone()])?;
//! assert_eq!((verified.records, verified.older.map(|older| older.size)), (4, Some(2)));
//!
//! // Somebody takes their name out.
//! let changed = String::from_utf8(log)?.replacen("admin-1", "admin-2", 1);
//! let finding = verify_log(changed.as_bytes(), checkpoint.as_bytes(), saved, &[public_key]).unwrap_err();
//! assert_eq!(finding.to_string(), "the first 2 records are not those of the older checkpoint");
//! # Ok(())
//! # }
//! ```

mod checkpoint;
mod damage;
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
pub use self::damage::Damage;
pub use self::error::LedgerError;
pub use self::export::{AuditSummary, Disclosure};
pub use self::file::FileHashes;
pub use self::hash::{HashError, TreeHash};
pub use self::hashes::{HashStore, HashStoreError, MemoryHashes, WriteLock};
pub use self::key::{KeyError, KeyName, NoteSigner, NoteVerifier};
pub use self::leaf::{Leaf, LeafError};
pub use self::note::{Note, NoteError};
pub use self::path::{proves_consistency, proves_inclusion};
pub use self::peaks::Peaks;
pub use self::proof::{ConsistencyProof, InclusionProof, ProofError};
pub use self::sink::LedgerSink;
pub use self::tree::{MerkleTree, TreeError};
pub use self::verify::{VerifiedLog, VerifyError, verify_log};
