//! What a block reads of the relay chain's state.

use zkpov_verifier::{
    exchange::{Intake, IntakeError},
    head::Head,
    message::{Inbound, MessageFormat},
    relay::{
        RelayContext,
        state::{RelayState, RelayStateError},
        trie::UnorderedNodes,
    },
    statement::ChainIdentity,
};

use crate::relay_file::RelayFile;

/// What the next block reads that is made on `parent` with this relay file, and the storage proof in the form in which a block
/// has it.
///
/// # Errors
/// If the file does not prove what a block reads.
pub(crate) fn intake(
    chain: &ChainIdentity,
    parent: &Head,
    relay: &RelayFile,
) -> Result<(Intake, Vec<Vec<u8>>), IntakeError> {
    let proof = ordered(chain.para_id, relay)?;
    let intake = taken(chain, parent, &relay.context, &proof, &Inbound::default())?;
    Ok((intake, proof))
}

/// What a block takes that is made on `parent`, as its validator sees it.
///
/// # Errors
/// As [`intake`].
pub(crate) fn taken(
    chain: &ChainIdentity,
    parent: &Head,
    relay: &RelayContext,
    storage_proof: &[Vec<u8>],
    inbound: &Inbound,
) -> Result<Intake, IntakeError> {
    Intake::new(chain.para_id, MessageFormat::Dropped, parent, relay, storage_proof, inbound)
}

/// The storage proof's nodes in the order in which a block has them, each once, none more.
fn ordered(para: u32, relay: &RelayFile) -> Result<Vec<Vec<u8>>, RelayStateError> {
    if relay.storage_proof.is_empty() {
        return Ok(Vec::new());
    }
    let mut nodes = UnorderedNodes::new(relay.storage_proof.iter().map(Vec::as_slice));
    RelayState::read(para, &relay.context.relay_parent_storage_root, &mut nodes)?;
    Ok(nodes.into_proof())
}
