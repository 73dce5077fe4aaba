//! Proofs and verifying keys, and the check of one by the other.
//!
//! ```text
//!   e(A, B) = e(alpha, beta) · e(IC_0 + Σ x_i IC_i, gamma) · e(C, delta)          gamma = the generator of G2
//! ```
//! Groth, "On the Size of Pairing-based Non-interactive Arguments", 2016, section 3.2.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::One;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};

/// Bytes of an encoded [`Proof`]: A 32, B 64, C 32.
pub const PROOF_BYTES: usize = 128;

/// A Groth16 proof. Its points are on the curve and in the subgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
}

/// Bytes that are no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofEncodingError {
    /// Not [`PROOF_BYTES`] long.
    #[error("a proof has {PROOF_BYTES} bytes, these are {found}")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// A coordinate is not below the modulus, or there is no point in the subgroup with it.
    #[error("the bytes of a proof do not encode three points of the curve's groups")]
    Point,
    /// The points have another encoding, which is the canonical one.
    #[error("the encoding of a proof's points is not the canonical one")]
    NotCanonical,
}

impl Proof {
    pub(crate) fn new(a: G1Affine, b: G2Affine, c: G1Affine) -> Self {
        Self { a, b, c }
    }

    /// The element A.
    pub fn a(&self) -> &G1Affine {
        &self.a
    }

    /// The element B.
    pub fn b(&self) -> &G2Affine {
        &self.b
    }

    /// The element C.
    pub fn c(&self) -> &G1Affine {
        &self.c
    }

    /// A, B and C compressed as arkworks does it: x little-endian, the sign of y and infinity in the top bits.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = [0u8; PROOF_BYTES];
        let mut rest = &mut bytes[..];
        let written = self
            .a
            .serialize_compressed(&mut rest)
            .and_then(|()| self.b.serialize_compressed(&mut rest))
            .and_then(|()| self.c.serialize_compressed(&mut rest));
        debug_assert!(written.is_ok(), "two G1 points and a G2 point have {PROOF_BYTES} bytes");
        bytes
    }

    /// Decodes a proof of unknown origin.
    ///
    /// # Errors
    /// If the bytes are not the encoding [`Proof::to_bytes`] gives of three points in their groups.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofEncodingError> {
        if bytes.len() != PROOF_BYTES {
            return Err(ProofEncodingError::Length { found: bytes.len() });
        }
        let mut rest = bytes;
        let point = |_| ProofEncodingError::Point;
        let a = G1Affine::deserialize_compressed(&mut rest).map_err(point)?;
        let b = G2Affine::deserialize_compressed(&mut rest).map_err(point)?;
        let c = G1Affine::deserialize_compressed(&mut rest).map_err(point)?;
        let proof = Self { a, b, c };
        if proof.to_bytes() == bytes { Ok(proof) } else { Err(ProofEncodingError::NotCanonical) }
    }
}

/// What a verifier needs of a key; gamma is the generator of G2 and so not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    alpha_g1: G1Affine,
    beta_g2: G2Affine,
    delta_g2: G2Affine,
    ic: Vec<G1Affine>,
}

impl VerifyingKey {
    pub(crate) fn new(alpha_g1: G1Affine, beta_g2: G2Affine, delta_g2: G2Affine, ic: Vec<G1Affine>) -> Self {
        Self { alpha_g1, beta_g2, delta_g2, ic }
    }

    /// alpha in G1.
    pub fn alpha_g1(&self) -> &G1Affine {
        &self.alpha_g1
    }

    /// beta in G2.
    pub fn beta_g2(&self) -> &G2Affine {
        &self.beta_g2
    }

    /// delta in G2.
    pub fn delta_g2(&self) -> &G2Affine {
        &self.delta_g2
    }

    /// One point for the constant 1, then one for each public input.
    pub fn ic(&self) -> &[G1Affine] {
        &self.ic
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Another number of public inputs than the key has.
    #[error("the key has {expected} public inputs, {found} were given")]
    PublicInputs {
        /// What the key has, the constant 1 not counted.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The pairing equation does not hold.
    #[error("the proof does not hold for these public inputs under this key")]
    Refused,
}

/// Checks a proof against public inputs (without the constant 1).
///
/// # Errors
/// If their number is not the key's, or the proof does not hold.
pub fn verify(key: &VerifyingKey, public_inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
    let refused =
        VerifyError::PublicInputs { expected: key.ic.len().saturating_sub(1), found: public_inputs.len() };
    let (constant, inputs) = key.ic.split_first().ok_or(refused)?;
    if inputs.len() != public_inputs.len() {
        return Err(refused);
    }
    let statement: G1Projective = inputs
        .iter()
        .zip(public_inputs)
        .fold(constant.into_group(), |sum, (point, input)| sum + *point * input);
    let product = Bn254::multi_pairing(
        [-proof.a, key.alpha_g1, statement.into_affine(), proof.c],
        [proof.b, key.beta_g2, G2Affine::generator(), key.delta_g2],
    );
    if product.0.is_one() { Ok(()) } else { Err(VerifyError::Refused) }
}
