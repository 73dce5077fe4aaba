//! A runtime with the pallet, and a relay chain of which it knows storage roots.

use std::{cell::RefCell, collections::BTreeMap};

use polkadot_sdk_frame::{deps::frame_system, runtime::prelude::*, testing_prelude::*};
use zkpov_verifier::hashing::Hash as Root;

pub(crate) const OWNER: u64 = 1;
pub(crate) const OTHER: u64 = 2;
pub(crate) const POOR: u64 = 3;
pub(crate) const ENDOWMENT: u64 = 1_000_000;
pub(crate) const CHAIN_DEPOSIT: u64 = 1_000;
pub(crate) const BYTE_DEPOSIT: u64 = 2;

#[frame_construct_runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Validity = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

parameter_types! {
    pub static AllowDevelopmentSetUps: bool = true;
}

thread_local! {
    static ROOTS: RefCell<BTreeMap<u32, Root>> = const { RefCell::new(BTreeMap::new()) };
}

/// The relay blocks that are known and final.
#[derive(Debug)]
pub struct Known;

impl Known {
    pub(crate) fn note(number: u32, root: Root) {
        ROOTS.with_borrow_mut(|roots| roots.insert(number, root));
    }
}

impl crate::RelayRoots for Known {
    fn storage_root(number: u32) -> Option<Root> {
        ROOTS.with_borrow(|roots| roots.get(&number).copied())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn set_storage_root(number: u32, root: Root) {
        Self::note(number, root);
    }
}

impl crate::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ChainDeposit = ConstU64<CHAIN_DEPOSIT>;
    type ByteDeposit = ConstU64<BYTE_DEPOSIT>;
    type AllowDevelopmentSetUps = AllowDevelopmentSetUps;
    type RelayRoots = Known;
    type OnTransition = ();
    type WeightInfo = ();
}

/// A new chain.
pub(crate) fn chain() -> TestExternalities {
    TestExternalities::new(genesis())
}

/// Its storage.
pub(crate) fn genesis() -> Storage {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().expect("a genesis");
    let balances = vec![(OWNER, ENDOWMENT), (OTHER, ENDOWMENT), (POOR, CHAIN_DEPOSIT)];
    pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
        .assimilate_storage(&mut storage)
        .expect("balances");
    storage
}

/// Runs `test` on a new chain; afterwards what must hold of the storage holds.
pub(crate) fn on_chain(test: impl FnOnce()) {
    chain().execute_with(|| {
        System::set_block_number(1);
        ROOTS.take();
        AllowDevelopmentSetUps::set(true);
        test();
        crate::Pallet::<Test>::do_try_state().expect("the storage's invariants");
    });
}
