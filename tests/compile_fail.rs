//! Code that must not compile: the types enforce the order of the steps and the creation of proofs.

/// R2 (no other order), R5 (a reveal belongs to one viewer), R1 (an explicit acknowledgement), F1 (a private activity
/// cannot be forwarded), and that no undecided or unrecorded value reaches a store.
#[test]
fn r2_other_orders_do_not_compile() {
    assert!(std::path::Path::new("compile_fail").is_dir(), "no file would be compiled, and the test would pass");
    trybuild::TestCases::new().compile_fail("compile_fail/*.rs");
}
