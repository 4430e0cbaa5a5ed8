//! Signed notes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::damage::{self, Damage};
use super::key::{NoteSigner, NoteVerifier};

/// A text signed by a known key: [C2SP signed-note](https://c2sp.org/signed-note).
///
/// The text of a note cannot be read unless a known key has signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signers: Vec<NoteVerifier>,
}

/// The reason why a note was rejected. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The note exceeds the size limit.
    #[error("the note is {len} bytes long, expected at most {}", Note::MAX_BYTES)]
    TooLong {
        /// The length of the note, in bytes.
        len: usize,
    },
    /// The note is in another encoding, or is not text, so it cannot be verified.
    #[error(
        "line {line} of the note is not UTF-8 text, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    OtherEncoding {
        /// The line number.
        line: usize,
    },
    /// The note contains a control character other than a line feed.
    #[error("line {line} of the note contains a control character")]
    Control {
        /// The line number.
        line: usize,
    },
    /// The note has no blank line that separates the text from the signatures.
    #[error("the note has no signatures, expected an empty line and at least one signature")]
    Unsigned,
    /// The text to sign does not end with a line feed.
    #[error("line {line} of the text does not end with a line feed")]
    NoLineFeed {
        /// The line number.
        line: usize,
    },
    /// The note is truncated within a signature, so it cannot be verified.
    #[error(
        "the note is cut off within line {line}, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    CutOff {
        /// The line number.
        line: usize,
    },
    /// The note was damaged in transfer. It verifies after the damage is undone, so a known key had signed it.
    #[error("line {line} of the note was damaged in transfer: {damage}; transfer the file again, byte for byte")]
    Damaged {
        /// The line number.
        line: usize,
        /// The damage.
        damage: Damage,
    },
    /// A line is not a signature.
    #[error("line {line} of the note is not a signature, expected `— name base64`")]
    NotASignature {
        /// The line number.
        line: usize,
    },
    /// The note has more signatures than allowed.
    #[error("line {line} of the note exceeds the number of signatures, expected at most {}", Note::MAX_SIGNATURES)]
    TooManySignatures {
        /// The line number.
        line: usize,
    },
    /// A signature that names a known key does not verify.
    #[error("the signature in line {line} of the note does not verify")]
    BadSignature {
        /// The line number.
        line: usize,
    },
    /// No known key signed the note.
    #[error("the note is not signed by a known key")]
    UnknownSigners,
}

impl Note {
    /// The maximum size of a note, in bytes. It allows for more signatures of any type than the format requires readers
    /// to accept.
    pub const MAX_BYTES: usize = 256 << 10;
    /// The most signatures of a note.
    pub const MAX_SIGNATURES: usize = 100;

    /// Reads a note and verifies its signatures. Signatures of unknown keys are ignored. Every signature of a known key
    /// must verify, and there must be at least one.
    ///
    /// # Errors
    /// Returns [`NoteError`] if the note is rejected, including [`NoteError::Damaged`] if it verifies only after
    /// transfer damage is undone.
    pub fn open(note: &[u8], known: &[NoteVerifier]) -> Result<Self, NoteError> {
        match Self::open_undone(note, known)? {
            (opened, None) => Ok(opened),
            (_, Some(damaged)) => Err(damaged),
        }
    }

    /// Opens a note after undoing transfer damage. Also returns the damage, as an error.
    pub(super) fn open_undone(note: &[u8], known: &[NoteVerifier]) -> Result<(Self, Option<NoteError>), NoteError> {
        let error = match Self::open_unchanged(note, known) {
            Ok(opened) => return Ok((opened, None)),
            Err(error @ NoteError::TooLong { .. }) => return Err(error),
            Err(error) => error,
        };
        let Some((undone, line, damage)) = undone(note) else { return Err(error) };
        let found = match Self::open_unchanged(&undone, known) {
            Ok(opened) => return Ok((opened, Some(NoteError::Damaged { line, damage }))),
            Err(found) => found,
        };
        Err(match (found, error) {
            // The missing line feed has been added.
            (_, NoteError::CutOff { .. }) if is_cut_signature(&undone, found) => error,
            (NoteError::BadSignature { .. } | NoteError::UnknownSigners, _) | (_, NoteError::CutOff { .. }) => found,
            _ => error,
        })
    }

    fn open_unchanged(note: &[u8], known: &[NoteVerifier]) -> Result<Self, NoteError> {
        let note = legible(note)?;
        // The last empty line, because the text can contain empty lines.
        let unsigned = || match note.matches('\n').count() + 1 {
            line if !note.is_empty() && !note.ends_with('\n') => NoteError::CutOff { line },
            _ => NoteError::Unsigned,
        };
        let (before, signatures) = note.rsplit_once("\n\n").ok_or_else(unsigned)?;
        let text = note.get(..=before.len()).unwrap_or_default();
        let lines_before = text.matches('\n').count() + 1;
        let Some(signatures) = signatures.strip_suffix('\n') else {
            let line = lines_before + signatures.matches('\n').count() + 1;
            return Err(if signatures.is_empty() { NoteError::Unsigned } else { NoteError::CutOff { line } });
        };
        let mut signers: Vec<NoteVerifier> = Vec::new();
        for (number, line) in signatures.split('\n').enumerate() {
            let at = lines_before + number + 1;
            if number == Self::MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures { line: at });
            }
            let (name, id, signature) = parse(line).ok_or(NoteError::NotASignature { line: at })?;
            let mut of_this_key = known.iter().filter(|key| key.name().as_str() == name && key.id() == id).peekable();
            if of_this_key.peek().is_none() {
                continue;
            }
            let signer = of_this_key.find(|key| key.has_signed(text, &signature));
            let signer = signer.ok_or(NoteError::BadSignature { line: at })?;
            if !signers.contains(signer) {
                signers.push(signer.clone());
            }
        }
        if signers.is_empty() {
            return Err(NoteError::UnknownSigners);
        }
        Ok(Self { text: text.to_owned(), signers })
    }

    /// Returns the signed text, with the line feed at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the known keys that signed the note. There is at least one.
    #[must_use]
    pub fn signers(&self) -> &[NoteVerifier] {
        &self.signers
    }
}

impl NoteError {
    /// Returns whether a known key had signed the note before it was damaged in transfer. Transfer it again.
    #[must_use]
    pub fn is_damage(self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Returns whether the note cannot be verified, because it is truncated within a signature or in another encoding.
    /// It may be forged or damaged; transfer it again. Treat any error that is neither this nor
    /// [damage](Self::is_damage) as a forgery.
    #[must_use]
    pub fn is_unverifiable(self) -> bool {
        matches!(self, Self::CutOff { .. } | Self::OtherEncoding { .. })
    }
}

/// The length of a signature of a known key, in bytes: Ed25519.
const SIGNATURE_BYTES: usize = 64;

/// Returns whether the error is caused by a truncated signature in the last line.
fn is_cut_signature(note: &[u8], error: NoteError) -> bool {
    let text = String::from_utf8_lossy(note);
    let is_last = |line: usize| line == text.matches('\n').count();
    let signature = text.lines().next_back().unwrap_or_default();
    match error {
        NoteError::NotASignature { line } => is_last(line) && signature.starts_with(DASH),
        NoteError::BadSignature { line } => {
            is_last(line) && parse(signature).is_some_and(|(_, _, signature)| signature.len() < SIGNATURE_BYTES)
        }
        _ => false,
    }
}

/// Undoes all damage of a note, and returns the first damage with its line, or `None` if there is none.
fn undone(note: &[u8]) -> Option<(Vec<u8>, usize, Damage)> {
    let (text, not_text) = text_of(note);
    let line_at = |at: usize| note.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let not_text = not_text.map(|at| (line_at(at), Damage::NotText));
    // Removing these bytes does not change the number of lines.
    let (undone, other) = undone_lines(&text);
    let (line, damage) = not_text.into_iter().chain(other).min_by_key(|(line, _)| *line)?;
    Some((undone, line, damage))
}

/// Returns the text in a note, and the offset of the first byte that is not text: a NUL, or invalid UTF-8.
fn text_of(note: &[u8]) -> (Vec<u8>, Option<usize>) {
    let (mut text, mut first) = (Vec::with_capacity(note.len()), None);
    for chunk in note.utf8_chunks() {
        let before = text.len();
        text.extend(chunk.valid().bytes().filter(|byte| *byte != 0));
        let nul = chunk.valid().bytes().position(|byte| byte == 0);
        let invalid = (!chunk.invalid().is_empty()).then_some(chunk.valid().len());
        // Up to the first such byte, both texts are equal.
        first = first.or(nul.or(invalid).map(|at| before + at));
    }
    (text, first)
}

/// Undoes the damage of lines, and adds a missing line feed at the end. Returns the first damage that was undone.
fn undone_lines(note: &[u8]) -> (Vec<u8>, Option<(usize, Damage)>) {
    let lines: Vec<&[u8]> = note.split(|byte| *byte == b'\n').collect();
    let mut before: Vec<&[u8]> = Vec::with_capacity(lines.len());
    let (mut is_signed, mut is_after_blank) = (false, false);
    for line in &lines {
        let (text, _) = damage::undone(line, before.is_empty());
        // Of all blank lines, only the one between the text and its signatures is kept.
        if !is_signed && text.starts_with(DASH.as_bytes()) {
            is_signed = true;
            before.extend(is_after_blank.then_some(&b""[..]));
        }
        is_after_blank = text.is_empty();
        if !is_after_blank {
            before.push(text);
        }
    }
    // The end of the last line, whether or not it was present.
    before.push(b"");
    let is_changed = |(nth, line): &(usize, &&[u8])| before.get(*nth) != Some(*line);
    let damage = match lines.iter().enumerate().find(is_changed) {
        // The empty text after the last line feed is not a line.
        Some((first, line)) => damage::undone(line, first == 0).1.map(|damage| (before.len().min(first + 1), damage)),
        None => (lines.len() < before.len()).then_some((lines.len(), Damage::CutOff)),
    };
    (before.join(&b'\n'), damage)
}

const DASH: &str = "\u{2014} ";

impl NoteSigner {
    /// Signs a text and returns the note.
    ///
    /// # Errors
    /// Returns [`NoteError`] if the text does not end with a line feed, contains a control character, or is too long.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        legible(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoLineFeed { line: text.matches('\n').count() + 1 });
        }
        let (name, signature) = (self.verifier().name(), STANDARD.encode(self.signature(text)));
        let note = format!("{text}\n{DASH}{name} {signature}\n");
        if note.len() > Note::MAX_BYTES { Err(NoteError::TooLong { len: note.len() }) } else { Ok(note) }
    }
}

/// Returns the text, if a note can contain it.
fn legible(note: &[u8]) -> Result<&str, NoteError> {
    if note.len() > Note::MAX_BYTES {
        return Err(NoteError::TooLong { len: note.len() });
    }
    let line = |until: usize| note.iter().take(until).filter(|byte| **byte == b'\n').count() + 1;
    if let Some(at) = note.iter().position(|byte| *byte == 0) {
        return Err(NoteError::OtherEncoding { line: line(at) });
    }
    let text = str::from_utf8(note).map_err(|error| match line(error.valid_up_to()) {
        line if error.error_len().is_none() => NoteError::CutOff { line },
        line => NoteError::OtherEncoding { line },
    })?;
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(at) => Err(NoteError::Control { line: line(at) }),
        None => Ok(text),
    }
}

/// Parses a signature line: the name and the id of the key, and the signature. The name of an unknown key can be longer
/// than `KeyName` allows.
fn parse(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>().filter(|(_, signature)| !signature.is_empty())?;
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
    is_name.then(|| (name, *id, signature.to_vec()))
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
