//! `send`: native tokens to somebody on another chain.
//!
//! ```text
//!   sender's balance ──amount──► allowance of the destination          a record with the next number ──► outbox
//! ```

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{recipient::Recipient, record::Counters};
use crate::{
    bit::Bit,
    constraint::{enforce_product, product},
    linear::Linear,
    runtime::{Account, AccountIndex, Call, Executed, Idle, IdleContext, Outgoing, Slot, Unfit, View},
    state::StateError,
    values,
};

values! {
    /// What a sender signs.
    #[derive(Copy, Eq)]
    pub struct Sending / SendingVar ("send") {
        /// Para id of the chain that it goes to.
        destination: u32,
        /// How much.
        amount: u128,
        /// Who gets it there.
        recipient: Recipient,
    }
}

values! {
    /// What the body says of it. Who gets it is in the message.
    #[derive(Copy, Eq)]
    pub struct Sent / SentVar ("sent") {
        /// Para id of the chain that it goes to.
        destination: u32,
        /// How much.
        amount: u128,
    }
}

/// Sends native tokens to another chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Send;

/// The counters.
pub(super) fn counters(view: &View<'_>) -> core::result::Result<Counters, StateError> {
    view.read(0)?.ok_or(StateError::Missing { what: "the counters of messages" })
}

impl Call for Send {
    const NAME: &'static str = "send";

    type Arguments = Sending;
    type Inputs = Sending;
    type Body = Sent;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        sending: &Sending,
    ) -> core::result::Result<Sending, Unfit> {
        let Sending { destination, amount, recipient } = *sending;
        self.restore(view, sender, &Sent { destination, amount })?;
        if !view.has_room_to(destination) {
            return Err(Unfit::Later(format!(
                "the channel to chain {destination} takes no more in this block"
            )));
        }
        Ok(Sending { destination, amount, recipient })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Sent,
    ) -> core::result::Result<Sending, Unfit> {
        let Sent { destination, amount } = *body;
        if counters(view)?.peer(destination).is_none() {
            return Err(Unfit::because(format!(
                "chain {destination} is none that tokens are exchanged with"
            )));
        }
        if amount == 0 {
            return Err(Unfit::because("nothing is sent: the amount is 0"));
        }
        let account: Option<Account> = view.read(sender.0)?;
        let balance = account.map_or(0, |account| account.balance);
        let spendable = balance.saturating_sub(view.parameters.existential_deposit);
        if amount > spendable {
            return Err(Unfit::because(format!(
                "account {} can spend {spendable}, not {amount} and a fee",
                sender.0
            )));
        }
        Ok(Sending { destination, amount, recipient: Recipient::default() })
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: SendingVar) -> Result<Executed<Sending, Sent>> {
        slot.take(&inputs.amount)?;
        let counters = slot.register::<Counters>()?;
        let peer = counters.peer(&inputs.destination)?;
        let used = slot.used().clone();
        // Elsewhere there is no allowance to say what was sent.
        let (stranger, nothing) = (peer.known.not()?, Linear::new(&slot.cs()));
        enforce_product("send/to a peer", used.as_field(), stranger.as_field(), nothing)?;
        let transfer = Outgoing {
            is_refund: Bit::constant(false),
            destination: inputs.destination.clone(),
            token: counters.token.clone(),
            account: slot.sender()?.as_field().clone(),
            sequence: counters.next_sequence()?,
            refused: FpVar::Constant(Fr::ZERO),
            amount: inputs.amount.clone(),
            recipient: inputs.recipient.clone(),
        };
        slot.send(&Bit::constant(true), &transfer)?;
        let sent = product(used.as_field(), inputs.amount.as_field())?;
        let counters = counters.with_allowance(&peer, Fr::ONE, &sent)?.counting(&used)?;
        slot.set_register::<Counters>(&counters)?;
        let body = SentVar { destination: inputs.destination.clone(), amount: inputs.amount.clone() };
        Ok(Executed { signed: inputs, body })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Sending> {
        Idle::new(Sending { destination: 0, amount: 0, recipient: Recipient::default() })
    }
}
