//! Reading bytes that nobody vouches for, and the two encodings of a field element.

use ark_bn254::{Fq, Fr};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, BigInteger, PrimeField};
use rayon::prelude::*;
use zkpov_prover::encoding::{Encoding, FIELD_BYTES};
use zkpov_prover::engine::{self, first_outside_subgroup};

use crate::error::FormatError;

const LIMB_BYTES: usize = 8;

/// What is left of some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `count` bytes, for `what`.
    pub(crate) fn take(&mut self, count: u64, what: &'static str) -> Result<&'a [u8], FormatError> {
        let left = self.0.len() as u64;
        let split = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = split.ok_or(FormatError::Truncated { what, needed: count, left })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], FormatError> {
        let left = self.0.len() as u64;
        let (taken, rest) =
            self.0.split_first_chunk().ok_or(FormatError::Truncated { what, needed: N as u64, left })?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, FormatError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, FormatError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, FormatError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A modulus with its length before it; it must be `P`'s.
    pub(crate) fn modulus<P: PrimeField<BigInt = BigInt<4>>>(
        &mut self,
        what: &'static str,
    ) -> Result<(), FormatError> {
        let length = self.u32(what)?;
        let bytes = self.take(length.into(), what)?;
        let same = bytes.len() == FIELD_BYTES && limbs(bytes) == Some(P::MODULUS);
        if same { Ok(()) } else { Err(FormatError::Field { what }) }
    }

    /// A point of known group; infinity is refused.
    pub(crate) fn point<C: SWCurveConfig>(&mut self, what: &'static str) -> Result<Affine<C>, FormatError>
    where
        Affine<C>: Encoding,
    {
        let bytes = self.take(Affine::<C>::BYTES as u64, what)?;
        let point = Affine::<C>::decode(bytes).ok_or(FormatError::NotReduced { what, index: 0 })?;
        check_point(what, 0, &point, Infinity::Refused, Subgroup::Checked)?;
        Ok(point)
    }

    /// That nothing is left.
    pub(crate) fn end(&self, what: &'static str, read: u64) -> Result<(), FormatError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FormatError::Length { what, found: read + self.0.len() as u64, expected: read })
        }
    }
}

/// Whether infinity may stand in a list of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Infinity {
    Allowed,
    Refused,
}

/// Whether the subgroup is looked at. Every point of the curve over Fq is in G1, so it matters for G2 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subgroup {
    Checked,
    NotChecked,
}

pub(crate) fn check_point<C: SWCurveConfig>(
    what: &'static str,
    index: usize,
    point: &Affine<C>,
    infinity: Infinity,
    subgroup: Subgroup,
) -> Result<(), FormatError> {
    if point.is_zero() {
        return match infinity {
            Infinity::Allowed => Ok(()),
            Infinity::Refused => Err(FormatError::Infinity { what, index }),
        };
    }
    if !point.is_on_curve() {
        Err(FormatError::NotOnCurve { what, index })
    } else if subgroup == Subgroup::Checked && !point.is_in_correct_subgroup_assuming_on_curve() {
        Err(FormatError::NotInSubgroup { what, index })
    } else {
        Ok(())
    }
}

/// G1 or G2.
pub(crate) trait Group: engine::Group {
    /// The first of these points of the curve that is not in the subgroup.
    fn first_outside(points: &[Affine<Self>]) -> Option<usize>;
}

impl Group for ark_bn254::g1::Config {
    /// Every point of the curve over Fq is in the group.
    fn first_outside(_points: &[Affine<Self>]) -> Option<usize> {
        None
    }
}

impl Group for ark_bn254::g2::Config {
    fn first_outside(points: &[Affine<Self>]) -> Option<usize> {
        first_outside_subgroup(points)
    }
}

/// A list of points in Montgomery form, each on its curve; over all cores. A part of a point at the end is for the caller to exclude.
pub(crate) fn points<C: Group>(
    what: &'static str,
    bytes: &[u8],
    infinity: Infinity,
    subgroup: Subgroup,
) -> Result<Vec<Affine<C>>, FormatError>
where
    Affine<C>: Encoding,
{
    let points: Vec<Affine<C>> = bytes
        .par_chunks_exact(Affine::<C>::BYTES)
        .enumerate()
        .map(|(index, bytes)| {
            let point = Affine::<C>::decode(bytes).ok_or(FormatError::NotReduced { what, index })?;
            check_point(what, index, &point, infinity, Subgroup::NotChecked)?;
            Ok(point)
        })
        .collect::<Result<_, _>>()?;
    match subgroup {
        Subgroup::Checked => match C::first_outside(&points) {
            Some(index) => Err(FormatError::NotInSubgroup { what, index }),
            None => Ok(points),
        },
        Subgroup::NotChecked => Ok(points),
    }
}

/// 32 little-endian bytes as limbs, whatever their value.
fn limbs(bytes: &[u8]) -> Option<BigInt<4>> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(LIMB_BYTES)) {
        *limb = u64::from_le_bytes(chunk.try_into().ok()?);
    }
    Some(BigInt(limbs))
}

/// A scalar in plain form, 32 bytes little-endian. `None` if it is not below the modulus.
pub(crate) fn scalar(bytes: &[u8]) -> Option<Fr> {
    if bytes.len() == FIELD_BYTES { Fr::from_bigint(limbs(bytes)?) } else { None }
}

/// The plain form of a scalar.
pub(crate) fn scalar_bytes(scalar: &Fr) -> [u8; FIELD_BYTES] {
    integer_bytes(scalar.into_bigint())
}

/// The scalar whose Montgomery limbs are the Montgomery form of this one: what a `.zkey` calls R² form is its [`Encoding`].
pub(crate) fn to_double_montgomery(value: &Fr) -> Option<Fr> {
    Fr::from_bigint(value.0)
}

/// The modulus with its length before it.
pub(crate) fn modulus_bytes<P: PrimeField<BigInt = BigInt<4>>>() -> Vec<u8> {
    let mut bytes = (FIELD_BYTES as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&integer_bytes(P::MODULUS));
    bytes
}

fn integer_bytes(integer: BigInt<4>) -> [u8; FIELD_BYTES] {
    let mut bytes = [0; FIELD_BYTES];
    for (out, byte) in bytes.iter_mut().zip(integer.to_bytes_le()) {
        *out = byte;
    }
    bytes
}

/// The big-endian plain form of a coordinate, as hashes of ceremonies take it.
pub(crate) fn big_endian(coordinate: &Fq) -> [u8; FIELD_BYTES] {
    let mut bytes = integer_bytes(coordinate.into_bigint());
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, UniformRand};

    #[test]
    fn double_montgomery_form_has_a_second_factor_r() {
        let mut rng = rand::rngs::OsRng;
        for _ in 0..10 {
            let value = Fr::rand(&mut rng);
            let double = to_double_montgomery(&value).unwrap();
            // Its limbs are v·R², those of v are v·R.
            let r = Fr::from(2u64).pow([256]);
            assert_eq!(double, value * r);
        }
    }

    #[test]
    fn a_scalar_is_read_only_below_the_modulus() {
        let mut bytes = integer_bytes(Fr::MODULUS);
        assert_eq!(scalar(&bytes), None);
        bytes[0] -= 1;
        assert_eq!(scalar(&bytes), Some(-Fr::from(1u64)));
        assert_eq!(scalar_bytes(&-Fr::from(1u64)), bytes);
        assert_eq!(scalar(&bytes[..31]), None);
    }
}
