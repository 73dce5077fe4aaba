//! The full check of a key.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::pairing::Pairing;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{One, Zero};
use ark_poly::Radix2EvaluationDomain;
use rand::RngCore;
use rand::rngs::OsRng;
use rayon::prelude::*;

use super::format::{ALIGNMENT, HEADER_BYTES};
use super::{KeyError, ProvingKey, Section, verify_checksum};
use crate::encoding::Encoding;
use crate::msm::Scalars;
use crate::progress::{Options, phase, start_phase};
use crate::qap;
use crate::r1cs::{IndexOutOfBounds, R1csError, R1csView, Side};
use crate::subgroup::{PointError, check_g1, check_g2};

/// What holds in a key whose points belong together; each is tried on a random linear combination over all of its points.
mod relation {
    pub(super) const BETA: &str = "beta in G1 = beta in G2";
    pub(super) const DELTA: &str = "delta in G1 = delta in G2";
    pub(super) const B_GROUPS: &str = "B in G1 = B in G2";
    pub(super) const B_MATRIX: &str = "B in G2 = the polynomials of matrix B, over the basis H";
    pub(super) const PRODUCTS: &str =
        "beta · A + alpha · B = IC + delta · L, over the variables that matrix C does not hold";
    pub(super) const ALL: u64 = 5;
}

impl ProvingKey {
    /// Checks everything that can be told from the key alone:
    ///
    /// - the checksum of every section, and zeros between the sections;
    /// - the constraint matrices are in bounds; the index lists of A and B ascend and are exactly the variables that
    ///   matrix A (with the rows of the instance variables) and matrix B may hold;
    /// - every coordinate is below the modulus, every point on its curve and in its subgroup, and infinity only in L;
    /// - by pairings, with random coefficients of 128 bits from the operating system (an error of 2^-128 each):
    ///   e(beta₁, G₂) = e(G₁, beta₂); e(delta₁, G₂) = e(G₁, delta₂); e(B₁, G₂) = e(G₁, B₂);
    ///   e(\[z/δ\], B₂) = e(\[z·v/δ\], G₂), both left points from H, which ties B and H to matrix B;
    ///   e(A, beta₂) e(alpha, B₂) = e(IC, G₂) e(L, delta₂) for the variables that matrix C does not hold.
    ///
    /// A and L of the *other* variables can be tied to the matrices only with the powers of tau, that is with a ceremony's
    /// transcript. A key that is wrong there gives no false proof and reveals nothing: soundness rests on the verifying key, each
    /// proof's blinding on delta, and every proof is verified before it is returned.
    ///
    /// Takes time in proportion to the key's size, over all cores.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, options: &Options<'_>) -> Result<(), KeyError> {
        let running = start_phase!(options, phase::CHECK_CHECKSUMS, Section::ALL.len());
        let counter = running.counter();
        Section::ALL.par_iter().try_for_each(|&section| {
            counter.advance(1);
            verify_checksum(&self.header, section, self.section(section))
        })?;
        self.check_padding()?;
        running.finish();

        let running = start_phase!(options, phase::CHECK_MATRICES, 1);
        let values = self.decode::<Fr>(Section::Values)?;
        let r1cs = self.r1cs(&values);
        r1cs.validate()?;
        let [in_a, in_b, in_c] = r1cs.matrices.map(|matrix| {
            let mut held = vec![false; r1cs.num_variables()];
            matrix.columns.iter().for_each(|&column| {
                if let Some(held) = held.get_mut(column as usize) {
                    *held = true;
                }
            });
            held
        });
        check_indices(Section::AIndices, self.indices(Section::AIndices), |i| {
            held(&in_a, i) || i < r1cs.num_instance
        })?;
        check_indices(Section::BIndices, self.indices(Section::BIndices), |i| held(&in_b, i))?;
        running.finish();

        self.check_points(options)?;
        self.check_relations(&r1cs, &in_c, options)
    }

    fn check_padding(&self) -> Result<(), KeyError> {
        let mut end = HEADER_BYTES;
        for section in Section::ALL {
            let range = self.header.layout.range(section);
            let gap = self.image.bytes().get(end..range.start).unwrap_or_default();
            if gap.len() as u64 >= ALIGNMENT || gap.iter().any(|&byte| byte != 0) {
                return Err(KeyError::Reserved);
            }
            end = range.end;
        }
        Ok(())
    }

    fn check_points(&self, options: &Options<'_>) -> Result<(), KeyError> {
        let g1 = [Section::A, Section::BG1, Section::L, Section::H];
        let count = |section, bytes| self.section(section).len() / bytes;
        let total = g1.iter().map(|&section| count(section, G1Affine::BYTES)).sum::<usize>()
            + count(Section::BG2, G2Affine::BYTES);
        let running = start_phase!(options, phase::CHECK_POINTS, total);
        let counter = running.counter();
        let advance = |points| counter.advance(points as u64);
        let fault = |section, error| match error {
            PointError::NotOnCurve { index } => KeyError::NotOnCurve { section, index },
            PointError::NotInSubgroup { index } => KeyError::NotInSubgroup { section, index },
        };
        for section in g1 {
            let points = self.decode::<G1Affine>(section)?;
            if section != Section::L {
                refuse_infinity(section, &points)?;
            }
            check_g1(&points, advance).map_err(|error| fault(section, error))?;
        }
        let points = self.decode::<G2Affine>(Section::BG2)?;
        refuse_infinity(Section::BG2, &points)?;
        check_g2(&points, advance).map_err(|error| fault(Section::BG2, error))?;
        running.finish();
        Ok(())
    }

    fn check_relations(
        &self,
        r1cs: &R1csView<'_>,
        in_c: &[bool],
        options: &Options<'_>,
    ) -> Result<(), KeyError> {
        let running = start_phase!(options, phase::CHECK_RELATIONS, relation::ALL);
        let counter = running.counter();
        let vk = self.verifying_key();
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let holds = |relation: &'static str, left: &[(G1Projective, G2Projective)]| {
            counter.advance(1);
            let (first, second): (Vec<_>, Vec<_>) =
                left.iter().map(|(p, q)| (p.into_affine(), q.into_affine())).unzip();
            if Bn254::multi_pairing(first, second).0.is_one() {
                Ok(())
            } else {
                Err(KeyError::Relation { relation })
            }
        };
        let (g1, g2) = (g1.into_group(), g2.into_group());
        let (beta, delta) = (vk.beta_g2().into_group(), vk.delta_g2().into_group());
        holds(relation::BETA, &[(self.beta_g1().into_group(), g2), (-g1, beta)])?;
        holds(relation::DELTA, &[(self.delta_g1().into_group(), g2), (-g1, delta)])?;

        // One random coefficient for each variable; a relation over a part of the variables has zeros elsewhere. Each relation is
        // linear in them over Fr, so one that is wrong in some variable holds for at most one of that variable's coefficients.
        let random = random_coefficients(r1cs.num_variables());
        let (in_a, in_b) = (self.indices(Section::AIndices), self.indices(Section::BIndices));
        let of_b = Scalars::gathered(&random, in_b);
        let sum_b_g2 = self.multiply(Section::BG2, of_b)?;
        holds(relation::B_GROUPS, &[(self.multiply(Section::BG1, of_b)?, g2), (-g1, sum_b_g2)])?;

        let (vanishing, product) = self.b_over_h(r1cs, &random)?;
        holds(relation::B_MATRIX, &[(vanishing, sum_b_g2), (-product, g2)])?;

        let free: Vec<Fr> =
            random.iter().zip(in_c).map(|(value, &held)| if held { Fr::zero() } else { *value }).collect();
        let sum_a = self.multiply(Section::A, Scalars::gathered(&free, in_a))?;
        let sum_b = self.multiply(Section::BG2, Scalars::gathered(&free, in_b))?;
        let (instance, witness) = free.split_at_checked(r1cs.num_instance).unwrap_or_default();
        let sum_ic = self.multiply(Section::Ic, instance.into())?;
        let sum_l = self.multiply(Section::L, witness.into())?;
        let alpha = vk.alpha_g1().into_group();
        holds(relation::PRODUCTS, &[(sum_a, beta), (alpha, sum_b), (-sum_ic, g2), (-sum_l, delta)])?;
        running.finish();
        Ok(())
    }

    /// z(tau)/delta and z(tau) v(tau)/delta in G1, where v is the combination of matrix B's polynomials with these coefficients.
    ///
    /// A multiple of z of degree below 2n is given by its values on the odd points, where z is -2: each is a sum over H.
    fn b_over_h(
        &self,
        r1cs: &R1csView<'_>,
        coefficients: &[Fr],
    ) -> Result<(G1Projective, G1Projective), KeyError> {
        let damaged = |_: IndexOutOfBounds| {
            KeyError::Matrices(R1csError::RowOffsets { side: Side::B, row: r1cs.num_constraints() })
        };
        let rows = r1cs.num_constraints().saturating_add(r1cs.num_instance);
        let domain: Radix2EvaluationDomain<Fr> =
            qap::domain(rows).ok_or(KeyError::Matrices(R1csError::TooManyRows { rows }))?;
        let [_, matrix_b, _] = r1cs.matrices;
        let mut values = (0..r1cs.num_constraints())
            .into_par_iter()
            .map(|row| matrix_b.evaluate_row(row, r1cs.values, coefficients))
            .collect::<Result<Vec<_>, _>>()
            .map_err(damaged)?;
        values.resize(self.domain_size(), Fr::zero());
        let values =
            qap::to_odd_points(&domain, values).ok_or(KeyError::Matrices(R1csError::TooManyRows { rows }))?;
        let h = self.decode::<G1Affine>(Section::H)?;
        let minus_two = -Fr::from(2u64);
        let vanishing = h.par_iter().map(|point| point.into_group()).sum::<G1Projective>() * minus_two;
        drop(h);
        Ok((vanishing, self.multiply(Section::H, values[..].into())? * minus_two))
    }
}

/// Coefficients that are uniform below 2^128: the error is that of the subgroup check, and a multiplication costs half.
fn random_coefficients(count: usize) -> Vec<Fr> {
    const BYTES: usize = size_of::<u128>();
    let mut bytes = vec![0u8; count * BYTES];
    OsRng.fill_bytes(&mut bytes);
    let (numbers, _) = bytes.as_chunks::<BYTES>();
    numbers.par_iter().map(|number| Fr::from(u128::from_le_bytes(*number))).collect()
}

fn held(table: &[bool], variable: usize) -> bool {
    table.get(variable).copied().unwrap_or_default()
}

fn check_indices(
    section: Section,
    indices: &[u32],
    may_hold: impl Fn(usize) -> bool,
) -> Result<(), KeyError> {
    let mut least = 0usize;
    for (index, &variable) in indices.iter().enumerate() {
        let variable = variable as usize;
        if variable < least || !may_hold(variable) {
            return Err(KeyError::Index { section, index });
        }
        least = variable + 1;
    }
    Ok(())
}

fn refuse_infinity<C: SWCurveConfig>(section: Section, points: &[Affine<C>]) -> Result<(), KeyError> {
    match points.par_iter().position_first(Affine::is_zero) {
        Some(index) => Err(KeyError::Infinity { section, index }),
        None => Ok(()),
    }
}
