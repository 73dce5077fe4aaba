//! The `zkpov` program.
fn main() {}
