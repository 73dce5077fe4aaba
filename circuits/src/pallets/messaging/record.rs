//! What the pallet keeps.

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use crate::{
    bit::Bit,
    constraint::product,
    gadgets::range::{U32, U64, U128, is_equal},
    linear::{Linear, sum},
    record,
    state::Element,
    values,
};

/// Storage of the [`Queue`].
pub const QUEUE: u8 = 13;

/// Storage of the [`Counters`].
pub const COUNTERS: u8 = 14;

/// The most peers of a chain.
pub const PEERS: usize = 4;

record! {
    /// Messages that arrived and are not delivered: batches, one for each block in which some arrived, each an inbox root.
    ///
    /// A stack is a list of batches by the hash of the first and the rest, 0 for none: `queue::node`.
    #[derive(Copy, Default, Eq)]
    pub struct Queue / QueueVar ("queue", "the queue of messages") in QUEUE; {
        /// What is left of the batch that is begun.
        rest: Element,
        /// Batches that are next, the oldest on top.
        front: Element,
        /// Batches that are being put onto `front`, the newest on top; while there are any, nothing is delivered.
        turning: Element,
        /// Batches that arrived since, the newest on top.
        arrived: Element,
    }
}

values! {
    /// A chain that tokens are exchanged with, or nothing.
    #[derive(Copy, Default, Eq)]
    pub struct Peer / PeerVar ("peer") {
        /// Whether there is one.
        known: bool,
        /// Its para id.
        para: u32,
        /// What may still arrive from it. At the token's home, what is there; elsewhere, what the home may send.
        allowance: u128,
    }
}

record! {
    /// What was sent, and to whom tokens go.
    #[derive(Copy, Default, Eq)]
    pub struct Counters / CountersVar ("counters", "the counters of messages") in COUNTERS; {
        /// The number of what was sent last, from 1.
        sequence: u64,
        /// Para id of the chain whose token is the native one here.
        token: u32,
        /// Whom tokens are exchanged with: no two of one para id.
        peers: [Peer; PEERS],
    }
}

impl Counters {
    /// The peer of this para id.
    pub(super) fn peer(&self, para: u32) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.known && peer.para == para)
    }
}

/// The place of a peer among all, if there is one.
#[derive(Debug)]
pub(super) struct Found {
    /// Which it is.
    at: Vec<Bit>,
    /// Whether there is one.
    pub(super) known: Bit,
    /// What may still arrive from it, 0 if there is none.
    pub(super) allowance: U128,
}

impl CountersVar {
    /// The peer of this para id.
    pub(super) fn peer(&self, para: &U32) -> Result<Found> {
        let (mut at, mut allowances) = (Vec::new(), Vec::new());
        for peer in &self.peers {
            let is_it = peer.known.and(&is_equal(para.as_field(), peer.para.as_field())?)?;
            allowances.push(product(is_it.as_field(), peer.allowance.as_field())?);
            at.push(is_it);
        }
        // One at the most: genesis gives para ids that differ.
        let known = Bit::trust(sum(at.iter().map(Bit::as_field))?);
        // So this is one of the allowances, or 0.
        Ok(Found { at, known, allowance: U128::trust(sum(&allowances)?) })
    }

    /// With the allowance of the peer changed by `amount`, which is 0 where nothing is to change.
    ///
    /// No allowance leaves its range: what arrives is at most the allowance, and balances and allowances together are at most the
    /// total issuance, which is below 2^127.
    pub(super) fn with_allowance(mut self, found: &Found, sign: Fr, amount: &FpVar<Fr>) -> Result<Self> {
        for (peer, at) in self.peers.iter_mut().zip(&found.at) {
            let change = product(at.as_field(), amount)?;
            peer.allowance = U128::trust(Linear::of(peer.allowance.as_field()).plus(sign, &change).finish()?);
        }
        Ok(self)
    }

    /// The number after the last.
    pub(super) fn next_sequence(&self) -> Result<U64> {
        // Nobody sends 2^64 times.
        Ok(U64::trust(Linear::of(self.sequence.as_field()).plus_constant(Fr::ONE).finish()?))
    }

    /// With one more sent where `when` is 1.
    pub(super) fn counting(mut self, when: &Bit) -> Result<Self> {
        // As the next.
        self.sequence = U64::trust(sum([self.sequence.as_field(), when.as_field()])?);
        Ok(self)
    }
}
