//! Nanoseconds an element of each vector operation, on every backend that this processor runs, beside `ark-ff`. All are measured in
//! turn, many times over; the minimum and the median are printed.
//!
//! ```sh
//! cargo run --release -p zkpov-prover --example vectors
//! ```

use ark_bn254::{Fq, Fq2};
use ark_ff::{Field, UniformRand};
use std::hint::black_box;
use std::time::Instant;

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the crate's own module, of which this uses a part"
)]
#[path = "../src/vector/mod.rs"]
mod vector;

use vector::{Backend, Base, Choice, Kernel, LANES, Reduced, ReducedFq2, Row, Sum, SumFq2};

/// Vectors in an array: few enough for the first-level cache.
const COUNT: usize = 16;
/// Passes over the array in one measurement.
const PASSES: usize = 64;
/// Measurements of each operation.
const ROUNDS: usize = 300;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Mul,
    MulLatency,
    MulSum,
    Square,
    SquareLatency,
    MulFq2,
    MulFq2Sums,
    SquareFq2,
    Reduce,
    Load,
    Store,
    LoadArk,
    StoreArk,
}

impl Operation {
    const ALL: [Self; 13] = [
        Self::Mul,
        Self::MulLatency,
        Self::MulSum,
        Self::Square,
        Self::SquareLatency,
        Self::MulFq2,
        Self::MulFq2Sums,
        Self::SquareFq2,
        Self::Reduce,
        Self::Load,
        Self::Store,
        Self::LoadArk,
        Self::StoreArk,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Mul => "product",
            Self::MulLatency => "product, each of the one before",
            Self::MulSum => "product of a difference and a reduced value",
            Self::Square => "square",
            Self::SquareLatency => "square, each of the one before",
            Self::MulFq2 => "product in Fq2",
            Self::MulFq2Sums => "product in Fq2 of a difference and a reduced value",
            Self::SquareFq2 => "square in Fq2",
            Self::Reduce => "difference, reduced",
            Self::Load => "load",
            Self::Store => "store",
            Self::LoadArk => "load from ark-ff's form",
            Self::StoreArk => "store in ark-ff's form",
        }
    }
}

/// Values in memory.
struct Data {
    a: Vec<[Row; LANES]>,
    b: Vec<[Row; LANES]>,
}

/// One measurement, the time in ns an element.
struct Measure<'a>(Operation, &'a Data);

impl Kernel for Measure<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> f64 {
        self.time(backend) / B::LANES as f64
    }
}

impl Measure<'_> {
    /// The time of a vector.
    #[inline(always)]
    fn time<B: Backend>(self, backend: B) -> f64 {
        let Self(operation, data) = self;
        let load = |rows: &[Row; LANES]| Reduced::<B, Base>::load(backend, B::each(|lane| &rows[lane]));
        let a: [Reduced<B, Base>; COUNT] = core::array::from_fn(|i| load(&data.a[i]));
        let b: [Reduced<B, Base>; COUNT] = core::array::from_fn(|i| load(&data.b[i]));
        let mut out = a;
        match operation {
            Operation::Mul => timed(&mut out, |out, i| out[i] = Reduced::product(&a[i], &b[i])),
            Operation::MulLatency => timed(&mut out, |out, i| out[0] = Reduced::product(&out[0], &b[i])),
            Operation::MulSum => timed(&mut out, |out, i| out[i] = a[i].mul(a[i].sub(b[i]))),
            Operation::Square => timed(&mut out, |out, i| out[i] = a[i].square()),
            Operation::SquareLatency => timed(&mut out, |out, _| out[0] = out[0].square()),
            Operation::Reduce => timed(&mut out, |out, i| out[i] = a[i].sub(b[i]).reduce()),
            Operation::MulFq2 | Operation::MulFq2Sums | Operation::SquareFq2 => {
                let x: [ReducedFq2<B>; COUNT] = core::array::from_fn(|i| ReducedFq2 { c0: a[i], c1: b[i] });
                let mut out = x;
                match operation {
                    Operation::MulFq2 => timed(&mut out, |out, i| out[i] = x[i].mul(x[COUNT - 1 - i])),
                    Operation::MulFq2Sums => timed(&mut out, |out, i| {
                        out[i] = SumFq2::from(x[i]).mul(x[i].sub(x[COUNT - 1 - i]));
                    }),
                    _ => timed(&mut out, |out, i| out[i] = x[i].square()),
                }
            }
            Operation::Load => {
                let rows = &data.a;
                timed(&mut out, |out, i| out[i] = load(&rows[i]))
            }
            Operation::LoadArk => {
                let rows = &data.a;
                timed(&mut out, |out, i| out[i] = Reduced::load_ark(backend, B::each(|lane| &rows[i][lane])))
            }
            Operation::Store => {
                let mut out = vec![a[0].store(); COUNT];
                timed(&mut out, |out, i| out[i] = a[i].store())
            }
            Operation::StoreArk => {
                let mut out = vec![a[0].store(); COUNT];
                timed(&mut out, |out, i| out[i] = Sum::from(a[i]).store_ark(backend))
            }
        }
    }
}

/// The time of a step for each index, in ns.
#[inline(always)]
fn timed<T: ?Sized>(out: &mut T, mut step: impl FnMut(&mut T, usize)) -> f64 {
    let start = Instant::now();
    for _ in 0..PASSES {
        for i in 0..COUNT {
            step(out, i);
        }
        black_box(&mut *out);
    }
    start.elapsed().as_secs_f64() * 1e9 / (PASSES * COUNT) as f64
}

/// The same with `ark-ff`, for eight elements at a time.
fn ark(operation: Operation, a: &[Fq], b: &[Fq]) -> Option<f64> {
    let x: Vec<Fq2> = a.iter().zip(b).map(|(a, b)| Fq2::new(*a, *b)).collect();
    let (mut out, mut out2) = (a.to_vec(), x.clone());
    let lanes = |i: usize| i * LANES..(i + 1) * LANES;
    Some(match operation {
        Operation::Mul => timed(&mut out, |out, i| lanes(i).for_each(|i| out[i] = a[i] * b[i])),
        Operation::MulLatency => timed(&mut out, |out, i| lanes(i).for_each(|i| out[0] *= b[i])),
        Operation::MulSum => timed(&mut out, |out, i| lanes(i).for_each(|i| out[i] = a[i] * (a[i] - b[i]))),
        Operation::Square => timed(&mut out, |out, i| lanes(i).for_each(|i| out[i] = a[i].square())),
        Operation::SquareLatency => timed(&mut out, |out, i| lanes(i).for_each(|_| out[0] = out[0].square())),
        Operation::Reduce => timed(&mut out, |out, i| lanes(i).for_each(|i| out[i] = a[i] - b[i])),
        Operation::MulFq2 => {
            timed(&mut out2, |out, i| lanes(i).for_each(|i| out[i] = x[i] * x[x.len() - 1 - i]))
        }
        Operation::MulFq2Sums => {
            timed(&mut out2, |out, i| lanes(i).for_each(|i| out[i] = x[i] * (x[i] - x[x.len() - 1 - i])))
        }
        Operation::SquareFq2 => timed(&mut out2, |out, i| lanes(i).for_each(|i| out[i] = x[i].square())),
        _ => return None,
    })
}

fn main() {
    let mut rng = ark_std::test_rng();
    let mut random = || (0..COUNT * LANES).map(|_| Fq::rand(&mut rng)).collect::<Vec<_>>();
    let (a, b) = (random(), random());
    let rows = |values: &[Fq]| -> Vec<[Row; LANES]> {
        values.chunks_exact(LANES).map(|eight| core::array::from_fn(|i| eight[i].0.0)).collect()
    };
    let data = Data { a: rows(&a), b: rows(&b) };

    let only = std::env::args().nth(1);
    let backends = Choice::available();
    let mut columns: Vec<&str> = backends.iter().map(|choice| choice.name()).collect();
    columns.push("ark-ff");
    println!("ns an element, minimum and median of {ROUNDS} measurements");
    print!("{:<52}", "");
    columns.iter().for_each(|name| print!("{name:>18}"));
    println!();
    for operation in Operation::ALL {
        if only.as_ref().is_some_and(|only| !operation.name().starts_with(only.as_str())) {
            continue;
        }
        let mut times = vec![Vec::new(); columns.len()];
        for _ in 0..ROUNDS {
            for (times, choice) in times.iter_mut().zip(&backends) {
                times.push(choice.run(Measure(operation, &data)));
            }
            if let (Some(times), Some(time)) = (times.last_mut(), ark(operation, &a, &b)) {
                times.push(time / LANES as f64);
            }
        }
        print!("{:<52}", operation.name());
        for times in &mut times {
            times.sort_by(f64::total_cmp);
            match (times.first(), times.get(times.len() / 2)) {
                (Some(minimum), Some(median)) => print!("{:>18}", format!("{minimum:.2} {median:.2}")),
                _ => print!("{:>18}", "-"),
            }
        }
        println!();
    }
}
