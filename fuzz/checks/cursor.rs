//! Checks bytes as cursors: as the text of a token, as the bytes that its hex digits encode, and as changes to valid
//! tokens.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use activity_privacy::activity::Actor;
use activity_privacy::filter::{Reveal, RevealError, ViewError};
use activity_privacy::identity::Alias;
use activity_privacy::memory::MemoryStore;
use activity_privacy::query::{Cursor, CursorError, PageSize, Query};
use activity_privacy::store::StoredActivity;

use crate::fixture::{Fixture, activity, at, begun, people, reveal_all, user};

pub(crate) fn check(input: &[u8]) {
    let fixtures = Fixtures::shared();
    if let Ok(text) = std::str::from_utf8(input) {
        follow(fixtures, text);
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    follow(fixtures, &hex(input));
    for real in [&fixtures.of_view, &fixtures.of_reveal] {
        let mut bytes: Vec<u8> = real.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        // The bytes are pairs of a position and the bits to flip there. The remaining bytes are appended.
        let (flips, rest) = input.as_chunks::<2>();
        for [place, flip] in flips {
            let at = usize::from(*place) % bytes.len();
            bytes[at] ^= flip;
        }
        bytes.extend(rest);
        follow(fixtures, &hex(&bytes));
        follow(fixtures, &hex(&bytes[..bytes.len() - input.len() % bytes.len()]));
        // The binding of a valid token, with any position.
        follow(fixtures, &hex(&[&bytes[..17.min(bytes.len())], input].concat()));
        let grafted: String = real.chars().take(34).collect();
        follow(fixtures, &format!("{grafted}{}", hex(input)));
    }
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).unwrap() as u8
}

/// A fixture with hidden rows, the same fixture without them, and a cursor of each kind.
struct Fixtures {
    fixture: Fixture,
    counterpart: Fixture,
    public: Vec<StoredActivity>,
    reveal: Mutex<Reveal>,
    of_view: String,
    of_reveal: String,
}

impl Fixtures {
    fn shared() -> &'static Self {
        static FIXTURES: OnceLock<Fixtures> = OnceLock::new();
        FIXTURES.get_or_init(Self::new)
    }

    fn new() -> Self {
        let place = |hidden: bool| {
            let fixture = Fixture::repeatable(Arc::new(MemoryStore::new()));
            fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com");
            fixture.permit_root().make_private("council");
            for number in 0..12 {
                let name = if number % 3 == 0 { "bob" } else { "adele" };
                let alias = Alias::new(format!("{name}@contoso.com")).unwrap();
                let one = begun(&format!("a{number}"), Actor::user(alias)).build().unwrap();
                if hidden || name == "bob" {
                    fixture.ingest(&[one, activity(&format!("b{number}"), "bob")]);
                } else {
                    fixture.ingest(&[activity(&format!("b{number}"), "bob")]);
                }
            }
            fixture
        };
        let (fixture, counterpart) = (place(true), place(false));
        let view = fixture.filter.view(&user("somebody"));
        let of_view = view.page(&Query::all(), PageSize::at_most(3), None).unwrap().next().unwrap().to_string();
        let public = view.page(&Query::all(), PageSize::MAX, None).unwrap().activities().to_vec();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let of_reveal = reveal.page(PageSize::at_most(3), None).unwrap().next().unwrap().to_string();
        Self { fixture, counterpart, public, reveal: Mutex::new(reveal), of_view, of_reveal }
    }
}

/// Checks that a token has one form, and continues only to public activities.
fn follow(fixtures: &Fixtures, token: &str) {
    let cursor: Cursor = match token.parse() {
        Ok(cursor) => cursor,
        Err(error) => return assert_eq!(error, CursorError::Malformed, "B1"),
    };
    assert_eq!(cursor.to_string(), token, "V4: a token has one form");
    assert_eq!(format!("{cursor:?}"), "Cursor(..)", "V4: opaque");
    let of_this_view = token.get(..34) == fixtures.of_view.get(..34);
    for (viewer, query, bound) in [
        ("somebody", Query::all(), of_this_view),
        ("root", Query::all(), false),
        ("somebody", Query::all().since(at(-1)), false),
    ] {
        for size in [1, 5, 1_000] {
            let page = |fixture: &Fixture| {
                fixture.filter.view(&user(viewer)).page(&query, PageSize::at_most(size), Some(&cursor))
            };
            match (page(&fixtures.fixture), page(&fixtures.counterpart)) {
                (Ok(page), Ok(counterpart)) => {
                    assert!(bound, "V4: a cursor is rejected outside its view");
                    assert!(!page.includes_private() && page == counterpart, "V2: hidden rows change no page");
                    let seen = page.activities();
                    assert!(
                        fixtures.public.windows(seen.len().max(1)).any(|part| part == seen) || seen.is_empty(),
                        "V3"
                    );
                }
                (Err(ViewError::Cursor(CursorError::Foreign)), Err(ViewError::Cursor(CursorError::Foreign))) => {
                    assert!(!bound, "V4: a cursor is accepted in its view");
                }
                _ => panic!("V2: the answers differ, or have an unexpected error"),
            }
        }
    }
    if token == fixtures.of_reveal {
        return;
    }
    let mut reveal = fixtures.reveal.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = reveal.page(PageSize::at_most(2), Some(&cursor));
    assert!(
        matches!(answer, Err(RevealError::Cursor(CursorError::Foreign))),
        "V4: a foreign cursor is rejected in a reveal"
    );
}
