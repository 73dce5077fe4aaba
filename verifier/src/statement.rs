//! The statement: everything a proof is about, as one public input.
//!
//! ```text
//!  identity of the chain ─┐
//!  tier, used slots ──────┤
//!  state roots, numbers ──┼─► 37 field elements ─► Poseidon chain ─► the circuit's only public input
//!  author ────────────────┤
//!  body, inbox, outbox ───┤
//!  upgrade, context ──────┘
//! ```
//!
//! The verifier recomputes or reads every field itself and takes none on the prover's word. The
//! circuit recomputes the same chain from its own variables.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use codec::Encode;

use crate::eddsa::PublicKey;
use crate::field::{domain, limbs_of_hash};
use crate::hashing::{Hash, blake2b_256};
use crate::lane::{MAX_LANES, TierId};
use crate::poseidon;

/// Number of field elements in a statement.
pub const STATEMENT_LEN: usize = 37;

/// First element of a statement.
pub const STATEMENT_DOMAIN: Fr = domain("zkpov/statement/1");

/// First element of what an author signs.
pub const AUTHOR_DOMAIN: Fr = domain("zkpov/author/1");

/// Which chain, and which version of it, a block belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode)]
pub struct ChainIdentity {
    /// Para id on the relay chain.
    pub para_id: u32,
    /// blake2b-256 of the chain's genesis head.
    pub genesis_hash: Hash,
    /// Version of the circuits; changes whenever a matrix does.
    pub runtime_version: u32,
    /// Version of what users sign; a signature for one version is none for another.
    pub transaction_version: u32,
}

/// What one proof proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The chain and its version.
    pub chain: ChainIdentity,
    /// Tier whose circuit proves the block.
    pub tier: TierId,
    /// Used slots of each lane; zero beyond the tier's lanes.
    pub used_slots: [u32; MAX_LANES],
    /// State root before the block.
    pub parent_state_root: Fr,
    /// State root after the block.
    pub state_root: Fr,
    /// Number of the block.
    pub number: u32,
    /// Number of the relay block the block is validated against.
    pub relay_parent_number: u32,
    /// Account index of the author, who receives the fees.
    pub author: u32,
    /// The author's public key, as the parent state has it under that index.
    pub author_key: PublicKey,
    /// Root of the body.
    pub body_root: Fr,
    /// Root of the messages taken; zero for none.
    pub inbox_root: Fr,
    /// Root of the messages sent; zero for none.
    pub outbox_root: Fr,
    /// blake2b-256 of the new validation code, if the block upgrades the chain.
    pub upgrade: Option<Hash>,
    /// [`context`]: what the circuit does not compute but the block rests on.
    pub context: Hash,
}

impl Statement {
    /// The statement as field elements, in the order the circuit has them.
    pub fn elements(&self) -> [Fr; STATEMENT_LEN] {
        let chain = &self.chain;
        let [genesis_low, genesis_high] = limbs_of_hash(chain.genesis_hash);
        // No upgrade is (0, 0): blake2b-256 of no known bytes.
        let [upgrade_low, upgrade_high] = limbs_of_hash(self.upgrade.unwrap_or_default());
        let [key_x, key_y] = self.author_key.coordinates();
        let [context_low, context_high] = limbs_of_hash(self.context);
        let [u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15] =
            self.used_slots.map(Fr::from);
        [
            STATEMENT_DOMAIN,
            Fr::from(chain.para_id),
            genesis_low,
            genesis_high,
            Fr::from(chain.runtime_version),
            Fr::from(chain.transaction_version),
            Fr::from(self.tier.0),
            u0,
            u1,
            u2,
            u3,
            u4,
            u5,
            u6,
            u7,
            u8,
            u9,
            u10,
            u11,
            u12,
            u13,
            u14,
            u15,
            self.parent_state_root,
            self.state_root,
            Fr::from(self.number),
            Fr::from(self.relay_parent_number),
            Fr::from(self.author),
            key_x,
            key_y,
            self.body_root,
            self.inbox_root,
            self.outbox_root,
            upgrade_low,
            upgrade_high,
            context_low,
            context_high,
        ]
    }

    /// The circuit's public input: the Poseidon chain of [`Self::elements`].
    pub fn digest(&self) -> Fr {
        poseidon::chain(&self.elements())
    }
}

/// A value read from the relay chain's state: storage key, and bytes if there are any.
pub type RelayValue = (Vec<u8>, Option<Vec<u8>>);

/// blake2b-256 over what a block rests on without its circuit computing it, as SCALE: the parent head's hash, the
/// values read from the relay chain's state, and behind them, as one more value, the message queue heads after the block
/// ([`crate::exchange::Intake::values`]).
pub fn context(parent_hash: &Hash, relay_values: &[RelayValue]) -> Hash {
    blake2b_256(&(parent_hash, relay_values).encode())
}

/// The field element an author signs: the parent head, the statement, and the scheduled part's
/// hash (blake2b-256 of its SCALE bytes).
pub fn author_message(parent_hash: &Hash, statement: Fr, scheduled: &Hash) -> Fr {
    let [parent_low, parent_high] = limbs_of_hash(*parent_hash);
    let [scheduled_low, scheduled_high] = limbs_of_hash(*scheduled);
    poseidon::hash(&[AUTHOR_DOMAIN, parent_low, parent_high, statement, scheduled_low, scheduled_high])
}

/// The root of an empty list of messages.
pub const NO_MESSAGES: Fr = Fr::ZERO;
