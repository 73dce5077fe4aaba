//! Messaging: native tokens to and from other chains.
//!
//! ```text
//!   send       a call: from a balance into the outbox
//!   receive    the inbox lane: from the queue into a balance, or back
//!   queue      what arrived and is not delivered
//!   recipient  32 bytes that name somebody elsewhere
//!   record     queue, counters
//!   spec       what the chain spec says of it
//!   forged     dishonest witnesses (tests)
//!
//!          this chain                              relay chain                       that chain
//!   balance ──send──► allowance                                              allowance ──receive──► balance
//!                └──► outbox root ═ statement ─ message ─ channel ─ message ─ statement ═ inbox root ──► queue
//! ```
//!
//! What the verifier does with messages is in `docs/messages.md`, and so are records and roots.
//!
//! # Calls
//!
//! | call | effect |
//! |---|---|
//! | `receive` (inherent) | takes a record off the queue: credits an account, opens one, or sends it back |
//! | `send` | an amount from the sender to somebody on another chain |
//!
//! Every block of a tier with slots for messages begins with its inbox root joining the queue. That costs the same for no message and for a
//! thousand. A tier without such slots takes none: while some wait, the author needs a larger one. Weights are in `weights.csv`.
//!
//! # Storage
//!
//! | | | |
//! |---|---|---|
//! | queue (13) | one record | [`Queue`]: what arrived and is not delivered, in four elements |
//! | counters (14) | one record | [`Counters`]: the number of what was sent last, the token's home, the peers and their allowances |
//!
//! # Invariants
//!
//! - Balances, allowances and what other pallets hold are together the total issuance, for ever: what leaves is held as the allowance of the chain
//!   that it went to. At the token's home the allowances are what is abroad; elsewhere they are what the home may still send.
//! - No chain brings more than its allowance: one that mints at will takes no more out of its peers than they sent it.
//! - Every record that arrives leaves the queue once, in the order of arrival.
//! - Sequence numbers of what is sent are 1, 2, 3, … without a gap.
//! - A payment is delivered or refused, never both; a refund is never refused.
//!
//! # Attacks
//!
//! `docs/security.md` lists them with the constraint that stops each; `forged` carries each out. What stays possible is in
//! `docs/messages.md`: an author may open a second account for a key, and a peer to which no refund can be sent holds up the queue.

use ark_relations::gr1cs;
use serde_json::Value as Json;

use crate::{
    runtime::{CallKind, GenesisState, Pallet, Slot, SpecError},
    state::Shape,
};

pub mod queue;
pub mod receive;
pub mod recipient;
pub mod record;
pub mod send;
mod spec;

pub use receive::Receive;
pub use recipient::Recipient;
pub use record::{COUNTERS, Counters, PEERS, Peer, QUEUE, Queue};
pub use send::{Send, Sending};

/// The pallet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messaging;

impl Pallet for Messaging {
    fn name(&self) -> &'static str {
        "messaging"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        vec![(QUEUE, Shape::Single), (COUNTERS, Shape::Single)]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![CallKind::inherent(Receive), CallKind::call(Send)]
    }

    fn genesis(&self, spec: Option<&Json>, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
        let (counters, allowances) = spec::MessagingSpec::read(spec)?.counters()?;
        genesis.issue(allowances)?;
        genesis.write(0, &counters)?;
        genesis.write(0, &Queue::default())
    }

    fn begin(&self, slot: &mut Slot<'_, '_>, capacities: &[u32]) -> gr1cs::Result<()> {
        if capacities.iter().all(|slots| *slots == 0) {
            return slot.refuse_inbox();
        }
        queue::join(slot)?;
        slot.register::<Counters>().map(drop)
    }

    fn carries_messages(&self) -> bool {
        true
    }

    fn has_peers(&self, spec: Option<&Json>) -> bool {
        spec::MessagingSpec::read(spec).is_ok_and(|spec| !spec.peers.is_empty())
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod exchanged;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
