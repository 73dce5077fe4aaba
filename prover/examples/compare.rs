//! Times set-up, opening and proving beside stock ark-groth16, interleaved, for the chain circuit m <- (m + 7)^2 of 2^k - 8
//! constraints: `cargo run --release -p zkpov-prover --example compare -- 16 2 3` (k, threads, rounds).

use std::error::Error;
use std::time::Instant;

use ark_bn254::{Bn254, Fr};
use ark_ff::Field;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Result as SynthesisResult, Variable,
};
use rand::rngs::OsRng;
use zkpov_prover::{Options, ProvingKey, R1cs, prove, setup};

/// The chain's states, the first secret and the last public.
struct Chain(Vec<Fr>);

impl ConstraintSynthesizer<Fr> for Chain {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> SynthesisResult<()> {
        let Some((last, states)) = self.0.split_last() else { return Ok(()) };
        let end = cs.new_input_variable(|| Ok(*last))?;
        let mut variables = states
            .iter()
            .map(|state| cs.new_witness_variable(|| Ok(*state)))
            .collect::<SynthesisResult<Vec<_>>>()?;
        variables.push(end);
        for pair in variables.windows(2) {
            let sum = || LinearCombination::from(pair[0]) + (Fr::from(7u64), Variable::One);
            cs.enforce_r1cs_constraint(sum, sum, || pair[1].into())?;
        }
        Ok(())
    }
}

fn seconds<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    println!("  {what:<24} {:>9.4} s", start.elapsed().as_secs_f64());
    result
}

fn run(log2: u32, rounds: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut states = vec![Fr::from(3u64)];
    for i in 0..(1 << log2) - 8 {
        states.push((states[i] + Fr::from(7u64)).square());
    }
    let n = states.len();
    let rows = |columns: &dyn Fn(usize) -> Vec<(Fr, usize)>| (0..n - 1).map(columns).collect::<Vec<_>>();
    let variable = |i: usize| if i + 1 == n { 1 } else { i + 2 };
    let one = Fr::from(1u64);
    let factor = rows(&|i| vec![(one, variable(i)), (Fr::from(7u64), 0)]);
    let product = rows(&|i| vec![(one, variable(i + 1))]);
    let r1cs = R1cs::from_rows(2, n - 1, [&factor, &factor, &product])?;
    let mut assignment = vec![one, states[n - 1]];
    assignment.extend(&states[..n - 1]);

    let path = std::env::temp_dir().join(format!("compare-{}.key", std::process::id()));
    let made = seconds("zkpov set-up", || setup(&r1cs, [0; 32], &Options::default()))?;
    seconds("zkpov write", || made.write(&path))?;
    println!("  key file {} bytes", made.file_length());
    drop(made);
    let key = seconds("zkpov open", || ProvingKey::open(&path))?;
    seconds("zkpov check", || key.check(&Options::default()))?;
    let theirs = seconds("ark-groth16 set-up", || {
        Groth16::<Bn254>::generate_random_parameters_with_reduction(Chain(states.clone()), &mut OsRng)
    })?;
    for _ in 0..rounds {
        seconds("zkpov prove", || prove(&key, &assignment, &Options::default()))?;
        seconds("ark-groth16 prove", || {
            Groth16::<Bn254>::create_random_proof_with_reduction(Chain(states.clone()), &theirs, &mut OsRng)
        })?;
    }
    let times = std::sync::Mutex::new(Vec::new());
    let record = |name: &'static str, done: u64, total: u64| {
        if let Ok(mut times) = times.lock() {
            times.push((name, done == total, Instant::now()));
        }
    };
    prove(&key, &assignment, &Options::default().with_progress(&record))?;
    let times = times.into_inner().unwrap_or_default();
    for (name, _, end) in times.iter().filter(|(_, end, _)| *end) {
        if let Some((_, _, start)) =
            times.iter().rev().find(|(other, done, at)| other == name && !done && at < end)
        {
            println!("    {name:<22} {:>9.4} s", (*end - *start).as_secs_f64());
        }
    }
    std::fs::remove_file(path)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let numbers = std::env::args().skip(1).map(|n| n.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [log2, threads, rounds] = numbers[..] else {
        return Err("three numbers: log2 of the constraints, threads, rounds".into());
    };
    println!("2^{log2} - 8 constraints, {threads} threads");
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(|| run(log2 as u32, rounds))
}
