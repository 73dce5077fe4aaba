//! The pallet's transitions in native code, on balances as integers: what both execution and import do.

use codec::{DecodeAll, Encode};
use zkpov_verifier::{eddsa::PublicKey, field::Fr};

use crate::{
    runtime::{ACCOUNTS, Account, Parameters, account::index_name},
    state::{ChangeSet, Layout, State, StateError, StateReader, keys},
};

/// Why a call cannot be executed on a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The sender does not exist.
    #[error("there is no account {0} to send from")]
    UnknownSender(u32),
    /// The receiver does not exist.
    #[error("the receiver has no account: `open` one")]
    UnknownReceiver,
    /// Sender and receiver are one.
    #[error("account {0} would send to itself")]
    SelfTransfer(u32),
    /// The sender has too little above the existential deposit.
    #[error("account {sender} can spend {transferable}, not {needed}")]
    Overdraft {
        /// The sender's index.
        sender: u32,
        /// What it can spend.
        transferable: u128,
        /// Amount and fee.
        needed: u128,
    },
    /// Amount and fee together are no balance.
    #[error("amount and fee together exceed 128 bits")]
    TooMuch,
    /// The receiver's balance would exceed 128 bits.
    #[error("the balance of account {0} would exceed 128 bits")]
    Overflow(u32),
    /// The sender has used its last nonce.
    #[error("account {0} has used all its nonces")]
    NoncesExhausted(u32),
    /// An account is opened with less than the existential deposit.
    #[error("opening an account takes at least the existential deposit, {deposit}, not {amount}")]
    BelowDeposit {
        /// The amount given.
        amount: u128,
        /// The existential deposit.
        deposit: u128,
    },
    /// The key has an account.
    #[error("the key already has account {0}: `transfer` to it")]
    AlreadyOpen(u32),
    /// The place is taken.
    #[error("place {0} is taken")]
    Occupied(u32),
    /// The place does not exist.
    #[error("the chain has no account place {0}")]
    NoSuchPlace(u32),
    /// Every place is taken.
    #[error("the chain has no free account place")]
    Full,
}

/// A refused transition, or a state that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The transition is not possible.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a call moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Who pays.
    pub sender: u32,
    /// Who gets the amount.
    pub receiver: u32,
    /// The amount.
    pub amount: u128,
    /// What the author gets.
    pub fee: u64,
}

/// The balances of a chain under change.
#[derive(Debug)]
pub struct Ledger<'a> {
    state: State<'a>,
    parameters: Parameters,
    places: u64,
}

impl<'a> Ledger<'a> {
    /// The ledger of an existing state.
    pub fn open_state(layout: &'a Layout, below: &'a dyn StateReader) -> Result<Self, StateError> {
        let state = State::new(layout, below);
        let parameters = state.read(0)?.ok_or(StateError::Missing { what: "parameters" })?;
        Ok(Self { state, parameters, places: layout.shape(ACCOUNTS).places() })
    }

    /// The chain's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The account at `index`.
    pub fn account(&self, index: u32) -> Result<Option<Account>, StateError> {
        self.state.read(index)
    }

    /// The account that was opened last for `key`.
    pub fn index_of(&self, key: &PublicKey) -> Result<Option<u32>, StateError> {
        self.auxiliary(&index_name(key))
    }

    /// The place at which the next account opens; `None` when all are taken.
    pub fn next_place(&self) -> Result<Option<u32>, StateError> {
        Ok(self.auxiliary(&keys::next_place(ACCOUNTS))?.filter(|place| u64::from(*place) < self.places))
    }

    /// Adds the block's fees to the author's balance.
    pub fn credit(&mut self, author: u32, fees: u128) -> Result<(), LedgerError> {
        let account = self.account(author)?.ok_or(CallError::UnknownSender(author))?;
        let balance = account.balance.checked_add(fees).ok_or(CallError::Overflow(author))?;
        self.state.write(author, &Account { balance, ..account });
        Ok(())
    }

    /// A transfer to an existing account.
    pub fn transfer(&mut self, movement: Movement) -> Result<(), LedgerError> {
        let Movement { sender, receiver, amount, .. } = movement;
        if sender == receiver {
            return Err(CallError::SelfTransfer(sender).into());
        }
        let payer = self.debited(&movement)?;
        let account = self.account(receiver)?.ok_or(CallError::UnknownReceiver)?;
        let balance = account.balance.checked_add(amount).ok_or(CallError::Overflow(receiver))?;
        self.state.write(sender, &payer);
        self.state.write(receiver, &Account { balance, ..account });
        Ok(())
    }

    /// A transfer that opens an account for `key` at an empty place.
    pub fn open(&mut self, movement: Movement, key: PublicKey) -> Result<(), LedgerError> {
        let Movement { sender, receiver, amount, .. } = movement;
        if u64::from(receiver) >= self.places {
            return Err(CallError::NoSuchPlace(receiver).into());
        }
        let deposit = self.parameters.existential_deposit;
        if amount < deposit {
            return Err(CallError::BelowDeposit { amount, deposit }.into());
        }
        let payer = self.debited(&movement)?;
        if self.account(receiver)?.is_some() {
            return Err(CallError::Occupied(receiver).into());
        }
        self.state.write(sender, &payer);
        self.state.write(receiver, &Account::opened(key, amount));
        self.state.set_auxiliary(&index_name(&key), receiver.encode());
        self.skip_taken_places()
    }

    /// Hashes what changed; the new state root and all changes.
    pub fn commit(self) -> Result<(Fr, ChangeSet), StateError> {
        self.state.commit()
    }

    /// The sender after paying, its nonce used.
    fn debited(&self, movement: &Movement) -> Result<Account, LedgerError> {
        let Movement { sender, amount, fee, .. } = *movement;
        let account = self.account(sender)?.ok_or(CallError::UnknownSender(sender))?;
        let needed = amount.checked_add(fee.into()).ok_or(CallError::TooMuch)?;
        let transferable = account.balance.saturating_sub(self.parameters.existential_deposit);
        if needed > transferable {
            return Err(CallError::Overdraft { sender, transferable, needed }.into());
        }
        let nonce = account.nonce.checked_add(1).ok_or(CallError::NoncesExhausted(sender))?;
        Ok(Account { nonce, balance: account.balance - needed, ..account })
    }

    /// Moves the next place past what is taken: an author may open anywhere.
    fn skip_taken_places(&mut self) -> Result<(), LedgerError> {
        let mut next: u32 = self.auxiliary(&keys::next_place(ACCOUNTS))?.unwrap_or_default();
        while u64::from(next) < self.places && self.account(next)?.is_some() {
            next += 1;
        }
        self.state.set_auxiliary(&keys::next_place(ACCOUNTS), next.encode());
        Ok(())
    }

    fn auxiliary(&self, name: &[u8]) -> Result<Option<u32>, StateError> {
        let Some(bytes) = self.state.auxiliary(name)? else { return Ok(None) };
        u32::decode_all(&mut bytes.as_slice())
            .map(Some)
            .map_err(|_| StateError::corrupt(&crate::state::keys::auxiliary(name), "an account index"))
    }
}
