//! What must not compile: the order of the steps, and who may make which proof, are in the types.

/// Rules R2 (no other order), R5 (a reveal is one viewer's), R1 (an acknowledgement in so many words), F1 (nothing
/// private is forwardable), and that nothing reaches a store undecided or unrecorded.
#[test]
fn r2_no_other_order_can_be_written() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
