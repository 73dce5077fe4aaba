//! What the pallet keeps, and the hashes that attestations and presentations are made of.
//!
//! ```text
//!   key, secret ──► identity ──┐                    the holder's; the registrar is given the identity
//!   registrar, expiry, attribute ┴─► commitment     the registrar's; the state has the commitment
//!   secret, context ──► nullifier                   the body has both of the right
//! ```

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::{
    eddsa::PublicKey,
    field::{Fr, domain},
    poseidon,
};

use crate::{
    gadgets::{self, babyjubjub::EdwardsPoint, range},
    record,
    runtime::AccountIndex,
    state::{Element, circuit::At},
};

/// Storage of registrars.
pub const REGISTRARS: u8 = 7;

/// Storage of attestations.
pub const ATTESTATIONS: u8 = 8;

/// Storage of nullifiers.
pub const NULLIFIERS: u8 = 9;

/// Bits of a registrar's number where it is packed.
pub const REGISTRAR_BITS: usize = 16;

/// Bits of an attestation's place where it is packed.
pub const ATTESTATION_BITS: usize = 24;

/// Bits of an attestation's expiry.
const EXPIRY_BITS: usize = u32::BITS as usize;

/// Nullifiers of a bucket. With 2^24 buckets and as many nullifiers, one in 10^5 finds its bucket full.
pub const BUCKET: usize = 8;

/// The registrar that appoints others.
pub const ADMINISTRATOR: u32 = 0;

/// Tag of a holder's identity.
pub const IDENTITY_DOMAIN: &str = "zkpov/identity/1";

/// Tag of an attestation's commitment.
pub const ATTESTATION_DOMAIN: &str = "zkpov/attestation/1";

/// Tag of a nullifier.
pub const NULLIFIER_DOMAIN: &str = "zkpov/nullifier/1";

/// Tag of what a holder signs.
pub const PRESENTATION_DOMAIN: &str = "zkpov/presentation/1";

/// The place of a registrar: its number.
pub type RegistrarIndex = At<REGISTRARS, REGISTRAR_BITS>;

/// The place of an attestation.
pub type AttestationIndex = At<ATTESTATIONS, ATTESTATION_BITS>;

record! {
    /// Who attests one kind of attribute. Number [`ADMINISTRATOR`] appoints others.
    #[derive(Copy, Eq)]
    pub struct Registrar / RegistrarVar ("registrar", "a registrar") in REGISTRARS; {
        /// The account that signs for it.
        account: AccountIndex,
    }
}

record! {
    /// What a registrar says of somebody.
    #[derive(Copy, Eq)]
    pub struct Attestation / AttestationVar ("attestation", "an attestation") in ATTESTATIONS; {
        /// Of whom, and what: [`commitment`].
        commitment: Element,
        /// The last block in which it can be shown.
        expiry: u32,
        /// Whose word it is.
        registrar: RegistrarIndex,
        /// Whether it was taken back.
        revoked: bool,
    }
}

record! {
    /// Nullifiers whose lowest bits are the place's number: those that are there first, then zeros.
    #[derive(Copy, Eq)]
    pub struct Bucket / BucketVar ("bucket", "a bucket of nullifiers") in NULLIFIERS; {
        /// The nullifiers.
        nullifiers: [Element; BUCKET],
    }
}

impl Bucket {
    /// With nothing in it.
    pub fn empty() -> Self {
        Self { nullifiers: [Element::default(); BUCKET] }
    }
}

/// What an attestation's commitment says beside the identity, in one element: registrar, expiry, attribute.
fn terms(registrar: Fr, expiry: Fr, attribute: Fr) -> Fr {
    let shift = |bits: usize| crate::integer::power_of_two(bits as u32);
    registrar + shift(REGISTRAR_BITS) * expiry + shift(REGISTRAR_BITS + EXPIRY_BITS) * attribute
}

/// What a holder tells a registrar of themselves: hides key and secret.
pub fn identity(key: &PublicKey, secret: Fr) -> Fr {
    let [x, y] = key.coordinates();
    poseidon::hash(&[domain(IDENTITY_DOMAIN), x, y, secret])
}

/// What an attestation commits to. The attribute is hidden, since the identity is known to holder and registrar only.
pub fn commitment(identity: Fr, registrar: u32, expiry: u32, attribute: u64) -> Fr {
    let terms = terms(registrar.into(), expiry.into(), attribute.into());
    poseidon::hash(&[domain(ATTESTATION_DOMAIN), identity, terms])
}

/// What tells a holder's second presentation in a context from the first of another.
pub fn nullifier(secret: Fr, context: Fr) -> Fr {
    poseidon::hash(&[domain(NULLIFIER_DOMAIN), secret, context])
}

/// [`identity`] in a circuit.
pub(super) fn identity_variable(key: &EdwardsPoint, secret: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    let tag = FpVar::Constant(domain(IDENTITY_DOMAIN));
    gadgets::poseidon::hash(&[tag, key.x.clone(), key.y.clone(), secret.clone()])
}

/// [`commitment`] in a circuit. The parts must be in their widths, and the attribute below 2^64.
pub(super) fn commitment_variable(
    identity: FpVar<Fr>,
    registrar: &FpVar<Fr>,
    expiry: &FpVar<Fr>,
    attribute: &FpVar<Fr>,
) -> Result<FpVar<Fr>> {
    let widths = [REGISTRAR_BITS, EXPIRY_BITS, u64::BITS as usize];
    let terms = range::pack([registrar, expiry, attribute].into_iter().zip(widths))?;
    gadgets::poseidon::hash(&[FpVar::Constant(domain(ATTESTATION_DOMAIN)), identity, terms])
}

/// [`nullifier`] in a circuit.
pub(super) fn nullifier_variable(secret: &FpVar<Fr>, context: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    gadgets::poseidon::hash(&[FpVar::Constant(domain(NULLIFIER_DOMAIN)), secret.clone(), context.clone()])
}

/// The bucket of a nullifier among `places`, a power of two.
pub fn bucket_of(nullifier: &Fr, places: u64) -> u32 {
    gadgets::bucket::place(nullifier, places.ilog2() as usize)
}
