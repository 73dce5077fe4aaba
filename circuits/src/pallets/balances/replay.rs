//! The block again, in the circuit's order and in the circuit's arithmetic: what makes its witness.
//!
//! Nothing is checked here. Given the calls of an executed block it makes the honest witness; given
//! calls that no honest execution takes, it makes the witness that a dishonest prover would try,
//! consistent in everything that follows from the lie.

use zkpov_verifier::{babyjubjub::Point, field::Fr, statement::STATEMENT_LEN};

use super::{
    call::CallKind,
    native::PlacedCall,
    state::{Account, Parameters},
};
use crate::state::{Openings, Recorder, STORAGES, StateError};

/// The slots of each lane.
pub(crate) type Lanes = [Vec<SlotWitness>; CallKind::ALL.len()];

/// What the circuit is given for one slot. Field elements, since a prover may claim any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotWitness {
    /// Whether the slot counts as used.
    pub(crate) used: bool,
    /// Whether the replay moves anything; an honest prover's slot is executed if and only if it is used.
    pub(crate) executed: bool,
    /// Place of the sender's account.
    pub(crate) sender: u32,
    /// Place of the receiver's account.
    pub(crate) receiver: u32,
    /// The nonce signed.
    pub(crate) nonce: Fr,
    /// The expiry signed.
    pub(crate) expiry: Fr,
    /// The fee.
    pub(crate) fee: Fr,
    /// The amount.
    pub(crate) amount: Fr,
    /// The receiver's key, x and y.
    pub(crate) receiver_key: [Fr; 2],
    /// The signature's point R8, x and y.
    pub r8: [Fr; 2],
    /// The signature's scalar S.
    pub(crate) s: Fr,
}

impl SlotWitness {
    /// A used slot that executes `call`.
    pub(crate) fn of(call: &PlacedCall) -> Self {
        let extrinsic = &call.extrinsic;
        Self {
            used: true,
            executed: true,
            sender: extrinsic.sender,
            receiver: call.receiver,
            nonce: extrinsic.nonce.into(),
            expiry: extrinsic.expiry.into(),
            fee: extrinsic.fee.into(),
            amount: extrinsic.amount.into(),
            receiver_key: extrinsic.receiver.coordinates(),
            r8: [extrinsic.signature.r8.x, extrinsic.signature.r8.y],
            s: crate::integer::scalar_to_field(&extrinsic.signature.s),
        }
    }

    /// An unused slot. Its values satisfy what is asked of every slot, used or not: ranges, a fee and an
    /// amount that suffice, two places, a key that could open an account.
    fn unused(parameters: &[Fr], number: Fr) -> Self {
        let [deposit, minimum_fee] = [0, 1].map(|i| parameters.get(i).copied().unwrap_or_default());
        let point = [Point::BASE8.x, Point::BASE8.y];
        Self {
            used: false,
            executed: false,
            sender: 0,
            receiver: 1,
            nonce: Fr::from(0u64),
            expiry: number,
            fee: minimum_fee,
            amount: deposit,
            receiver_key: point,
            r8: point,
            s: Fr::from(1u64),
        }
    }

    /// The account that an unused slot reads: it can just pay.
    fn stand_in(&self, deposit: Fr) -> Vec<Fr> {
        let [x, y] = self.receiver_key;
        vec![x, y, self.amount + self.fee + deposit, self.nonce, Fr::from(0u64)]
    }
}

/// What the payments circuit is given for a block.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// The public input: the digest of the verifier's statement.
    pub(crate) public_input: Fr,
    /// The statement's elements.
    pub(crate) statement: [Fr; STATEMENT_LEN],
    /// The roots of all storages before the block.
    pub(crate) storages: [Fr; STORAGES],
    /// Fees credited to the author.
    pub(crate) fees: Fr,
    /// The slots, each lane filled to its capacity.
    pub(crate) lanes: Lanes,
    /// Accesses to the state, in the circuit's order, and the opening of what they touch.
    pub(crate) openings: Openings,
}

/// What a replay starts from, beside the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// The parameters' fields.
    pub(crate) parameters: &'a [Fr],
    /// The block's number.
    pub(crate) number: Fr,
    /// Place of the author's account.
    pub(crate) author: u32,
    /// Fees credited to it.
    pub(crate) fees: Fr,
    /// Slots of each lane.
    pub(crate) capacities: [usize; CallKind::ALL.len()],
}

/// Replays `calls` slot by slot on `recorder` and fills each lane with unused slots.
pub(crate) fn replay(
    recorder: &mut Recorder<'_>,
    plan: &Plan<'_>,
    calls: Lanes,
) -> Result<Lanes, StateError> {
    recorder.read::<Parameters>(0)?;
    let (author, place) = recorder.read::<Account>(plan.author)?;
    recorder.write::<Account>(place, moved(author, plan.fees, 0))?;
    let mut lanes = calls;
    for ((lane, kind), capacity) in lanes.iter_mut().zip(CallKind::ALL).zip(plan.capacities) {
        let missing = capacity.saturating_sub(lane.len());
        lane.extend(std::iter::repeat_n(SlotWitness::unused(plan.parameters, plan.number), missing));
        for slot in lane {
            match (kind, slot.executed) {
                (CallKind::Transfer, true) => transfer(recorder, slot)?,
                (CallKind::Open, true) => open(recorder, slot)?,
                (kind, false) => skip(recorder, plan, kind, slot),
            }
        }
    }
    Ok(lanes)
}

fn transfer(recorder: &mut Recorder<'_>, slot: &SlotWitness) -> Result<(), StateError> {
    pay(recorder, slot)?;
    let (receiver, place) = recorder.read::<Account>(slot.receiver)?;
    recorder.write::<Account>(place, moved(receiver, slot.amount, 0))
}

fn open(recorder: &mut Recorder<'_>, slot: &SlotWitness) -> Result<(), StateError> {
    pay(recorder, slot)?;
    let place = recorder.vacant::<Account>(slot.receiver)?;
    let [x, y] = slot.receiver_key;
    recorder.write::<Account>(place, vec![x, y, slot.amount, Fr::from(0u64), Fr::from(0u64)])
}

fn pay(recorder: &mut Recorder<'_>, slot: &SlotWitness) -> Result<(), StateError> {
    let (sender, place) = recorder.read::<Account>(slot.sender)?;
    recorder.write::<Account>(place, moved(sender, -(slot.amount + slot.fee), 1))
}

fn skip(recorder: &mut Recorder<'_>, plan: &Plan<'_>, kind: CallKind, slot: &SlotWitness) {
    let stand_in = slot.stand_in(plan.parameters.first().copied().unwrap_or_default());
    recorder.skip::<Account>(stand_in.clone());
    let receiver = match kind {
        CallKind::Transfer => stand_in,
        CallKind::Open => Vec::new(),
    };
    recorder.skip::<Account>(receiver);
}

/// An account's fields with `change` added to the balance and `nonces` to the nonce.
fn moved(mut fields: Vec<Fr>, change: Fr, nonces: u64) -> Vec<Fr> {
    if let [_, _, balance, nonce, _] = fields.as_mut_slice() {
        *balance += change;
        *nonce += Fr::from(nonces);
    }
    fields
}
