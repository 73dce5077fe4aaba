//! Proving keys of the chain, in memory.

use ark_bn254::Bn254;
use ark_groth16::Groth16;
use rand::rngs::OsRng;
use zkpov_benches::Chain;
use zkpov_prover::{Options, setup};

use super::Common;
use super::measure::{Measurement, System, ZKPOV, pool, timed, work};

pub(super) fn compare(Common { log2, threads, rounds, json }: Common) -> anyhow::Result<()> {
    let chain = Chain::new(log2);
    let r1cs = chain.r1cs()?;
    let [ours, theirs] = [pool(threads)?, pool(threads)?];
    let systems = vec![
        System::new(ZKPOV, || {
            let (key, time) = ours.install(|| timed(|| setup(&r1cs, [0; 32], &Options::default())));
            key?;
            Ok(time)
        }),
        System::new("ark-groth16", || {
            let chain = chain.clone();
            let (key, time) = theirs.install(|| {
                timed(|| Groth16::<Bn254>::generate_random_parameters_with_reduction(chain, &mut OsRng))
            });
            key?;
            Ok(time)
        }),
    ];
    let words = [
        ("operation", "setup".into()),
        ("log2", log2.into()),
        ("constraints", chain.constraints().into()),
        ("threads", threads.into()),
        ("rounds", rounds.into()),
    ];
    Measurement { work: work(words), systems, steps: None, rounds, json }.run()
}
