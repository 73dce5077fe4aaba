//! `verification_key.json`, `proof.json`, `public.json`, as snarkjs and rapidsnark write and read them.
//!
//! Numbers are decimal strings; a point of G1 is `[x, y, "1"]`, one of G2 `[[x0, x1], [y0, y1], ["1", "0"]]`, infinity `["0", "1", "0"]`
//! (G2 alike). Reading is strict: no number above its modulus, no second way to write one, every point on its curve and in its
//! subgroup. Unknown fields are passed over.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, One, PrimeField, Zero};
use ark_serialize::CanonicalSerialize;
use serde::{Deserialize, Serialize};
use zkpov_prover::{PROOF_BYTES, Proof, VerifyingKey};

use crate::bytes::{Infinity, Subgroup, check_point};
use crate::error::FormatError;

const VERIFICATION_KEY: &str = "the verification key";
const PROOF: &str = "the proof";
const PUBLIC: &str = "the public inputs";
const PROTOCOL: &str = "groth16";
const CURVES: [&str; 2] = ["bn128", "bn254"];
/// Digits of the largest field element.
const MAX_DIGITS: usize = 77;

type G1 = [String; 3];
type G2 = [[String; 2]; 3];

#[derive(Serialize, Deserialize)]
struct WrittenProof {
    pi_a: G1,
    pi_b: G2,
    pi_c: G1,
    protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    curve: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenKey {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    public: u32,
    vk_alpha_1: G1,
    vk_beta_2: G2,
    vk_gamma_2: G2,
    vk_delta_2: G2,
    #[serde(default, skip_deserializing)]
    vk_alphabeta_12: [[[String; 2]; 3]; 2],
    #[serde(rename = "IC")]
    ic: Vec<G1>,
}

/// Reads a `proof.json`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_proof(text: &[u8]) -> Result<Proof, FormatError> {
    let written: WrittenProof = parse(text, PROOF)?;
    check_names(&written.protocol, written.curve.as_deref(), PROOF)?;
    let a: G1Affine = read_g1(&written.pi_a, PROOF, Infinity::Allowed)?;
    let b: G2Affine = read_g2(&written.pi_b, PROOF, Infinity::Allowed)?;
    let c: G1Affine = read_g1(&written.pi_c, PROOF, Infinity::Allowed)?;
    proof(&a, &b, &c).ok_or(FormatError::NotInSubgroup { what: PROOF, index: 0 })
}

/// A proof of three points. `None` if one is not in its group.
pub(crate) fn proof(a: &G1Affine, b: &G2Affine, c: &G1Affine) -> Option<Proof> {
    let mut bytes = [0; PROOF_BYTES];
    let mut out = &mut bytes[..];
    a.serialize_compressed(&mut out).ok()?;
    b.serialize_compressed(&mut out).ok()?;
    c.serialize_compressed(&mut out).ok()?;
    Proof::from_bytes(&bytes).ok()
}

/// A proof as `proof.json`.
pub fn write_proof(proof: &Proof) -> String {
    to_text(&WrittenProof {
        pi_a: write_g1(proof.a()),
        pi_b: write_g2(proof.b()),
        pi_c: write_g1(proof.c()),
        protocol: PROTOCOL.to_owned(),
        curve: Some(CURVES[0].to_owned()),
    })
}

/// Reads a `public.json`: the public inputs, without the constant 1.
///
/// # Errors
/// What is wrong with it.
pub fn parse_public_inputs(text: &[u8]) -> Result<Vec<Fr>, FormatError> {
    let written: Vec<String> = parse(text, PUBLIC)?;
    let read = |(index, text): (usize, &String)| {
        decimal(text).ok_or(FormatError::NotReduced { what: PUBLIC, index })
    };
    written.iter().enumerate().map(read).collect()
}

/// Public inputs (without the constant 1) as `public.json`.
pub fn write_public_inputs(inputs: &[Fr]) -> String {
    to_text(&inputs.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Reads a `verification_key.json`.
///
/// # Errors
/// What is wrong with it. Its `vk_alphabeta_12`, which follows from the rest, is not looked at.
pub fn parse_verifying_key(text: &[u8]) -> Result<VerifyingKey, FormatError> {
    const WHAT: &str = VERIFICATION_KEY;
    let written: WrittenKey = parse(text, WHAT)?;
    check_names(&written.protocol, Some(&written.curve), WHAT)?;
    let expected = u64::from(written.public) + 1;
    if written.ic.len() as u64 != expected {
        let rule = "not one more than nPublic";
        return Err(FormatError::Value {
            what: "the number of IC points",
            found: written.ic.len() as u64,
            rule,
        });
    }
    if read_g2(&written.vk_gamma_2, WHAT, Infinity::Refused)? != G2Affine::generator() {
        return Err(FormatError::Gamma);
    }
    let ic: Result<Vec<G1Affine>, _> =
        written.ic.iter().map(|point| read_g1(point, "IC", Infinity::Allowed)).collect();
    VerifyingKey::from_points(
        read_g1(&written.vk_alpha_1, WHAT, Infinity::Refused)?,
        read_g2(&written.vk_beta_2, WHAT, Infinity::Refused)?,
        read_g2(&written.vk_delta_2, WHAT, Infinity::Refused)?,
        ic?,
    )
    // Every condition has been looked at.
    .ok_or(FormatError::NotInSubgroup { what: WHAT, index: 0 })
}

/// A verifying key as `verification_key.json`.
pub fn write_verifying_key(key: &VerifyingKey) -> String {
    let product = Bn254::pairing(key.alpha_g1(), key.beta_g2()).0;
    let pair = |value: &Fq2| [value.c0.to_string(), value.c1.to_string()];
    to_text(&WrittenKey {
        protocol: PROTOCOL.to_owned(),
        curve: CURVES[0].to_owned(),
        public: key.ic().len().saturating_sub(1) as u32,
        vk_alpha_1: write_g1(key.alpha_g1()),
        vk_beta_2: write_g2(key.beta_g2()),
        vk_gamma_2: write_g2(&G2Affine::generator()),
        vk_delta_2: write_g2(key.delta_g2()),
        vk_alphabeta_12: [&product.c0, &product.c1].map(|c| [&c.c0, &c.c1, &c.c2].map(pair)),
        ic: key.ic().iter().map(write_g1).collect(),
    })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8], what: &'static str) -> Result<T, FormatError> {
    serde_json::from_slice(text).map_err(|error| FormatError::Json { what, why: error.to_string() })
}

fn to_text(value: &impl Serialize) -> String {
    // Strings and lists always have a JSON form.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn check_names(protocol: &str, curve: Option<&str>, what: &'static str) -> Result<(), FormatError> {
    if protocol != PROTOCOL {
        return Err(FormatError::Json { what, why: "its protocol is not groth16".to_owned() });
    }
    match curve {
        Some(curve) if !CURVES.contains(&curve) => Err(FormatError::Field { what: "curve" }),
        _ => Ok(()),
    }
}

fn write_g1(point: &G1Affine) -> G1 {
    let (zero, one) = (Fq::zero(), Fq::one());
    let (x, y, z) = point.xy().map_or((zero, one, zero), |(x, y)| (x, y, one));
    [x, y, z].map(|value| value.to_string())
}

fn write_g2(point: &G2Affine) -> G2 {
    let (zero, one) = (Fq2::zero(), Fq2::one());
    let (x, y, z) = point.xy().map_or((zero, one, zero), |(x, y)| (x, y, one));
    [x, y, z].map(|value| [value.c0.to_string(), value.c1.to_string()])
}

fn read_g1(written: &G1, what: &'static str, infinity: Infinity) -> Result<G1Affine, FormatError> {
    let not_reduced = || FormatError::NotReduced { what, index: 0 };
    let mut coordinates = [Fq::zero(); 3];
    for (coordinate, text) in coordinates.iter_mut().zip(written) {
        *coordinate = decimal(text).ok_or_else(not_reduced)?;
    }
    affine(coordinates, what, infinity)
}

fn read_g2(written: &G2, what: &'static str, infinity: Infinity) -> Result<G2Affine, FormatError> {
    let not_reduced = || FormatError::NotReduced { what, index: 0 };
    let mut coordinates = [Fq2::zero(); 3];
    for (coordinate, [c0, c1]) in coordinates.iter_mut().zip(written) {
        *coordinate = Fq2::new(decimal(c0).ok_or_else(not_reduced)?, decimal(c1).ok_or_else(not_reduced)?);
    }
    affine(coordinates, what, infinity)
}

fn affine<C: SWCurveConfig>(
    [x, y, z]: [C::BaseField; 3],
    what: &'static str,
    infinity: Infinity,
) -> Result<Affine<C>, FormatError> {
    let point = match (z.is_one(), z.is_zero()) {
        (true, _) => Affine::new_unchecked(x, y),
        (_, true) if x.is_zero() && y.is_one() => Affine::zero(),
        _ => {
            return Err(FormatError::Json { what, why: "a point's third coordinate is not 1".to_owned() });
        }
    };
    check_point(what, 0, &point, infinity, Subgroup::Checked)?;
    Ok(point)
}

/// The field element of a decimal number in its shortest form. `None` if it is not below the modulus.
pub fn decimal<F: PrimeField<BigInt = BigInt<4>>>(text: &str) -> Option<F> {
    const BASE: u128 = 10;
    let shortest = text == "0" || !text.starts_with('0');
    if text.is_empty() || text.len() > MAX_DIGITS || !shortest {
        return None;
    }
    let mut limbs = [0u64; 4];
    for digit in text.chars() {
        let mut carry = u128::from(digit.to_digit(BASE as u32)?);
        for limb in &mut limbs {
            let next = u128::from(*limb) * BASE + carry;
            (*limb, carry) = (next as u64, next >> u64::BITS);
        }
        if carry != 0 {
            return None;
        }
    }
    F::from_bigint(BigInt(limbs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::CurveGroup;

    fn points() -> (G1Affine, G2Affine) {
        let scalar = Fr::from(77u64);
        ((G1Affine::generator() * scalar).into_affine(), (G2Affine::generator() * scalar).into_affine())
    }

    #[test]
    fn decimals_have_one_form_and_stay_below_the_modulus() {
        let modulus = Fr::MODULUS.to_string();
        let last = (-Fr::one()).to_string();
        assert_eq!(decimal::<Fr>(&last), Some(-Fr::one()));
        assert_eq!(decimal::<Fr>("0"), Some(Fr::zero()));
        let huge = "9".repeat(MAX_DIGITS);
        for wrong in
            [&modulus, "", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "1e3", "٣", &huge, &huge.repeat(2)]
        {
            assert_eq!(decimal::<Fr>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (p, q) = points();
        let proof = proof(&p, &q, &G1Affine::generator()).unwrap();
        assert_eq!(parse_proof(write_proof(&proof).as_bytes()), Ok(proof));
        let key = VerifyingKey::from_points(p, q, G2Affine::generator(), vec![p, G1Affine::zero()]).unwrap();
        assert_eq!(parse_verifying_key(write_verifying_key(&key).as_bytes()), Ok(key));
        let inputs = [Fr::zero(), -Fr::one()];
        assert_eq!(parse_public_inputs(write_public_inputs(&inputs).as_bytes()).unwrap(), inputs);
    }

    #[test]
    fn points_that_are_not_in_their_groups_are_refused() {
        let (p, q) = points();
        let text = write_proof(&proof(&p, &q, &p).unwrap());
        let change = |from: &str, to: &str| parse_proof(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        let x = p.x.to_string();
        assert!(matches!(change(&x, "1"), FormatError::NotOnCurve { .. }));
        assert!(matches!(change(&x, &Fq::MODULUS.to_string()), FormatError::NotReduced { .. }));
        assert!(matches!(change("groth16", "plonk"), FormatError::Json { .. }));
        assert!(matches!(change("bn128", "bls12381"), FormatError::Field { .. }));
        assert!(matches!(change("pi_a", "pi_x"), FormatError::Json { .. }));
        assert!(matches!(change("\"1\"", "\"2\""), FormatError::Json { .. }));
        // A point of the twist outside the subgroup of order r.
        let mut x = Fq2::zero();
        let outside = loop {
            x.c0 += Fq::one();
            match G2Affine::get_point_from_x_unchecked(x, true) {
                Some(point) if !point.is_in_correct_subgroup_assuming_on_curve() => break point,
                _ => {}
            }
        };
        let [first, second, _] = write_g2(&q);
        let mut text = text.clone();
        for (old, new) in [first, second].iter().flatten().zip(write_g2(&outside).iter().flatten()) {
            text = text.replace(old, new);
        }
        assert!(matches!(parse_proof(text.as_bytes()), Err(FormatError::NotInSubgroup { .. })));
    }

    #[test]
    fn a_verification_key_that_does_not_fit_itself_is_refused() {
        let (p, q) = points();
        let key = VerifyingKey::from_points(p, q, q, vec![p, p]).unwrap();
        let text = write_verifying_key(&key);
        let parse = |text: String| parse_verifying_key(text.as_bytes()).unwrap_err();
        assert!(matches!(parse(text.replace("\"nPublic\": 1", "\"nPublic\": 2")), FormatError::Value { .. }));
        let gamma = write_g2(&G2Affine::generator());
        let mut other = text.clone();
        for (old, new) in gamma.iter().flatten().zip(write_g2(&q).iter().flatten()).take(4) {
            other = other.replace(old, new);
        }
        assert_eq!(parse(other), FormatError::Gamma);
        assert!(VerifyingKey::from_points(G1Affine::zero(), q, q, vec![p]).is_none());
        assert!(VerifyingKey::from_points(p, G2Affine::zero(), q, vec![p]).is_none());
        assert!(VerifyingKey::from_points(p, q, G2Affine::zero(), vec![p]).is_none());
        assert!(VerifyingKey::from_points(p, q, q, vec![]).is_none());
    }
}
