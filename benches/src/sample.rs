//! A full block of the `payments` chain, in both forms: proven, and with its witness.

use std::path::Path;

use anyhow::{Context, ensure};
use zkpov_circuits::{
    chains::{chain_by_name, payments},
    runtime::{BlockContext, Composition},
};
use zkpov_collator::{
    keystore::KeyStore,
    sample::{RELAY, SampleBlock, SampleChain},
    scene::Scene,
    witness_pov::WitnessPov,
};
use zkpov_prover::Options;
use zkpov_verifier::{lane::TierId, relay::RelayContext};

/// A block that fills its tier, and what it takes to check it.
#[derive(Debug)]
pub struct ProvenSample {
    /// The chain.
    pub chain: Composition,
    /// The tier it fills.
    pub tier: TierId,
    /// Head data of the block before it.
    pub parent_head: Vec<u8>,
    /// What the validator sees of the relay chain.
    pub relay: RelayContext,
    /// The validity key's bytes.
    pub validity_key: Vec<u8>,
    /// The proven block.
    pub pov: Vec<u8>,
    /// What executing it again depends on beside the witness.
    pub context: BlockContext,
    /// The block as it would be without a proof.
    pub witness: WitnessPov,
}

impl ProvenSample {
    /// Makes a chain of `accounts` accounts in `directory`, development keys for `tier`, and a block that fills it:
    /// minutes for the largest tier.
    ///
    /// # Errors
    /// Whatever fails on the way.
    pub fn build(directory: &Path, tier: TierId, accounts: u32) -> anyhow::Result<Self> {
        let chain = chain_by_name("payments").context("the payments chain ships")?;
        let mut sample = SampleChain::create(directory, chain, tier, Scene::random(accounts))?;
        let (proving_key, validity_key) = sample.make_keys(&Options::default())?;
        // Authoring opens it again, from its file.
        drop(proving_key);
        let keys = KeyStore::open(&sample.keys(), &sample.collator().info().identity)?;
        let extrinsics = sample.signed()?;
        let block = sample.author(&keys, &extrinsics, &Options::default())?;
        ensure!(block.made.included.len() == extrinsics.len(), "the block does not hold every extrinsic");
        let SampleBlock { parent_head, record, context, witness, .. } = block;
        Ok(Self {
            chain: payments(),
            tier,
            parent_head,
            relay: RELAY,
            validity_key,
            pov: record.pov,
            context,
            witness: witness.context("the payments chain has native code")?,
        })
    }
}
