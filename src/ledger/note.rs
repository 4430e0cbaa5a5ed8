//! Text that somebody has signed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::damage::{self, Damage};
use super::key::{NoteSigner, NoteVerifier};

/// A text that a known key has signed: [C2SP signed-note](https://c2sp.org/signed-note).
///
/// There is no way to the text of a note that nobody known has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signers: Vec<NoteVerifier>,
}

/// Why a note is not believed. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Nobody needs one that long.
    #[error("the note is {len} bytes long, expected at most {}", Note::MAX_BYTES)]
    TooLong {
        /// How long it is, in bytes.
        len: usize,
    },
    /// It is in another encoding, or it is no text. So it cannot be verified.
    #[error(
        "line {line} of the note is not UTF-8 text, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    OtherEncoding {
        /// The line.
        line: usize,
    },
    /// A note holds no control characters but line feeds.
    #[error("line {line} of the note holds a control character, expected none")]
    Control {
        /// The line.
        line: usize,
    },
    /// There is no end of the text and beginning of the signatures.
    #[error("the note has no signatures, expected an empty line and at least one after it")]
    Unsigned,
    /// A text that is to be signed has no line feed at its end.
    #[error("line {line} of the text does not end, expected a line feed at its end")]
    NoLineFeed {
        /// The line.
        line: usize,
    },
    /// The note ends within a signature. So it cannot be verified.
    #[error(
        "the note is cut off within line {line}, so nothing of it is proven; transfer the file again, byte for byte"
    )]
    CutOff {
        /// The line.
        line: usize,
    },
    /// The note was damaged in transfer. Before that, a known key had signed it: it verifies once the damage is undone.
    #[error("line {line} of the note was damaged in transfer: {damage}; transfer the file again, byte for byte")]
    Damaged {
        /// The line.
        line: usize,
        /// How.
        damage: Damage,
    },
    /// It is no signature.
    #[error("line {line} of the note is no signature, expected `— name base64`")]
    NotASignature {
        /// The line.
        line: usize,
    },
    /// Nobody needs that many.
    #[error("line {line} of the note is one signature too many, expected at most {}", Note::MAX_SIGNATURES)]
    TooManySignatures {
        /// The line.
        line: usize,
    },
    /// It says that a known key made it, which did not.
    #[error("line {line} of the note is a signature that does not verify")]
    BadSignature {
        /// The line.
        line: usize,
    },
    /// Whoever signed it is not known.
    #[error("the note is signed by no known key")]
    UnknownSigners,
}

impl Note {
    /// The longest that a note may be, in bytes. Enough for more signatures of any kind than the format asks a reader to
    /// take.
    pub const MAX_BYTES: usize = 256 << 10;
    /// The most signatures that it may have.
    pub const MAX_SIGNATURES: usize = 100;

    /// Reads a note and verifies its signatures. Those of other keys are ignored; of those of the known keys each must
    /// verify, and there must be one.
    ///
    /// # Errors
    /// [`NoteError`], among them [`NoteError::Damaged`] for a note that would verify, had it not been damaged in transfer.
    pub fn open(note: &[u8], known: &[NoteVerifier]) -> Result<Self, NoteError> {
        match Self::open_undone(note, known)? {
            (opened, None) => Ok(opened),
            (_, Some(damaged)) => Err(damaged),
        }
    }

    /// Opens a note as it was before any damage that can be undone. Returns that damage as well, as the error that it is.
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
            // The line feed that was missing has been put there.
            (_, NoteError::CutOff { .. }) if is_cut_signature(&undone, found) => error,
            (NoteError::BadSignature { .. } | NoteError::UnknownSigners, _) | (_, NoteError::CutOff { .. }) => found,
            _ => error,
        })
    }

    fn open_unchanged(note: &[u8], known: &[NoteVerifier]) -> Result<Self, NoteError> {
        let note = legible(note)?;
        // The last empty line, because the text can have some.
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

    /// What was signed, with the line feed at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The known keys that have signed it; one at least.
    #[must_use]
    pub fn signers(&self) -> &[NoteVerifier] {
        &self.signers
    }
}

impl NoteError {
    /// Returns whether a known key had signed the note before it was damaged in transfer. It is to be transferred again.
    #[must_use]
    pub fn is_damage(self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    /// Returns whether the note cannot be verified, because it ends within a signature or is in another encoding. Nothing is
    /// proven then: it may be forged as well as damaged, and is to be transferred again. An error that is neither this nor
    /// [damage](Self::is_damage) is to be taken for a forgery.
    #[must_use]
    pub fn is_unverifiable(self) -> bool {
        matches!(self, Self::CutOff { .. } | Self::OtherEncoding { .. })
    }
}

/// The length of a signature of any key that can be known, in bytes: Ed25519.
const SIGNATURE_BYTES: usize = 64;

/// Whether the error is that the last line of the note is the beginning of a signature, and no more.
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

/// A note as it was before any damage that can be undone, where that was first, and what. None if it is as it was.
fn undone(note: &[u8]) -> Option<(Vec<u8>, usize, Damage)> {
    let (text, no_text) = text_of(note);
    let line_at = |at: usize| note.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let no_text = no_text.map(|at| (line_at(at), Damage::NotText));
    // Without these bytes, the lines are as many as before.
    let (undone, other) = undone_lines(&text);
    let (line, damage) = no_text.into_iter().chain(other).min_by_key(|(line, _)| *line)?;
    Some((undone, line, damage))
}

/// What of a note is text, and where the first byte is that is none: a NUL, or not UTF-8.
fn text_of(note: &[u8]) -> (Vec<u8>, Option<usize>) {
    let (mut text, mut first) = (Vec::with_capacity(note.len()), None);
    for chunk in note.utf8_chunks() {
        let before = text.len();
        text.extend(chunk.valid().bytes().filter(|byte| *byte != 0));
        let nul = chunk.valid().bytes().position(|byte| byte == 0);
        let invalid = (!chunk.invalid().is_empty()).then_some(chunk.valid().len());
        // Until the first such byte, both texts are the same.
        first = first.or(nul.or(invalid).map(|at| before + at));
    }
    (text, first)
}

/// The lines of a note as they were, with a line feed at the end, and the first damage that was undone in them.
fn undone_lines(note: &[u8]) -> (Vec<u8>, Option<(usize, Damage)>) {
    let lines: Vec<&[u8]> = note.split(|byte| *byte == b'\n').collect();
    let mut before: Vec<&[u8]> = Vec::with_capacity(lines.len());
    let (mut is_signed, mut is_after_blank) = (false, false);
    for line in &lines {
        let (text, _) = damage::undone(line, before.is_empty());
        // What is left of blank lines is the one between the text and its signatures.
        if !is_signed && text.starts_with(DASH.as_bytes()) {
            is_signed = true;
            before.extend(is_after_blank.then_some(&b""[..]));
        }
        is_after_blank = text.is_empty();
        if !is_after_blank {
            before.push(text);
        }
    }
    // The end of the last line, whether it was there or not.
    before.push(b"");
    let is_changed = |(nth, line): &(usize, &&[u8])| before.get(*nth) != Some(*line);
    let damage = match lines.iter().enumerate().find(is_changed) {
        // What follows the last line feed is no line.
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

/// The text, if it is one that a note can be.
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

/// The name and the id of the key, and what it made. The name of a stranger can be longer than that of any key which this
/// library takes.
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
