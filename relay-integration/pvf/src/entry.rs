//! What the module exports to the executor: `validate_block(address, length) -> address | length << 32`, beside `memory` and `__heap_base`. A candidate is
//! refused by a trap, as a PVF refuses; the reason goes to the log before.
#![allow(unsafe_code)] // The executor speaks in addresses.

use alloc::string::ToString;
use core::{ptr, slice};

use zkpov_verifier::key::{MAX_KEY_BYTES, MAX_PREPARED_BYTES};

use crate::{
    host::{packed, refuse},
    slot::{Contents, MARK, SLOT_BYTES},
    validate_embedded,
};

/// The key's place, as [`crate::slot`] describes it.
#[repr(C)]
struct Slot {
    mark: [u8; MARK.len()],
    lengths: [u8; 2 * size_of::<u32>()],
    keys: [u8; MAX_KEY_BYTES + MAX_PREPARED_BYTES],
}

const _: () = assert!(size_of::<Slot>() == SLOT_BYTES);

static SLOT: Slot = Slot { mark: MARK, lengths: [0; _], keys: [0; _] };

/// Where the slot is. The program reads this address as a volatile, so that the compiler cannot assume that the
/// slot holds what the source says.
static SLOT_ADDRESS: &Slot = &SLOT;

/// The slot as it is in the module.
fn slot() -> &'static [u8] {
    // SAFETY: a valid, aligned, initialised static.
    let slot: &'static Slot = unsafe { ptr::read_volatile(&raw const SLOT_ADDRESS) };
    // SAFETY: a `repr(C)` struct of byte arrays, without padding, of SLOT_BYTES bytes, never written.
    unsafe { slice::from_raw_parts(ptr::from_ref(slot).cast(), SLOT_BYTES) }
}

/// polkadot's entry point: SCALE-encoded `ValidationParams` in, `ValidationResult` out; a trap if the candidate is
/// not valid.
///
/// # Safety
///
/// `length` bytes at `address` are initialised and nobody writes them during the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn validate_block(address: *const u8, length: usize) -> u64 {
    // SAFETY: the caller's promise.
    let params = unsafe { slice::from_raw_parts(address, length) };
    let embedded = match Contents::read(slot()) {
        Ok(embedded) => embedded,
        Err(error) => refuse(&error.to_string()),
    };
    match validate_embedded(embedded, params) {
        // The executor reads the result after the call, and throws the whole memory away.
        Ok(result) => packed(result.leak()),
        Err(error) => refuse(&error.to_string()),
    }
}
