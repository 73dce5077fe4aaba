//! EdDSA over Baby Jubjub with Poseidon, as circomlib's `EdDSAPoseidonVerifier`; the native twin is
//! [`zkpov_verifier::eddsa`].
//!
//! ```text
//!  key A ────────┐
//!  message M ────┼─► h = Poseidon(R8.x, R8.y, A.x, A.y, M) ─► S·BASE8 - 8·h·A = R8
//!  R8, S ────────┘
//! ```
//!
//! | part | constraints |
//! |---|---|
//! | challenge | 321 |
//! | S: bits, below the order | 252 + 60 |
//! | S·BASE8 | 505 |
//! | 8·h·A | 1860 |
//! | sum, comparison, `enabled` | 10 |
//! | all | 3008 (circomlib: 4217), 22,320 non-zeros |
//!
//! Attacks and what stops them:
//!
//! | attack | stopped by |
//! |---|---|
//! | S + l in place of S: a second signature of the same message | `eddsa/s_below_order` |
//! | R8 off the curve or with a torsion component | `eddsa/equation`: both terms are in the prime subgroup, so R8 is |
//! | A off the curve, of low order, or the identity | the state: keys enter it through [`EdwardsPoint::enforce_key`] |
//! | another representative of the challenge modulo p | `challenge/at_least`, `challenge/at_most` |
//! | a slope of the prover's choice in a sum of equal points | [`super::babyjubjub::multiply`] |
//!
//! Half-size scalars (u, v with u·h = v modulo l, halving the doublings) were considered: they trade S·BASE8 for
//! (u·S mod l)·BASE8, and the two congruences over the integers, the bits of u and v and the table of ±A ± R8 cost
//! more than the 127 steps of 6 constraints that they save.

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::{
    babyjubjub::{Point, Scalar},
    eddsa::Signature,
};

use super::{
    babyjubjub::{
        EdwardsPoint,
        multiply::{SCALAR_BITS, base_multiple, eightfold_multiple},
    },
    poseidon,
    range::{bits, enforce_at_most},
};
use crate::{bit::Bit, hint, namespace};

/// A signature as a prover gives it: nothing about it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureValues {
    /// The nonce times BASE8.
    pub r8: Point,
    /// The response.
    pub s: Fr,
}

impl From<&Signature> for SignatureValues {
    fn from(signature: &Signature) -> Self {
        let s = Fr::from_bigint(signature.s.into_bigint());
        // l < p, so every scalar is a field element.
        Self { r8: signature.r8, s: s.unwrap_or_default() }
    }
}

/// A signature in a circuit, not yet verified.
#[derive(Clone, Debug)]
pub struct SignatureVar {
    /// The nonce times BASE8.
    pub r8: EdwardsPoint,
    /// The response.
    pub s: FpVar<Fr>,
}

impl SignatureVar {
    /// A signature of the prover's choice. No constraint.
    ///
    /// # Errors
    ///
    /// Those of `signature`.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        signature: impl Fn() -> Result<SignatureValues>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, "signature");
        Ok(Self {
            r8: EdwardsPoint::hint(cs, "r8", || Ok(signature()?.r8))?,
            s: hint::field(cs, "s", || Ok(signature()?.s))?,
        })
    }
}

/// Enforces that `signature` signs `message` under `key`, where `enabled` is 1.
///
/// Where it is 1, `key` must be a point of the prime subgroup other than the identity, by the caller's invariant.
/// Where `enabled` is 0 the key is replaced by BASE8, so that all sums are those of points on the curve whatever the
/// slot holds, and only the last comparison, of R8, is left out: nothing is then said about the signature.
/// `enabled` is a bit by its type, and the caller ties it to what decides whether the slot is used.
///
/// # Errors
///
/// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] for constants that do not verify.
pub fn verify(
    enabled: &Bit,
    key: &EdwardsPoint,
    signature: &SignatureVar,
    message: &FpVar<Fr>,
) -> Result<()> {
    let cs = key.cs().or(signature.s.cs()).or(message.cs());
    let _namespace = namespace::enter(&cs, "eddsa");
    let key = EdwardsPoint::select(enabled, key, &EdwardsPoint::constant(&Point::BASE8))?;
    let r8 = &signature.r8;
    let challenge =
        poseidon::hash(&[r8.x.clone(), r8.y.clone(), key.x.clone(), key.y.clone(), message.clone()])?;

    let s_bits = bits("eddsa/s_bits", &signature.s, SCALAR_BITS)?;
    let mut largest: BigInt<4> = Scalar::MODULUS;
    largest.sub_with_borrow(&BigInt::from(1u64));
    enforce_at_most("eddsa/s_below_order", &s_bits, &largest)?;

    let base = base_multiple(&s_bits)?;
    let keyed = eightfold_multiple(&key, &challenge)?;
    let expected = base.add(&keyed.negate()?)?;
    enabled.enforce_equal_if("eddsa/equation", &expected.x, &r8.x)?;
    enabled.enforce_equal_if("eddsa/equation", &expected.y, &r8.y)
}

#[cfg(test)]
mod tests;
