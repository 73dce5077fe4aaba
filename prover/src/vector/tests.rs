//! Every backend that this processor runs, against `ark-ff`: on the numbers where carries and comparisons go wrong if they go wrong
//! anywhere, and on random ones.

use ark_bn254::{Fq, Fq2, Fr};
use ark_ff::{BigInt, Field, PrimeField};
use ark_std::rand::{Rng, RngCore};
use core::marker::PhantomData;

use super::modulus::subtract;
use super::*;

/// A modulus and the field of `ark-ff` that has it.
trait Oracle: Modulus {
    type Field: PrimeField<BigInt = BigInt<4>>;
    /// The element whose Montgomery form with R = 2^256 is this number, which may be above the modulus.
    fn element(row: &Row) -> Self::Field;
    /// Its Montgomery form.
    fn row(element: &Self::Field) -> Row;
}

impl Oracle for Base {
    type Field = Fq;
    fn element(row: &Row) -> Fq {
        Fq::new_unchecked(BigInt(reduced::<Self>(*row)))
    }
    fn row(element: &Fq) -> Row {
        element.0.0
    }
}

impl Oracle for Scalar {
    type Field = Fr;
    fn element(row: &Row) -> Fr {
        Fr::new_unchecked(BigInt(reduced::<Self>(*row)))
    }
    fn row(element: &Fr) -> Row {
        element.0.0
    }
}

/// A number modulo p.
fn reduced<M: Modulus>(mut row: Row) -> Row {
    loop {
        let (less, below) = subtract(&row, &M::P);
        if below {
            return row;
        }
        row = less;
    }
}

/// `factor` · p + `offset`.
fn near<M: Modulus>(factor: u64, offset: i64) -> Row {
    let mut carry = i128::from(offset);
    M::P.map(|word| {
        let sum = i128::from(word) * i128::from(factor) + carry;
        carry = sum >> 64;
        sum as u64
    })
}

/// Numbers below 2^256 at the limits: of words, of limbs of 51 and of 52 bits, of multiples of p.
fn hard_rows<M: Modulus>() -> Vec<Row> {
    let mut rows = vec![[u64::MAX; 4], [u64::MAX, u64::MAX, 0, 0], [0, 0, u64::MAX, u64::MAX]];
    for factor in 0..=5 {
        rows.extend(
            [-1, 0, 1].iter().filter(|&&offset| (factor, offset) != (0, -1)).map(|&o| near::<M>(factor, o)),
        );
    }
    // Half of p: where a representative changes sign.
    let half = core::array::from_fn(|i| M::P[i] >> 1 | M::P.get(i + 1).map_or(0, |word| word << 63));
    rows.extend([half, core::array::from_fn(|i| if i == 0 { half[0] + 1 } else { half[i] })]);
    for bits in [51, 52, 64] {
        for bit in (0..256).step_by(bits) {
            let power: Row = core::array::from_fn(|word| if bit / 64 == word { 1 << (bit % 64) } else { 0 });
            // Half a limb too: where signed limbs carry.
            let half: Row =
                core::array::from_fn(|i| power[i] >> 1 | power.get(i + 1).map_or(0, |word| word << 63));
            for power in [power, half] {
                let minus_one = subtract(&power, &[1, 0, 0, 0]).0;
                let plus_one = core::array::from_fn(|i| if i == 0 { power[0] | 1 } else { power[i] });
                rows.extend([power, minus_one, plus_one].into_iter().filter(|row| *row != [u64::MAX; 4]));
            }
            // One limb all ones, and all but one.
            let ones: Row = core::array::from_fn(|word| {
                (0..64).filter(|i| (64 * word + i) / bits == bit / bits).fold(0, |ones, i| ones | 1 << i)
            });
            rows.extend([ones, ones.map(|word| !word)]);
        }
        // Every limb one half and nothing.
        let halves = core::array::from_fn(|word| {
            (0..64).filter(|i| (64 * word + i) % bits == bits - 1).fold(0, |ones, i| ones | 1 << i)
        });
        rows.extend([halves, subtract(&halves, &[1, 0, 0, 0]).0]);
    }
    rows
}

fn random_row(rng: &mut impl RngCore) -> Row {
    core::array::from_fn(|_| rng.next_u64())
}

/// The formulas that [`expected`] has, on four vectors.
struct Formulas<M>([[Row; LANES]; 4], u8, PhantomData<M>);

/// How many formulas there are.
const FORMULAS: usize = 22;

impl<M: Modulus> Kernel for Formulas<M> {
    type Output = [[Row; LANES]; FORMULAS];

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let mut output = [[[0; 4]; LANES]; FORMULAS];
        for start in (0..LANES).step_by(B::LANES) {
            self.run_from(backend, start, &mut output);
        }
        output
    }
}

/// The rows from `start` on, one for each lane.
#[inline(always)]
fn load_ark<B: Backend, M: Modulus>(backend: B, rows: &[Row; LANES], start: usize) -> Reduced<B, M> {
    Reduced::load_ark(backend, B::each(|lane| &rows[start + lane]))
}

/// The same, by way of memory in the backend's form.
#[inline(always)]
fn load_stored<B: Backend, M: Modulus>(backend: B, rows: &[Row; LANES], start: usize) -> Reduced<B, M> {
    let stored = load_ark::<B, M>(backend, rows, start).store();
    Reduced::load(backend, B::each(|lane| &stored.as_ref()[lane]))
}

/// The canonical rows of the same, kept in mind as canonical.
#[inline(always)]
fn load_canonical<B: Backend, M: Modulus>(backend: B, rows: &[Row; LANES], start: usize) -> Canonical<B, M> {
    let stored = load_ark::<B, M>(backend, rows, start).store();
    Canonical::load(backend, B::each(|lane| &stored.as_ref()[lane]))
}

impl<M: Modulus> Formulas<M> {
    /// On a vector that begins at lane `start` of eight.
    #[inline(always)]
    fn run_from<B: Backend>(&self, backend: B, start: usize, output: &mut [[Row; LANES]; FORMULAS]) {
        let Self([a, b, c, d], mask, _) = &self;
        let (rotated, mask) = (mask.rotate_left(3) >> start, mask >> start);
        let [canonical_b, canonical_d] = [b, d].map(|rows| load_canonical::<B, M>(backend, rows, start));
        let a = load_ark::<B, M>(backend, a, start);
        let b = load_ark::<B, M>(backend, b, start);
        let c = load_stored::<B, M>(backend, c, start);
        let d = load_stored::<B, M>(backend, d, start);
        let [once, twice] = a.sub_once_and_twice(canonical_b, canonical_d);
        let [mul_once, mul_twice] = a.mul(c).sub_once_and_twice(canonical_d, canonical_b);
        let (rows, sums, together) = (a.add(b).store(), once.store(), a.add(b).store_two(once));
        for lane in 0..B::LANES {
            assert_eq!(together.as_ref()[lane], [rows.as_ref()[lane], sums.as_ref()[lane]]);
        }
        assert!(canonical_b.lowest_limbs_meet(canonical_b));
        let (b_rows, d_rows) = (Reduced::from(canonical_b).store(), Reduced::from(canonical_d).store());
        if b_rows.into_iter().zip(d_rows).any(|(b, d)| b == d) {
            assert!(canonical_b.lowest_limbs_meet(canonical_d));
        }
        let results: [Sum<B, M>; FORMULAS] = [
            a.into(),
            c.into(),
            a.add(b),
            c.sub(d),
            a.mul(b).into(),
            c.mul(d).into(),
            a.square().into(),
            Reduced::product(&c, &c.add(d).reduce()).into(),
            a.add(b).mul(c.sub(d)).into(),
            a.sub(c).mul(b.sub(d)).add(c.add(d).reduce()),
            c.add(d).square().into(),
            c.sub(d).square().sub(c.add(d).reduce()),
            d.sub_two(b, c).into(),
            Reduced::select(mask, a, Reduced::zero(backend)).add(Reduced::one(backend)),
            Sum::select(mask, a.add(c), a.sub(c)),
            Reduced::add_or_sub(mask, c, b),
            once,
            twice,
            mul_once,
            mul_twice,
            Reduced::signed_difference([mask, !mask], canonical_b, canonical_d),
            Reduced::signed_difference([mask, rotated], canonical_d, canonical_b),
        ];
        for (output, result) in output.iter_mut().zip(results) {
            output[start..start + B::LANES].copy_from_slice(result.store_ark(backend).as_ref());
        }
    }
}

fn expected<F: Field>([a, b, c, d]: [F; 4], selected: bool, other: bool) -> [F; FORMULAS] {
    let signed = |negative: bool, value: F| if negative { -value } else { value };
    [
        a,
        c,
        a + b,
        c - d,
        a * b,
        c * d,
        a * a,
        c * (c + d),
        (a + b) * (c - d),
        (a - c) * (b - d) + c + d,
        (c + d) * (c + d),
        (c - d) * (c - d) - c - d,
        d - b - c,
        if selected { a + F::ONE } else { F::ONE },
        if selected { a + c } else { a - c },
        if selected { c + b } else { c - b },
        a - b - d,
        a - b.double() - d,
        a * c - d - b,
        a * c - d.double() - b,
        signed(selected, b) - signed(!selected, d),
        signed(selected, d) - signed(other, b),
    ]
}

fn formulas_agree<M: Oracle>(operands: [[Row; LANES]; 4], mask: u8) {
    for choice in Choice::tested() {
        let (name, results) = (choice.name(), choice.run(Formulas::<M>(operands, mask, PhantomData)));
        for lane in 0..LANES {
            let values = operands.map(|rows| M::element(&rows[lane]));
            let selected = |mask: u8| mask >> lane & 1 == 1;
            let expected = expected(values, selected(mask), selected(mask.rotate_left(3)));
            for (which, expected) in expected.iter().enumerate() {
                assert_eq!(
                    results[which][lane],
                    M::row(expected),
                    "{name}: formula {which} of {operands:x?}, lane {lane}"
                );
            }
        }
    }
}

fn formulas_agree_at_the_limits<M: Oracle>() {
    let rows = hard_rows::<M>();
    for (i, a) in rows.iter().enumerate() {
        for step in 0..rows.len().div_ceil(LANES) {
            let other =
                |shift: usize| core::array::from_fn(|lane| rows[(step * LANES + lane + shift) % rows.len()]);
            formulas_agree::<M>([[*a; LANES], other(0), other(i), other(3 * i)], (step + i) as u8);
        }
    }
}

#[test]
fn formulas_agree_with_ark_ff_at_the_limits_of_words_limbs_and_moduli() {
    formulas_agree_at_the_limits::<Base>();
    formulas_agree_at_the_limits::<Scalar>();
}

fn formulas_agree_at_random<M: Oracle>(rounds: usize) {
    let mut rng = ark_std::test_rng();
    let hard = hard_rows::<M>();
    for _ in 0..rounds {
        let operands = core::array::from_fn(|_| {
            core::array::from_fn(|_| match rng.next_u32() % 4 {
                0 => hard[rng.gen_range(0..hard.len())],
                _ => random_row(&mut rng),
            })
        });
        formulas_agree::<M>(operands, rng.next_u32() as u8);
    }
}

#[test]
fn formulas_agree_with_ark_ff_on_random_numbers() {
    formulas_agree_at_random::<Base>(500);
    formulas_agree_at_random::<Scalar>(500);
}

/// Minutes of it: 2^19 vectors of each modulus, of seven products each.
#[test]
#[ignore = "takes minutes; scripts/test-vectors runs it"]
fn formulas_agree_with_ark_ff_on_millions_of_random_numbers() {
    formulas_agree_at_random::<Base>(1 << 19);
    formulas_agree_at_random::<Scalar>(1 << 19);
}

/// Products, squares, sums and differences in Fq2.
struct FormulasFq2([[Row; LANES]; 4]);

/// How many there are.
const FORMULAS_FQ2: usize = 7;

impl Kernel for FormulasFq2 {
    type Output = [[[Row; LANES]; 2]; FORMULAS_FQ2];

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let mut output = [[[[0; 4]; LANES]; 2]; FORMULAS_FQ2];
        for start in (0..LANES).step_by(B::LANES) {
            self.run_from(backend, start, &mut output);
        }
        output
    }
}

impl FormulasFq2 {
    /// On a vector that begins at lane `start` of eight.
    #[inline(always)]
    fn run_from<B: Backend>(&self, backend: B, start: usize, output: &mut [[[Row; LANES]; 2]; FORMULAS_FQ2]) {
        let [a0, a1, b0, b1] = self.0.each_ref().map(|rows| load_ark::<B, Base>(backend, rows, start));
        let (a, b) = (ReducedFq2 { c0: a0, c1: a1 }, ReducedFq2 { c0: b0, c1: b1 });
        let results: [SumFq2<B>; FORMULAS_FQ2] = [
            a.mul(b).into(),
            a.square().into(),
            a.add(b),
            a.sub(b),
            a.add(b).mul(a.sub(b)).into(),
            a.sub(b).square().into(),
            b.mul(a.add(b)).sub(a),
        ];
        for (output, result) in output.iter_mut().zip(results) {
            let parts = [result.c0.store_ark(backend), result.c1.store_ark(backend)];
            for (output, part) in output.iter_mut().zip(parts) {
                output[start..start + B::LANES].copy_from_slice(part.as_ref());
            }
        }
    }
}

fn fq2_agrees(operands: [[Row; LANES]; 4]) {
    for choice in Choice::tested() {
        let results = choice.run(FormulasFq2(operands));
        for lane in 0..LANES {
            let [a0, a1, b0, b1] = operands.map(|rows| Base::element(&rows[lane]));
            let (a, b) = (Fq2::new(a0, a1), Fq2::new(b0, b1));
            let expected =
                [a * b, a * a, a + b, a - b, (a + b) * (a - b), (a - b) * (a - b), b * (a + b) - a];
            for (which, expected) in expected.iter().enumerate() {
                let result = results[which].map(|rows| rows[lane]);
                let name = choice.name();
                assert_eq!(
                    result,
                    [expected.c0.0.0, expected.c1.0.0],
                    "{name}: formula {which} of {operands:x?}"
                );
            }
        }
    }
}

#[test]
fn formulas_in_fq2_agree_with_ark_ff() {
    let rows = hard_rows::<Base>();
    let mut rng = ark_std::test_rng();
    for (i, a) in rows.iter().enumerate() {
        let other = |shift: usize| core::array::from_fn(|lane| rows[(i * LANES + lane + shift) % rows.len()]);
        fq2_agrees([[*a; LANES], other(0), other(i), other(3 * i)]);
    }
    for _ in 0..500 {
        fq2_agrees(core::array::from_fn(|_| core::array::from_fn(|_| random_row(&mut rng))));
    }
}
