//! Identity: registrars attest attributes; holders show that one is in a range, without saying who they are.
//!
//! ```text
//!   prove     the private predicate           attest   appointments, attestations, revocations
//!       └──────────────┬──────────────────────────┘
//!   records   registrars, attestations, buckets of nullifiers; commitments
//!   forged    dishonest witnesses (tests)     properties   random calls against a model (tests)
//! ```
//!
//! # Calls
//!
//! | call | who signs | effect |
//! |---|---|---|
//! | `appoint_registrar` | the administrator | an account becomes a registrar |
//! | `attest` | a registrar | a commitment to a holder and an attribute, with an expiry, gets a place |
//! | `revoke` | the same registrar | the attestation at a place cannot be shown any more, from this block on |
//! | `prove_attribute` | any account pays; the holder signs inside | a nullifier enters the set |
//!
//! In this order, so that what a block revokes cannot be shown in it. The private read would see to that in any order: it is
//! of the state that the block leaves.
//!
//! A registrar stands for one kind of attribute, a number of 64 bits, and one account may be several registrars. It is the
//! registrar's part to attest one identity for one person: the nullifier tells identities apart, not people.
//!
//! # Storage
//!
//! | storage | record | place |
//! |---|---|---|
//! | 7 | [`Registrar`]: account | its number; 0 is the administrator |
//! | 8 | [`Attestation`]: commitment, registrar, expiry, revoked | the next free |
//! | 9 | [`Bucket`]: up to 8 nullifiers | their lowest bits |
//!
//! # Invariants
//!
//! - An attestation is written by the account of its registrar, and changed only by it, from not revoked to revoked.
//! - A nullifier enters once, and never leaves.
//! - A nullifier that entered is that of a secret in an attestation which, in that block, was of the registrar
//!   claimed, not revoked, not expired, with an attribute in the range claimed, and whose holder signed the claim.
//! - A registrar never changes.
//!
//! # Who learns what
//!
//! *Observers* (validators, importers, the body's readers) learn the payer's account, the registrar, the range, the context and
//! the nullifier. The nullifier is a hash of a secret and the context: it does not tell which attestation it is of, nor which
//! nullifier of another context it goes with. An anonymity set is what the registrar attested and did not revoke. Who pays
//! with their own account names themselves: a relayer should.
//!
//! *The collator* that makes the witness learns everything in the opening: place, attribute, secret, key. With
//! the secret it can link this holder's presentations, past and to come, in every context. It cannot show anything that the holder did
//! not sign, for it has not the holder's key. Extrinsics of this call should reach it over a private channel.
//!
//! *The registrar* knows identity and attribute, not the secret: it cannot link presentations.
//!
//! # Attacks
//!
//! `docs/security.md` lists them with the constraint that stops each; `forged` carries each out.

use serde::Deserialize;
use serde_json::Value as Json;
use zkpov_verifier::eddsa::PublicKey;

use crate::{
    decimal::PointJson,
    runtime::{CallKind, GenesisState, Pallet, SpecError},
    state::{OpeningPlan, Shape, Value},
};

pub mod attest;
pub mod prove;
pub mod records;

pub use attest::{Appoint, Attest, Revoke};
pub use prove::{Claim, Holder, Opening, Presentation, ProveAttribute};
pub use records::{
    ADMINISTRATOR, ATTESTATIONS, Attestation, Bucket, NULLIFIERS, REGISTRARS, Registrar, commitment,
    identity, nullifier,
};

/// Levels of the pallet's trees.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Of registrars: 8^levels of them, at most 5 levels.
    pub registrars: usize,
    /// Of attestations, at most 8 levels.
    pub attestations: usize,
    /// Of buckets of nullifiers.
    pub nullifiers: usize,
}

impl Default for Identity {
    /// 4096 registrars, 2^24 attestations, 2^24 buckets.
    fn default() -> Self {
        Self { registrars: 4, attestations: 8, nullifiers: 8 }
    }
}

/// What a chain spec says of the pallet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentitySpec {
    /// The key of the account that appoints registrars; none come if there is none.
    administrator: Option<PointJson>,
    /// The keys of the first registrars' accounts, from number 1.
    #[serde(default)]
    registrars: Vec<PointJson>,
    /// The first attestations, from place 0: commitment, until, registrar.
    #[serde(default)]
    attestations: Vec<Json>,
}

impl Pallet for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        vec![
            (REGISTRARS, Shape::Tree { levels: self.registrars }),
            (ATTESTATIONS, Shape::Tree { levels: self.attestations }),
            (NULLIFIERS, Shape::Tree { levels: self.nullifiers }),
        ]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![
            CallKind::call(Appoint),
            CallKind::call(Attest),
            CallKind::call(Revoke),
            CallKind::call(ProveAttribute),
        ]
    }

    /// Presentations read attestations by paths below the levels that all share. So more of them are shared than the few
    /// attestations and revocations would: as many as cost less than they save.
    fn plans(&self, capacities: &[u32]) -> Vec<(u8, OpeningPlan)> {
        let [_, attests, revokes, proofs] = capacities else { return Vec::new() };
        let shape = Shape::Tree { levels: self.attestations };
        let places = (*attests + *revokes).try_into().unwrap_or(usize::MAX);
        let plan = OpeningPlan::cheapest_with_paths(shape, places, *proofs as usize);
        vec![(ATTESTATIONS, plan)]
    }

    fn genesis(&self, spec: Option<&Json>, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
        let Some(spec) = spec else { return Ok(()) };
        let spec: IdentitySpec = serde_json::from_value(spec.clone())
            .map_err(|error| SpecError::Invalid(format!("`pallets.identity`: {error}")))?;
        let account_of = |json: PointJson| -> Result<Registrar, SpecError> {
            let key: PublicKey = json.key().map_err(SpecError::Invalid)?;
            let index = genesis.accounts().iter().zip(0u32..).find(|(account, _)| account.key == key);
            let (_, index) = index.ok_or_else(|| {
                SpecError::Invalid("an administrator or registrar has no account in the spec".into())
            })?;
            Ok(Registrar { account: index.into() })
        };
        let administrator = spec.administrator.map(account_of).transpose()?;
        let registrars = spec.registrars.into_iter().map(account_of).collect::<Result<Vec<_>, _>>()?;
        if let Some(administrator) = administrator {
            genesis.write(ADMINISTRATOR, &administrator)?;
        }
        for (number, registrar) in (ADMINISTRATOR + 1..).zip(&registrars) {
            genesis.write(number, registrar)?;
        }
        for (place, json) in (0..).zip(&spec.attestations) {
            let statement = attest::Statement::from_json(json)
                .map_err(|error| SpecError::Invalid(format!("attestation {place}: {error}")))?;
            if statement.registrar.0 as usize > registrars.len() {
                let number = statement.registrar.0;
                return Err(SpecError::Invalid(format!("attestation {place}: no registrar {number}")));
            }
            genesis.write(place, &statement.attestation())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod forged;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
