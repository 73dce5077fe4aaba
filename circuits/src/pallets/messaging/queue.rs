//! The queue: batches arrive whole, and are taken apart record by record.
//!
//! ```text
//!   a block's inbox root ─► arrived        newest on top; straight to `rest` if the queue is empty
//!                              │ all at once, when there is nothing else
//!                           turning        newest on top
//!                              │ one a slot
//!                            front         oldest on top
//!                              │ when the batch before is done
//!                            rest ─────► records, one a slot
//! ```
//!
//! A queue made of stacks: a stack's element is the hash of its first batch and of the stack below. So any number of batches waits in four
//! elements, and a block in which some arrive adds one hash. A batch is moved once, by a slot that delivers nothing, unless it is alone;
//! so n records in b batches take at most n + b slots.
//!
//! **Why batches come out as they went in.** `arrived` is a list in which each batch lies on those before it. It becomes `turning` as a
//! whole, and only while `front` and `turning` are empty. While there is anything in `turning`, nothing but its top is taken; the top
//! goes onto `front`, so that what was below lies above. The last is the oldest, and is begun at once. Then `front` has the others, oldest
//! on top, and what arrived in the meantime is younger than all of them. A slot has no choice among these steps: they follow from which of
//! the four are 0. And it has none of contents: a stack, and a batch, has one preimage.

use ark_ff::AdditiveGroup;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::{self, Fr, domain};

use super::record::{Queue, QueueVar};
use crate::{
    bit::Bit,
    constraint::enforce_product,
    gadgets::{poseidon, range::is_zero},
    linear::{Linear, difference},
    runtime::{Slot, Unfit, View},
    state::StateError,
};

/// First element of a stack's hash.
const STACK_DOMAIN: Fr = domain("zkpov/batches/1");

/// The stack of `batch` upon `below`.
fn node(batch: &FpVar<Fr>, below: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    poseidon::hash(&[FpVar::Constant(STACK_DOMAIN), batch.clone(), below.clone()])
}

/// The same natively.
#[cfg(test)]
pub(super) fn native_node(batch: Fr, below: Fr) -> Fr {
    zkpov_verifier::poseidon::hash(&[STACK_DOMAIN, batch, below])
}

/// Name of the derived value that tells what a stack is the hash of. Kept for ever: a peer may send the same twice.
fn name(stack: &Fr) -> Vec<u8> {
    [b"batch/".as_slice(), &field::encode(stack)].concat()
}

/// The block's inbox root joins the queue, if it is not 0.
pub(super) fn join(slot: &mut Slot<'_, '_>) -> Result<()> {
    let inbox = slot.take_inbox()?;
    let queue = slot.register::<Queue>()?;
    let mut is_empty = Bit::constant(true);
    for part in [&queue.rest, &queue.front, &queue.turning, &queue.arrived] {
        is_empty = is_empty.and(&is_zero(part)?)?;
    }
    let waits = is_zero(&inbox)?.not()?.and(&is_empty.not()?)?;
    let stack = node(&inbox, &queue.arrived)?;
    slot.remember(&waits, &stack, [&inbox, &queue.arrived], name)?;
    let rest = is_empty.select(&inbox, &queue.rest)?;
    let arrived = waits.select(&stack, &queue.arrived)?;
    slot.set_register::<Queue>(&QueueVar { rest, arrived, ..queue })
}

/// What a slot takes off the queue.
#[derive(Debug)]
pub(super) struct Taken {
    /// Whether it delivers a record; if not, it moves a batch.
    pub(super) delivers: Bit,
    /// Where it delivers, the root of the record and of those behind it.
    pub(super) root: FpVar<Fr>,
}

/// Takes a batch off a stack where none is begun, and the record's root off the queue, leaving those `behind` it, which is to be 0 where no record is
/// delivered. `batch` and `below` are what the stack is the hash of, and 0 where none is taken off.
pub(super) fn take(
    slot: &mut Slot<'_, '_>,
    batch: &FpVar<Fr>,
    below: &FpVar<Fr>,
    behind: &FpVar<Fr>,
) -> Result<Taken> {
    let queue = slot.register::<Queue>()?;
    let nothing = || Linear::new(&slot.cs());
    let begins = is_zero(&queue.rest)?;
    let goes_on = begins.not()?;
    for part in [batch, below] {
        // One witness for one slot.
        enforce_product("receive/no batch", goes_on.as_field(), part, nothing())?;
    }
    let (no_turning, no_front) = (is_zero(&queue.turning)?, is_zero(&queue.front)?);
    let from_front = no_turning.and(&no_front.not()?)?;
    let from_arrived = no_turning.and(&no_front)?;
    let next = no_front.select(&queue.arrived, &queue.front)?;
    let source = no_turning.select(&next, &queue.turning)?;
    let stack = node(batch, below)?;
    let takes = slot.used().and(&begins)?;
    enforce_product("receive/batch", takes.as_field(), &difference(&stack, &source)?, nothing())?;

    let is_last = is_zero(below)?;
    let moves = begins.and(&from_front.or(&is_last)?.not()?)?;
    let delivers = moves.not()?;
    let root = begins.select(batch, &queue.rest)?;

    let moved = node(batch, &queue.front)?;
    slot.remember(&moves, &moved, [batch, &queue.front], name)?;
    let used = slot.used().clone();
    let front = moves.select(&moved, &queue.front)?;
    let front = begins.and(&from_front)?.select(below, &front)?;
    let turning = begins.and(&from_front.not()?)?.select(below, &queue.turning)?;
    let empty = FpVar::Constant(Fr::ZERO);
    let arrived = begins.and(&from_arrived)?.select(&empty, &queue.arrived)?;
    let after = QueueVar {
        rest: used.select(behind, &queue.rest)?,
        front: used.select(&front, &queue.front)?,
        turning: used.select(&turning, &queue.turning)?,
        arrived: used.select(&arrived, &queue.arrived)?,
    };
    slot.set_register::<Queue>(&after)?;
    Ok(Taken { delivers, root })
}

/// What the next slot takes off the queue, natively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// What is taken off a stack, and the stack below; 0 if nothing is.
    pub(super) stack: [Fr; 2],
    /// The root of the record that is delivered; `None` if a batch is moved.
    pub(super) root: Option<Fr>,
}

/// What the next slot takes off the queue; `None` if there is nothing in it.
pub(super) fn next(view: &View<'_>) -> core::result::Result<Option<Next>, Unfit> {
    let queue: Queue = view.read(0)?.ok_or(StateError::Missing { what: "the queue of messages" })?;
    let [rest, front, turning, arrived] =
        [queue.rest, queue.front, queue.turning, queue.arrived].map(|element| element.0);
    if rest != Fr::ZERO {
        return Ok(Some(Next { stack: [Fr::ZERO; 2], root: Some(rest) }));
    }
    let from_front = turning == Fr::ZERO && front != Fr::ZERO;
    let source = [turning, front, arrived].into_iter().find(|stack| *stack != Fr::ZERO);
    let Some(source) = source else { return Ok(None) };
    let stack = view.remembered(&name(&source))?;
    let [batch, below] = stack.ok_or(StateError::Missing { what: "a batch of messages" })?;
    let delivers = from_front || below == Fr::ZERO;
    Ok(Some(Next { stack: [batch, below], root: delivers.then_some(batch) }))
}
