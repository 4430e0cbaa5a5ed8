//! Rule R5: a reveal belongs to one viewer and one call chain.

use activity_privacy::filter::Reveal;
use activity_privacy::governance::Recorded;
use activity_privacy::query::PageSize;
use activity_privacy::reveal::AuthorisedReveal;

fn copied(reveal: &Reveal) -> Reveal {
    reveal.clone()
}

fn recorded(reveal: &Recorded<AuthorisedReveal>) -> Recorded<AuthorisedReveal> {
    reveal.clone()
}

fn used_after_its_end(mut reveal: Reveal) {
    let _ = reveal.close();
    let _ = reveal.page(PageSize::MAX, None);
}

fn read(json: &str) -> Recorded<AuthorisedReveal> {
    serde_json::from_str(json).unwrap()
}

fn main() {}
