#![no_main]

#[path = "../checks/mod.rs"]
mod checks;
#[path = "../../tests/house/mod.rs"]
mod house;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::ledger::check(input));
