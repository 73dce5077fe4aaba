//! From constraints to polynomials, in snarkjs's convention.
//!
//! ```text
//!   rows       constraints 0..m, then one row per instance variable (A = that variable, B = C = 0), then zeros up to n = 2^k
//!   a(X) b(X) - c(X) = h(X) z(X),   z(X) = X^n - 1,   a, b, c of degree < n through the rows' values on the n-th roots of unity
//!
//!   snarkjs's basis: with w a primitive 2n-th root of unity, the odd points are w^(2i+1), 0 <= i < n. h z has degree < 2n and is
//!   zero on the even points, so it is given by its values on the odd ones, where it is a b - c:
//!       h(tau) z(tau) = sum_i  (a b - c)(w^(2i+1)) · L_(2i+1)(tau),      L: Lagrange polynomials of the 2n points
//! ```
//!
//! So the prover transforms a, b, c to coefficients and to the odd points (six transforms, in the module `transform`), and never
//! back; the points of the key are L_(2i+1)(tau) / delta. Libsnark's basis, tau^i z(tau) / delta, needs a seventh transform. The proof is the same in
//! both. The rows of the instance variables make the polynomials of A linearly independent in the public inputs, as in libsnark.

use ark_bn254::Fr;
use ark_ff::{FftField, PrimeField, serial_batch_inversion_and_mul};
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP, evaluate_constraint};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, Result as SynthesisResult, SynthesisError};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use crate::r1cs::{IndexOutOfBounds, R1csView};
use crate::transform;

/// The n-th roots of unity for a system with this many rows (constraints plus instance variables). `None` above
/// 2^[`MAX_LOG2_DOMAIN`](crate::r1cs::MAX_LOG2_DOMAIN).
pub(crate) fn domain<F: FftField, D: EvaluationDomain<F>>(rows: usize) -> Option<D> {
    // The odd points need twice the roots.
    D::compute_size_of_domain(rows.checked_mul(2)?)?;
    D::new(rows)
}

/// The odd points of `domain`'s double, as a coset.
fn odd_coset<F: FftField, D: EvaluationDomain<F>>(domain: &D) -> Option<D> {
    domain.get_coset(D::new(domain.size().checked_mul(2)?)?.group_gen())
}

/// The values a b - c on the odd points, from the values of a and b on the domain, where c is a ∘ b. `None` if the lengths are not
/// that of one domain.
pub(crate) fn quotient(a: Vec<Fr>, b: Vec<Fr>) -> Option<Vec<Fr>> {
    if a.len() >= transform::SHORTEST {
        return transform::quotient(a, b);
    }
    let domain = Radix2EvaluationDomain::<Fr>::new(a.len())?;
    (a.len() == b.len() && domain.size() == a.len()).then(|| quotient_in(&domain, a, b)).flatten()
}

/// [`quotient`] over any field, by ark-poly.
fn quotient_in<F: FftField, D: EvaluationDomain<F>>(domain: &D, a: Vec<F>, b: Vec<F>) -> Option<Vec<F>> {
    let c = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
    let transform = |values| to_odd_points_in(domain, values);
    let (mut a, b, c) = (transform(a)?, transform(b)?, transform(c)?);
    for ((a, b), c) in a.iter_mut().zip(&b).zip(&c) {
        *a *= b;
        *a -= c;
    }
    Some(a)
}

/// The values on the odd points of the polynomial with these values on `domain`, one for each of its points.
pub(crate) fn to_odd_points(domain: &Radix2EvaluationDomain<Fr>, mut values: Vec<Fr>) -> Option<Vec<Fr>> {
    if values.len() >= transform::SHORTEST {
        transform::to_odd_points(&mut values)?;
        return Some(values);
    }
    to_odd_points_in(domain, values)
}

/// [`to_odd_points`] over any field, by ark-poly.
fn to_odd_points_in<F: FftField, D: EvaluationDomain<F>>(domain: &D, mut values: Vec<F>) -> Option<Vec<F>> {
    let coset = odd_coset(domain)?;
    domain.ifft_in_place(&mut values);
    coset.fft_in_place(&mut values);
    Some(values)
}

/// L_(2i+1)(tau) · `scale` for each of the n odd points; `tau` is none of them.
///
/// On the odd points z = -2, and L_(2i+1) = -z/2 times the Lagrange polynomial of the odd points alone.
pub(crate) fn odd_lagrange<F: FftField, D: EvaluationDomain<F>>(
    domain: &D,
    tau: F,
    scale: F,
) -> Option<Vec<F>> {
    let factor = -(domain.evaluate_vanishing_polynomial(tau) * F::from(2u64).inverse()?);
    Some(lagrange(&odd_coset(domain)?, tau, factor * scale))
}

/// Points that share an inversion.
const LAGRANGE_CHUNK: usize = 1 << 12;

/// The Lagrange polynomials of a domain or coset at `tau`, none of its points, times `scale`; over all cores:
///
/// L_i(tau) = (tau^n - g^n) / (n g^n) · x_i / (tau - x_i), where x_i = g w^i is point i.
fn lagrange<F: FftField, D: EvaluationDomain<F>>(domain: &D, tau: F, scale: F) -> Vec<F> {
    let inverse = domain.size_inv() * domain.coset_offset_inv().pow([domain.size() as u64]);
    let factor = domain.evaluate_vanishing_polynomial(tau) * inverse * scale;
    let mut values = vec![F::zero(); domain.size()];
    values.par_chunks_mut(LAGRANGE_CHUNK).enumerate().for_each(|(chunk, values)| {
        let first = domain.element(chunk * LAGRANGE_CHUNK);
        let points = || core::iter::successors(Some(first), |point| Some(*point * domain.group_gen()));
        values.iter_mut().zip(points()).for_each(|(value, point)| *value = tau - point);
        serial_batch_inversion_and_mul(values, &factor);
        values.iter_mut().zip(points()).for_each(|(value, point)| *value *= point);
    });
    values
}

/// The polynomials of every variable at `tau`, in the order of the assignment.
pub(crate) struct Polynomials {
    pub(crate) a: Vec<Fr>,
    pub(crate) b: Vec<Fr>,
    pub(crate) c: Vec<Fr>,
}

/// Evaluates the polynomials of every variable at `tau`, which is no point of the domain, over all cores.
pub(crate) fn polynomials_at(
    r1cs: &R1csView<'_>,
    domain: &Radix2EvaluationDomain<Fr>,
    tau: Fr,
) -> Result<Polynomials, IndexOutOfBounds> {
    let lagrange = Zeroizing::new(lagrange(domain, tau, Fr::from(1u64)));
    let columns =
        |matrix: usize| r1cs.matrices[matrix].weigh_columns(r1cs.num_variables(), r1cs.values, &lagrange);
    let ((a, b), c) = rayon::join(|| rayon::join(|| columns(0), || columns(1)), || columns(2));
    let (mut a, b, c) = (a?, b?, c?);
    let instance_rows = lagrange.get(r1cs.num_constraints()..).ok_or(IndexOutOfBounds)?;
    for (a, l) in a.iter_mut().zip(instance_rows).take(r1cs.num_instance) {
        *a += l;
    }
    Ok(Polynomials { a, b, c })
}

/// The rows of a and b on the domain, for an assignment that satisfies every constraint.
pub(crate) struct Rows {
    pub(crate) a: Vec<Fr>,
    pub(crate) b: Vec<Fr>,
}

impl Rows {
    /// Overwrites the values, which depend on the witness.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "the CPU transforms them in place"))]
    pub(crate) fn erase(mut self) {
        self.a.zeroize();
        self.b.zeroize();
    }
}

/// Why there are no [`Rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowsError {
    /// The first constraint that does not hold.
    Unsatisfied { row: usize },
    /// The matrices are malformed.
    Index(IndexOutOfBounds),
}

impl From<IndexOutOfBounds> for RowsError {
    fn from(error: IndexOutOfBounds) -> Self {
        Self::Index(error)
    }
}

/// Evaluates the three matrices over all cores, checks every constraint, and lays out the rows of a and b with those of the
/// instance variables, zeros after them. `assignment` has one value for each variable.
pub(crate) fn satisfied_rows(r1cs: &R1csView<'_>, size: usize, assignment: &[Fr]) -> Result<Rows, RowsError> {
    let num_constraints = r1cs.num_constraints();
    let mut a = vec![Fr::from(0u64); size];
    let mut b = vec![Fr::from(0u64); size];
    let failed = a
        .par_iter_mut()
        .zip(&mut b)
        .take(num_constraints)
        .enumerate()
        .map(|(row, (a, b))| {
            let evaluate = |matrix: usize| r1cs.matrices[matrix].evaluate_row(row, r1cs.values, assignment);
            (*a, *b) = (evaluate(0)?, evaluate(1)?);
            if *a * *b == evaluate(2)? { Ok(()) } else { Err(RowsError::Unsatisfied { row }) }
        })
        .find_first(Result::is_err);
    if let Some(Err(error)) = failed {
        a.zeroize();
        b.zeroize();
        return Err(error);
    }
    let instance = assignment.get(..r1cs.num_instance).ok_or(IndexOutOfBounds)?;
    for (a, value) in a.iter_mut().skip(num_constraints).zip(instance) {
        *a = *value;
    }
    Ok(Rows { a, b })
}

/// This convention as an ark-groth16 reduction: `ark_groth16::Groth16<Bn254, OddCosetReduction>` makes the keys that
/// [`setup`](fn@crate::setup) makes, given the same secrets.
#[derive(Clone, Copy, Debug)]
pub struct OddCosetReduction;

impl R1CSToQAP for OddCosetReduction {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        cs: ConstraintSystemRef<F>,
        t: &F,
    ) -> SynthesisResult<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize)> {
        // The bases differ in H alone.
        LibsnarkReduction::instance_map_with_evaluation::<F, D>(cs, t)
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        full_assignment: &[F],
    ) -> SynthesisResult<Vec<F>> {
        let too_large = SynthesisError::PolynomialDegreeTooLarge;
        let (Some(matrix_a), Some(matrix_b)) = (matrices.first(), matrices.get(1)) else {
            return Err(SynthesisError::Unsatisfiable);
        };
        let domain = domain::<F, D>(num_constraints + num_inputs).ok_or(too_large)?;
        let rows = |matrix: &Matrix<F>| {
            let mut rows = vec![F::zero(); domain.size()];
            rows.par_iter_mut()
                .zip(matrix)
                .for_each(|(row, terms)| *row = evaluate_constraint(terms, full_assignment));
            rows
        };
        let (mut a, b) = (rows(matrix_a), rows(matrix_b));
        for (a, value) in a.iter_mut().skip(num_constraints).zip(full_assignment.iter().take(num_inputs)) {
            *a = *value;
        }
        quotient_in(&domain, a, b).ok_or(SynthesisError::PolynomialDegreeTooLarge)
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        max_power: usize,
        t: F,
        _zt: F,
        delta_inverse: F,
    ) -> Result<Vec<F>, SynthesisError> {
        // `max_power` is the domain's size less one.
        domain::<F, D>(max_power + 1)
            .and_then(|domain| odd_lagrange(&domain, t, delta_inverse))
            .ok_or(SynthesisError::PolynomialDegreeTooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{One, UniformRand};

    #[test]
    fn the_odd_points_give_the_quotient_times_the_vanishing_polynomial() {
        let mut rng = ark_std::test_rng();
        for log_size in 0..9 {
            let domain: Radix2EvaluationDomain<Fr> = domain(1 << log_size).unwrap();
            let mut random = || (0..domain.size()).map(|_| Fr::rand(&mut rng)).collect::<Vec<_>>();
            let (a, b) = (random(), random());
            let c: Vec<_> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
            let tau = Fr::from(1_000_003u64);
            let lagrange = domain.evaluate_all_lagrange_coefficients(tau);
            let at_tau = |values: &[Fr]| values.iter().zip(&lagrange).map(|(v, l)| *v * l).sum::<Fr>();
            let expected = at_tau(&a) * at_tau(&b) - at_tau(&c);
            let basis = odd_lagrange(&domain, tau, Fr::one()).unwrap();
            assert_eq!(quotient_in(&domain, a.clone(), b.clone()), quotient(a.clone(), b.clone()));
            let values = quotient(a, b).unwrap();
            assert_eq!(values.iter().zip(&basis).map(|(v, l)| *v * l).sum::<Fr>(), expected);
        }
    }

    #[test]
    fn the_basis_is_every_second_lagrange_polynomial_of_the_double_domain() {
        let domain: Radix2EvaluationDomain<Fr> = domain(8).unwrap();
        let double = Radix2EvaluationDomain::<Fr>::new(16).unwrap();
        let tau = Fr::from(77u64);
        let expected: Vec<_> =
            double.evaluate_all_lagrange_coefficients(tau).into_iter().skip(1).step_by(2).collect();
        assert_eq!(odd_lagrange(&domain, tau, Fr::one()), Some(expected));
    }

    #[test]
    fn lagrange_polynomials_are_those_of_ark_poly_across_chunks() {
        let tau = Fr::from(77u64);
        for log_size in [0, 1, 5, LAGRANGE_CHUNK.ilog2(), LAGRANGE_CHUNK.ilog2() + 2] {
            let domain: Radix2EvaluationDomain<Fr> = domain(1 << log_size).unwrap();
            let coset = odd_coset(&domain).unwrap();
            for domain in [domain, coset] {
                let mut expected = domain.evaluate_all_lagrange_coefficients(tau);
                assert_eq!(lagrange(&domain, tau, Fr::one()), expected);
                expected.iter_mut().for_each(|value| *value *= Fr::from(5u64));
                assert_eq!(lagrange(&domain, tau, Fr::from(5u64)), expected);
            }
        }
    }

    #[test]
    fn a_domain_that_the_field_does_not_have_is_refused() {
        assert!(domain::<Fr, Radix2EvaluationDomain<Fr>>(1 << crate::r1cs::MAX_LOG2_DOMAIN).is_some());
        assert!(domain::<Fr, Radix2EvaluationDomain<Fr>>((1 << crate::r1cs::MAX_LOG2_DOMAIN) + 1).is_none());
    }
}
