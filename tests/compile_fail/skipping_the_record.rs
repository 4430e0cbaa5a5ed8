//! Rule R2: nothing private leaves the store before its record is durable.

use activity_privacy::governance::{NewPolicy, Pending, Recorded};
use activity_privacy::reveal::{AuthorisedReveal, PagePermit, RevealedPage, SealedPage};
use activity_privacy::store::{ActivityStore, StoredActivity};

fn asking_unrecorded(store: &dyn ActivityStore, pending: &Pending<AuthorisedReveal>) {
    let _ = store.revealed_page(pending, None, 10);
}

fn asking_without_a_permit(store: &dyn ActivityStore, recorded: &Recorded<AuthorisedReveal>) {
    let _ = store.revealed_page(recorded, None, 10);
}

fn publishing_unrecorded(store: &dyn ActivityStore, pending: &Pending<NewPolicy>) {
    let _ = store.publish(pending);
}

fn reading_through_the_seal(sealed: SealedPage) -> Vec<StoredActivity> {
    sealed.activities
}

fn reading_a_pending_page(page: Pending<RevealedPage>) -> Vec<StoredActivity> {
    page.act
}

fn opening_without_a_receipt(page: Pending<RevealedPage>) -> Vec<StoredActivity> {
    page.recorded().unwrap()
}

fn opening_without_asking_again(page: Recorded<RevealedPage>) -> Vec<StoredActivity> {
    page.open().unwrap()
}

fn reading_twice_for_one_permit(store: &dyn ActivityStore, permit: PagePermit<'_>) {
    let _ = store.revealed_page(permit, None, 10);
    let _ = store.revealed_page(permit, None, 10);
}

fn main() {}
