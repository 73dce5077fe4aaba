//! A full block of transfers on `payments`, in both forms: proven, and with its witness.

use std::{cell::RefCell, collections::BTreeMap};

use anyhow::{Context, ensure};
use codec::{Decode, DecodeAll};
use zkpov_circuits::{
    chains::{
        payments_of,
        scene::{AUTHOR, People},
        scene_by_name,
    },
    keys::SecretKey,
    pallets::balances,
    runtime::{ACCOUNT_LEVELS, BlockContext, Chain, Composition, Execution, Messages},
    state::{ARITY, BITS_PER_LEVEL, StateError, StateReader, keys, storage_roots},
};
use zkpov_relay_reexecution::{
    Block,
    block::{ACCOUNTS, Account, Chain as Identity, PARAMETERS, Parameters, Transfer},
    tree::{Beside, LEVELS},
};
use zkpov_verifier::{
    block::{Proven, ProvenBlock, Scheduled},
    field::{self, Fr},
    hashing::{Hash, blake2b_256},
    head::Head,
    key::{ProofSystem, Setup, TierKey, ValidityKey},
    lane::TierId,
    message::{Inbound, Outbound},
    relay::RelayContext,
    statement::{self, ChainIdentity, author_message},
    testing::{Trapdoor, element},
};

/// The parachain's id.
const PARA_ID: u32 = 2000;

/// The relay parent: any will do, nothing is read of it.
pub(crate) const RELAY: RelayContext =
    RelayContext { relay_parent_number: 1000, relay_parent_storage_root: [0x5a; 32] };

/// The tier, whose number only has to be one.
const TIER: TierId = TierId(21);

/// A chain at its beginning, and the transfers that fill its first block, executed.
pub(crate) struct Sample {
    chain: Composition,
    spec: String,
    parent: Head,
    identity: ChainIdentity,
    author: SecretKey,
    execution: Execution,
    /// The block with its witness.
    pub(crate) witness: Block,
}

/// The block, proven under some key.
pub(crate) struct ProvenSample {
    pub(crate) validity_key: Vec<u8>,
    pub(crate) pov: Vec<u8>,
}

impl Sample {
    /// A block of `transfers` on a state of `accounts` accounts.
    pub(crate) fn new(transfers: u32, accounts: u32) -> anyhow::Result<Self> {
        let chain = payments_of(ACCOUNT_LEVELS, vec![(TIER.0, vec![transfers])]);
        let secrets: Vec<_> = (0..accounts).map(secret).collect();
        let people = People::new(&chain, &secrets);
        let scene = scene_by_name(chain.name()).context("payments have a scene")?;
        let spec = people.spec(scene).to_string();
        let genesis = chain.genesis(&spec)?;
        let parent = Head::genesis(genesis.state_root);
        let identity = ChainIdentity {
            para_id: PARA_ID,
            genesis_hash: parent.hash(),
            runtime_version: chain.runtime_version(),
            transaction_version: chain.transaction_version(),
        };
        let context = BlockContext {
            identity,
            parent: parent.as_parent(),
            relay_parent_number: RELAY.relay_parent_number,
            author: AUTHOR,
            author_key: people.key(AUTHOR),
            context: statement::context(&parent.hash(), &[]),
            upgrade: None,
            messages: Messages::default(),
            chain_keys: Vec::new(),
        };
        let extrinsics = scene.calls(&people, &identity, &[transfers])?;
        let execution = chain.execute(&genesis.changes, &context, Some(TIER), &extrinsics)?;
        ensure!(execution.included.len() == extrinsics.len(), "the block does not hold every transfer");
        let witness = witness(&chain, &genesis.changes, &context, &extrinsics, execution.state_root)?;
        let author = secret(AUTHOR);
        Ok(Self { spec, parent, identity, author, execution, witness, chain })
    }

    /// Head data of the block before it.
    pub(crate) fn parent_head(&self) -> Vec<u8> {
        self.parent.encode()
    }

    /// State roots before and after it.
    pub(crate) fn roots(&self) -> [Fr; 2] {
        [self.parent.state_root, self.execution.state_root]
    }

    /// The block proven under the key that `key` names; `proof` names one of the proofs. The secret of the set-up stands for the minutes that a proof
    /// of this circuit takes: a verifier cannot tell, and to check it is to check any.
    pub(crate) fn prove(&self, key: &str, proof: &str) -> anyhow::Result<ProvenSample> {
        let trapdoor = Trapdoor::new(key);
        let tier = self.chain.tiers().first().context("one tier")?;
        let validity_key = ValidityKey {
            chain: self.identity,
            body_format: self.chain.body_format(),
            messages: self.chain.messages(&self.spec)?,
            tiers: vec![TierKey {
                tier: TIER,
                lanes: tier.lanes.clone(),
                body_limit: tier.body_limit,
                proof_system: ProofSystem::Groth16Bn254,
                circuit_digest: blake2b_256(b"of no circuit"),
                verifying_key: trapdoor.verifying_key(),
                setup: Setup::Dev,
            }],
        };
        let digest = self.execution.statement.digest();
        let [a, b] = ["a", "b"].map(|part| element(&format!("{proof}/{part}")));
        let proven = Proven {
            tier: TIER,
            used_slots: self.execution.used_slots.clone(),
            state_root: self.execution.state_root,
            author: AUTHOR,
            author_key: self.author.public_key(),
            body: self.execution.body.clone(),
            storage_proof: Vec::new(),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            upgrade: None,
            proof: trapdoor.simulate(digest, a, b).encode().to_vec(),
        };
        let scheduled = Scheduled::default();
        let signature = self.author.sign(author_message(&self.parent.hash(), digest, &scheduled.hash()));
        let pov = ProvenBlock { proven, scheduled, signature }.encode();
        Ok(ProvenSample { validity_key: validity_key.encode(), pov })
    }
}

/// Somebody's key.
fn secret(index: u32) -> SecretKey {
    SecretKey::from_seed(blake2b_256(&[b"person".as_slice(), &index.to_le_bytes()].concat()))
}

/// A state that remembers what was read of it.
struct Recording<'a> {
    state: &'a dyn StateReader,
    read: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl StateReader for Recording<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.state.get(key)?;
        if let Some(value) = &value {
            self.read.borrow_mut().insert(key.to_vec(), value.clone());
        }
        Ok(value)
    }
}

/// The block with what the chain's own native code reads of the state, which comes to `state_root`.
fn witness(
    chain: &Composition,
    state: &dyn StateReader,
    context: &BlockContext,
    extrinsics: &[Vec<u8>],
    state_root: Fr,
) -> anyhow::Result<Block> {
    let recording = Recording { state, read: RefCell::default() };
    let (root, _) = balances::reexecute(chain.layout(), &recording, context, extrinsics)?;
    ensure!(root == state_root, "the chain's native code comes to another state than its circuit's");
    let read = recording.read.into_inner();
    let (accounts_storage, parameters_storage) = (ACCOUNTS as u8, PARAMETERS as u8);

    let mut accounts = Vec::new();
    for (key, record) in
        read.range(keys::record(accounts_storage, 0)..=keys::record(accounts_storage, u32::MAX))
    {
        let index = u32::from_be_bytes(*key.last_chunk().context("an index")?);
        accounts.push((index, Account::decode_all(&mut record.as_slice())?));
    }
    let node = |storage: u8, level: usize, index: u32| -> Option<Hash> {
        read.get(&keys::node(storage, level as u8, index))?.as_slice().try_into().ok()
    };
    let mut beside = Beside::default();
    let mut known: Vec<u32> = accounts.iter().map(|(index, _)| *index).collect();
    for level in 0..LEVELS {
        let mut parents: Vec<u32> = known.iter().map(|index| index >> BITS_PER_LEVEL).collect();
        parents.dedup();
        for parent in &parents {
            let mut given = 0u8;
            for child in 0..ARITY as u32 {
                let index = (parent << BITS_PER_LEVEL) + child;
                let unknown = known.binary_search(&index).is_err();
                if let Some(node) = node(accounts_storage, level, index).filter(|_| unknown) {
                    given |= 1 << child;
                    beside.nodes.push(node);
                }
            }
            beside.given.push(given);
        }
        known = parents;
    }
    let parameters = read.get(&keys::record(parameters_storage, 0)).context("parameters")?;
    let ChainIdentity { para_id, genesis_hash, transaction_version, .. } = context.identity;
    let block = Block {
        chain: Identity { para_id, genesis_hash, transaction_version },
        author: context.author,
        parameters: Parameters::decode_all(&mut parameters.as_slice())?,
        roots: storage_roots(state, chain.layout())?.map(|root| field::encode(&root)).to_vec(),
        accounts,
        beside,
        transfers: extrinsics
            .iter()
            .map(|bytes| Transfer::decode(&mut bytes.as_slice()))
            .collect::<Result<_, _>>()?,
    };
    let again =
        zkpov_relay_reexecution::execute(&context.parent.state_root, context.parent.number + 1, &block)?;
    ensure!(again == state_root, "this crate's code comes to another state than the chain's");
    Ok(block)
}
