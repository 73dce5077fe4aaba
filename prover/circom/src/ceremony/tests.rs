//! Ceremonies over the files of `fixtures/circom/product`, which circom and snarkjs made.

use super::transcript::{point_of, transcript_hash};
use super::*;
use crate::r1cs::Circuit;
use crate::testing::{self, PRODUCT};
use crate::zkey::{Parts, Section, Zkey};
use crate::{Ptau, prove};
use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::UniformRand;

fn initial() -> InitialKey {
    let (circuit, ptau) = (Circuit::parse(PRODUCT.r1cs).unwrap(), Ptau::parse(PRODUCT.powers).unwrap());
    InitialKey::new(&circuit, &ptau).unwrap()
}

fn written(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    bytes
}

/// The key with another transcript, and L replaced if given.
fn with_transcript(key: &Zkey<'_>, transcript: &Transcript, l: Option<&[u8]>) -> Vec<u8> {
    let last = transcript.contributions.last().map_or(G1Affine::generator(), |last| last.delta_after);
    let mut header = key.header().clone();
    header.delta_g1 = last;
    written(|out| {
        Parts {
            header: &header,
            ic: key.section(Section::Ic),
            coefficients: key.section(Section::Coefficients),
            a: key.section(Section::A),
            b_g1: key.section(Section::BG1),
            b_g2: key.section(Section::BG2),
            l: l.unwrap_or(key.section(Section::L)),
            h: key.section(Section::H),
            ceremony: &transcript.encode(),
        }
        .write(out)
    })
}

#[test]
fn the_initial_key_is_snarkjs_to_the_byte() {
    let ours = written(|out| initial().write(out));
    let (ours, theirs) = (Zkey::parse(&ours).unwrap(), Zkey::parse(PRODUCT.initial).unwrap());
    assert_eq!(ours.header(), theirs.header());
    for section in [
        Section::Ic,
        Section::Coefficients,
        Section::A,
        Section::BG1,
        Section::BG2,
        Section::L,
        Section::H,
        Section::Ceremony,
    ] {
        assert_eq!(ours.section(section), theirs.section(section), "{}", section.name());
    }
}

#[test]
fn powers_without_lagrange_polynomials_give_the_same_key() {
    let ptau = Ptau::parse(PRODUCT.unprepared).unwrap();
    assert!(!ptau.is_prepared());
    let key = InitialKey::new(&Circuit::parse(PRODUCT.r1cs).unwrap(), &ptau).unwrap();
    assert_eq!(written(|out| key.write(out)), written(|out| initial().write(out)));
}

#[test]
fn snarkjs_ceremony_is_verified() {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let verified = verify(&initial(), &key).unwrap();
    let names: Vec<_> = verified.transcript.contributions.iter().map(Contribution::display_name).collect();
    assert_eq!(names, ["first", "second, ünïcode", "beacon"]);
    assert!(matches!(verified.transcript.contributions[2].kind, Kind::Beacon { log2_iterations: 10, .. }));
}

#[test]
fn our_contributions_and_beacon_are_verified_and_the_key_proves() {
    let start = initial();
    let zero = written(|out| start.write(out));
    let one = contribute(&Zkey::parse(&zero).unwrap(), Some("one"), b"entropy").unwrap();
    let one = written(|out| one.write(out));
    let two = beacon(&Zkey::parse(&one).unwrap(), None, b"a block's hash", MIN_LOG2_ITERATIONS).unwrap();
    let hash = two.hash();
    let two = written(|out| two.write(out));
    let key = Zkey::parse(&two).unwrap();
    let verified = verify(&start, &key).unwrap();
    assert_eq!(verified.transcript.contributions.len(), 2);
    assert_eq!(verified.transcript.contributions[1].hash(), hash);
    let assignment = crate::wtns::parse(PRODUCT.witness).unwrap();
    prove(&key, &assignment).unwrap();
    assert_ne!(verified.hash, verify(&start, &Zkey::parse(&one).unwrap()).unwrap().hash);
}

#[test]
fn each_contribution_is_of_another_secret() {
    let key = Zkey::parse(PRODUCT.initial).unwrap();
    let delta = || contribute(&key, None, b"the same").unwrap().header.delta_g1;
    assert_ne!(delta(), delta());
    assert!(matches!(
        contribute(&key, Some(&"x".repeat(65)), b""),
        Err(CeremonyError::NameLength { found: 65 })
    ));
    assert!(matches!(beacon(&key, None, b"", 10), Err(CeremonyError::BeaconLength { found: 0 })));
    assert!(matches!(beacon(&key, None, b"x", 9), Err(CeremonyError::Iterations { found: 9 })));
    assert!(matches!(beacon(&key, None, b"x", 36), Err(CeremonyError::Iterations { found: 36 })));
}

/// What `verify` says of a key with a changed transcript: the index of the bad contribution.
fn refused(change: impl FnOnce(&mut Transcript)) -> (usize, ContributionError) {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let mut transcript = Transcript::parse(key.ceremony().unwrap()).unwrap();
    change(&mut transcript);
    let bytes = with_transcript(&key, &transcript, None);
    match verify(&initial(), &Zkey::parse(&bytes).unwrap()).unwrap_err() {
        CeremonyError::Contribution { index, reason, .. } => (index, reason),
        other => panic!("another error: {other}"),
    }
}

#[test]
fn a_dropped_moved_or_repeated_contribution_is_named() {
    assert_eq!(refused(|t| drop(t.contributions.remove(0))), (1, ContributionError::Transcript));
    assert_eq!(refused(|t| drop(t.contributions.remove(1))), (2, ContributionError::Transcript));
    assert_eq!(refused(|t| t.contributions.swap(0, 1)), (1, ContributionError::Transcript));
    assert_eq!(refused(|t| t.contributions.swap(1, 2)), (2, ContributionError::Transcript));
    assert_eq!(
        refused(|t| t.contributions.insert(2, t.contributions[1].clone())),
        (3, ContributionError::Transcript)
    );
}

#[test]
fn dropping_the_last_contribution_is_found_by_delta() {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let mut transcript = Transcript::parse(key.ceremony().unwrap()).unwrap();
    transcript.contributions.pop();
    let bytes = with_transcript(&key, &transcript, None);
    // delta in G1 was made to fit; in G2, and in L and H, it is still there.
    assert!(matches!(verify(&initial(), &Zkey::parse(&bytes).unwrap()), Err(CeremonyError::Delta)));
}

#[test]
fn a_contribution_whose_maker_does_not_know_the_secret_is_named() {
    let mut rng = rand::rngs::OsRng;
    // delta times another secret than the one that is proven.
    let other = G1Affine::rand(&mut rng);
    assert_eq!(refused(|t| t.contributions[1].delta_after = other), (2, ContributionError::Delta));
    // A proof of another secret, over the right transcript.
    let forge = |t: &mut Transcript, index: usize, kind: Kind| {
        let before = Transcript { contributions: t.contributions[..index].to_vec(), ..t.clone() }.hasher();
        let secret = Fr::rand(&mut rand::rngs::OsRng);
        let contribution = &mut t.contributions[index];
        contribution.s = G1Affine::rand(&mut rand::rngs::OsRng);
        contribution.s_x = (contribution.s * secret).into_affine();
        contribution.transcript = transcript_hash(&before, &contribution.s, &contribution.s_x);
        contribution.p_x = (point_of(&contribution.transcript) * secret).into_affine();
        contribution.kind = kind;
        secret
    };
    let forged = |t: &mut Transcript| {
        forge(t, 1, Kind::Contribution);
    };
    assert_eq!(refused(forged), (2, ContributionError::Delta));
    assert_eq!(
        refused(|t| {
            forge(t, 1, Kind::Contribution);
            t.contributions[1].p_x = t.contributions[0].p_x;
        }),
        (2, ContributionError::ProofOfKnowledge)
    );
    // A secret of one's own passed off as the beacon's.
    assert_eq!(
        refused(|t| {
            let kind = t.contributions[2].kind.clone();
            let before = t.contributions[1].delta_after;
            let secret = forge(t, 2, kind);
            t.contributions[2].delta_after = (before * secret).into_affine();
        }),
        (3, ContributionError::Beacon)
    );
    let iterations = |t: &mut Transcript| {
        if let Kind::Beacon { log2_iterations, .. } = &mut t.contributions[2].kind {
            *log2_iterations = 63;
        }
    };
    assert_eq!(refused(iterations), (3, ContributionError::Iterations { log2_iterations: 63 }));
}

#[test]
fn a_ceremony_of_another_circuit_is_refused() {
    let other = InitialKey::new(&testing::circuit(), &Ptau::parse(PRODUCT.powers).unwrap()).unwrap();
    let key = Zkey::parse(PRODUCT.last).unwrap();
    assert!(matches!(verify(&other, &key), Err(CeremonyError::OtherCircuit)));
    // With that circuit's hash in front, the first contribution does not follow on it.
    let mut transcript = Transcript::parse(key.ceremony().unwrap()).unwrap();
    transcript.circuit_hash = *other.circuit_hash();
    let bytes = with_transcript(&key, &transcript, None);
    assert!(matches!(
        verify(&other, &Zkey::parse(&bytes).unwrap()),
        Err(CeremonyError::Contribution { index: 1, reason: ContributionError::Transcript, .. })
    ));
}

#[test]
fn a_key_that_is_not_the_transcripts_is_refused() {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let start = initial();
    let transcript = Transcript::parse(key.ceremony().unwrap()).unwrap();
    let initial_l = Zkey::parse(PRODUCT.initial).unwrap().section(Section::L);
    let bytes = with_transcript(&key, &transcript, Some(initial_l));
    assert!(matches!(
        verify(&start, &Zkey::parse(&bytes).unwrap()),
        Err(CeremonyError::Changed { section: "L" })
    ));
    // Each section of the file, one bit at a time.
    for (section, name) in [
        (key.section(Section::Coefficients), "coefficients"),
        (key.section(Section::Ic), "IC"),
        (key.section(Section::A), "A"),
        (key.section(Section::BG1), "B in G1"),
        (key.section(Section::BG2), "B in G2"),
    ] {
        let at = section.as_ptr() as usize - PRODUCT.last.as_ptr() as usize;
        let mut bytes = PRODUCT.last.to_vec();
        bytes[at + 20] ^= 1;
        match verify(&start, &Zkey::parse(&bytes).unwrap()) {
            Err(CeremonyError::Changed { section }) => assert_eq!(section, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(
        matches!(verify(&start, &Zkey::parse(PRODUCT.initial).unwrap()), Ok(verified) if verified.transcript.contributions.is_empty())
    );
}

#[test]
fn too_few_powers_of_tau_are_refused() {
    let circuit = Circuit { r1cs: testing::rows(16), outputs: 0, private_inputs: 0 };
    let ptau = Ptau::parse(PRODUCT.powers).unwrap();
    assert!(matches!(InitialKey::new(&circuit, &ptau), Err(PtauError::TooSmall { needed: 6, found: 4 })));
}

#[test]
fn a_transcript_that_lies_about_its_length_is_refused() {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let bytes = key.ceremony().unwrap().to_vec();
    assert_eq!(Transcript::parse(&bytes).unwrap().encode(), bytes);
    for cut in 0..bytes.len() {
        assert!(Transcript::parse(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut many = bytes.clone();
    many[64..68].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Transcript::parse(&many), Err(FormatError::Truncated { .. })));
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(Transcript::parse(&longer), Err(FormatError::Length { .. })));
}

#[test]
fn a_ceremonys_key_is_a_key_of_the_prover() {
    let circuit = Circuit::parse(PRODUCT.r1cs).unwrap();
    let zkey = Zkey::parse(PRODUCT.last).unwrap();
    let key = proving_key(&circuit, [7; 32], &zkey).unwrap();
    key.check(&Default::default()).unwrap();
    assert_eq!(key.circuit_digest(), &[7; 32]);
    let assignment = crate::wtns::parse(PRODUCT.witness).unwrap();
    let proof = zkpov_prover::prove(&key, &assignment, &Default::default()).unwrap();
    zkpov_prover::verify(&zkey.verifying_key().unwrap(), &assignment[1..3], &proof).unwrap();
    // The same randomness, the same proof, from either form.
    let (r, s) = (Fr::from(5u64), Fr::from(6u64));
    let ours = zkpov_prover::prove_with_randomness(&key, &assignment, (&r, &s), &Default::default()).unwrap();
    assert_eq!(crate::prove_with_randomness(&zkey, &assignment, (&r, &s)).unwrap(), ours);
    assert!(matches!(
        proving_key(&testing::circuit(), [7; 32], &zkey),
        Err(CeremonyError::Key(zkpov_prover::KeyError::Header { .. }))
    ));
}
