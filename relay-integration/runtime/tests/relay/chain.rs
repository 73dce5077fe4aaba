//! A relay chain in memory: a tree of blocks, each executed by the runtime on its parent's state.
//!
//! ```text
//!   parent's state ─► initialise ─► timestamp ─► paras_inherent::enter ─► calls ─► finalise ─► header, state
//!                                                     ▲
//!                          InherentData ─► create_inherent (drops what may not be in it)
//! ```
//!
//! Nothing is decided here but which block is built on which: forks are as many as somebody builds, and the finalised block is the
//! one somebody says.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, RwLock},
};

use codec::Encode;
use frame_support::inherent::{InherentData, ProvideInherent};
use frame_support::storage::{TransactionOutcome, with_transaction};
use pallet_babe::AuthorityId as BabeId;
use polkadot_primitives::{
    AccountId, AssignmentId, AsyncBackingParams, AuthorityDiscoveryId, BackedCandidate, BlockNumber, Hash,
    Id, InherentData as ParasInherentData, LOWEST_PUBLIC_ID, OccupiedCoreAssumption,
    PARACHAINS_INHERENT_IDENTIFIER, UncheckedSignedAvailabilityBitfields, ValidatorId,
    vstaging::SchedulerParams,
};
use polkadot_runtime_parachains::{
    configuration::HostConfiguration, inclusion, runtime_api_impl::v13::persisted_validation_data,
};
use sp_consensus_babe::{
    AllowedSlots, BABE_ENGINE_ID, BabeEpochConfiguration,
    digests::{PreDigest, SecondaryPlainPreDigest},
};
use sp_core::{Pair, sr25519};
use sp_runtime::{
    BuildStorage, Digest, DigestItem, StateVersion,
    traits::{BlakeTwo256, Header as _},
};
use sp_state_machine::{
    Ext, InMemoryBackend, OverlayedChanges, TrieBackend, TrieBackendBuilder, TrieBackendStorage,
    prove_read_on_trie_backend,
};
use sp_trie::{DBValue, PrefixedMemoryDB, prefixed_key};

use zkpov_verifier::{head::Head, relay::RelayContext};

use crate::runtime::{
    Babe, BabeConfig, BalancesConfig, ConfigurationConfig, Executive, Header, ParaInherent, RegistrarConfig,
    Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig, SESSION_BLOCKS, SLOT_MILLISECONDS,
    SessionConfig, SessionKeys, System, UNIT,
};

/// How many validate.
const VALIDATORS: u32 = 6;
/// Cores there are.
pub(crate) const CORES: u32 = 3;
/// How many relay blocks ahead the claim queue looks, and so how old a relay parent may be.
pub(crate) const LOOKAHEAD: u32 = 3;
/// The first block's slot.
const FIRST_SLOT: u64 = 1_000;
/// What the people of the relay chain have.
pub(crate) const ENDOWMENT: u128 = 1_000_000 * UNIT;

/// A block of the relay chain.
#[derive(Debug)]
pub(crate) struct RelayBlock {
    pub(crate) header: Header,
    pub(crate) events: Vec<RuntimeEvent>,
    slot: u64,
    state: State,
    changes: Changes,
}

/// The state after a block: a root in the store that all blocks share.
type State = TrieBackend<Store, BlakeTwo256>;

/// The trie nodes of all states that are kept, by prefix and hash as a node's database has them, and how often each is there.
#[derive(Clone, Debug, Default)]
struct Store(Arc<RwLock<Nodes>>);

type Nodes = HashMap<Vec<u8>, (DBValue, i32)>;

impl TrieBackendStorage<BlakeTwo256> for Store {
    fn get(&self, hash: &Hash, prefix: (&[u8], Option<u8>)) -> Result<Option<DBValue>, String> {
        let key = prefixed_key::<BlakeTwo256>(hash, prefix);
        let nodes = self.0.read().expect("nobody panics there");
        Ok(nodes.get(&key).map(|(node, _)| node.clone()))
    }
}

/// Nodes by their place in the store, and how often.
type Places = Vec<(Vec<u8>, i32)>;

/// What a block does to the store: nodes that it put there, and nodes that nobody needs when its parent's state is not kept any more.
#[derive(Debug, Default)]
struct Changes {
    new: Places,
    old: Places,
}

impl Store {
    /// Puts a block's new nodes there.
    fn write(&self, mut transaction: PrefixedMemoryDB<BlakeTwo256>) -> Changes {
        let (mut changes, mut nodes) = (Changes::default(), self.0.write().expect("nobody panics there"));
        for (key, (node, count)) in transaction.drain() {
            if count > 0 {
                nodes.entry(key.clone()).or_insert((node, 0)).1 += count;
                changes.new.push((key, count));
            } else if count < 0 {
                changes.old.push((key, -count));
            }
        }
        changes
    }

    /// Takes nodes out as often as they are listed.
    fn erase(&self, places: &Places) {
        let mut nodes = self.0.write().expect("nobody panics there");
        for (key, count) in places {
            let Some((_, left)) = nodes.get_mut(key) else { panic!("a node that is not there goes") };
            *left -= count;
            if *left == 0 {
                nodes.remove(key);
            }
        }
    }
}

/// What an author puts into a block for the parachains.
#[derive(Debug, Default)]
pub(crate) struct ForParas {
    pub(crate) bitfields: UncheckedSignedAvailabilityBitfields,
    pub(crate) candidates: Vec<BackedCandidate>,
}

/// A tree of blocks.
#[derive(Debug)]
pub(crate) struct RelayChain {
    blocks: HashMap<Hash, RelayBlock>,
    store: Store,
    genesis: Hash,
    available: HashMap<Vec<u8>, (RelayContext, Vec<u8>)>,
}

/// Somebody of this name: a validator, or an account with relay tokens.
pub(crate) fn pair(name: &str) -> sr25519::Pair {
    sr25519::Pair::from_string(&format!("//{name}"), None).expect("a derivation")
}

/// Somebody's account.
pub(crate) fn account(name: &str) -> AccountId {
    pair(name).public().into()
}

/// The validators' keys, by their index in the genesis.
pub(crate) fn validators() -> &'static [sr25519::Pair] {
    static KEYS: LazyLock<Vec<sr25519::Pair>> =
        LazyLock::new(|| (0..VALIDATORS).map(|index| pair(&format!("validator {index}"))).collect());
    &KEYS
}

fn host_configuration() -> HostConfiguration<BlockNumber> {
    HostConfiguration {
        validation_upgrade_cooldown: 15,
        validation_upgrade_delay: 6,
        minimum_validation_upgrade_delay: 5,
        code_retention_period: 1_200,
        max_pov_size: 10 << 20,
        max_head_data_size: 32 << 10,
        max_downward_message_size: 64 << 10,
        max_upward_queue_count: 8,
        max_upward_queue_size: 1 << 20,
        max_upward_message_size: 50 << 10,
        max_upward_message_num_per_candidate: 5,
        hrmp_sender_deposit: UNIT,
        hrmp_recipient_deposit: UNIT,
        hrmp_channel_max_capacity: 8,
        hrmp_channel_max_total_size: 8 << 10,
        hrmp_channel_max_message_size: 4 << 10,
        hrmp_max_parachain_inbound_channels: 4,
        hrmp_max_parachain_outbound_channels: 4,
        hrmp_max_message_num_per_candidate: 5,
        async_backing_params: AsyncBackingParams {
            max_candidate_depth: 3,
            allowed_ancestry_len: LOOKAHEAD - 1,
        },
        scheduler_params: SchedulerParams {
            lookahead: LOOKAHEAD,
            num_cores: CORES,
            group_rotation_frequency: 5,
            paras_availability_period: 4,
            on_demand_base_fee: UNIT,
            ..SchedulerParams::default()
        },
        ..HostConfiguration::default()
    }
}

fn genesis(people: &[&str]) -> RuntimeGenesisConfig {
    let keys = validators().iter().map(|pair| {
        let public = pair.public();
        let keys = SessionKeys {
            babe: BabeId::from(public),
            para_validator: ValidatorId::from(public),
            para_assignment: AssignmentId::from(public),
            authority_discovery: AuthorityDiscoveryId::from(public),
        };
        (AccountId::from(public), AccountId::from(public), keys)
    });
    let balances = people.iter().map(|name| (account(name), ENDOWMENT));
    RuntimeGenesisConfig {
        babe: BabeConfig {
            epoch_config: BabeEpochConfiguration {
                c: (1, 4),
                allowed_slots: AllowedSlots::PrimaryAndSecondaryPlainSlots,
            },
            ..BabeConfig::default()
        },
        balances: BalancesConfig {
            balances: balances.chain(keys.clone().map(|(account, ..)| (account, ENDOWMENT))).collect(),
            ..BalancesConfig::default()
        },
        session: SessionConfig { keys: keys.collect(), ..SessionConfig::default() },
        configuration: ConfigurationConfig { config: host_configuration() },
        registrar: RegistrarConfig { next_free_para_id: LOWEST_PUBLIC_ID, ..RegistrarConfig::default() },
        ..RuntimeGenesisConfig::default()
    }
}

impl RelayChain {
    /// A new relay chain on which these people have [`ENDOWMENT`] each.
    pub(crate) fn new(people: &[&str]) -> Self {
        let storage = genesis(people).build_storage().expect("a genesis");
        let state = InMemoryBackend::<BlakeTwo256>::from((storage, StateVersion::V1));
        let root = *state.root();
        let header = Header::new(0, Hash::zero(), root, Hash::zero(), Digest::default());
        let store = Store::default();
        let changes = store.write(state.backend_storage().clone());
        let state = TrieBackendBuilder::new(store.clone(), root).build();
        let genesis = header.hash();
        let block = RelayBlock { header, events: Vec::new(), slot: FIRST_SLOT, state, changes };
        Self { blocks: HashMap::from([(genesis, block)]), store, genesis, available: HashMap::new() }
    }

    /// The first block.
    pub(crate) fn genesis(&self) -> Hash {
        self.genesis
    }

    pub(crate) fn block(&self, hash: Hash) -> &RelayBlock {
        &self.blocks[&hash]
    }

    pub(crate) fn number(&self, hash: Hash) -> BlockNumber {
        self.block(hash).header.number
    }

    /// The block and its ancestors, newest first.
    pub(crate) fn ancestors(&self, hash: Hash) -> impl Iterator<Item = Hash> {
        std::iter::successors(Some(hash), |hash| {
            Some(self.block(*hash).header.parent_hash).filter(|parent| self.blocks.contains_key(parent))
        })
    }

    /// Number and head of what was included of a para in a block.
    pub(crate) fn included(&self, hash: Hash, para: Id) -> Vec<(u32, Vec<u8>)> {
        let events = self.block(hash).events.iter();
        let heads = events.filter_map(|event| match event {
            RuntimeEvent::ParaInclusion(inclusion::Event::CandidateIncluded(receipt, head, ..))
                if receipt.descriptor.para_id() == para =>
            {
                Some((Head::decode(&head.0).expect("a head").number, head.0.clone()))
            }
            _ => None,
        });
        heads.collect()
    }

    /// The head of a para after a block, what waits to be available counted as included.
    pub(crate) fn head_with_pending(&self, hash: Hash, para: Id) -> Vec<u8> {
        let data =
            self.at(hash, || persisted_validation_data::<Runtime>(para, OccupiedCoreAssumption::Included));
        data.expect("on board").parent_head.0
    }

    /// The block data that made this head, and the relay parent it was made at: what validators hold chunks of.
    pub(crate) fn available(&self, head: &[u8]) -> &(RelayContext, Vec<u8>) {
        &self.available[head]
    }

    /// Validators hold chunks of it from now on.
    pub(crate) fn keep(&mut self, head: Vec<u8>, context: RelayContext, block_data: Vec<u8>) {
        self.available.insert(head, (context, block_data));
    }

    /// Forgets every block older than this one, which is final, and what of their states no later one has.
    pub(crate) fn finalise(&mut self, hash: Hash) {
        let number = self.number(hash);
        let stays: HashSet<_> = self.ancestors(hash).collect();
        for canonical in &stays {
            let block = self.blocks.get_mut(canonical).expect("an ancestor");
            self.store.erase(&std::mem::take(&mut block.changes.old));
        }
        let store = &self.store;
        self.blocks.retain(|hash, block| {
            let is_kept = block.header.number >= number;
            if !is_kept && !stays.contains(hash) {
                store.erase(&block.changes.new);
            }
            is_kept
        });
    }

    /// Asks the state after a block, as a runtime API does: whatever `ask` changes is forgotten.
    pub(crate) fn at<R>(&self, hash: Hash, ask: impl FnOnce() -> R) -> R {
        let mut overlay = OverlayedChanges::<BlakeTwo256>::default();
        let state = &self.block(hash).state;
        sp_externalities::set_and_run_with_externalities(&mut Ext::new(&mut overlay, state, None), ask)
    }

    /// Trie nodes that prove these entries of the state after a block, or that they are not there.
    pub(crate) fn prove(&self, hash: Hash, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let proof = prove_read_on_trie_backend(&self.block(hash).state, keys).expect("in memory");
        proof.into_iter_nodes().collect()
    }

    /// Whether the next block on `parent`, in the next slot but `missed`, begins a session: nothing is backed in such a block.
    pub(crate) fn begins_session(&self, parent: Hash, missed: u64) -> bool {
        let slot = self.block(parent).slot + 1 + missed;
        let number = self.number(parent);
        self.at(parent, || number > 0 && slot >= *Babe::current_epoch_start() + u64::from(SESSION_BLOCKS))
    }

    /// Whether the ancestor of this number begins a session.
    pub(crate) fn is_first_of_session(&self, tip: Hash, number: BlockNumber) -> bool {
        let hash = self.ancestors(tip).find(|hash| self.number(*hash) == number).expect("an ancestor");
        let changed = |event: &RuntimeEvent| {
            matches!(event, RuntimeEvent::Session(pallet_session::Event::NewSession { .. }))
        };
        self.block(hash).events.iter().any(changed)
    }

    /// Builds a block on `parent` in the next slot but `missed`, with what the author was given for the paras, as far as it may
    /// be in it, and `calls` after it.
    pub(crate) fn build<R>(
        &mut self,
        parent: Hash,
        missed: u64,
        for_paras: ForParas,
        calls: impl FnOnce() -> R,
    ) -> (Hash, R) {
        let before = self.block(parent);
        let slot = before.slot + 1 + missed;
        let data = ParasInherentData {
            bitfields: for_paras.bitfields,
            backed_candidates: for_paras.candidates,
            disputes: Vec::new(),
            parent_header: before.header.clone(),
        };
        let mut overlay = OverlayedChanges::<BlakeTwo256>::default();
        let execute = || {
            Executive::initialize_block(&header_to_come(&before.header, slot));
            let inherent = with_transaction(|| {
                TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(inherent(data)))
            })
            .expect("rolled back");
            apply(RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: slot * SLOT_MILLISECONDS }));
            apply(RuntimeCall::ParaInherent(inherent));
            let answer = calls();
            let events = System::events().into_iter().map(|record| record.event).collect();
            (Executive::finalize_block(), events, answer)
        };
        let (header, events, answer) = sp_externalities::set_and_run_with_externalities(
            &mut Ext::new(&mut overlay, &before.state, None),
            execute,
        );
        let changes = overlay.drain_storage_changes(&before.state, StateVersion::V1).expect("in memory");
        assert_eq!(changes.transaction_storage_root, header.state_root, "the header's root is the state's");
        let changes = self.store.write(changes.transaction);
        let state = TrieBackendBuilder::new(self.store.clone(), header.state_root).build();
        let hash = header.hash();
        let block = RelayBlock { header, events, slot, state, changes };
        if let Some(same) = self.blocks.insert(hash, block) {
            self.store.erase(&same.changes.new);
        }
        (hash, answer)
    }
}

/// The header that a block is executed from.
fn header_to_come(parent: &Header, slot: u64) -> Header {
    let author =
        SecondaryPlainPreDigest { authority_index: (slot % u64::from(VALIDATORS)) as u32, slot: slot.into() };
    let digest = Digest {
        logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, PreDigest::SecondaryPlain(author).encode())],
    };
    Header::new(parent.number + 1, Hash::zero(), Hash::zero(), parent.hash(), digest)
}

/// What of `data` may be in the block, as the runtime tells an author.
fn inherent(data: ParasInherentData) -> polkadot_runtime_parachains::paras_inherent::Call<Runtime> {
    let mut inherents = InherentData::new();
    inherents.put_data(PARACHAINS_INHERENT_IDENTIFIER, &data).expect("encodes");
    ParaInherent::create_inherent(&inherents).expect("an inherent")
}

fn apply(call: RuntimeCall) {
    let extrinsic = sp_runtime::generic::UncheckedExtrinsic::new_bare(call);
    Executive::apply_extrinsic(extrinsic).expect("applicable").expect("dispatched");
}
