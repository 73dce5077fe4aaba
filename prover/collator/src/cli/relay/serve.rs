//! A relay chain for collators of other processes.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use zkpov_collator::relay::{local::LocalRelay, rpc, shared::SharedRelay};

use super::{Args, telling::Telling};
use crate::cli::{failure::Failure, output::Output, signals};

/// The deepest fork.
const MAX_DEPTH: u32 = 3;

pub(super) fn run(args: &Args, address: SocketAddr, out: Output) -> Result<(), Failure> {
    let mut local = LocalRelay::new(args.config());
    for (one, other) in &args.channel {
        local.open_channels(*one, *other);
    }
    let relay = SharedRelay::new(local);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listening = |error| {
        Failure::misuse(format!("cannot listen on {address}: {error}")).next("choose another with --listen")
    };
    let (address, server) = runtime.block_on(rpc::start(address, relay.clone())).map_err(listening)?;
    out.result(
        &json!({ "result": "running", "listen": address }),
        &format!(
            "A relay chain of {} cores at http://{address}, a block every {} s. Collators: zkpov collator --relay http://{address} --register …",
            args.cores, args.block_time
        ),
    )?;
    let end = runtime.block_on(async {
        tokio::select! {
            stopped = signals::stop() => Ok(stopped?),
            failed = produce(args, &relay, out) => failed,
        }
    });
    // Stopped already where it fails.
    let _ = server.stop();
    // Who waits for heads is answered within this time, or is cut off.
    const LAST_ANSWERS: Duration = Duration::from_millis(100);
    runtime.shutdown_timeout(LAST_ANSWERS);
    end
}

async fn produce(args: &Args, relay: &SharedRelay, out: Output) -> Result<(), Failure> {
    let telling = Telling::new(out, BTreeMap::new());
    let mut random = StdRng::seed_from_u64(args.seed);
    let mut clock = tokio::time::interval(Duration::from_secs_f64(args.block_time));
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let fork = random.gen_ratio(args.forks, 100).then(|| random.gen_range(1..=MAX_DEPTH));
        let events = relay.with(|relay| {
            // A fork that is too deep is none.
            if fork.is_none_or(|depth| relay.fork(depth).is_err()) {
                relay.produce();
            }
            relay.take_events()
        });
        for event in &events {
            telling.relay(event)?;
        }
    }
}
