#![no_main]

#[path = "../checks/mod.rs"]
mod checks;
#[path = "../../tests/fixture/mod.rs"]
mod fixture;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::mapped::check(input));
