//! Test material: a chain whose set-up's secret is known, so that any block can be "proven".
//!
//! ```text
//!   Trapdoor ── simulate ──► a valid proof of any statement, true or not, in three multiplications
//!   Author ──── sign ──────► an author's signature
//!   TestChain ─ prove ─────► a proven block on any parent, with any content
//!   TestRelay ─ include ───► messages carried between chains, a state trie of the real layout ([`crate::simulation`])
//! ```
//!
//! The trapdoor is what makes a set-up a matter of trust: whoever knows it proves everything. Here
//! that is of use, for a test may put any statement to [`crate::validate::validate_block`] without a circuit.
//! Everything is deterministic. For tests, fuzz targets and benches alone.

pub mod relay {
    //! The relay chain of the tests.

    pub use crate::simulation::relay::SimulatedRelay as TestRelay;
}
pub use crate::simulation::trie;

use alloc::vec;
use alloc::vec::Vec;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};

use crate::babyjubjub::{COFACTOR, Point, Scalar};
use crate::block::{Proven, ProvenBlock, Scheduled};
use crate::body::BodyLayout;
use crate::eddsa::{PublicKey, Signature, challenge};
use crate::field;
use crate::groth16::{Proof, VerifyingKey};
use crate::hashing::blake2b_256;
use crate::head::Head;
use crate::key::{BodyFormat, KeyPolicy, PreparedKey, ProofSystem, Setup, TierKey, ValidityKey};
use crate::lane::{Lane, TierId};
use crate::message::{Inbound, MessageFormat, Outbound};
use crate::relay::RelayContext;
use crate::statement::{ChainIdentity, Statement, author_message};

/// A field element named by `label`: uniform as far as a test is concerned.
pub fn element(label: &str) -> Fr {
    Fr::from_le_bytes_mod_order(&blake2b_256(label.as_bytes()))
}

fn scalar(label: &[u8]) -> Scalar {
    Scalar::from_le_bytes_mod_order(&blake2b_256(label))
}

/// The secret of a Groth16 set-up for one public input ("toxic waste"), γ = 1.
#[derive(Clone, Copy, Debug)]
pub struct Trapdoor {
    /// α.
    pub alpha: Fr,
    /// β.
    pub beta: Fr,
    /// δ.
    pub delta: Fr,
    /// Discrete logarithms of IC₀ and IC₁.
    pub ic: [Fr; 2],
}

impl Trapdoor {
    /// The trapdoor named by `label`.
    pub fn new(label: &str) -> Self {
        let part = |name: &str| element(&alloc::format!("{label}/{name}"));
        Self {
            alpha: part("alpha"),
            beta: part("beta"),
            delta: part("delta"),
            ic: [part("ic0"), part("ic1")],
        }
    }

    /// The verifying key of this trapdoor.
    ///
    /// # Panics
    ///
    /// When a point is at infinity, or β, 1, δ are not different up to sign.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::new(g1(self.alpha), g2(self.beta), g2(self.delta), self.ic.map(g1))
            .expect("a trapdoor of nonzero, different elements")
    }

    /// A proof of the public input `input`: the simulator of the zero-knowledge proof,
    /// A = a, B = b, C = (ab − αβ − IC₀ − x·IC₁) / δ. Each (a, b) gives another.
    ///
    /// # Panics
    ///
    /// When a point would be at infinity, which takes a chosen a or b.
    pub fn simulate(&self, input: Fr, a: Fr, b: Fr) -> Proof {
        let [ic0, ic1] = self.ic;
        let inverse = self.delta.inverse().expect("δ is not zero");
        let c = (a * b - self.alpha * self.beta - ic0 - input * ic1) * inverse;
        Proof::new(g1(a), g2(b), g1(c)).expect("nonzero a, b, c")
    }
}

/// `scalar` times G1's generator.
pub fn g1(scalar: Fr) -> G1Affine {
    (G1Affine::generator() * scalar).into_affine()
}

/// `scalar` times G2's generator.
pub fn g2(scalar: Fr) -> G2Affine {
    (G2Affine::generator() * scalar).into_affine()
}

/// An author's key pair.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    secret: Scalar,
    key: PublicKey,
}

impl Author {
    /// The key pair named by `label`.
    ///
    /// # Panics
    ///
    /// Never, for any label that hashes to a nonzero scalar.
    pub fn new(label: &str) -> Self {
        let secret = scalar(label.as_bytes());
        let key = PublicKey::new(Point::BASE8.multiply(&secret)).expect("a nonzero secret");
        Self { secret, key }
    }

    /// The public key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// A signature over `message`.
    pub fn sign(&self, message: Fr) -> Signature {
        let nonce = scalar(
            &[field::encode(&message), field::encode(&self.key.coordinates()[0]), [0x5a; field::ENCODED_LEN]]
                .concat(),
        );
        let r8 = Point::BASE8.multiply(&nonce);
        let h = challenge(&r8, &self.key, message);
        let h = Scalar::from_le_bytes_mod_order(&field::encode(&h));
        Signature { r8, s: nonce + Scalar::from(COFACTOR) * h * self.secret }
    }
}

/// A chain with two tiers and known trapdoors.
#[derive(Clone, Debug)]
pub struct TestChain {
    /// Its genesis head.
    pub genesis: Head,
    /// Its validity key.
    pub key: ValidityKey,
    /// The trapdoor of each of the key's tiers.
    pub trapdoors: Vec<Trapdoor>,
    /// The author of its blocks.
    pub author: Author,
}

impl TestChain {
    /// The smaller tier.
    pub const SMALL: TierId = TierId(10);

    /// The larger tier.
    pub const LARGE: TierId = TierId(12);

    /// The test chain of this para id.
    pub fn new(para_id: u32) -> Self {
        let genesis = Head::genesis(element("genesis state"));
        let trapdoors = vec![Trapdoor::new("small tier"), Trapdoor::new("large tier")];
        let tier = |tier, trapdoor: &Trapdoor, slots| TierKey {
            tier,
            lanes: Self::lanes(slots),
            body_limit: 4096,
            proof_system: ProofSystem::Groth16Bn254,
            circuit_digest: blake2b_256(&[b'c', tier.0]),
            verifying_key: trapdoor.verifying_key(),
            setup: Setup::Dev,
        };
        let key = ValidityKey {
            chain: ChainIdentity {
                para_id,
                genesis_hash: genesis.hash(),
                runtime_version: 1,
                transaction_version: 1,
            },
            body_format: BodyFormat::Public,
            messages: MessageFormat::Dropped,
            tiers: vec![tier(Self::SMALL, &trapdoors[0], [4, 2]), tier(Self::LARGE, &trapdoors[1], [16, 4])],
        };
        Self { genesis, key, trapdoors, author: Author::new("author") }
    }

    /// The same chain, if it sends and takes transfers.
    #[must_use]
    pub fn with_transfers(mut self) -> Self {
        self.key.messages = MessageFormat::Transfers;
        self
    }

    /// The lanes of a tier: one of 30-byte elements, one of a 30-byte and two 32-byte elements.
    pub fn lanes([transfers, openings]: [u32; 2]) -> Vec<Lane> {
        vec![
            Lane { call: 0, capacity: transfers, element_bytes: vec![30] },
            Lane { call: 1, capacity: openings, element_bytes: vec![30, 32, 32] },
        ]
    }

    /// The key, prepared, its development set-up allowed.
    ///
    /// # Panics
    ///
    /// When a test made the key invalid.
    pub fn prepared(&self) -> PreparedKey {
        PreparedKey::new(self.key.clone(), KeyPolicy { allow_dev_setup: true }).expect("a valid key")
    }

    /// The relay context used unless a test wants another.
    pub fn relay() -> RelayContext {
        RelayContext { relay_parent_number: 100, relay_parent_storage_root: [7; 32] }
    }

    /// A block of the smaller tier with two transfers and one opening, not proven yet.
    ///
    /// # Panics
    ///
    /// When a test removed the tier.
    pub fn proven(&self) -> Proven {
        let used_slots = vec![2, 1];
        let tier = self.key.tier(Self::SMALL).expect("the smaller tier");
        let layout = BodyLayout::new(self.key.body_format, tier.tier, &tier.lanes, &used_slots)
            .expect("within capacity");
        let narrow = |label| {
            let mut bytes = field::encode(&element(label));
            bytes[30..].fill(0);
            Fr::from_le_bytes_mod_order(&bytes)
        };
        let body = [
            narrow("transfer 0"),
            narrow("transfer 1"),
            narrow("opening 0"),
            element("key x"),
            element("key y"),
        ];
        Proven {
            tier: Self::SMALL,
            body: layout.encode(&body).expect("elements of their widths"),
            used_slots,
            state_root: element("state 1"),
            author: 3,
            author_key: self.author.key(),
            storage_proof: Vec::new(),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            upgrade: None,
            proof: Vec::new(),
        }
    }

    /// The statement of `proven` on `parent`, whatever its tier's lanes say of it.
    ///
    /// # Panics
    ///
    /// When `proven` has no statement.
    pub fn statement(&self, proven: &Proven, parent: &Head, relay: &RelayContext) -> Statement {
        let tier = self.key.tier(proven.tier).expect("a tier of the key");
        let chain = &self.key.chain;
        let exchange = proven.exchange(chain, self.key.messages, parent, relay).expect("an exchange");
        let parent = parent.as_parent();
        proven
            .statement(chain, &parent, relay, self.key.body_format, &tier.lanes, &exchange)
            .expect("a statement")
    }

    /// `proven` with a proof of its statement and the author's signature.
    ///
    /// # Panics
    ///
    /// When `proven` has no statement.
    pub fn prove(&self, proven: Proven, parent: &Head, relay: &RelayContext) -> ProvenBlock {
        let statement = self.statement(&proven, parent, relay).digest();
        self.prove_statement(proven, parent, statement)
    }

    /// `proven` with a proof of a statement of that digest, its own or not, and the author's signature.
    ///
    /// # Panics
    ///
    /// When the key has no such tier.
    pub fn prove_statement(&self, mut proven: Proven, parent: &Head, statement: Fr) -> ProvenBlock {
        proven.proof = self.simulate(proven.tier, statement).encode().to_vec();
        let scheduled = Scheduled::default();
        let message = author_message(&parent.hash(), statement, &scheduled.hash());
        ProvenBlock { proven, scheduled, signature: self.author.sign(message) }
    }

    /// A proof of `statement` under the tier's key.
    ///
    /// # Panics
    ///
    /// When the key has no such tier.
    pub fn simulate(&self, tier: TierId, statement: Fr) -> Proof {
        let index = self.key.tiers.iter().position(|key| key.tier == tier);
        let trapdoor = self.trapdoors[index.expect("a tier of the key")];
        trapdoor.simulate(statement, element("a"), element("b"))
    }

    /// The first block of the chain: the genesis head, the relay context, the proven block.
    pub fn first_block(&self) -> (Head, RelayContext, ProvenBlock) {
        let relay = Self::relay();
        let block = self.prove(self.proven(), &self.genesis, &relay);
        (self.genesis.clone(), relay, block)
    }
}
