//! Checks the validity proof of a parachain block.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod field;
pub mod poseidon;
