//! Proofs of the chain. Both systems are given the matrices and the assignment; ours verifies each proof before it returns it.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use rand::rngs::OsRng;
use zkpov_benches::Chain;
use zkpov_prover::{Options, ProvingKey, prove, setup};

use super::Common;
use super::measure::{Measurement, System, ZKPOV, pool, timed, work};
use super::memory::{self, Peak, peak_during};

const ARK: &str = "ark-groth16";

type ArkKey = ark_groth16::ProvingKey<Bn254>;

/// How often a key is opened to tell how long that takes.
const OPENINGS: usize = 11;

/// The chain and the matrices that ark-groth16 takes.
struct Work {
    chain: Chain,
    matrices: [ark_relations::gr1cs::Matrix<Fr>; 3],
    assignment: Vec<Fr>,
}

impl Work {
    fn new(log2: u32) -> Self {
        let chain = Chain::new(log2);
        let [factors, products] = chain.rows();
        let assignment = chain.assignment();
        Self { chain, matrices: [factors.clone(), factors, products], assignment }
    }

    fn ark(&self, key: &ArkKey) -> anyhow::Result<ark_groth16::Proof<Bn254>> {
        let [r, s] = [Fr::rand(&mut OsRng), Fr::rand(&mut OsRng)];
        Ok(Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
            key,
            r,
            s,
            &self.matrices,
            self.chain.instance(),
            self.chain.constraints(),
            &self.assignment,
        )?)
    }
}

/// Where the keys are, made if they are not.
struct Keys {
    ours: PathBuf,
    ark: PathBuf,
}

impl Keys {
    fn in_folder(folder: &Path, chain: &Chain, log2: u32) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let keys = Self {
            ours: folder.join(format!("chain-{log2}.key")),
            ark: folder.join(format!("chain-{log2}.ark")),
        };
        if !keys.ours.exists() {
            eprintln!("making {}", keys.ours.display());
            setup(&chain.r1cs()?, [0; 32], &Options::default())?.write(&keys.ours)?;
        }
        if !keys.ark.exists() {
            eprintln!("making {}", keys.ark.display());
            let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(chain.clone(), &mut OsRng)?;
            // Under another name until it is whole.
            let partial = keys.ark.with_extension("partial");
            let mut file = BufWriter::new(File::create(&partial)?);
            key.serialize_uncompressed(&mut file)?;
            file.flush()?;
            std::fs::rename(partial, &keys.ark)?;
        }
        Ok(keys)
    }
}

fn ark_key(path: &Path) -> anyhow::Result<ArkKey> {
    let file = BufReader::new(File::open(path).with_context(|| path.display().to_string())?);
    Ok(ArkKey::deserialize_uncompressed_unchecked(file)?)
}

pub(super) fn compare(common: Common, folder: Option<PathBuf>, memory: bool) -> anyhow::Result<()> {
    let Common { log2, threads, rounds, json } = common;
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let subject = Work::new(log2);
    let keys = Keys::in_folder(&folder, &subject.chain, log2)?;
    let peaks = if memory {
        let of = |system, key| memory::of_a_proof(system, log2, threads, key);
        Some([of(ZKPOV, &keys.ours)?, of(ARK, &keys.ark)?])
    } else {
        None
    };

    let key = ProvingKey::open(&keys.ours)?;
    let theirs = ark_key(&keys.ark)?;
    let mut openings: Vec<Duration> =
        (0..OPENINGS).map(|_| timed(|| ProvingKey::open(&keys.ours)).1).collect();
    openings.sort();
    let [pool, their_pool] = [pool(threads)?, pool(threads)?];
    let ours = System::new(ZKPOV, || {
        let (proof, time) = pool.install(|| timed(|| prove(&key, &subject.assignment, &Options::default())));
        proof?;
        Ok(time)
    })
    .with("open_s", openings[OPENINGS / 2].as_secs_f64())
    .with("key_mb", key.file_length() as f64 / f64::from(1 << 20));
    let ark = System::new(ARK, || {
        let (proof, time) = their_pool.install(|| timed(|| subject.ark(&theirs)));
        let verifying = ark_groth16::prepare_verifying_key(&theirs.vk);
        ensure!(
            Groth16::<Bn254>::verify_proof(&verifying, &proof?, &[subject.chain.output()])?,
            "the proof does not verify"
        );
        Ok(time)
    });
    let systems = match peaks {
        Some([our_peak, their_peak]) => vec![with_peak(ours, our_peak), with_peak(ark, their_peak)],
        None => vec![ours, ark],
    };
    let words = [
        ("operation", "prove".into()),
        ("log2", log2.into()),
        ("constraints", subject.chain.constraints().into()),
        ("threads", threads.into()),
        ("rounds", rounds.into()),
    ];
    Measurement { work: work(words), systems, steps: None, rounds, json }.run()
}

fn with_peak(system: System<'_>, peak: Peak) -> System<'_> {
    system.with("peak_rss_mb", peak.peak_rss_mb).with("peak_anonymous_mb", peak.peak_anonymous_mb)
}

/// One proof by `system` with the key at `key`; prints the peak memory from the opened key and the assignment to the proof.
pub(super) fn memory(system: &str, log2: u32, threads: usize, key: &Path) -> anyhow::Result<()> {
    let pool = pool(threads)?;
    let peak = match system {
        ZKPOV => {
            // The matrices are in the key.
            let assignment = Chain::new(log2).assignment();
            let key = ProvingKey::open(key)?;
            peak_during(|| Ok(pool.install(|| prove(&key, &assignment, &Options::default()))?))?.1
        }
        ARK => {
            let subject = Work::new(log2);
            let key = ark_key(key)?;
            peak_during(|| pool.install(|| subject.ark(&key)))?.1
        }
        _ => bail!("no system {system}"),
    };
    println!("{}", serde_json::to_string(&peak)?);
    Ok(())
}
