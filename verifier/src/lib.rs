//! Checks the validity proof of a parachain block.
#![no_std]
#![forbid(unsafe_code)]

pub mod babyjubjub;
pub mod eddsa;
pub mod field;
pub mod poseidon;
