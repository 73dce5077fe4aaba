//! A block of the pallet's calls executed again, as a validator without proofs would: on balances as integers, with no
//! circuit in sight. The runtime's execution is held equal to it by a property test.

use rayon::prelude::*;
use zkpov_verifier::eddsa;

use super::{
    call::{CallKind, Extrinsic},
    ledger::{CallError, Ledger, LedgerError, Movement},
};
use crate::{
    runtime::{BlockContext, chain_tag},
    state::{ChangeSet, Layout, StateError, StateReader},
};
use zkpov_verifier::field::Fr;

/// Why a block is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ReexecutionError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// An extrinsic does not decode, is not its sender's, or its turn is another.
    #[error("extrinsic {0} is not valid here")]
    Extrinsic(usize),
    /// An extrinsic cannot be executed.
    #[error("extrinsic {0}: {1}")]
    Call(usize, CallError),
    /// The author's account cannot take the fees.
    #[error("the author's account: {0}")]
    Author(CallError),
}

/// Executes `extrinsics` one after the other and credits the author; the state root after them and what changes.
///
/// # Errors
///
/// [`ReexecutionError`], for the first that is not valid.
pub fn reexecute(
    layout: &Layout,
    state: &dyn StateReader,
    context: &BlockContext,
    extrinsics: &[Vec<u8>],
) -> Result<(Fr, ChangeSet), ReexecutionError> {
    let mut ledger = Ledger::open_state(layout, state)?;
    let decoded = extrinsics.iter().enumerate().map(|(position, bytes)| {
        let extrinsic = Extrinsic::decode(bytes).map_err(|_| ReexecutionError::Extrinsic(position))?;
        let account = ledger.account(extrinsic.sender)?;
        Ok((extrinsic, account.ok_or(ReexecutionError::Extrinsic(position))?.key))
    });
    let decoded = decoded.collect::<Result<Vec<_>, ReexecutionError>>()?;
    let tag = chain_tag(&context.identity);
    decoded.par_iter().enumerate().try_for_each(|(position, (extrinsic, key))| {
        eddsa::verify(key, extrinsic.message(tag), &extrinsic.signature)
            .map_err(|_| ReexecutionError::Extrinsic(position))
    })?;
    let number = context.parent.number.saturating_add(1);
    let mut fees = 0u128;
    for (position, (extrinsic, _)) in decoded.iter().enumerate() {
        fees += u128::from(extrinsic.fee);
        execute(&mut ledger, number, position, extrinsic)?;
    }
    ledger.credit(context.author, fees).map_err(|error| match error {
        LedgerError::State(error) => error.into(),
        LedgerError::Call(error) => ReexecutionError::Author(error),
    })?;
    Ok(ledger.commit()?)
}

fn execute(
    ledger: &mut Ledger<'_>,
    number: u32,
    position: usize,
    extrinsic: &Extrinsic,
) -> Result<(), ReexecutionError> {
    let failed = |error: LedgerError| match error {
        LedgerError::State(error) => ReexecutionError::State(error),
        LedgerError::Call(error) => ReexecutionError::Call(position, error),
    };
    let Extrinsic { call, sender, nonce, expiry, fee, amount, receiver: key, .. } = *extrinsic;
    let due = ledger.account(sender)?.is_some_and(|account| account.nonce == nonce);
    if !due || expiry < number || fee < ledger.parameters().minimum_fee {
        return Err(ReexecutionError::Extrinsic(position));
    }
    let known = ledger.index_of(&key)?;
    let movement = |receiver| Movement { sender, receiver, amount, fee };
    match (call, known) {
        (CallKind::Transfer, Some(receiver)) => ledger.transfer(movement(receiver)).map_err(failed),
        (CallKind::Open, None) => {
            key.check_subgroup().map_err(|_| ReexecutionError::Extrinsic(position))?;
            let place = ledger.next_place()?.ok_or(ReexecutionError::Call(position, CallError::Full))?;
            ledger.open(movement(place), key).map_err(failed)
        }
        (CallKind::Transfer, None) => Err(ReexecutionError::Call(position, CallError::UnknownReceiver)),
        (CallKind::Open, Some(index)) => Err(ReexecutionError::Call(position, CallError::AlreadyOpen(index))),
    }
}
