//! The kernels of a proof one by one, for programs that measure them (feature `bench`).
//!
//! They compute with the field arithmetic that [`vectors`](crate::vectors) names, on the current rayon pool, like a proof.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::short_weierstrass::Affine;

use crate::curve::{Add, Curve, FromBackend, Pair, Pairs, Point, PointOf, ToBackend};
use crate::vector::{Backend, Kernel, LANES, Reduced, Scalar, Sum, dispatch};
use crate::{msm, transform};

/// Σ scalar · point over as many pairs as the shorter slice has. `None` if a coordinate is not below the modulus.
#[must_use]
pub fn msm_g1(points: &[G1Affine], scalars: &[Fr]) -> Option<G1Projective> {
    msm::msm(&points, scalars.into()).ok()
}

/// Σ scalar · point over as many pairs as the shorter slice has; the points are in the subgroup of order r. `None` if a coordinate is
/// not below the modulus.
#[must_use]
pub fn msm_g2(points: &[G2Affine], scalars: &[Fr]) -> Option<G2Projective> {
    msm::msm(&points, scalars.into()).ok()
}

/// Two transforms of a proof's six: the values that a polynomial of degree below n has on the n-th roots of unity become those that
/// it has on the odd powers of a 2n-th root. Whether that was done: not if n is no power of two, is below 64 or above 2^27.
#[must_use]
pub fn to_odd_points(values: &mut [Fr]) -> bool {
    transform::to_odd_points(values).is_some()
}

/// The sums of neighbours, computed `times` times over: of points 0 and 1, 2 and 3, … A last point without one is left out.
#[must_use]
pub fn add_neighbours_g1(points: &[G1Affine], times: usize) -> Vec<G1Affine> {
    add_neighbours(points, times)
}

/// [`add_neighbours_g1`] in G2.
#[must_use]
pub fn add_neighbours_g2(points: &[G2Affine], times: usize) -> Vec<G2Affine> {
    add_neighbours(points, times)
}

fn add_neighbours<C: Curve>(points: &[Affine<C>], times: usize) -> Vec<Affine<C>> {
    let mut source: Vec<PointOf<C>> = points.iter().map(Point::from_affine).collect();
    let mut sums = vec![Point::default(); points.len() / 2];
    let entries: Vec<Pair> =
        (0..sums.len() as u32).map(|place| Pair { first: 2 * place, second: 2 * place + 1, place }).collect();
    dispatch(ToBackend(&mut source));
    for _ in 0..times {
        dispatch(Add::new(&mut Pairs { source: &source, out: &mut sums, entries: &entries, far: false }));
    }
    dispatch(FromBackend(&mut sums));
    sums.into_iter().map(Point::to_affine).collect()
}

/// How many products [`multiply`] computes at a time: enough vectors that none waits for the one before.
pub const PRODUCTS: usize = VECTORS * LANES;

/// Vectors of [`multiply`], of the most lanes.
const VECTORS: usize = 8;

/// Multiplies each of the values by its factor, `times` times.
pub fn multiply(values: &mut [Fr; PRODUCTS], factors: &[Fr; PRODUCTS], times: usize) {
    dispatch(Multiply { values, factors, times });
}

struct Multiply<'a> {
    values: &'a mut [Fr; PRODUCTS],
    factors: &'a [Fr; PRODUCTS],
    times: usize,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let one = Reduced::<B, Scalar>::one(backend);
        // As many as there are products in the smallest vectors.
        let (mut products, mut factors) = ([one; PRODUCTS], [one; PRODUCTS]);
        let vectors = PRODUCTS / B::LANES;
        for vector in 0..vectors {
            products[vector] = load(backend, self.values, vector);
            factors[vector] = load(backend, self.factors, vector);
        }
        for _ in 0..self.times {
            for (product, factor) in products.iter_mut().zip(&factors).take(vectors) {
                *product = product.mul(*factor);
            }
        }
        for (vector, product) in products.into_iter().enumerate().take(vectors) {
            for (lane, row) in Sum::from(product).store_ark(backend).into_iter().enumerate() {
                self.values[B::LANES * vector + lane].0.0 = row;
            }
        }
    }
}

/// A vector of elements, the `vector`-th.
#[inline(always)]
fn load<B: Backend>(backend: B, elements: &[Fr; PRODUCTS], vector: usize) -> Reduced<B, Scalar> {
    Reduced::load_ark(backend, B::each(|lane| &elements[B::LANES * vector + lane].0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, UniformRand};

    #[test]
    fn neighbours_are_added() {
        let mut rng = ark_std::test_rng();
        let points: Vec<_> = (0..21).map(|_| G2Affine::rand(&mut rng)).collect();
        let sums: Vec<G2Affine> = points.as_chunks().0.iter().map(|[a, b]| (*a + *b).into()).collect();
        assert_eq!(add_neighbours_g2(&points, 2), sums);
    }

    #[test]
    fn values_are_multiplied_so_many_times() {
        let mut rng = ark_std::test_rng();
        let values: [Fr; PRODUCTS] = core::array::from_fn(|_| Fr::rand(&mut rng));
        let factors: [Fr; PRODUCTS] = core::array::from_fn(|_| Fr::rand(&mut rng));
        for times in [0, 1, 5] {
            let mut products = values;
            multiply(&mut products, &factors, times);
            for i in 0..PRODUCTS {
                assert_eq!(products[i], values[i] * factors[i].pow([times as u64]));
            }
        }
    }
}
