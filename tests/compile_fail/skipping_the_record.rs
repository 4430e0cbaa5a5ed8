//! Rules R2 and R3: nothing private leaves the store before the reveal is recorded, and no page is readable before it
//! is recorded itself. Nor is an unrecorded policy published.

use activity_privacy::governance::{NewPolicy, Pending, Recorded};
use activity_privacy::reveal::{AuthorisedReveal, PagePermit, RevealedPage, SealedPage};
use activity_privacy::store::{ActivityStore, StoredActivity};

fn reading_a_page_of_an_unrecorded_reveal(store: &dyn ActivityStore, pending: &Pending<AuthorisedReveal>) {
    let _ = store.revealed_page(pending, None, 10);
}

fn reading_a_page_without_a_permit(store: &dyn ActivityStore, recorded: &Recorded<AuthorisedReveal>) {
    let _ = store.revealed_page(recorded, None, 10);
}

fn publishing_an_unrecorded_policy(store: &dyn ActivityStore, pending: &Pending<NewPolicy>) {
    let _ = store.publish(pending);
}

fn reading_a_sealed_page(sealed: SealedPage) -> Vec<StoredActivity> {
    sealed.activities
}

fn reading_a_pending_page(page: Pending<RevealedPage>) -> Vec<StoredActivity> {
    page.act
}

fn recording_a_page_without_a_receipt(page: Pending<RevealedPage>) -> Recorded<RevealedPage> {
    page.recorded().unwrap()
}

fn opening_without_checking_the_policy_again(page: Recorded<RevealedPage>) -> Vec<StoredActivity> {
    page.open().unwrap()
}

fn reading_twice_with_one_permit(store: &dyn ActivityStore, permit: PagePermit<'_>) {
    let _ = store.revealed_page(permit, None, 10);
    let _ = store.revealed_page(permit, None, 10);
}

fn main() {}
