//! What is computed of a verifying key once, as bytes: for a verifier that begins anew with every block and would compute it
//! every time.
//!
//! ```text
//!   lines of γ, once │ for each key:  points α β δ IC₀ IC₁, uncompressed │ e(α, β) │ lines of δ
//! ```
//!
//! A coordinate is 32 bytes, little-endian, below the modulus. These bytes are *trusted*, as the code of the verifier is: that
//! the points are in their subgroups, and that pairing and lines are those of the points, is not checked when they are read.
//! What is cheap is: every coordinate is canonical, every point is on its curve and is the one that the key's own,
//! compressed encoding names, and there are as many lines as a Miller loop takes. Whoever computes the bytes again and
//! compares has checked the rest.

use alloc::vec::Vec;

use ark_bn254::{Bn254, Fq, Fq2, Fq6, Fq12, G1Affine, G2Affine};
use ark_ec::pairing::PairingOutput;
use ark_ff::{BigInt, PrimeField};
use thiserror::Error;

use super::miller::{FixedLines, LINES, UnitLine};
use super::single::PreparedVerifyingKey;
use super::{FQ_BYTES, VERIFYING_KEY_BYTES, VerifyingKey};
use crate::hashing::blake2b_256;

/// Coefficients of a line whose first is 1, each of two coordinates.
const LINE_COORDINATES: usize = 2 * 2;

/// Coordinates of α, β, δ, IC₀, IC₁.
const POINT_COORDINATES: usize = 3 * 2 + 2 * 4;

/// Coordinates of a pairing's value.
const PAIRING_COORDINATES: usize = 12;

/// Bytes of a point's lines.
pub(crate) const LINES_BYTES: usize = LINES * LINE_COORDINATES * FQ_BYTES;

/// Bytes of a prepared key without the lines of γ.
pub(crate) const PREPARED_BYTES: usize = (POINT_COORDINATES + PAIRING_COORDINATES) * FQ_BYTES + LINES_BYTES;

/// Bytes that are not what was computed of this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// The bytes end early, or go on.
    #[error("{0} bytes, which is not what the key's tiers take")]
    Length(usize),
    /// A coordinate is at or above the base field's modulus.
    #[error("a coordinate is not canonical")]
    NotCanonical,
    /// A point is not on the curve, or not the key's.
    #[error("the points are not those of the verifying key")]
    OtherKey,
}

/// Reads coordinates one after the other.
struct Coordinates<'a>(&'a [u8]);

impl Coordinates<'_> {
    fn fq(&mut self) -> Result<Fq, PreparedError> {
        let (bytes, rest) =
            self.0.split_first_chunk::<FQ_BYTES>().ok_or(PreparedError::Length(self.0.len()))?;
        self.0 = rest;
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*chunk);
        }
        Fq::from_bigint(BigInt(limbs)).ok_or(PreparedError::NotCanonical)
    }

    fn fq2(&mut self) -> Result<Fq2, PreparedError> {
        Ok(Fq2::new(self.fq()?, self.fq()?))
    }

    fn fq6(&mut self) -> Result<Fq6, PreparedError> {
        Ok(Fq6::new(self.fq2()?, self.fq2()?, self.fq2()?))
    }

    fn g1(&mut self) -> Result<G1Affine, PreparedError> {
        on_curve(G1Affine::new_unchecked(self.fq()?, self.fq()?), G1Affine::is_on_curve)
    }

    fn g2(&mut self) -> Result<G2Affine, PreparedError> {
        on_curve(G2Affine::new_unchecked(self.fq2()?, self.fq2()?), G2Affine::is_on_curve)
    }

    fn lines(&mut self) -> Result<FixedLines, PreparedError> {
        let lines = (0..LINES).map(|_| Ok(UnitLine { x: self.fq2()?, free: self.fq2()? }));
        lines.collect::<Result<_, _>>().map(FixedLines::from_computed)
    }
}

fn on_curve<P>(point: P, is_on_curve: impl FnOnce(&P) -> bool) -> Result<P, PreparedError> {
    if is_on_curve(&point) { Ok(point) } else { Err(PreparedError::OtherKey) }
}

fn write_fq(out: &mut Vec<u8>, element: &Fq) {
    out.extend(element.into_bigint().0.into_iter().flat_map(u64::to_le_bytes));
}

fn write_fq2(out: &mut Vec<u8>, element: &Fq2) {
    write_fq(out, &element.c0);
    write_fq(out, &element.c1);
}

fn write_fq6(out: &mut Vec<u8>, element: &Fq6) {
    [element.c0, element.c1, element.c2].iter().for_each(|element| write_fq2(out, element));
}

fn write_g1(out: &mut Vec<u8>, point: &G1Affine) {
    write_fq(out, &point.x);
    write_fq(out, &point.y);
}

fn write_g2(out: &mut Vec<u8>, point: &G2Affine) {
    write_fq2(out, &point.x);
    write_fq2(out, &point.y);
}

fn write_lines(out: &mut Vec<u8>, lines: &FixedLines) {
    for line in lines.iter() {
        [line.x, line.free].iter().for_each(|coefficient| write_fq2(out, coefficient));
    }
}

/// The lines of γ, which all keys share.
pub(crate) fn write_gamma(out: &mut Vec<u8>) {
    write_lines(out, &FixedLines::of_gamma());
}

/// Reads what [`write_gamma`] wrote.
pub(crate) fn read_gamma(bytes: &[u8; LINES_BYTES]) -> Result<FixedLines, PreparedError> {
    Coordinates(bytes).lines()
}

impl PreparedVerifyingKey {
    /// Writes [`PREPARED_BYTES`]: the points of `key`, of which this is the preparation, and what was computed of them.
    pub(crate) fn write(&self, key: &VerifyingKey, out: &mut Vec<u8>) {
        write_g1(out, &key.alpha_g1);
        write_g2(out, &key.beta_g2);
        write_g2(out, &key.delta_g2);
        key.ic.iter().for_each(|point| write_g1(out, point));
        write_fq6(out, &self.alpha_beta.0.c0);
        write_fq6(out, &self.alpha_beta.0.c1);
        write_lines(out, &self.delta);
    }

    /// Reads what [`Self::write`] wrote for the key whose only encoding is `encoded`. *Trusts* the bytes as the
    /// [module](self) says.
    pub(crate) fn read(
        bytes: &[u8; PREPARED_BYTES],
        encoded: &[u8; VERIFYING_KEY_BYTES],
        gamma: &FixedLines,
    ) -> Result<(VerifyingKey, Self), PreparedError> {
        let mut from = Coordinates(bytes);
        let key = VerifyingKey {
            alpha_g1: from.g1()?,
            beta_g2: from.g2()?,
            delta_g2: from.g2()?,
            ic: [from.g1()?, from.g1()?],
        };
        if key.encode() != *encoded {
            return Err(PreparedError::OtherKey);
        }
        let alpha_beta = PairingOutput::<Bn254>(Fq12::new(from.fq6()?, from.fq6()?));
        let prepared = Self {
            alpha_beta,
            gamma: gamma.clone(),
            delta: from.lines()?,
            ic: key.ic,
            digest: blake2b_256(encoded),
        };
        Ok((key, prepared))
    }
}
