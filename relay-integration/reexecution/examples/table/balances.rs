//! The same number of transfers on `pallet-balances`: a FRAME runtime as parachains have it, its block with the storage proof that a PoV
//! carries, executed natively on that proof.
#![allow(unreachable_pub, missing_docs, missing_debug_implementations)] // what the macros make

use anyhow::{Context, ensure};
use codec::{Decode, Encode};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU8, ConstU32, ConstU128, VariantCountOf},
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{ChargeTransactionPayment, FungibleAdapter};
use sp_core::{H256, Pair, sr25519};
use sp_runtime::{
    BuildStorage, MultiAddress, MultiSignature, StateVersion, generic,
    traits::{BlakeTwo256, Hash as _, IdentifyAccount, Verify},
};
use sp_state_machine::{Backend, Ext, InMemoryBackend, OverlayedChanges, TrieBackendBuilder};
use sp_trie::{CompactProof, StorageProof};
use zkpov_verifier::hashing::blake2b_256;

type AccountId = <<MultiSignature as Verify>::Signer as IdentifyAccount>::AccountId;
type Header = generic::Header<u32, BlakeTwo256>;
type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What every parachain's transactions carry and check.
type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckMortality<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    ChargeTransactionPayment<Runtime>,
);
type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<MultiAddress<AccountId, ()>, RuntimeCall, MultiSignature, TxExtension>;
type Payload = generic::SignedPayload<RuntimeCall, TxExtension>;
type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

frame_support::construct_runtime! {
    pub enum Runtime {
        System: frame_system,
        Balances: pallet_balances,
        TransactionPayment: pallet_transaction_payment,
    }
}

#[derive_impl(frame_system::config_preludes::ParaChainDefaultConfig)]
impl frame_system::Config for Runtime {
    type AccountId = AccountId;
    type Lookup = sp_runtime::traits::AccountIdLookup<AccountId, ()>;
    type Nonce = u32;
    type Hash = H256;
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u128>;
    type BlockHashCount = ConstU32<256>;
    type MaxConsumers = ConstU32<16>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = u128;
    type ExistentialDeposit = ConstU128<1_000_000>;
    type AccountStore = System;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

parameter_types! {
    pub const ByteFee: u128 = 1;
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightToFee = IdentityFee<u128>;
    type LengthToFee = ConstantMultiplier<u128, ByteFee>;
    type FeeMultiplierUpdate = ();
    type WeightInfo = ();
}

/// What everybody has, and what a transfer moves.
const ENDOWMENT: u128 = 1_000_000_000_000_000;
const AMOUNT: u128 = 2_500_000_000_000;

/// Keys that sign or receive, as many of them as a block has transfers, twice; other accounts are nobody's.
fn pair(number: u32) -> sr25519::Pair {
    sr25519::Pair::from_seed(&blake2b_256(&(b"account", number).encode()))
}

fn account(number: u32) -> AccountId {
    pair(number).public().into()
}

/// A block and what a validator has to execute it on.
#[derive(Debug)]
pub(crate) struct FrameBlock {
    parent_root: H256,
    block: Vec<u8>,
    proof: CompactProof,
}

impl FrameBlock {
    /// A block of `transfers` on a state of `accounts` accounts.
    pub(crate) fn new(transfers: u32, accounts: u32) -> anyhow::Result<Self> {
        let state = genesis(transfers, accounts)?;
        let parent_root = *state.root();
        let parent = Header {
            parent_hash: H256::zero(),
            number: 0,
            state_root: parent_root,
            extrinsics_root: H256::zero(),
            digest: Default::default(),
        };
        let to_come = Header {
            parent_hash: parent.hash(),
            number: 1,
            state_root: H256::zero(),
            extrinsics_root: H256::zero(),
            digest: Default::default(),
        };
        let (header, extrinsics) = on(&state, || {
            Executive::initialize_block(&to_come);
            let extrinsics = (0..transfers).map(signed).collect::<Result<Vec<_>, _>>()?;
            for extrinsic in &extrinsics {
                let applied = Executive::apply_extrinsic(extrinsic.clone());
                ensure!(matches!(applied, Ok(Ok(()))), "a transfer was refused: {applied:?}");
            }
            anyhow::Ok((Executive::finalize_block(), extrinsics))
        })?;
        let block = Block { header, extrinsics };

        let recording = TrieBackendBuilder::wrap(&state).with_recorder(Default::default()).build();
        on(&recording, || Executive::execute_block(block.clone().into()));
        let proof: StorageProof = recording.extract_proof().context("a recorder")?;
        let proof = proof.into_compact_proof::<BlakeTwo256>(parent_root).ok().context("a whole proof")?;
        let made = Self { parent_root, block: block.encode(), proof };
        made.execute()?;
        Ok(made)
    }

    /// What a validator does: reads the storage proof, checks it against the parent's state root, executes the block, compares the state
    /// root after it.
    pub(crate) fn execute(&self) -> anyhow::Result<()> {
        let (nodes, root) = self
            .proof
            .to_memory_db::<BlakeTwo256>(&self.parent_root)
            .ok()
            .context("the storage proof does not lead to the parent's state root")?;
        let block = Block::decode(&mut self.block.as_slice())?;
        let state = TrieBackendBuilder::<_, BlakeTwo256>::new(nodes, root).build();
        on(&state, || Executive::execute_block(block.into()));
        Ok(())
    }

    /// Bytes of the block, and of the storage proof, compact as PoVs have it.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        (self.block.len(), self.proof.encode().len())
    }
}

fn genesis(transfers: u32, accounts: u32) -> anyhow::Result<InMemoryBackend<BlakeTwo256>> {
    let people = (0..2 * transfers).map(account);
    let others = (2 * transfers..accounts).map(|number| BlakeTwo256::hash_of(&number).0.into());
    let balances = people.chain(others).map(|account: AccountId| (account, ENDOWMENT)).collect();
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    };
    let storage = genesis.build_storage().map_err(anyhow::Error::msg)?;
    Ok((storage, StateVersion::V1).into())
}

/// Runs `what` on a state, whose changes nobody keeps.
fn on<B: Backend<BlakeTwo256>, R>(state: &B, what: impl FnOnce() -> R) -> R {
    let mut overlay = OverlayedChanges::default();
    sp_externalities::set_and_run_with_externalities(&mut Ext::new(&mut overlay, state, None), what)
}

/// The transfer of this number, signed.
fn signed(number: u32) -> anyhow::Result<UncheckedExtrinsic> {
    let dest = MultiAddress::Id(account(2 * number + 1));
    let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive { dest, value: AMOUNT });
    let extension = (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckMortality::from(generic::Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        ChargeTransactionPayment::from(0),
    );
    let payload = Payload::new(call, extension).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let sender = pair(2 * number);
    let signature = payload.using_encoded(|bytes| sender.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    let sender = MultiAddress::Id(sender.public().into());
    Ok(UncheckedExtrinsic::new_signed(call, sender, signature.into(), extension))
}
