//! What the calls cost: a linear function of the bytes they bring, and the storage they read and write.
//!
//! The figures are those that `measure` prints, rounded up, natively on one core of an AMD EPYC (Zen 3). `submit` is charged as if its chain's
//! lanes were as large as they may be, and as if its block were a new validity key.
//!
//! ```text
//!                      with the host function      without
//!   a block's check    native                      wasm, [`SLOWER_IN_WASM`] times as long
//!   a key's check      wasm                        wasm
//! ```

use polkadot_sdk_frame::weights_prelude::*;

/// What the calls cost.
pub trait WeightInfo {
    /// [`crate::Call::register`] of a key of `key_bytes`.
    fn register(key_bytes: u32) -> Weight;
    /// [`crate::Call::submit`] of a block of `block_bytes`.
    fn submit(block_bytes: u32) -> Weight;
    /// [`crate::Call::deregister`].
    fn deregister() -> Weight;
}

/// Picoseconds of a microsecond, for weights are in picoseconds.
const MICROSECOND: u64 = 1_000_000;

/// A chain's record and key, and the owner's account and holds: what a registration touches.
const REGISTERED: u64 = 4;

/// A chain's record and key.
const CHAIN: u64 = 2;

/// How many times as long curve arithmetic takes in wasm as natively: 3.2 to 4 were measured.
const SLOWER_IN_WASM: u64 = 5;

/// The same for what [`crate::host`] does: nothing where the node does it.
const SLOWER_AT_CHECK: u64 = if cfg!(feature = "host-function") { 1 } else { SLOWER_IN_WASM };

/// Native time of a key's check, for its bytes: their points are decompressed and checked.
const KEY: (u64, u64) = (1_000 * MICROSECOND, 8 * MICROSECOND);

/// Native time of a block's check, for its bytes: the pairings, and the hashes of the largest body that any key allows. They are in the
/// base, for it is the lanes that are hashed, used or not.
const BLOCK: (u64, u64) = (1_000_000 * MICROSECOND, 4 * MICROSECOND);

/// Time of [`WeightInfo::register`] for key bytes: the runtime checks the key itself.
const REGISTER: (u64, u64) = (KEY.0 * SLOWER_IN_WASM, KEY.1 * SLOWER_IN_WASM);

/// Time of [`WeightInfo::submit`] for block bytes. Any of them may be a new key's, which is checked as in a registration.
const SUBMIT: (u64, u64) = (BLOCK.0 * SLOWER_AT_CHECK + REGISTER.0, BLOCK.1 * SLOWER_AT_CHECK + REGISTER.1);

/// Time of [`WeightInfo::deregister`].
const DEREGISTER: u64 = 60 * MICROSECOND;

/// The longest trie path and value of a chain's record and key, in bytes of a proof.
const PROOF: u64 = 128 * 1024;

fn linear((base, slope): (u64, u64), bytes: u32) -> Weight {
    Weight::from_parts(base.saturating_add(slope.saturating_mul(bytes.into())), PROOF)
}

/// The measured costs, with the database weights of a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Measured<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for Measured<T> {
    fn register(key_bytes: u32) -> Weight {
        linear(REGISTER, key_bytes).saturating_add(T::DbWeight::get().reads_writes(REGISTERED, REGISTERED))
    }
    fn submit(block_bytes: u32) -> Weight {
        linear(SUBMIT, block_bytes).saturating_add(T::DbWeight::get().reads_writes(CHAIN + 1, CHAIN))
    }
    fn deregister() -> Weight {
        linear((DEREGISTER, 0), 0).saturating_add(T::DbWeight::get().reads_writes(REGISTERED, REGISTERED))
    }
}

/// The measured costs, with RocksDB's.
impl WeightInfo for () {
    fn register(key_bytes: u32) -> Weight {
        linear(REGISTER, key_bytes).saturating_add(RocksDbWeight::get().reads_writes(REGISTERED, REGISTERED))
    }
    fn submit(block_bytes: u32) -> Weight {
        linear(SUBMIT, block_bytes).saturating_add(RocksDbWeight::get().reads_writes(CHAIN + 1, CHAIN))
    }
    fn deregister() -> Weight {
        linear((DEREGISTER, 0), 0).saturating_add(RocksDbWeight::get().reads_writes(REGISTERED, REGISTERED))
    }
}
