//! What proving promises.

mod common;

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use common::chain;
use std::sync::Mutex;
use zkpov_prover::progress::phase;
use zkpov_prover::{
    Options, PROOF_BYTES, Proof, ProofEncodingError, ProveError, ToxicWaste, VerifyError, prove, setup,
    setup_with_toxic_waste, verify,
};

#[test]
fn a_wrong_assignment_is_refused_before_any_work_and_the_constraint_is_named() {
    let circuit = chain(20);
    let key = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let phases = Mutex::new(Vec::new());
    let record = |name: &'static str, _: u64, _: u64| phases.lock().unwrap().push(name);
    let refused =
        |assignment: &[Fr]| prove(&key, assignment, &Options::default().with_progress(&record)).unwrap_err();

    let mut wrong = circuit.assignment.clone();
    wrong[1] += Fr::one();
    assert!(matches!(refused(&wrong), ProveError::Unsatisfied { row: 19 }));
    // The state after the first row: the first row that holds it is row 0.
    let mut wrong = circuit.assignment.clone();
    wrong[3] = Fr::zero();
    assert!(matches!(refused(&wrong), ProveError::Unsatisfied { row: 0 }));
    assert!(phases.lock().unwrap().iter().all(|&name| name == phase::PROVE_WITNESS_CHECK));

    let short = &circuit.assignment[1..];
    assert!(matches!(refused(short), ProveError::AssignmentLength { expected: 22, found: 21 }));
    assert!(matches!(refused(&[]), ProveError::AssignmentLength { .. }));
    let mut wrong = circuit.assignment.clone();
    wrong[0] = Fr::zero();
    assert!(matches!(refused(&wrong), ProveError::FirstIsNotOne));
}

#[test]
fn two_proofs_of_one_assignment_share_no_element() {
    let circuit = chain(20);
    let key = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let mut proofs = [(); 2].map(|()| prove(&key, &circuit.assignment, &Options::default()).unwrap());
    let [first, second] = &mut proofs;
    assert!(first.a() != second.a() && first.b() != second.b() && first.c() != second.c());
}

#[test]
fn secrets_of_two_set_ups_differ_and_given_ones_reproduce_the_file() {
    let circuit = chain(5);
    let keys = [(); 2].map(|()| setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap());
    assert_ne!(keys[0].verifying_key().delta_g2(), keys[1].verifying_key().delta_g2());
    assert_ne!(keys[0].verifying_key().alpha_g1(), keys[1].verifying_key().alpha_g1());

    let directory = tempfile::tempdir().unwrap();
    let files = ["one", "two"].map(|name| {
        let [tau, alpha, beta, delta] = [3u64, 5, 7, 11].map(Fr::from);
        let waste = ToxicWaste::insecure(tau, alpha, beta, delta).unwrap();
        let path = directory.path().join(name);
        setup_with_toxic_waste(&circuit.r1cs(), [1; 32], &waste, &Options::default())
            .unwrap()
            .write(&path)
            .unwrap();
        std::fs::read(path).unwrap()
    });
    assert_eq!(files[0], files[1]);
    assert!(ToxicWaste::insecure(Fr::one(), Fr::one(), Fr::zero(), Fr::one()).is_none());
    // tau on the domain: its polynomials vanish or are 1 there.
    let waste = ToxicWaste::insecure(Fr::one(), Fr::one(), Fr::one(), Fr::one()).unwrap();
    assert!(setup_with_toxic_waste(&circuit.r1cs(), [1; 32], &waste, &Options::default()).is_err());
}

#[test]
fn a_proof_holds_for_its_inputs_and_its_key_only() {
    let circuit = chain(20);
    let key = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let other = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let proof = prove(&key, &circuit.assignment, &Options::default()).unwrap();
    let inputs = circuit.public_inputs();
    assert_eq!(verify(key.verifying_key(), inputs, &proof), Ok(()));
    assert_eq!(verify(key.verifying_key(), &[inputs[0] + Fr::one()], &proof), Err(VerifyError::Refused));
    assert_eq!(verify(other.verifying_key(), inputs, &proof), Err(VerifyError::Refused));
    let error = Err(VerifyError::PublicInputs { expected: 1, found: 0 });
    assert_eq!(verify(key.verifying_key(), &[], &proof), error);
}

#[test]
fn proof_bytes_decode_to_the_proof_and_no_others_do() {
    let circuit = chain(20);
    let key = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let proof = prove(&key, &circuit.assignment, &Options::default()).unwrap();
    let bytes = proof.to_bytes();
    assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
    assert_eq!(Proof::from_bytes(&bytes[1..]), Err(ProofEncodingError::Length { found: PROOF_BYTES - 1 }));
    for at in 0..PROOF_BYTES {
        for bit in 0..8 {
            let mut changed = bytes;
            changed[at] ^= 1 << bit;
            if let Ok(other) = Proof::from_bytes(&changed) {
                assert_ne!(other, proof);
                assert!(
                    verify(key.verifying_key(), circuit.public_inputs(), &other).is_err(),
                    "byte {at} bit {bit}"
                );
            }
        }
    }
}

#[test]
fn phases_come_in_their_documented_order() {
    let circuit = chain(20);
    let phases = Mutex::new(Vec::new());
    let record = |name: &'static str, done: u64, total: u64| {
        if done == total {
            phases.lock().unwrap().push(name);
        }
    };
    let options = Options::default().with_progress(&record);
    let key = setup(&circuit.r1cs(), [0; 32], &options).unwrap();
    assert_eq!(*phases.lock().unwrap(), [phase::SETUP_QAP, phase::SETUP_POINTS]);
    phases.lock().unwrap().clear();
    prove(&key, &circuit.assignment, &options).unwrap();
    let mut seen = phases.lock().unwrap().clone();
    // The multiplication in G2 runs beside those between the check and the verification.
    let beside = seen.iter().position(|&name| name == phase::PROVE_MSM_B_G2).unwrap();
    assert!((1..seen.len() - 1).contains(&beside));
    seen.remove(beside);
    let expected = [
        phase::PROVE_WITNESS_CHECK,
        phase::PROVE_QAP,
        phase::PROVE_MSM_H,
        phase::PROVE_MSM_L,
        phase::PROVE_MSM_A,
        phase::PROVE_MSM_B_G1,
        phase::PROVE_VERIFY,
    ];
    assert_eq!(seen, expected);
}
