//! What the module exports to the executor.
#![allow(unsafe_code)] // The executor speaks in addresses.

use alloc::string::ToString;
use core::slice;

use crate::{
    host::{packed, refuse},
    validate,
};

/// polkadot's entry point: SCALE-encoded `ValidationParams` in, `ValidationResult` out; a trap if the candidate is not valid.
///
/// # Safety
///
/// `length` bytes at `address` are initialised and nobody writes them during the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn validate_block(address: *const u8, length: usize) -> u64 {
    // SAFETY: the caller's promise.
    let params = unsafe { slice::from_raw_parts(address, length) };
    match validate(params) {
        // The executor reads the result after the call, and throws the whole memory away.
        Ok(result) => packed(result.leak()),
        Err(error) => refuse(&error.to_string()),
    }
}
