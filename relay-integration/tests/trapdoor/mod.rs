//! A parachain whose verifying key's trapdoor the test holds: proofs of any statement, in microseconds and
//! without a circuit. What a development set-up warns of, put to use.
//!
//! With γ = 1 a proof (A, B, C) of x must meet e(A, B) = e(α, β) · e(IC₀ + x·IC₁, G₂) · e(C, δ). Whoever knows
//! the discrete logarithms takes any a and b and solves for c = (ab − αβ − ic₀ − x·ic₁) / δ.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::Field;
use zkpov_circuits::keys::SecretKey;
use zkpov_verifier::{
    block::{Proven, ProvenBlock, Scheduled},
    groth16::{Proof, VerifyingKey},
    head::{Head, HeadDigest},
    key::{BodyFormat, ProofSystem, Setup, TierKey, ValidityKey},
    lane::{Lane, TierId},
    message::{Inbound, MessageFormat, Outbound},
    relay::RelayContext,
    statement::{ChainIdentity, author_message},
};

const TIER: TierId = TierId(10);
const PARA_ID: u32 = 2000;
const AUTHOR: u32 = 7;
/// Bytes of the one element of a slot.
const SLOT_BYTES: u8 = 4;

/// Discrete logarithms of the verifying key.
const ALPHA: u64 = 3;
const BETA: u64 = 5;
const DELTA: u64 = 7;
const IC: [u64; 2] = [11, 13];
/// Discrete logarithms of A and B: a prover's choice.
const A: u64 = 17;
const B: u64 = 19;

fn g1(log: Fr) -> G1Affine {
    (G1Affine::generator() * log).into()
}

fn g2(log: Fr) -> G2Affine {
    (G2Affine::generator() * log).into()
}

fn author_key() -> SecretKey {
    SecretKey::from_seed([42; 32])
}

fn lanes() -> Vec<Lane> {
    vec![Lane { call: 0, capacity: 4, element_bytes: vec![SLOT_BYTES] }]
}

pub(crate) fn genesis() -> Head {
    Head {
        parent_hash: [0; 32],
        number: 0,
        state_root: Fr::from(1000),
        extrinsics_root: Fr::from(0),
        digest: HeadDigest::default(),
    }
}

pub(crate) fn validity_key() -> ValidityKey {
    let log = Fr::from;
    let verifying_key =
        VerifyingKey::new(g1(log(ALPHA)), g2(log(BETA)), g2(log(DELTA)), IC.map(|ic| g1(log(ic)))).unwrap();
    let lanes = lanes();
    let tier = TierKey {
        tier: TIER,
        body_limit: lanes.iter().map(|lane| lane.capacity * lane.slot_bytes() as u32).sum(),
        lanes,
        proof_system: ProofSystem::Groth16Bn254,
        circuit_digest: [1; 32],
        verifying_key,
        setup: Setup::Dev,
    };
    let chain = ChainIdentity {
        para_id: PARA_ID,
        genesis_hash: genesis().hash(),
        runtime_version: 1,
        transaction_version: 1,
    };
    ValidityKey {
        chain,
        body_format: BodyFormat::Public,
        messages: MessageFormat::Dropped,
        tiers: vec![tier],
    }
}

fn simulate(statement: Fr) -> Proof {
    let log = Fr::from;
    let [ic0, ic1] = IC.map(Fr::from);
    let c =
        (log(A) * log(B) - log(ALPHA) * log(BETA) - ic0 - statement * ic1) * log(DELTA).inverse().unwrap();
    Proof::new(g1(log(A)), g2(log(B)), g1(c)).unwrap()
}

/// A valid block on `parent`, and the head that it makes.
pub(crate) fn block(parent: &Head, relay: &RelayContext) -> (ProvenBlock, Head) {
    let (secret, key) = (author_key(), validity_key());
    let body = vec![5; usize::from(SLOT_BYTES)];
    let mut proven = Proven {
        tier: TIER,
        used_slots: vec![1],
        state_root: Fr::from(2000),
        author: AUTHOR,
        author_key: secret.public_key(),
        body,
        storage_proof: Vec::new(),
        inbound: Inbound::default(),
        outbound: Outbound::default(),
        upgrade: None,
        proof: Vec::new(),
    };
    let at = parent.as_parent();
    let exchange = proven.exchange(&key.chain, key.messages, parent, relay).unwrap();
    let statement = proven.statement(&key.chain, &at, relay, key.body_format, &lanes(), &exchange).unwrap();
    proven.proof = simulate(statement.digest()).encode().to_vec();
    let scheduled = Scheduled::default();
    let message = author_message(&at.hash, statement.digest(), &scheduled.hash());
    let head = proven.head(&at, &statement, exchange.intake.mqc);
    (ProvenBlock { proven, scheduled, signature: secret.sign(message) }, head)
}
