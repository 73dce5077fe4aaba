//! What a call sees while a slot executes it.

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    account::{ACCOUNTS, Account, AccountVar, ISSUANCE_BITS, ParametersVar},
    authors::{Authors, AuthorsVar, SEATS},
    messages::{Mail, Outgoing, encode_pair},
    register::Registers,
    statement::Statement,
    vault::{OpenVault, RotationVar},
};
use crate::{
    bit::Bit,
    constraint::{self, product},
    gadgets::{
        babyjubjub::EdwardsPoint,
        range::{self, U32, U128, enforce_inverse},
    },
    linear::{self, Linear},
    namespace,
    state::{
        Record,
        circuit::{Index, Place, State},
    },
};

/// What all slots of a block share.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) chain_tag: FpVar<Fr>,
    pub(crate) parameters: ParametersVar,
    /// Added to the author's balance at the beginning.
    pub(crate) credited: FpVar<Fr>,
    /// Paid by the slots so far.
    pub(crate) paid: Linear,
    /// Minted less burned by the slots so far; `None` where no slot can.
    pub(crate) issued: Option<Linear>,
    /// The parameters after the block, their issuance apart; `None` where no slot can change them.
    pub(crate) next: Option<ParametersVar>,
    /// Who authors when.
    pub(crate) authors: AuthorsVar,
    /// The same after the block; `None` where no slot can change it.
    pub(crate) next_authors: Option<AuthorsVar>,
    /// The limbs of the next validation code's hash and how often one was set; `None` where no slot can.
    pub(crate) upgrade: Option<[Linear; 3]>,
    /// Single records that the block keeps in variables.
    pub(crate) registers: Registers,
    /// What the block takes and sends; `None` on a chain without messages.
    pub(crate) mail: Option<Mail>,
    /// The keys of a private chain; `None` of a public one.
    pub(crate) vault: Option<OpenVault>,
}

/// The account that pays for a slot.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) index: Index,
    pub(crate) account: AccountVar,
    /// What the call takes from the account.
    taken: Linear,
    /// What the call gives to it.
    given: Option<Linear>,
}

impl Sender {
    pub(crate) fn new(index: Index, account: AccountVar) -> Self {
        Self { index, account, taken: Linear::new(&ConstraintSystemRef::None), given: None }
    }

    /// The same account, of which nothing is taken yet.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.index.clone(), self.account.clone())
    }

    /// What was taken, and what was given.
    pub(crate) fn moved(self) -> (Linear, Option<Linear>) {
        (self.taken, self.given)
    }

    /// Takes and gives as much.
    pub(crate) fn move_by(&mut self, taken: Linear, given: Option<Linear>) {
        (self.taken, self.given) = (taken, given);
    }

    /// The account after the call, which costs `fee`. It keeps the existential deposit, so that what is left is not
    /// negative; its nonce is used.
    pub(crate) fn charged(self, fee: &FpVar<Fr>, deposit: &U128) -> Result<AccountVar> {
        let mut left = Linear::of(self.account.balance.as_field());
        left.add(-Fr::ONE, fee);
        left.add_linear(-Fr::ONE, &self.taken);
        let gains = self.given.is_some();
        if let Some(given) = &self.given {
            left.add_linear(Fr::ONE, given);
        }
        let left = left.finish()?;
        // Amounts are below 2^128 and a call moves a few: no sum comes near the field's order, so a debt has no such bits.
        let free = linear::difference(&left, deposit.as_field())?;
        U128::enforce("runtime/sender keeps the deposit", &free).map(drop)?;
        let balance = if gains {
            U128::enforce("runtime/sender balance", &left)?
        } else {
            // At most the balance before.
            U128::trust(left)
        };
        let nonce = self.account.nonce.as_field();
        let last = Linear::of(nonce).plus_constant(-Fr::from(u32::MAX)).finish()?;
        enforce_inverse("runtime/nonce is not the last", &last).map(drop)?;
        let next = Linear::of(nonce).plus_constant(Fr::ONE).finish()?;
        Ok(AccountVar { balance, nonce: U32::trust(next), ..self.account })
    }
}

/// A slot under execution.
///
/// Accesses to the state have an effect where [`used`](Self::used) is 1. Constraints that a call makes on its own hold
/// in every slot, used or not: in an unused one for the values of [`idle`](super::Call::idle).
#[derive(Debug)]
pub struct Slot<'s, 'w> {
    pub(crate) state: &'s mut State<'w>,
    pub(crate) statement: &'s Statement,
    pub(crate) rules: &'s mut Rules,
    pub(crate) used: Bit,
    pub(crate) sender: Option<Sender>,
}

impl<'w> Slot<'_, 'w> {
    /// The constraint system; none natively.
    pub fn cs(&self) -> ConstraintSystemRef<Fr> {
        self.state.cs().clone()
    }

    /// The state, for accesses whose effect depends on more than [`used`](Self::used).
    pub fn state(&mut self) -> &mut State<'w> {
        self.state
    }

    /// Whether the slot is used.
    pub fn used(&self) -> &Bit {
        &self.used
    }

    /// The block's number.
    pub fn number(&self) -> U32 {
        // A `u32` of the verifier's.
        U32::trust(self.statement.number().clone())
    }

    /// The relay parent's number.
    pub fn relay_parent_number(&self) -> U32 {
        // A `u32` of the verifier's.
        U32::trust(self.statement.relay_parent_number().clone())
    }

    /// What the block is proven to be.
    pub fn statement(&self) -> &Statement {
        self.statement
    }

    /// The chain's parameters, as they were before the block.
    pub fn parameters(&self) -> &ParametersVar {
        &self.rules.parameters
    }

    /// What binds signatures to this chain.
    pub fn chain_tag(&self) -> &FpVar<Fr> {
        &self.rules.chain_tag
    }

    /// The place of the sender's account.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] in an inherent, which has no sender.
    pub fn sender(&self) -> Result<&Index> {
        self.sender.as_ref().map(|sender| &sender.index).ok_or(SynthesisError::ArityMismatch)
    }

    /// The sender's account before the slot.
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender).
    pub fn sender_account(&self) -> Result<&AccountVar> {
        self.sender.as_ref().map(|sender| &sender.account).ok_or(SynthesisError::ArityMismatch)
    }

    /// Takes `amount` from the sender, which keeps the existential deposit. Whoever takes says who has it then: another
    /// account, a record of the pallet, or nobody after [`burn`](Self::burn).
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender).
    pub fn take(&mut self, amount: &U128) -> Result<()> {
        let sender = self.sender.as_mut().ok_or(SynthesisError::ArityMismatch)?;
        sender.taken.add(Fr::ONE, amount.as_field());
        Ok(())
    }

    /// Gives `amount` to the sender.
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender).
    pub fn give(&mut self, amount: &U128) -> Result<()> {
        let sender = self.sender.as_mut().ok_or(SynthesisError::ArityMismatch)?;
        let given = sender.given.get_or_insert_with(|| Linear::new(&ConstraintSystemRef::None));
        given.add(Fr::ONE, amount.as_field());
        Ok(())
    }

    /// Adds `amount` to the account at `index`; the account before. Like every account that a slot accesses, it is not the
    /// sender's: that one is written when the call is done, and held apart then ([`State::write`]).
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn credit(&mut self, index: &Index, amount: &U128) -> Result<AccountVar> {
        let (account, place) = self.read::<Account>(index)?;
        let balance = account.balance.checked_add("runtime/receiver balance", amount)?;
        self.write::<Account>(place, &AccountVar { balance, ..account.clone() })?;
        Ok(account)
    }

    /// Opens an account with this key and balance at a vacant place: the key is held to be one, the balance to be at
    /// least the existential deposit.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn open(&mut self, index: &Index, key: &EdwardsPoint, balance: &U128) -> Result<()> {
        let deposit = &self.rules.parameters.existential_deposit;
        deposit.enforce_at_most("runtime/opened with the deposit", balance)?;
        key.enforce_key()?;
        let place = self.vacant::<Account>(index)?;
        let account = AccountVar {
            key: key.clone(),
            balance: balance.clone(),
            nonce: U32::constant(0)?,
            may_author: Bit::constant(false),
        };
        self.write::<Account>(place, &account)
    }

    /// The record at `index`, as the state has it where the slot is used.
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if there is none.
    pub fn read<R: Record>(&mut self, index: &Index) -> Result<(R::Var, Place)> {
        let used = self.used.clone();
        self.state.read::<R>(&used, index)
    }

    /// States what depends on private inputs: those that the body does not tell. An importer leaves it out, who knows no
    /// more than the body.
    ///
    /// That is sound because `prove` gives nothing back and [`Private`] changes nothing: what the slot does to the state
    /// and says in the body is the same with and without. The proof of the block stands for what was stated.
    ///
    /// # Errors
    ///
    /// Those of `prove`.
    pub fn privately(&mut self, prove: impl FnOnce(&mut Private<'_, 'w>) -> Result<()>) -> Result<()> {
        if self.state.is_importing() {
            return Ok(());
        }
        let cs = self.cs();
        let _namespace = namespace::enter(&cs, "private");
        prove(&mut Private {
            state: self.state,
            statement: self.statement,
            chain_tag: &self.rules.chain_tag,
            used: &self.used,
        })
    }

    /// Whether there is a record at `index`, and the record, as the state has it where the slot is used; its elements are
    /// 0 where there is none: see [`State::read_or_blank`].
    ///
    /// # Errors
    ///
    /// None but those of the constraint system.
    pub fn read_or_blank<R: Record>(&mut self, index: &Index) -> Result<(Bit, R::Var, Place)> {
        let used = self.used.clone();
        self.state.read_or_blank::<R>(&used, index)
    }

    /// A place that is empty where the slot is used.
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if it is not.
    pub fn vacant<R: Record>(&mut self, index: &Index) -> Result<Place> {
        let used = self.used.clone();
        self.state.vacant::<R>(&used, index)
    }

    /// The record at `index` where `present` is 1, or an empty place where it is 0: see [`State::read_or_vacant`].
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if the place is not what `present` says.
    pub fn read_or_vacant<R: Record>(&mut self, present: &Bit, index: &Index) -> Result<(R::Var, Place)> {
        let used = self.used.clone();
        self.state.read_or_vacant::<R>(&used, present, index)
    }

    /// Puts `record` at a place where the slot is used.
    ///
    /// # Errors
    ///
    /// None but those of the constraint system.
    pub fn write<R: Record>(&mut self, place: Place, record: &R::Var) -> Result<()> {
        let used = self.used.clone();
        self.state.write::<R>(&used, place, record)
    }

    /// The only record of a storage that has one, as the slots so far leave it. The block reads it once and keeps it in variables: no slot
    /// after the first pays for it. A storage is accessed in this way or by [`read`](Self::read), not by both.
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if there is none.
    pub fn register<R: Record>(&mut self) -> Result<R::Var> {
        self.rules.registers.get::<R>(self.state)
    }

    /// Sets a [register](Self::register), *in an unused slot too*: there it must be what it was.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] if it was never read.
    pub fn set_register<R: Record>(&mut self, record: &R::Var) -> Result<()> {
        self.rules.registers.set::<R>(self.state, record)
    }

    /// The root of the records that the block takes from other chains. A block whose pallets do not take it, or take it twice, has no
    /// circuit: nothing that arrives is left out.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] on a chain without messages, and if it was taken.
    pub fn take_inbox(&mut self) -> Result<FpVar<Fr>> {
        self.rules.mail.as_mut().ok_or(SynthesisError::ArityMismatch)?.take_inbox()
    }

    /// Holds the block to take no messages from other chains: once in a block, in place of [`take_inbox`](Self::take_inbox).
    ///
    /// # Errors
    ///
    /// As [`take_inbox`](Self::take_inbox).
    pub fn refuse_inbox(&mut self) -> Result<()> {
        self.rules.mail.as_mut().ok_or(SynthesisError::ArityMismatch)?.refuse_inbox()
    }

    /// Sends a transfer to another chain, where `when` is 1 and the slot is used.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] on a chain without messages.
    pub fn send(&mut self, when: &Bit, transfer: &Outgoing) -> Result<()> {
        let when = self.used.and(when)?;
        self.rules.mail.as_mut().ok_or(SynthesisError::ArityMismatch)?.send(&when, transfer)
    }

    /// Natively, and where `when` is 1 and the slot is used, keeps a pair of elements beside the state, under the name of the element
    /// that they lead to: for [`View::remembered`](super::View::remembered). No matter of soundness.
    ///
    /// # Errors
    ///
    /// None natively.
    pub fn remember(
        &mut self,
        when: &Bit,
        of: &FpVar<Fr>,
        pair: [&FpVar<Fr>; 2],
        name: impl FnOnce(&Fr) -> Vec<u8>,
    ) -> Result<()> {
        let used = &self.used;
        if let Some(recorder) = self.state.recorder_mut()
            && used.value()?
            && when.value()?
        {
            let [first, second] = pair;
            recorder.set_auxiliary(name(&of.value()?), encode_pair([first.value()?, second.value()?]));
        }
        Ok(())
    }

    /// Adds `amount`, which the caller gives to somebody, to the total issuance.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn mint(&mut self, amount: &U128) -> Result<()> {
        self.issue(Fr::ONE, amount)
    }

    /// Takes `amount`, which the caller took from somebody, off the total issuance.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn burn(&mut self, amount: &U128) -> Result<()> {
        self.issue(-Fr::ONE, amount)
    }

    fn issue(&mut self, sign: Fr, amount: &U128) -> Result<()> {
        let amount = product(self.used.as_field(), amount.as_field())?;
        self.rules.issued.get_or_insert_with(|| Linear::new(&ConstraintSystemRef::None)).add(sign, &amount);
        Ok(())
    }

    /// The parameters as they are after the slots so far, the total issuance apart.
    pub fn next_parameters(&self) -> &ParametersVar {
        self.rules.next.as_ref().unwrap_or(&self.rules.parameters)
    }

    /// Sets the parameters from the next block on, where `when` is 1 and the slot is used. Their total issuance is not looked at.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn set_parameters(&mut self, when: &Bit, parameters: &ParametersVar) -> Result<()> {
        let when = self.used.and(when)?;
        let before = self.next_parameters();
        let next = ParametersVar {
            existential_deposit: U128::select(
                &when,
                &parameters.existential_deposit,
                &before.existential_deposit,
            )?,
            minimum_fee: range::U64::select(&when, &parameters.minimum_fee, &before.minimum_fee)?,
            permissioned_authors: Bit::trust(when.select(
                parameters.permissioned_authors.as_field(),
                before.permissioned_authors.as_field(),
            )?),
            total_issuance: before.total_issuance.clone(),
        };
        self.rules.next = Some(next);
        Ok(())
    }

    /// Who authors when, as it is after the slots so far.
    pub fn next_authors(&self) -> &AuthorsVar {
        self.rules.next_authors.as_ref().unwrap_or(&self.rules.authors)
    }

    /// Sets who authors from the next block on, where the slot is used: how many seats there are, and who has them.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn set_authors(&mut self, authors: &AuthorsVar) -> Result<()> {
        let before = self.next_authors();
        let mut next = before.clone();
        next.count = range::Uint::select(&self.used, &authors.count, &before.count)?;
        for ((next, seat), before) in next.seats.iter_mut().zip(&authors.seats).zip(&before.seats) {
            *next = range::Uint::select(&self.used, seat, before)?;
        }
        self.rules.next_authors = Some(next);
        Ok(())
    }

    /// Who has a seat before the block, each by its [`mark`](super::authors::mark); 0 where there is nobody.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] on a public chain.
    pub fn roster(&self) -> Result<&[FpVar<Fr>; SEATS]> {
        Ok(&self.rules.vault.as_ref().ok_or(SynthesisError::ArityMismatch)?.roster)
    }

    /// The key that is to follow a private chain's, as the slots so far leave it.
    ///
    /// # Errors
    ///
    /// As [`roster`](Self::roster).
    pub fn rotation(&self) -> Result<&RotationVar> {
        Ok(&self.rules.vault.as_ref().ok_or(SynthesisError::ArityMismatch)?.rotation)
    }

    /// Sets the key that is to follow, where the slot is used.
    ///
    /// # Errors
    ///
    /// As [`roster`](Self::roster).
    pub fn set_rotation(&mut self, rotation: &RotationVar) -> Result<()> {
        let vault = self.rules.vault.as_mut().ok_or(SynthesisError::ArityMismatch)?;
        let before = &mut vault.rotation;
        before.next = self.used.select(&rotation.next, &before.next)?;
        for (before, holder) in before.holders.iter_mut().zip(&rotation.holders) {
            *before = U32::select(&self.used, holder, before)?;
        }
        vault.tell(self.state)
    }

    /// Makes the code with this blake2b-256 hash, as two limbs, the next validation code, where `when` is 1 and the slot
    /// is used. A block in which it happens twice has no witness.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn upgrade(&mut self, when: &Bit, code_hash: [&U128; 2]) -> Result<()> {
        let when = self.used.and(when)?;
        let zero = || Linear::new(&ConstraintSystemRef::None);
        let [low, high, count] = self.rules.upgrade.get_or_insert_with(|| [zero(), zero(), zero()]);
        for (sum, limb) in [low, high].into_iter().zip(code_hash) {
            sum.add(Fr::ONE, &product(when.as_field(), limb.as_field())?);
        }
        count.add(Fr::ONE, when.as_field());
        Ok(())
    }
}

/// A slot while it states what depends on private inputs: it looks at the block and changes nothing.
#[derive(Debug)]
pub struct Private<'p, 'w> {
    state: &'p mut State<'w>,
    statement: &'p Statement,
    chain_tag: &'p FpVar<Fr>,
    used: &'p Bit,
}

impl Private<'_, '_> {
    /// The constraint system; none natively.
    pub fn cs(&self) -> ConstraintSystemRef<Fr> {
        self.state.cs().clone()
    }

    /// Whether the slot is used.
    pub fn used(&self) -> &Bit {
        self.used
    }

    /// The block's number.
    pub fn number(&self) -> U32 {
        // A `u32` of the verifier's.
        U32::trust(self.statement.number().clone())
    }

    /// What binds signatures to this chain.
    pub fn chain_tag(&self) -> &FpVar<Fr> {
        self.chain_tag
    }

    /// The record at `index` as the block leaves the state, where the slot is used.
    ///
    /// No later lane may write to the storage: natively the record is read as it is now.
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if there is none.
    pub fn read<R: Record>(&mut self, index: &Index) -> Result<R::Var> {
        self.state.read_privately::<R>(self.used, index)
    }
}

/// The end of a block's bookkeeping: the author got what the slots paid; the parameters and the authors are written where a
/// slot can change them.
pub(crate) fn close(
    rules: Rules,
    state: &mut State<'_>,
    [place, seats]: [Place; 2],
    statement: &Statement,
) -> Result<()> {
    let cs = state.cs().clone();
    let _namespace = namespace::enter(&cs, "close");
    constraint::enforce_equal("runtime/fees", rules.paid, &rules.credited)?;
    if rules.issued.is_some() || rules.next.is_some() {
        let mut parameters = rules.next.unwrap_or_else(|| rules.parameters.clone());
        if let Some(issued) = rules.issued {
            let mut total = Linear::of(parameters.total_issuance.as_field());
            total.add_linear(Fr::ONE, &issued);
            let total = total.finish()?;
            range::bits("runtime/issuance", &total, ISSUANCE_BITS).map(drop)?;
            parameters.total_issuance = U128::trust(total);
        }
        state.write::<super::account::Parameters>(&Bit::constant(true), place, &parameters)?;
    }
    if let Some(authors) = rules.next_authors {
        state.write::<Authors>(&Bit::constant(true), seats, &authors)?;
    }
    rules.registers.close(state)?;
    if let Some(mail) = rules.mail {
        mail.close(statement)?;
    }
    match rules.upgrade {
        Some([low, high, count]) => {
            constraint::enforce_boolean("runtime/one upgrade", count)?;
            if cs.is_none() {
                // Natively the statement follows from the block and is not there yet.
                return Ok(());
            }
            let [claimed_low, claimed_high] = statement.upgrade();
            constraint::enforce_equal("runtime/upgrade", low, claimed_low)?;
            constraint::enforce_equal("runtime/upgrade", high, claimed_high)
        }
        None => statement
            .upgrade()
            .into_iter()
            .try_for_each(|limb| constraint::enforce_zero("runtime/upgrade", Linear::of(limb))),
    }
}

/// The shape of the account storage of a slot's state.
pub(crate) fn accounts(state: &State<'_>) -> crate::state::Shape {
    state.shape(ACCOUNTS)
}
