//! From values on the n-th roots of unity to values on the odd points, a transform in each lane of a vector: here, of eight.
//!
//! ```text
//!   n = rows × columns; place j = j1 · columns + j2; coefficient k = k1 + rows · k2; odd point i = i1 · columns + i2
//!   w a primitive 2n-th root of unity: the points are w^(2i), the odd points w^(2i + 1)
//!
//!   ┌ inward   each column   transform over j1, to k1 bit-reversed                          eight columns side by side
//!   │ across   each row      · w^(-2 j2 k1) / n, transform over j2, to k2 bit-reversed      ┐ eight rows side by side,
//!   │                        transform over k2 at the odd points, to i2, · w^((2 i2 + 1) k1)┘ loaded and stored once
//!   └ outward  each column   transform over k1, to i1                                       eight columns side by side
//! ```
//!
//! Two transforms of length n are three passes over the memory. Each reads eight columns, or eight rows, into vectors, and works
//! on those (rows · 320 bytes: second-level cache) before it writes them back. A vector's lanes belong to different transforms
//! throughout, so no value moves from lane to lane; bit-reversed order is never undone, since the second transform begins with it.
//! This is Bailey's four-step method (1990) without its transpositions; loading a vector from eight rows is one. That the odd
//! points are a coset costs nothing of its own: w^k = w^(k1) · w^(rows · k2), where the first factor joins the factors between
//! the passes and the second changes those of the transform over k2.
//!
//! # Forms
//! Everything up to the product is linear, so values stay in Montgomery form with R = 2^256 as they are, whatever the backend's R:
//! a factor in the backend's form multiplies either. See [`quotient`] for the product.

mod kernels;
mod networks;

use ark_bn254::Fr;
use ark_ff::{FftField, Field, Zero};
use core::hint::black_box;
use core::marker::PhantomData;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

use crate::vector::modulus::power_of_two;
use crate::vector::{Backend, Kernel, LANES, Modulus, Reduced, Scalar, dispatch};
use kernels::{LoadColumns, LoadRows, Multiply, Powers, Run, StoreColumns, StoreRows, Subtract};
use networks::{Factors, FromBitReversed, Network, Points, ToBitReversed, Values, powers};

/// Shorter vectors have no eight rows and eight columns, as some backends need.
pub(crate) const SHORTEST: usize = LANES * LANES;

/// Columns of one piece of work: at 32 bytes each, a kilobyte of each row.
const MOST_COLUMNS: usize = 32;
/// Pieces of work for each thread, so that one that is held up does not hold up all.
const PIECES_PER_THREAD: usize = 4;

/// The values on the odd points of the polynomial with the given `values` on the domain, in their place. `None` if the length is
/// not a power of two, is below [`SHORTEST`], or the field has no roots of unity for it.
pub(crate) fn to_odd_points(values: &mut [Fr]) -> Option<()> {
    dispatch(ToOddPoints(values))
}

/// The values of a b - c on the odd points, where a and b have the given values on the domain and c the products of those.
///
/// With R the backend's, a product of values x · 2^256 and y · 2^256 is x y · 2^512 / R. c is computed from such products, so that
/// a b - c is too large by the factor 2^256 / R, which one multiplication at the end removes.
pub(crate) fn quotient(a: Vec<Fr>, b: Vec<Fr>) -> Option<Vec<Fr>> {
    dispatch(Quotient(a, b))
}

struct ToOddPoints<'a>(&'a mut [Fr]);

impl Kernel for ToOddPoints<'_> {
    type Output = Option<()>;
    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Option<()> {
        let plan = Plan::new(backend, self.0.len())?;
        let pool = Pool::default();
        plan.panels(self.0).into_par_iter().for_each(|mut panel| {
            pool.with(|scratch| plan.inward(scratch, &mut panel));
        });
        plan.rows(self.0).for_each(|(group, rows)| {
            pool.with(|scratch| {
                plan.prepare_rows(scratch, group);
                plan.across(scratch, rows);
            });
        });
        plan.panels(self.0).into_par_iter().for_each(|mut panel| {
            pool.with(|scratch| plan.outward(scratch, &mut panel));
        });
        Some(())
    }
}

struct Quotient(Vec<Fr>, Vec<Fr>);

impl Kernel for Quotient {
    type Output = Option<Vec<Fr>>;
    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Option<Vec<Fr>> {
        let Self(mut a, mut b) = self;
        if a.len() != b.len() {
            return None;
        }
        let plan = Plan::new(backend, a.len())?;
        let pool = Pool::default();
        let mut c = vec![Fr::zero(); a.len()];
        let panels = plan.panels(&mut a).into_par_iter().zip(plan.panels(&mut b)).zip(plan.panels(&mut c));
        panels.for_each(|((mut a, mut b), mut c)| {
            pool.with(|scratch| {
                plan.inward_product(scratch, (&a, &b), &mut c);
                plan.inward(scratch, &mut a);
                plan.inward(scratch, &mut b);
            });
        });
        let rows = plan.rows(&mut a).zip(plan.rows(&mut b)).zip(plan.rows(&mut c));
        rows.for_each(|(((group, a), (_, b)), (_, c))| {
            pool.with(|scratch| {
                plan.prepare_rows(scratch, group);
                for rows in [a, b, c] {
                    plan.across(scratch, rows);
                }
            });
        });
        let panels = plan.panels(&mut a).into_par_iter().zip(plan.panels(&mut b)).zip(plan.panels(&mut c));
        panels.for_each(|((mut a, b), c)| {
            pool.with(|scratch| plan.outward_quotient(scratch, &mut a, &b, &c));
        });
        erase(b);
        erase(c);
        Some(a)
    }
}

/// Overwrites values that depend on the witness.
fn erase(mut values: Vec<Fr>) {
    values.par_chunks_mut(1 << 14).for_each(|values| values.fill(Fr::zero()));
    black_box(&values);
}

/// Some columns of a matrix, row by row.
type Panel<'a> = Vec<&'a mut [Fr]>;

/// Room for one piece of work.
#[derive(Debug)]
struct Scratch<B: Backend> {
    column: Vec<Values<B>>,
    /// A second column, or the factors of a group of rows before their transform.
    second: Vec<Values<B>>,
    /// The factors of a group of rows after their transform.
    third: Vec<Values<B>>,
}

/// Scratch rooms that are not in use. There are never more than threads, and no page is fresh twice.
#[derive(Debug)]
struct Pool<B: Backend>(Mutex<Vec<Scratch<B>>>);

impl<B: Backend> Default for Pool<B> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<B: Backend> Pool<B> {
    fn with(&self, work: impl FnOnce(&mut Scratch<B>)) {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = lock().pop();
        let mut scratch =
            taken.unwrap_or_else(|| Scratch { column: Vec::new(), second: Vec::new(), third: Vec::new() });
        work(&mut scratch);
        lock().push(scratch);
    }
}

impl<B: Backend> Drop for Pool<B> {
    fn drop(&mut self) {
        let scratches = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for scratch in scratches {
            for column in [&mut scratch.column, &mut scratch.second, &mut scratch.third] {
                if let Some(zero) = column.first().map(|value| value.reduce().sub(value.reduce())) {
                    column.fill(zero);
                }
                black_box(&*column);
            }
        }
    }
}

/// What transforms of one length need: tables of the order of its square root, quickly made.
#[derive(Debug)]
struct Plan<B: Backend> {
    backend: B,
    rows: usize,
    columns: usize,
    /// Over j1.
    inward: ToBitReversed<B>,
    /// Over j2.
    along: ToBitReversed<B>,
    /// Over k2.
    odd: FromBitReversed<B>,
    /// Over k1.
    outward: FromBitReversed<B>,
    /// w^(k1) and w^(-k1), in the order of the rows.
    row_roots: Vec<[Fr; 2]>,
    /// 1 / n.
    scale: Fr,
    /// R / 2^256 with the backend's R, what products of values lack.
    leave: Factors<B>,
}

impl<B: Backend> Plan<B> {
    fn new(backend: B, length: usize) -> Option<Self> {
        if !length.is_power_of_two() || length < SHORTEST {
            return None;
        }
        let log = length.trailing_zeros();
        let (log_rows, log_columns) = (log / 2, log - log / 2);
        let (rows, columns) = (1usize << log_rows, 1usize << log_columns);
        // Of order 2n, 2 rows and 2 columns.
        let root = Fr::get_root_of_unity(2 * length as u64)?;
        let (row_root, column_root) = (root.pow([columns as u64]), root.pow([rows as u64]));
        let inverse = root.inverse()?;
        let reversed = |k: usize| k.reverse_bits() >> (usize::BITS - log_rows);
        let (powers, inverses) = (powers(root, rows), powers(inverse, rows));
        let one = power_of_two(&Scalar::P, B::LOG2_R);
        let pair = |p: usize| Some([*powers.get(reversed(p))?, *inverses.get(reversed(p))?]);
        Some(Self {
            backend,
            rows,
            columns,
            inward: ToBitReversed::new(backend, log_rows, row_root.square().inverse()?),
            along: ToBitReversed::new(backend, log_columns, column_root.square().inverse()?),
            odd: FromBitReversed::new(backend, log_columns, column_root, Points::Odd),
            outward: FromBitReversed::new(backend, log_rows, row_root, Points::Even),
            row_roots: (0..rows).map(pair).collect::<Option<_>>()?,
            scale: Fr::from(length as u64).inverse()?,
            leave: Reduced::load_ark(backend, B::each(|_| &one)),
        })
    }

    /// The matrix cut between columns, into pieces of work.
    fn panels<'a>(&self, values: &'a mut [Fr]) -> Vec<Panel<'a>> {
        let pieces = PIECES_PER_THREAD * rayon::current_num_threads();
        let width = (self.columns / pieces.next_power_of_two()).clamp(LANES, MOST_COLUMNS);
        let mut panels: Vec<Panel<'a>> =
            (0..self.columns / width).map(|_| Vec::with_capacity(self.rows)).collect();
        for row in values.chunks_exact_mut(self.columns) {
            for (panel, piece) in panels.iter_mut().zip(row.chunks_exact_mut(width)) {
                panel.push(piece);
            }
        }
        panels
    }

    /// The matrix cut into groups of rows, one for each lane, numbered.
    fn rows<'a>(&self, values: &'a mut [Fr]) -> impl IndexedParallelIterator<Item = (usize, &'a mut [Fr])> {
        values.par_chunks_exact_mut(B::LANES * self.columns).enumerate()
    }

    fn inward(&self, scratch: &mut Scratch<B>, panel: &mut Panel<'_>) {
        for offset in offsets::<B>(panel) {
            self.load_columns(&mut scratch.column, panel, offset);
            self.run(&self.inward, &mut scratch.column);
            self.store_columns(&scratch.column, panel, offset);
        }
    }

    /// [`Plan::inward`] on the products of the values of two panels.
    fn inward_product(
        &self,
        scratch: &mut Scratch<B>,
        (a, b): (&Panel<'_>, &Panel<'_>),
        out: &mut Panel<'_>,
    ) {
        for offset in offsets::<B>(out) {
            self.load_columns(&mut scratch.column, a, offset);
            self.load_columns(&mut scratch.second, b, offset);
            self.backend.run(Multiply { column: &mut scratch.column, by: &scratch.second });
            self.run(&self.inward, &mut scratch.column);
            self.store_columns(&scratch.column, out, offset);
        }
    }

    /// The factors of group `group` of rows.
    fn prepare_rows(&self, scratch: &mut Scratch<B>, group: usize) {
        let Some(roots) = self.row_roots.get(group * B::LANES..(group + 1) * B::LANES) else { return };
        let (before, after) = (&mut scratch.second, &mut scratch.third);
        let inverses = B::each(|lane| &roots[lane][1]);
        let roots = B::each(|lane| &roots[lane][0]);
        let scale = B::each(|_| &self.scale);
        let (backend, count) = (self.backend, self.columns);
        backend.run(Powers { backend, powers: before, count, first: scale, root: inverses });
        backend.run(Powers { backend, powers: after, count, first: roots, root: roots });
    }

    fn across(&self, scratch: &mut Scratch<B>, rows: &mut [Fr]) {
        let (backend, columns) = (self.backend, self.columns);
        let Scratch { column, second, third } = scratch;
        backend.run(LoadRows { backend, column, factors: second, rows, columns });
        self.run(&self.along, column);
        self.run(&self.odd, column);
        backend.run(StoreRows { column, factors: third, rows, columns });
    }

    fn outward(&self, scratch: &mut Scratch<B>, panel: &mut Panel<'_>) {
        for offset in offsets::<B>(panel) {
            self.load_columns(&mut scratch.column, panel, offset);
            self.run(&self.outward, &mut scratch.column);
            self.store_columns(&scratch.column, panel, offset);
        }
    }

    /// [`Plan::outward`] of a, b and c, and a b - c in place of a.
    fn outward_quotient(&self, scratch: &mut Scratch<B>, a: &mut Panel<'_>, b: &Panel<'_>, c: &Panel<'_>) {
        for offset in offsets::<B>(a) {
            let Scratch { column, second, .. } = scratch;
            self.load_columns(column, a, offset);
            self.run(&self.outward, column);
            self.load_columns(second, b, offset);
            self.run(&self.outward, second);
            self.backend.run(Multiply { column, by: second });
            self.load_columns(second, c, offset);
            self.run(&self.outward, second);
            self.backend.run(Subtract { column, minus: second, factor: self.leave });
            self.store_columns(column, a, offset);
        }
    }

    fn load_columns(&self, column: &mut Vec<Values<B>>, panel: &Panel<'_>, offset: usize) {
        self.backend.run(LoadColumns { backend: self.backend, column, panel, offset });
    }

    fn store_columns(&self, column: &[Values<B>], panel: &mut Panel<'_>, offset: usize) {
        self.backend.run(StoreColumns { column, panel, offset });
    }

    fn run<N: Network<B>>(&self, network: &N, column: &mut [Values<B>]) {
        self.backend.run(Run { network, column, backend: PhantomData });
    }
}

/// Where the columns of each vector begin in a panel.
fn offsets<B: Backend>(panel: &Panel<'_>) -> impl Iterator<Item = usize> + use<B> {
    let width = panel.first().map_or(0, |row| row.len());
    (0..width).step_by(B::LANES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Choice;
    use ark_ff::{PrimeField, UniformRand};
    use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};

    /// The same by ark-poly.
    fn expected(values: &[Fr]) -> Vec<Fr> {
        let domain = |size| Radix2EvaluationDomain::<Fr>::new(size).unwrap();
        let coset = domain(values.len()).get_coset(domain(2 * values.len()).group_gen()).unwrap();
        coset.fft(&domain(values.len()).ifft(values))
    }

    /// By every backend.
    fn check(values: &[Fr], what: &str) {
        let expected = expected(values);
        for choice in Choice::tested() {
            let mut found = values.to_vec();
            choice.run(ToOddPoints(&mut found)).unwrap();
            assert!(found == expected, "{choice:?}, length {}, {what}", values.len());
        }
    }

    fn random(log: u32, rng: &mut impl ark_std::rand::Rng) -> Vec<Fr> {
        (0..1 << log).map(|_| Fr::rand(rng)).collect()
    }

    #[test]
    fn values_on_the_odd_points_are_those_of_ark_poly() {
        let mut rng = ark_std::test_rng();
        for log in SHORTEST.trailing_zeros()..=17 {
            check(&random(log, &mut rng), "random");
        }
    }

    #[test]
    fn the_largest_and_the_smallest_values_are_transformed_as_any() {
        // The largest in value and the largest in Montgomery form, alone, in turns and everywhere; and zero.
        let mut limbs = Fr::MODULUS;
        limbs.0[0] -= 1;
        for log in SHORTEST.trailing_zeros()..=11 {
            for value in [-Fr::ONE, Fr::new_unchecked(limbs), Fr::zero()] {
                for step in [1, 2, 3, 8, 1 << log] {
                    let values = (0..1usize << log).map(|j| if j % step == 0 { value } else { Fr::zero() });
                    check(&values.collect::<Vec<_>>(), "extreme");
                }
            }
        }
    }

    #[test]
    fn the_quotient_is_the_product_less_the_transform_of_the_products() {
        let mut rng = ark_std::test_rng();
        for log in SHORTEST.trailing_zeros()..=15 {
            let (a, b) = (random(log, &mut rng), random(log, &mut rng));
            let c: Vec<_> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
            let [on_a, on_b, on_c] = [&a, &b, &c].map(|values| expected(values));
            let expected: Vec<_> = on_a.iter().zip(&on_b).zip(&on_c).map(|((a, b), c)| *a * b - c).collect();
            for choice in Choice::tested() {
                let found = choice.run(Quotient(a.clone(), b.clone())).unwrap();
                assert!(found == expected, "{choice:?}, 2^{log}");
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let values = random(12, &mut ark_std::test_rng());
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| check(&values, "threads"));
        }
    }

    #[test]
    fn lengths_that_have_no_transform_are_refused() {
        for length in [0, 1, SHORTEST / 2, SHORTEST + 1, 3 * SHORTEST] {
            assert_eq!(to_odd_points(&mut vec![Fr::ONE; length]), None);
        }
        assert_eq!(quotient(vec![Fr::ONE; SHORTEST], vec![Fr::ONE; 2 * SHORTEST]), None);
    }
}
