//! Which extrinsics a block takes: the native twin of the circuit's slots.
//!
//! ```text
//!  extrinsics ──decode──► signatures ──lane by lane──► included, in the order of execution
//!                         (all cores)  │
//!                                      ├─► deferred: no slot left, or a nonce whose turn is later
//!                                      └─► refused: never valid on this state, with the reason
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rayon::prelude::*;
use zkpov_verifier::{
    eddsa::{self, PublicKey},
    field::Fr,
};

use super::{
    call::{CallKind, Extrinsic},
    ledger::{CallError, Ledger, LedgerError, Movement},
};
use crate::{runtime::Refusal, state::StateError};

/// A call with the place that the author gives its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedCall {
    /// The signed call.
    pub extrinsic: Extrinsic,
    /// The receiver's account index.
    pub receiver: u32,
}

impl PlacedCall {
    /// What it moves.
    pub fn movement(&self) -> Movement {
        let Extrinsic { sender, amount, fee, .. } = self.extrinsic;
        Movement { sender, receiver: self.receiver, amount, fee }
    }
}

/// What became of a list of extrinsics.
#[derive(Debug, Default)]
pub struct Selection {
    /// Per lane, in the order of execution: position in the list, and the call.
    pub lanes: [Vec<(usize, PlacedCall)>; CallKind::ALL.len()],
    /// Positions that can never be valid on this state.
    pub refused: Vec<(usize, Refusal)>,
    /// Positions that a later block can take.
    pub deferred: Vec<usize>,
}

impl Selection {
    /// Sum of the fees of what is included.
    pub fn fees(&self) -> u128 {
        self.lanes.iter().flatten().map(|(_, call)| u128::from(call.extrinsic.fee)).sum()
    }
}

/// What an extrinsic is checked against beside the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The block's number.
    pub number: u32,
    /// The chain's signing domain.
    pub chain_tag: Fr,
    /// Slots of each lane.
    pub capacities: [usize; CallKind::ALL.len()],
}

/// Executes what fits on `ledger`, in the order of the lanes, and within a lane in the order given.
///
/// The author's fees are not credited here: what is valid without them is valid with them.
pub fn select(
    ledger: &mut Ledger<'_>,
    rules: &Rules,
    extrinsics: &[Vec<u8>],
) -> Result<Selection, StateError> {
    let mut selector = Selector { ledger, rules, selection: Selection::default(), waiting: BTreeMap::new() };
    let candidates = selector.signed(extrinsics)?;
    for (lane, kind) in CallKind::ALL.into_iter().enumerate() {
        let of_lane = candidates.iter().filter(|(_, extrinsic)| extrinsic.call == kind);
        selector.fill(lane, of_lane)?;
    }
    selector.settle_waiting()?;
    let mut selection = selector.selection;
    selection.refused.sort_by_key(|(position, _)| *position);
    selection.deferred.sort_unstable();
    Ok(selection)
}

struct Selector<'s, 'l, 'a> {
    ledger: &'s mut Ledger<'a>,
    rules: &'l Rules,
    selection: Selection,
    /// Positions not taken although nothing speaks against them yet, by sender and nonce.
    waiting: BTreeMap<(u32, u32), Vec<usize>>,
}

impl Selector<'_, '_, '_> {
    fn refuse(&mut self, position: usize, reason: Refusal) {
        self.selection.refused.push((position, reason));
    }

    /// The extrinsics that decode, have a sender and carry its signature.
    fn signed(&mut self, extrinsics: &[Vec<u8>]) -> Result<Vec<(usize, Extrinsic)>, StateError> {
        let mut decoded = Vec::with_capacity(extrinsics.len());
        for (position, bytes) in extrinsics.iter().enumerate() {
            match Extrinsic::decode(bytes) {
                Err(error) => self.refuse(position, error.into()),
                Ok(extrinsic) => match self.ledger.account(extrinsic.sender)? {
                    None => self.refuse(position, Refusal::UnknownSender { sender: extrinsic.sender }),
                    Some(account) => decoded.push((position, extrinsic, account.key)),
                },
            }
        }
        let tag = self.rules.chain_tag;
        let check = |(_, extrinsic, key): &(usize, Extrinsic, PublicKey)| {
            eddsa::verify(key, extrinsic.message(tag), &extrinsic.signature)
                .map_err(|_| Refusal::Signature)?;
            match extrinsic.call {
                CallKind::Transfer => Ok(()),
                CallKind::Open => extrinsic.receiver.check_subgroup().map_err(Refusal::call),
            }
        };
        let verdicts: Vec<Result<(), Refusal>> = decoded.par_iter().map(check).collect();
        let mut accepted = Vec::with_capacity(decoded.len());
        for ((position, extrinsic, _), verdict) in decoded.into_iter().zip(verdicts) {
            match verdict {
                Ok(()) => accepted.push((position, extrinsic)),
                Err(reason) => self.refuse(position, reason),
            }
        }
        Ok(accepted)
    }

    /// Fills one lane. An extrinsic whose nonce is ahead waits, and is taken as soon as its turn comes.
    fn fill<'e>(
        &mut self,
        lane: usize,
        candidates: impl Iterator<Item = &'e (usize, Extrinsic)>,
    ) -> Result<(), StateError> {
        let mut ahead: BTreeMap<(u32, u32), VecDeque<&'e (usize, Extrinsic)>> = BTreeMap::new();
        for candidate in candidates {
            let mut turn = Some(candidate);
            while let Some(entry) = turn.take() {
                let (position, extrinsic) = entry;
                let Some(expected) = self.due_nonce(*position, extrinsic)? else { continue };
                let place = (extrinsic.sender, extrinsic.nonce);
                if extrinsic.nonce > expected {
                    ahead.entry(place).or_default().push_back(entry);
                } else if self.lane_is_full(lane) {
                    self.waiting.entry(place).or_default().push(*position);
                } else if self.take(lane, *position, extrinsic)? {
                    let next = (extrinsic.sender, expected.saturating_add(1));
                    turn = ahead.get_mut(&next).and_then(VecDeque::pop_front);
                }
            }
        }
        for (place, entries) in ahead {
            self.waiting.entry(place).or_default().extend(entries.iter().map(|(position, _)| *position));
        }
        Ok(())
    }

    fn lane_is_full(&self, lane: usize) -> bool {
        let used = self.selection.lanes.get(lane).map_or(0, Vec::len);
        used >= self.rules.capacities.get(lane).copied().unwrap_or_default()
    }

    /// The sender's nonce, unless the extrinsic is refused whatever its turn.
    fn due_nonce(&mut self, position: usize, extrinsic: &Extrinsic) -> Result<Option<u32>, StateError> {
        let Extrinsic { sender, nonce: found, expiry, fee, .. } = *extrinsic;
        let number = self.rules.number;
        let minimum = self.ledger.parameters().minimum_fee;
        let Some(account) = self.ledger.account(sender)? else {
            self.refuse(position, Refusal::UnknownSender { sender });
            return Ok(None);
        };
        let expected = account.nonce;
        if expiry < number {
            self.refuse(position, Refusal::Expired { expiry, number });
        } else if fee < minimum {
            self.refuse(position, Refusal::FeeTooLow { fee, minimum });
        } else if expected == u32::MAX {
            self.refuse(position, Refusal::NoncesExhausted { sender });
        } else if found < expected {
            self.refuse(position, Refusal::NonceUsed { sender, expected, found });
        } else {
            return Ok(Some(expected));
        }
        Ok(None)
    }

    /// Executes a call whose turn it is; whether it was possible.
    fn take(&mut self, lane: usize, position: usize, extrinsic: &Extrinsic) -> Result<bool, StateError> {
        match self.execute(extrinsic) {
            Ok(call) => {
                if let Some(lane) = self.selection.lanes.get_mut(lane) {
                    lane.push((position, call));
                }
                Ok(true)
            }
            Err(LedgerError::Call(reason)) => {
                self.refuse(position, Refusal::call(reason));
                Ok(false)
            }
            Err(LedgerError::State(error)) => Err(error),
        }
    }

    fn execute(&mut self, extrinsic: &Extrinsic) -> Result<PlacedCall, LedgerError> {
        let known = self.ledger.index_of(&extrinsic.receiver)?;
        let receiver = match (extrinsic.call, known) {
            (CallKind::Transfer, Some(index)) => index,
            (CallKind::Transfer, None) => return Err(CallError::UnknownReceiver.into()),
            (CallKind::Open, Some(index)) => return Err(CallError::AlreadyOpen(index).into()),
            (CallKind::Open, None) => self.ledger.next_place()?.ok_or(CallError::Full)?,
        };
        let call = PlacedCall { extrinsic: *extrinsic, receiver };
        match extrinsic.call {
            CallKind::Transfer => self.ledger.transfer(call.movement())?,
            CallKind::Open => self.ledger.open(call.movement(), extrinsic.receiver)?,
        }
        Ok(call)
    }

    /// Splits what waits at the end into what a later block can take, and what has a gap before it.
    fn settle_waiting(&mut self) -> Result<(), StateError> {
        let waiting = std::mem::take(&mut self.waiting);
        let places: BTreeSet<(u32, u32)> = waiting.keys().copied().collect();
        for ((sender, found), positions) in waiting {
            let expected = self.ledger.account(sender)?.map_or(0, |account| account.nonce);
            let gapless = (expected..found).all(|nonce| places.contains(&(sender, nonce)));
            for position in positions {
                if found < expected {
                    self.refuse(position, Refusal::NonceUsed { sender, expected, found });
                } else if gapless {
                    self.selection.deferred.push(position);
                } else {
                    self.refuse(position, Refusal::NonceAhead { sender, expected, found });
                }
            }
        }
        Ok(())
    }
}
