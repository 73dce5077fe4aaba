//! The arithmetic against `ark-ff` at the limits of its bounds, over the model on any machine and over the instructions where the
//! processor has them; the instructions against the model.

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_std::rand::RngCore;
use core::marker::PhantomData;

use super::super::{Backend, Base, Kernel, LANES, Modulus, Row, Scalar};
use super::constants::{Constants, LIMB_BITS, MASK, limbs};
use super::model::{AnyProcessor, Model};
use super::{COLUMNS, Columns, Ifma, LIMBS, Limbs, ModelledIfma, montgomery, product, square};

/// How many random vectors each property is tried on.
const ROUNDS: usize = 2_000;

/// A modulus and the field of `ark-ff` that has it.
trait Oracle: Modulus {
    type Field: PrimeField;
}
impl Oracle for Base {
    type Field = Fq;
}
impl Oracle for Scalar {
    type Field = Fr;
}

/// A number of up to 520 bits in limbs or columns, as a field element.
fn element<M: Oracle>(digits: &[u64]) -> M::Field {
    let step = M::Field::from(1u64 << LIMB_BITS);
    digits.iter().rev().fold(M::Field::from(0u64), |sum, &digit| sum * step + M::Field::from(digit))
}

fn row_element<M: Oracle>(row: &Row) -> M::Field {
    element::<M>(&limbs(row))
}

fn montgomery_factor<M: Oracle>() -> M::Field {
    M::Field::from(2u64).pow([u64::from(ModelledIfma::LOG2_R)]).inverse().unwrap()
}

/// `factor` · p + `offset`, a number of 256 bits.
fn near<M: Modulus>(factor: u64, offset: i64) -> Row {
    let mut row = [0; 4];
    let mut carry = i128::from(offset);
    for (word, p) in row.iter_mut().zip(M::P) {
        let sum = i128::from(p) * i128::from(factor) + carry;
        *word = sum as u64;
        carry = sum >> 64;
    }
    assert_eq!(carry, 0);
    row
}

fn below<M: Modulus>(digits: &[u64], factor: u64) -> bool {
    let bound = limbs(&near::<M>(factor, 0));
    digits.iter().all(|&digit| digit <= MASK) && digits.iter().rev().lt(bound.iter().rev())
}

/// Numbers below 2^256 on which carries and comparisons go wrong if they go wrong anywhere.
fn hard_rows<M: Modulus>() -> Vec<Row> {
    let mut rows = vec![[u64::MAX; 4], [u64::MAX, u64::MAX, 0, 0], [0, 0, u64::MAX, u64::MAX]];
    for factor in 0..=5 {
        for offset in [-1, 0, 1] {
            if (factor, offset) != (0, -1) {
                rows.push(near::<M>(factor, offset));
            }
        }
    }
    for bit in (0..256).step_by(52).chain([64, 128, 192, 255]) {
        let power: Row = core::array::from_fn(|word| if bit / 64 == word { 1 << (bit % 64) } else { 0 });
        let minus_one = super::super::modulus::subtract(&power, &[1, 0, 0, 0]).0;
        let mut plus_one = power;
        plus_one[0] |= 1;
        rows.extend([power, minus_one, plus_one]);
    }
    // Each limb alone all ones, and each alone zero.
    for limb in 0..LIMBS {
        let ones: Row = core::array::from_fn(|word| {
            (0..64).filter(|bit| (64 * word + bit) / 52 == limb).fold(0, |ones, bit| ones | 1 << bit)
        });
        rows.extend([ones, ones.map(|word| !word)]);
    }
    rows
}

fn random_row(rng: &mut impl RngCore) -> Row {
    core::array::from_fn(|_| rng.next_u64())
}

/// A number below 3 p, as often as not within 2^64 of the limit or of a multiple of p.
fn reduced_row<M: Modulus>(rng: &mut impl RngCore) -> Row {
    match rng.next_u32() % 4 {
        0 => near::<M>(3, -1 - i64::from(rng.next_u32() % 3)),
        1 => near::<M>(u64::from(rng.next_u32() % 3), i64::from(rng.next_u32())),
        _ => {
            let row = random_row(rng);
            if below::<M>(&limbs(&row), 3) { row } else { [row[0], row[1], row[2], row[3] >> 1] }
        }
    }
}

/// The rows of a backend with eight lanes.
fn eight<B: Backend>(rows: &B::Each<Row>) -> [Row; LANES] {
    core::array::from_fn(|lane| rows.as_ref()[lane])
}

/// On eight reduced numbers `a`, `b`, `c`, `d`: (a + b)(c + d), (a + b)(c - d), (a + b)², (a - b)², (a + b) reduced and (a - b).
struct Formulas<M>([[Row; LANES]; 4], PhantomData<M>);

impl<M: Modulus> Kernel for Formulas<M> {
    type Output = [[Row; LANES]; 6];

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| backend.unpack(B::each(|lane| &self.0[i][lane])));
        let (sum, difference) = (B::add::<M>(a, b), B::sub::<M>(a, b));
        [
            B::pack::<M>(B::mul::<M>(sum, B::add::<M>(c, d))),
            B::pack::<M>(B::mul::<M>(sum, B::sub::<M>(c, d))),
            B::pack::<M>(B::square::<M>(sum)),
            B::pack::<M>(B::square::<M>(difference)),
            B::pack::<M>(B::reduce::<M>(sum)),
            B::pack::<M>(difference),
        ]
        .map(|rows| eight::<B>(&rows))
    }
}

fn formulas_agree<M: Oracle>(backend: impl Backend, operands: [[Row; LANES]; 4], factor: M::Field) {
    let results = backend.run(Formulas::<M>(operands, PhantomData));
    for lane in 0..LANES {
        let [a, b, c, d] = operands.map(|rows| row_element::<M>(&rows[lane]));
        let expected = [
            (a + b) * (c + d) * factor,
            (a + b) * (c - d) * factor,
            (a + b) * (a + b) * factor,
            (a - b) * (a - b) * factor,
            a + b,
            a - b,
        ];
        for (which, expected) in expected.into_iter().enumerate() {
            let expected: Row = core::array::from_fn(|i| expected.into_bigint().as_ref()[i]);
            assert_eq!(results[which][lane], expected, "formula {which} of {operands:x?} in lane {lane}");
        }
    }
}

/// On the elements a + b u and c + d u of Fq2, and on their sums with themselves: product, product of sums, square.
struct Fq2Formulas<M>([[Row; LANES]; 4], PhantomData<M>);

impl<M: Modulus> Kernel for Fq2Formulas<M> {
    type Output = [[[Row; LANES]; 2]; 3];

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| backend.unpack(B::each(|lane| &self.0[i][lane])));
        let twice = |a, b| [a, b].map(|part| B::settle_fq2::<M>(B::add::<M>(part, part)));
        [
            B::mul_fq2::<M>([a, b], [c, d]),
            B::mul_fq2::<M>(twice(a, b), twice(c, d)),
            B::square_fq2::<M>([a, b]),
        ]
        .map(|parts| parts.map(|part| eight::<B>(&B::pack::<M>(part))))
    }
}

fn fq2_formulas_agree<M: Oracle>(backend: impl Backend, operands: [[Row; LANES]; 4], factor: M::Field) {
    let results = backend.run(Fq2Formulas::<M>(operands, PhantomData));
    for lane in 0..LANES {
        let [a, b, c, d] = operands.map(|rows| row_element::<M>(&rows[lane]));
        let product = [(a * c - b * d) * factor, (a * d + b * c) * factor];
        let square = [(a * a - b * b) * factor, (a * b).double() * factor];
        let expected = [product, product.map(|part| part.double().double()), square];
        for (which, expected) in expected.into_iter().enumerate() {
            for (part, expected) in expected.into_iter().enumerate() {
                let expected: Row = core::array::from_fn(|i| expected.into_bigint().as_ref()[i]);
                assert_eq!(
                    results[which][part][lane], expected,
                    "formula {which}, part {part} of {operands:x?}"
                );
            }
        }
    }
}

fn formulas_agree_at_the_limits<M: Oracle>(backend: impl Backend) {
    let factor = montgomery_factor::<M>();
    let rows: Vec<_> = hard_rows::<M>().into_iter().filter(|row| below::<M>(&limbs(row), 3)).collect();
    for (i, a) in rows.iter().enumerate() {
        for step in 0..rows.len().div_ceil(LANES) {
            let other =
                |shift: usize| core::array::from_fn(|lane| rows[(step * LANES + lane + shift) % rows.len()]);
            let operands = [[*a; LANES], other(0), other(i), [near::<M>(3, -1); LANES]];
            formulas_agree::<M>(backend, operands, factor);
            fq2_formulas_agree::<M>(backend, operands, factor);
        }
    }
    let mut rng = ark_std::test_rng();
    for _ in 0..ROUNDS {
        let operands = core::array::from_fn(|_| core::array::from_fn(|_| reduced_row::<M>(&mut rng)));
        formulas_agree::<M>(backend, operands, factor);
        fq2_formulas_agree::<M>(backend, operands, factor);
    }
}

#[test]
fn formulas_of_reduced_numbers_agree_with_ark_ff_over_the_model() {
    formulas_agree_at_the_limits::<Base>(ModelledIfma::modelled());
    formulas_agree_at_the_limits::<Scalar>(ModelledIfma::modelled());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn formulas_of_reduced_numbers_agree_with_ark_ff_over_the_instructions() {
    let Some(backend) = super::Avx512Ifma::detect() else { return println!("this processor has no IFMA") };
    formulas_agree_at_the_limits::<Base>(backend);
    formulas_agree_at_the_limits::<Scalar>(backend);
}

/// Limbs in lane 3, the other lanes full of ones.
fn lane<const N: usize>(digits: [u64; N]) -> [Model; N] {
    digits.map(|digit| {
        let mut lanes = [MASK; LANES];
        lanes[3] = digit;
        Model(lanes)
    })
}

fn digits<const N: usize>(lanes: [Model; N]) -> [u64; N] {
    lanes.map(|lane| lane.0[3])
}

fn keeps_its_bounds<M: Oracle>() {
    type Modelled = Ifma<Model>;
    let mut rng = ark_std::test_rng();
    let mut rows = hard_rows::<M>();
    rows.extend((0..100).map(|_| random_row(&mut rng)));
    let factor = montgomery_factor::<M>();
    for a in &rows {
        for b in &rows {
            let [x, y] = [a, b].map(|row| lane::<LIMBS>(limbs(row)));
            let [a, b] = [a, b].map(row_element::<M>);
            let product = digits(Modelled::mul::<M>(x, y));
            assert!(below::<M>(&product, 3), "{product:x?}");
            assert_eq!(element::<M>(&product), a * b * factor);
        }
        let a = limbs(a);
        let x = lane(a);
        let squared = digits(Modelled::square::<M>(x));
        assert!(below::<M>(&squared, 3));
        assert_eq!(element::<M>(&squared), element::<M>(&a) * element::<M>(&a) * factor);
        let reduced = digits(Modelled::reduce::<M>(x));
        assert!(below::<M>(&reduced, 3) && element::<M>(&reduced) == element::<M>(&a));
        let packed = Modelled::pack::<M>(x)[3];
        assert!(below::<M>(&limbs(&packed), 1) && row_element::<M>(&packed) == element::<M>(&a));
    }
    let canonical: Vec<_> = rows.iter().filter(|row| below::<M>(&limbs(row), 1)).collect();
    for a in rows.iter().filter(|row| below::<M>(&limbs(row), 3)) {
        for (b, c) in canonical.iter().zip(canonical.iter().rev()).chain(canonical.iter().zip(&canonical)) {
            let [x, y, z] = [a, b, c].map(|row| lane::<LIMBS>(limbs(row)));
            let [a, b, c] = [a, b, c].map(row_element::<M>);
            let results = Modelled::sub_once_and_twice::<M>(x, y, z).map(digits);
            for (number, expected) in results.into_iter().zip([a - b - c, a - b - b - c]) {
                assert!(number.iter().all(|&limb| limb <= MASK) && element::<M>(&number) == expected);
                assert!(below::<M>(&digits(Modelled::reduce::<M>(lane(number))), 3));
            }
        }
        for (b, c) in canonical.iter().zip(canonical.iter().rev()).chain(canonical.iter().zip(&canonical)) {
            let [x, y] = [b, c].map(|row| lane::<LIMBS>(limbs(row)));
            let [b, c] = [b, c].map(|row| row_element::<M>(row));
            for (negative, expected) in
                [([0, 0], b - c), ([0, 255], b + c), ([255, 0], -b - c), ([255, 255], c - b)]
            {
                let number = digits(Modelled::signed_difference::<M>(negative, x, y));
                assert!(number.iter().all(|&limb| limb <= MASK) && element::<M>(&number) == expected);
                assert!(below::<M>(&digits(Modelled::reduce::<M>(lane(number))), 3));
            }
        }
        for b in rows.iter().filter(|row| below::<M>(&limbs(row), 3)) {
            let [x, y] = [a, b].map(|row| lane::<LIMBS>(limbs(row)));
            let [a, b] = [a, b].map(row_element::<M>);
            let [sum, difference] = [Modelled::add::<M>(x, y), Modelled::sub::<M>(x, y)].map(digits);
            // Reducing what is below 6 p gives less than 3 p; what is not would stay above.
            for (number, expected) in [(sum, a + b), (difference, a - b)] {
                assert!(number.iter().all(|&limb| limb <= MASK) && element::<M>(&number) == expected);
                assert!(below::<M>(&digits(Modelled::reduce::<M>(lane(number))), 3));
            }
        }
    }
}

#[test]
fn limbs_have_52_bits_and_reduced_numbers_are_below_three_moduli() {
    keeps_its_bounds::<Base>();
    keeps_its_bounds::<Scalar>();
}

/// The largest number that a multiplication is documented to reduce, in columns as uneven as they may be.
fn reduces_the_largest<M: Oracle>() {
    let p = Constants::<M>::P;
    let mut columns = [0u64; COLUMNS];
    for i in 0..LIMBS {
        for j in 0..LIMBS {
            let product = u128::from(p[i]) * u128::from(p[j]) * 72;
            columns[i + j] += product as u64 & MASK;
            columns[i + j + 1] += (product >> LIMB_BITS) as u64;
        }
    }
    let value = element::<M>(&columns);
    assert_eq!(value, M::Field::from(0u64));
    // The same number, with 2^57 of every column lent to the one below.
    let mut lent = columns;
    for i in 1..COLUMNS {
        lent[i] = lent[i].wrapping_sub(1 << 5);
        lent[i - 1] = lent[i - 1].wrapping_add(1 << 57);
    }
    for columns in [columns, lent] {
        let columns: Columns<Model> = lane(columns);
        let reduced = digits::<LIMBS>(montgomery::<Model, M>(columns));
        assert!(below::<M>(&reduced, 3) && element::<M>(&reduced) == value, "{reduced:x?}");
    }
}

#[test]
fn columns_are_signed_and_reduce_from_72_squared_moduli() {
    reduces_the_largest::<Base>();
    reduces_the_largest::<Scalar>();
}

#[test]
fn squares_have_the_columns_of_products() {
    let mut rng = ark_std::test_rng();
    for _ in 0..ROUNDS {
        let a: Limbs<Model> =
            core::array::from_fn(|_| Model(core::array::from_fn(|_| rng.next_u64() & MASK)));
        assert_eq!(square(a), product(a, a));
    }
    let ones: Limbs<Model> = [Model([MASK; LANES]); LIMBS];
    assert_eq!(square(ones), product(ones, ones));
}

#[test]
fn rows_are_transposed_into_limbs_and_back() {
    let mut rng = ark_std::test_rng();
    let backend: Ifma<Model> = Ifma(AnyProcessor);
    for _ in 0..ROUNDS {
        let rows: [Row; LANES] = core::array::from_fn(|_| random_row(&mut rng));
        let unpacked = backend.unpack(rows.each_ref());
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(unpacked.map(|limb| limb.0[i]), limbs(row));
        }
        let rows = rows.map(|[a, b, c, d]| [a, b, c, d >> 3]);
        assert_eq!(Ifma::<Model>::pack::<Base>(backend.unpack(rows.each_ref())), rows);
    }
}

/// Every instruction on the same lanes: the registers that they give, and the mask.
#[cfg(target_arch = "x86_64")]
mod instructions {
    use super::*;
    use crate::vector::ifma::register::Register;
    use crate::vector::ifma::zmm::{Avx512, Zmm};

    fn every<L: Register>(processor: L::Processor, [a, b, c]: [&[Row; 2]; 3]) -> (Vec<[Row; 2]>, [u8; 3]) {
        let words = *a;
        let [a, b, c] = [a, b, c].map(|rows| L::load(processor, &rows[0], &rows[1]));
        let mask = a.negative();
        let results = [
            a,
            a.splat(words[1][2]),
            a.constant(&[1, 2, 3, 4, 5, 6, 7, words[0][0]]),
            a.add(b),
            a.sub(b),
            a.and(b),
            a.or(b),
            a.shift_left::<12>(),
            a.shift_left::<52>(),
            a.shift_right::<45>(),
            a.shift_right::<52>(),
            a.shift_right_signed::<52>(),
            a.madd_low(b, c),
            a.madd_high(b, c),
            L::select(mask, b, c),
            L::low_halves(a, b),
            L::high_halves(a, b),
            L::even(a, b),
            L::odd(a, b),
            L::even_pairs(a, b),
            L::odd_pairs(a, b),
            a.lookup(b),
            a.lookup_in_two(b, c),
        ];
        assert!(results.iter().all(|result| result.store_line() == result.store()));
        (results.map(L::store).to_vec(), [mask, a.equal(a.and(b)), a.equal(a)])
    }

    #[test]
    fn instructions_are_as_modelled() {
        let Some(processor) = Avx512::detect() else { return println!("this processor has no IFMA") };
        let mut rng = ark_std::test_rng();
        let hard = [0, 1, MASK, MASK + 1, MASK << 12, u64::MAX, 1 << 63, (1 << 63) - 1];
        for _ in 0..ROUNDS {
            let [a, b, c]: [[Row; 2]; 3] = core::array::from_fn(|_| {
                [(); 2].map(|()| {
                    random_row(&mut rng)
                        .map(|word| if word & 1 == 1 { hard[word as usize >> 1 & 7] } else { word })
                })
            });
            assert_eq!(every::<Zmm>(processor, [&a, &b, &c]), every::<Model>(AnyProcessor, [&a, &b, &c]));
        }
    }
}
