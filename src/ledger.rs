//! The governance log as a Merkle tree with signed checkpoints.
//!
//! Requires the feature `ledger`.
//!
//! An outside auditor can detect any changed, removed, reordered or truncated record, offline, with tools that are not
//! part of this crate.
//!
//! [`LedgerSink`] wraps any [`GovernanceSink`](crate::governance::GovernanceSink), and signs a
//! [checkpoint](LedgerSink::checkpoint) of the log on request. **Store each checkpoint where no operator of the service
//! can change it**: with the works council, the auditor, a notary, or in an external mailbox. A checkpoint is three
//! lines of text and a signature. Once it is stored elsewhere, every record that it covers is fixed.
//!
//! # Verification
//!
//! The auditor has the public key of the log and the saved checkpoints. The auditor requests an
//! [export](LedgerSink::export) and a current checkpoint, and [verifies](verify_log) both against a saved checkpoint,
//! for example with the program in `examples/verify_log`. Other tools can verify them too:
//!
//! - A checkpoint is a note in the format [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint): the name of the
//!   log, the number of records, the root in base64, an empty line, and the signature, as in [C2SP
//!   signed-note](https://c2sp.org/signed-note). `golang.org/x/mod/sumdb/note` verifies it in Go, and `signed_note` in
//!   Rust.
//! - Each line of an export is a JSON object. Its string `entry` is a leaf, byte for byte. The hash of a leaf is
//!   SHA-256 of a zero byte and the leaf. The hash of two subtrees is SHA-256 of a byte 1 and both hashes. [RFC 6962,
//!   section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1) defines where a tree splits. The root over
//!   the first n lines is the root in the checkpoint of size n. A line with `leaf_hash` instead of `entry` is a removed
//!   record, and contains its hash in base64.
//! - The member `sequence` of the entry in line n is n.
//! - The name of each member of `openings` is the SHA-256, in hex, of its `salt`, a line feed and its `text`. The entry
//!   contains the name as `{"sha256":"..."}`. The `salt` is 32 lower-case hex digits. A salt that contained a line feed
//!   could hide the committed text.
//!
//! An [inclusion proof](LedgerSink::inclusion_proof) proves that one record is in the log, as a file in the format
//! [C2SP tlog-proof](https://c2sp.org/tlog-proof). A [consistency proof](LedgerSink::consistency_proof) proves that two
//! checkpoints belong to one history. Neither needs the rest of the log.
//!
//! # Limits
//!
//! - Without a checkpoint stored elsewhere, the holder of the key can rewrite the whole history. An attacker who
//!   deletes the hashes and the checkpoint can start a new ledger. An attacker who restores an older checkpoint can
//!   continue from it with other records.
//! - Records after the last stored checkpoint can be changed until the next one is stored. Store checkpoints often.
//! - A record that never reached the sink is in no tree. Other mechanisms ensure that nothing is shown before it is
//!   recorded (rule R2).
//! - Two auditors who never communicate can be shown two histories. They can compare their checkpoints, or request a
//!   [consistency proof](LedgerSink::consistency_proof) between them.
//! - If retention removed the first records, other records may have been removed with them. Only the hashes and the
//!   number of the removed records remain, in [`VerifiedLog::removed`]. The log records whether the policy required the
//!   removal.
//!
//! # Stored data
//!
//! A leaf does not contain values that can be redacted, nor values that depend on private activities. It contains a
//! [commitment](crate::governance::Commitment) to each of them. [Redacting](crate::governance::Record::redact) a record
//! therefore breaks no proof, and the redacted value cannot be recovered. Records that retention removes leave their
//! hashes.
//!
//! Records are hashed when a checkpoint or a proof is requested, or by [`catch_up`](LedgerSink::catch_up). Recording
//! waits for the wrapped sink only. Hashes are stored in a [`HashStore`], for example [in a file](FileHashes), with
//! less than 64 bytes per record.
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
//! // An attacker removes a name.
//! let changed = String::from_utf8(log)?.replacen("admin-1", "admin-2", 1);
//! let error = verify_log(changed.as_bytes(), checkpoint.as_bytes(), saved, &[public_key]).unwrap_err();
//! assert_eq!(error.to_string(), "the first 2 records differ from those of the older checkpoint");
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
