//! What the weights are measured with: of each call the dearest that anybody may ask for.
//!
//! ```text
//!   register ─────────► a key of t tiers without anything else: bytes that are points, which are what takes time
//!   submit ───────────► the largest body that a key allows, b elements of it used, under a key of the most tiers
//!   submit_messages ──► c channels, a message in each with the most transfers, to keys
//!   submit_queue ─────► m messages of no bytes, which a chain drops: what is dearest of what a block may bring without end
//!   submit_upgrade ───► a key of t tiers, in place of one of the most
//!   deregister
//! ```
//!
//! Blocks come from a chain whose set-up's secret is known ([`TestChain`]), so that there is one of any size; to check it takes what
//! any block of its size takes.

use alloc::{vec, vec::Vec};

use polkadot_sdk_frame::{benchmarking::prelude::*, traits::fungible::Mutate};
use zkpov_verifier::{
    block::Proven,
    body::MAX_BODY_ELEMENTS,
    head::MAX_CHANNELS,
    key::{MAX_KEY_BYTES, MAX_TIERS, Setup, TierKey, ValidityKey},
    lane::{Lane, TierId},
    message::MAX_QUEUE_MESSAGES,
    relay::RelayContext,
    testing::{TestChain, relay::TestRelay},
    transfer::{Purpose, Transfer},
    xcm::{self, MAX_TRANSFERS},
};

use crate::{Call, Chains, Config, Keys, Pallet, RelayRoots};

const PARA: u32 = 2000;

/// Room of a channel: messages, and bytes of each.
const CHANNEL: (u32, u32) = (1, 1 << 16);

/// A chain with so many tiers, each with one lane of so many elements of one byte.
fn chain<T: Config>(tiers: usize, elements: usize) -> TestChain {
    let mut chain = TestChain::new(PARA);
    let capacity = elements as u32;
    let lanes = vec![Lane { call: 0, capacity, element_bytes: vec![1] }];
    // Without a transcript's hash there is more to check in as many bytes.
    let setup = if T::AllowDevelopmentSetUps::get() { Setup::Dev } else { Setup::Ceremony([0; 32]) };
    let first = TierKey { lanes, body_limit: capacity, setup, ..chain.key.tiers[0].clone() };
    let id = TestChain::SMALL.0;
    chain.key.tiers =
        (0..tiers as u8).map(|above| TierKey { tier: TierId(id + above), ..first.clone() }).collect();
    chain
}

/// A key of so many tiers, and what a chain needs beside it.
pub(crate) fn key<T: Config>(tiers: u32) -> TestChain {
    chain::<T>(tiers as usize, 1)
}

/// A block of a chain that is registered.
pub(crate) struct Submission {
    chain: TestChain,
    relay: RelayContext,
    /// Its bytes.
    pub(crate) block: Vec<u8>,
}

impl Submission {
    fn new(chain: TestChain, relay: RelayContext, elements: usize, proven: Proven) -> Self {
        let proven = Proven { used_slots: vec![elements as u32], body: vec![5; elements], ..proven };
        let block = chain.prove(proven, &chain.genesis, &relay).encode();
        Self { chain, relay, block }
    }

    /// The largest body that a key allows, so many of its elements used.
    pub(crate) fn body<T: Config>(elements: u32) -> Self {
        let chain = chain::<T>(MAX_TIERS, MAX_BODY_ELEMENTS);
        Self::new(chain, TestChain::relay(), elements as usize, TestChain::new(PARA).proven())
    }

    /// The most transfers from each of so many chains.
    pub(crate) fn messages<T: Config>(channels: u32) -> Self {
        let chain = chain::<T>(1, 1).with_transfers();
        let recipient = chain.author.key().point().pack();
        let mut relay = TestRelay::new();
        for sender in 1..=channels {
            let purpose = Purpose::Payment { recipient, refund: 0 };
            let transfer = |sequence| Transfer { token: sender, amount: 1, sequence, purpose };
            let transfers: Vec<_> = (0..MAX_TRANSFERS as u64).map(transfer).collect();
            relay.open(sender, PARA, CHANNEL.0, CHANNEL.1);
            relay.send(sender, PARA, xcm::message(&transfers, sender, PARA));
        }
        Self::taking_all(chain, &relay)
    }

    /// So many messages without bytes, of the relay chain.
    pub(crate) fn queue<T: Config>(messages: u32) -> Self {
        let mut relay = TestRelay::new();
        (0..messages).for_each(|_| relay.send_down(PARA, Vec::new()));
        Self::taking_all(chain::<T>(1, 1), &relay)
    }

    fn taking_all(chain: TestChain, relay: &TestRelay) -> Self {
        let inbound = relay.inbound(PARA, relay.number);
        let storage_proof = relay.storage_proof(PARA);
        let proven = Proven { inbound, storage_proof, ..TestChain::new(PARA).proven() };
        Self::new(chain, relay.context(), 1, proven)
    }

    /// A new key of so many tiers.
    pub(crate) fn upgrade<T: Config>(tiers: u32) -> Self {
        let (chain, relay) = (chain::<T>(MAX_TIERS, 1), TestRelay::new());
        let upgrade = Some(Self::next::<T>(tiers).encode());
        let storage_proof = relay.storage_proof(PARA);
        let proven = Proven { upgrade, storage_proof, ..TestChain::new(PARA).proven() };
        Self::new(chain, relay.context(), 1, proven)
    }

    /// The key that [`Self::upgrade`] brings.
    pub(crate) fn next<T: Config>(tiers: u32) -> ValidityKey {
        let mut next = key::<T>(tiers).key;
        next.chain.runtime_version += 1;
        next
    }

    /// Registers the chain and makes the relay parent known, whose number it gives with the block.
    fn prepare<T: Config>(&self) -> Result<(u32, Vec<u8>), DispatchError>
    where
        T::Currency: Mutate<T::AccountId>,
    {
        let number = self.relay.relay_parent_number;
        T::RelayRoots::set_storage_root(number, self.relay.relay_parent_storage_root);
        enter::<T>(funded::<T>(account("owner", 0, 0)), &self.chain)?;
        Ok((number, self.block.clone()))
    }

    /// That the block was taken, and which key is in force now.
    fn verify<T: Config>(&self, key: &ValidityKey) {
        let chain = Chains::<T>::get(PARA).expect("registered");
        assert_ne!(chain.head.into_inner(), self.chain.genesis.encode());
        assert_eq!(Keys::<T>::get(PARA).expect("registered").into_inner(), key.encode());
    }
}

/// An account that can pay any deposit.
fn funded<T: Config>(who: T::AccountId) -> T::AccountId
where
    T::Currency: Mutate<T::AccountId>,
{
    use polkadot_sdk_frame::traits::fungible::Inspect;
    let deposit = Pallet::<T>::deposit_for(MAX_KEY_BYTES);
    T::Currency::set_balance(&who, deposit.saturating_add(T::Currency::minimum_balance()));
    who
}

fn enter<T: Config>(owner: T::AccountId, chain: &TestChain) -> DispatchResult {
    Pallet::<T>::register(RawOrigin::Signed(owner).into(), chain.key.encode(), chain.genesis.encode())
}

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register(t: Linear<1, { MAX_TIERS as u32 }>) -> Result<(), BenchmarkError> {
        let chain = key::<T>(t);
        let caller = funded::<T>(whitelisted_caller());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), chain.key.encode(), chain.genesis.encode());

        assert!(Chains::<T>::contains_key(PARA) && Keys::<T>::contains_key(PARA));
        Ok(())
    }

    #[benchmark]
    fn submit(b: Linear<1, { MAX_BODY_ELEMENTS as u32 }>) -> Result<(), BenchmarkError> {
        let submission = Submission::body::<T>(b);
        let (number, block) = submission.prepare::<T>()?;
        let caller = RawOrigin::Signed(whitelisted_caller());

        #[extrinsic_call]
        _(caller, PARA, number, block);

        submission.verify::<T>(&submission.chain.key);
        Ok(())
    }

    #[benchmark]
    fn submit_messages(c: Linear<1, { MAX_CHANNELS as u32 }>) -> Result<(), BenchmarkError> {
        let submission = Submission::messages::<T>(c);
        let (number, block) = submission.prepare::<T>()?;
        let caller = RawOrigin::Signed(whitelisted_caller());

        #[extrinsic_call]
        submit(caller, PARA, number, block);

        submission.verify::<T>(&submission.chain.key);
        Ok(())
    }

    #[benchmark]
    fn submit_queue(m: Linear<1, { MAX_QUEUE_MESSAGES as u32 }>) -> Result<(), BenchmarkError> {
        let submission = Submission::queue::<T>(m);
        let (number, block) = submission.prepare::<T>()?;
        let caller = RawOrigin::Signed(whitelisted_caller());

        #[extrinsic_call]
        submit(caller, PARA, number, block);

        submission.verify::<T>(&submission.chain.key);
        Ok(())
    }

    #[benchmark]
    fn submit_upgrade(t: Linear<1, { MAX_TIERS as u32 }>) -> Result<(), BenchmarkError> {
        let submission = Submission::upgrade::<T>(t);
        let (number, block) = submission.prepare::<T>()?;
        let caller = RawOrigin::Signed(whitelisted_caller());

        #[extrinsic_call]
        submit(caller, PARA, number, block);

        submission.verify::<T>(&Submission::next::<T>(t));
        Ok(())
    }

    #[benchmark]
    fn deregister() -> Result<(), BenchmarkError> {
        let caller = funded::<T>(whitelisted_caller());
        enter::<T>(caller.clone(), &key::<T>(MAX_TIERS as u32))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), PARA);

        assert!(!Chains::<T>::contains_key(PARA) && !Keys::<T>::contains_key(PARA));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::chain(), crate::mock::Test);
}
