//! What the chain spec says of governance: `pallets.governance`.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{outcome::QUORUM_PARTS, record::Charter};
use crate::{decimal, runtime::SpecError};

/// The longest of a chain's terms, in blocks: over three years at six seconds. Numbers of blocks stay far from the last.
const LONGEST: u32 = 1 << 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GovernanceSpec {
    /// What the treasury begins with, beside the accounts.
    #[serde(with = "decimal")]
    treasury: u128,
    /// What a proposer deposits.
    #[serde(with = "decimal")]
    deposit: u128,
    /// Blocks after a proposal's in which it takes votes.
    voting_period: u32,
    /// Blocks from the count to the enactment.
    enactment_delay: u32,
    /// Blocks after that in which a proposal can be enacted.
    enactment_window: u32,
    /// A lock period in blocks.
    lock_period: u32,
    /// The least turnout, in thousandths of the issuance.
    quorum_per_mille: u16,
}

/// The charter that a spec begins with: without a spec, one by which nobody governs, since a proposal takes more than there is.
pub(super) fn charter(spec: Option<&Json>) -> Result<Charter, SpecError> {
    let Some(spec) = spec else {
        // Of the parts there are.
        let quorum = QUORUM_PARTS as u16;
        return Ok(Charter { next_number: 1, deposit: u128::MAX, quorum, ..Charter::blank() });
    };
    let spec: GovernanceSpec = serde_json::from_value(spec.clone())?;
    let GovernanceSpec { treasury, deposit, voting_period, enactment_delay, .. } = spec;
    let GovernanceSpec { enactment_window, lock_period, quorum_per_mille, .. } = spec;
    let invalid = |reason: String| Err(SpecError::Invalid(format!("governance: {reason}")));
    for (name, blocks) in [
        ("voting_period", voting_period),
        ("enactment_delay", enactment_delay),
        ("enactment_window", enactment_window),
        ("lock_period", lock_period),
    ] {
        if blocks > LONGEST {
            return invalid(format!("`{name}` is {blocks} blocks, more than {LONGEST}"));
        }
    }
    if u64::from(quorum_per_mille) > QUORUM_PARTS {
        return invalid(format!("a quorum of {quorum_per_mille} thousandths is more than there is"));
    }
    Ok(Charter {
        treasury,
        next_number: 1,
        upgraded: 0,
        quorum: quorum_per_mille,
        lock_period,
        deposit,
        period: voting_period,
        delay: enactment_delay,
        window: enactment_window,
    })
}
