//! The pallet in a circuit: the author's fees, and a slot of each lane.
//!
//! ```text
//!   begin    parameters ─ read;  the author's account ─ read, key and permission checked, fees added ─ write
//!   transfer sender ─ read, signature, debit ─ write;  receiver ─ read, credit ─ write
//!   open     sender ─ read, signature, debit ─ write;  a vacant place ─ write a new account
//!   end      the fees of all used slots are what was added to the author
//! ```
//!
//! What is asked of amounts, fees, nonces and places is asked of every slot, used or not: an unused one
//! has values that satisfy it. Only what ties a slot to the world depends on `used`: the state, the
//! signature, the body, the sum of fees.
//!
//! **Why the issuance is conserved.** Amounts, fees and balances are below 2^128 and no sum here reaches
//! the field's order, so the equations hold over the integers. A used slot takes `amount + fee` from the
//! sender and gives `amount` to the receiver (`transfer`) or to an account that was not there (`open`): it
//! lowers the sum of balances by `fee`. The beginning raises it by `fees`, and `balances/fees` says that
//! this is the sum of what used slots took. An unused slot writes nothing. Nobody else writes a balance.

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::{
    babyjubjub::Point,
    field::{Fr, domain},
};

use super::{
    call::{
        BODY_AMOUNT_SHIFT, BODY_FEE_SHIFT, BODY_RECEIVER_SHIFT, CHAIN_TAG, CallKind, HEADER_EXPIRY_SHIFT,
        HEADER_FEE_SHIFT, HEADER_NONCE_SHIFT, HEADER_SENDER_SHIFT,
    },
    replay::{SlotWitness, Witness},
    state::{
        ACCOUNTS, AUTHOR_SHIFT, Account, MINIMUM_FEE_SHIFT, NONCE_SHIFT, PERMISSIONED_SHIFT, Parameters,
    },
};
use crate::{
    bit::Bit,
    constraint::{self, product},
    gadgets::{
        babyjubjub::EdwardsPoint,
        eddsa::{self, SignatureValues, SignatureVar},
        poseidon,
        range::{U32, U64, U128, enforce_inverse},
    },
    hint,
    integer::power_of_two,
    linear::{self, Linear},
    namespace,
    runtime::{block::Block, statement::Statement},
    state::circuit::{Fields, Index, RecordVar, State},
};

/// An account in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct AccountVar {
    key: EdwardsPoint,
    balance: U128,
    nonce: U32,
    may_author: Bit,
}

impl RecordVar for AccountVar {
    type Native = Account;

    fn hint(cs: &ConstraintSystemRef<Fr>, fields: Fields<'_>) -> Result<Self> {
        Ok(Self {
            key: EdwardsPoint::hint(cs, "key", || Ok(Point { x: fields.get(0)?, y: fields.get(1)? }))?,
            balance: U128::enforce("account/balance", &hint::field(cs, "balance", || fields.get(2))?)?,
            nonce: U32::enforce("account/nonce", &hint::field(cs, "nonce", || fields.get(3))?)?,
            may_author: hint::bit(cs, "may_author", || Ok(fields.get(4)? == Fr::ONE))?,
        })
    }

    fn leaf_elements(&self) -> Result<Vec<FpVar<Fr>>> {
        let packed = packed([
            (self.balance.as_field(), 0),
            (self.nonce.as_field(), NONCE_SHIFT),
            (self.may_author.as_field(), AUTHOR_SHIFT),
        ])?;
        Ok(vec![self.key.x.clone(), self.key.y.clone(), packed])
    }
}

/// The chain's parameters in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct ParametersVar {
    existential_deposit: U128,
    minimum_fee: U64,
    permissioned_authors: Bit,
    total_issuance: FpVar<Fr>,
}

impl RecordVar for ParametersVar {
    type Native = Parameters;

    fn hint(cs: &ConstraintSystemRef<Fr>, fields: Fields<'_>) -> Result<Self> {
        let deposit = hint::field(cs, "existential_deposit", || fields.get(0))?;
        let minimum_fee = hint::field(cs, "minimum_fee", || fields.get(1))?;
        Ok(Self {
            existential_deposit: U128::enforce("parameters/existential deposit", &deposit)?,
            minimum_fee: U64::enforce("parameters/minimum fee", &minimum_fee)?,
            permissioned_authors: hint::bit(cs, "permissioned_authors", || Ok(fields.get(2)? == Fr::ONE))?,
            // An element of the leaf's preimage by itself, so that its range is no question.
            total_issuance: hint::field(cs, "total_issuance", || fields.get(3))?,
        })
    }

    fn leaf_elements(&self) -> Result<Vec<FpVar<Fr>>> {
        let rules = packed([
            (self.existential_deposit.as_field(), 0),
            (self.minimum_fee.as_field(), MINIMUM_FEE_SHIFT),
            (self.permissioned_authors.as_field(), PERMISSIONED_SHIFT),
        ])?;
        Ok(vec![rules, self.total_issuance.clone()])
    }
}

/// What every slot of a block shares.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    chain_tag: FpVar<Fr>,
    parameters: ParametersVar,
    /// Added to the author's balance at the beginning.
    credited: FpVar<Fr>,
    /// Paid by the slots so far.
    paid: Linear,
}

/// The sum of `part * 2^shift`; injective where the parts are in ranges that do not overlap.
fn packed<'a>(parts: impl IntoIterator<Item = (&'a FpVar<Fr>, u32)>) -> Result<FpVar<Fr>> {
    linear::weighted_sum(parts.into_iter().map(|(part, shift)| (power_of_two(shift), part)))
}

/// The beginning: reads the parameters and credits the author, who must hold the account that the
/// statement names, with the statement's key, and be permitted.
pub(crate) fn begin(block: &mut Block<'_>, fees: Option<Fr>) -> Result<Rules> {
    let Block { statement, state, .. } = block;
    let cs = state.cs().clone();
    let _namespace = namespace::enter(&cs, "author");
    let always = Bit::constant(true);
    let (parameters, _) = state.read::<ParametersVar>(&always, &Index::only())?;

    let index = Index::enforce("balances/author index", state.shape(ACCOUNTS), statement.author())?;
    let (author, place) = state.read::<AccountVar>(&always, &index)?;
    let [x, y] = statement.author_key();
    constraint::enforce_equal("balances/author key", &author.key.x, x)?;
    constraint::enforce_equal("balances/author key", &author.key.y, y)?;
    let forbidden = author.may_author.not()?;
    let permissioned = parameters.permissioned_authors.as_field();
    constraint::enforce_product(
        "balances/author permitted",
        permissioned,
        forbidden.as_field(),
        Linear::new(&cs),
    )?;

    let credited = hint::field(&cs, "fees", || fees.ok_or(SynthesisError::AssignmentMissing))?;
    let balance =
        U128::enforce("balances/author balance", &linear::sum([author.balance.as_field(), &credited])?)?;
    state.write(&always, place, &AccountVar { balance, ..author })?;

    let [para_id, low, high] = statement.identity().map(Clone::clone);
    let tag = FpVar::Constant(domain(CHAIN_TAG));
    let chain_tag = poseidon::hash(&[tag, para_id, low, high, statement.transaction_version().clone()])?;
    Ok(Rules { chain_tag, parameters, credited, paid: Linear::new(&cs) })
}

/// The end: the author got what the slots paid.
pub(crate) fn end(rules: Rules) -> Result<()> {
    constraint::enforce_equal("balances/fees", rules.paid, &rules.credited)
}

/// A lane of `kind`: its slots, in order.
pub(crate) fn lane(
    block: &mut Block<'_>,
    rules: &mut Rules,
    kind: CallKind,
    capacity: usize,
    witness: Option<&Witness>,
) -> Result<()> {
    let slots = witness.and_then(|witness| witness.lanes.get(kind as usize));
    let slot = |i: usize| slots.and_then(|slots| slots.get(i));
    block.lane(
        kind.name(),
        capacity,
        |i| slot(i).map(|slot| slot.used),
        |statement, state, used, i| execute(statement, state, rules, kind, used, slot(i)),
    )
}

/// One slot: its body elements.
fn execute(
    statement: &Statement,
    state: &mut State<'_>,
    rules: &mut Rules,
    kind: CallKind,
    used: &Bit,
    witness: Option<&SlotWitness>,
) -> Result<Vec<FpVar<Fr>>> {
    let cs = state.cs().clone();
    let known = || witness.ok_or(SynthesisError::AssignmentMissing);
    let shape = state.shape(ACCOUNTS);
    let sender_index = Index::hint(&cs, "sender", shape, || Ok(known()?.sender))?;
    let receiver_index = Index::hint(&cs, "receiver", shape, || Ok(known()?.receiver))?;
    let apart = linear::difference(sender_index.as_field(), receiver_index.as_field())?;
    enforce_inverse("balances/sender is not receiver", &apart).map(drop)?;

    let terms = Terms::hint(&cs, statement, rules, witness)?;
    let (sender, place) = state.read::<AccountVar>(used, &sender_index)?;
    constraint::enforce_equal("balances/nonce", &terms.nonce, sender.nonce.as_field())?;
    let debited = debited(&sender, &terms, rules)?;
    state.write(used, place, &debited)?;

    let receiver_key = match kind {
        CallKind::Transfer => credit(state, used, &receiver_index, &terms)?,
        CallKind::Open => open(state, used, &receiver_index, &terms, rules, witness)?,
    };

    let message = message(rules, kind, &sender_index, &terms, &receiver_key)?;
    let signature = SignatureVar::hint(&cs, || {
        let SlotWitness { r8: [x, y], s, .. } = *known()?;
        Ok(SignatureValues { r8: Point { x, y }, s })
    })?;
    eddsa::verify(used, &sender.key, &signature, &message)?;

    rules.paid.add(Fr::ONE, &product(used.as_field(), terms.fee.as_field())?);
    let mut body = vec![packed([
        (sender_index.as_field(), 0),
        (receiver_index.as_field(), BODY_RECEIVER_SHIFT),
        (terms.amount.as_field(), BODY_AMOUNT_SHIFT),
        (terms.fee.as_field(), BODY_FEE_SHIFT),
    ])?];
    if kind == CallKind::Open {
        body.extend([receiver_key.x, receiver_key.y]);
    }
    Ok(body)
}

/// What the sender signs beside the parties.
struct Terms {
    nonce: FpVar<Fr>,
    expiry: U32,
    fee: U64,
    amount: U128,
}

impl Terms {
    /// Terms of the prover's choice: in range, not expired, with a sufficient fee. The nonce is held to the
    /// sender's, whose range is checked.
    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        statement: &Statement,
        rules: &Rules,
        witness: Option<&SlotWitness>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, "terms");
        let known = || witness.ok_or(SynthesisError::AssignmentMissing);
        let nonce = hint::field(cs, "nonce", || Ok(known()?.nonce))?;
        let expiry =
            U32::enforce("balances/expiry range", &hint::field(cs, "expiry", || Ok(known()?.expiry))?)?;
        let fee = U64::enforce("balances/fee range", &hint::field(cs, "fee", || Ok(known()?.fee))?)?;
        let amount =
            U128::enforce("balances/amount range", &hint::field(cs, "amount", || Ok(known()?.amount))?)?;
        // The number is a `u32` of the verifier's.
        U32::trust(statement.number().clone()).enforce_at_most("balances/expiry", &expiry)?;
        rules.parameters.minimum_fee.enforce_at_most("balances/minimum fee", &fee)?;
        Ok(Self { nonce, expiry, fee, amount })
    }
}

/// The sender after paying. It keeps the existential deposit, so that what is left is not negative.
fn debited(sender: &AccountVar, terms: &Terms, rules: &Rules) -> Result<AccountVar> {
    let left = linear::weighted_sum([
        (Fr::ONE, sender.balance.as_field()),
        (-Fr::ONE, terms.amount.as_field()),
        (-Fr::ONE, terms.fee.as_field()),
    ])?;
    // Below the old balance, so below 2^128; and not negative, since the deposit is not.
    let free = linear::difference(&left, rules.parameters.existential_deposit.as_field())?;
    U128::enforce("balances/sender keeps the deposit", &free).map(drop)?;
    let last = Linear::of(sender.nonce.as_field()).plus_constant(-Fr::from(u32::MAX)).finish()?;
    enforce_inverse("balances/nonce is not the last", &last).map(drop)?;
    let next = Linear::of(sender.nonce.as_field()).plus_constant(Fr::ONE).finish()?;
    Ok(AccountVar { balance: U128::trust(left), nonce: U32::trust(next), ..sender.clone() })
}

/// Credits an existing account; its key.
fn credit(state: &mut State<'_>, used: &Bit, index: &Index, terms: &Terms) -> Result<EdwardsPoint> {
    let (receiver, place) = state.read::<AccountVar>(used, index)?;
    let balance = receiver.balance.checked_add("balances/receiver balance", &terms.amount)?;
    let key = receiver.key.clone();
    state.write(used, place, &AccountVar { balance, ..receiver })?;
    Ok(key)
}

/// Opens an account at a vacant place; its key, which is on the curve, in the prime subgroup and not the identity.
fn open(
    state: &mut State<'_>,
    used: &Bit,
    index: &Index,
    terms: &Terms,
    rules: &Rules,
    witness: Option<&SlotWitness>,
) -> Result<EdwardsPoint> {
    let cs = state.cs().clone();
    rules
        .parameters
        .existential_deposit
        .enforce_at_most("balances/opened with the deposit", &terms.amount)?;
    let key = EdwardsPoint::hint(&cs, "opened_key", || {
        let [x, y] = witness.ok_or(SynthesisError::AssignmentMissing)?.receiver_key;
        Ok(Point { x, y })
    })?;
    key.enforce_key()?;
    let place = state.vacant::<AccountVar>(used, index)?;
    let zero = U32::trust(FpVar::Constant(Fr::ZERO));
    let account = AccountVar {
        key: key.clone(),
        balance: terms.amount.clone(),
        nonce: zero,
        may_author: Bit::constant(false),
    };
    state.write(used, place, &account)?;
    Ok(key)
}

/// What the sender signs: every part is in its range, so the header says one thing.
fn message(
    rules: &Rules,
    kind: CallKind,
    sender: &Index,
    terms: &Terms,
    receiver: &EdwardsPoint,
) -> Result<FpVar<Fr>> {
    let kind = FpVar::Constant(Fr::from(kind as u8));
    let header = packed([
        (&kind, 0),
        (sender.as_field(), HEADER_SENDER_SHIFT),
        (&terms.nonce, HEADER_NONCE_SHIFT),
        (terms.expiry.as_field(), HEADER_EXPIRY_SHIFT),
        (terms.fee.as_field(), HEADER_FEE_SHIFT),
    ])?;
    let amount = terms.amount.as_field().clone();
    poseidon::hash(&[rules.chain_tag.clone(), header, amount, receiver.x.clone(), receiver.y.clone()])
}
