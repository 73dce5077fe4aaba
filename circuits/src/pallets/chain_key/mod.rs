//! The next key of a private chain: collators sign that they have it.
//!
//! ```text
//!   hold      the call
//!   audit     the soundness kit (tests)
//!   testing   a small private chain with collators (tests)
//!   forged    dishonest witnesses (tests)
//! ```
//!
//! # Calls
//!
//! | call | effect |
//! |---|---|
//! | `hold_key` | a collator says that it has the key of a commitment: it brings a new one, whose only holder it is then, or it joins the holders of the pending one |
//!
//! # Storage
//!
//! None of its own: the rotation is in the chain's [vault](crate::runtime::vault), which says when the key comes into force, and lists the attacks.
//!
//! # Invariants
//!
//! - Only a collator with a seat before the block changes the rotation.
//! - The holders are distinct, dense from the first place, and each signed for the pending commitment since it was brought.
//! - A block's body is encrypted under the next key if and only if the parent state's holders are the parent state's seats, as sets.

use crate::{
    runtime::{CallKind, Pallet},
    state::Shape,
};

mod hold;

pub use hold::{Hold, HoldKey};

/// The pallet; of private chains alone, since a public one has no key.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChainKey;

impl Pallet for ChainKey {
    fn name(&self) -> &'static str {
        "chain_key"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        Vec::new()
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![CallKind::call(HoldKey)]
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
