//! The pairing check against `ark-groth16`, and the keys under which anyone could forge.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_groth16::{Groth16, Proof as ArkProof, VerifyingKey as ArkKey, prepare_verifying_key};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError, Variable};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use zkpov_verifier::groth16::{
    BatchItem, G2_BYTES, PROOF_BYTES, Point, PointCause, PointError, PreparedVerifyingKey, Proof,
    ProofRejected, VERIFYING_KEY_BYTES, VerifyingKey, VerifyingKeyError, verify_batch, verify_each,
};
use zkpov_verifier::testing::{Trapdoor, element, g1, g2};

/// I know a square root of the public input.
#[derive(Clone, Copy)]
struct SquareRoot {
    square: Fr,
    root: Fr,
}

impl ConstraintSynthesizer<Fr> for SquareRoot {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let square = cs.new_input_variable(|| Ok(self.square))?;
        let root = cs.new_witness_variable(|| Ok(self.root))?;
        let lc = |variable: Variable| move || ark_relations::lc!() + variable;
        cs.enforce_r1cs_constraint(lc(root), lc(root), lc(square))
    }
}

fn ark_key(rng: &mut StdRng) -> ark_groth16::ProvingKey<Bn254> {
    let circuit = SquareRoot { square: Fr::ONE, root: Fr::ONE };
    Groth16::<Bn254>::generate_parameters_with_qap(
        circuit,
        element("alpha"),
        element("beta"),
        Fr::ONE, // γ = 1, as in every key of ours
        element("delta"),
        G1Projective::generator(),
        G2Projective::generator(),
        rng,
    )
    .expect("a circuit of one constraint")
}

fn ours(key: &ArkKey<Bn254>) -> Result<VerifyingKey, VerifyingKeyError> {
    let ic = key.gamma_abc_g1.as_slice().try_into().expect("one public input");
    VerifyingKey::new(key.alpha_g1, key.beta_g2, key.delta_g2, ic)
}

#[test]
fn what_ark_groth16_proves_is_accepted_and_for_no_other_input() {
    let mut rng = StdRng::seed_from_u64(1);
    let proving_key = ark_key(&mut rng);
    let prepared = PreparedVerifyingKey::from(&ours(&proving_key.vk).expect("a key"));
    let ark_prepared = prepare_verifying_key(&proving_key.vk);
    for round in 0..20u64 {
        let root = Fr::from(round) + element("root");
        let circuit = SquareRoot { square: root.square(), root };
        let proof = Groth16::<Bn254>::create_random_proof_with_reduction(circuit, &proving_key, &mut rng)
            .expect("a proof");
        let mut bytes = Vec::new();
        proof.serialize_compressed(&mut bytes).expect("to memory");
        let decoded = Proof::decode(&bytes).expect("arkworks' compressed form is ours");
        assert_eq!(decoded.encode().to_vec(), bytes);
        for (input, expected) in
            [(circuit.square, true), (circuit.square + Fr::ONE, false), (Fr::ZERO, false)]
        {
            assert_eq!(prepared.verify(input, &decoded).is_ok(), expected);
            let theirs = Groth16::<Bn254>::verify_proof(&ark_prepared, &proof, &[input]);
            assert_eq!(theirs.expect("one input"), expected);
        }
    }
}

/// The key of points that no check has seen: its equation, written with arkworks' own verifier.
fn accepts_unchecked(key: &ArkKey<Bn254>, input: Fr, a: G1Affine, b: G2Affine, c: G1Affine) -> bool {
    let proof = ArkProof { a, b, c };
    Groth16::<Bn254>::verify_proof(&prepare_verifying_key(key), &proof, &[input]).expect("one input")
}

/// A key of these logarithms, without ours' checks.
fn unchecked_key(alpha: Fr, beta: Fr, delta: Fr, ic: [Fr; 2]) -> ArkKey<Bn254> {
    ArkKey {
        alpha_g1: g1(alpha),
        beta_g2: g2(beta),
        gamma_g2: G2Affine::generator(),
        delta_g2: g2(delta),
        gamma_abc_g1: ic.map(g1).to_vec(),
    }
}

/// First the forgery that a key would allow, then that the key is refused.
#[test]
fn keys_under_which_anyone_forges_are_refused() {
    let Trapdoor { alpha, beta, delta, ic } = Trapdoor::new("honest");
    let (x, gamma, zero) = (element("any input"), G2Affine::generator(), Fr::ZERO);
    let input_point = |key: &ArkKey<Bn254>| (key.gamma_abc_g1[0] + key.gamma_abc_g1[1] * x).into_affine();
    let infinity = |point| VerifyingKeyError::Point(PointError { point, cause: PointCause::Infinity });
    let sum = |one: G1Affine, other: G1Affine| (one + other).into_affine();

    for (alpha, beta, point) in [(zero, beta, Point::Alpha), (alpha, zero, Point::Beta)] {
        let key = unchecked_key(alpha, beta, delta, ic);
        assert!(accepts_unchecked(&key, x, input_point(&key), gamma, G1Affine::zero()));
        assert_eq!(ours(&key), Err(infinity(point)));
    }
    for delta in [Fr::ONE, -Fr::ONE] {
        let key = unchecked_key(alpha, beta, delta, ic);
        let c = if delta == Fr::ONE { -input_point(&key) } else { input_point(&key) };
        assert!(accepts_unchecked(&key, x, key.alpha_g1, key.beta_g2, c));
        assert_eq!(ours(&key), Err(VerifyingKeyError::Degenerate("delta", "gamma")));
    }
    for beta in [Fr::ONE, -Fr::ONE] {
        let key = unchecked_key(alpha, beta, delta, ic);
        let a = if beta == Fr::ONE { key.alpha_g1 } else { -key.alpha_g1 };
        assert!(accepts_unchecked(&key, x, sum(a, input_point(&key)), gamma, G1Affine::zero()));
        assert_eq!(ours(&key), Err(VerifyingKeyError::Degenerate("beta", "gamma")));
    }
    for delta in [beta, -beta] {
        let key = unchecked_key(alpha, beta, delta, ic);
        let b = (key.beta_g2 + gamma).into_affine();
        let a = input_point(&key);
        let c = sum(a, -key.alpha_g1);
        assert!(accepts_unchecked(&key, x, a, b, if delta == beta { c } else { -c }));
        assert_eq!(ours(&key), Err(VerifyingKeyError::Degenerate("beta", "delta")));
    }
    // IC1 at infinity: a proof of one input proves every other.
    let key = unchecked_key(alpha, beta, delta, [ic[0], zero]);
    let honest = Trapdoor { alpha, beta, delta, ic: [ic[0], zero] };
    let c = (element("a") * element("b") - alpha * beta - ic[0]) * honest.delta.inverse().expect("nonzero");
    for input in [x, x + Fr::ONE] {
        assert!(accepts_unchecked(&key, input, g1(element("a")), g2(element("b")), g1(c)));
    }
    assert_eq!(ours(&key), Err(infinity(Point::Ic1)));
    assert_eq!(ours(&unchecked_key(alpha, beta, delta, [zero, ic[1]])), Err(infinity(Point::Ic0)));
    assert_eq!(ours(&unchecked_key(alpha, beta, zero, ic)), Err(infinity(Point::Delta)));
    assert!(ours(&unchecked_key(alpha, beta, delta, ic)).is_ok());
}

/// A point of the twist outside the subgroup.
fn outside() -> G2Affine {
    let x = |c0: u64| Fq2::new(Fq::from(c0), Fq::ONE);
    let point = (0..).find_map(|c0| G2Affine::get_point_from_x_unchecked(x(c0), false));
    point.expect("half of all x have one")
}

/// Without the subgroup's check, C and B + T (T of small order) could be a second proof, or a forgery.
#[test]
fn points_off_the_curve_or_the_subgroup_make_no_key_and_no_proof() {
    let key = Trapdoor::new("honest").verifying_key();
    let proof = Trapdoor::new("honest").simulate(Fr::ONE, element("a"), element("b"));
    let mut bytes = key.encode();
    let mut encoded = [0; G2_BYTES];
    outside().serialize_compressed(encoded.as_mut_slice()).expect("64 bytes");
    assert!(outside().is_on_curve());
    for (point, at) in [(Point::Beta, 32), (Point::Delta, 96)] {
        let kept = bytes;
        bytes[at..at + G2_BYTES].copy_from_slice(&encoded);
        let cause = PointCause::NotInSubgroup;
        assert_eq!(VerifyingKey::decode(&bytes), Err(PointError { point, cause }.into()));
        bytes = kept;
    }
    assert_eq!(VerifyingKey::decode(&bytes), Ok(key));
    let off = G1Affine::new_unchecked(Fq::ONE, Fq::ONE);
    let on = G1Affine::generator();
    let cause = |result: Result<Proof, PointError>| result.expect_err("refused").cause;
    assert_eq!(cause(Proof::new(off, g2(Fr::ONE), on)), PointCause::NotOnCurve);
    assert_eq!(cause(Proof::new(on, outside(), on)), PointCause::NotInSubgroup);
    assert_eq!(cause(Proof::new(on, g2(Fr::ONE), G1Affine::zero())), PointCause::Infinity);
    assert_eq!(proof.encode().len(), PROOF_BYTES);
}

/// arkworks tests the subgroup by an endomorphism; multiplication by the order is the definition.
#[test]
fn the_subgroup_check_is_multiplication_by_the_order() {
    for c0 in 0..40u64 {
        let x = Fq2::new(Fq::from(c0), Fq::from(7u64));
        let Some(point) = G2Affine::get_point_from_x_unchecked(x, true) else { continue };
        let cleared = point.clear_cofactor();
        // Of an order that divides the cofactor alone.
        let torsion = point.mul_bigint(Fr::MODULUS).into_affine();
        for candidate in [point, cleared, torsion, (cleared + torsion).into_affine()] {
            let by_order = candidate.mul_bigint(Fr::MODULUS).into_affine().is_zero();
            assert_eq!(candidate.is_in_correct_subgroup_assuming_on_curve(), by_order);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_proof_is_valid_for_its_input_and_its_key_alone(input: [u8; 32], a: u64, b: u64, other: [u8; 32]) {
        let (input, other) = (Fr::from_le_bytes_mod_order(&input), Fr::from_le_bytes_mod_order(&other));
        let trapdoor = Trapdoor::new("one");
        let proof = trapdoor.simulate(input, Fr::from(a) + Fr::ONE, Fr::from(b) + Fr::ONE);
        let prepared = PreparedVerifyingKey::from(&trapdoor.verifying_key());
        prop_assert_eq!(prepared.verify(input, &proof), Ok(()));
        if other != input {
            prop_assert_eq!(prepared.verify(other, &proof), Err(ProofRejected));
        }
        let another = PreparedVerifyingKey::from(&Trapdoor::new("two").verifying_key());
        prop_assert_eq!(another.verify(input, &proof), Err(ProofRejected));
    }

    /// Ours accepts no encoding that arkworks refuses, and every one of arkworks' that is not infinity.
    #[test]
    fn points_decode_as_in_arkworks(bytes in prop::collection::vec(any::<u8>(), PROOF_BYTES), flags: u8) {
        let mut bytes = bytes;
        for (place, last) in [31, 63, 95, 127].into_iter().enumerate() {
            bytes[last] &= if flags >> place & 1 == 0 { 0x1f } else { 0xff };
        }
        let a = G1Affine::deserialize_compressed(&bytes[..32]).ok().filter(|point| !point.is_zero());
        let b = G2Affine::deserialize_compressed(&bytes[32..96]).ok().filter(|point| !point.is_zero());
        let c = G1Affine::deserialize_compressed(&bytes[96..]).ok().filter(|point| !point.is_zero());
        let theirs = match (a, b, c) {
            (Some(a), Some(b), Some(c)) => Proof::new(a, b, c).ok(),
            _ => None,
        };
        let decoded = Proof::decode(&bytes).ok();
        prop_assert_eq!(decoded, theirs);
        // A valid proof, with the random bytes in place of A alone.
        let mut proof = Trapdoor::new("one").simulate(Fr::ONE, element("a"), element("b")).encode();
        proof[..32].copy_from_slice(&bytes[..32]);
        let ours = Proof::decode(&proof).ok();
        prop_assert_eq!(ours.is_some(), a.is_some());
        if let Some(ours) = ours {
            prop_assert_eq!(ours.encode(), proof);
        }
    }
}

#[test]
fn a_verifying_key_has_one_encoding() {
    let key = Trapdoor::new("one").verifying_key();
    let bytes = key.encode();
    assert_eq!(bytes.len(), VERIFYING_KEY_BYTES);
    assert_eq!(VerifyingKey::decode(&bytes), Ok(key));
    for at in 0..bytes.len() {
        let mut changed = bytes;
        changed[at] ^= 1;
        if let Ok(other) = VerifyingKey::decode(&changed) {
            assert_ne!(other, key);
            assert_eq!(other.encode(), changed);
        }
    }
}

/// Proofs under `keys` keys in turn: key's index, input, proof.
fn batch(keys: &[Trapdoor], proofs: usize) -> Vec<(usize, Fr, Proof)> {
    (0..proofs)
        .map(|index| {
            let (key, label) = (index % keys.len(), |name: &str| element(&format!("{name} {index}")));
            let input = label("input");
            (key, input, keys[key].simulate(input, label("a"), label("b")))
        })
        .collect()
}

/// What the batch gives, and what the proofs give one by one.
fn together_and_alone(keys: &[Trapdoor], proofs: &[(usize, Fr, Proof)]) -> (bool, bool) {
    let prepared: Vec<_> = keys.iter().map(|key| PreparedVerifyingKey::from(&key.verifying_key())).collect();
    let items: Vec<_> = proofs
        .iter()
        .map(|(key, input, proof)| BatchItem { key: &prepared[*key], input: *input, proof })
        .collect();
    let alone = items.iter().all(|item| item.key.verify(item.input, item.proof).is_ok());
    (verify_batch(&items, &[7; 32]).is_ok(), alone)
}

#[test]
fn a_batch_holds_exactly_when_all_its_proofs_do() {
    let keys = [Trapdoor::new("one"), Trapdoor::new("two"), Trapdoor::new("three")];
    for (keys, count) in [(&keys[..1], 0), (&keys[..1], 1), (&keys[..1], 5), (&keys[..], 3), (&keys[..], 8)] {
        let proofs = batch(keys, count);
        assert_eq!(together_and_alone(keys, &proofs), (true, true), "{count} under {}", keys.len());
        for bad in 0..count {
            let mut proofs = proofs.clone();
            proofs[bad].1 += Fr::ONE;
            assert_eq!(together_and_alone(keys, &proofs), (false, false), "{bad} of {count}");
        }
    }
}

/// Few bad ones are found by halving, many one by one: the answers are those that each proof gives alone.
#[test]
fn each_bad_proof_of_a_batch_is_named_and_no_other() {
    const PROOFS: usize = 13;
    let keys = [Trapdoor::new("one"), Trapdoor::new("two")];
    let prepared: Vec<_> = keys.iter().map(|key| PreparedVerifyingKey::from(&key.verifying_key())).collect();
    let proofs = batch(&keys, PROOFS);
    let one_bad = (0..PROOFS).map(|bad| vec![bad]);
    let many = [vec![], vec![0, 12], vec![5, 6, 7], (0..PROOFS).step_by(2).collect(), (0..PROOFS).collect()];
    for bad in one_bad.chain(many) {
        let items: Vec<_> = proofs
            .iter()
            .enumerate()
            .map(|(index, (key, input, proof))| BatchItem {
                key: &prepared[*key],
                input: if bad.contains(&index) { *input + Fr::ONE } else { *input },
                proof,
            })
            .collect();
        let expected: Vec<_> =
            (0..PROOFS).map(|index| if bad.contains(&index) { Err(ProofRejected) } else { Ok(()) }).collect();
        assert_eq!(verify_each(&items, &[7; 32]), expected, "{bad:?}");
    }
    assert_eq!(verify_each(&[], &[7; 32]), []);
}

/// Without coefficients, or with ones known before the proofs are chosen, these two errors would cancel.
#[test]
fn two_proofs_whose_errors_are_opposite_do_not_make_a_valid_batch() {
    let keys = [Trapdoor::new("one")];
    let Trapdoor { alpha, beta, delta, ic } = keys[0];
    // A valid C, moved by `error`: the equation is off by e(error, δ).
    let moved = |error: Fr| {
        let (input, a, b) = (element("input"), element("a"), element("b"));
        let c = (a * b - alpha * beta - ic[0] - input * ic[1]) * delta.inverse().unwrap() + error;
        (0, input, Proof::new(g1(a), g2(b), g1(c)).unwrap())
    };
    assert_eq!(together_and_alone(&keys, &[moved(Fr::ZERO), moved(Fr::ZERO)]), (true, true));
    assert_eq!(together_and_alone(&keys, &[moved(Fr::ONE), moved(-Fr::ONE)]), (false, false));
}

#[test]
fn a_proof_under_another_key_of_the_batch_is_refused() {
    let keys = [Trapdoor::new("one"), Trapdoor::new("two")];
    let mut proofs = batch(&keys, 4);
    for (key, _, _) in &mut proofs {
        *key = 1 - *key;
    }
    assert_eq!(together_and_alone(&keys, &proofs), (false, false));
}
