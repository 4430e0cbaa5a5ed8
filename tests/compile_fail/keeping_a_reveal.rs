//! Rule R5: a reveal belongs to one viewer and one request.

use activity_privacy::filter::Reveal;
use activity_privacy::query::PageSize;
use activity_privacy::reveal::RecordedReveal;

fn copied(reveal: &Reveal) -> Reveal {
    reveal.clone()
}

fn recorded(reveal: &RecordedReveal) -> RecordedReveal {
    reveal.clone()
}

fn used_after_its_end(mut reveal: Reveal) {
    let _ = reveal.close();
    let _ = reveal.page(PageSize::MAX, None);
}

fn read(json: &str) -> RecordedReveal {
    serde_json::from_str(json).unwrap()
}

fn main() {}
