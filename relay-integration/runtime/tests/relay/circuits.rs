//! Circuits' keys, made by a set-up whose secrets the tests know.
//!
//! ```text
//!   circuit of a tier ─► set-up with known secrets ─┬─► proving key ──► a proof by the circuit, seconds
//!                                                   ├─► verifying key ► validity key: one, for both
//!                                                   └─► secrets ──────► a proof by the simulator, a millisecond
//! ```
//!
//! Who knows the secrets of a set-up needs no witness: it is what makes a set-up a matter of trust, and what makes a day of relay blocks fit
//! into a test. The state machine that executes the blocks is the chain's own either way, and validators cannot tell the proofs apart.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::Field;
use zkpov_circuits::runtime::{Chain, Tier};
use zkpov_collator::circuit::circuit;
use zkpov_prover::{Options, ProvingKey, ToxicWaste, setup_with_toxic_waste};
use zkpov_verifier::{
    groth16::{Proof, VerifyingKey},
    key::{ProofSystem, Setup, TierKey},
    lane::TierId,
    testing::element,
};

/// The secrets of every set-up here but τ, which no verifying key's equation has.
struct Secrets {
    alpha: Fr,
    beta: Fr,
    delta: Fr,
}

impl Secrets {
    fn of_tests() -> Self {
        Self { alpha: element("alpha"), beta: element("beta"), delta: element("delta") }
    }

    fn toxic_waste(&self) -> ToxicWaste {
        ToxicWaste::insecure(element("tau"), self.alpha, self.beta, self.delta).expect("none is 0")
    }
}

/// The keys of a tier's circuit.
#[derive(Debug)]
pub(crate) struct CircuitKeys {
    /// What a validity key has of it.
    pub(crate) tier: TierKey,
    /// The file of the proving key.
    pub(crate) proving_key: PathBuf,
    simulator: Simulator,
}

impl CircuitKeys {
    /// The keys of a tier of a chain, made once for all tests.
    pub(crate) fn of(chain: &dyn Chain, tier: TierId) -> Arc<Self> {
        type Known = Mutex<HashMap<String, Arc<CircuitKeys>>>;
        static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);
        // A chain of the same name with another tree has other lanes in the tests.
        let name = format!("{}-{}-{}", chain.name(), chain.runtime_version(), tier.0);
        let shape = chain.tiers().iter().find(|shape| shape.id == tier).expect("a tier of the chain");
        let lanes = shape.lanes.iter().map(|lane| format!("-{}", lane.capacity)).collect::<String>();
        let mut known = KNOWN.lock().expect("no test panics here");
        let keys = known.entry(format!("{name}{lanes}"));
        let name = keys.key().clone();
        keys.or_insert_with(|| Arc::new(Self::new(chain, shape, &name))).clone()
    }

    fn new(chain: &dyn Chain, shape: &Tier, name: &str) -> Self {
        let tier = shape.id;
        let circuit = circuit(chain, tier).expect("a circuit");
        // Cargo's directory for tests' files: the file is made again only where the circuit is another.
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.key"));
        let kept = ProvingKey::open(&file).ok().filter(|key| *key.circuit_digest() == circuit.digest);
        let key = kept.unwrap_or_else(|| {
            let waste = Secrets::of_tests().toxic_waste();
            let key = setup_with_toxic_waste(&circuit.r1cs, circuit.digest, &waste, &Options::default());
            let key = key.expect("keys");
            key.write(&file).expect("written");
            key
        });
        let key = key.verifying_key();
        let ic = <[G1Affine; 2]>::try_from(key.ic()).expect("one public input");
        let verifying_key = VerifyingKey::new(*key.alpha_g1(), *key.beta_g2(), *key.delta_g2(), ic);
        let tier = TierKey {
            tier,
            lanes: shape.lanes.clone(),
            body_limit: shape.body_limit,
            proof_system: ProofSystem::Groth16Bn254,
            circuit_digest: circuit.digest,
            verifying_key: verifying_key.expect("a key that validators accept"),
            setup: Setup::Dev,
        };
        Self { tier, proving_key: file, simulator: Simulator::new(ic) }
    }

    /// A proof of the statement of this digest, without a witness.
    pub(crate) fn simulate(&self, statement: Fr) -> Proof {
        self.simulator.prove(statement)
    }
}

/// What makes proofs under a key from its secrets: A = a, B = b, C = (ab − αβ − IC₀ − x·IC₁) / δ, for the same a and b always.
#[derive(Debug)]
struct Simulator {
    a: G1Affine,
    b: G2Affine,
    /// (ab − αβ − IC₀) / δ.
    fixed: G1Affine,
    /// IC₁ / δ.
    slope: G1Affine,
}

impl Simulator {
    fn new([ic0, ic1]: [G1Affine; 2]) -> Self {
        let Secrets { alpha, beta, delta } = Secrets::of_tests();
        let (a, b) = (element("a"), element("b"));
        let inverse = delta.inverse().expect("δ is not 0");
        Self {
            a: (G1Projective::generator() * a).into_affine(),
            b: (G2Projective::generator() * b).into_affine(),
            fixed: ((G1Projective::generator() * (a * b - alpha * beta) - ic0) * inverse).into_affine(),
            slope: (ic1 * inverse).into_affine(),
        }
    }

    fn prove(&self, statement: Fr) -> Proof {
        let c = (-(self.slope * statement) + self.fixed).into_affine();
        Proof::new(self.a, self.b, c).expect("points")
    }
}
