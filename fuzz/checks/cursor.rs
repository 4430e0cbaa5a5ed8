//! Bytes as cursors: as the text of one, as what its hex digits stand for, and as damage to real ones.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use activity_privacy::activity::Actor;
use activity_privacy::filter::{Reveal, RevealError, ViewError};
use activity_privacy::identity::Alias;
use activity_privacy::memory::MemoryStore;
use activity_privacy::query::{Cursor, CursorError, PageSize, Query};
use activity_privacy::store::StoredActivity;

use crate::fixture::{Fixture, activity, at, begun, people, reveal_all, user};

pub(crate) fn check(input: &[u8]) {
    let rooms = Rooms::furnished();
    if let Ok(text) = std::str::from_utf8(input) {
        follow(rooms, text);
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    follow(rooms, &hex(input));
    for real in [&rooms.of_view, &rooms.of_reveal] {
        let mut bytes: Vec<u8> = real.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        // The bytes are pairs of a place and of what to flip there; what is left over is put behind.
        let (flips, rest) = input.as_chunks::<2>();
        for [place, flip] in flips {
            let at = usize::from(*place) % bytes.len();
            bytes[at] ^= flip;
        }
        bytes.extend(rest);
        follow(rooms, &hex(&bytes));
        follow(rooms, &hex(&bytes[..bytes.len() - input.len() % bytes.len()]));
        // The binding of the real one, and anything for its place.
        follow(rooms, &hex(&[&bytes[..17.min(bytes.len())], input].concat()));
        let grafted: String = real.chars().take(34).collect();
        follow(rooms, &format!("{grafted}{}", hex(input)));
    }
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).unwrap() as u8
}

/// A fixture with hidden rows and the same one without them, and a cursor of each kind.
struct Rooms {
    fixture: Fixture,
    twin: Fixture,
    public: Vec<StoredActivity>,
    reveal: Mutex<Reveal>,
    of_view: String,
    of_reveal: String,
}

impl Rooms {
    fn furnished() -> &'static Self {
        static ROOMS: OnceLock<Rooms> = OnceLock::new();
        ROOMS.get_or_init(Self::furnish)
    }

    fn furnish() -> Self {
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
        let (fixture, twin) = (place(true), place(false));
        let view = fixture.filter.view(&user("somebody"));
        let of_view = view.page(&Query::all(), PageSize::at_most(3), None).unwrap().next().unwrap().to_string();
        let public = view.page(&Query::all(), PageSize::MAX, None).unwrap().activities().to_vec();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let of_reveal = reveal.page(PageSize::at_most(3), None).unwrap().next().unwrap().to_string();
        Self { fixture, twin, public, reveal: Mutex::new(reveal), of_view, of_reveal }
    }
}

/// Whatever a token is, it says the same of itself, and leads nowhere but to what everybody may see.
fn follow(rooms: &Rooms, token: &str) {
    let cursor: Cursor = match token.parse() {
        Ok(cursor) => cursor,
        Err(error) => return assert_eq!(error, CursorError::Malformed, "B1"),
    };
    assert_eq!(cursor.to_string(), token, "V4: a token has one form");
    assert_eq!(format!("{cursor:?}"), "Cursor(..)", "V4: opaque");
    let of_this_view = token.get(..34) == rooms.of_view.get(..34);
    for (viewer, query, bound) in [
        ("somebody", Query::all(), of_this_view),
        ("root", Query::all(), false),
        ("somebody", Query::all().since(at(-1)), false),
    ] {
        for size in [1, 5, 1_000] {
            let page = |fixture: &Fixture| {
                fixture.filter.view(&user(viewer)).page(&query, PageSize::at_most(size), Some(&cursor))
            };
            match (page(&rooms.fixture), page(&rooms.twin)) {
                (Ok(page), Ok(twin)) => {
                    assert!(bound, "V4: useless outside the view that it came from");
                    assert!(!page.includes_private() && page == twin, "V2: as if nothing were hidden");
                    let seen = page.activities();
                    assert!(rooms.public.windows(seen.len().max(1)).any(|part| part == seen) || seen.is_empty(), "V3");
                }
                (Err(ViewError::Cursor(CursorError::Foreign)), Err(ViewError::Cursor(CursorError::Foreign))) => {
                    assert!(!bound, "V4: good for the view that it came from");
                }
                _ => panic!("V2: the answers differ, or are no answers"),
            }
        }
    }
    if token == rooms.of_reveal {
        return;
    }
    let mut reveal = rooms.reveal.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = reveal.page(PageSize::at_most(2), Some(&cursor));
    assert!(matches!(answer, Err(RevealError::Cursor(CursorError::Foreign))), "V4: useless within a reveal");
}
