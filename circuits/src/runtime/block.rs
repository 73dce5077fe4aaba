//! A block: statement, state, lanes, body; in a circuit, and natively on constants.
//!
//! ```text
//!   begin ── statement (hinted), storage roots; their hash is the parent state root
//!     │      parameters, authors ─ read;  the author's account ─ read, key, permission and turn held, fees added ─ write
//!   prelude  what pallets do in every block: messages that arrive join the queue
//!   lane ─── for each slot: a bit `used`; the call, in force where `used` is 1;
//!     │        sender ─ read ── the pallet's call ── charged ─ write;  signature
//!     │      its body elements, 0 where `used` is 0
//!     ▼
//!   finish ─ fees are what the author got; parameters ─ written, where a call can change them
//!            all accesses are held to the state: storage roots after, whose hash is the state root; the body's
//!            chain is the body root;
//!            the statement's digest is the public input
//! ```
//!
//! What is asked of expiry, fee and the call's own values is asked of every slot, used or not: an unused one
//! has values that satisfy it. Only what ties a slot to the world depends on `used`: the state, the
//! signature, the body, the sum of fees.
//!
//! Attacks and what stops them:
//!
//! | attack | stopped by |
//! |---|---|
//! | another state before or after the block | `block/parent state root`, `block/state root` |
//! | a slot that executes and is not counted, or is counted and does not | `lane/used slots` |
//! | a no-op between calls: one block, several bodies | `lane/no-ops last` |
//! | a no-op that writes | `state/memory` |
//! | a body that is not what was executed | `block/body root` |
//! | a statement that is not the verifier's | `statement/digest` |
//! | another author than the statement's, or one who may not | `author/key`, `author/permitted`, `author/index` |
//! | an author out of turn; another seat's turn than the relay parent's | `author/turn`, `authors/…` |
//! | fees that nobody paid; fees lost | `runtime/fees` |
//! | a signature's second use | the nonce in the message is the account's, which the slot raises |
//! | a signature's use after its block, for another fee | `runtime/expiry`, `eddsa/equation` |
//! | a fee below the minimum, or out of range | `runtime/minimum fee`, `runtime/fee range` |
//! | an account left without the deposit, or in debt | `runtime/sender keeps the deposit` |
//! | a nonce that starts again | `runtime/nonce is not the last` |
//! | a call that accesses its sender's account, which the slot still has to write | `state/one view of a place` |
//!
//! **Why the issuance is conserved.** Amounts, fees and balances are below 2^128 and no sum here reaches
//! the field's order, so the equations hold over the integers. A used slot takes the fee and what its call takes from the
//! sender; a call says where the rest went. The beginning raises the author's balance by `credited`, and `runtime/fees`
//! says that this is the sum of the fees of used slots. An unused slot writes nothing.

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::{
    babyjubjub::Point,
    body::{BODY_DOMAIN, BodyFormat},
    field::{Fr, domain},
    statement::{NO_MESSAGES, STATEMENT_LEN},
    transfer::OutboxRecord,
};

use super::{
    account::{ACCOUNTS, Account, AccountVar, MAX_ISSUANCE, Parameters},
    authors::Authors,
    call::IdleContext,
    chain::Tier,
    extrinsic::{CHAIN_TAG, message_variable},
    lane::{Kind, slot_widths},
    messages::Mail,
    pallet::Pallet,
    privacy::{self, Position, Secret, Secrets},
    register::Registers,
    slot::{Rules, Sender, Slot, accounts, close},
    statement::{CircuitVersion, Statement},
    vault::OpenVault,
};
use crate::{
    bit::Bit,
    constraint::{self, product},
    gadgets::{
        eddsa::{self, SignatureValues, SignatureVar},
        poseidon,
        range::{U32, U64, U128},
    },
    hint,
    linear::{self, Linear},
    namespace,
    state::{
        Fields, Layout, Openings, Recorder, STORAGES, Value,
        circuit::{Index, Place, State},
        pack_variables,
    },
};

/// What a circuit is given for a block.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// The public input: the digest of the verifier's statement.
    pub(crate) public_input: Fr,
    /// The statement's elements.
    pub(crate) statement: [Fr; STATEMENT_LEN],
    /// The roots of all storages before the block.
    pub(crate) storages: [Fr; STORAGES],
    /// Fees credited to the author.
    pub(crate) fees: Fr,
    /// The nonce of a private chain's body, 0 on a public one.
    pub(crate) nonce: Fr,
    /// The chain key that comes into force with this block, 0 if none does.
    pub(crate) next_key: Secret,
    /// The slots, each lane filled to its capacity.
    pub(crate) lanes: Vec<Vec<SlotWitness>>,
    /// Accesses to the state, in the circuit's order, and the opening of what they touch.
    pub(crate) openings: Openings,
}

/// What a block is given for its beginning.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// Fees credited to the author.
    pub(crate) fees: Fr,
    /// The chain key that comes into force with this block, 0 if none does.
    pub(crate) next_key: Secret,
}

/// What a circuit is given for one slot. Field elements, since a prover may claim any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotWitness {
    /// Whether the slot counts as used.
    pub(crate) used: bool,
    /// Whether native execution has it take effect; an honest prover's slot is executed if and only if it is used.
    pub(crate) executed: bool,
    /// Place of the sender's account.
    pub(crate) sender: u32,
    /// The expiry signed.
    pub(crate) expiry: Fr,
    /// The fee.
    pub(crate) fee: Fr,
    /// The call's inputs.
    pub(crate) inputs: Vec<Fr>,
    /// What an unused slot reads, the sender's account first where there is a sender.
    pub(crate) records: Vec<Vec<Fr>>,
    /// The signature's point R8, x and y.
    pub(crate) r8: [Fr; 2],
    /// The signature's scalar S.
    pub(crate) s: Fr,
}

/// A block under construction.
#[derive(Debug)]
pub(crate) struct Block<'w> {
    /// What the block is proven to be.
    pub(crate) statement: Statement,
    /// The state, read and written.
    pub(crate) state: State<'w>,
    rules: Rules,
    /// Where the parameters and the authors were read.
    places: [Place; 2],
    /// The nonce of its body.
    nonce: Option<Fr>,
    public_input: Option<Fr>,
    /// Used slots of the lanes so far.
    used: Vec<FpVar<Fr>>,
    /// Body elements of the slots so far, 0 in unused slots.
    body: Vec<FpVar<Fr>>,
}

/// What a slot gave.
pub(crate) struct SlotResult {
    /// The message that must have been signed; `None` of an inherent.
    pub(crate) message: Option<FpVar<Fr>>,
    /// The packed body elements.
    pub(crate) body: Vec<FpVar<Fr>>,
}

impl<'w> Block<'w> {
    /// The beginning of a block in a circuit, in the state that the statement names.
    pub(crate) fn begin(
        cs: &ConstraintSystemRef<Fr>,
        version: CircuitVersion,
        tier: &Tier,
        layout: &Layout,
        witness: Option<&'w Witness>,
    ) -> Result<Self> {
        let statement = Statement::hint(cs, version, tier, witness.map(|witness| &witness.statement))?;
        let storages = witness.map(|witness| &witness.storages);
        let state = State::hint(cs, layout, storages, witness.map(|witness| &witness.openings))?;
        let root = state.root_before()?;
        constraint::enforce_equal("block/parent state root", &root, statement.parent_state_root())?;
        let given = witness.map(|witness| Given { fees: witness.fees, next_key: witness.next_key.clone() });
        let mut block = Self::open(statement, state, version, given.as_ref())?;
        block.public_input = witness.map(|witness| witness.public_input);
        block.nonce = witness.map(|witness| witness.nonce);
        Ok(block)
    }

    /// The beginning of a block that native code executes.
    pub(crate) fn native(
        statement: [Fr; STATEMENT_LEN],
        recorder: Recorder<'w>,
        version: CircuitVersion,
        given: &Given,
    ) -> Result<Self> {
        Self::open(Statement::constant(statement), State::native(recorder), version, Some(given))
    }

    /// Reads the parameters and credits the author, who must hold the account that the
    /// statement names, with the statement's key, and be permitted: on a private chain always, since who authors reads.
    fn open(
        statement: Statement,
        mut state: State<'w>,
        version: CircuitVersion,
        given: Option<&Given>,
    ) -> Result<Self> {
        let given = || given.ok_or(SynthesisError::AssignmentMissing);
        let CircuitVersion { bodies, messages, .. } = version;
        let cs = state.cs().clone();
        let _namespace = namespace::enter(&cs, "author");
        let always = Bit::constant(true);
        let (parameters, place) = state.read::<Parameters>(&always, &Index::only())?;

        let (authors, seats) = state.read::<Authors>(&always, &Index::only())?;
        let on_turn = authors.on_turn(&cs, statement.relay_parent_number())?;

        let index = Index::enforce("author/index", state.shape(ACCOUNTS), statement.author())?;
        let (author, author_place) = state.read::<Account>(&always, &index)?;
        let [x, y] = statement.author_key();
        constraint::enforce_equal("author/key", &author.key.x, x)?;
        constraint::enforce_equal("author/key", &author.key.y, y)?;
        let forbidden = author.may_author.not()?;
        let permissioned = match bodies {
            BodyFormat::Public => parameters.permissioned_authors.clone(),
            BodyFormat::Private => Bit::constant(true),
        };
        constraint::enforce_product(
            "author/permitted",
            permissioned.as_field(),
            forbidden.as_field(),
            Linear::new(&cs),
        )?;
        let vault = match bodies {
            BodyFormat::Public => None,
            BodyFormat::Private => Some(OpenVault::open(&mut state, &authors, || Ok(given()?.next_key.0))?),
        };

        let other = linear::difference(index.as_field(), &on_turn)?;
        let rotating = authors.rotating.as_field();
        constraint::enforce_product("author/turn", rotating, &other, Linear::new(&cs))?;

        let credited = hint::field(&cs, "fees", || Ok(given()?.fees))?;
        let balance = U128::enforce("author/balance", &linear::sum([author.balance.as_field(), &credited])?)?;
        state.write::<Account>(&always, author_place, &AccountVar { balance, ..author })?;

        let [para_id, low, high] = statement.identity().map(Clone::clone);
        let tag = FpVar::Constant(domain(CHAIN_TAG));
        let version = statement.transaction_version().clone();
        let chain_tag = poseidon::hash(&[tag, para_id, low, high, version])?;
        let rules = Rules {
            chain_tag,
            parameters,
            credited,
            paid: Linear::new(&cs),
            issued: None,
            next: None,
            authors,
            next_authors: None,
            upgrade: None,
            registers: Registers::default(),
            mail: messages.then(|| Mail::new(&statement)),
            vault,
        };
        Ok(Self {
            statement,
            state,
            rules,
            places: [place, seats],
            nonce: None,
            public_input: None,
            used: Vec::new(),
            body: Vec::new(),
        })
    }

    /// What pallets do before the first slot, each given the numbers of slots of its kinds.
    pub(crate) fn prelude<'p>(
        &mut self,
        pallets: impl Iterator<Item = (&'p dyn Pallet, Vec<u32>)>,
    ) -> Result<()> {
        let cs = self.state.cs().clone();
        for (pallet, capacities) in pallets {
            let _namespace = namespace::enter(&cs, pallet.name());
            let Self { statement, state, rules, .. } = self;
            let mut slot = Slot { state, statement, rules, used: Bit::constant(true), sender: None };
            pallet.begin(&mut slot, &capacities)?;
        }
        Ok(())
    }

    /// The next lane: `capacity` slots of a kind, which is number `number` of the chain's.
    pub(crate) fn lane(
        &mut self,
        kind: &dyn Kind,
        number: u8,
        capacity: usize,
        witness: Option<&[SlotWitness]>,
    ) -> Result<()> {
        let cs = self.state.cs().clone();
        let _lane = namespace::enter(&cs, kind.name());
        let of_slot = |i: usize| witness.and_then(|slots| slots.get(i));
        let used = |i| of_slot(i).map(|slot| slot.used).ok_or(SynthesisError::AssignmentMissing);
        let bits = (0..capacity).map(|i| hint::bit(&cs, "used", || used(i))).collect::<Result<Vec<Bit>>>()?;
        for pair in bits.windows(2) {
            if let [before, after] = pair {
                let unused_before = before.not()?;
                let zero = Linear::new(&cs);
                constraint::enforce_product(
                    "lane/no-ops last",
                    after.as_field(),
                    unused_before.as_field(),
                    zero,
                )?;
            }
        }
        let count = linear::sum(bits.iter().map(Bit::as_field))?;
        let claimed =
            self.statement.used_slots().get(self.used.len()).ok_or(SynthesisError::ArityMismatch)?;
        if self.rules.vault.is_none() {
            constraint::enforce_equal("lane/used slots", &count, claimed)?;
        }
        self.used.push(count);
        for (i, bit) in bits.iter().enumerate() {
            let _slot = namespace::enter_indexed(&cs, "slot", i);
            for element in self.slot(kind, number, bit, of_slot(i))?.body {
                self.body.push(product(bit.as_field(), &element)?);
            }
        }
        Ok(())
    }

    /// One slot.
    pub(crate) fn slot(
        &mut self,
        kind: &dyn Kind,
        number: u8,
        used: &Bit,
        witness: Option<&SlotWitness>,
    ) -> Result<SlotResult> {
        let Self { statement, state, rules, .. } = self;
        let inputs = Fields::new(witness.map(|witness| witness.inputs.as_slice()));
        if state.recorder().is_some() {
            state.expect_idle(witness.iter().flat_map(|witness| witness.records.clone()));
        }
        let choice = kind.choose(state.cs(), used, inputs)?;
        let mut slot = Slot { state, statement, rules, used: used.clone(), sender: None };
        if !kind.is_signed() {
            let done = kind.execute(&mut slot, &choice, inputs)?;
            return Ok(SlotResult { message: None, body: pack_variables(&slot_widths(kind), &done.body)? });
        }
        let cs = slot.cs();
        let known = || witness.ok_or(SynthesisError::AssignmentMissing);
        let index = Index::hint(&cs, "sender", accounts(slot.state), || Ok(known()?.sender))?;
        let signs = choice.signs.as_ref().unwrap_or(used);
        let terms = Terms::hint(&cs, slot.statement, slot.rules, choice.signs.as_ref(), witness)?;
        if let Some(signs) = &choice.signs {
            // Where nobody signs, whoever calls or not.
            slot.state.expect_idle([IdleContext::account().elements()]);
            let nobody = linear::difference(used.as_field(), signs.as_field())?;
            for part in [index.as_field(), terms.fee.as_field()] {
                constraint::enforce_product("runtime/nobody pays", &nobody, part, Linear::new(&cs))?;
            }
        }
        let (account, place) = slot.state.read::<Account>(signs, &index)?;
        let (key, nonce) = (account.key.clone(), account.nonce.clone());
        slot.sender = Some(Sender::new(index.clone(), account));
        let done = kind.execute(&mut slot, &choice, inputs)?;

        let sender = slot.sender.take().ok_or(SynthesisError::ArityMismatch)?;
        let account = sender.charged(terms.fee.as_field(), &slot.rules.parameters.existential_deposit)?;
        let held = choice.signs.clone().unwrap_or_else(|| Bit::constant(true));
        slot.state.write_held::<Account>(signs, place, &account, &held)?;

        let number = FpVar::Constant(Fr::from(number));
        let header =
            [&number, index.as_field(), nonce.as_field(), terms.expiry.as_field(), terms.fee.as_field()];
        let message = message_variable(&slot.rules.chain_tag, header, done.signed)?;
        // Natively, signatures are verified all at once before, and an imported block's by its proof.
        if !cs.is_none() {
            let signature = SignatureVar::hint(&cs, || {
                let SlotWitness { r8: [x, y], s, .. } = *known()?;
                Ok(SignatureValues { r8: Point { x, y }, s })
            })?;
            eddsa::verify(signs, &key, &signature, &message)?;
        }
        slot.rules.paid.add(Fr::ONE, &product(signs.as_field(), terms.fee.as_field())?);
        let mut body = vec![index.as_field().clone(), terms.fee.as_field().clone()];
        body.extend(done.body);
        Ok(SlotResult { message: Some(message), body: pack_variables(&slot_widths(kind), &body)? })
    }

    /// The end of the block in a circuit: state root, body root, public input.
    pub(crate) fn finish(mut self) -> Result<()> {
        let cs = self.state.cs().clone();
        let vault = self.rules.vault.take();
        close(self.rules, &mut self.state, self.places, &self.statement)?;
        let body = match vault {
            None => self.body,
            Some(vault) => {
                let nonce =
                    hint::field(&cs, "nonce", || self.nonce.ok_or(SynthesisError::AssignmentMissing))?;
                let plain = privacy::plaintext(&self.used, &self.body)?;
                let root = self.statement.parent_state_root();
                let (sealed, after) = privacy::seal(&cs, vault.secrets(), root, nonce, &plain)?;
                vault.close(&mut self.state, after)?;
                sealed
            }
        };
        let root = self.state.close()?;
        constraint::enforce_equal("block/state root", &root, self.statement.state_root())?;
        let head = [FpVar::Constant(BODY_DOMAIN), self.statement.tier().clone()];
        let chain: Vec<FpVar<Fr>> =
            head.into_iter().chain(self.statement.used_slots().iter().cloned()).chain(body).collect();
        let root = poseidon::chain(&chain)?;
        constraint::enforce_equal("block/body root", &root, self.statement.body_root())?;
        self.statement.bind(&cs, self.public_input)
    }

    /// The end of a block that native code executes, with these used slots of the lanes and these elements of all slots: what it left
    /// behind. `nonce` gives that of a private body, from the plaintext.
    pub(crate) fn close(
        mut self,
        used: &[u32],
        slots: &[Fr],
        nonce: impl FnOnce(&Secrets, &Position, &[Fr]) -> Fr,
    ) -> Result<Closed<'w>> {
        let mail = self.rules.mail.clone();
        let outbox = mail.as_ref().map(|mail| mail.sent().to_vec()).unwrap_or_default();
        let outbox_root = mail.map_or(Ok(NO_MESSAGES), |mail| mail.outbox_root())?;
        let upgrade = self.upgrade();
        let vault = self.rules.vault.take();
        close(self.rules, &mut self.state, self.places, &self.statement)?;
        let sealed = match vault {
            None => None,
            Some(vault) => {
                let constants = |values: Vec<Fr>| values.into_iter().map(FpVar::Constant).collect::<Vec<_>>();
                let used = constants(used.iter().map(|used| Fr::from(*used)).collect());
                let plain = privacy::plaintext(&used, &constants(slots.to_vec()))?;
                let known = Secrets::of(vault.secrets())?;
                let root = self.statement.parent_state_root();
                let nonce = nonce(&known, &Position::of(&self.statement)?, &values(&plain)?);
                let nonce = FpVar::Constant(nonce);
                let cs = self.state.cs().clone();
                let (sealed, after) = privacy::seal(&cs, vault.secrets(), root, nonce, &plain)?;
                vault.close(&mut self.state, after)?;
                Some(values(&sealed)?)
            }
        };
        let recorder = self.state.into_recorder().ok_or(SynthesisError::ArityMismatch)?;
        Ok(Closed { recorder, upgrade, outbox, outbox_root, sealed })
    }

    /// The limbs of the hash of the next validation code, as far as the slots so far name one: two that are named are none.
    pub(crate) fn upgrade(&self) -> Option<[Fr; 2]> {
        let [low, high, count] = self.rules.upgrade.as_ref()?;
        match count.value()? {
            count if count == Fr::ZERO => None,
            _ => Some([low.value()?, high.value()?]),
        }
    }

    /// What slots share, to go back to.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether the issuance after the slots so far is one that a chain can have: what the circuit asks at the end.
    pub(crate) fn issuance_fits(&self) -> bool {
        let mut total = Linear::of(self.rules.parameters.total_issuance.as_field());
        if let Some(issued) = &self.rules.issued {
            total.add_linear(Fr::ONE, issued);
        }
        let total = total.value().and_then(|total| crate::integer::to_u128(&total));
        total.is_some_and(|total| total < MAX_ISSUANCE)
    }

    /// Goes back to what slots shared.
    pub(crate) fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }
}

/// What a natively executed block left behind.
pub(crate) struct Closed<'w> {
    /// The state.
    pub(crate) recorder: Recorder<'w>,
    /// The limbs of the next validation code's hash.
    pub(crate) upgrade: Option<[Fr; 2]>,
    /// What was sent to other chains, in order, and its root.
    pub(crate) outbox: Vec<OutboxRecord>,
    pub(crate) outbox_root: Fr,
    /// The elements of a private chain's body.
    pub(crate) sealed: Option<Vec<Fr>>,
}

/// What every sender signs beside the call.
struct Terms {
    expiry: U32,
    fee: U64,
}

impl Terms {
    /// Terms of the prover's choice: in range, not expired, with a sufficient fee where somebody `signs`, always if that is not said.
    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        statement: &Statement,
        rules: &Rules,
        signs: Option<&Bit>,
        witness: Option<&SlotWitness>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, "terms");
        let known = || witness.ok_or(SynthesisError::AssignmentMissing);
        let expiry = hint::field(cs, "expiry", || Ok(known()?.expiry))?;
        let expiry = U32::enforce("runtime/expiry range", &expiry)?;
        let fee = U64::enforce("runtime/fee range", &hint::field(cs, "fee", || Ok(known()?.fee))?)?;
        // The number is a `u32` of the verifier's.
        U32::trust(statement.number().clone()).enforce_at_most("runtime/expiry", &expiry)?;
        let minimum = &rules.parameters.minimum_fee;
        let minimum = signs.map_or_else(|| Ok(minimum.clone()), |signs| minimum.and(signs))?;
        minimum.enforce_at_most("runtime/minimum fee", &fee)?;
        Ok(Self { expiry, fee })
    }
}

/// The values of variables.
pub(crate) fn values(variables: &[FpVar<Fr>]) -> Result<Vec<Fr>> {
    variables.iter().map(GR1CSVar::value).collect()
}
