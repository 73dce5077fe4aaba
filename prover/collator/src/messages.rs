//! What a block takes from other chains and sends to them.
//!
//! ```text
//!   relay file ─┐
//!   parent head ┴─► Intake (the verifier's own) ─► records that arrive, room in channels ─► execution ─► outbox ─► bytes of messages
//! ```

use zkpov_circuits::runtime::Messages;
use zkpov_verifier::{
    block::Proven,
    exchange::{Intake, IntakeError},
    head::Head,
    message::MessageFormat,
    relay::{
        RelayContext,
        state::{RelayState, RelayStateError},
        trie::UnorderedNodes,
    },
};

use crate::relay_file::RelayFile;

/// What the next block of chain `para` takes that is made on `parent` with this relay file, and the storage proof in the form in
/// which a block has it.
///
/// # Errors
/// If the file's messages are not those that wait for the chain, as the relay chain's state has them.
pub fn intake(
    para: u32,
    format: MessageFormat,
    parent: &Head,
    relay: &RelayFile,
) -> Result<(Intake, Vec<Vec<u8>>), IntakeError> {
    let proof = ordered(para, relay)?;
    let intake = Intake::new(para, format, parent, &relay.context, &proof, &relay.inbound)?;
    Ok((intake, proof))
}

/// What a proven block takes that is made on `parent`.
///
/// # Errors
/// As [`intake`].
pub fn taken(
    para: u32,
    format: MessageFormat,
    parent: &Head,
    relay: &RelayContext,
    block: &Proven,
) -> Result<Intake, IntakeError> {
    Intake::new(para, format, parent, relay, &block.storage_proof, &block.inbound)
}

/// What an execution is given of it.
#[must_use]
pub fn messages(intake: &Intake) -> Messages {
    Messages { inbox: intake.records.clone(), room: intake.room() }
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
