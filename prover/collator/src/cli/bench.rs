//! `zkpov bench`: what the circuits cost.

use clap::Subcommand;
use rayon::prelude::*;
use serde_json::{Value, json};
use zkpov_circuits::{
    chains::chains,
    runtime::{CallWeight, Chain, Tier},
};
use zkpov_collator::circuit;

use super::{
    failure::Failure,
    output::{Output, grouped},
    values::{self, TierChoice},
};

/// Measure what the circuits cost
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Size of every chain's circuit in every tier: constraints, variables, non-zeros, and constraints per call
    ///
    /// The matrices are built and counted; nothing is estimated. The constraints of a call are those that a
    /// slot of its kind adds.
    #[command(
        after_help = "With --json, one object a line:\n  {\"chain\", \"tier\", \"slots\": {call: n}, \"constraints\", \
                            \"variables\", \"non_zeros\", \"constraints_per_call\": {call: n}}\n\nExample:\n  zkpov bench \
                            circuits --json"
    )]
    Circuits(Circuits),
}

#[derive(Debug, clap::Args)]
struct Circuits {
    /// Only this chain
    #[arg(long, value_name = "NAME")]
    chain: Option<String>,

    /// Only this tier: a number, `tiny` or `largest`
    #[arg(long, value_name = "T")]
    tier: Option<TierChoice>,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match &args.what {
        What::Circuits(circuits) => run_circuits(circuits, out),
    }
}

fn run_circuits(args: &Circuits, out: Output) -> Result<(), Failure> {
    let chains = match &args.chain {
        Some(name) => vec![values::chain(name)?],
        None => chains(),
    };
    let weights = chains.par_iter().map(|chain| chain.call_weights()).collect::<Result<Vec<_>, _>>();
    for (chain, weights) in chains.into_iter().zip(weights.map_err(Failure::misuse)?) {
        let only = args.tier.map(|tier| tier.of(chain)).transpose()?;
        let tiers = chain.tiers().iter().filter(|tier| only.is_none_or(|only| tier.id == only));
        for tier in tiers {
            measure(chain, tier, &weights, out)?;
        }
    }
    Ok(())
}

fn measure(chain: &dyn Chain, tier: &Tier, weights: &[CallWeight], out: Output) -> Result<(), Failure> {
    let circuit = circuit::circuit(chain, tier.id)?;
    let size = circuit.size;
    let by_call = |numbers: &[usize]| -> Value {
        let name = |call| chain.call_name(call).map_or_else(|| format!("call {call}"), str::to_owned);
        let named = tier.lanes.iter().zip(numbers).map(|(lane, number)| (name(lane.call), json!(number)));
        Value::Object(named.collect())
    };
    let slots: Vec<usize> = tier.lanes.iter().map(|lane| lane.capacity as usize).collect();
    let value = json!({
        "chain": chain.name(),
        "tier": tier.id.0,
        "slots": by_call(&slots),
        "constraints": size.constraints,
        "variables": size.variables,
        "non_zeros": size.non_zeros,
        "constraints_per_call": by_call(&weights.iter().map(|call| call.constraints).collect::<Vec<_>>()),
    });
    let filled = 100.0 * size.constraints as f64 / f64::from(1u32 << tier.id.0);
    let calls: Vec<_> = tier
        .lanes
        .iter()
        .zip(weights)
        .map(|(lane, weight)| {
            let name = chain.call_name(lane.call).unwrap_or("call");
            format!("{} × {name} of {}", grouped(lane.capacity), grouped(weight.constraints))
        })
        .collect();
    let text = format!(
        "{} tier {}: {} constraints ({filled:.1} % of 2^{}), {} variables, {} non-zeros; slots: {}",
        chain.name(),
        tier.id,
        out.strong(grouped(size.constraints)),
        tier.id,
        grouped(size.variables),
        grouped(size.non_zeros),
        calls.join(", ")
    );
    out.result(&value, &text)
}
