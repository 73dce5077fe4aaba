//! Stock ark-groth16 as the oracle: with the same secrets and randomness, the same verifying key and the same proof bytes.

mod common;

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ff::{One, UniformRand};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Result as SynthesisResult, Variable,
};
use ark_serialize::CanonicalSerialize;
use common::{Circuit, Row, Shape, random_circuit};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use zkpov_prover::{
    OddCosetReduction, Options, ToxicWaste, prove_with_randomness, setup_with_toxic_waste, verify,
};

/// The circuit as arkworks takes it.
struct Synthesis<'a>(&'a Circuit);

impl ConstraintSynthesizer<Fr> for Synthesis<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> SynthesisResult<()> {
        let circuit = self.0;
        let mut variables = vec![Variable::One];
        for (i, value) in circuit.assignment.iter().enumerate().skip(1) {
            variables.push(if i < circuit.num_instance {
                cs.new_input_variable(|| Ok(*value))?
            } else {
                cs.new_witness_variable(|| Ok(*value))?
            });
        }
        let combination = |row: &Row| {
            row.iter()
                .fold(LinearCombination::zero(), |sum, &(coefficient, i)| sum + (coefficient, variables[i]))
        };
        let [a, b, c] = &circuit.rows;
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            cs.enforce_r1cs_constraint(|| combination(a), || combination(b), || combination(c))?;
        }
        Ok(())
    }
}

/// Proof bytes of ark-groth16 and of this crate for the same secrets.
fn both<Reduction: R1CSToQAP>(circuit: &Circuit, rng: &mut StdRng) -> (Vec<u8>, Vec<u8>) {
    let [alpha, beta, delta, r, s] = [(); 5].map(|()| Fr::rand(rng));
    let rows = circuit.rows[0].len() + circuit.num_instance;
    // ark-groth16 draws tau itself; a copy of its source of randomness gives the same.
    let tau =
        GeneralEvaluationDomain::<Fr>::new(rows).unwrap().sample_element_outside_domain(&mut rng.clone());
    let key = Groth16::<Bn254, Reduction>::generate_parameters_with_qap(
        Synthesis(circuit),
        alpha,
        beta,
        Fr::one(),
        delta,
        G1Projective::generator(),
        G2Projective::generator(),
        rng,
    )
    .unwrap();
    let proof =
        Groth16::<Bn254, Reduction>::create_proof_with_reduction(Synthesis(circuit), &key, r, s).unwrap();
    let mut theirs = Vec::new();
    proof.serialize_compressed(&mut theirs).unwrap();

    let waste = ToxicWaste::insecure(tau, alpha, beta, delta).unwrap();
    let ours = setup_with_toxic_waste(&circuit.r1cs(), [7; 32], &waste, &Options::default()).unwrap();
    ours.check(&Options::default()).unwrap();
    let vk = ours.verifying_key();
    assert_eq!(
        (vk.alpha_g1(), vk.beta_g2(), vk.delta_g2(), vk.ic()),
        (&key.vk.alpha_g1, &key.vk.beta_g2, &key.vk.delta_g2, &key.vk.gamma_abc_g1[..])
    );
    let proof = prove_with_randomness(&ours, &circuit.assignment, (&r, &s), &Options::default()).unwrap();
    verify(vk, circuit.public_inputs(), &proof).unwrap();
    (theirs, proof.to_bytes().to_vec())
}

/// Circuits whose proofs are compared. `scripts/test` runs this once for each vector backend of the processor (`ZKPOV_VECTORS`).
const CIRCUITS: usize = 200;

fn shapes(rng: &mut StdRng) -> Vec<Shape> {
    let shape = |constraints, public_inputs, witness| Shape {
        constraints,
        public_inputs,
        witness,
        empty_rows: false,
        b_empty: false,
    };
    let mut shapes = vec![
        shape(1, 0, 1),
        shape(1, 1, 1),
        shape(1, 1, 0),
        shape(3, 0, 5),
        // Rows (constraints, the constant and the public inputs) fill a power of two, and are one above it.
        shape(6, 1, 4),
        shape(7, 1, 4),
        shape(15, 0, 9),
        shape(16, 0, 9),
        shape(60, 3, 30),
        shape(61, 3, 30),
        shape(252, 3, 90),
        shape(253, 3, 90),
        shape(1020, 3, 400),
        shape(1021, 3, 400),
        // Many unused variables; more public inputs than constraints.
        shape(4, 1, 60),
        shape(2, 20, 3),
        Shape { b_empty: true, ..shape(5, 1, 5) },
        Shape { b_empty: true, ..shape(1, 0, 1) },
        Shape { empty_rows: true, ..shape(1, 1, 1) },
        Shape { empty_rows: true, ..shape(33, 2, 20) },
    ];
    while shapes.len() < CIRCUITS {
        shapes.push(Shape {
            empty_rows: rng.r#gen(),
            b_empty: rng.gen_ratio(1, 20),
            ..shape(rng.gen_range(1..200), rng.gen_range(0..6), rng.gen_range(1..150))
        });
    }
    shapes
}

#[test]
fn proofs_have_the_bytes_of_ark_groth16_for_circuits_of_odd_shapes() {
    let mut rng = StdRng::seed_from_u64(1);
    for shape in shapes(&mut rng) {
        let circuit = random_circuit(shape, &mut rng);
        let (theirs, ours) = both::<LibsnarkReduction>(&circuit, &mut rng);
        assert_eq!(theirs, ours, "{shape:?}");
    }
}

#[test]
fn the_reduction_works_in_ark_groth16_too() {
    let mut rng = StdRng::seed_from_u64(2);
    for shape in shapes(&mut rng).into_iter().take(16) {
        let circuit = random_circuit(shape, &mut rng);
        let (theirs, ours) = both::<OddCosetReduction>(&circuit, &mut rng);
        assert_eq!(theirs, ours, "{shape:?}");
    }
}
