//! Parachains whose blocks a chain checks itself: their validity keys and heads are in its state, and a proof advances a head.
//!
//! ```text
//!   register ──► validity key: checked once, a deposit held ──► Keys, Chains
//!                                                                  │ key, head
//!   submit ────► proven block ─► storage root of its relay parent ─┴─► validate_block ─► new head ─► OnTransition
//!                                                                       host function, or wasm
//! ```
//!
//! It is for chains that want the check *on chain*: a bridge that follows a parachain without trusting who reports its heads, a
//! parachain of parachains. A relay chain needs none of it, for there validators check candidates.
//!
//! # Terminology
//!
//! - *Validity key*: what a parachain registers in place of code ([`zkpov_verifier::key`]).
//! - *Proven block*: a block with its proof ([`zkpov_verifier::block`]).
//! - *Transition*: what a valid block does: a new head, messages, perhaps a new key ([`Transition`]).
//!
//! # Usage
//!
//! A runtime says where relay storage roots come from ([`Config::RelayRoots`]: a light client of the relay chain) and what
//! becomes of messages ([`Config::OnTransition`]; `()` refuses blocks that send any). Whoever holds a chain registers it with
//! [`Call::register`], anybody submits blocks with [`Call::submit`]: nothing depends on who does.
//!
//! A block is checked natively by the node's host function (feature `host-function`, for nodes that have
//! [`host::zkpov::HostFunctions`]), or in the runtime's own wasm, three to four times slower.
//!
//! - [`check`]: the verifier in values that cross the boundary between runtime and node;
//! - [`host`]: that boundary;
//! - [`weights`]: what calls cost;
//! - [`pallet`](mod@pallet): storage, calls, events.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod check;
mod cost;
#[cfg(all(test, feature = "runtime-benchmarks"))]
mod counted;
pub mod host;
#[cfg(all(test, feature = "runtime-benchmarks"))]
mod measure;
mod measured;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

use alloc::vec::Vec;

use polkadot_sdk_frame::prelude::*;
use zkpov_verifier::hashing::Hash;

pub use check::{Refusal, Transition};
pub use pallet::*;
pub use weights::WeightInfo;

/// Where the storage roots of relay blocks come from.
pub trait RelayRoots {
    /// The storage root of the relay block of this number, if it is known *and final*: a head that was advanced on a relay block
    /// stays.
    fn storage_root(number: u32) -> Option<Hash>;

    /// Makes the storage root of a relay block known and final, for benchmarks alone.
    #[cfg(feature = "runtime-benchmarks")]
    fn set_storage_root(number: u32, root: Hash);
}

/// What becomes of a transition beside the new head.
pub trait OnTransition {
    /// Takes the transition of a chain's block. An error refuses the block.
    ///
    /// # Errors
    ///
    /// What the implementation does not take.
    fn on_transition(para: u32, transition: &Transition) -> DispatchResult;
}

/// Refuses blocks that send messages: there is nobody to carry them.
impl OnTransition for () {
    fn on_transition(_: u32, transition: &Transition) -> DispatchResult {
        let silent = transition.upward_messages.is_empty() && transition.horizontal_messages.is_empty();
        if silent { Ok(()) } else { Err(DispatchError::Other("nobody carries the block's messages")) }
    }
}

/// The pallet.
#[allow(missing_debug_implementations)] // the macro's types for storage
#[polkadot_sdk_frame::pallet]
pub mod pallet {
    use polkadot_sdk_frame::traits::{
        fungible::{Inspect, InspectHold, MutateHold},
        tokens::Precision,
    };
    use zkpov_verifier::{
        block::MAX_POV,
        hashing::blake2b_256,
        head::Head,
        key::{KeyPolicy, MAX_KEY_BYTES, ValidityKey},
    };

    use super::*;

    /// Version of the layout of the storage.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Longest head data in bytes: a header with the queue heads of as many channels as a chain can have stays far below.
    pub const MAX_HEAD_BYTES: u32 = 32 * 1024;

    /// The amounts of [`Config::Currency`].
    pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<AccountIdOf<T>>>::Balance;

    type AccountIdOf<T> = <T as frame_system::Config>::AccountId;

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What a runtime chooses.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// What deposits are in.
        type Currency: MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// Why a deposit is held.
        type RuntimeHoldReason: From<HoldReason>;

        /// Deposit for a chain.
        #[pallet::constant]
        type ChainDeposit: Get<BalanceOf<Self>>;

        /// Deposit for each byte of its validity key.
        #[pallet::constant]
        type ByteDeposit: Get<BalanceOf<Self>>;

        /// Whether keys of development set-ups are taken, whose makers can forge. Never on a chain that holds anything of value.
        #[pallet::constant]
        type AllowDevelopmentSetUps: Get<bool>;

        /// Where the storage roots of relay blocks come from.
        type RelayRoots: RelayRoots;

        /// What becomes of transitions.
        type OnTransition: OnTransition;

        /// What calls cost.
        type WeightInfo: WeightInfo;
    }

    /// Why something of an account is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// It registered a chain.
        Chain,
    }

    /// A chain.
    #[derive(
        Encode, Decode, MaxEncodedLen, TypeInfo, CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound,
    )]
    #[scale_info(skip_type_params(T))]
    pub struct Chain<T: Config> {
        /// Who registered it, and whose deposit is held.
        pub owner: T::AccountId,
        /// The deposit.
        pub deposit: BalanceOf<T>,
        /// blake2b-256 of its validity key.
        pub key_hash: Hash,
        /// Its head data.
        pub head: BoundedVec<u8, ConstU32<MAX_HEAD_BYTES>>,
    }

    /// The chains, by para id.
    #[pallet::storage]
    pub type Chains<T: Config> = StorageMap<_, Twox64Concat, u32, Chain<T>>;

    /// Their validity keys: bytes that were checked when they came here.
    #[pallet::storage]
    pub type Keys<T: Config> =
        StorageMap<_, Twox64Concat, u32, BoundedVec<u8, ConstU32<{ MAX_KEY_BYTES as u32 }>>>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A chain is followed from now on.
        Registered {
            /// Its para id.
            para: u32,
            /// Who registered it.
            owner: T::AccountId,
            /// blake2b-256 of its validity key.
            key_hash: Hash,
        },
        /// A chain's head advanced.
        Advanced {
            /// Its para id.
            para: u32,
            /// Number of the new head.
            number: u32,
            /// Hash of the new head.
            head_hash: Hash,
        },
        /// A chain's blocks are checked by another key from now on.
        KeyReplaced {
            /// Its para id.
            para: u32,
            /// blake2b-256 of the new key.
            key_hash: Hash,
        },
        /// A chain is followed no more.
        Deregistered {
            /// Its para id.
            para: u32,
        },
    }

    /// Why a call was refused.
    #[pallet::error]
    pub enum Error<T> {
        /// A chain of this para id is registered.
        AlreadyRegistered,
        /// No chain of this para id is registered.
        NotRegistered,
        /// The chain is somebody else's.
        NotOwner,
        /// The key or the head is longer than any.
        TooLong,
        /// The validity key is malformed, beyond limits, or of a development set-up that is not taken here.
        Key,
        /// The head is not the genesis that the key names.
        Genesis,
        /// The storage root of the relay parent is not known, or not final.
        UnknownRelayParent,
        /// The relay parent lies before that of the head.
        RelayParentBefore,
        /// The block's bytes are no proven block on this head.
        Form,
        /// The block's tier, slots or body are not the key's.
        Body,
        /// What the block takes or sends is not what the relay chain has, or may be.
        Messages,
        /// The author's key or signature.
        Author,
        /// The proof does not prove the block.
        Proof,
        /// The block upgrades to something that is no validity key of this chain.
        UpgradeKey,
    }

    impl<T> From<Refusal> for Error<T> {
        fn from(refusal: Refusal) -> Self {
            match refusal {
                Refusal::Key => Self::Key,
                Refusal::Genesis => Self::Genesis,
                Refusal::RelayParentBefore => Self::RelayParentBefore,
                Refusal::Form => Self::Form,
                Refusal::Body => Self::Body,
                Refusal::Messages => Self::Messages,
                Refusal::Author => Self::Author,
                Refusal::Proof => Self::Proof,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk_frame::try_runtime::TryRuntimeError> {
            Self::do_try_state().map_err(Into::into)
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers a chain at its genesis, under the para id that its validity key names. The key is checked here, once; a
        /// deposit is held of whoever calls.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register(key.len() as u32))]
        pub fn register(origin: OriginFor<T>, key: Vec<u8>, genesis_head: Vec<u8>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            let (parsed, key) = Self::checked_key(key)?;
            let chain = parsed.chain;
            ensure!(!Chains::<T>::contains_key(chain.para_id), Error::<T>::AlreadyRegistered);
            let head = Head::decode(&genesis_head).map_err(|_| Error::<T>::Genesis)?;
            ensure!(head.number == 0 && head.hash() == chain.genesis_hash, Error::<T>::Genesis);
            let head = BoundedVec::try_from(genesis_head).map_err(|_| Error::<T>::TooLong)?;
            let deposit = Self::deposit_for(key.len());
            T::Currency::hold(&HoldReason::Chain.into(), &owner, deposit)?;
            let key_hash = blake2b_256(&key);
            Chains::<T>::insert(chain.para_id, Chain { owner: owner.clone(), deposit, key_hash, head });
            Keys::<T>::insert(chain.para_id, key);
            Self::deposit_event(Event::Registered { para: chain.para_id, owner, key_hash });
            Ok(())
        }

        /// Advances a chain's head by a proven block, made at the relay block of this number. Anybody may; a block that is valid
        /// is so whoever brings it.
        ///
        /// It is paid for as a block that brings a new key, and what a block without one costs less is given back.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::submit_upgrade(block.len() as u32))]
        pub fn submit(
            origin: OriginFor<T>,
            para: u32,
            relay_parent_number: u32,
            block: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            ensure!(block.len() <= MAX_POV, Error::<T>::TooLong);
            let mut chain = Chains::<T>::get(para).ok_or(Error::<T>::NotRegistered)?;
            let key = Keys::<T>::get(para).ok_or(Error::<T>::NotRegistered)?;
            let root =
                T::RelayRoots::storage_root(relay_parent_number).ok_or(Error::<T>::UnknownRelayParent)?;
            let allow_dev_setup = T::AllowDevelopmentSetUps::get();
            let transition =
                host::validate_block(&chain.head, relay_parent_number, &root, &key, allow_dev_setup, &block)
                    .map_err(Error::<T>::from)?;
            T::OnTransition::on_transition(para, &transition)?;
            let mut spent = Some(T::WeightInfo::submit(block.len() as u32));
            if let Some(code) = transition.new_validation_code {
                Self::replace_key(para, &mut chain, code)?;
                spent = None; // as announced
            }
            let (number, head_hash) = (transition.number, blake2b_256(&transition.head_data));
            chain.head = BoundedVec::try_from(transition.head_data).map_err(|_| Error::<T>::TooLong)?;
            Chains::<T>::insert(para, chain);
            Self::deposit_event(Event::Advanced { para, number, head_hash });
            Ok(spent.into())
        }

        /// Forgets a chain and releases its deposit. Only its owner may.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::deregister())]
        pub fn deregister(origin: OriginFor<T>, para: u32) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let chain = Chains::<T>::get(para).ok_or(Error::<T>::NotRegistered)?;
            ensure!(chain.owner == who, Error::<T>::NotOwner);
            T::Currency::release(&HoldReason::Chain.into(), &who, chain.deposit, Precision::Exact)?;
            Chains::<T>::remove(para);
            Keys::<T>::remove(para);
            Self::deposit_event(Event::Deregistered { para });
            Ok(())
        }
    }

    type KeyBytes = BoundedVec<u8, ConstU32<{ MAX_KEY_BYTES as u32 }>>;

    impl<T: Config> Pallet<T> {
        /// A key that is checked: its points, shape and limits, and that its set-up is taken here.
        fn checked_key(bytes: Vec<u8>) -> Result<(ValidityKey, KeyBytes), Error<T>> {
            let key = ValidityKey::decode(&bytes).map_err(|_| Error::<T>::Key)?;
            check::policy(&key, KeyPolicy { allow_dev_setup: T::AllowDevelopmentSetUps::get() })
                .map_err(Error::<T>::from)?;
            Ok((key, BoundedVec::try_from(bytes).map_err(|_| Error::<T>::TooLong)?))
        }

        pub(crate) fn deposit_for(key_bytes: usize) -> BalanceOf<T> {
            let bytes = BalanceOf::<T>::from(key_bytes as u32);
            T::ByteDeposit::get().saturating_mul(bytes).saturating_add(T::ChainDeposit::get())
        }

        /// The key that a block announced: in force from the next block on, with the deposit its length asks for.
        fn replace_key(para: u32, chain: &mut Chain<T>, code: Vec<u8>) -> DispatchResult {
            let (parsed, key) = Self::checked_key(code).map_err(|_| Error::<T>::UpgradeKey)?;
            let old = Keys::<T>::get(para).ok_or(Error::<T>::NotRegistered)?;
            let old = ValidityKey::decode(&old).map_err(|_| Error::<T>::Key)?.chain;
            let same = (old.para_id, old.genesis_hash) == (parsed.chain.para_id, parsed.chain.genesis_hash);
            ensure!(same, Error::<T>::UpgradeKey);
            let (deposit, reason) = (Self::deposit_for(key.len()), HoldReason::Chain.into());
            if deposit > chain.deposit {
                T::Currency::hold(&reason, &chain.owner, deposit.saturating_sub(chain.deposit))?;
            } else {
                let less = chain.deposit.saturating_sub(deposit);
                T::Currency::release(&reason, &chain.owner, less, Precision::Exact)?;
            }
            chain.deposit = deposit;
            chain.key_hash = blake2b_256(&key);
            Keys::<T>::insert(para, key);
            Self::deposit_event(Event::KeyReplaced { para, key_hash: chain.key_hash });
            Ok(())
        }

        /// What holds of the storage whenever no call is under way.
        ///
        /// # Errors
        ///
        /// The first thing that does not hold.
        pub fn do_try_state() -> Result<(), &'static str> {
            let policy = KeyPolicy { allow_dev_setup: T::AllowDevelopmentSetUps::get() };
            ensure!(
                Chains::<T>::iter_keys().count() == Keys::<T>::iter_keys().count(),
                "a chain has one key"
            );
            for (para, chain) in Chains::<T>::iter() {
                let bytes = Keys::<T>::get(para).ok_or("a chain has a key")?;
                ensure!(blake2b_256(&bytes) == chain.key_hash, "the hash is the key's");
                let key = ValidityKey::decode(&bytes).map_err(|_| "the key is one")?;
                ensure!(check::policy(&key, policy).is_ok(), "the key's set-up is taken here");
                ensure!(key.chain.para_id == para, "the key is the chain's");
                let head = Head::decode(&chain.head).map_err(|_| "the head is one")?;
                ensure!(head.number > 0 || head.hash() == key.chain.genesis_hash, "the genesis is the key's");
                ensure!(chain.deposit == Self::deposit_for(bytes.len()), "the deposit is the key's");
                let held = T::Currency::balance_on_hold(&HoldReason::Chain.into(), &chain.owner);
                ensure!(held >= Self::deposits_of(&chain.owner), "all deposits of an owner are held");
            }
            Ok(())
        }

        /// What an account deposited for all its chains.
        fn deposits_of(owner: &T::AccountId) -> BalanceOf<T> {
            let own = Chains::<T>::iter_values().filter(|chain| chain.owner == *owner);
            own.fold(BalanceOf::<T>::default(), |sum, chain| sum.saturating_add(chain.deposit))
        }
    }
}
