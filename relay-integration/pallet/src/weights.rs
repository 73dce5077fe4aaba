//! What the calls cost: a linear function of the bytes they bring, and the storage they read and write.
//!
//! The figures are those of FRAME's benchmarks (`measured.rs`, which `scripts/weights` writes), natively on one core.
//!
//! ```text
//!                      with the host function      without
//!   a block's check    native                      wasm, `SLOWER_IN_WASM` times as long
//!   all else           wasm                        wasm
//! ```
//!
//! Who pays does not know what a block holds, so a block's bytes are whatever takes longest: its chain's lanes are as large as they may
//! be, its bytes are transfers of other chains as far as a block takes so many, and before it is dispatched they are a new key besides.

use polkadot_sdk_frame::{deps::frame_support::weights::RuntimeDbWeight, weights_prelude::*};

use crate::measured::{DEREGISTER, REGISTER, SUBMIT, SUBMIT_MESSAGES, SUBMIT_QUEUE, SUBMIT_UPGRADE};

/// What the calls cost.
pub trait WeightInfo {
    /// [`crate::Call::register`] of a key of `key_bytes`.
    fn register(key_bytes: u32) -> Weight;
    /// [`crate::Call::submit`] of a block of `block_bytes` that brings no new key.
    fn submit(block_bytes: u32) -> Weight;
    /// [`crate::Call::submit`] of a block of `block_bytes` that brings a new key.
    fn submit_upgrade(block_bytes: u32) -> Weight;
    /// [`crate::Call::deregister`].
    fn deregister() -> Weight;
}

/// How many times as long curve arithmetic takes in wasm as natively: 3.2 to 4 were measured.
const SLOWER_IN_WASM: u64 = 5;

/// The same for what [`crate::host`] does: nothing where the node does it.
const SLOWER_AT_CHECK: u64 = if cfg!(feature = "host-function") { 1 } else { SLOWER_IN_WASM };

/// What the runtime reads to know a relay block's storage root: the benchmarks' runtime has it in no storage.
const ROOT_READS: u64 = 1;

/// The longest trie path and value of a chain's record and key, in bytes of a proof.
const PROOF: u64 = 128 * 1024;

fn register(db: RuntimeDbWeight, key_bytes: u32) -> Weight {
    weight(REGISTER.time(key_bytes).saturating_mul(SLOWER_IN_WASM))
        .saturating_add(db.reads_writes(REGISTER.reads, REGISTER.writes))
}

/// A block's check, with the largest body, and all else that the call does; the runtime's part of that is below a hundredth.
fn check(block_bytes: u32) -> Weight {
    let any = SUBMIT.time_of_bytes(block_bytes).max(SUBMIT_QUEUE.time_of_bytes(block_bytes));
    let transfers = SUBMIT_MESSAGES.time_of_bytes(SUBMIT_MESSAGES.at_most(block_bytes));
    weight(SUBMIT.base.saturating_add(any).saturating_add(transfers).saturating_mul(SLOWER_AT_CHECK))
}

fn submit(db: RuntimeDbWeight, block_bytes: u32) -> Weight {
    check(block_bytes).saturating_add(db.reads_writes(SUBMIT.reads.saturating_add(ROOT_READS), SUBMIT.writes))
}

/// A key's bytes beyond those of the most tiers are its lanes', which are only read.
fn submit_upgrade(db: RuntimeDbWeight, block_bytes: u32) -> Weight {
    let upgrade = SUBMIT_UPGRADE.time(SUBMIT_UPGRADE.at_most(block_bytes));
    let storage = db.reads_writes(SUBMIT_UPGRADE.reads.saturating_add(ROOT_READS), SUBMIT_UPGRADE.writes);
    check(block_bytes)
        .saturating_add(Weight::from_parts(upgrade.saturating_mul(SLOWER_IN_WASM), 0))
        .saturating_add(storage)
}

fn deregister(db: RuntimeDbWeight) -> Weight {
    weight(DEREGISTER.base.saturating_mul(SLOWER_IN_WASM))
        .saturating_add(db.reads_writes(DEREGISTER.reads, DEREGISTER.writes))
}

fn weight(time: u64) -> Weight {
    Weight::from_parts(time, PROOF)
}

/// The measured costs, with the database weights of a runtime.
#[derive(Clone, Copy, Debug)]
pub struct Measured<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for Measured<T> {
    fn register(key_bytes: u32) -> Weight {
        register(T::DbWeight::get(), key_bytes)
    }
    fn submit(block_bytes: u32) -> Weight {
        submit(T::DbWeight::get(), block_bytes)
    }
    fn submit_upgrade(block_bytes: u32) -> Weight {
        submit_upgrade(T::DbWeight::get(), block_bytes)
    }
    fn deregister() -> Weight {
        deregister(T::DbWeight::get())
    }
}

/// The measured costs, with RocksDB's.
impl WeightInfo for () {
    fn register(key_bytes: u32) -> Weight {
        register(RocksDbWeight::get(), key_bytes)
    }
    fn submit(block_bytes: u32) -> Weight {
        submit(RocksDbWeight::get(), block_bytes)
    }
    fn submit_upgrade(block_bytes: u32) -> Weight {
        submit_upgrade(RocksDbWeight::get(), block_bytes)
    }
    fn deregister() -> Weight {
        deregister(RocksDbWeight::get())
    }
}
