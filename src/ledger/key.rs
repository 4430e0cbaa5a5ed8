//! The keys that sign and verify notes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::{from_hex, to_hex};

/// The name of a key, which is also the name of the log that it signs. The recommended form is a URL without a scheme,
/// such as `example.com/governance`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// The maximum length, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Validates a name.
    ///
    /// # Errors
    /// Returns [`KeyError::Name`] if the name is empty, longer than [`Self::MAX_BYTES`], or contains white space, a
    /// plus sign or a control character.
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if name.is_empty() || name.len() > Self::MAX_BYTES || !name.chars().all(fits) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reason why a text is not a valid key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The name is invalid.
    #[error(
        "invalid key name, expected 1 to {} bytes without white space, plus signs and control characters",
        KeyName::MAX_BYTES
    )]
    Name,
    /// The text does not have the expected form.
    #[error("invalid key, expected the form {expected}")]
    Form {
        /// The expected form.
        expected: &'static str,
    },
    /// The key has another signature type.
    #[error("the key has signature type {0}, expected 1 (Ed25519)")]
    Kind(u8),
    /// The id is not the one derived from the name and the key bytes, so one of the three is wrong.
    #[error("the id of the key does not match its name and bytes")]
    Id,
    /// The bytes are not an Ed25519 key, or are a weak key for which anyone can forge signatures.
    #[error("the key bytes are not a valid Ed25519 key, or a weak one")]
    Unsound,
}

/// The signature type that precedes the key bytes.
const ED25519: u8 = 1;
/// The maximum length of the text form of a key.
const MAX_TEXT: usize = 512;

/// A signing key: [C2SP signed-note](https://c2sp.org/signed-note), Ed25519.
///
/// `Debug` shows only its name.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::ledger::{KeyName, Note, NoteSigner, NoteVerifier};
///
/// // 32 bytes from a cryptographically secure source.
/// let seed = [7; 32];
/// let signer = NoteSigner::new(KeyName::new("example.com/governance")?, &seed);
/// let note = signer.sign("a text\n")?;
///
/// // The auditor receives this once, over a trusted channel.
/// let vkey = signer.verifier().to_string();
/// let verifier: NoteVerifier = vkey.parse()?;
/// assert_eq!(Note::open(note.as_bytes(), &[verifier])?.text(), "a text\n");
/// # Ok(())
/// # }
/// ```
pub struct NoteSigner {
    verifier: NoteVerifier,
    key: SigningKey,
}

impl NoteSigner {
    /// Creates the key from 32 random bytes. They are secret: their holder can sign as this log.
    #[must_use]
    pub fn new(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { verifier: NoteVerifier::of(name, key.verifying_key()), key }
    }

    /// Returns the public key that verifies its signatures.
    #[must_use]
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// Returns the id of the key followed by its Ed25519 signature of a text, as in the signature line of a note.
    pub(super) fn signature(&self, text: &str) -> Vec<u8> {
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        signature
    }

    /// Returns the text form of the key, including the secret. [`FromStr`] parses it, and so does Go's
    /// [`note.NewSigner`](https://pkg.go.dev/golang.org/x/mod/sumdb/note#NewSigner).
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        let NoteVerifier { name, id, .. } = &self.verifier;
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        format!("{SECRET}{name}+{}+{}", to_hex(id), STANDARD.encode(bytes))
    }
}

const SECRET: &str = "PRIVATE+KEY+";

impl FromStr for NoteSigner {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let form = KeyError::Form { expected: "PRIVATE+KEY+name+id+base64" };
        let (name, id, seed) = parts(text.strip_prefix(SECRET).ok_or(form)?, form)?;
        let signer = Self::new(name, &seed);
        if signer.verifier.id == id { Ok(signer) } else { Err(KeyError::Id) }
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteSigner").field("name", &self.verifier.name).finish_non_exhaustive()
    }
}

/// A public key that verifies notes. Go and the tools of C2SP call its text form a vkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier {
    name: KeyName,
    id: [u8; 4],
    key: VerifyingKey,
}

impl NoteVerifier {
    fn of(name: KeyName, key: VerifyingKey) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.as_str());
        hasher.update(b"\n");
        hasher.update([ED25519]);
        hasher.update(key.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        Self { name, id: [a, b, c, d], key }
    }

    /// Returns the name of the key.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the id, which distinguishes keys of the same name.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Returns whether this key signed the text. The check is strict, so that all verifiers reach the same result.
    pub(super) fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, to_hex(&self.id), STANDARD.encode(bytes))
    }
}

impl FromStr for NoteVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, bytes) = parts(text, KeyError::Form { expected: "name+id+base64" })?;
        let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak()).ok_or(KeyError::Unsound)?;
        let verifier = Self::of(name, key);
        if verifier.id == id { Ok(verifier) } else { Err(KeyError::Id) }
    }
}

/// Parses the name, the id and the 32 bytes of a key.
fn parts(text: &str, form: KeyError) -> Result<(KeyName, [u8; 4], [u8; 32]), KeyError> {
    if text.len() > MAX_TEXT {
        return Err(form);
    }
    let (name, rest) = text.split_once('+').ok_or(form)?;
    let (id, bytes) = rest.split_once('+').ok_or(form)?;
    let id = from_hex(id).and_then(|id| id.try_into().ok()).ok_or(form)?;
    let bytes = STANDARD.decode(bytes).map_err(|_| form)?;
    let name = KeyName::new(name)?;
    match bytes.split_first() {
        Some((&ED25519, bytes)) => Ok((name, id, bytes.try_into().map_err(|_| form)?)),
        Some((kind, _)) => Err(KeyError::Kind(*kind)),
        None => Err(form),
    }
}
