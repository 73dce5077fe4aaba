//! The demo's block and the relay chain: a core is bought, the block included, a fork undoes it, and it is final at last.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use zkpov_collator::{
    db::ReadDatabase,
    files,
    keystore::KeyStore,
    paths,
    pool::{Limits, Pool},
    relay::{
        interface::{Registration, Relay},
        local::{Config, LocalRelay},
        shared::SharedRelay,
    },
    sample::{PARA_ID, SampleChain},
    service::node::{Conduct, Done, Node},
};
use zkpov_prover::Options;
use zkpov_verifier::relay::RelayContext;

use super::Story;
use crate::cli::{
    failure::Failure,
    output::{counted, duration},
    progress::Bars,
    relay::telling::{Telling, dot},
};

/// How far finality is behind: more than the fork is deep.
const FINALITY_LAG: u32 = 4;
/// For how many relay blocks the core is leased.
const LEASE_BLOCKS: u32 = 100;
/// How many relay blocks the fork abandons: the one that included the block, the one that backed it, and its relay parent.
const FORK_DEPTH: u32 = 3;

/// The best block as the relay parent of the next para block.
pub(super) fn relay_parent(relay: &SharedRelay) -> Result<RelayContext, Failure> {
    Ok(relay.context(PARA_ID, &relay.heads()?.best)?.context)
}

impl Story<'_> {
    /// Registers the parachain with a relay chain, and leases a core.
    pub(super) fn buy_a_core(
        &mut self,
        sample: &SampleChain,
        validity_key: &[u8],
    ) -> Result<SharedRelay, Failure> {
        let out = self.out;
        self.chapter(3, "It registers with a relay chain and buys coretime")?;
        let mut local = LocalRelay::new(Config { finality_lag: FINALITY_LAG, ..Config::default() });
        let head = sample.collator().database().genesis()?.head;
        local.register(&Registration { validity_key: validity_key.to_vec(), head })?;
        let before = local.purse(PARA_ID);
        let lease = local.lease(PARA_ID, LEASE_BLOCKS)?;
        let price = before.saturating_sub(local.purse(PARA_ID));
        // Final, so that the fork below does not undo it.
        for _ in 0..=FINALITY_LAG {
            local.produce();
        }
        local.take_events();
        out.say("   the validity key stands where a parachain's wasm code would: as its validation code")?;
        out.say(format!(
            "   core {} leased for {LEASE_BLOCKS} relay blocks, {} of its purse of {}",
            lease.core,
            out.strong(dot(price)),
            dot(before)
        ))?;
        self.figure("coretime_planck", json!(price));
        Ok(SharedRelay::new(local))
    }

    /// The block is included, undone by a fork with the collator following, made again, and final.
    pub(super) fn include(
        &mut self,
        sample: SampleChain,
        keys: KeyStore,
        relay: &SharedRelay,
    ) -> Result<(), Failure> {
        self.chapter(7, "The relay chain includes it, goes another way, and makes it final")?;
        let (scene, collator) = sample.into_parts();
        let pool = Arc::new(Pool::open(collator.handle(), *collator.info(), Limits::default())?);
        let conduct = Conduct { tier: Some(self.tier), ..Conduct::default() };
        let author = Some(scene.author().clone());
        let node = Node::new(collator, keys, author, pool, Arc::new(relay.clone()), conduct);
        let names = BTreeMap::from([(PARA_ID, self.chain.name().to_owned())]);
        let mut watch = Watch { relay, node, telling: Telling::new(self.out, names).indented() };
        // The collator offers what it made; it is backed, then included.
        watch.step()?;
        watch.produce(2)?;
        watch.step()?;
        relay.with(|relay| relay.fork(FORK_DEPTH))?;
        watch.tell()?;
        let bars = Bars::new("proof");
        let done = watch.step_with(&Options::default().with_progress(&bars))?;
        drop(bars);
        watch.produce(2 + FINALITY_LAG)?;
        watch.step()?;
        let out = self.out;
        let database = watch.node.collator().database();
        let (tip, finalized) = (database.tip()?, database.finalized()?);
        if finalized != 1 || tip.number != 1 {
            return Err(Failure::misuse("the block is not final at the end; this is a fault of the program"));
        }
        let again = done.iter().find_map(|done| match done {
            Done::Authored { extrinsics, timings, .. } => Some((*extrinsics, timings.prove)),
            _ => None,
        });
        let Some((extrinsics, proving)) = again else {
            return Err(Failure::misuse("the block was not made again; this is a fault of the program"));
        };
        out.say(format!(
            "   {} a fork undid the block on both sides; its {} waited in the collator's pool and are final now, nobody did anything",
            out.good("✓"),
            counted(extrinsics as u64, "extrinsic")
        ))?;
        out.say(out.faint(format!(
            "     proven again in {}, for the block rests on another relay parent",
            duration(proving)
        )))?;
        self.figure("prove_again_seconds", json!(proving.as_secs_f64()));
        self.figure("finalized", json!(finalized));
        // The files are of the block that is final.
        let pov = self.directory.join("block-1.pov");
        files::write_atomically(&self.directory.join("relay.json"), &tip.relay)?;
        files::write_atomically(&pov, &tip.pov)?;
        Ok(files::write_atomically(&paths::head_beside(&pov), &tip.head)?)
    }
}

/// A relay chain and a collator, and somebody who watches.
struct Watch<'a> {
    relay: &'a SharedRelay,
    node: Node,
    telling: Telling,
}

impl Watch<'_> {
    fn step(&mut self) -> Result<Vec<Done>, Failure> {
        self.step_with(&Options::default())
    }

    fn step_with(&mut self, options: &Options<'_>) -> Result<Vec<Done>, Failure> {
        let done = self.node.step(&self.relay.heads()?, options)?;
        for done in &done {
            self.telling.collator(PARA_ID, 0, done)?;
        }
        Ok(done)
    }

    fn produce(&self, blocks: u32) -> Result<(), Failure> {
        self.telling.produce(self.relay, blocks)
    }

    fn tell(&self) -> Result<(), Failure> {
        self.telling.latest(self.relay)
    }
}
