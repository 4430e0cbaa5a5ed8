//! Rule F1: a forwardable activity cannot be made from a private one, nor deserialized.

use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::store::{PublicActivity, StoredActivity};

fn wrapped(private: StoredActivity) -> PublicActivity {
    PublicActivity(private)
}

fn turned(private: StoredActivity) -> PublicActivity {
    private.into()
}

fn read(json: &str) -> PublicActivity {
    serde_json::from_str(json).unwrap()
}

fn forwarded(revealed: Vec<StoredActivity>, next: Offset) -> ForwardBatch {
    ForwardBatch { activities: revealed, next, gap: None }
}

fn main() {}
