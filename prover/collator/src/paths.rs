//! The names of the files that the commands make and look for.
//!
//! ```text
//!  BASE/chain.redb        the database             (see `db`)
//!  BASE/genesis.head      the genesis head
//!  BASE/chain-keys        a private chain's keys that are to follow (see `chain_keys`)
//!  KEYS/validity.key      the validity key: what the relay chain gets as the chain's validation code
//!  KEYS/tier-18.zkpk      the proving key of tier 18
//!  block-1.pov            a proven block
//!  block-1.head           the head it leads to, beside it
//!  block-1.relay.json     what it saw of the relay chain, where that was asked for
//! ```

use std::path::{Path, PathBuf};

use zkpov_verifier::lane::TierId;

/// The genesis head of the chain in the directory `base`.
#[must_use]
pub fn genesis_head(base: &Path) -> PathBuf {
    base.join("genesis.head")
}

/// The directory of the keys that are to follow a private chain's in the directory `base`.
#[must_use]
pub fn chain_keys(base: &Path) -> PathBuf {
    base.join("chain-keys")
}

/// The validity key in a directory of keys.
#[must_use]
pub fn validity_key(keys: &Path) -> PathBuf {
    keys.join("validity.key")
}

/// The proving key of a tier in a directory of keys.
#[must_use]
pub fn proving_key(keys: &Path, tier: TierId) -> PathBuf {
    keys.join(format!("tier-{tier}.zkpk"))
}

/// Where the relay file of a proven block's file goes, if there was none before: beside it.
#[must_use]
pub fn relay_file_beside(pov: &Path) -> PathBuf {
    pov.with_extension("relay.json")
}

/// Where the head of a proven block's file goes: beside it, with the extension `head`.
#[must_use]
pub fn head_beside(pov: &Path) -> PathBuf {
    pov.with_extension("head")
}
