//! Which key a private chain's bodies are encrypted under, and how another one comes into force.
//!
//! ```text
//!   vault (storage 15, one record)
//!     secrets    the chain key K, the salt
//!     rotation   commitment C = Poseidon2("zkpov/chain-key/1", K') of a key K' that is to follow; who has signed that it has K'
//!
//!   hold_key (signed by a collator with a seat)           a block begins
//!     a new C: whoever brings it has K' ──► holders = it     holders = the seats, as sets?
//!     the pending C: one more holder                            no   K stays in force
//!   governance gives and takes seats                            yes  K' is in force: this body is the first under it,
//!                                                                    the block leaves K' in the vault and no rotation
//! ```
//!
//! The seats are those of [`super::authors`]: on a private chain authors always take turns, so who has no seat authors
//! nothing. Whether the key changes is decided by the state before a block alone, so that its author, who has a seat and therefore signed that it
//! has K', can encrypt under it, and whoever imports knows which key to decrypt with before it has read anything.
//!
//! **K' is never in a body**: who left reads all bodies under K. It is wrapped to each collator outside the chain; the block that begins under it has it
//! as a hint, held to the commitment.
//!
//! # Attacks
//!
//! | attack | stopped by |
//! |---|---|
//! | a key in force that not every collator has signed for | the seats are a subset of the holders, or the key is not taken: `is_zero/…` over the products of their differences |
//! | a key in force that a collator has who left meanwhile | the holders are a subset of the seats, likewise: once a holder has left, only another key can follow |
//! | a collator without a seat counted, or an account beyond the seats' count | `authors/one last seat`, `authors/last seat` fix the count; beyond it a seat's mark is 0 |
//! | another key than the one that was committed to | `vault/next key` |
//! | a key taken before its time, or one that is taken beside the rotation | `vault/no next key`; the key in force is selected by the same bit |
//! | going on under the old key after the switch | the same: the bit is of the state, not of the author's choice, and the body is held to the key |
//! | a signature for a key that is not the pending one | `hold_key/pending key` |
//! | a signature by an account without a seat | `hold_key/seat` |
//! | one collator's signature counted twice, so that it fills the places | `hold_key/not yet held` |
//! | a signature that erases another's, or is put where nobody looks | `hold_key/one place`, `hold_key/place is free`, `hold_key/places in order` |
//! | an unused slot that changes the rotation | what a slot leaves is selected by whether it is used: `state/memory` has no part in it |
//! | a guess at the pending key, or at who signed, from the state root | the record's leaf is salted |
//!
//! That a collator who signed has K' is its word: a collator that signs blindly can stop the chain, as one that does not author can slow it. `zkpov secrets
//! unwrap` compares what it unwraps with the commitment before anybody signs. A rotation that does not end is begun again with
//! another key by any collator.

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::{
    field::{Fr, domain},
    poseidon as native,
};

use super::{
    authors::{Authors, AuthorsVar, SEATS},
    privacy::{Secret, Secrets, SecretsVar},
};
use crate::{
    bit::Bit,
    constraint::{enforce_product, product},
    gadgets::{
        poseidon,
        range::{U32, is_zero},
    },
    hint,
    linear::{Linear, difference, sum},
    namespace, record,
    state::{
        Element,
        circuit::{Index, Place, State},
    },
    values,
};

/// Storage of the [`Vault`].
pub const VAULT: u8 = 15;

const CHAIN_KEY_DOMAIN: Fr = domain("zkpov/chain-key/1");

/// What a chain says of a key before it is in force.
#[must_use]
pub fn commitment(chain_key: &Secret) -> Fr {
    native::hash(&[CHAIN_KEY_DOMAIN, chain_key.0])
}

values! {
    /// The key that is to follow, and who has it.
    #[derive(Copy, Eq)]
    pub struct Rotation / RotationVar ("rotation") {
        /// Its [`commitment`].
        next: Element,
        /// The accounts that signed that they have it, in that order, each by its [`mark`](super::authors::mark); 0 where there is none.
        holders: [u32; SEATS],
    }
}

impl Rotation {
    /// No key is to follow.
    pub const NONE: Self = Self { next: Element(Fr::ZERO), holders: [0; SEATS] };

    /// Whether all of `roster`, and nobody else, has the key: see [`Authors::roster`].
    #[must_use]
    pub fn is_complete(&self, roster: &[u32; SEATS]) -> bool {
        let within = |some: &[u32; SEATS], all: &[u32; SEATS]| {
            some.iter().all(|mark| *mark == 0 || all.contains(mark))
        };
        within(roster, &self.holders) && within(&self.holders, roster)
    }
}

record! {
    /// What a private chain keeps of its keys.
    pub struct Vault / VaultVar ("vault", "the chain's secrets") in VAULT; {
        /// What those know who may read the chain.
        secrets: Secrets,
        /// The key that is to follow.
        rotation: Rotation,
    }
}

impl Vault {
    /// With these secrets, and no key that is to follow.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, rotation: Rotation::NONE }
    }

    /// The [`commitment`] of the key that takes the place of this vault's when the next block begins; `None` if this one stays in force.
    #[must_use]
    pub fn due(&self, authors: &Authors) -> Option<Fr> {
        self.rotation.is_complete(&authors.roster()).then_some(self.rotation.next.0)
    }
}

/// A vault while a block is executed.
#[derive(Clone, Debug)]
pub(crate) struct OpenVault {
    place: Place,
    /// What this block is encrypted under.
    secrets: SecretsVar,
    /// Who has a seat before the block.
    pub(crate) roster: [FpVar<Fr>; SEATS],
    /// As the slots so far leave it.
    pub(crate) rotation: RotationVar,
}

impl OpenVault {
    /// Opens the vault at the beginning of a block, and takes the next key if its time has come: `next_key`, which is 0 otherwise.
    pub(crate) fn open(
        state: &mut State<'_>,
        authors: &AuthorsVar,
        next_key: impl FnOnce() -> Result<Fr>,
    ) -> Result<Self> {
        let cs = state.cs().clone();
        let _namespace = namespace::enter(&cs, "vault");
        let (VaultVar { secrets, rotation }, place) =
            state.read::<Vault>(&Bit::constant(true), &Index::only())?;
        let roster = authors.roster(&cs)?;
        let holders = rotation.holders.each_ref().map(U32::as_field);
        let due = same_set(&roster.each_ref(), &holders)?;

        let next_key = hint::field(&cs, "next key", next_key)?;
        let found = poseidon::hash(&[FpVar::Constant(CHAIN_KEY_DOMAIN), next_key.clone()])?;
        let other = difference(&found, &rotation.next)?;
        let stays = due.not()?;
        enforce_product("vault/next key", due.as_field(), &other, Linear::new(&cs))?;
        enforce_product("vault/no next key", stays.as_field(), &next_key, Linear::new(&cs))?;
        let chain_key = due.select(&next_key, &secrets.chain_key)?;

        let kept = |value: &FpVar<Fr>| product(stays.as_field(), value);
        let mut after = RotationVar { next: kept(&rotation.next)?, ..rotation.clone() };
        for (after, holder) in after.holders.iter_mut().zip(&rotation.holders) {
            *after = holder.and(&stays)?;
        }
        let vault = Self { place, secrets: SecretsVar { chain_key, ..secrets }, roster, rotation: after };
        vault.tell(state)?;
        Ok(vault)
    }

    /// What this block is encrypted under.
    pub(crate) fn secrets(&self) -> &SecretsVar {
        &self.secrets
    }

    /// Natively, lets later slots look the rotation up as it is now.
    pub(crate) fn tell(&self, state: &mut State<'_>) -> Result<()> {
        if state.recorder().is_some() {
            let after = VaultVar { secrets: self.secrets.clone(), rotation: self.rotation.clone() };
            state.write::<Vault>(&Bit::constant(true), self.place.clone(), &after)?;
        }
        Ok(())
    }

    /// Leaves the vault with these secrets.
    pub(crate) fn close(self, state: &mut State<'_>, secrets: SecretsVar) -> Result<()> {
        let after = VaultVar { secrets, rotation: self.rotation };
        state.write::<Vault>(&Bit::constant(true), self.place, &after)
    }
}

/// Whether two lists of marks have the same members, 0 apart.
///
/// Marks are below 2^32, so none of the products is 0 but by a factor that is; all are 0 just if each member of one list is
/// a member of the other.
fn same_set(one: &[&FpVar<Fr>; SEATS], other: &[&FpVar<Fr>; SEATS]) -> Result<Bit> {
    let mut strangers = Vec::with_capacity(2 * SEATS);
    for (members, all) in [(one, other), (other, one)] {
        for member in members {
            strangers.push(is_zero(&product(*member, &distance(member, all)?)?)?);
        }
    }
    let found = sum(strangers.iter().map(Bit::as_field))?;
    let all = Linear::of(&found).plus_constant(-Fr::from(2 * SEATS as u64)).finish()?;
    is_zero(&all)
}

/// A product that is 0 if and only if `mark` is one of `marks`.
pub(crate) fn distance(mark: &FpVar<Fr>, marks: &[&FpVar<Fr>; SEATS]) -> Result<FpVar<Fr>> {
    let mut distance = FpVar::Constant(Fr::ONE);
    for other in marks {
        distance = product(&distance, &difference(mark, other)?)?;
    }
    Ok(distance)
}
