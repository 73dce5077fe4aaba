//! Groth16 over BN254, verification only.
//!
//! ```text
//!   mod.rs       points, proof, verifying key and their codecs: nothing malformed gets past here
//!   single.rs    the pairing equation for one proof
//!   prepared.rs  what is computed of a key once, as bytes that a verifier without memory has beside its code
//!   batch.rs     the equations of many proofs, as one; which of them do not hold
//!   multiples.rs sums of multiples of group elements
//!   miller.rs    the Miller loop of many pairs; whether a point is in the group of prime order
//! ```
//!
//! J. Groth, *On the Size of Pairing-based Non-interactive Arguments* (2016), with one public
//! input x and γ fixed to G2's generator, as snarkjs makes its keys:
//!
//! ```text
//!   e(A, B) = e(α, β) · e(IC₀ + x·IC₁, γ) · e(C, δ)
//! ```
//!
//! # Encoding of a point
//!
//! The x coordinate, little-endian (G1: 32 bytes; G2: c0 then c1 of c0 + c1·u, 64 bytes), with two
//! flags in the top bits of the last byte, which the 254-bit modulus leaves free: bit 7 chooses
//! the larger of the two y (compared as integers, c1 before c0), bit 6 means infinity. It is
//! arkworks' compressed form, which the tests hold it to.
//!
//! # Infinity
//!
//! No point in a key or in a proof may be at infinity, so no encoding with bit 6 is accepted:
//!
//! - α: with e(α, β) = 1 the proof (IC₀ + x·IC₁, γ, 0) is valid for every x. β alike.
//! - δ: the equation no longer sees C, and soundness rests on it.
//! - IC₁: the equation no longer sees x, and a proof of one statement proves all.
//! - IC₀: harmless alone, but no key generation gives it: the constant's column is never empty.
//! - A, B, C: an honest proof has each with probability 1/r ≈ 2⁻²⁵⁴, for its randomness is uniform.

mod batch;
mod miller;
mod multiples;
mod prepared;
mod single;

use core::fmt;

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, PrimeField};
use ark_serialize::CanonicalSerialize;
use thiserror::Error;

use self::miller::Lines;

pub use batch::{BatchItem, verify_batch, verify_each};
pub use prepared::PreparedError;
pub(crate) use prepared::{LINES_BYTES, PREPARED_BYTES, read_gamma, write_gamma};
pub use single::{PreparedVerifyingKey, ProofRejected};

/// Bytes of an encoded G1 point.
pub const G1_BYTES: usize = 32;

/// Bytes of an encoded G2 point.
pub const G2_BYTES: usize = 64;

/// Bytes of an encoded proof: A, B, C.
pub const PROOF_BYTES: usize = G1_BYTES + G2_BYTES + G1_BYTES;

/// Bytes of an encoded verifying key: α, β, δ, IC₀, IC₁.
pub const VERIFYING_KEY_BYTES: usize = G1_BYTES + 2 * G2_BYTES + 2 * G1_BYTES;

/// Bytes of an encoded coordinate in the base field.
const FQ_BYTES: usize = 32;

/// Flag of the larger y, in a point's last byte.
const LARGER_Y: u8 = 1 << 7;

/// Flag of the point at infinity, in a point's last byte.
const INFINITY: u8 = 1 << 6;

/// Bytes that are not a point a proof or key may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("point {point}: {cause}")]
pub struct PointError {
    /// Which point.
    pub point: Point,
    /// What is wrong with it.
    pub cause: PointCause,
}

/// What is wrong with a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointCause {
    /// The input ends before the point does.
    #[error("truncated")]
    Truncated,
    /// A coordinate is at or above the base field's modulus, or the flags contradict the point.
    #[error("not in its canonical encoding")]
    NotCanonical,
    /// No point of the curve has this x.
    #[error("not on the curve")]
    NotOnCurve,
    /// On the curve, and outside the subgroup of prime order.
    #[error("not in the subgroup of prime order")]
    NotInSubgroup,
    /// The point at infinity.
    #[error("at infinity")]
    Infinity,
}

/// A point of a proof or a verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Names are the paper's.
pub enum Point {
    A,
    B,
    C,
    Alpha,
    Beta,
    Delta,
    Ic0,
    Ic1,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Delta => "delta",
            Self::Ic0 => "IC0",
            Self::Ic1 => "IC1",
        })
    }
}

/// Bytes that are not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Not as long as a proof is.
    #[error("{0} bytes, a Groth16 proof has {PROOF_BYTES}")]
    Length(usize),
    /// One of the points.
    #[error(transparent)]
    Point(#[from] PointError),
}

/// A proof whose points are on the curve, in the subgroup and not at infinity.
///
/// That B is in the subgroup shows when the lines of its Miller loop are computed, so they are kept for the loop: 20 kB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
    lines: Lines,
}

impl Proof {
    /// A proof of these points.
    ///
    /// # Errors
    ///
    /// A point off the curve, outside the subgroup or at infinity.
    pub fn new(a: G1Affine, b: G2Affine, c: G1Affine) -> Result<Self, PointError> {
        let (a, b, c) =
            (checked_curve(Point::A, a)?, checked_curve(Point::B, b)?, checked_curve(Point::C, c)?);
        Ok(Self { a, b, c, lines: lines(Point::B, &b)? })
    }

    /// Reads A, B, C.
    ///
    /// # Errors
    ///
    /// A length other than [`PROOF_BYTES`], or a point that is not canonical, not on the curve,
    /// not in the subgroup, or at infinity.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() != PROOF_BYTES {
            return Err(ProofError::Length(bytes.len()));
        }
        let mut rest = bytes;
        let a = read_g1(Point::A, &mut rest)?;
        let b = read_g2(Point::B, &mut rest)?;
        let c = read_g1(Point::C, &mut rest)?;
        Ok(Self { a, b, c, lines: lines(Point::B, &b)? })
    }

    /// The only encoding of the proof.
    pub fn encode(&self) -> [u8; PROOF_BYTES] {
        let mut out = [0; PROOF_BYTES];
        let mut rest = out.as_mut_slice();
        write_point(&mut rest, &self.a);
        write_point(&mut rest, &self.b);
        write_point(&mut rest, &self.c);
        out
    }
}

/// Why points are no verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyingKeyError {
    /// One of the points.
    #[error(transparent)]
    Point(#[from] PointError),
    /// Two of β, γ (G2's generator) and δ are equal or opposite, so that anyone can forge: the
    /// set-up was not finished.
    #[error(
        "{0} and {1} are equal up to sign, which lets anyone forge proofs: finish the set-up, \
         every phase needs a contribution"
    )]
    Degenerate(&'static str, &'static str),
}

/// A verifying key for one public input, with γ = G2's generator.
///
/// Its points are on the curve, in the subgroup and not at infinity, and β, γ, δ are three
/// different points even up to sign.
///
/// The last is not pedantry. A phase 2 without a contribution leaves δ = γ, and then
/// (α, β, −IC₀ − x·IC₁) is a proof of any x; a phase 1 without one leaves β = γ, and then
/// (α + IC₀ + x·IC₁, γ, 0) is; with β = δ it is (L, β + γ, L − α) for L = IC₀ + x·IC₁. Other known
/// relations between the points break a key as well and cannot be seen: that is what the set-up's
/// transcript is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    alpha_g1: G1Affine,
    beta_g2: G2Affine,
    delta_g2: G2Affine,
    ic: [G1Affine; 2],
}

impl VerifyingKey {
    /// A key of these points.
    ///
    /// # Errors
    ///
    /// A point off the curve, outside the subgroup or at infinity; β, γ, δ not different up to
    /// sign.
    pub fn new(
        alpha_g1: G1Affine,
        beta_g2: G2Affine,
        delta_g2: G2Affine,
        ic: [G1Affine; 2],
    ) -> Result<Self, VerifyingKeyError> {
        let [ic0, ic1] = ic;
        Self {
            alpha_g1: checked_curve(Point::Alpha, alpha_g1)?,
            beta_g2: checked_curve(Point::Beta, beta_g2)?,
            delta_g2: checked_curve(Point::Delta, delta_g2)?,
            ic: [checked_curve(Point::Ic0, ic0)?, checked_curve(Point::Ic1, ic1)?],
        }
        .checked()
    }

    /// Reads α, β, δ, IC₀, IC₁.
    ///
    /// # Errors
    ///
    /// As [`Self::new`], and encodings that are not canonical.
    pub fn decode(bytes: &[u8; VERIFYING_KEY_BYTES]) -> Result<Self, VerifyingKeyError> {
        let mut rest = bytes.as_slice();
        Self {
            alpha_g1: read_g1(Point::Alpha, &mut rest)?,
            beta_g2: read_g2(Point::Beta, &mut rest)?,
            delta_g2: read_g2(Point::Delta, &mut rest)?,
            ic: [read_g1(Point::Ic0, &mut rest)?, read_g1(Point::Ic1, &mut rest)?],
        }
        .checked()
    }

    /// The only encoding of the key.
    pub fn encode(&self) -> [u8; VERIFYING_KEY_BYTES] {
        let mut out = [0; VERIFYING_KEY_BYTES];
        let mut rest = out.as_mut_slice();
        let [ic0, ic1] = &self.ic;
        write_point(&mut rest, &self.alpha_g1);
        write_point(&mut rest, &self.beta_g2);
        write_point(&mut rest, &self.delta_g2);
        write_point(&mut rest, ic0);
        write_point(&mut rest, ic1);
        out
    }

    /// What is left to check when the points are on their curves: subgroups, and that no two of β, γ, δ are one.
    fn checked(self) -> Result<Self, VerifyingKeyError> {
        lines(Point::Beta, &self.beta_g2)?;
        lines(Point::Delta, &self.delta_g2)?;
        let gamma = G2Affine::generator();
        for (one, other, names) in [
            (self.beta_g2, gamma, ("beta", "gamma")),
            (self.delta_g2, gamma, ("delta", "gamma")),
            (self.beta_g2, self.delta_g2, ("beta", "delta")),
        ] {
            if one.x == other.x {
                return Err(VerifyingKeyError::Degenerate(names.0, names.1));
            }
        }
        Ok(self)
    }
}

/// Refuses a point off the curve or at infinity. All of G1's curve is its subgroup of prime order; G2 has [`lines`].
fn checked_curve<C: SWCurveConfig>(point: Point, affine: Affine<C>) -> Result<Affine<C>, PointError> {
    let fail = |cause| Err(PointError { point, cause });
    match affine {
        at if at.is_zero() => fail(PointCause::Infinity),
        at if !at.is_on_curve() => fail(PointCause::NotOnCurve),
        at => Ok(at),
    }
}

/// The lines of a point of G2's curve. Refuses one outside the subgroup of prime order.
fn lines(point: Point, affine: &G2Affine) -> Result<Lines, PointError> {
    Lines::of(affine).ok_or(PointError { point, cause: PointCause::NotInSubgroup })
}

fn read_g1(point: Point, rest: &mut &[u8]) -> Result<G1Affine, PointError> {
    let (encoded, flags) = split_flags::<G1_BYTES>(point, rest)?;
    let x = coordinate(point, &encoded)?;
    finish_point(point, x, flags)
}

fn read_g2(point: Point, rest: &mut &[u8]) -> Result<G2Affine, PointError> {
    let (encoded, flags) = split_flags::<G2_BYTES>(point, rest)?;
    let ([c0, c1], []) = encoded.as_chunks::<FQ_BYTES>() else {
        return Err(PointError { point, cause: PointCause::Truncated });
    };
    let x = Fq2::new(coordinate(point, c0)?, coordinate(point, c1)?);
    finish_point(point, x, flags)
}

/// Takes a point's bytes and separates the flags from them. Infinity ends here.
fn split_flags<const N: usize>(point: Point, rest: &mut &[u8]) -> Result<([u8; N], u8), PointError> {
    let fail = |cause| PointError { point, cause };
    let (&taken, left) = rest.split_first_chunk::<N>().ok_or(fail(PointCause::Truncated))?;
    *rest = left;
    let mut encoded = taken;
    let last = encoded.last_mut().ok_or(fail(PointCause::Truncated))?;
    let flags = *last & (LARGER_Y | INFINITY);
    *last &= !(LARGER_Y | INFINITY);
    match flags & INFINITY {
        0 => Ok((encoded, flags)),
        _ if flags == INFINITY && encoded.iter().all(|&byte| byte == 0) => Err(fail(PointCause::Infinity)),
        _ => Err(fail(PointCause::NotCanonical)),
    }
}

/// A coordinate below the base field's modulus.
fn coordinate(point: Point, bytes: &[u8; FQ_BYTES]) -> Result<Fq, PointError> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    Fq::from_bigint(BigInt(limbs)).ok_or(PointError { point, cause: PointCause::NotCanonical })
}

/// The point with this x and the y the flags choose, if there is one on the curve.
///
/// y is never 0, so the flags are never ambiguous: that would be a point of order two, and the orders of
/// the curve and of its twist are odd.
fn finish_point<C: SWCurveConfig>(point: Point, x: C::BaseField, flags: u8) -> Result<Affine<C>, PointError> {
    let fail = |cause| PointError { point, cause };
    let (smaller, larger) = Affine::<C>::get_ys_from_x_unchecked(x).ok_or(fail(PointCause::NotOnCurve))?;
    let y = if flags & LARGER_Y == 0 { smaller } else { larger };
    Ok(Affine::new_unchecked(x, y))
}

/// Writes a point into the front of `rest`, which then begins behind it.
fn write_point<C: SWCurveConfig>(rest: &mut &mut [u8], point: &Affine<C>) {
    let written = point.serialize_compressed(rest);
    debug_assert!(written.is_ok(), "the buffer is as long as its points");
}
