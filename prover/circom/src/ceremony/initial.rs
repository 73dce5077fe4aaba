//! The key that a ceremony starts from: delta = 1, every point a public function of the circuit and the powers of tau.
//!
//! ```text
//!   L_c: Lagrange polynomial of row c at tau      a, b, c: the circuit's matrices, A with a row for each public input after the constraints
//!   A_s = Σ_c a_cs L_c       B_s = Σ_c b_cs L_c, in G1 and G2       H_k = the odd points of the doubled domain
//!   K_s = Σ_c a_cs beta L_c + b_cs alpha L_c + c_cs L_c             IC: K of the public inputs, L: K of the witness
//! ```

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{One, PrimeField, Zero};
use blake2::{Blake2b512, Digest};
use core::ops::Range;
use rayon::prelude::*;
use std::io::{self, Write};
use zkpov_prover::engine::{Group, msm};
use zkpov_prover::r1cs::{R1cs, SparseMatrix};

use super::transcript::{Hash, Transcript, hash_g1, hash_g2};
use crate::ptau::{Ptau, PtauError};
use crate::r1cs::Circuit;
use crate::zkey::{Header, Parts, Side, append_points, encode_entry};

/// A variable in more rows than this is summed as one multi-scalar multiplication.
const MANY_ROWS: usize = 512;
/// Variables whose sums share an inversion.
const CHUNK: usize = 512;
/// snarkjs hashes the differences of powers in pieces of this many, whole ones where there are several.
const HASH_CHUNK: usize = 1 << 14;

/// A key to which nobody has contributed: *whoever likes can forge proofs under it*.
pub struct InitialKey {
    pub(super) header: Header,
    pub(super) ic: Vec<u8>,
    pub(super) coefficients: Vec<u8>,
    pub(super) a: Vec<u8>,
    pub(super) b_g1: Vec<u8>,
    pub(super) b_g2: Vec<u8>,
    pub(super) l: Vec<u8>,
    pub(super) h: Vec<u8>,
    pub(super) circuit_hash: Hash,
}

impl core::fmt::Debug for InitialKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InitialKey").field("header", &self.header).finish_non_exhaustive()
    }
}

impl InitialKey {
    /// Computes the key of a circuit from powers of tau, over all cores. The points read from `ptau` are checked to be on their curves and
    /// in their subgroups; that they are powers of one secret is for [`Ptau::check`] to say.
    ///
    /// # Errors
    /// If the file has too few powers for the circuit (it must have one more than the circuit's domain), or a point in it is none.
    pub fn new(circuit: &Circuit, ptau: &Ptau<'_>) -> Result<Self, PtauError> {
        let r1cs = &circuit.r1cs;
        let (instance, constraints) = (r1cs.num_instance(), r1cs.num_constraints());
        // `R1cs` has at most 2^27 rows and 2^32 variables.
        let log2 = (constraints + instance).next_power_of_two().trailing_zeros().max(1);
        ptau.check_power(log2)?;
        let values = Values::new(r1cs);
        let rows = Some((instance, values.one));
        let [a, b, c] = r1cs.matrices();
        let a = Columns::new(a, r1cs.num_variables(), rows);
        let b = Columns::new(b, r1cs.num_variables(), None);
        let c = Columns::new(c, r1cs.num_variables(), None);

        let lagrange = ptau.lagrange_g1(log2)?;
        let all = 0..r1cs.num_variables();
        let a_points = compose(all.clone(), &[(&a, &lagrange)], &values);
        let b_g1 = compose(all.clone(), &[(&b, &lagrange)], &values);
        let k = {
            let (alpha, beta) = (ptau.alpha_lagrange_g1(log2)?, ptau.beta_lagrange_g1(log2)?);
            compose(all.clone(), &[(&a, &beta), (&b, &alpha), (&c, &lagrange)], &values)
        };
        drop(lagrange);
        let b_g2 = compose(all, &[(&b, &ptau.lagrange_g2(log2)?)], &values);
        let h: Vec<G1Affine> = ptau.lagrange_g1(log2 + 1)?.into_iter().skip(1).step_by(2).collect();
        let header = Header {
            variables: r1cs.num_variables() as u32,
            public_inputs: (instance - 1) as u32,
            domain_size: 1 << log2,
            alpha_g1: ptau.alpha_g1()?,
            beta_g1: ptau.beta_g1()?,
            beta_g2: ptau.beta_g2(),
            delta_g1: G1Affine::generator(),
            delta_g2: G2Affine::generator(),
        };
        let (ic, l) = k.split_at(instance);
        let circuit_hash = circuit_hash(&header, ptau, [ic, l, &a_points, &b_g1], &b_g2)?;
        Ok(Self {
            ic: encode(ic),
            coefficients: coefficients(r1cs),
            a: encode(&a_points),
            b_g1: encode(&b_g1),
            b_g2: encode(&b_g2),
            l: encode(l),
            h: encode(&h),
            header,
            circuit_hash,
        })
    }

    /// The hash that every contribution's transcript begins with.
    pub fn circuit_hash(&self) -> &Hash {
        &self.circuit_hash
    }

    /// Counts and constant points.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Writes the `.zkey` file that the first contributor is given.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let transcript = Transcript { circuit_hash: self.circuit_hash, contributions: Vec::new() };
        Parts {
            header: &self.header,
            ic: &self.ic,
            coefficients: &self.coefficients,
            a: &self.a,
            b_g1: &self.b_g1,
            b_g2: &self.b_g2,
            l: &self.l,
            h: &self.h,
            ceremony: &transcript.encode(),
        }
        .write(out)
    }
}

fn encode<P: zkpov_prover::encoding::Encoding>(points: &[P]) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_points(&mut bytes, points);
    bytes
}

/// The coefficients in snarkjs's order: constraint by constraint A then B, last the rows of the public inputs.
fn coefficients(r1cs: &R1cs) -> Vec<u8> {
    let [a, b, _] = r1cs.matrices();
    let mut bytes = Vec::new();
    // `R1cs` keeps its offsets and indices in bounds.
    for row in 0..r1cs.num_constraints() {
        for (side, matrix) in [(Side::A, a), (Side::B, b)] {
            for entry in matrix.row_offsets[row] as usize..matrix.row_offsets[row + 1] as usize {
                let value = &r1cs.values()[matrix.coefficients[entry] as usize];
                bytes.extend_from_slice(&encode_entry(side, row as u32, matrix.columns[entry], value));
            }
        }
    }
    for variable in 0..r1cs.num_instance() {
        let row = (r1cs.num_constraints() + variable) as u32;
        bytes.extend_from_slice(&encode_entry(Side::A, row, variable as u32, &Fr::one()));
    }
    bytes
}

/// A coefficient in the form in which multiplying by it is cheapest.
#[derive(Clone, Copy)]
enum Factor {
    One,
    MinusOne,
    /// Below 2^64.
    Small(u64),
    /// Minus a number below 2^64.
    MinusSmall(u64),
    Any(Fr),
}

impl Factor {
    fn new(value: Fr) -> Self {
        let small = |value: Fr| match value.into_bigint().0 {
            [limb, 0, 0, 0] => Some(limb),
            _ => None,
        };
        match (small(value), small(-value)) {
            (Some(1), _) => Self::One,
            (_, Some(1)) => Self::MinusOne,
            (Some(limb), _) => Self::Small(limb),
            (_, Some(limb)) => Self::MinusSmall(limb),
            _ => Self::Any(value),
        }
    }

    fn times<C: SWCurveConfig<ScalarField = Fr>>(self, sum: &mut Projective<C>, point: &Affine<C>) {
        match self {
            Self::One => *sum += point,
            Self::MinusOne => *sum -= point,
            Self::Small(limb) => *sum += point.mul_bigint([limb]),
            Self::MinusSmall(limb) => *sum -= point.mul_bigint([limb]),
            Self::Any(value) => *sum += *point * value,
        }
    }
}

/// The circuit's table of coefficients, with a 1 in it.
struct Values {
    scalars: Vec<Fr>,
    factors: Vec<Factor>,
    one: u32,
}

impl Values {
    fn new(r1cs: &R1cs) -> Self {
        let mut scalars = r1cs.values().to_vec();
        let one = scalars.len() as u32;
        scalars.push(Fr::one());
        let factors = scalars.iter().map(|value| Factor::new(*value)).collect();
        Self { scalars, factors, one }
    }
}

/// A matrix by columns: the entries of variable s are `offsets[s]..offsets[s + 1]`.
struct Columns {
    offsets: Vec<u32>,
    /// Row, and index into the table of coefficients.
    entries: Vec<(u32, u32)>,
}

impl Columns {
    /// With a row for each of `rows.0` variables after the constraints, of the coefficient with index `rows.1`.
    fn new(matrix: &SparseMatrix, num_variables: usize, rows: Option<(usize, u32)>) -> Self {
        let constraints = matrix.row_offsets.len() - 1;
        let (instance, one) = rows.unwrap_or_default();
        let mut offsets = vec![0u32; num_variables + 1];
        for &column in &matrix.columns {
            offsets[column as usize + 1] += 1;
        }
        offsets.iter_mut().skip(1).take(instance).for_each(|count| *count += 1);
        for variable in 1..offsets.len() {
            offsets[variable] += offsets[variable - 1];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0); matrix.columns.len() + instance];
        let mut put = |variable: usize, entry: (u32, u32)| {
            entries[next[variable] as usize] = entry;
            next[variable] += 1;
        };
        for row in 0..constraints {
            for entry in matrix.row_offsets[row] as usize..matrix.row_offsets[row + 1] as usize {
                put(matrix.columns[entry] as usize, (row as u32, matrix.coefficients[entry]));
            }
        }
        for variable in 0..instance {
            put(variable, ((constraints + variable) as u32, one));
        }
        Self { offsets, entries }
    }

    fn of(&self, variable: usize) -> &[(u32, u32)] {
        &self.entries[self.offsets[variable] as usize..self.offsets[variable + 1] as usize]
    }
}

/// For each variable the sum, over the matrices, of its coefficients times the rows' points.
fn compose<C: Group>(
    variables: Range<usize>,
    matrices: &[(&Columns, &Vec<Affine<C>>)],
    values: &Values,
) -> Vec<Affine<C>> {
    let chunks: Vec<Vec<Affine<C>>> = variables
        .collect::<Vec<_>>()
        .par_chunks(CHUNK)
        .map(|variables| {
            let sums: Vec<Projective<C>> = variables
                .iter()
                .map(|&variable| {
                    let mut sum = Projective::zero();
                    for (columns, points) in matrices {
                        let entries = columns.of(variable);
                        if entries.len() > MANY_ROWS {
                            let points: Vec<_> =
                                entries.iter().map(|entry| points[entry.0 as usize]).collect();
                            let scalars: Vec<_> =
                                entries.iter().map(|entry| values.scalars[entry.1 as usize]).collect();
                            sum += msm(&points, &scalars);
                        } else {
                            for (row, value) in entries {
                                values.factors[*value as usize].times(&mut sum, &points[*row as usize]);
                            }
                        }
                    }
                    sum
                })
                .collect();
            Projective::normalize_batch(&sums)
        })
        .collect();
    chunks.concat()
}

/// blake2b-512 over the key: the header's points, IC, tau^(n+i) − tau^i, L, A and B, each list with its length before it.
fn circuit_hash(
    header: &Header,
    ptau: &Ptau<'_>,
    [ic, l, a, b_g1]: [&[G1Affine]; 4],
    b_g2: &[G2Affine],
) -> Result<Hash, PtauError> {
    let mut hasher = Blake2b512::new();
    let length = |hasher: &mut Blake2b512, length: usize| hasher.update((length as u32).to_be_bytes());
    hash_g1(&mut hasher, &[header.alpha_g1, header.beta_g1]);
    hash_g2(&mut hasher, &[header.beta_g2, G2Affine::generator()]);
    hash_g1(&mut hasher, &[header.delta_g1]);
    hash_g2(&mut hasher, &[header.delta_g2]);
    length(&mut hasher, ic.len());
    hash_g1(&mut hasher, ic);

    let places = header.domain_size as usize;
    length(&mut hasher, places - 1);
    // Where there are several pieces, the last one is whole and so has one more than was said.
    let hashed = if places - 1 <= HASH_CHUNK { places - 1 } else { places };
    for start in (0..hashed).step_by(HASH_CHUNK) {
        let count = HASH_CHUNK.min(hashed - start);
        let (low, high) = (ptau.tau_g1(start, count)?, ptau.tau_g1(places + start, count)?);
        let differences: Vec<_> = high.iter().zip(low).map(|(high, low)| high.into_group() - low).collect();
        hash_g1(&mut hasher, &ark_bn254::G1Projective::normalize_batch(&differences));
    }
    for points in [l, a, b_g1] {
        length(&mut hasher, points.len());
        hash_g1(&mut hasher, points);
    }
    length(&mut hasher, b_g2.len());
    hash_g2(&mut hasher, b_g2);
    Ok(hasher.finalize().into())
}
