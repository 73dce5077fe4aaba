//! Points of G1 and G2 in bulk.
//!
//! ```text
//!   mod         Point: x and y as rows, all zero for infinity;  Curve: the two groups;  conversion
//!   addition    many independent affine additions, one inversion for each batch of them
//!   coordinate  a coordinate in memory (one row or two) and in vectors
//!   inverse     inversion in Fq
//! ```
//!
//! A point has one of two forms, told apart by where it is: in a key and at every interface arkworks's (Montgomery with R = 2^256),
//! in a kernel's workspace the backend's. Coordinates are canonical in both, so that points can be compared limb by limb.

mod addition;
mod coordinate;
mod inverse;

#[cfg(test)]
pub(crate) use addition::BATCH;
pub(crate) use addition::{Add, Additions, NEGATIVE, Pair, Pairs, Scratch, add_all};
pub(crate) use coordinate::{Coordinate, Lanes};

use ark_bn254::{Fq, Fr, g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::MontFp;
use zeroize::Zeroize;

use crate::vector::{Backend, Kernel, Row};

/// A group: G1 or G2.
pub(crate) trait Curve:
    SWCurveConfig<ScalarField = Fr, BaseField = <Self::Coordinate as Coordinate>::Ark>
{
    /// Coordinates of its points.
    type Coordinate: Coordinate;
    /// A cube root of one β for which (x, y) ─► (β x, y) is multiplication by λ: on all of G1, on the subgroup G2.
    const BETA: Fq;
}

/// λ: a cube root of one in Fr.
#[cfg(test)]
pub(crate) const LAMBDA: Fr = MontFp!("4407920970296243842393367215006156084916469457145843978461");

impl Curve for g1::Config {
    type Coordinate = [Row; 1];
    const BETA: Fq = MontFp!("2203960485148121921418603742825762020974279258880205651966");
}

impl Curve for g2::Config {
    type Coordinate = [Row; 2];
    const BETA: Fq = MontFp!("21888242871839275220042445260109153167277707414472061641714758635765020556616");
}

/// A point in affine coordinates: one cache line in G1, two in G2. Infinity is all zero, which is on neither curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Point<R> {
    /// The x-coordinate.
    pub(crate) x: R,
    /// The y-coordinate.
    pub(crate) y: R,
}

impl<R: Coordinate> Zeroize for Point<R> {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
    }
}

/// Points of a curve.
pub(crate) type PointOf<C> = Point<<C as Curve>::Coordinate>;

impl<R: Coordinate> Point<R> {
    /// Bytes in a key.
    pub(crate) const BYTES: usize = 2 * size_of::<R>();

    /// Whether this is the neutral element.
    #[inline(always)]
    pub(crate) fn is_infinity(&self) -> bool {
        self.x.lowest_limb() == 0 && self.x.is_zero() && self.y.is_zero()
    }

    /// The negative, in the form that the point has.
    #[inline(always)]
    pub(crate) fn negated(&self) -> Self {
        Self { x: self.x, y: self.y.negated() }
    }

    /// The negative, or the point itself.
    #[inline(always)]
    pub(crate) fn negated_if(&self, negative: bool) -> Self {
        if negative { self.negated() } else { *self }
    }

    /// Whether every row is below the modulus.
    #[inline(always)]
    pub(crate) fn is_canonical(&self) -> bool {
        self.x.is_canonical() && self.y.is_canonical()
    }

    /// The point of which these are the bytes in a key, canonical or not; infinity if they are too few.
    #[inline(always)]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut point = Self::default();
        let rows = point.x.as_mut().iter_mut().chain(point.y.as_mut()).flatten();
        for (limb, bytes) in rows.zip(bytes.as_chunks().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        point
    }

    /// The bytes of the point in a key.
    #[inline(always)]
    pub(crate) fn write(&self, bytes: &mut [u8]) {
        let rows = self.x.as_ref().iter().chain(self.y.as_ref()).flatten();
        for (limb, bytes) in rows.zip(bytes.as_chunks_mut().0) {
            *bytes = limb.to_le_bytes();
        }
    }

    /// From arkworks, in its form.
    pub(crate) fn from_affine<C: Curve<Coordinate = R>>(point: &Affine<C>) -> Self {
        point.xy().map_or_else(Self::default, |(x, y)| Self { x: R::from_ark(&x), y: R::from_ark(&y) })
    }

    /// To arkworks, from its form and canonical. Whether the point is on the curve is not looked at.
    pub(crate) fn to_affine<C: Curve<Coordinate = R>>(self) -> Affine<C> {
        if self.is_infinity() {
            Affine::zero()
        } else {
            Affine::new_unchecked(self.x.to_ark(), self.y.to_ark())
        }
    }
}

/// Points from arkworks's form (canonical or not) to the backend's, in place.
#[derive(Debug)]
pub(crate) struct ToBackend<'a, R>(pub(crate) &'a mut [Point<R>]);

/// Points from the backend's form to arkworks's, in place.
#[derive(Debug)]
pub(crate) struct FromBackend<'a, R>(pub(crate) &'a mut [Point<R>]);

impl<R: Coordinate> Kernel for ToBackend<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        convert::<B, R, true>(backend, self.0);
    }
}

impl<R: Coordinate> Kernel for FromBackend<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        if B::LOG2_R != 256 {
            convert::<B, R, false>(backend, self.0);
        }
    }
}

/// Into the backend's form or out of it. Nothing here is a closure over vectors: the compiler might not inline it, and would then
/// compile it without the processor's features.
#[inline(always)]
fn convert<B: Backend, R: Coordinate, const ENTER: bool>(backend: B, points: &mut [Point<R>]) {
    for points in points.chunks_mut(B::LANES) {
        let last = points.len() - 1;
        let x = convert_each::<B, R, ENTER>(backend, B::each(|lane| &points[lane.min(last)].x));
        let y = convert_each::<B, R, ENTER>(backend, B::each(|lane| &points[lane.min(last)].y));
        for (point, (x, y)) in points.iter_mut().zip(x.into_iter().zip(y)) {
            *point = Point { x, y };
        }
    }
}

#[inline(always)]
fn convert_each<B: Backend, R: Coordinate, const ENTER: bool>(backend: B, rows: B::Each<&R>) -> B::Each<R> {
    if ENTER {
        R::Lanes::store(R::Lanes::<B>::load_ark(backend, rows).into())
    } else {
        R::Lanes::store_ark(backend, R::Lanes::<B>::load(backend, rows).into())
    }
}

#[cfg(test)]
mod tests;
