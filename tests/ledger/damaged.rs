//! A file that was carried badly is told from one that was forged.

use activity_privacy::ledger::*;
use proptest::prelude::*;

use crate::log::*;
use crate::notes::signer;

fn verify(log: &[u8], checkpoint: &[u8], older: Option<&[u8]>) -> Result<Verified, Finding> {
    verify_log(log, checkpoint, older, &[key().verifier().clone()])
}

/// The bytes of a text with one of its lines, counted from 1, made another.
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

/// What becomes of a text of several lines: how, in which line first, what that is called.
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

/// What cannot be verified any more, but is nobody's forgery.
fn encoded(text: &[u8]) -> Vec<Vec<u8>> {
    let (little, big) = (in_utf16(text, u16::to_le_bytes), in_utf16(text, u16::to_be_bytes));
    let marked = [[0xff, 0xfe].as_slice(), &little].concat();
    vec![marked, [[0xfe, 0xff].as_slice(), &big].concat(), little, big, b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()]
}

fn as_damage(finding: &Finding) -> Option<(u64, Damage)> {
    match finding {
        Finding::Damaged { line, damage } => Some((*line, *damage)),
        Finding::Checkpoint(CheckpointError::Note(NoteError::Damaged { line, damage }))
        | Finding::OlderCheckpoint(CheckpointError::Note(NoteError::Damaged { line, damage })) => {
            Some((*line as u64, *damage))
        }
        _ => None,
    }
}

#[test]
fn g6_log_damaged_in_transfer_is_told_from_forged() {
    let (log, checkpoint) = exported(&ledger(6), Openings::Shown);
    let checkpoint = checkpoint.as_bytes();
    assert!(verify(&log, checkpoint, None).is_ok());
    let forged = String::from_utf8(log.clone()).unwrap().replacen("not_admin", "expired", 1).into_bytes();
    assert!(matches!(verify(&forged, checkpoint, None), Err(Finding::Root { size: 6 })));
    let last = log.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    let doubled = |log: &[u8]| ([log, last].concat(), 7, Damage::Repeated);
    for ((damaged, line, damage), (both, ..)) in
        damages(&log).into_iter().chain([doubled(&log)]).zip(damages(&forged).into_iter().chain([doubled(&forged)]))
    {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert_eq!(as_damage(&found), Some((line, damage)), "{found:?}");
        assert!(found.is_damage());
        assert!(found.to_string().starts_with(&format!("line {line} was damaged in transfer: ")), "{found}");
        // Damage hides no forgery.
        let found = verify(&both, checkpoint, None).unwrap_err();
        assert!(matches!(found, Finding::Root { size: 6 }) && !found.is_damage(), "{damage:?}: {found:?}");
    }
    // Nor does it hide what was left out.
    let shorter = &log[..log.len() - last.len()];
    for (damaged, ..) in damages(shorter) {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert!(matches!(found, Finding::Fewer { lines: 5, size: 6 }) && !found.is_damage(), "{found:?}");
    }
    for damaged in encoded(&log) {
        let found = verify(&damaged, checkpoint, None).unwrap_err();
        assert_eq!(as_damage(&found), Some((1, Damage::Encoding)), "{found:?}");
    }
    // In Latin-1, what is not ASCII is not UTF-8.
    let text = String::from_utf8(log.clone()).unwrap();
    assert!(!text.is_ascii());
    let latin: Vec<u8> = text.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
    let first = text.lines().position(|line| !line.is_ascii()).unwrap() as u64 + 1;
    assert_eq!(as_damage(&verify(&latin, checkpoint, None).unwrap_err()), Some((first, Damage::Encoding)));
}

#[test]
fn g6_checkpoint_damaged_in_transfer_is_told_from_forged() {
    let (log, checkpoint) = exported(&ledger(6), Openings::Withheld);
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
            assert!(found.is_damage() && matches!(found, Finding::OlderCheckpoint(_)) == is_older);
        }
    }
    for forged in &forgeries {
        for (damaged, _, damage) in damages(forged.as_bytes()) {
            let found = verify(&log, &damaged, None).unwrap_err();
            assert!(matches!(found, Finding::Checkpoint(_)) && !found.is_damage(), "{damage:?}: {found:?}");
        }
    }
    for damaged in encoded(checkpoint.as_bytes()) {
        assert!(verify(&log, &damaged, None).unwrap_err().is_damage());
    }
    // A signature that stands there twice is no less one.
    let last = checkpoint.split_inclusive('\n').next_back().unwrap();
    assert!(verify(&log, format!("{checkpoint}{last}").as_bytes(), None).is_ok());
}

/// Whoever cuts a file at the end of a line may have done so on purpose.
#[test]
fn g6_file_cut_within_a_line_is_damaged_not_forged() {
    let (log, checkpoint) = exported(&ledger(6), Openings::Shown);
    for length in 0..log.len() {
        let found = verify(&log[..length], checkpoint.as_bytes(), None).unwrap_err();
        let whole_lines = length == 0 || log[length - 1] == b'\n';
        let line = log[..length].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let expected = (!whole_lines).then_some((line, Damage::CutOff));
        assert_eq!((as_damage(&found), found.is_damage()), (expected, !whole_lines), "{length}: {found:?}");
    }
    let checkpoint = checkpoint.as_bytes();
    for length in 0..checkpoint.len() {
        let found = verify(&log, &checkpoint[..length], None).unwrap_err();
        let whole_lines = length == 0 || checkpoint[length - 1] == b'\n';
        assert_eq!(found.is_damage(), !whole_lines, "{length}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn g6_no_mixture_of_damage_hides_a_forgery(
        size in 2_u64..8,
        hurt in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        is_forged: bool,
    ) {
        let (mut log, checkpoint) = exported(&ledger(size), Openings::Withheld);
        if is_forged {
            let place = log.windows(8).position(|text| text == b"sequence").unwrap() + 20;
            let digit = log[place..].iter().position(u8::is_ascii_digit).unwrap() + place;
            log[digit] = if log[digit] == b'7' { b'8' } else { b'7' };
        }
        for (which, _) in hurt {
            let mut damages = damages(&log);
            // Whatever comes after this one works on whole lines.
            damages.retain(|(damaged, ..)| damaged.ends_with(b"\n"));
            log = damages.swap_remove(which.index(damages.len())).0;
        }
        let found = verify(&log, checkpoint.as_bytes(), None).unwrap_err();
        prop_assert_eq!(found.is_damage(), !is_forged, "{:?}", found);
    }
}
