//! Chapter D of the rules: deciding, at ingest.

mod house;

use activity_privacy::*;
use house::*;

#[test]
fn d6_members_of_a_private_group_are_hidden() {
    let house = House::new();
    house.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    assert_eq!(house.ingest(&[activity("a", "adele"), activity("b", "bob")]), [Delivery::Stored; 2]);
    assert_eq!(house.public_ids(), ["b"]);
    assert!(house.is_private("a"));
}
