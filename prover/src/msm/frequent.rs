//! Scalars that many pairs have.
//!
//! ```text
//!   Σ k P over pairs with the scalars v_1, …, v_m  =  Σ_j v_j T_j        T_j: the sum of the points whose scalar is v_j
//! ```
//!
//! A point whose scalar is frequent costs one addition, into a bucket of its scalar's own, and no digits: assignments are full of zeros, ones
//! and minus ones, and of whatever else a circuit's unused parts repeat. Which scalars are frequent is read off a sample; a
//! bad guess costs time and nothing else.

use ark_bn254::Fr;
use ark_ec::short_weierstrass::Projective;
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

use crate::curve::{Curve, FromBackend, PointOf};
use crate::vector::Backend;

/// Most scalars that get a bucket: each is compared with every scalar of the multiplication.
pub(super) const MOST: usize = 16;
/// Of a sample, the part that a scalar must make up to be frequent: 1 / RARE. Below it, its own multiplication and the comparisons cost
/// more than its digits.
const RARE: usize = 64;
/// Of a smaller sample nothing is concluded.
const LEAST_SAMPLE: usize = 2 * RARE;

/// Frequent scalars, none of them zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frequent {
    scalars: [Fr; MOST],
    count: usize,
}

impl Frequent {
    /// Those of a sample, which is sorted.
    pub(super) fn of(sample: &mut [Fr]) -> Self {
        let mut frequent = Self { scalars: [Fr::ZERO; MOST], count: 0 };
        if sample.len() < LEAST_SAMPLE {
            return frequent;
        }
        sample.sort_unstable_by_key(|scalar| scalar.0.0);
        let least = sample.len().div_ceil(RARE);
        for run in sample.chunk_by(|a, b| a == b) {
            if run.len() >= least && !run[0].is_zero() && frequent.count < MOST {
                frequent.scalars[frequent.count] = run[0];
                frequent.count += 1;
            }
        }
        frequent
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Which of them a scalar is.
    #[inline(always)]
    pub(super) fn position(&self, scalar: &Fr) -> Option<usize> {
        self.scalars[..self.count].iter().position(|frequent| frequent == scalar)
    }

    /// Σ scalar · sum. `sums` begins with the sum of each scalar's points, in the backend's form.
    pub(super) fn combine<B: Backend, C: Curve>(&self, backend: B, sums: &mut [PointOf<C>]) -> Projective<C> {
        let sums = &mut sums[..self.count];
        backend.run(FromBackend(sums));
        let multiply = |(scalar, sum): (&Fr, &PointOf<C>)| {
            let point = Projective::from(sum.to_affine::<C>());
            if *scalar == Fr::ONE {
                point
            } else if *scalar == -Fr::ONE {
                -point
            } else {
                point * scalar
            }
        };
        self.scalars.par_iter().zip(&*sums).map(multiply).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;

    #[test]
    fn what_a_sample_repeats_is_frequent_and_zero_is_not() {
        let mut rng = ark_std::test_rng();
        let repeated = [Fr::ONE, -Fr::ONE, Fr::rand(&mut rng)];
        let mut sample: Vec<Fr> = (0..512).map(|_| Fr::rand(&mut rng)).collect();
        assert!(Frequent::of(&mut sample).is_empty());
        for (i, scalar) in sample.iter_mut().enumerate() {
            match i % 32 {
                at @ 0..3 => *scalar = repeated[at],
                3 => *scalar = Fr::ZERO,
                _ => {}
            }
        }
        let frequent = Frequent::of(&mut sample);
        assert_eq!(frequent.count, repeated.len());
        let mut positions: Vec<_> =
            repeated.iter().map(|scalar| frequent.position(scalar).expect("it is frequent")).collect();
        positions.sort_unstable();
        assert_eq!(positions, [0, 1, 2]);
        assert_eq!(frequent.position(&Fr::ZERO), None);
        assert_eq!(frequent.position(&Fr::from(2u64)), None);
    }

    #[test]
    fn no_more_are_taken_than_have_a_bucket() {
        let mut sample: Vec<Fr> = (0..640).map(|i| Fr::from(i % 32)).collect();
        assert_eq!(Frequent::of(&mut sample).count, MOST);
    }

    #[test]
    fn little_is_no_sample() {
        assert!(Frequent::of(&mut [Fr::ONE; LEAST_SAMPLE - 1]).is_empty());
        assert!(Frequent::of(&mut []).is_empty());
        assert!(!Frequent::of(&mut [Fr::ONE; LEAST_SAMPLE]).is_empty());
    }
}
