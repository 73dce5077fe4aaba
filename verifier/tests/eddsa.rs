//! Baby Jubjub and EdDSA-Poseidon against circomlibjs and @zk-kit/eddsa-poseidon.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use serde_json::Value;
use std::str::FromStr;
use zkpov_verifier::{
    babyjubjub::{Point, Scalar},
    eddsa::{PublicKey, Signature, verify},
};

fn vectors(name: &str) -> Vec<Value> {
    let path = format!("{}/../fixtures/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("vectors from npm")).expect("a JSON array")
}

fn element(value: &Value) -> Fr {
    Fr::from_str(value.as_str().expect("a decimal string")).expect("a field element")
}

fn point(value: &Value) -> Point {
    Point { x: element(&value[0]), y: element(&value[1]) }
}

/// `None` for an integer that is not below the subgroup's order.
fn scalar(value: &Value) -> Option<Scalar> {
    Scalar::from_bigint(element(value).into_bigint())
}

#[test]
fn signatures_of_both_libraries_verify() {
    let vectors = vectors("eddsa");
    for vector in &vectors {
        let key = PublicKey::new(point(&vector["public_key"])).expect("a key");
        let signature =
            Signature { r8: point(&vector["r8"]), s: scalar(&vector["s"]).expect("s below the order") };
        assert_eq!(verify(&key, element(&vector["message"]), &signature), Ok(()));
    }
    for signer in ["circomlibjs", "zk-kit"] {
        assert!(vectors.iter().any(|vector| vector["signer"] == signer));
    }
}

/// Under a key of the prime subgroup we accept what circomlibjs accepts; other keys and the identity are
/// refused as keys, and where circomlibjs accepts under one of those, so does our equation.
#[test]
fn wrong_signatures_get_circomlibjs_answer_and_bad_keys_are_refused() {
    for vector in vectors("eddsa-edge") {
        let case = vector["case"].as_str().expect("a name");
        let point_of_key = point(&vector["public_key"]);
        let in_subgroup = vector["key_in_subgroup"].as_bool().expect("a boolean");
        assert_eq!(point_of_key.in_prime_subgroup(), in_subgroup, "{case}");
        assert_eq!(
            PublicKey::new(point_of_key).is_ok(),
            in_subgroup && !point_of_key.is_identity(),
            "{case}"
        );

        let (Ok(key), Some(s)) = (PublicKey::new_on_curve(point_of_key), scalar(&vector["s"])) else {
            assert!(vector["circomlibjs_accepts"] == false || point_of_key.is_identity(), "{case}");
            continue;
        };
        let accepted = verify(&key, element(&vector["message"]), &Signature { r8: point(&vector["r8"]), s });
        assert_eq!(accepted.is_ok(), vector["circomlibjs_accepts"], "{case}");
    }
}

#[test]
fn sums_multiples_and_membership_are_circomlibjs() {
    let mut seen = std::collections::BTreeSet::new();
    for vector in vectors("babyjubjub") {
        let operation = vector["operation"].as_str().expect("a name");
        seen.insert(operation.to_owned());
        match operation {
            "add" => assert_eq!(point(&vector["a"]).add(&point(&vector["b"])), point(&vector["sum"])),
            "multiply" => {
                let Some(scalar) = scalar(&vector["scalar"]) else { continue };
                assert_eq!(point(&vector["point"]).multiply(&scalar), point(&vector["product"]));
            }
            "membership" => {
                let point = point(&vector["point"]);
                assert_eq!(point.is_on_curve(), vector["on_curve"]);
                assert_eq!(point.in_prime_subgroup(), vector["in_subgroup"]);
            }
            _ => {}
        }
    }
    assert!(["add", "multiply", "membership"].into_iter().all(|operation| seen.contains(operation)));
}
