//! Parachains and their collators in this process, told block by block.
//!
//! The clock is the relay chain's: a block follows when every collator has done what it had to. So the story is the same on
//! every machine.

use std::{collections::BTreeMap, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use zkpov_collator::{
    db::ReadDatabase,
    devnet::{DevChain, Settings},
    messages,
    relay::{
        interface::{Candidate, Relay},
        local::LocalRelay,
        shared::SharedRelay,
    },
    sample::PARA_ID,
    scene::{MIN_ACCOUNTS, Scene},
    service::node::{Conduct, Done, TURN_BLOCKS},
};
use zkpov_prover::Options;
use zkpov_verifier::{block::ProvenBlock, field::Fr};

use super::{
    Args,
    exchange::Exchange,
    telling::{Telling, letter},
};
use crate::cli::{
    failure::Failure,
    output::{Output, counted, duration},
    progress::Bars,
    values::{self, TierChoice, hex},
};

/// The deepest fork.
const MAX_DEPTH: u32 = 3;
/// Most extrinsics that users submit to a chain between two relay blocks.
const MAX_SUBMITTED: usize = 4;
/// Most relay blocks at the end until what is on its way has arrived.
const LAST_DELIVERIES: u32 = 200;
/// What a collator pays at most for a core on demand: ten times what one costs when nobody waits.
const ORDER_FOR: u64 = 5_000_000_000;

pub(super) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let start = Instant::now();
    let directory = tempfile::Builder::new().prefix("zkpov-relay-").tempdir()?;
    let relay = SharedRelay::new(LocalRelay::new(args.config()));
    out.say(format!(
        "{}   {}\n",
        out.heading("zkpov relay"),
        out.faint(format!(
            "{}, {} with {} each, seed {}",
            counted(args.cores.into(), "core"),
            counted(args.chains.len() as u64, "parachain"),
            counted(args.collators.into(), "collator"),
            args.seed
        ))
    ))?;
    let mut plan = Vec::new();
    for (para, name) in (PARA_ID..).zip(&args.chains) {
        plan.push((para, values::chain(name)?));
    }
    let exchange = if args.messages { Exchange::between(&plan)? } else { Exchange::default() };
    let mut chains = Vec::new();
    let bars = Bars::new("set-up");
    let options = Options::default().with_progress(&bars);
    for (para, chain) in plan {
        let peering = exchange.peering(para);
        let tier = peering.as_ref().and_then(|_| messages::smallest_tier(chain));
        let settings = Settings {
            chain,
            para,
            tier: tier.map_or_else(|| TierChoice::Tiny.of(chain), Ok)?,
            scene: Scene::seeded(MIN_ACCOUNTS, args.seed),
            collators: args.collators,
            blocks: args.blocks.min(MIN_ACCOUNTS),
            conduct: Conduct { order_for: Some(ORDER_FOR), ..Conduct::default() },
            peering,
        };
        chains.push(DevChain::create(&directory.path().join(para.to_string()), settings, &relay, &options)?);
    }
    drop(bars);
    let names = chains.iter().map(|chain| (chain.para, chain.chain.name().to_owned())).collect();
    let mut story = Story {
        out,
        telling: Telling::new(out, names).exchanging(exchange.token.clone()),
        relay,
        chains,
        exchange,
        random: StdRng::seed_from_u64(args.seed),
    };
    story.begin(args)?;
    for _ in 0..args.blocks {
        story.block(args.forks)?;
    }
    story.finish(start)
}

struct Story {
    out: Output,
    telling: Telling,
    relay: SharedRelay,
    chains: Vec<DevChain>,
    exchange: Exchange,
    random: StdRng,
}

impl Story {
    /// Registers the parachains. The first leases a core for half the story, the others order on demand.
    fn begin(&mut self, args: &Args) -> Result<(), Failure> {
        for chain in &self.chains {
            chain.register(&self.relay)?;
        }
        self.relay.with(|relay| self.exchange.open(relay));
        let lag = args.finality;
        if let Some(first) = self.chains.first() {
            let (para, blocks) = (first.para, (args.blocks / 2).saturating_add(lag));
            self.relay.with(|relay| relay.lease(para, blocks))?;
        }
        self.telling.latest(&self.relay)?;
        // So many that no fork undoes it.
        for _ in 0..=lag {
            self.relay.with(LocalRelay::produce);
        }
        self.relay.with(LocalRelay::take_events);
        self.out.say(
            self.out.faint(format!("   … {} later that is final.", counted((lag + 1).into(), "relay block"))),
        )
    }

    /// Users submit, collators step, the relay chain makes a block, or goes another way.
    fn block(&mut self, forks: u32) -> Result<(), Failure> {
        let heads = self.relay.heads()?;
        for chain in &mut self.chains {
            chain.submit(self.random.gen_range(0..=MAX_SUBMITTED))?;
            self.exchange.send(chain, &mut self.random)?;
            for (number, done) in chain.step(&heads, &Options::default())? {
                self.telling.collator(chain.para, number, &done)?;
            }
        }
        if self.random.gen_ratio(1, 8) {
            self.forge(&heads.best)?;
        }
        let fork = self.random.gen_ratio(forks, 100).then(|| self.random.gen_range(1..=MAX_DEPTH));
        self.relay.with(|relay| {
            // A fork that would undo final blocks is none.
            if fork.is_none_or(|depth| relay.fork(depth).is_err()) {
                relay.produce();
            }
        });
        self.telling.latest(&self.relay)
    }

    /// Somebody offers a block that claims another state.
    fn forge(&self, relay_parent: &[u8; 32]) -> Result<(), Failure> {
        let Some(chain) = self.chains.first() else { return Ok(()) };
        let Some(node) = chain.nodes.first() else { return Ok(()) };
        let tip = node.collator().database().tip()?;
        let Some(parent_head) = self.relay.para_head(chain.para, relay_parent)? else { return Ok(()) };
        // Not before there is a block. The root and not any byte, for a proof's bytes are of its own randomness.
        let Ok(mut block) = ProvenBlock::decode(&tip.pov) else { return Ok(()) };
        block.proven.state_root += Fr::from(1u64);
        let pov = block.encode();
        let candidate = Candidate { para: chain.para, relay_parent: *relay_parent, parent_head, pov };
        match self.relay.submit(&candidate) {
            Err(_) => Ok(()),
            Ok(()) => Err(Failure::misuse("a forged block was taken; this is a fault of the program")),
        }
    }

    /// Goes on, without forks and without new extrinsics, until no tokens are on their way.
    fn deliver(&mut self) -> Result<(), Failure> {
        if self.exchange.token.is_none() {
            return Ok(());
        }
        let mut quiet = 0;
        for _ in 0..LAST_DELIVERIES {
            let heads = self.relay.heads()?;
            let mut made = 0;
            for chain in &mut self.chains {
                for (number, done) in chain.step(&heads, &Options::default())? {
                    self.telling.collator(chain.para, number, &done)?;
                    made += usize::from(!matches!(done, Done::Finalized { .. }));
                }
            }
            self.relay.with(LocalRelay::produce);
            self.telling.latest(&self.relay)?;
            quiet = if made == 0 { quiet + 1 } else { 0 };
            // A block is backed, included, and imported by the others; and each collator has its turn.
            if quiet > 2 * TURN_BLOCKS * u32::try_from(self.most_collators()).unwrap_or(u32::MAX) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn most_collators(&self) -> usize {
        self.chains.iter().map(|chain| chain.nodes.len()).max().unwrap_or(0)
    }

    /// Lets all come to rest, and checks that everybody has the same.
    fn finish(mut self, start: Instant) -> Result<(), Failure> {
        let out = self.out;
        // Enough blocks to include what waits and to make it final.
        self.deliver()?;
        let rest = self.relay.with(|relay| relay.config().finality_lag) + 4;
        for _ in 0..rest {
            let heads = self.relay.heads()?;
            for chain in &mut self.chains {
                for node in &mut chain.nodes {
                    node.follow(&heads)?;
                }
            }
            self.relay.with(|relay| relay.produce());
        }
        self.relay.with(LocalRelay::take_events);
        let heads = self.relay.heads()?;
        out.say(format!("\n{}", out.heading("At the end")))?;
        let mut results = Vec::new();
        for chain in &mut self.chains {
            for node in &mut chain.nodes {
                node.follow(&heads)?;
            }
            let head = self.relay.para_head(chain.para, &heads.best)?.unwrap_or_default();
            let mut numbers = BTreeMap::new();
            for (number, node) in chain.nodes.iter().enumerate() {
                let tip = node.collator().database().tip()?;
                if tip.head != head {
                    return Err(Failure::misuse(format!(
                        "collator {} of {} has another head than the relay chain; this is a fault of the program",
                        letter(number),
                        chain.chain.name()
                    )));
                }
                numbers.insert(letter(number).to_string(), tip.number);
            }
            let Some(node) = chain.nodes.first() else { continue };
            let (tip, finalized) =
                (node.collator().database().tip()?, node.collator().database().finalized()?);
            let purse = self.relay.with(|relay| relay.purse(chain.para));
            out.say(format!(
                "   {:<14} {} block {} with the relay chain and {}, {finalized} final; {} left for coretime",
                chain.chain.name(),
                out.good("✓"),
                tip.number,
                counted(chain.nodes.len() as u64, "collator"),
                super::telling::dot(purse)
            ))?;
            results.push(json!({
                "para": chain.para, "chain": chain.chain.name(), "number": tip.number, "finalized": finalized,
                "head": hex(&tip.hash), "collators": numbers, "purse": purse,
            }));
        }
        let abroad = self.exchange.settle(out, &self.chains)?.map(|abroad| abroad.to_string());
        out.say(out.faint(format!("\nAll of it took {}.", duration(start.elapsed()))))?;
        let result = json!({ "result": "done", "parachains": results, "abroad": abroad });
        if out.is_json() { out.line(result) } else { Ok(()) }
    }
}
