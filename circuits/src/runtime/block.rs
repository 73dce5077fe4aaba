//! The frame of every block's circuit: statement, state, lanes, body.
//!
//! ```text
//!   begin ── statement (hinted), storage roots; their hash is the parent state root
//!     │
//!   lane ─── for each slot: a bit `used`; the pallet's call, in force where `used` is 1;
//!     │      its body elements, 0 where `used` is 0
//!     ▼
//!   finish ─ all accesses are held to the state: storage roots after, whose hash is the state root; the body's
//!            chain is the body root;
//!            the statement's digest is the public input
//! ```
//!
//! Attacks and what stops them:
//!
//! | attack | stopped by |
//! |---|---|
//! | another state before or after the block | `block/parent state root`, `block/state root` |
//! | a slot that executes and is not counted, or is counted and does not | `lane/used slots` |
//! | a no-op between calls: one block, several bodies | `lane/no-ops last` |
//! | a no-op that writes | `state/memory` |
//! | a body that is not what was executed | `block/body root` |
//! | a statement that is not the verifier's | `statement/digest` |

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::{body::BODY_DOMAIN, field::Fr, statement::STATEMENT_LEN};

use super::{
    chain::Tier,
    statement::{CircuitVersion, Statement},
};
use crate::{
    bit::Bit,
    constraint::{self, product},
    gadgets::poseidon,
    hint,
    linear::{self, Linear},
    namespace,
    state::{Layout, Openings, STORAGES, circuit::State},
};

/// What any chain's circuit is given for a block; a pallet's part is its own.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'w> {
    /// The public input: the digest of the verifier's statement.
    pub public_input: Fr,
    /// The statement's elements.
    pub statement: &'w [Fr; STATEMENT_LEN],
    /// The roots of all storages before the block.
    pub storages: &'w [Fr; STORAGES],
    /// Accesses to the state, in the circuit's order, and the opening of what they touch.
    pub openings: &'w Openings,
}

/// A block under construction.
#[derive(Debug)]
pub struct Block<'w> {
    /// What the block is proven to be.
    pub statement: Statement,
    /// The state, read and written.
    pub state: State<'w>,
    public_input: Option<Fr>,
    /// Body elements of the slots so far, 0 in unused slots.
    body: Vec<FpVar<Fr>>,
    lanes: usize,
}

impl<'w> Block<'w> {
    /// The beginning of a block, in the state that the statement names.
    pub fn begin(
        cs: &ConstraintSystemRef<Fr>,
        version: CircuitVersion,
        tier: &Tier,
        layout: &Layout,
        frame: Option<Frame<'w>>,
    ) -> Result<Self> {
        let statement = Statement::hint(cs, version, tier, frame.map(|frame| frame.statement))?;
        let storages = frame.map(|frame| frame.storages);
        let state = State::hint(cs, layout, storages, frame.map(|frame| frame.openings))?;
        let root = state.root_before()?;
        constraint::enforce_equal("block/parent state root", &root, statement.parent_state_root())?;
        let public_input = frame.map(|frame| frame.public_input);
        Ok(Self { statement, state, public_input, body: Vec::new(), lanes: 0 })
    }

    /// The next lane. `used` says whether a slot is used (`None` when only the circuit's shape is asked
    /// for); `slot` executes a call where the bit it is given is 1, and gives its body elements, whatever
    /// they are where it is 0.
    pub fn lane(
        &mut self,
        name: &str,
        capacity: usize,
        used: impl Fn(usize) -> Option<bool>,
        mut slot: impl FnMut(&Statement, &mut State<'w>, &Bit, usize) -> Result<Vec<FpVar<Fr>>>,
    ) -> Result<()> {
        let cs = self.state.cs().clone();
        let _lane = namespace::enter(&cs, name);
        let bits = (0..capacity)
            .map(|i| hint::bit(&cs, "used", || used(i).ok_or(SynthesisError::AssignmentMissing)))
            .collect::<Result<Vec<Bit>>>()?;
        for pair in bits.windows(2) {
            if let [before, after] = pair {
                let unused_before = before.not()?;
                let zero = Linear::new(&cs);
                constraint::enforce_product(
                    "lane/no-ops last",
                    after.as_field(),
                    unused_before.as_field(),
                    zero,
                )?;
            }
        }
        let count = linear::sum(bits.iter().map(Bit::as_field))?;
        let claimed = self.statement.used_slots().get(self.lanes).ok_or(SynthesisError::ArityMismatch)?;
        constraint::enforce_equal("lane/used slots", &count, claimed)?;
        self.lanes += 1;
        for (i, bit) in bits.iter().enumerate() {
            let _slot = namespace::enter_indexed(&cs, "slot", i);
            for element in slot(&self.statement, &mut self.state, bit, i)? {
                self.body.push(product(bit.as_field(), &element)?);
            }
        }
        Ok(())
    }

    /// The end of the block: state root, body root, public input.
    pub fn finish(self) -> Result<()> {
        let cs = self.state.cs().clone();
        let root = self.state.close()?;
        constraint::enforce_equal("block/state root", &root, self.statement.state_root())?;
        let head = [FpVar::Constant(BODY_DOMAIN), self.statement.tier().clone()];
        let chain: Vec<FpVar<Fr>> =
            head.into_iter().chain(self.statement.used_slots().iter().cloned()).chain(self.body).collect();
        let root = poseidon::chain(&chain)?;
        constraint::enforce_equal("block/body root", &root, self.statement.body_root())?;
        self.statement.bind(&cs, self.public_input)
    }
}
