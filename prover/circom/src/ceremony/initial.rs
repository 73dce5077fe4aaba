//! The key that a ceremony starts from: delta = 1, every point a public function of the circuit and the powers of tau.
//!
//! ```text
//!   L_c: Lagrange polynomial of row c at tau      a, b, c: the circuit's matrices, A with a row for each public input after the constraints
//!   A_s = Σ_c a_cs L_c       B_s = Σ_c b_cs L_c, in G1 and G2       H_k = the odd points of the doubled domain
//!   K_s = Σ_c a_cs beta L_c + b_cs alpha L_c + c_cs L_c             IC: K of the public inputs, L: K of the witness
//! ```

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{One, Zero};
use blake2::{Blake2b512, Digest};
use rayon::prelude::*;
use std::io::{self, Write};
use zkpov_prover::engine::{Group, msm};
use zkpov_prover::r1cs::{R1cs, SparseMatrix};

use super::CeremonyError;
use super::transcript::Transcript;
use crate::bytes::Subgroup;
use crate::contribution::{Hash, hash_points};
use crate::error::FormatError;
use crate::ptau::{Ptau, PtauError, random_coefficient};
use crate::r1cs::Circuit;
use crate::zkey::{Header, Parts, Section, Side, Zkey, append_points, encode_entry};

/// Up to so many products of a sum are computed one by one: measured on the payments chain's tiny tier.
const FEW_PRODUCTS: usize = 2;
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
        let log2 = log2_domain(r1cs, ptau)?;
        let values = Values::new(r1cs);
        let rows = Some((r1cs.num_instance(), values.one));
        let [a, b, c] = r1cs.matrices();
        let a = Columns::new(a, r1cs.num_variables(), rows);
        let b = Columns::new(b, r1cs.num_variables(), None);
        let c = Columns::new(c, r1cs.num_variables(), None);

        let lagrange = ptau.lagrange_g1(log2)?;
        let all = r1cs.num_variables();
        let a_points = compose(all, &[(&a, &lagrange)], &values);
        let b_g1 = compose(all, &[(&b, &lagrange)], &values);
        let k = {
            let (alpha, beta) = (ptau.alpha_lagrange_g1(log2)?, ptau.beta_lagrange_g1(log2)?);
            compose(all, &[(&a, &beta), (&b, &alpha), (&c, &lagrange)], &values)
        };
        drop(lagrange);
        let b_g2 = compose(all, &[(&b, &ptau.lagrange_g2(log2)?)], &values);
        Ok(Self::of_points(r1cs, ptau, log2, Points { a: a_points, b_g1, b_g2, k })?)
    }

    /// The key of a circuit from a file that is said to hold it, as [`InitialKey::new`] would compute it, in a fraction of the time. The
    /// file is not believed: its points are those of the circuit and the powers, by combinations with random coefficients of 128 bits;
    /// everything else is the computed key's to the byte.
    ///
    /// # Errors
    /// As [`InitialKey::new`]; and if the file is not the key that a ceremony over this circuit and these powers starts from.
    pub fn from_file(circuit: &Circuit, ptau: &Ptau<'_>, file: &Zkey<'_>) -> Result<Self, CeremonyError> {
        let r1cs = &circuit.r1cs;
        let log2 = log2_domain(r1cs, ptau)?;
        let points = Points {
            a: file.g1(Section::A)?,
            b_g1: file.g1(Section::BG1)?,
            b_g2: file.b_g2(Subgroup::Checked)?,
            k: [file.g1(Section::Ic)?, file.g1(Section::L)?].concat(),
        };
        if let Some(section) = other_than_sums(r1cs, ptau, log2, &points)? {
            return Err(CeremonyError::NotInitial { section: section.name() });
        }
        let key = Self::of_points(r1cs, ptau, log2, points).map_err(PtauError::from)?;
        let transcript = Transcript { circuit_hash: key.circuit_hash, contributions: Vec::new() }.encode();
        let sections = [
            (Section::Ic, &key.ic),
            (Section::Coefficients, &key.coefficients),
            (Section::H, &key.h),
            (Section::Ceremony, &transcript),
        ];
        let other = if *file.header() != key.header {
            Some(Section::Header)
        } else {
            sections
                .iter()
                .find(|(section, bytes)| file.section(*section) != bytes.as_slice())
                .map(|one| one.0)
        };
        other.map_or(Ok(key), |section| Err(CeremonyError::NotInitial { section: section.name() }))
    }

    /// The key whose points over the variables are these.
    fn of_points(r1cs: &R1cs, ptau: &Ptau<'_>, log2: u32, points: Points) -> Result<Self, FormatError> {
        let h: Vec<G1Affine> = ptau.lagrange_g1(log2 + 1)?.into_iter().skip(1).step_by(2).collect();
        let header = Header {
            variables: r1cs.num_variables() as u32,
            public_inputs: (r1cs.num_instance() - 1) as u32,
            domain_size: 1 << log2,
            alpha_g1: ptau.alpha_g1()?,
            beta_g1: ptau.beta_g1()?,
            beta_g2: ptau.beta_g2(),
            delta_g1: G1Affine::generator(),
            delta_g2: G2Affine::generator(),
        };
        let Points { a, b_g1, b_g2, k } = points;
        let (ic, l) = k.split_at(r1cs.num_instance());
        let circuit_hash = circuit_hash(&header, ptau, [ic, l, &a, &b_g1], &b_g2)?;
        Ok(Self {
            ic: encode(ic),
            coefficients: coefficients(r1cs),
            a: encode(&a),
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

/// Points of a key, each list with one for every variable.
struct Points {
    a: Vec<G1Affine>,
    b_g1: Vec<G1Affine>,
    b_g2: Vec<G2Affine>,
    /// IC and L.
    k: Vec<G1Affine>,
}

/// Logarithm of the size of a circuit's domain, for which the powers suffice.
fn log2_domain(r1cs: &R1cs, ptau: &Ptau<'_>) -> Result<u32, PtauError> {
    // `R1cs` has at most 2^27 rows and 2^32 variables.
    let rows = r1cs.num_constraints() + r1cs.num_instance();
    let log2 = rows.next_power_of_two().trailing_zeros().max(1);
    ptau.check_power(log2).map(|()| log2)
}

/// The first section whose points are not the sums that [`InitialKey::new`] computes, if there is one.
///
/// With random ρ, Σ_s ρ_s A_s = Σ_c (Σ_s a_cs ρ_s) L_c, and so for the others: a product of the matrix with ρ, and one multi-scalar
/// multiplication on either side. All points are in groups of prime order r > 2^128, so that a section with a wrong point passes with
/// a probability of 2^-128.
fn other_than_sums(
    r1cs: &R1cs,
    ptau: &Ptau<'_>,
    log2: u32,
    points: &Points,
) -> Result<Option<Section>, CeremonyError> {
    let all = r1cs.num_variables();
    let lists = [points.a.len(), points.b_g1.len(), points.b_g2.len(), points.k.len()];
    if lists != [all; 4] {
        return Ok(Some(Section::Header));
    }
    let random: Vec<Fr> = (0..all).into_par_iter().map(|_| random_coefficient()).collect();
    let [a, b, c] = r1cs.matrices();
    let mut a = times_rows(a, r1cs.values(), &random);
    a.extend(random.iter().take(r1cs.num_instance()));
    let (b, c) = (times_rows(b, r1cs.values(), &random), times_rows(c, r1cs.values(), &random));
    let lagrange = ptau.lagrange_g1(log2)?;
    if msm(&points.a, &random) != msm(&lagrange, &a) {
        return Ok(Some(Section::A));
    }
    if msm(&points.b_g1, &random) != msm(&lagrange, &b) {
        return Ok(Some(Section::BG1));
    }
    let k =
        msm(&ptau.beta_lagrange_g1(log2)?, &a) + msm(&ptau.alpha_lagrange_g1(log2)?, &b) + msm(&lagrange, &c);
    if msm(&points.k, &random) != k {
        return Ok(Some(Section::L));
    }
    if msm(&points.b_g2, &random) != msm(&ptau.lagrange_g2(log2)?, &b) {
        return Ok(Some(Section::BG2));
    }
    Ok(None)
}

/// A matrix times a vector over the variables.
fn times_rows(matrix: &SparseMatrix, values: &[Fr], vector: &[Fr]) -> Vec<Fr> {
    // `R1cs` keeps its offsets and indices in bounds.
    matrix
        .row_offsets
        .par_windows(2)
        .map(|offsets| {
            (offsets[0] as usize..offsets[1] as usize)
                .map(|entry| {
                    values[matrix.coefficients[entry] as usize] * vector[matrix.columns[entry] as usize]
                })
                .sum()
        })
        .collect()
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

/// What multiplying by a coefficient takes.
#[derive(Clone, Copy)]
enum Factor {
    One,
    MinusOne,
    Any,
}

impl Factor {
    fn new(value: &Fr) -> Self {
        if value.is_one() {
            Self::One
        } else if (-*value).is_one() {
            Self::MinusOne
        } else {
            Self::Any
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
        let factors = scalars.iter().map(Factor::new).collect();
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
///
/// Coefficients of ±1, by far the most, cost an addition each; the others of a variable are a multi-scalar multiplication, which is
/// cheaper than one multiplication after the other above [`FEW_PRODUCTS`].
fn compose<C: Group>(
    num_variables: usize,
    matrices: &[(&Columns, &Vec<Affine<C>>)],
    values: &Values,
) -> Vec<Affine<C>> {
    let variables: Vec<usize> = (0..num_variables).collect();
    let chunks: Vec<Vec<Affine<C>>> = variables
        .par_chunks(CHUNK)
        .map(|variables| {
            let (mut points, mut scalars) = (Vec::new(), Vec::new());
            let sums: Vec<Projective<C>> = variables
                .iter()
                .map(|&variable| {
                    let mut sum = Projective::zero();
                    points.clear();
                    scalars.clear();
                    for (columns, rows) in matrices {
                        for &(row, value) in columns.of(variable) {
                            let point = rows[row as usize];
                            match values.factors[value as usize] {
                                Factor::One => sum += point,
                                Factor::MinusOne => sum -= point,
                                Factor::Any => {
                                    points.push(point);
                                    scalars.push(values.scalars[value as usize]);
                                }
                            }
                        }
                    }
                    if points.len() > FEW_PRODUCTS {
                        return sum + msm(&points, &scalars);
                    }
                    points.iter().zip(&scalars).fold(sum, |sum, (point, scalar)| sum + *point * scalar)
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
) -> Result<Hash, FormatError> {
    let mut hasher = Blake2b512::new();
    let length = |hasher: &mut Blake2b512, length: usize| hasher.update((length as u32).to_be_bytes());
    hash_points(&mut hasher, &[header.alpha_g1, header.beta_g1]);
    hash_points(&mut hasher, &[header.beta_g2, G2Affine::generator()]);
    hash_points(&mut hasher, &[header.delta_g1]);
    hash_points(&mut hasher, &[header.delta_g2]);
    length(&mut hasher, ic.len());
    hash_points(&mut hasher, ic);

    let places = header.domain_size as usize;
    length(&mut hasher, places - 1);
    // Where there are several pieces, the last one is whole and so has one more than was said.
    let hashed = if places - 1 <= HASH_CHUNK { places - 1 } else { places };
    for start in (0..hashed).step_by(HASH_CHUNK) {
        let count = HASH_CHUNK.min(hashed - start);
        let (low, high) = (ptau.tau_g1(start, count)?, ptau.tau_g1(places + start, count)?);
        let differences: Vec<_> = high.iter().zip(low).map(|(high, low)| high.into_group() - low).collect();
        hash_points(&mut hasher, &ark_bn254::G1Projective::normalize_batch(&differences));
    }
    for points in [l, a, b_g1] {
        length(&mut hasher, points.len());
        hash_points(&mut hasher, points);
    }
    length(&mut hasher, b_g2.len());
    hash_points(&mut hasher, b_g2);
    Ok(hasher.finalize().into())
}
