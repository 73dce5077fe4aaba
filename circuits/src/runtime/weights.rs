//! How large the circuits of a chain are: what is pinned in `weights.csv` and reported by benches.

use ark_relations::gr1cs;

use super::chain::{CallWeight, Chain, Tier};
use crate::r1cs::{R1cs, Size};

/// The circuit of one tier of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierWeight {
    /// The chain's name.
    pub chain: &'static str,
    /// Version of its state machine.
    pub runtime_version: u32,
    /// The tier.
    pub tier: Tier,
    /// Constraints, variables, coefficients.
    pub size: Size,
    /// Public inputs, the constant 1 not among them.
    pub public_inputs: usize,
    /// Digest of the matrices.
    pub digest: [u8; 32],
}

/// Columns of [`TierWeight::csv_row`].
pub const CSV_HEADER: &str =
    "chain,runtime_version,tier,lanes,constraints,public_inputs,variables,non_zeros,calls,digest";

impl TierWeight {
    /// Builds the circuit of `tier` and measures it.
    pub fn measure(chain: &dyn Chain, tier: &Tier) -> gr1cs::Result<Self> {
        let r1cs = R1cs::synthesize(|cs| chain.synthesize(tier.id, None, cs))?;
        Ok(Self {
            chain: chain.name(),
            runtime_version: chain.runtime_version(),
            tier: tier.clone(),
            size: r1cs.size(),
            public_inputs: r1cs.instance_variables - 1,
            digest: r1cs.digest(),
        })
    }

    /// One row of the CSV that pins the circuits.
    pub fn csv_row(&self, chain: &dyn Chain, calls: &[CallWeight]) -> String {
        let Self { runtime_version, tier, size, public_inputs, .. } = self;
        let name = |call: u8| chain.call_name(call).unwrap_or("?");
        let lanes = tier.lanes.iter().map(|lane| format!("{}:{}", name(lane.call), lane.capacity));
        let calls = calls.iter().map(|call| format!("{}:{}", call.name, call.constraints));
        let [lanes, calls] = [lanes.collect::<Vec<_>>(), calls.collect()].map(|parts| parts.join(" "));
        let Size { constraints, variables, non_zeros } = size;
        let digest = hex::encode(self.digest);
        format!(
            "{},{runtime_version},{},{lanes},{constraints},{public_inputs},{variables},{non_zeros},{calls},{digest}",
            self.chain, tier.id
        )
    }
}
