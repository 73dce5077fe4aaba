//! The relay chain's runtime: the pallets that a relay chain runs for its parachains, as they are released, put together.
//!
//! What has no part in the life of a candidate (governance, staking, bridges) is left out, and the times are short: a session is
//! [`SESSION_BLOCKS`] long.

#![allow(unreachable_pub)] // what the macros make is public

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, ProcessMessage, ProcessMessageError},
    weights::{Weight, WeightMeter},
};
use frame_system::EnsureRoot;
use pallet_session::historical as session_historical;
use polkadot_primitives::{AccountId, Balance, BlockNumber, Hash, Moment, Nonce, Signature};
use polkadot_runtime_common::paras_registrar;
use polkadot_runtime_parachains::{
    configuration as parachains_configuration, coretime, disputes as parachains_disputes,
    dmp as parachains_dmp, hrmp as parachains_hrmp,
    inclusion::{self as parachains_inclusion, AggregateMessageOrigin},
    initializer as parachains_initializer, on_demand as parachains_on_demand, origin as parachains_origin,
    paras as parachains_paras, paras_inherent as parachains_paras_inherent,
    scheduler as parachains_scheduler, session_info as parachains_session_info, shared as parachains_shared,
};
use sp_runtime::{
    FixedU128, MultiAddress, generic, impl_opaque_keys,
    traits::{BlakeTwo256, Convert, OpaqueKeys},
    transaction_validity::TransactionPriority,
};
use sp_version::RuntimeVersion;
use staging_xcm::latest::prelude::{InteriorLocation, Location};

/// Blocks of a session, and slots of an epoch.
pub(crate) const SESSION_BLOCKS: u32 = 10;
/// Milliseconds of a slot.
pub(crate) const SLOT_MILLISECONDS: u64 = 6_000;
/// The relay chain's token has ten decimals.
pub(crate) const UNIT: Balance = 10_000_000_000;
/// What nobody may have less of.
const EXISTENTIAL_DEPOSIT: Balance = UNIT / 100;
/// The Coretime chain's para id.
pub(crate) const BROKER_ID: u32 = 1005;
/// Deposit of whoever registers a para, beside that for each byte of its code.
pub(crate) const PARA_DEPOSIT: Balance = 40 * UNIT;
/// Deposit for each byte of code and head.
pub(crate) const BYTE_DEPOSIT: Balance = UNIT / 1_000;

pub(crate) type Header = generic::Header<BlockNumber, BlakeTwo256>;
pub(crate) type Block = generic::Block<Header, UncheckedExtrinsic>;
type TxExtension = (frame_system::CheckNonZeroSender<Runtime>, frame_system::CheckWeight<Runtime>);
type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<MultiAddress<AccountId, ()>, RuntimeCall, Signature, TxExtension>;
pub(crate) type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

frame_support::construct_runtime! {
    pub enum Runtime {
        System: frame_system = 0,
        Babe: pallet_babe = 1,
        Timestamp: pallet_timestamp = 2,
        Balances: pallet_balances = 4,
        Authorship: pallet_authorship = 5,
        Session: pallet_session = 8,
        AuthorityDiscovery: pallet_authority_discovery = 12,
        Historical: session_historical = 34,

        ParachainsOrigin: parachains_origin = 50,
        Configuration: parachains_configuration = 51,
        ParasShared: parachains_shared = 52,
        ParaInclusion: parachains_inclusion = 53,
        ParaInherent: parachains_paras_inherent = 54,
        ParaScheduler: parachains_scheduler = 55,
        Paras: parachains_paras = 56,
        Initializer: parachains_initializer = 57,
        Dmp: parachains_dmp = 58,
        Hrmp: parachains_hrmp = 60,
        ParaSessionInfo: parachains_session_info = 61,
        ParasDisputes: parachains_disputes = 62,
        MessageQueue: pallet_message_queue = 64,
        OnDemand: parachains_on_demand = 66,
        Registrar: paras_registrar = 70,
        Coretime: coretime = 74,
    }
}

parameter_types! {
    /// A trie of version 1, as every relay chain has had since 2022: long values stand in nodes of their own.
    pub Version: RuntimeVersion = RuntimeVersion {
        spec_name: "relay".into(),
        impl_name: "zkpov-relay-runtime".into(),
        system_version: 1,
        ..RuntimeVersion::default()
    };
    pub Weights: frame_system::limits::BlockWeights =
        frame_system::limits::BlockWeights::simple_max(Weight::from_parts(2_000_000_000_000, u64::MAX));
    pub Length: frame_system::limits::BlockLength =
        frame_system::limits::BlockLength::builder().max_length(10 << 20).build();
}

#[derive_impl(frame_system::config_preludes::RelayChainDefaultConfig)]
impl frame_system::Config for Runtime {
    type BlockWeights = Weights;
    type BlockLength = Length;
    type Nonce = Nonce;
    type Hash = Hash;
    type AccountId = AccountId;
    type Block = Block;
    type BlockHashCount = ConstU32<256>;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type MaxConsumers = ConstU32<16>;
}

impl<C> frame_system::offchain::CreateTransactionBase<C> for Runtime
where
    RuntimeCall: From<C>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateBare<C> for Runtime
where
    RuntimeCall: From<C>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = ConstU64<{ SESSION_BLOCKS as u64 }>;
    type ExpectedBlockTime = ConstU64<SLOT_MILLISECONDS>;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<100>;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_timestamp::Config for Runtime {
    type Moment = Moment;
    type OnTimestampSet = Babe;
    type MinimumPeriod = ConstU64<{ SLOT_MILLISECONDS / 2 }>;
    type WeightInfo = ();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type MaxReserves = ConstU32<50>;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = ();
}

impl_opaque_keys! {
    pub struct SessionKeys {
        pub babe: Babe,
        pub para_validator: Initializer,
        pub para_assignment: ParaSessionInfo,
        pub authority_discovery: AuthorityDiscovery,
    }
}

/// A validator is its account.
#[derive(Debug)]
pub struct ValidatorIdOf;
impl Convert<AccountId, Option<AccountId>> for ValidatorIdOf {
    fn convert(account: AccountId) -> Option<AccountId> {
        Some(account)
    }
}

/// The same validators for ever.
#[derive(Debug)]
pub struct SameValidators;
impl pallet_session::SessionManager<AccountId> for SameValidators {
    fn new_session(_: u32) -> Option<Vec<AccountId>> {
        None
    }
    fn start_session(_: u32) {}
    fn end_session(_: u32) {}
}
impl session_historical::SessionManager<AccountId, ()> for SameValidators {
    fn new_session(_: u32) -> Option<Vec<(AccountId, ())>> {
        None
    }
    fn start_session(_: u32) {}
    fn end_session(_: u32) {}
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ValidatorIdOf;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = session_historical::NoteHistoricalRoot<Self, SameValidators>;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = ();
    type Currency = Balances;
    type KeyDeposit = ();
}

/// Nothing more is said of a validator.
#[derive(Debug)]
pub struct FullIdentificationOf;
impl Convert<AccountId, Option<()>> for FullIdentificationOf {
    fn convert(_: AccountId) -> Option<()> {
        Some(())
    }
}

impl session_historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = ();
    type FullIdentificationOf = FullIdentificationOf;
}

impl pallet_authority_discovery::Config for Runtime {
    type MaxAuthorities = ConstU32<100>;
}

impl parachains_origin::Config for Runtime {}

impl parachains_configuration::Config for Runtime {
    type WeightInfo = parachains_configuration::TestWeightInfo;
}

impl parachains_shared::Config for Runtime {
    type DisabledValidators = Session;
}

impl parachains_session_info::Config for Runtime {
    type ValidatorSet = Historical;
}

impl parachains_inclusion::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type DisputesHandler = ParasDisputes;
    type RewardValidators = ();
    type MessageQueue = MessageQueue;
    type WeightInfo = ();
}

parameter_types! {
    pub const ParasUnsignedPriority: TransactionPriority = TransactionPriority::MAX;
}

impl parachains_paras::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = parachains_paras::TestWeightInfo;
    type UnsignedPriority = ParasUnsignedPriority;
    type QueueFootprinter = ParaInclusion;
    type NextSessionRotation = Babe;
    type OnNewHead = Registrar;
    type AssignCoretime = ParaScheduler;
    type Fungible = Balances;
    type CooldownRemovalMultiplier = ConstU128<UNIT>;
    type AuthorizeCurrentCodeOrigin = EnsureRoot<AccountId>;
}

/// Messages to the relay chain: none of our chains sends any.
#[derive(Debug)]
pub struct NoUpwardMessages;
impl ProcessMessage for NoUpwardMessages {
    type Origin = AggregateMessageOrigin;

    fn process_message(
        _: &[u8],
        _: Self::Origin,
        _: &mut WeightMeter,
        _: &mut [u8; 32],
    ) -> Result<bool, ProcessMessageError> {
        Err(ProcessMessageError::Unsupported)
    }
}

parameter_types! {
    pub const ServiceWeight: Option<Weight> = Some(Weight::from_parts(400_000_000_000, u64::MAX));
}

impl pallet_message_queue::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Size = u32;
    type HeapSize = ConstU32<{ 32 * 1024 }>;
    type MaxStale = ConstU32<8>;
    type ServiceWeight = ServiceWeight;
    type IdleMaxServiceWeight = ServiceWeight;
    type MessageProcessor = NoUpwardMessages;
    type QueueChangeHandler = ParaInclusion;
    type QueuePausedQuery = ();
    type WeightInfo = ();
}

impl parachains_dmp::Config for Runtime {
    type WeightInfo = ();
}

parameter_types! {
    pub const ChannelWithSystem: (u32, u32) = (4, 1024);
}

impl parachains_hrmp::Config for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type RuntimeEvent = RuntimeEvent;
    type ChannelManager = EnsureRoot<AccountId>;
    type Currency = Balances;
    type DefaultChannelSizeAndCapacityWithSystem = ChannelWithSystem;
    type VersionWrapper = staging_xcm::AlwaysV5;
    type WeightInfo = parachains_hrmp::TestWeightInfo;
}

impl parachains_paras_inherent::Config for Runtime {
    type WeightInfo = parachains_paras_inherent::TestWeightInfo;
}

impl parachains_scheduler::Config for Runtime {}

parameter_types! {
    pub const OnDemandTraffic: FixedU128 = FixedU128::from_u32(1);
    pub const OnDemandPalletId: PalletId = PalletId(*b"py/ondmd");
}

impl parachains_on_demand::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type WeightInfo = parachains_on_demand::TestWeightInfo;
    type TrafficDefaultValue = OnDemandTraffic;
    type MaxHistoricalRevenue = ConstU32<160>;
    type PalletId = OnDemandPalletId;
}

parameter_types! {
    pub BrokerPot: InteriorLocation = InteriorLocation::Here;
    pub const MaxTransactWeight: Weight = Weight::from_parts(200_000_000, 20_000);
}

/// The relay chain pays nothing to the Coretime chain here.
#[derive(Debug)]
pub struct NoLocation;
impl<'a> sp_runtime::traits::TryConvert<&'a AccountId, Location> for NoLocation {
    fn try_convert(account: &'a AccountId) -> Result<Location, &'a AccountId> {
        Err(account)
    }
}

impl coretime::Config for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type RuntimeEvent = RuntimeEvent;
    type BrokerId = ConstU32<BROKER_ID>;
    type BrokerPotLocation = BrokerPot;
    type WeightInfo = coretime::TestWeightInfo;
    type SendXcm = ();
    type AssetTransactor = ();
    type AccountToLocation = NoLocation;
    type MaxXcmTransactWeight = MaxTransactWeight;
}

impl parachains_initializer::Config for Runtime {
    type Randomness = pallet_babe::RandomnessFromOneEpochAgo<Runtime>;
    type ForceOrigin = EnsureRoot<AccountId>;
    type WeightInfo = ();
    type CoretimeOnNewSession = Coretime;
}

impl parachains_disputes::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RewardValidators = ();
    type SlashingHandler = ();
    type WeightInfo = parachains_disputes::TestWeightInfo;
}

impl paras_registrar::Config for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type OnSwap = ();
    type ParaDeposit = ConstU128<PARA_DEPOSIT>;
    type DataDepositPerByte = ConstU128<BYTE_DEPOSIT>;
    type WeightInfo = paras_registrar::TestWeightInfo;
}
