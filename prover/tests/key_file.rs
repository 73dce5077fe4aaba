//! Key files of unknown origin: what is wrong with them is named, and nothing panics.

mod common;

use ark_bn254::{Fq2, G2Affine};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use common::{Circuit, Shape, random_circuit};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fs;
use std::path::PathBuf;
use zkpov_prover::{KeyError, Options, ProveError, ProvingKey, Section, prove, setup};

const HEADER_BYTES: usize = 1408;
const TABLE_AT: usize = 128;
const ENTRY_BYTES: usize = 64;
const HEADER_CHECKSUM_AT: usize = 1344;
const COUNTS: std::ops::Range<usize> = 24..60;
const G1_BYTES: usize = 64;
const G2_BYTES: usize = 128;

/// A key file, its bytes, and the circuit it is of.
struct Fixture {
    directory: tempfile::TempDir,
    circuit: Circuit,
    bytes: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let shape =
            Shape { constraints: 40, public_inputs: 2, witness: 30, empty_rows: true, b_empty: false };
        let circuit = random_circuit(shape, &mut StdRng::seed_from_u64(5));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        setup(&circuit.r1cs(), [9; 32], &Options::default()).unwrap().write(&path).unwrap();
        let bytes = fs::read(path).unwrap();
        Self { directory, circuit, bytes }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("changed")
    }

    fn open(&self, bytes: &[u8]) -> Result<ProvingKey, KeyError> {
        fs::write(self.path(), bytes).unwrap();
        ProvingKey::open(self.path())
    }

    fn open_and_check(&self, bytes: &[u8]) -> Result<(), KeyError> {
        self.open(bytes)?.check(&Options::default())
    }

    fn range(&self, section: Section) -> std::ops::Range<usize> {
        let at = TABLE_AT + (section as usize - 1) * ENTRY_BYTES;
        let long = |at: usize| u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap()) as usize;
        long(at + 8)..long(at + 8) + long(at + 16)
    }

    /// The file with a section changed, and all checksums made to fit: what an attacker would write.
    fn with_section(&self, section: Section, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let range = self.range(section);
        change(&mut bytes[range.clone()]);
        let sum = Blake2b::<U32>::digest(&bytes[range]);
        let at = TABLE_AT + (section as usize - 1) * ENTRY_BYTES + 32;
        bytes[at..at + 32].copy_from_slice(&sum);
        with_header_checksum(bytes)
    }
}

fn with_header_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = Blake2b::<U32>::digest(&bytes[..HEADER_CHECKSUM_AT]);
    bytes[HEADER_CHECKSUM_AT..HEADER_CHECKSUM_AT + 32].copy_from_slice(&sum);
    bytes
}

#[test]
fn a_key_that_was_written_opens_checks_and_proves() {
    let fixture = Fixture::new();
    let key = fixture.open(&fixture.bytes).unwrap();
    key.check(&Options::default()).unwrap();
    assert_eq!(key.circuit_digest(), &[9; 32]);
    assert_eq!(key.file_length(), fixture.bytes.len() as u64);
    assert_eq!((key.num_constraints(), key.num_instance(), key.num_witness()), (40, 3, 30));
    prove(&key, &fixture.circuit.assignment, &Options::default()).unwrap();
}

#[test]
fn corruption_of_any_section_is_detected() {
    let fixture = Fixture::new();
    for section in Section::ALL {
        let range = fixture.range(section);
        assert!(!range.is_empty(), "{section}");
        for at in [range.start, (range.start + range.end) / 2, range.end - 1] {
            let mut bytes = fixture.bytes.clone();
            bytes[at] ^= 1;
            let result = fixture.open_and_check(&bytes);
            assert!(matches!(result, Err(KeyError::Checksum { section: found }) if found == section));
        }
    }
}

#[test]
fn bytes_between_sections_are_zero() {
    let fixture = Fixture::new();
    let mut gaps = 0;
    for pair in Section::ALL.windows(2) {
        let (end, start) = (fixture.range(pair[0]).end, fixture.range(pair[1]).start);
        if end < start {
            let mut bytes = fixture.bytes.clone();
            bytes[end] = 1;
            assert!(matches!(fixture.open_and_check(&bytes), Err(KeyError::Reserved)));
            gaps += 1;
        }
    }
    assert!(gaps > 0);
}

#[test]
fn a_changed_header_is_refused_at_every_byte() {
    let fixture = Fixture::new();
    for at in 0..HEADER_BYTES {
        let mut bytes = fixture.bytes.clone();
        bytes[at] ^= 0x10;
        assert!(fixture.open(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn a_lying_header_is_refused_even_with_a_fitting_checksum() {
    let fixture = Fixture::new();
    let lie = |at: usize, value: &[u8]| {
        let mut bytes = fixture.bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        if bytes == fixture.bytes {
            return; // the truth
        }
        assert!(fixture.open(&with_header_checksum(bytes)).is_err(), "{value:?} at {at}");
    };
    for at in COUNTS.step_by(4) {
        let truth = u32::from_le_bytes(fixture.bytes[at..at + 4].try_into().unwrap());
        for value in [0, truth - 1, truth + 1, 1 << 27, u32::MAX] {
            lie(at, &value.to_le_bytes());
        }
    }
    for entry in 0..Section::ALL.len() {
        for field in [8, 16, 24] {
            let at = TABLE_AT + entry * ENTRY_BYTES + field;
            let truth = u64::from_le_bytes(fixture.bytes[at..at + 8].try_into().unwrap());
            for value in [0, 1, 1408, truth ^ 64, truth + 64, 1 << 60, u64::MAX] {
                lie(at, &value.to_le_bytes());
            }
        }
        for field in [0, 4] {
            for value in [0u32, 1, 64, 77, u32::MAX] {
                lie(TABLE_AT + entry * ENTRY_BYTES + field, &value.to_le_bytes());
            }
        }
    }
    for at in [12, 16, 20, 60, 96, 104, 120, 1376, 1404] {
        lie(at, &5u32.to_le_bytes());
    }
    let mut newer = fixture.bytes.clone();
    newer[8] = 2;
    assert!(matches!(fixture.open(&newer), Err(KeyError::Version { found: 2, supported: 1 })));
    assert!(matches!(fixture.open(&[0; 4096]), Err(KeyError::NotAKey)));
}

#[test]
fn a_truncated_or_extended_file_is_refused() {
    let fixture = Fixture::new();
    let mut cuts = vec![0, 1, HEADER_BYTES - 1, HEADER_BYTES];
    for section in Section::ALL {
        let range = fixture.range(section);
        cuts.extend([range.start, range.start + 1, range.end - 1]);
    }
    for cut in cuts {
        let result = fixture.open(&fixture.bytes[..cut]);
        assert!(
            matches!(result, Err(KeyError::TooShort { found, .. }) if found == cut as u64),
            "cut at {cut}"
        );
    }
    let mut longer = fixture.bytes.clone();
    longer.push(0);
    assert!(matches!(fixture.open(&longer), Err(KeyError::Header { what: "length of the file", .. })));
    assert!(matches!(ProvingKey::open(fixture.directory.path().join("none")), Err(KeyError::Io { .. })));
}

#[test]
fn points_that_are_no_points_are_refused() {
    let fixture = Fixture::new();
    for (section, bytes) in [
        (Section::Constants, G1_BYTES),
        (Section::Ic, G1_BYTES),
        (Section::A, G1_BYTES),
        (Section::BG1, G1_BYTES),
        (Section::BG2, G2_BYTES),
        (Section::L, G1_BYTES),
        (Section::H, G1_BYTES),
    ] {
        let not_reduced = fixture.with_section(section, |s| s[bytes - 1] = 0xff);
        let result = fixture.open_and_check(&not_reduced);
        assert!(
            matches!(result, Err(KeyError::NotReduced { section: s, index: 0 }) if s == section),
            "{result:?}"
        );
        let off_curve = fixture.with_section(section, |s| s[bytes] ^= 1);
        let result = fixture.open_and_check(&off_curve);
        assert!(
            matches!(result, Err(KeyError::NotOnCurve { section: s, index: 1 }) if s == section),
            "{result:?}"
        );
        let infinity = fixture.open_and_check(&fixture.with_section(section, |s| s[..bytes].fill(0)));
        match section {
            // Possible there, but not what the other points say.
            Section::L => assert!(infinity.is_ok() || matches!(infinity, Err(KeyError::Relation { .. }))),
            _ => {
                assert!(matches!(infinity, Err(KeyError::Infinity { section: s, index: 0 }) if s == section))
            }
        }
    }
}

#[test]
fn a_point_outside_the_subgroup_is_refused() {
    let outside = (0u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(x.into(), 1u64.into()), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let limbs = [outside.x.c0, outside.x.c1, outside.y.c0, outside.y.c1].map(|c| c.0.0);
    let encoded: Vec<u8> = limbs.iter().flatten().flat_map(|limb| limb.to_le_bytes()).collect();
    let fixture = Fixture::new();
    let changed = fixture.with_section(Section::BG2, |s| s[G2_BYTES..2 * G2_BYTES].copy_from_slice(&encoded));
    let result = fixture.open_and_check(&changed);
    assert!(matches!(result, Err(KeyError::NotInSubgroup { section: Section::BG2, index: 1 })), "{result:?}");
    let beta_at = 3 * G1_BYTES;
    let changed = fixture
        .with_section(Section::Constants, |s| s[beta_at..beta_at + G2_BYTES].copy_from_slice(&encoded));
    assert!(matches!(
        fixture.open(&changed),
        Err(KeyError::NotInSubgroup { section: Section::Constants, .. })
    ));
}

#[test]
fn valid_points_that_do_not_belong_together_are_refused() {
    let fixture = Fixture::new();
    let refused = |section, change: &dyn Fn(&mut [u8])| {
        let result = fixture.open_and_check(&fixture.with_section(section, change));
        assert!(matches!(result, Err(KeyError::Relation { .. })), "{section}: {result:?}");
    };
    // beta and delta in one group only.
    refused(Section::Constants, &|s| s.copy_within(0..G1_BYTES, G1_BYTES));
    refused(Section::Constants, &|s| s.copy_within(0..G1_BYTES, 2 * G1_BYTES));
    // The first point replaced by the second. B and H are tied to the matrix by every point; A, IC and L by the
    // variables that matrix C does not hold: in the chain, the constant 1 and the start.
    refused(Section::BG1, &|s| s.copy_within(G1_BYTES..2 * G1_BYTES, 0));
    refused(Section::BG2, &|s| s.copy_within(G2_BYTES..2 * G2_BYTES, 0));
    refused(Section::H, &|s| s.copy_within(G1_BYTES..2 * G1_BYTES, 0));

    let chain = common::chain(20);
    let path = fixture.directory.path().join("chain");
    setup(&chain.r1cs(), [0; 32], &Options::default()).unwrap().write(&path).unwrap();
    let chain =
        Fixture { bytes: fs::read(path).unwrap(), circuit: chain, directory: tempfile::tempdir().unwrap() };
    for section in [Section::A, Section::Ic] {
        let changed = chain.with_section(section, |s| s.copy_within(G1_BYTES..2 * G1_BYTES, 0));
        assert!(matches!(chain.open_and_check(&changed), Err(KeyError::Relation { .. })), "{section}");
    }
    let changed = chain.with_section(Section::L, |s| s.copy_within(G1_BYTES..2 * G1_BYTES, 0));
    assert!(matches!(chain.open_and_check(&changed), Err(KeyError::Relation { .. })));
}

#[test]
fn index_lists_and_matrices_are_checked() {
    let fixture = Fixture::new();
    for section in [Section::AIndices, Section::BIndices] {
        let swapped = fixture.with_section(section, |s| s.copy_within(4..8, 0));
        let result = fixture.open_and_check(&swapped);
        assert!(matches!(result, Err(KeyError::Index { section: s, index: 1 }) if s == section));
        let beyond = fixture.with_section(section, |s| s.iter_mut().rev().take(4).for_each(|b| *b = 0xff));
        assert!(matches!(fixture.open_and_check(&beyond), Err(KeyError::Index { .. })));
    }
    for section in [
        Section::RowOffsetsA,
        Section::ColumnsA,
        Section::CoefficientsA,
        Section::RowOffsetsB,
        Section::ColumnsB,
        Section::CoefficientsB,
        Section::RowOffsetsC,
        Section::ColumnsC,
        Section::CoefficientsC,
    ] {
        let beyond = fixture.with_section(section, |s| s[4..8].fill(0xff));
        let result = fixture.open_and_check(&beyond);
        assert!(matches!(result, Err(KeyError::Matrices(_))), "{section}: {result:?}");
    }
}

#[test]
fn a_damaged_key_never_proves_a_falsehood_and_never_panics() {
    let fixture = Fixture::new();
    let good = fixture.open(&fixture.bytes).unwrap();
    for section in Section::ALL {
        let length = fixture.range(section).len();
        for at in [0, length / 2, length - 1] {
            for mask in [1, 0xff] {
                // The checksum fits, so that only what proving itself looks at can stop it.
                let Ok(key) = fixture.open(&fixture.with_section(section, |s| s[at] ^= mask)) else {
                    continue;
                };
                if let Ok(proof) = prove(&key, &fixture.circuit.assignment, &Options::default()) {
                    zkpov_prover::verify(good.verifying_key(), fixture.circuit.public_inputs(), &proof)
                        .unwrap();
                }
            }
        }
    }
    let damaged = fixture.with_section(Section::A, |s| s.copy_within(G1_BYTES..2 * G1_BYTES, 0));
    let key = fixture.open(&damaged).unwrap();
    let result = prove(&key, &fixture.circuit.assignment, &Options::default());
    assert!(matches!(result, Err(ProveError::SelfVerification(_))), "{result:?}");
}
