//! Ceremonies over the files of `fixtures/circom/product`, which circom and snarkjs made.

use super::transcript::transcript_hash;
use super::*;
use crate::contribution::{Knowledge, point_of};
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
    assert!(matches!(verified.transcript.contributions[2].kind(), Kind::Beacon { log2_iterations: 10, .. }));
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
    assert!(matches!(beacon(&key, None, b"x", 31), Err(CeremonyError::Iterations { found: 31 })));
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
        let s = G1Affine::rand(&mut rand::rngs::OsRng);
        contribution.proof = Knowledge::new(&secret, s, |s, s_x| {
            contribution.transcript = transcript_hash(&before, s, s_x);
            point_of(&contribution.transcript)
        });
        contribution.parameters.kind = kind;
        secret
    };
    let forged = |t: &mut Transcript| {
        forge(t, 1, Kind::Contribution);
    };
    assert_eq!(refused(forged), (2, ContributionError::Delta));
    assert_eq!(
        refused(|t| {
            forge(t, 1, Kind::Contribution);
            t.contributions[1].proof.p_x = t.contributions[0].proof.p_x;
        }),
        (2, ContributionError::ProofOfKnowledge)
    );
    // A secret of one's own passed off as the beacon's.
    assert_eq!(
        refused(|t| {
            let kind = t.contributions[2].kind().clone();
            let before = t.contributions[1].delta_after;
            let secret = forge(t, 2, kind);
            t.contributions[2].delta_after = (before * secret).into_affine();
        }),
        (3, ContributionError::Beacon)
    );
    let iterations = |t: &mut Transcript| {
        if let Kind::Beacon { log2_iterations, .. } = &mut t.contributions[2].parameters.kind {
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
fn an_initial_key_from_a_file_is_the_computed_one() {
    let (circuit, ptau) = (Circuit::parse(PRODUCT.r1cs).unwrap(), Ptau::parse(PRODUCT.powers).unwrap());
    let file = Zkey::parse(PRODUCT.initial).unwrap();
    let read = InitialKey::from_file(&circuit, &ptau, &file).unwrap();
    assert_eq!(written(|out| read.write(out)), written(|out| initial().write(out)));
    verify(&read, &Zkey::parse(PRODUCT.last).unwrap()).unwrap();
}

#[test]
fn a_file_that_is_not_the_initial_key_is_refused() {
    let (circuit, ptau) = (Circuit::parse(PRODUCT.r1cs).unwrap(), Ptau::parse(PRODUCT.powers).unwrap());
    let refused = |bytes: &[u8]| match InitialKey::from_file(&circuit, &ptau, &Zkey::parse(bytes).unwrap()) {
        Err(CeremonyError::NotInitial { section }) => section,
        other => panic!("{other:?}"),
    };
    // Somebody has contributed.
    assert_eq!(refused(PRODUCT.last), "L");
    // Points of a section exchanged, so that each is still a point.
    let file = Zkey::parse(PRODUCT.initial).unwrap();
    for (section, size, name) in [
        (Section::A, 64, "A"),
        (Section::BG1, 64, "B in G1"),
        (Section::BG2, 128, "B in G2"),
        (Section::L, 64, "L"),
        (Section::Ic, 64, "L"),
        (Section::H, 64, "H"),
    ] {
        let bytes = file.section(section);
        let at = bytes.as_ptr() as usize - PRODUCT.initial.as_ptr() as usize;
        let items: Vec<&[u8]> = bytes.chunks(size).collect();
        let second = (1..items.len()).find(|&i| items[i] != items[0]).unwrap();
        let mut changed = PRODUCT.initial.to_vec();
        changed[at..at + size].copy_from_slice(items[second]);
        changed[at + second * size..at + (second + 1) * size].copy_from_slice(items[0]);
        assert_eq!(refused(&changed), name);
    }
    let coefficients = file.section(Section::Coefficients);
    let at = coefficients.as_ptr() as usize - PRODUCT.initial.as_ptr() as usize;
    let mut changed = PRODUCT.initial.to_vec();
    changed[at + 12] ^= 1;
    assert_eq!(refused(&changed), "coefficients");
    let mut changed = PRODUCT.initial.to_vec();
    let ceremony = file.section(Section::Ceremony).as_ptr() as usize - PRODUCT.initial.as_ptr() as usize;
    changed[ceremony] ^= 1;
    assert_eq!(refused(&changed), "ceremony");
    // Another circuit's.
    assert!(matches!(
        InitialKey::from_file(&testing::circuit(), &ptau, &file),
        Err(CeremonyError::NotInitial { section: "header" })
    ));
}

#[test]
fn sums_of_few_and_of_many_products_are_the_circuits_polynomials() {
    // A variable in more rows than are multiplied one by one, with coefficients other than ±1; compared through the file's check, which
    // does not sum by variables.
    let coefficient = |i: u64| Fr::from(i * i + 3) * Fr::from(u64::MAX);
    let a: Vec<_> = (0..5u64).map(|i| vec![(coefficient(i), 1), (-Fr::from(1u64), 2)]).collect();
    let b: Vec<_> = (0..5u64).map(|i| vec![(coefficient(i + 9), 2)]).collect();
    let c: Vec<_> = (0..5u64).map(|i| vec![(Fr::from(i + 1), 3), (Fr::from(1u64), 0)]).collect();
    let r1cs = zkpov_prover::R1cs::from_rows(1, 3, [&a, &b, &c]).unwrap();
    let circuit = Circuit { r1cs, outputs: 0, private_inputs: 0 };
    let ptau = Ptau::parse(PRODUCT.powers).unwrap();
    let key = written(|out| InitialKey::new(&circuit, &ptau).unwrap().write(out));
    InitialKey::from_file(&circuit, &ptau, &Zkey::parse(&key).unwrap()).unwrap();
}

#[test]
fn a_beacon_after_others_that_take_too_long_together_is_refused() {
    let key = Zkey::parse(PRODUCT.last).unwrap();
    let mut transcript = Transcript::parse(key.ceremony().unwrap()).unwrap();
    transcript.contributions[0].parameters.kind =
        Kind::Beacon { value: vec![1], log2_iterations: MAX_LOG2_ITERATIONS };
    // Refused before anything is hashed.
    let bytes = with_transcript(&key, &transcript, None);
    let key = Zkey::parse(&bytes).unwrap();
    assert!(matches!(beacon(&key, None, b"x", 10), Err(CeremonyError::Iterations { found: 10 })));
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
