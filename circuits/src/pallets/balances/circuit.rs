//! The pallet's calls: one definition for circuits and for native execution.
//!
//! ```text
//!   transfer   amount taken from the sender;  receiver ─ read, credited ─ write
//!   open       amount taken from the sender;  a vacant place ─ write a new account
//! ```
//!
//! **Why the issuance is conserved.** The runtime lowers the sender's balance by what a call takes (`runtime/block.rs`
//! says why that is exact), and a used slot gives as much to the receiver (`transfer`) or to an account
//! that was not there (`open`). An unused slot writes nothing.

use ark_relations::gr1cs::Result;
use zkpov_verifier::eddsa::PublicKey;

use crate::{
    runtime::{Account, AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    values,
};

values! {
    /// What a sender signs of a transfer, to an account or to a key that gets one.
    #[derive(Eq)]
    pub struct Payment / PaymentVar ("payment") {
        /// What the receiver gets.
        amount: u128,
        /// The receiver's key: an index alone could change owner after a revert.
        receiver: PublicKey,
    }
}

values! {
    /// What a transfer's slot is given, and what the body says of it.
    pub struct Transferred / TransferredVar ("transfer") {
        /// The receiver's account.
        receiver: AccountIndex,
        /// What it gets.
        amount: u128,
    }
}

values! {
    /// What an open's slot is given, and what the body says of it.
    pub struct Opened / OpenedVar ("open") {
        /// The place of the new account.
        receiver: AccountIndex,
        /// What it begins with.
        amount: u128,
        /// Its key.
        key: PublicKey,
    }
}

/// Moves an amount to an account that exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transfer;

impl Call for Transfer {
    const NAME: &'static str = "transfer";

    type Arguments = Payment;
    type Inputs = Transferred;
    type Body = Transferred;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        payment: &Payment,
    ) -> core::result::Result<Transferred, Unfit> {
        let receiver = view
            .account_of(&payment.receiver)?
            .ok_or_else(|| Unfit::because("the receiver has no account: `open` one"))?;
        let transferred = Transferred { receiver, amount: payment.amount };
        self.restore(view, sender, &transferred)
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Transferred,
    ) -> core::result::Result<Transferred, Unfit> {
        check_payer(view, sender, body.amount)?;
        if body.receiver == sender {
            return Err(Unfit::because(format!("account {} would send to itself", sender.0)));
        }
        let receiver: Option<Account> = view.read(body.receiver.0)?;
        let receiver = receiver.ok_or_else(|| Unfit::because("the receiver has no account: `open` one"))?;
        if receiver.balance.checked_add(body.amount).is_none() {
            return Err(Unfit::because(format!(
                "the balance of account {} would exceed 128 bits",
                body.receiver.0
            )));
        }
        Ok(body.clone())
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: TransferredVar,
    ) -> Result<Executed<Payment, Transferred>> {
        slot.take(&inputs.amount)?;
        let receiver = slot.credit(&inputs.receiver, &inputs.amount)?;
        let signed = PaymentVar { amount: inputs.amount.clone(), receiver: receiver.key };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Transferred> {
        let receiver = Account::opened(IdleContext::key(), context.parameters.existential_deposit);
        Idle::new(Transferred { receiver: AccountIndex::from(1), amount: 0 }).reading(&receiver)
    }
}

/// Moves an amount to a new account, opened for a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Call for Open {
    const NAME: &'static str = "open";

    type Arguments = Payment;
    type Inputs = Opened;
    type Body = Opened;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        payment: &Payment,
    ) -> core::result::Result<Opened, Unfit> {
        if let Some(index) = view.account_of(&payment.receiver)? {
            return Err(Unfit::because(format!("the key already has account {}: `transfer` to it", index.0)));
        }
        let place = view.next_place::<Account>()?;
        let receiver: AccountIndex =
            place.ok_or_else(|| Unfit::because("the chain has no free account place"))?.into();
        self.restore(view, sender, &Opened { receiver, amount: payment.amount, key: payment.receiver })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Opened,
    ) -> core::result::Result<Opened, Unfit> {
        check_payer(view, sender, body.amount)?;
        let deposit = view.parameters.existential_deposit;
        if body.amount < deposit {
            return Err(Unfit::because(format!(
                "opening an account takes at least the existential deposit, {deposit}, not {}",
                body.amount
            )));
        }
        if u64::from(body.receiver.0) >= view.places::<Account>() {
            return Err(Unfit::because(format!("the chain has no account place {}", body.receiver.0)));
        }
        if view.read::<Account>(body.receiver.0)?.is_some() {
            return Err(Unfit::because(format!("place {} is taken", body.receiver.0)));
        }
        body.key.check_subgroup().map_err(|error| Unfit::because(error.to_string()))?;
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: OpenedVar) -> Result<Executed<Payment, Opened>> {
        slot.take(&inputs.amount)?;
        slot.open(&inputs.receiver, &inputs.key, &inputs.amount)?;
        let signed = PaymentVar { amount: inputs.amount.clone(), receiver: inputs.key.clone() };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Opened> {
        let amount = context.parameters.existential_deposit;
        Idle::new(Opened { receiver: AccountIndex::from(1), amount, key: IdleContext::key() })
    }
}

/// Whether the sender can spare `amount`, the fee apart: for an error with figures.
fn check_payer(view: &View<'_>, sender: AccountIndex, amount: u128) -> core::result::Result<(), Unfit> {
    let account: Option<Account> = view.read(sender.0)?;
    let account =
        account.ok_or_else(|| Unfit::because(format!("there is no account {} to send from", sender.0)))?;
    let transferable = account.balance.saturating_sub(view.parameters.existential_deposit);
    if amount > transferable {
        return Err(Unfit::because(format!(
            "account {} can spend {transferable}, not {amount} and a fee",
            sender.0
        )));
    }
    Ok(())
}
