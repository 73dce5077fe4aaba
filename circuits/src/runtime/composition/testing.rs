//! Small chains in memory for tests, and forgers of their blocks.
//!
//! ```text
//!   TestChain   a composition at some state: keys whose secrets are known, calls, blocks, circuits
//!   Forgery     a block that a dishonest prover says was executed, with everything that follows from the lie
//!   kit         the soundness kit on a block
//! ```

pub(crate) mod kit;

use std::collections::BTreeSet;

use ark_ff::AdditiveGroup;
use ark_relations::gr1cs::{self, ConstraintSystemRef};
use codec::Encode;
use proptest::prelude::ProptestConfig;
use serde_json::{Value as Json, json};
use zkpov_verifier::{
    body::{BODY_DOMAIN, BodyFormat, BodyLayout},
    eddsa::{PublicKey, Signature},
    field::Fr,
    head::{Head, ParentHead},
    lane::{MAX_LANES, TierId},
    poseidon,
    statement::ChainIdentity,
};

use super::{
    super::{
        Account, BlockContext, BlockWitness, Chain, Execution, Extrinsic, Header, Tier,
        block::{Block, Given, SlotWitness, Witness, values},
        extrinsic::{self, chain_tag},
        lane::slot_widths,
        messages,
        privacy::{Secret, packed_counts},
    },
    Composition,
    native::{Executed, Nonce, Slots, Stopped},
};
use crate::{
    bit::Bit,
    chains::scene::{People, Scene},
    constraint::leniently,
    integer::scalar_to_field,
    keys::SecretKey,
    r1cs::{R1cs, assignment},
    soundness::{is_satisfied, violated, without},
    state::{ChangeSet, Record, Recorder, Value, packed_widths, read_record},
};

/// The existential deposit of test chains.
pub(crate) const DEPOSIT: u128 = 1_000;

/// Their minimum fee.
pub(crate) const MINIMUM_FEE: u64 = 10;

/// The fee of calls that tests sign.
pub(crate) const FEE: u64 = MINIMUM_FEE + 1;

/// What each first account holds.
pub(crate) const BALANCE: u128 = 1_000_000;

/// The hash of the validation code that test chains have at hand.
pub(crate) const CODE_HASH: [u8; 32] = [0xc5; 32];

/// The last block in which what tests sign is valid.
const EXPIRY: u32 = 1_000;

/// How many cases a property test over random calls runs: so many, or as many as the environment variable `ZKPOV_CASES` says.
pub(crate) fn cases(quick: u32) -> ProptestConfig {
    configured("ZKPOV_CASES", quick)
}

/// The same of a test that holds blocks to the constraint system: `ZKPOV_PROVEN_CASES`.
pub(crate) fn proven_cases(quick: u32) -> ProptestConfig {
    configured("ZKPOV_PROVEN_CASES", quick)
}

fn configured(variable: &str, quick: u32) -> ProptestConfig {
    let said = std::env::var(variable).ok();
    let cases = said.map_or(quick, |said| said.parse().unwrap_or_else(|_| panic!("{variable} is a number")));
    ProptestConfig::with_cases(cases)
}

/// The secret key number `i`.
pub(crate) fn secret(i: u8) -> SecretKey {
    SecretKey::from_seed([i + 1; 32])
}

/// The public key number `i`.
pub(crate) fn key(i: u8) -> PublicKey {
    secret(i).public_key()
}

/// A spec in which accounts 0.. hold [`BALANCE`]; account 0 may author. `pallets` is what pallets begin with.
pub(crate) fn spec(chain: &str, accounts: u8, permissioned: bool, pallets: Json) -> String {
    let account =
        |i: u8| json!({"key": key(i).to_json(), "balance": BALANCE.to_string(), "may_author": i == 0});
    json!({
        "chain": chain,
        "parameters": {
            "existential_deposit": DEPOSIT.to_string(),
            "minimum_fee": MINIMUM_FEE.to_string(),
            "permissioned_authors": permissioned,
        },
        "accounts": (0..accounts).map(account).collect::<Vec<_>>(),
        "pallets": pallets,
    })
    .to_string()
}

/// A chain in memory.
pub(crate) struct TestChain {
    pub(crate) chain: Composition,
    pub(crate) state: ChangeSet,
    pub(crate) context: BlockContext,
}

impl TestChain {
    /// The chain of this spec at its genesis; account 0 authors.
    pub(crate) fn new(chain: Composition, spec: &str) -> Self {
        let genesis = chain.genesis(spec).expect("a sound spec");
        let head = Head::genesis(genesis.state_root);
        let identity = ChainIdentity {
            para_id: 2_000,
            genesis_hash: head.hash(),
            runtime_version: chain.runtime_version(),
            transaction_version: chain.transaction_version(),
        };
        let context = BlockContext {
            identity,
            parent: head.as_parent(),
            relay_parent_number: 100,
            author: 0,
            author_key: key(0),
            context: [7; 32],
            upgrade: Some(CODE_HASH),
            messages: crate::runtime::Messages::default(),
            chain_keys: Vec::new(),
        };
        Self { chain, state: genesis.changes, context }
    }

    /// The chain of a scene's spec, and its people: keys number 0 and up, of whom the first authors.
    pub(crate) fn of_scene(chain: Composition, scene: &dyn Scene, people: u8) -> (Self, Vec<SecretKey>) {
        let secrets: Vec<SecretKey> = (0..people).map(secret).collect();
        let spec = People::new(&chain, &secrets).spec(scene).to_string();
        (Self::new(chain, &spec), secrets)
    }

    /// The block of a scene's calls for `tier`, none of which is refused or left for later.
    #[track_caller]
    pub(crate) fn scene_block(&self, scene: &dyn Scene, secrets: &[SecretKey], tier: &Tier) -> Execution {
        let capacities: Vec<u32> = tier.lanes.iter().map(|lane| lane.capacity).collect();
        let people = People::new(&self.chain, secrets);
        let calls = scene.calls(&people, &self.context.identity, &capacities).expect("calls of the chain");
        let block = self.chain.execute(&self.state, &self.context, Some(tier.id), &calls).expect("a block");
        assert!(
            block.refused.is_empty() && block.deferred.is_empty(),
            "{:?} {:?}",
            block.refused,
            block.deferred
        );
        block
    }

    /// The chain's smallest tier, which tests use.
    pub(crate) fn tier(&self) -> &Tier {
        &self.chain.tiers()[0]
    }

    pub(crate) fn tier_id(&self) -> TierId {
        self.tier().id
    }

    /// A call of account `sender` with these arguments, signed by it for this chain.
    pub(crate) fn call<A: Value + Encode>(
        &self,
        name: &str,
        sender: u8,
        nonce: u32,
        arguments: &A,
    ) -> Extrinsic {
        let (number, _) = self.chain.kind(name).expect("a call of this name");
        let header = Header { call: number, sender: sender.into(), nonce, expiry: EXPIRY, fee: FEE };
        let arguments = self.chain.kinds[usize::from(number)].arguments_of(name, arguments.encode());
        self.signed(header, arguments, sender)
    }

    /// A call with this header and these arguments, signed by key number `signer` for this chain.
    pub(crate) fn signed(&self, header: Header, arguments: Vec<u8>, signer: u8) -> Extrinsic {
        let kind = &self.chain.kinds[usize::from(header.call)];
        let elements = kind.message_elements(&arguments).expect("arguments");
        let message = extrinsic::message(chain_tag(&self.context.identity), header.element(), &elements);
        Extrinsic { header, arguments, signature: secret(signer).sign(message) }
    }

    /// The record at `index`.
    pub(crate) fn read<R: Record>(&self, index: u32) -> Option<R> {
        read_record(&self.state, index).expect("memory")
    }

    /// The chain with another record at `index` than its history gives, and what derives from it.
    pub(crate) fn with<R: Record>(mut self, index: u32, record: &R) -> Self {
        let mut recorder = Recorder::new(self.chain.layout(), &self.state);
        recorder.write::<R>(index, record.elements()).expect("memory");
        let (root, changes) = recorder.changes().expect("memory");
        self.context.parent.state_root = root;
        self.state.extend(changes);
        self
    }

    /// The chain with account `index` changed to what no genesis has.
    pub(crate) fn with_account(self, index: u32, change: impl FnOnce(&mut Account)) -> Self {
        let mut account: Account = self.read(index).expect("an account");
        change(&mut account);
        self.with(index, &account)
    }

    /// The block of these calls in the smallest tier.
    pub(crate) fn execute(&self, extrinsics: &[Extrinsic]) -> Execution {
        let encoded: Vec<_> = extrinsics.iter().map(Extrinsic::encode).collect();
        let tier = Some(self.tier_id());
        self.chain.execute(&self.state, &self.context, tier, &encoded).expect("an executable block")
    }

    /// Why the block of this call does not take it.
    #[track_caller]
    pub(crate) fn refusal(&self, extrinsic: &Extrinsic) -> String {
        let block = self.execute(std::slice::from_ref(extrinsic));
        let [(_, refusal)] = block.refused.as_slice() else { panic!("taken or deferred") };
        refusal.to_string()
    }

    /// Goes on to the block after `execution`.
    pub(crate) fn advance(&mut self, execution: &Execution) {
        self.state.extend(execution.changes.clone());
        let number = self.context.parent.number + 1;
        self.context.parent =
            ParentHead { hash: [number as u8; 32], number, state_root: execution.state_root };
    }

    /// The block of these calls, all of which must be taken, checked by circuit and by import; the chain goes on to it.
    #[track_caller]
    pub(crate) fn prove_and_advance(&mut self, extrinsics: &[Extrinsic]) -> Execution {
        let block = self.execute(extrinsics);
        assert!(block.refused.is_empty() && block.deferred.is_empty(), "{:?}", block.refused);
        self.check(&block);
        self.advance(&block);
        block
    }

    /// Holds an executed block to the circuit and to what its body alone leads to.
    #[track_caller]
    pub(crate) fn check(&self, block: &Execution) {
        let witness = block.witness.get::<Witness>().expect("this chain's");
        assert_eq!(violated(|cs| self.circuit(Some(witness), &cs)), Ok(vec![]));
        self.check_import(block);
    }

    /// Holds an executed block to what its body alone leads to.
    #[track_caller]
    fn check_import(&self, block: &Execution) {
        let applied =
            self.chain.apply(&self.state, &self.context, block.tier, &block.used_slots, &block.body);
        let applied = applied.expect("an executed body");
        assert_eq!(applied.state_root, block.state_root);
        assert_eq!(applied.changes, block.changes);
    }

    /// The shape of the circuit, for blocks to be held to it by [`check_by`](Self::check_by).
    pub(crate) fn shape(&self) -> R1cs {
        R1cs::synthesize(|cs| self.circuit(None, &cs)).expect("a shape")
    }

    /// As [`check`](Self::check), by a shape that many blocks share.
    #[track_caller]
    pub(crate) fn check_by(&self, shape: &R1cs, block: &Execution) {
        let witness = block.witness.get::<Witness>().expect("this chain's");
        let values = assignment(|cs| self.circuit(Some(witness), &cs)).expect("values");
        assert!(shape.is_satisfied(&values));
        self.check_import(block);
    }

    /// Used slots and body of a witness, as its circuit tells them.
    fn body_of(&self, witness: &Witness) -> (Vec<u32>, Vec<u8>) {
        let mut block = Block::begin(
            &ConstraintSystemRef::None,
            self.chain.version,
            self.tier(),
            &self.chain.layout,
            Some(witness),
        )
        .expect("constants");
        block.prelude(self.chain.pallets(self.tier())).expect("constants");
        let lanes = self.tier().lanes.iter().zip(&self.chain.kinds).zip(0u8..).zip(&witness.lanes);
        let (mut body, mut every) = (Vec::new(), Vec::new());
        for (((lane, kind), number), slots) in lanes {
            for slot in slots {
                let used = Bit::constant(slot.used);
                let told = block.slot(kind.as_ref(), number, &used, Some(slot)).expect("constants");
                let mut told = values(&told.body).expect("constants");
                if slot.used {
                    body.extend_from_slice(&told);
                } else {
                    told.fill(Fr::ZERO);
                }
                every.extend(told);
            }
            assert_eq!(slots.len(), lane.capacity as usize);
        }
        let mut used: Vec<u32> =
            witness.lanes.iter().map(|lane| lane.iter().filter(|slot| slot.used).count() as u32).collect();
        let format = self.chain.body_format();
        if format == BodyFormat::Private {
            let secrets = self.chain.secrets(&self.state, &self.context).expect("the key is at hand");
            let (secrets, _) = secrets.expect("a private chain");
            let plain = std::iter::once(packed_counts(&used)).chain(every);
            let stream = secrets.stream(self.context.parent.state_root, witness.nonce);
            body = std::iter::once(witness.nonce).chain(plain.zip(stream).map(|(a, b)| a + b)).collect();
            used = self.tier().lanes.iter().map(|lane| lane.capacity).collect();
        }
        let layout = BodyLayout::new(format, self.tier_id(), &self.tier().lanes, &used).expect("a layout");
        let bytes = layout.encode(&body).expect("a body");
        (used, bytes)
    }

    /// Whether the circuit is satisfied by a witness.
    pub(crate) fn is_satisfied(&self, witness: &BlockWitness) -> bool {
        let witness = witness.get::<Witness>().expect("this chain's");
        is_satisfied(|cs| self.circuit(Some(witness), &cs)).expect("a circuit")
    }

    /// The constraints that a witness breaks.
    pub(crate) fn violations(&self, witness: &Witness) -> Vec<&'static str> {
        let violations = violated(|cs| self.circuit(Some(witness), &cs)).expect("a circuit");
        violations.into_iter().map(|violation| violation.name).collect()
    }

    /// The circuit of the smallest tier.
    pub(crate) fn circuit(
        &self,
        witness: Option<&Witness>,
        cs: &ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()> {
        self.chain.circuit(self.tier(), &self.chain.plans(self.tier()), witness, cs).map(drop)
    }
}

/// A change of the state that no call makes.
pub(crate) type Change<'a> = Box<dyn Fn(&mut Recorder<'_>) + 'a>;

/// A block under forgery: what the prover says, before anything is derived from it.
pub(crate) struct Forgery<'a> {
    pub(crate) on: &'a TestChain,
    pub(crate) author: u32,
    pub(crate) author_key: [Fr; 2],
    /// Added to the fees that are honestly due.
    pub(crate) extra_fees: Fr,
    /// The slots that say something, by lane.
    pub(crate) lanes: Vec<Vec<SlotWitness>>,
    /// Whether slots are still to be signed, by their senders' keys.
    pub(crate) signs: bool,
    /// Changes to the state that the prover pretends before the block.
    pub(crate) pretended: Vec<Change<'a>>,
    /// Claimed used slots, in place of the number of used ones.
    pub(crate) used_slots: Option<Vec<u32>>,
    /// A change of what the block opens that no access wrote.
    pub(crate) slipped_in: Option<Change<'a>>,
    /// The claimed nonce of a private body, in place of the derived one.
    pub(crate) nonce: Option<Fr>,
    /// The claimed chain key that comes into force, in place of the one that does.
    pub(crate) next_key: Option<Fr>,
}

impl<'a> Forgery<'a> {
    /// The block of these calls, which must be executable.
    pub(crate) fn of(on: &'a TestChain, calls: &[Extrinsic]) -> Self {
        let execution = on.execute(calls);
        assert_eq!(execution.included.len(), calls.len(), "{:?} {:?}", execution.refused, execution.deferred);
        let witness = execution.witness.get::<Witness>().expect("this chain's");
        let used = |lane: &Vec<SlotWitness>| lane.iter().filter(|slot| slot.used).cloned().collect();
        Self {
            on,
            author: on.context.author,
            author_key: on.context.author_key.coordinates(),
            extra_fees: Fr::ZERO,
            lanes: witness.lanes.iter().map(used).collect(),
            signs: true,
            pretended: Vec::new(),
            used_slots: None,
            slipped_in: None,
            nonce: None,
            next_key: None,
        }
    }

    /// The only slot of a block that has one.
    pub(crate) fn slot(&mut self) -> &mut SlotWitness {
        let mut slots = self.lanes.iter_mut().flatten();
        let slot = slots.next().expect("a slot");
        assert!(slots.next().is_none(), "one slot");
        slot
    }

    /// What an unused slot of a lane holds.
    pub(crate) fn unused(&self, lane: usize) -> SlotWitness {
        let idle = Composition::idle_context(&self.on.state, &self.on.context).expect("memory");
        SlotWitness::idle(self.on.chain.kinds[lane].as_ref(), &idle)
    }

    /// Signs every slot by its sender's key, as the circuit will read it; what is changed later is not signed again.
    pub(crate) fn sign(&mut self) {
        self.sign_with(|slot| slot.sender as u8);
    }

    /// Signs every slot by key number `signer`.
    pub(crate) fn sign_with(&mut self, signer: impl Fn(&SlotWitness) -> u8) {
        let mut messages = self.run(&self.outline()).messages.into_iter();
        let capacities = self.on.tier().lanes.iter().map(|lane| lane.capacity as usize);
        for (slots, capacity) in self.lanes.iter_mut().zip(capacities) {
            let of_lane: Vec<_> = messages.by_ref().take(capacity).collect();
            for (slot, message) in slots.iter_mut().zip(of_lane) {
                if let Some(message) = message {
                    slot.set_signature(secret(signer(slot)).sign(message));
                }
            }
        }
        self.signs = false;
    }

    /// The statement before anything is executed. The parent state root is the true one.
    fn outline(&self) -> [Fr; zkpov_verifier::statement::STATEMENT_LEN] {
        let mut statement =
            self.on.chain.outline(&self.on.context, self.on.tier_id(), self.number()).elements();
        statement[27] = self.author.into();
        statement[28..30].copy_from_slice(&self.author_key);
        statement
    }

    /// The forgery with the only slot changed before it is signed.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut SlotWitness)) -> Self {
        change(self.slot());
        self
    }

    /// Takes the record at `index` for one with these elements.
    pub(crate) fn pretend<R: Record>(&mut self, index: u32, elements: Vec<Fr>) {
        self.pretended.push(Box::new(move |recorder| recorder.pretend::<R>(index, elements.clone())));
    }

    /// Has the block leave these elements at `index`, which no access wrote.
    pub(crate) fn slip_in<R: Record>(&mut self, index: u32, elements: Vec<Fr>) {
        self.slipped_in = Some(Box::new(move |recorder| {
            recorder.write::<R>(index, elements.clone()).expect("memory");
        }));
    }

    fn number(&self) -> u32 {
        self.on.context.parent.number + 1
    }

    fn fees(&self) -> Fr {
        let due: Fr = self.lanes.iter().flatten().filter(|slot| slot.used).map(|slot| slot.fee).sum();
        due + self.extra_fees
    }

    /// What the block is given for its beginning.
    fn given(&self) -> Given {
        let on = self.on;
        let honest = || {
            let secrets = on.chain.secrets(&on.state, &on.context).expect("the key is at hand");
            secrets.map_or(Fr::ZERO, |(_, next)| next.0)
        };
        Given { fees: self.fees(), next_key: Secret(self.next_key.unwrap_or_else(honest)) }
    }

    fn run<'s>(&'s self, statement: &[Fr; zkpov_verifier::statement::STATEMENT_LEN]) -> Executed<'s> {
        let on = self.on;
        let idle = Composition::idle_context(&on.state, &on.context).expect("memory");
        let mut recorder = Recorder::new(on.chain.layout(), &on.state);
        messages::keep(&mut recorder, &on.context.messages.inbox);
        for pretend in &self.pretended {
            pretend(&mut recorder);
        }
        let run = || {
            let block =
                Block::native(*statement, recorder, on.chain.version, &self.given()).expect("lenient");
            let nonce = self.nonce.map_or(Nonce::Derived, Nonce::Given);
            on.chain.run_on(block, on.tier(), &idle, &Slots::Selected(&self.lanes), nonce)
        };
        match leniently(run) {
            Ok(executed) => executed,
            Err(Stopped::Slot { lane, slot, reason }) => panic!("slot {slot} of lane {lane}: {reason}"),
            Err(Stopped::Execution(error)) => panic!("{error}"),
        }
    }

    /// The whole witness that follows.
    pub(crate) fn witness(mut self) -> Witness {
        let on = self.on;
        if self.signs {
            self.sign();
        }
        let mut statement = self.outline();
        let storages = crate::state::storage_roots(&on.state, on.chain.layout()).expect("memory");
        let Executed { lanes, body, mut recorder, upgrade, outbox_root, .. } = self.run(&statement);
        if let Some(slip) = &self.slipped_in {
            slip(&mut recorder);
        }
        let after = recorder.storage_roots().expect("memory");
        let openings = recorder.into_openings().expect("places enough");
        let mut used = [0u32; MAX_LANES];
        for (lane, slots) in lanes.iter().enumerate() {
            used[lane] = slots.iter().filter(|slot| slot.used).count() as u32;
        }
        if let Some(claimed) = &self.used_slots {
            used[..claimed.len()].copy_from_slice(claimed);
        }
        let head = [BODY_DOMAIN, Fr::from(on.tier_id().0)];
        let private = on.chain.body_format() == BodyFormat::Private;
        if private {
            for (used, lane) in used.iter_mut().zip(&on.tier().lanes) {
                *used = lane.capacity;
            }
        }
        let padded = if private { body.clone() } else { self.padded_body(&lanes, &body) };
        for (lane, used) in used.into_iter().enumerate() {
            statement[7 + lane] = used.into();
        }
        statement[23] = crate::state::hash_storages(&storages);
        statement[24] = crate::state::hash_storages(&after);
        statement[32] = outbox_root;
        statement[33..35].copy_from_slice(&upgrade.unwrap_or_default());
        statement[30] = poseidon::chain(&[&head[..], &used.map(Fr::from), &padded].concat());
        Witness {
            public_input: poseidon::chain(&statement),
            statement,
            storages,
            fees: self.fees(),
            next_key: self.given().next_key,
            nonce: if private { body[0] } else { Fr::ZERO },
            lanes,
            openings,
        }
    }

    /// The body with zeros in unused slots.
    fn padded_body(&self, lanes: &[Vec<SlotWitness>], body: &[Fr]) -> Vec<Fr> {
        let mut rest = body.iter().copied();
        let mut padded = Vec::new();
        for (slots, kind) in lanes.iter().zip(&self.on.chain.kinds) {
            let width = packed_widths(&slot_widths(kind.as_ref())).len();
            for slot in slots {
                if slot.used {
                    padded.extend(rest.by_ref().take(width));
                } else {
                    padded.extend(vec![Fr::ZERO; width]);
                }
            }
        }
        padded
    }

    /// Refused by these constraints, any of which would do, and accepted without them.
    #[track_caller]
    pub(crate) fn refused_by<const N: usize>(self, names: [&'static str; N]) {
        let on = self.on;
        refused_by(on, &self.witness(), names);
    }

    /// Refused by the constraints of this name alone, and accepted without them.
    #[track_caller]
    pub(crate) fn refused_only_by(self, name: &'static str) {
        self.refused_by([name]);
    }

    /// Has every access to a place but the block's first read these elements: see [`Recorder::foresee`].
    pub(crate) fn foresee<R: Record>(&mut self, index: u32, elements: Vec<Fr>) {
        self.pretended.push(Box::new(move |recorder| recorder.foresee::<R>(index, elements.clone())));
    }

    /// Accepted, by the circuit and by who imports the body: what is next to a lie, and true.
    #[track_caller]
    pub(crate) fn accepted(self) {
        let on = self.on;
        let witness = self.witness();
        assert_eq!(violated(|cs| on.circuit(Some(&witness), &cs)), Ok(vec![]));
        let (used, body) = on.body_of(&witness);
        let applied = on.chain.apply(&on.state, &on.context, on.tier_id(), &used, &body);
        assert_eq!(applied.expect("what is proven is imported").state_root, witness.statement[24]);
    }
}

impl SlotWitness {
    /// Puts another signature in.
    pub(crate) fn set_signature(&mut self, signature: Signature) {
        self.r8 = [signature.r8.x, signature.r8.y];
        self.s = scalar_to_field(&signature.s);
    }
}

/// A witness is refused by these constraints and by no other, and accepted without them.
#[track_caller]
pub(crate) fn refused_by<const N: usize>(on: &TestChain, witness: &Witness, names: [&'static str; N]) {
    let circuit = |cs| on.circuit(Some(witness), &cs);
    let violations = violated(circuit).expect("a circuit");
    let found: BTreeSet<&str> = violations.iter().map(|violation| violation.name).collect();
    assert_eq!(found, BTreeSet::from(names), "{violations:?}");
    assert!(without(&names, || is_satisfied(circuit)).expect("a circuit"), "still refused without {names:?}");
}

/// An honest witness whose statement says something else at `place`, with a digest to match.
pub(crate) fn restated(mut witness: Witness, place: usize, change: Fr) -> Witness {
    witness.statement[place] += change;
    witness.public_input = poseidon::chain(&witness.statement);
    witness
}
