//! Contributions to powers of tau: of a file by snarkjs, and made here from known secrets.

use super::contributions::{
    PowersContribution, PowersContributionError, Products, Secret, check, first_challenge, parse,
};
use super::midstate::{Midstate, tests::stored};
use super::{CONTRIBUTIONS, Ptau, PtauError};
use crate::container::Sections;
use crate::contribution::{Hash, Kind, Knowledge, MAX_LOG2_ITERATIONS, Parameters, beacon_words};
use crate::error::FormatError;
use crate::testing::PRODUCT;
use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::UniformRand;
use rand::rngs::OsRng;

const POWER: u32 = 3;

fn ones() -> Products {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    Products { tau_g1: g1, tau_g2: g2, alpha_g1: g1, beta_g1: g1, beta_g2: g2 }
}

/// A contribution by the rules, to `before` and over `challenge`.
fn contribution(before: &Products, challenge: &Hash, kind: Kind) -> PowersContribution {
    let mut words = match &kind {
        Kind::Beacon { value, log2_iterations } => beacon_words(value, *log2_iterations),
        Kind::Contribution => None,
    };
    let secrets: [Fr; 3] =
        core::array::from_fn(|_| words.as_mut().map_or_else(|| Fr::rand(&mut OsRng), |words| words.scalar()));
    let mut number = 0;
    let proofs = secrets.map(|secret| {
        let s = words.as_mut().map_or_else(|| G1Affine::rand(&mut OsRng), |words| words.g1());
        let proof =
            Knowledge::new(&secret, s, |s, s_x| super::contributions::proof_point(number, challenge, s, s_x));
        number += 1;
        proof
    });
    let [tau, alpha, beta] = secrets;
    let after = Products {
        tau_g1: (before.tau_g1 * tau).into_affine(),
        tau_g2: (before.tau_g2 * tau).into_affine(),
        alpha_g1: (before.alpha_g1 * alpha).into_affine(),
        beta_g1: (before.beta_g1 * beta).into_affine(),
        beta_g2: (before.beta_g2 * beta).into_affine(),
    };
    let response = Midstate::parse(&stored(challenge)).unwrap();
    let next_challenge = core::array::from_fn(|i| challenge[i].wrapping_add(i as u8 + 1));
    let name = Some(format!("{number}").into_bytes());
    PowersContribution { after, proofs, response, next_challenge, parameters: Parameters { kind, name } }
}

/// Three contributions, the last one a beacon.
fn three() -> Vec<PowersContribution> {
    let (mut products, mut challenge) = (ones(), first_challenge(POWER));
    let beacon = Kind::Beacon { value: b"a block".to_vec(), log2_iterations: 10 };
    [Kind::Contribution, Kind::Contribution, beacon]
        .into_iter()
        .map(|kind| {
            let made = contribution(&products, &challenge, kind);
            (products, challenge) = (made.after, made.next_challenge);
            made
        })
        .collect()
}

/// What is said of changed contributions to the powers that the last of the unchanged ones made.
fn refused(change: impl FnOnce(&mut Vec<PowersContribution>)) -> (usize, PowersContributionError) {
    let mut contributions = three();
    let products = contributions[2].after;
    check(&contributions, &first_challenge(POWER), &products).unwrap();
    change(&mut contributions);
    match check(&contributions, &first_challenge(POWER), &products) {
        Err(PtauError::Contribution { index, reason, .. }) => (index, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dropped_moved_or_repeated_contribution_to_the_powers_is_named() {
    use PowersContributionError::{OtherPowers, ProofOfKnowledge};
    let proof = ProofOfKnowledge(Secret::Tau);
    assert_eq!(refused(|c| drop(c.remove(0))), (1, proof));
    assert_eq!(refused(|c| drop(c.remove(1))), (2, proof));
    assert_eq!(refused(|c| drop(c.pop())), (2, OtherPowers(Secret::Tau)));
    assert_eq!(refused(|c| c.swap(0, 1)), (1, proof));
    assert_eq!(refused(|c| c.insert(1, c[0].clone())), (2, proof));
    assert_eq!(refused(|c| c[0].next_challenge[5] ^= 1), (2, proof));
    assert_eq!(refused(|c| *c = three()), (3, OtherPowers(Secret::Tau)));
}

#[test]
fn a_contribution_to_the_powers_without_its_secrets_is_named() {
    use PowersContributionError::{Beacon, Iterations, Product, ProofOfKnowledge};
    for (number, secret) in [Secret::Tau, Secret::Alpha, Secret::Beta].into_iter().enumerate() {
        assert_eq!(
            refused(|c| c[1].proofs[number].p_x = c[0].proofs[number].p_x),
            (2, ProofOfKnowledge(secret))
        );
    }
    // A right proof, of other secrets than the products were multiplied by.
    let of_others = |c: &mut Vec<PowersContribution>| {
        c[1].proofs = contribution(&c[0].after, &c[0].next_challenge, Kind::Contribution).proofs;
    };
    assert_eq!(refused(of_others), (2, Product(Secret::Tau)));
    assert_eq!(refused(|c| c[1].after.tau_g2 = c[0].after.tau_g2), (2, Product(Secret::Tau)));
    assert_eq!(refused(|c| c[1].after.alpha_g1 = c[0].after.alpha_g1), (2, Product(Secret::Alpha)));
    assert_eq!(refused(|c| c[1].after.beta_g1 = c[0].after.beta_g1), (2, Product(Secret::Beta)));
    assert_eq!(refused(|c| c[1].after.beta_g2 = c[0].after.beta_g2), (2, Product(Secret::Beta)));
    // Secrets of one's own passed off as a beacon's, and a beacon that nobody can check.
    let beacon = |c: &mut Vec<PowersContribution>, log2_iterations| {
        c[1].parameters.kind = Kind::Beacon { value: b"a block".to_vec(), log2_iterations };
    };
    assert_eq!(refused(|c| beacon(c, 10)), (2, Beacon));
    assert_eq!(refused(|c| beacon(c, MAX_LOG2_ITERATIONS + 1)), (2, Iterations(MAX_LOG2_ITERATIONS + 1)));
}

#[test]
fn powers_that_nobody_contributed_to_are_refused() {
    assert_eq!(check(&[], &first_challenge(POWER), &ones()), Err(PtauError::NoContribution));
}

/// snarkjs's file without Lagrange polynomials, and where its only contribution begins.
fn snarkjs() -> (Vec<u8>, usize) {
    let sections = Sections::parse(PRODUCT.unprepared, "ptau", 1).unwrap();
    let section = sections.get(CONTRIBUTIONS, "contributions").unwrap();
    (PRODUCT.unprepared.to_vec(), section.as_ptr() as usize - PRODUCT.unprepared.as_ptr() as usize + 4)
}

fn check_file(bytes: &[u8]) -> Result<Vec<PowersContribution>, PtauError> {
    Ptau::parse(bytes).unwrap().check(&|_, _| ())
}

#[test]
fn the_last_contribution_is_bound_to_the_powers_by_its_challenge() {
    let (good, at) = snarkjs();
    check_file(&good).unwrap();
    // Nine points of G1 and five of G2 stand before the state, 216 bytes, and the challenge.
    let challenge_at = at + 9 * 64 + 5 * 128 + 216;
    for place in [challenge_at, challenge_at + 63, challenge_at - 216, challenge_at - 80] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        assert!(
            matches!(
                check_file(&bytes),
                Err(PtauError::Contribution { index: 1, reason: PowersContributionError::Challenge, .. })
            ),
            "byte {place}"
        );
    }
    // The first powers of a larger file cannot be hashed to its challenge; that of its first contributor is another.
    let mut truncated = good;
    truncated[64] += 1;
    assert!(matches!(
        check_file(&truncated),
        Err(PtauError::Contribution { index: 1, reason: PowersContributionError::ProofOfKnowledge(_), .. })
    ));
}

#[test]
fn malformed_contributions_are_refused() {
    let (file, at) = snarkjs();
    let sections = Sections::parse(&file, "ptau", 1).unwrap();
    let section = sections.get(CONTRIBUTIONS, "contributions").unwrap();
    assert_eq!(parse(section).unwrap().len(), 1);
    for cut in 0..section.len() {
        assert!(parse(&section[..cut]).is_err(), "cut at {cut}");
    }
    let mut many = section.to_vec();
    many[..4].fill(255);
    assert!(matches!(parse(&many), Err(FormatError::Truncated { .. })));
    let mut longer = section.to_vec();
    longer.push(0);
    assert!(matches!(parse(&longer), Err(FormatError::Length { .. })));
    let mut none = file.clone();
    none[at..at + 64].fill(0);
    let refused = check_file(&none).unwrap_err();
    assert!(matches!(refused, PtauError::Format(FormatError::Infinity { .. })), "{refused}");
    let mut off = file;
    off[at] ^= 1;
    let refused = check_file(&off).unwrap_err();
    assert!(matches!(refused, PtauError::Format(FormatError::NotOnCurve { .. })), "{refused}");
}
