//! The Coretime chain: the real broker, on a chain of its own.
//!
//! ```text
//!   relay block number ──► broker: sale ─► purchase ─► assign ──► CoretimeInterface ──► for the relay chain's `coretime` pallet
//! ```

#![allow(unreachable_pub)] // what the macros make is public

use std::cell::RefCell;

use frame_support::{
    PalletId, assert_ok, derive_impl, parameter_types,
    traits::{ConstU32, Hooks},
};
use frame_system::EnsureRoot;
use pallet_broker::{
    CenterTargetPrice, ConfigRecord, CoreAssignment, CoreIndex, CoretimeInterface, Finality, PartsOf57600,
    RegionId, TaskId,
};
use polkadot_primitives::{AccountId, Balance, BlockNumber};
use sp_io::TestExternalities;
use sp_runtime::{
    BuildStorage, DispatchError, Perbill,
    traits::{BlockNumberProvider, Identity, IdentityLookup, MaybeConvert},
};

use crate::{
    chain::{CORES, ENDOWMENT, account},
    runtime::UNIT,
};

/// Relay blocks of a timeslice.
pub(crate) const TIMESLICE: u32 = 4;
/// Timeslices of a region.
pub(crate) const REGION: u32 = 5;
/// Relay blocks before a timeslice in which the broker says what its cores are for: enough for the relay chain to hear of it in time.
pub(crate) const NOTICE: u32 = 2 * TIMESLICE;
/// Relay blocks in which the price falls.
pub(crate) const LEAD_IN: u32 = 10;
/// What a region costs when the price has fallen.
pub(crate) const END_PRICE: Balance = 10 * UNIT;

frame_support::construct_runtime! {
    pub enum CoretimeRuntime {
        System: frame_system,
        Balances: pallet_balances,
        Broker: pallet_broker,
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for CoretimeRuntime {
    type Block = frame_system::mocking::MockBlock<CoretimeRuntime>;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for CoretimeRuntime {
    type Balance = Balance;
    type ExistentialDeposit = OneUnit;
    type AccountStore = System;
}

parameter_types! {
    pub const OneUnit: Balance = UNIT;
    pub const BrokerPalletId: PalletId = PalletId(*b"py/broke");
}

thread_local! {
    static RELAY_NUMBER: RefCell<BlockNumber> = const { RefCell::new(0) };
    static ASSIGNED: RefCell<Vec<Assigned>> = const { RefCell::new(Vec::new()) };
    static CREDITED: RefCell<Vec<(AccountId, Balance)>> = const { RefCell::new(Vec::new()) };
}

/// What the broker tells the relay chain of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) core: CoreIndex,
    pub(crate) begin: BlockNumber,
    pub(crate) assignment: Vec<(CoreAssignment, PartsOf57600)>,
    pub(crate) end_hint: Option<BlockNumber>,
}

/// The relay chain's block number, as the Coretime chain knows it.
#[derive(Debug)]
pub struct RelayNumber;
impl BlockNumberProvider for RelayNumber {
    type BlockNumber = BlockNumber;

    fn current_block_number() -> BlockNumber {
        RELAY_NUMBER.with_borrow(|number| *number)
    }
}

/// Messages to the relay chain. Those about revenue are left out.
#[derive(Debug)]
pub struct ToRelay;
impl CoretimeInterface for ToRelay {
    type AccountId = AccountId;
    type Balance = Balance;
    type RelayChainBlockNumberProvider = RelayNumber;

    // As many as there are: see `Market::open`.
    fn request_core_count(_: CoreIndex) {}
    fn request_revenue_info_at(_: BlockNumber) {}
    fn credit_account(who: AccountId, amount: Balance) {
        CREDITED.with_borrow_mut(|credited| credited.push((who, amount)));
    }

    fn assign_core(
        core: CoreIndex,
        begin: BlockNumber,
        assignment: Vec<(CoreAssignment, PartsOf57600)>,
        end_hint: Option<BlockNumber>,
    ) {
        ASSIGNED.with_borrow_mut(|assigned| assigned.push(Assigned { core, begin, assignment, end_hint }));
    }
}

/// Nobody's account pays by itself.
#[derive(Debug)]
pub struct NoSovereign;
impl MaybeConvert<TaskId, AccountId> for NoSovereign {
    fn maybe_convert(_: TaskId) -> Option<AccountId> {
        None
    }
}

impl pallet_broker::Config for CoretimeRuntime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type Currency = Balances;
    type AdminOrigin = EnsureRoot<AccountId>;
    type OnRevenue = ();
    type Coretime = ToRelay;
    type PriceAdapter = CenterTargetPrice<Balance>;
    type ConvertBalance = Identity;
    type SovereignAccountOf = NoSovereign;
    type PalletId = BrokerPalletId;
    type TimeslicePeriod = ConstU32<TIMESLICE>;
    type MaxLeasedCores = ConstU32<5>;
    type MaxReservedCores = ConstU32<5>;
    type MaxAutoRenewals = ConstU32<5>;
    type MinimumCreditPurchase = OneUnit;
}

/// The Coretime chain's state.
pub(crate) struct Market(TestExternalities);

impl Market {
    /// Opens the sales at this relay block. These people have [`ENDOWMENT`] each.
    pub(crate) fn open(relay_number: BlockNumber, people: &[&str]) -> Self {
        Self::with_notice(relay_number, people, NOTICE)
    }

    /// The same with another notice than [`NOTICE`].
    pub(crate) fn with_notice(relay_number: BlockNumber, people: &[&str], notice: u32) -> Self {
        let mut storage =
            frame_system::GenesisConfig::<CoretimeRuntime>::default().build_storage().expect("a genesis");
        let balances = people.iter().map(|name| (account(name), ENDOWMENT)).collect();
        pallet_balances::GenesisConfig::<CoretimeRuntime> { balances, ..Default::default() }
            .assimilate_storage(&mut storage)
            .expect("balances");
        let mut market = Self(storage.into());
        market.at(relay_number, || {
            System::set_block_number(1);
            let config = ConfigRecord {
                advance_notice: notice,
                interlude_length: 1,
                leadin_length: LEAD_IN,
                region_length: REGION,
                ideal_bulk_proportion: Perbill::from_percent(100),
                limit_cores_offered: None,
                renewal_bump: Perbill::from_percent(2),
                contribution_timeout: 5,
            };
            assert_ok!(Broker::configure(RuntimeOrigin::root(), config));
            assert_ok!(Broker::start_sales(RuntimeOrigin::root(), END_PRICE, CORES as u16));
        });
        market
    }

    /// Does something while the relay chain is at this block.
    fn at<R>(&mut self, relay_number: BlockNumber, act: impl FnOnce() -> R) -> R {
        RELAY_NUMBER.set(relay_number);
        self.0.execute_with(act)
    }

    /// A block of the Coretime chain, and what it tells the relay chain.
    pub(crate) fn tick(&mut self, relay_number: BlockNumber) -> Vec<Assigned> {
        self.at(relay_number, || {
            let number = System::block_number() + 1;
            System::set_block_number(number);
            Broker::on_initialize(number);
        });
        ASSIGNED.take()
    }

    /// What a region costs now.
    pub(crate) fn price(&mut self, relay_number: BlockNumber) -> Balance {
        self.at(relay_number, || Broker::current_price().expect("a sale"))
    }

    /// The regions on sale: first timeslice, and the one after the last.
    pub(crate) fn on_sale(&mut self) -> (u32, u32) {
        self.0.execute_with(|| {
            let sale = pallet_broker::SaleInfo::<CoretimeRuntime>::get().expect("a sale");
            (sale.region_begin, sale.region_end)
        })
    }

    /// What somebody has.
    pub(crate) fn balance(&mut self, who: &str) -> Balance {
        self.0.execute_with(|| Balances::free_balance(account(who)))
    }

    /// Somebody buys a region, if it costs no more than `limit`.
    pub(crate) fn purchase(
        &mut self,
        relay_number: BlockNumber,
        who: &str,
        limit: Balance,
    ) -> Result<RegionId, DispatchError> {
        self.at(relay_number, || {
            Broker::purchase(RuntimeOrigin::signed(account(who)), limit).map_err(|error| error.error)?;
            let purchased = System::events().into_iter().rev().find_map(|record| match record.event {
                RuntimeEvent::Broker(pallet_broker::Event::Purchased { region_id, .. }) => Some(region_id),
                _ => None,
            });
            Ok(purchased.expect("an event"))
        })
    }

    /// The owner of a region gives its core to a task, for good: so that it can be renewed.
    pub(crate) fn assign(&mut self, who: &str, region: RegionId, task: TaskId) {
        self.0.execute_with(|| {
            assert_ok!(Broker::assign(RuntimeOrigin::signed(account(who)), region, task, Finality::Final));
        });
    }

    /// Renews what runs on a core, for the region that is on sale.
    pub(crate) fn renew(
        &mut self,
        relay_number: BlockNumber,
        who: &str,
        core: CoreIndex,
    ) -> Result<(), DispatchError> {
        self.at(relay_number, || {
            Broker::renew(RuntimeOrigin::signed(account(who)), core).map(drop).map_err(|error| error.error)
        })
    }

    /// Somebody buys credit for orders on demand: what the relay chain is told of it.
    pub(crate) fn purchase_credit(&mut self, who: &str, amount: Balance) -> Vec<(AccountId, Balance)> {
        self.0.execute_with(|| {
            assert_ok!(Broker::purchase_credit(RuntimeOrigin::signed(account(who)), amount, account(who)));
        });
        CREDITED.take()
    }
}
