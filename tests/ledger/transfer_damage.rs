//! Files damaged in transfer are distinguished from forged ones.

use activity_privacy::ledger::*;
use proptest::prelude::*;

use crate::log::*;
use crate::notes::signer;

fn verify(log: &[u8], checkpoint: &[u8], older: Option<&[u8]>) -> Result<VerifiedLog, VerifyError> {
    verify_log(log, checkpoint, older, &[key().verifier().clone()])
}

/// Returns a text with one of its lines, counted from 1, changed.
fn with_line(text: &[u8], number: usize, change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    lines.flat_map(|(nth, line)| if nth + 1 == number { change(line) } else { line.to_vec() }).collect()
}

fn ended(line: &[u8], end: &str) -> Vec<u8> {
    [line.strip_suffix(b"\n").unwrap(), end.as_bytes()].concat()
}

fn in_utf16(text: &[u8], to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    str::from_utf8(text).unwrap().encode_utf16().flat_map(to_bytes).collect()
}

/// Returns damaged variants of a text of several lines, each with the first damaged line and the damage.
fn damages(text: &[u8]) -> Vec<(Vec<u8>, u64, Damage)> {
    let last = text.split_inclusive(|byte| *byte == b'\n').count();
    let blank = |line: &[u8]| [line, b"\n"].concat();
    let crlf = text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| ended(line, "\r\n")).collect();
    let marked = [b"\xef\xbb\xbf", text].concat();
    let mut damages = vec![
        (crlf, 1, Damage::CarriageReturn),
        (with_line(text, last, |line| ended(line, "\r\n")), last as u64, Damage::CarriageReturn),
        (marked.clone(), 1, Damage::ByteOrderMark),
        (with_line(&marked, 2, |line| ended(line, "\r\n")), 1, Damage::ByteOrderMark),
        (blank(b"").into_iter().chain(text.iter().copied()).collect(), 1, Damage::BlankLine),
        (with_line(text, 1, blank), 2, Damage::BlankLine),
        (blank(text), last as u64 + 1, Damage::BlankLine),
        (blank(&blank(text)), last as u64 + 1, Damage::BlankLine),
        ([text, b" \t"].concat(), last as u64 + 1, Damage::WhiteSpace),
    ];
    for number in [1, 2, last] {
        for end in [" \n", "\t \n"] {
            damages.push((with_line(text, number, |line| ended(line, end)), number as u64, Damage::WhiteSpace));
        }
        damages.push((with_line(text, number, |line| [b"  ", line].concat()), number as u64, Damage::WhiteSpace));
    }
    damages
}

/// Returns variants of a text that cannot be verified.
fn encoded(text: &[u8]) -> Vec<Vec<u8>> {
    let (little, big) = (in_utf16(text, u16::to_le_bytes), in_utf16(text, u16::to_be_bytes));
    let marked = [[0xff, 0xfe].as_slice(), &little].concat();
    vec![marked, [[0xfe, 0xff].as_slice(), &big].concat(), little, big, b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()]
}

fn as_damage(error: &VerifyError) -> Option<(u64, Damage)> {
    match error {
        VerifyError::Damaged { line, damage } => Some((*line, *damage)),
        VerifyError::Checkpoint(CheckpointError::Note(NoteError::Damaged { line, damage }))
        | VerifyError::OlderCheckpoint(CheckpointError::Note(NoteError::Damaged { line, damage })) => {
            Some((*line as u64, *damage))
        }
        _ => None,
    }
}

#[test]
fn g6_damaged_log_is_not_reported_as_forged() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Include);
    let checkpoint = checkpoint.as_bytes();
    assert!(verify(&log, checkpoint, None).is_ok());
    let forged = String::from_utf8(log.clone()).unwrap().replacen("not_admin", "expired", 1).into_bytes();
    assert!(matches!(verify(&forged, checkpoint, None), Err(VerifyError::Root { size: 6 })));
    let last = log.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    let doubled = |log: &[u8]| ([log, last].concat(), 7, Damage::Repeated);
    for ((damaged, line, damage), (both, ..)) in
        damages(&log).into_iter().chain([doubled(&log)]).zip(damages(&forged).into_iter().chain([doubled(&forged)]))
    {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert_eq!(as_damage(&found), Some((line, damage)), "{found:?}");
        assert!(found.is_damage());
        assert!(found.to_string().starts_with(&format!("line {line} was damaged in transfer: ")), "{found}");
        // Damage does not hide a forgery.
        let found = verify(&both, checkpoint, None).unwrap_err();
        assert!(matches!(found, VerifyError::Root { size: 6 }) && !found.is_damage(), "{damage:?}: {found:?}");
    }
    // Nor does it hide a missing record.
    let shorter = &log[..log.len() - last.len()];
    for (damaged, ..) in damages(shorter) {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert!(matches!(found, VerifyError::Fewer { lines: 5, size: 6 }) && !found.is_damage(), "{found:?}");
    }
    for damaged in encoded(&log) {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert!(matches!(found, VerifyError::OtherEncoding { line: 1 }), "{found:?}");
        assert!(found.is_unverifiable() && !found.is_damage());
    }
    // Non-ASCII text in Latin-1 is not valid UTF-8.
    let text = String::from_utf8(log.clone()).unwrap();
    assert!(!text.is_ascii());
    let latin: Vec<u8> = text.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
    let first = text.lines().position(|line| !line.is_ascii()).unwrap() as u64 + 1;
    let found = verify(&latin, checkpoint, None).unwrap_err();
    assert!(matches!(found, VerifyError::OtherEncoding { line } if line == first), "{found:?}");
    // After the signed records, it has no effect.
    let found = verify(&[&log, &b"\xff\n"[..]].concat(), checkpoint, None).unwrap_err();
    assert_eq!(as_damage(&found), Some((7, Damage::NotText)), "{found:?}");
}

#[test]
fn g6_damaged_checkpoint_is_not_reported_as_forged() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Redact);
    let signed = Checkpoint::open(checkpoint.as_bytes(), &[key().verifier().clone()]).unwrap();
    let forged_by_hand = checkpoint.replacen("\n6\n", "\n5\n", 1);
    let forged_by_others = signed.sign(&signer("example.com/governance", 8)).unwrap();
    let forgeries = [forged_by_hand, forged_by_others];
    for (damaged, line, damage) in damages(checkpoint.as_bytes()) {
        for (found, is_older) in
            [(verify(&log, &damaged, None), false), (verify(&log, checkpoint.as_bytes(), Some(&damaged)), true)]
        {
            let found = found.unwrap_err();
            assert_eq!(as_damage(&found), Some((line, damage)), "{found:?} {:?}", String::from_utf8_lossy(&damaged));
            assert!(found.is_damage() && matches!(found, VerifyError::OlderCheckpoint(_)) == is_older);
        }
    }
    for forged in &forgeries {
        for (damaged, _, damage) in damages(forged.as_bytes()) {
            let found = verify(&log, &damaged, None).unwrap_err();
            assert!(matches!(found, VerifyError::Checkpoint(_)) && !found.is_damage(), "{damage:?}: {found:?}");
        }
    }
    for damaged in encoded(checkpoint.as_bytes()) {
        let found = verify(&log, &damaged, None).unwrap_err();
        assert!(found.is_unverifiable() && !found.is_damage(), "{found:?}");
        // A log that does not match the other checkpoint is still detected.
        let found = verify(b"", checkpoint.as_bytes(), Some(&damaged)).unwrap_err();
        assert!(matches!(found, VerifyError::Fewer { lines: 0, size: 6 }), "{found:?}");
    }
    // A repeated signature is still valid.
    let last = checkpoint.split_inclusive('\n').next_back().unwrap();
    assert!(verify(&log, format!("{checkpoint}{last}").as_bytes(), None).is_ok());
}

/// A file truncated at the end of a line may have been truncated on purpose.
#[test]
fn g6_file_truncated_within_line_cannot_be_verified() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Include);
    let found = verify(&log[..log.len() - 1], checkpoint.as_bytes(), None).unwrap_err();
    assert_eq!(as_damage(&found), Some((6, Damage::CutOff)), "only the last line feed is missing");
    for length in 0..log.len() - 1 {
        let found = verify(&log[..length], checkpoint.as_bytes(), None).unwrap_err();
        let whole_lines = length == 0 || log[length - 1] == b'\n';
        let line = log[..length].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let cut_off = matches!(found, VerifyError::CutOff { line: cut } if cut == line);
        assert!(cut_off != whole_lines && found.is_unverifiable() == cut_off, "{length}: {found:?}");
        assert!(!found.is_damage(), "{length}: {found:?}");
        assert!(!cut_off || found.to_string().contains("nothing of it is proven"), "{length}: {found}");
    }
    // A checkpoint without its signature proves nothing.
    let signature = checkpoint.find("\u{2014} ").unwrap() + "\u{2014} ".len();
    let checkpoint = checkpoint.as_bytes();
    for length in 0..checkpoint.len() {
        let found = verify(&log, &checkpoint[..length], None).unwrap_err();
        let whole_text = length + 1 == checkpoint.len();
        let within_signature = length > signature && !whole_text;
        let expected = (whole_text, within_signature);
        assert_eq!((found.is_damage(), found.is_unverifiable()), expected, "{length}: {found:?}");
    }
}

/// A checkpoint counts as damaged only if a known key signed the original.
#[test]
fn g6_forged_checkpoint_with_damaged_end_is_forged() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Redact);
    let forged = checkpoint.replacen("\n6\n", "\n5\n", 1);
    let signed = Checkpoint::open(checkpoint.as_bytes(), &[key().verifier().clone()]).unwrap();
    let by_others = signed.sign(&signer("example.com/governance", 8)).unwrap();
    let ends: [&[u8]; 7] = [b"", b"\0", b"\n\0", b"\n\0\0\n", b"\xff", b"\n\xff", b"\n\xff\r\n"];
    for (nth, end) in ends.into_iter().enumerate() {
        let with_end = |text: &str| [text.trim_end().as_bytes(), end].concat();
        for forged in [&forged, &by_others].map(|text| with_end(text)) {
            for (log, checkpoint, older) in
                [(&log, &forged[..], None), (&log, checkpoint.as_bytes(), Some(&forged[..]))]
            {
                let found = verify(log, checkpoint, older).unwrap_err();
                assert!(!found.is_damage(), "{nth}: {found:?}");
                let error = match &found {
                    VerifyError::Checkpoint(CheckpointError::Note(error))
                    | VerifyError::OlderCheckpoint(CheckpointError::Note(error)) => *error,
                    other => panic!("{nth}: {other:?}"),
                };
                assert!(matches!(error, NoteError::BadSignature { .. } | NoteError::UnknownSigners), "{nth}: {error}");
            }
        }
        let found = verify(&log, &with_end(&checkpoint), None).unwrap_err();
        assert!(found.is_damage(), "{nth}: {found:?}");
    }
}

#[test]
fn g6_unsigned_text_is_not_damaged_checkpoint() {
    let (log, _) = exported(&ledger(6), Disclosure::Redact);
    for text in ["nothing of this was ever signed", "nothing\nof this was ever signed\0"] {
        let found = verify(&log, text.as_bytes(), None).unwrap_err();
        assert!(!found.is_damage(), "{found:?}");
    }
}

/// Not even a missing line feed makes a changed record count as damage.
#[test]
fn g6_changed_record_in_truncated_log_is_not_damage() {
    let ledger = ledger(3);
    let older = ledger.checkpoint().unwrap();
    fill(&ledger, 4, 6);
    let (log, checkpoint) = exported(&ledger, Disclosure::Redact);
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let text = String::from_utf8(log.clone()).unwrap();
    let changed = text.replacen("root", "toor", 1).into_bytes();
    let renumbered = text.replacen(r#"sequence\":2"#, r#"sequence\":3"#, 1).into_bytes();
    let reordered = [lines[1], lines[0], &lines[2..].concat()].concat();
    assert!(changed != log && renumbered != log);
    let cut = |log: &[u8]| log[..log.len() - 10].to_vec();
    let with_nul = |log: &[u8]| [&log[..log.len() - 2], b"\0}\n"].concat();
    for end in [cut as fn(&[u8]) -> Vec<u8>, with_nul] {
        let found = |log: &[u8], older| verify(&end(log), checkpoint.as_bytes(), older).unwrap_err();
        for log in [&log, &changed] {
            assert!(!found(log, None).is_damage());
        }
        let older = Some(older.as_bytes());
        assert!(matches!(found(&changed, older), VerifyError::OlderRoot { size: 3 }));
        for log in [&renumbered, &reordered] {
            assert!(matches!(found(log, older), VerifyError::OutOfSequence { .. }));
        }
    }
    let found = verify(b"nothing of this was ever signed", checkpoint.as_bytes(), None).unwrap_err();
    assert!(!found.is_damage(), "{found:?}");
}

/// Damage of either checkpoint does not hide a forged log.
#[test]
fn g6_damaged_checkpoint_does_not_hide_forged_log() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Redact);
    let forged = String::from_utf8(log.clone()).unwrap().replacen("not_admin", "expired", 1).into_bytes();
    for (damaged, _, damage) in damages(checkpoint.as_bytes()) {
        let found = verify(&forged, &damaged, None).unwrap_err();
        assert!(matches!(found, VerifyError::Root { size: 6 }), "{damage:?}: {found:?}");
        let found = verify(&forged, checkpoint.as_bytes(), Some(&damaged)).unwrap_err();
        assert!(matches!(found, VerifyError::OlderRoot { size: 6 }), "{damage:?}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn g6_mixed_damage_does_not_hide_forgery(
        size in 2_u64..8,
        hurt in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        is_forged: bool,
    ) {
        let (mut log, checkpoint) = exported(&ledger(size), Disclosure::Redact);
        if is_forged {
            let position = log.windows(8).position(|text| text == b"sequence").unwrap() + 20;
            let digit = log[position..].iter().position(u8::is_ascii_digit).unwrap() + position;
            log[digit] = if log[digit] == b'7' { b'8' } else { b'7' };
        }
        for (which, _) in hurt {
            let mut damages = damages(&log);
            // Any damage after this one is applied to whole lines.
            damages.retain(|(damaged, ..)| damaged.ends_with(b"\n"));
            log = damages.swap_remove(which.index(damages.len())).0;
        }
        let found = verify(&log, checkpoint.as_bytes(), None).unwrap_err();
        prop_assert_eq!(found.is_damage(), !is_forged, "{:?}", found);
    }
}
