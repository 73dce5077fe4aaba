//! `receive`: the inbox lane. A slot takes the next record off the queue and credits, opens or refuses; or moves a batch.
//!
//! | a payment | |
//! |---|---|
//! | of a chain that is no peer | is dropped: there is nobody to give it back to |
//! | of another token, beyond the allowance, to what is no key, or too small to open an account | is refused: a refund leaves |
//! | to an account with the recipient's key | is credited |
//! | to an empty place, if it is at least the existential deposit | opens an account there |
//!
//! | a refund | |
//! |---|---|
//! | of a peer, of the native token, within the allowance, to an account that exists | is credited |
//! | any other | is dropped: no honest chain sends it, and nothing was lost here |
//!
//! The place is the author's choice where a payment is otherwise good: an account of the recipient's key, or an empty place, for no tree of
//! indices proves that a key has no account. Everything else about a slot follows from the state.

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::{
    field::Fr,
    transfer::{INBOX_DOMAIN, InboxRecord, Purpose, Transfer},
};

use super::{
    queue,
    record::{Counters, CountersVar, Found},
    send::counters,
};
use crate::{
    bit::Bit,
    constraint::{enforce_product, product},
    gadgets::{
        babyjubjub::EdwardsPoint,
        poseidon,
        range::{self, U128, is_equal, is_zero},
    },
    linear::{Linear, difference},
    runtime::{
        Account, AccountIndex, AccountVar, Arrived, Idle, IdleContext, Inherent, Outgoing, Slot, Unfit, View,
        messages::HEADER_BITS,
    },
    state::{Element, StateError, circuit::Place},
    values,
};

values! {
    /// What a slot is given: what a stack is the hash of, and what a root is the hash of; 0 where none is taken off.
    #[derive(Copy, Default, Eq)]
    pub struct Delivered / DeliveredVar ("receive") {
        /// The batch on top of the stack.
        batch: Element,
        /// The stack below it.
        below: Element,
        /// Whether the record is a refund.
        is_refund: bool,
        /// Who sent it.
        origin: u32,
        /// Para id of the chain whose token it is.
        token: u32,
        /// Of a payment, who gets it back there; of a refund, who gets it here.
        account: u32,
        /// The origin's number for it.
        sequence: u64,
        /// Of a refund, the number of what was refused.
        refused: u64,
        /// How much.
        amount: u128,
        /// The recipient's key, or (0, 0).
        x: Element,
        /// Its other coordinate.
        y: Element,
        /// The root of the records behind.
        behind: Element,
        /// Where it is delivered.
        place: AccountIndex,
    }
}

values! {
    /// What the body says of it: what does not follow from the state and from the messages that arrived.
    #[derive(Copy, Eq)]
    pub struct Delivery / DeliveryVar ("delivery") {
        /// Where it is delivered; 0 where nothing is.
        place: AccountIndex,
    }
}

/// Delivers what arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receive;

impl Inherent for Receive {
    const NAME: &'static str = "receive";

    type Inputs = Delivered;
    type Body = Delivery;

    fn next(&self, view: &View<'_>) -> core::result::Result<Option<Delivered>, StateError> {
        let next = match taken(view) {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(None),
            Err(Unfit::State(error)) => return Err(error),
            Err(Unfit::Refused(_) | Unfit::Later(_)) => return Ok(None),
        };
        let Some(arrived) = next.arrived else { return Ok(Some(next.delivered)) };
        let (place, waits) = deliverable(view, &arrived.record)?;
        Ok(place.filter(|_| !waits).map(|place| Delivered { place, ..next.delivered }))
    }

    fn restore(&self, view: &View<'_>, body: &Delivery) -> core::result::Result<Delivered, Unfit> {
        let next = taken(view)?.ok_or_else(|| Unfit::because("no message waits"))?;
        Ok(Delivered { place: body.place, ..next.delivered })
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: DeliveredVar) -> Result<DeliveryVar> {
        let taken = queue::take(slot, &inputs.batch, &inputs.below, &inputs.behind)?;
        open_record(slot, &inputs, &taken)?;
        let counters = slot.register::<Counters>()?;
        let peer = counters.peer(&inputs.origin)?;
        let (there, account, place) = slot.read_or_blank::<Account>(&inputs.place)?;
        let verdict = judge(slot, &inputs, &taken, (&counters, &peer), (&there, &account))?;
        credit(slot, &inputs, &verdict.credited, (there, account, place))?;

        let used = slot.used().clone();
        let transfer = Outgoing {
            is_refund: Bit::constant(true),
            destination: inputs.origin.clone(),
            token: inputs.token.clone(),
            account: inputs.account.as_field().clone(),
            sequence: counters.next_sequence()?,
            refused: inputs.sequence.as_field().clone(),
            amount: inputs.amount.clone(),
            recipient: [FpVar::Constant(Fr::ZERO), FpVar::Constant(Fr::ZERO)],
        };
        slot.send(&verdict.refused, &transfer)?;
        let came = product(used.and(&verdict.credited)?.as_field(), inputs.amount.as_field())?;
        let counters = counters.with_allowance(&peer, -Fr::ONE, &came)?;
        let counters = counters.counting(&used.and(&verdict.refused)?)?;
        slot.set_register::<Counters>(&counters)?;
        Ok(DeliveryVar { place: inputs.place })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Delivered> {
        Idle::new(Delivered::default())
    }
}

/// Holds the record to the root that it is taken off; where none is, everything that is said of one is 0.
fn open_record(slot: &Slot<'_, '_>, inputs: &DeliveredVar, taken: &queue::Taken) -> Result<()> {
    let parts = [
        inputs.is_refund.as_field(),
        inputs.origin.as_field(),
        inputs.token.as_field(),
        inputs.account.as_field(),
        inputs.sequence.as_field(),
        inputs.refused.as_field(),
    ];
    let header = range::pack(parts.into_iter().zip(HEADER_BITS))?;
    let amount = inputs.amount.as_field();
    let (x, y, behind) = (&inputs.x, &inputs.y, &inputs.behind);
    let tag = FpVar::Constant(INBOX_DOMAIN);
    let root = poseidon::hash(&[tag, header.clone(), amount.clone(), x.clone(), y.clone(), behind.clone()])?;
    let opens = slot.used().and(&taken.delivers)?;
    let nothing = || Linear::new(&slot.cs());
    enforce_product("receive/record", opens.as_field(), &difference(&root, &taken.root)?, nothing())?;
    let moves = taken.delivers.not()?;
    for part in [&header, amount, x, y, behind, inputs.place.as_field()] {
        enforce_product("receive/no record", moves.as_field(), part, nothing())?;
    }
    Ok(())
}

/// What becomes of a record.
struct Verdict {
    /// Whether it is delivered.
    credited: Bit,
    /// Whether it is given back.
    refused: Bit,
}

/// Decides, and holds the place to the decision.
fn judge(
    slot: &Slot<'_, '_>,
    inputs: &DeliveredVar,
    taken: &queue::Taken,
    (counters, peer): (&CountersVar, &Found),
    (there, account): (&Bit, &AccountVar),
) -> Result<Verdict> {
    let nothing = || Linear::new(&slot.cs());
    let place = inputs.place.as_field();
    let is_native = is_equal(inputs.token.as_field(), counters.token.as_field())?;
    let is_beyond = peer.allowance.is_less_than(&inputs.amount)?;
    let fits = peer.known.and(&is_native)?.and(&is_beyond.not()?)?;

    // A refund names a place, which the storage may not have.
    let bits = inputs.account.bits()?;
    let (low, high) = bits.split_at(inputs.place.bits().len().min(bits.len()));
    let named = range::from_bits(low)?;
    let exists = is_zero(&range::from_bits(high)?)?.and(there)?;
    let elsewhere = difference(place, &named)?;
    enforce_product("receive/refund's account", inputs.is_refund.as_field(), &elsewhere, nothing())?;

    // Of a key x is not 0: (0, 1) and (0, -1) are of small order.
    let is_payment = taken.delivers.and(&inputs.is_refund.not()?)?;
    let is_good = is_payment.and(&fits.and(&is_zero(&inputs.x)?.not()?)?)?;
    let is_bad = is_payment.and(&is_good.not()?)?;
    enforce_product("receive/no place", is_bad.as_field(), place, nothing())?;
    let pays_holder = slot.used().and(&is_good)?.and(there)?;
    for (found, key) in [(&account.key.x, &inputs.x), (&account.key.y, &inputs.y)] {
        let other = difference(found, key)?;
        enforce_product("receive/recipient's account", pays_holder.as_field(), &other, nothing())?;
    }
    let is_small = inputs.amount.is_less_than(&slot.parameters().existential_deposit)?;
    let opens_or_holds = there.or(&is_small.not()?)?;
    let paid = is_good.and(&opens_or_holds)?;
    let returned = inputs.is_refund.and(&fits.and(&exists)?)?;
    // Of a payment and of a refund.
    let credited = Bit::trust(crate::linear::sum([paid.as_field(), returned.as_field()])?);
    let refused = is_payment.and(&peer.known)?.and(&paid.not()?)?;
    Ok(Verdict { credited, refused })
}

/// Adds the amount to the account, or opens it, where `credited` is 1.
fn credit(
    slot: &mut Slot<'_, '_>,
    inputs: &DeliveredVar,
    credited: &Bit,
    (there, account, place): (Bit, AccountVar, Place),
) -> Result<()> {
    // Where there is no account its elements are 0. Balances and allowances together are at most the total issuance, below 2^127.
    let balance = U128::trust(crate::linear::sum([account.balance.as_field(), inputs.amount.as_field()])?);
    // A key that the verifier found in the prime subgroup, before it was hashed into the inbox root.
    let key = EdwardsPoint {
        x: there.select(&account.key.x, &inputs.x)?,
        y: there.select(&account.key.y, &inputs.y)?,
    };
    let when = slot.used().and(credited)?;
    slot.state().write::<Account>(&when, place, &AccountVar { key, balance, ..account })
}

/// What the next slot takes off the queue.
struct Step {
    /// The inputs, but for the place.
    delivered: Delivered,
    /// The record, if it is not a batch that is moved.
    arrived: Option<Arrived>,
}

fn taken(view: &View<'_>) -> core::result::Result<Option<Step>, Unfit> {
    let Some(queue::Next { stack: [batch, below], root }) = queue::next(view)? else { return Ok(None) };
    let stack = Delivered { batch: Element(batch), below: Element(below), ..Delivered::default() };
    let Some(root) = root else { return Ok(Some(Step { delivered: stack, arrived: None })) };
    let arrived = view.arrived(&root)?.ok_or(StateError::Missing { what: "a message that arrived" })?;
    let InboxRecord { origin, transfer: Transfer { token, amount, sequence, purpose } } = arrived.record;
    let (is_refund, account, refused) = match purpose {
        Purpose::Payment { refund, .. } => (false, refund, 0),
        Purpose::Refund { account, refused } => (true, account, refused),
    };
    let [_, _, x, y] = arrived.record.elements().map(Element);
    let delivered = Delivered {
        is_refund,
        origin,
        token,
        account,
        sequence,
        refused,
        amount,
        x,
        y,
        behind: Element(arrived.behind),
        place: AccountIndex::from(if is_refund { lowest_bits(view, account) } else { 0 }),
        ..stack
    };
    Ok(Some(Step { delivered, arrived: Some(arrived) }))
}

/// The place that an index names, if the storage has it.
fn lowest_bits(view: &View<'_>, index: u32) -> u32 {
    // Places are a power of two, at most 2^30.
    (u64::from(index) % view.places::<Account>().max(1)) as u32
}

/// Where a record is to be delivered, `None` if nowhere now; and whether it waits for room in the channel.
fn deliverable(
    view: &View<'_>,
    record: &InboxRecord,
) -> core::result::Result<(Option<AccountIndex>, bool), StateError> {
    let InboxRecord { origin, transfer: Transfer { token, amount, purpose, .. } } = *record;
    let counters = counters(view)?;
    let peer = counters.peer(origin);
    match (purpose, record.recipient()) {
        (Purpose::Refund { account, .. }, _) => Ok((Some(lowest_bits(view, account).into()), false)),
        (Purpose::Payment { .. }, Some(key))
            if token == counters.token && peer.is_some_and(|peer| amount <= peer.allowance) =>
        {
            match view.account_of(&key)? {
                Some(account) => Ok((Some(account), false)),
                None => {
                    let is_small = amount < view.parameters.existential_deposit;
                    let place = view.next_place::<Account>()?;
                    Ok((place.map(AccountIndex::from), is_small && !view.has_room_to(origin)))
                }
            }
        }
        (Purpose::Payment { .. }, _) => {
            Ok((Some(AccountIndex::from(0)), peer.is_some() && !view.has_room_to(origin)))
        }
    }
}
