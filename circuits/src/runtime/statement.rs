//! The statement in a circuit: 37 elements whose Poseidon chain is the public input.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::{
    body::BodyFormat,
    field::Fr,
    lane::MAX_LANES,
    statement::{STATEMENT_DOMAIN, STATEMENT_LEN},
};

use super::chain::Tier;
use crate::{constraint, gadgets::poseidon, hint, linear::Linear, namespace};

/// What the statement of a circuit's every block says: fixed when the circuit is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitVersion {
    /// Version of the state machine.
    pub runtime: u32,
    /// Version of what users sign.
    pub transaction: u32,
    /// Whether a block can name the next validation code.
    pub upgrades: bool,
    /// Who can read bodies.
    pub bodies: BodyFormat,
    /// Whether blocks take messages from other chains and send some.
    pub messages: bool,
}

/// A statement in a circuit.
#[derive(Clone, Debug)]
pub struct Statement {
    elements: [FpVar<Fr>; STATEMENT_LEN],
}

/// Places of the statement's elements, in the order of [`zkpov_verifier::statement::Statement::elements`].
mod at {
    pub(super) const DOMAIN: usize = 0;
    pub(super) const PARA_ID: usize = 1;
    pub(super) const GENESIS: usize = 2;
    pub(super) const RUNTIME_VERSION: usize = 4;
    pub(super) const TRANSACTION_VERSION: usize = 5;
    pub(super) const TIER: usize = 6;
    pub(super) const USED_SLOTS: usize = 7;
    pub(super) const PARENT_STATE_ROOT: usize = 23;
    pub(super) const STATE_ROOT: usize = 24;
    pub(super) const NUMBER: usize = 25;
    pub(super) const RELAY_PARENT_NUMBER: usize = 26;
    pub(super) const AUTHOR: usize = 27;
    pub(super) const AUTHOR_KEY: usize = 28;
    pub(super) const BODY_ROOT: usize = 30;
    pub(super) const INBOX_ROOT: usize = 31;
    pub(super) const OUTBOX_ROOT: usize = 32;
    pub(super) const UPGRADE: usize = 33;
    pub(super) const CONTEXT: usize = 35;

    /// The element's name in reports; elements of two limbs have it twice.
    pub(super) fn name(place: usize) -> &'static str {
        match place {
            PARA_ID => "para_id",
            GENESIS..RUNTIME_VERSION => "genesis_hash",
            USED_SLOTS..PARENT_STATE_ROOT => "used_slots",
            PARENT_STATE_ROOT => "parent_state_root",
            STATE_ROOT => "state_root",
            NUMBER => "number",
            RELAY_PARENT_NUMBER => "relay_parent_number",
            AUTHOR => "author",
            AUTHOR_KEY..BODY_ROOT => "author_key",
            BODY_ROOT => "body_root",
            INBOX_ROOT => "inbox_root",
            OUTBOX_ROOT => "outbox_root",
            UPGRADE..CONTEXT => "upgrade",
            CONTEXT.. => "context",
            // A constant in every block of a circuit.
            _ => "constant",
        }
    }
}

impl Statement {
    /// The statement of a block of `tier`: versions, tier, the used slots of lanes that are not there, and messages and the
    /// upgrade of a chain without any are constants, the rest is of the prover's choice and held to the public input by
    /// [`bind`](Self::bind).
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        version: CircuitVersion,
        tier: &Tier,
        values: Option<&[Fr; STATEMENT_LEN]>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, "statement");
        let mut elements = std::array::from_fn(|_| FpVar::Constant(Fr::from(0u64)));
        for (place, element) in elements.iter_mut().enumerate() {
            *element = match fixed(place, version, tier) {
                Some(constant) => FpVar::Constant(constant),
                None => hint::field(cs, at::name(place), || {
                    values
                        .and_then(|values| values.get(place))
                        .copied()
                        .ok_or(SynthesisError::AssignmentMissing)
                })?,
            };
        }
        Ok(Self { elements })
    }

    /// A statement of constants, for native execution.
    pub(crate) fn constant(elements: [Fr; STATEMENT_LEN]) -> Self {
        Self { elements: elements.map(FpVar::Constant) }
    }

    /// Makes the statement's digest the circuit's only public input, `value` being its value.
    pub fn bind(&self, cs: &ConstraintSystemRef<Fr>, value: Option<Fr>) -> Result<()> {
        let digest = poseidon::chain(&self.elements)?;
        let input = cs.new_input_variable(|| value.ok_or(SynthesisError::AssignmentMissing))?;
        let input = FpVar::Var(ark_r1cs_std::fields::fp::AllocatedFp::new(value, input, cs.clone()));
        constraint::enforce_equal("statement/digest", &input, Linear::of(&digest))
    }

    /// The chain's para id and the limbs of its genesis hash.
    pub fn identity(&self) -> [&FpVar<Fr>; 3] {
        [at::PARA_ID, at::GENESIS, at::GENESIS + 1].map(|place| &self.elements[place])
    }

    /// The transaction version.
    pub fn transaction_version(&self) -> &FpVar<Fr> {
        &self.elements[at::TRANSACTION_VERSION]
    }

    /// The tier, a constant.
    pub fn tier(&self) -> &FpVar<Fr> {
        &self.elements[at::TIER]
    }

    /// Used slots of each lane, 0 for lanes that are not there.
    pub fn used_slots(&self) -> &[FpVar<Fr>] {
        &self.elements[at::USED_SLOTS..at::USED_SLOTS + MAX_LANES]
    }

    /// State root before the block.
    pub fn parent_state_root(&self) -> &FpVar<Fr> {
        &self.elements[at::PARENT_STATE_ROOT]
    }

    /// State root after the block.
    pub fn state_root(&self) -> &FpVar<Fr> {
        &self.elements[at::STATE_ROOT]
    }

    /// The block's number: below 2^32, since the verifier has it as a `u32`.
    pub fn number(&self) -> &FpVar<Fr> {
        &self.elements[at::NUMBER]
    }

    /// The relay parent's number: below 2^32, likewise.
    pub fn relay_parent_number(&self) -> &FpVar<Fr> {
        &self.elements[at::RELAY_PARENT_NUMBER]
    }

    /// Index of the author's account: below 2^32, likewise.
    pub fn author(&self) -> &FpVar<Fr> {
        &self.elements[at::AUTHOR]
    }

    /// The author's key, x and y.
    pub fn author_key(&self) -> [&FpVar<Fr>; 2] {
        [at::AUTHOR_KEY, at::AUTHOR_KEY + 1].map(|place| &self.elements[place])
    }

    /// The limbs of the next validation code's blake2b-256, 0 if there is none.
    pub fn upgrade(&self) -> [&FpVar<Fr>; 2] {
        [at::UPGRADE, at::UPGRADE + 1].map(|place| &self.elements[place])
    }

    /// Root of the records that the block takes from other chains, 0 if there are none.
    pub fn inbox_root(&self) -> &FpVar<Fr> {
        &self.elements[at::INBOX_ROOT]
    }

    /// Root of the records that the block sends to other chains, 0 if there are none.
    pub fn outbox_root(&self) -> &FpVar<Fr> {
        &self.elements[at::OUTBOX_ROOT]
    }

    /// Root of the body.
    pub fn body_root(&self) -> &FpVar<Fr> {
        &self.elements[at::BODY_ROOT]
    }
}

/// The constant at `place`, if every block of the circuit has the same there.
fn fixed(place: usize, version: CircuitVersion, tier: &Tier) -> Option<Fr> {
    let unused_lanes = at::USED_SLOTS + tier.lanes.len()..at::USED_SLOTS + MAX_LANES;
    match place {
        at::DOMAIN => Some(STATEMENT_DOMAIN),
        at::RUNTIME_VERSION => Some(version.runtime.into()),
        at::TRANSACTION_VERSION => Some(version.transaction.into()),
        at::TIER => Some(tier.id.0.into()),
        at::INBOX_ROOT | at::OUTBOX_ROOT if !version.messages => Some(Fr::from(0u64)),
        at::UPGRADE..at::CONTEXT if !version.upgrades => Some(Fr::from(0u64)),
        place if unused_lanes.contains(&place) => Some(Fr::from(0u64)),
        // A private body counts every slot, so that it does not tell how many are used.
        at::USED_SLOTS..at::PARENT_STATE_ROOT if version.bodies == BodyFormat::Private => {
            tier.lanes.get(place - at::USED_SLOTS).map(|lane| lane.capacity.into())
        }
        _ => None,
    }
}
