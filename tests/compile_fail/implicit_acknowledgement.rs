//! Rule R1: an acknowledgement is one explicit call.

use activity_privacy::identity::UserId;
use activity_privacy::query::Query;
use activity_privacy::reveal::{Acknowledgement, RevealRequest};

fn built() -> Acknowledgement {
    Acknowledgement(())
}

fn by_default() -> Acknowledgement {
    Acknowledgement::default()
}

fn twice(once: &Acknowledgement) -> Acknowledgement {
    once.clone()
}

fn left_out(viewer: UserId) -> RevealRequest {
    RevealRequest::new(viewer, Query::all(), std::time::Duration::from_secs(1))
}

fn main() {}
