//! A parachain of one's own: a registry of names. `docs/tutorial.md` builds it step by step.
//!
//! `cargo run -p zkpov-circuits --example names` executes a block of it, shows that its circuit is satisfied and what it costs, and
//! rebuilds the state from the body; `cargo test -p zkpov-circuits --example names` tests it. It uses nothing but
//! the crate's public interface.

use ark_relations::gr1cs::Result;
use serde_json::json;
use zkpov_circuits::{
    chains::scene::{People, Scene},
    gadgets::range::{U32, U128, canonical_bits},
    keys::SecretKey,
    pallets::balances::Balances,
    record,
    runtime::{
        Account, AccountIndex, BlockContext, Call, CallKind, Chain, Composition, Executed, Execution,
        ExtrinsicError, Idle, IdleContext, Messages, Pallet, Settings, Slot, Token, Unfit, View,
    },
    soundness,
    state::{BITS_PER_LEVEL, ChangeSet, Element, Shape, Value, circuit::Index},
    values,
};
use zkpov_verifier::{eddsa::PublicKey, head::Head, lane::TierId, statement::ChainIdentity};

/// The storage of names.
const NAMES: u8 = 3;

/// Levels of its tree: 8^6 = 2^18 places.
const LEVELS: usize = 6;

/// What a name costs. It is burned: nobody profits from a squatter.
const PRICE: u128 = 1_000_000;

record! {
    /// A name and whose it is.
    pub struct Name / NameVar ("name", "a name") in NAMES; {
        /// Hash of the name; the name itself is nobody's business here.
        hash: Element,
        /// Account of the owner.
        owner: u32,
    }
}

/// A name's place: the low bits of its hash, so that no name can be registered twice. Two names that meet there are one
/// too many: the second is refused.
fn place(hash: &Element) -> u32 {
    use ark_ff::PrimeField;
    let low = hash.0.into_bigint().0[0] as u32;
    low & ((1 << (LEVELS * BITS_PER_LEVEL)) - 1)
}

/// The same in a circuit: the bits are those of the integer below p, so there is one place for a hash.
fn place_variable(hash: &<Element as Value>::Var) -> Result<Index> {
    let mut bits = canonical_bits(hash)?;
    bits.truncate(LEVELS * BITS_PER_LEVEL);
    Index::from_bits(bits)
}

values! {
    /// What `register` takes.
    pub struct Registration / RegistrationVar ("register") {
        /// Hash of the name.
        hash: Element,
    }
}

/// Registers a name for the sender, who pays [`PRICE`].
#[derive(Debug)]
struct Register;

impl Call for Register {
    const NAME: &'static str = "register";

    type Arguments = Registration;
    type Inputs = Registration;
    type Body = Registration;

    fn inputs(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        arguments: &Registration,
    ) -> core::result::Result<Registration, Unfit> {
        match view.read::<Name>(place(&arguments.hash))? {
            None => Ok(arguments.clone()),
            Some(name) if name.hash == arguments.hash => Err(Unfit::because("the name is taken")),
            Some(_) => Err(Unfit::because("the name's place is another's: choose another name")),
        }
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Registration,
    ) -> core::result::Result<Registration, Unfit> {
        self.inputs(view, sender, body)
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: RegistrationVar,
    ) -> Result<Executed<Registration, Registration>> {
        let price = U128::constant(PRICE)?;
        slot.take(&price)?;
        slot.burn(&price)?;
        let place = slot.vacant::<Name>(&place_variable(&inputs.hash)?)?;
        // An account's index is below 2^24.
        let owner = U32::trust(slot.sender()?.as_field().clone());
        slot.write::<Name>(place, &NameVar { hash: inputs.hash.clone(), owner })?;
        Ok(Executed { signed: inputs.clone(), body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Registration> {
        Idle::new(Registration { hash: Element::default() })
    }
}

values! {
    /// What the owner signs of `hand_over`.
    pub struct HandOver / HandOverVar ("hand_over") {
        /// Hash of the name.
        hash: Element,
        /// Key of the next owner.
        receiver: PublicKey,
    }
}

values! {
    /// What its slot is given, and what the body says.
    pub struct HandedOver / HandedOverVar ("handed_over") {
        /// Hash of the name.
        hash: Element,
        /// Account of the next owner.
        receiver: AccountIndex,
    }
}

/// Gives the sender's name to another account.
#[derive(Debug)]
struct HandNameOver;

impl Call for HandNameOver {
    const NAME: &'static str = "hand_over";

    type Arguments = HandOver;
    type Inputs = HandedOver;
    type Body = HandedOver;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &HandOver,
    ) -> core::result::Result<HandedOver, Unfit> {
        let receiver = view.account_of(&arguments.receiver)?;
        let receiver = receiver.ok_or_else(|| Unfit::because("the receiver has no account"))?;
        self.restore(view, sender, &HandedOver { hash: arguments.hash, receiver })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &HandedOver,
    ) -> core::result::Result<HandedOver, Unfit> {
        match view.read::<Name>(place(&body.hash))? {
            Some(name) if name.hash == body.hash && name.owner == sender.0 => Ok(body.clone()),
            _ => Err(Unfit::because("the name is not the sender's")),
        }
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: HandedOverVar,
    ) -> Result<Executed<HandOver, HandedOver>> {
        let used = slot.used().clone();
        let (name, place) = slot.read::<Name>(&place_variable(&inputs.hash)?)?;
        used.enforce_equal_if("names/the name at its place", &name.hash, &inputs.hash)?;
        let sender = slot.sender()?.as_field().clone();
        used.enforce_equal_if("names/owner", name.owner.as_field(), &sender)?;
        // Reading the receiver's account says that it exists and what its key is.
        let (receiver, _unchanged) = slot.read::<Account>(&inputs.receiver)?;
        let owner = U32::trust(inputs.receiver.as_field().clone());
        slot.write::<Name>(place, &NameVar { hash: name.hash, owner })?;
        let signed = HandOverVar { hash: inputs.hash.clone(), receiver: receiver.key };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<HandedOver> {
        Idle::new(HandedOver { hash: Element::default(), receiver: AccountIndex::from(1) })
    }
}

/// The pallet.
#[derive(Debug)]
struct Names;

impl Pallet for Names {
    fn name(&self) -> &'static str {
        "names"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        vec![(NAMES, Shape::Tree { levels: LEVELS })]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![CallKind::call(Register), CallKind::call(HandNameOver)]
    }
}

/// The chain: balances and names.
fn chain() -> Composition {
    Composition::new(Settings {
        name: "names",
        runtime_version: 1,
        transaction_version: 1,
        token: Token { symbol: "NAME".into(), decimals: 6 },
        account_levels: 4,
        upgrades: false,
        pallets: vec![Box::new(Balances), Box::new(Names)],
        // Slots for transfers, opens, registrations and handovers.
        tiers: vec![(16, vec![1, 1, 1, 1])],
    })
}

/// Whoever has an account registers a name.
struct Registrations;

impl Scene for Registrations {
    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        _: &[u32],
    ) -> core::result::Result<Vec<Vec<u8>>, ExtrinsicError> {
        Ok(vec![people.sign(identity, "register", 1, 0, &json!({ "hash": "271828" }))?])
    }
}

/// A chain at some state.
struct Running {
    chain: Composition,
    state: ChangeSet,
    context: BlockContext,
    people: Vec<SecretKey>,
}

impl Running {
    /// The chain at its genesis, with four accounts.
    fn begin() -> Self {
        let chain = chain();
        let people: Vec<SecretKey> = (1..=4).map(|seed| SecretKey::from_seed([seed; 32])).collect();
        let spec = People::new(&chain, &people).spec(&Registrations).to_string();
        let genesis = chain.genesis(&spec).expect("a sound spec");
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
            author_key: people[0].public_key(),
            upgrade: None,
            context: [0; 32],
            messages: Messages::default(),
            chain_keys: Vec::new(),
        };
        Self { chain, state: genesis.changes, context, people }
    }

    fn people(&self) -> People<'_> {
        People::new(&self.chain, &self.people)
    }

    /// The next block of these calls, held to its circuit and to what its body leads to.
    fn block(&mut self, calls: &[Vec<u8>]) -> Execution {
        let block = self.chain.execute(&self.state, &self.context, None, calls).expect("a block");
        let circuit = |cs| self.chain.synthesize(block.tier, Some(&block.witness), cs);
        assert_eq!(soundness::is_satisfied(circuit), Ok(true));
        let applied =
            self.chain.apply(&self.state, &self.context, block.tier, &block.used_slots, &block.body);
        assert_eq!(applied.expect("a body").state_root, block.state_root);
        self.state.extend(block.changes.clone());
        self.context.parent.number += 1;
        self.context.parent.state_root = block.state_root;
        block
    }
}

fn main() {
    let mut running = Running::begin();
    let calls = Registrations.calls(&running.people(), &running.context.identity, &[]).expect("calls");
    let block = running.block(&calls);
    println!("block 1: {} bytes of body, state root {}", block.body.len(), block.state_root);
    println!("lanes used: {:?}", block.used_slots);
    for weight in running.chain.call_weights().expect("a circuit's shape needs no witness") {
        println!("{:>10} {:>7} constraints", weight.name, weight.constraints);
    }
    let TierId(tier) = block.tier;
    println!("the circuit of tier 2^{tier} is satisfied, and the body alone leads to the same state");
}

#[cfg(test)]
mod tests {
    use zkpov_verifier::field::Fr;

    use super::*;

    fn register(running: &Running, sender: u32, nonce: u32, hash: &str) -> Vec<u8> {
        let identity = &running.context.identity;
        running.people().sign(identity, "register", sender, nonce, &json!({ "hash": hash })).expect("a call")
    }

    fn hand_over(running: &Running, sender: u32, nonce: u32, hash: &str, to: u32) -> Vec<u8> {
        let arguments = json!({ "hash": hash, "receiver": running.people().key(to).to_json() });
        let identity = &running.context.identity;
        running.people().sign(identity, "hand_over", sender, nonce, &arguments).expect("a call")
    }

    fn refusal(block: &Execution) -> String {
        block.refused.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_name_is_registered_once_and_handed_over_by_its_owner_alone() {
        let mut running = Running::begin();
        let calls = [register(&running, 1, 0, "42")];
        assert_eq!(running.block(&calls).included, [0]);
        let again = [register(&running, 2, 0, "42")];
        assert!(refusal(&running.block(&again)).contains("taken"));
        let stolen = [hand_over(&running, 2, 0, "42", 2)];
        assert!(refusal(&running.block(&stolen)).contains("not the sender's"));
        let given = [hand_over(&running, 1, 1, "42", 3)];
        assert_eq!(running.block(&given).included, [0]);
        let taken_back = [hand_over(&running, 1, 2, "42", 1)];
        assert!(refusal(&running.block(&taken_back)).contains("not the sender's"));
    }

    #[test]
    fn two_names_at_one_place_are_one_too_many() {
        let mut running = Running::begin();
        let same_low_bits = (42u64 + (1 << 18)).to_string();
        let calls = [register(&running, 1, 0, "42")];
        running.block(&calls);
        let calls = [register(&running, 2, 0, &same_low_bits)];
        assert!(refusal(&running.block(&calls)).contains("choose another name"));
    }

    /// The soundness kit is public: it plays a dishonest prover who puts another name into a signed registration.
    #[test]
    fn another_name_than_the_one_signed_is_refused() {
        let running = Running::begin();
        let calls = [register(&running, 1, 0, "42")];
        let block = running.chain.execute(&running.state, &running.context, None, &calls).expect("a block");
        let circuit = |cs| running.chain.synthesize(block.tier, Some(&block.witness), cs);
        let another = [Fr::from(43u64)];
        let violations =
            soundness::with_hints("register/slot[0]/hash", &another, || soundness::violated(circuit));
        let violations = violations.expect("a circuit");
        assert!(violations.iter().any(|violation| violation.name == "eddsa/equation"), "{violations:?}");
    }
}
