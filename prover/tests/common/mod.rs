//! Circuits that several tests use.

#![allow(dead_code, unreachable_pub)] // each test uses a part

use ark_bn254::Fr;
use ark_ff::{Field, One, UniformRand, Zero};
use rand::Rng;
use zkpov_prover::R1cs;

/// One row: coefficients and variables.
pub type Row = Vec<(Fr, usize)>;

/// A satisfied system as rows, with its assignment.
#[derive(Clone, Debug)]
pub struct Circuit {
    pub num_instance: usize,
    pub assignment: Vec<Fr>,
    pub rows: [Vec<Row>; 3],
}

impl Circuit {
    pub fn r1cs(&self) -> R1cs {
        let [a, b, c] = &self.rows;
        R1cs::from_rows(self.num_instance, self.assignment.len() - self.num_instance, [a, b, c]).unwrap()
    }

    pub fn public_inputs(&self) -> &[Fr] {
        &self.assignment[1..self.num_instance]
    }
}

/// Shape of a random circuit.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub constraints: usize,
    pub public_inputs: usize,
    pub witness: usize,
    pub empty_rows: bool,
    pub b_empty: bool,
}

fn value(terms: &Row, assignment: &[Fr]) -> Fr {
    terms.iter().map(|(coefficient, variable)| assignment[*variable] * coefficient).sum()
}

/// A random satisfied circuit: sparse rows of A and B, and in C whatever makes the row hold.
pub fn random_circuit(shape: Shape, rng: &mut impl Rng) -> Circuit {
    let num_variables = 1 + shape.public_inputs + shape.witness;
    let mut assignment: Vec<Fr> = (0..num_variables).map(|_| Fr::rand(rng)).collect();
    assignment[0] = Fr::one();
    let mut rows: [Vec<Row>; 3] = Default::default();
    for i in 0..shape.constraints {
        let row = |empty: bool, rng: &mut _| -> Row {
            let terms = if empty { 0 } else { Rng::gen_range(rng, 1..4) };
            (0..terms)
                .map(|_| {
                    let coefficient = if Rng::gen_bool(rng, 0.5) { Fr::one() } else { Fr::rand(rng) };
                    (coefficient, Rng::gen_range(rng, 0..num_variables))
                })
                .collect()
        };
        let a = row(shape.empty_rows && i % 3 == 0, rng);
        let b = row(shape.b_empty || shape.empty_rows && i % 5 == 0, rng);
        let product = value(&a, &assignment) * value(&b, &assignment);
        let variable = rng.gen_range(0..num_variables);
        let c = match assignment[variable].inverse() {
            Some(inverse) if !product.is_zero() => vec![(product * inverse, variable)],
            _ => vec![],
        };
        rows[0].push(a);
        rows[1].push(b);
        rows[2].push(c);
    }
    Circuit { num_instance: 1 + shape.public_inputs, assignment, rows }
}

/// m <- (m + 7)^2, `constraints` times, from a secret start to a public end; A and B are dense.
pub fn chain(constraints: usize) -> Circuit {
    let (one, seven) = (Fr::one(), Fr::from(7u64));
    // Variables: 1, end, start, then every state but the last.
    let mut state = Fr::from(3u64);
    let mut assignment = vec![one, Fr::zero(), state];
    let mut rows: [Vec<Row>; 3] = Default::default();
    for i in 0..constraints {
        let sum = vec![(one, i + 2), (seven, 0)];
        state = (state + seven).square();
        let next = if i + 1 == constraints { 1 } else { i + 3 };
        rows[0].push(sum.clone());
        rows[1].push(sum);
        rows[2].push(vec![(one, next)]);
        if next == 1 { assignment[1] = state } else { assignment.push(state) }
    }
    Circuit { num_instance: 2, assignment, rows }
}
