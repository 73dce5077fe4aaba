//! Blocks that must not pass, and what a validator says to each.

use zkpov_circuits::keys::SecretKey;
use zkpov_verifier::{
    block::ProvenBlock,
    field::Fr,
    head::Head,
    key::{KeyPolicy, PreparedKey},
    relay::RelayContext,
    statement::author_message,
    validate::{Transition, validate_block},
};

use crate::cli::failure::Failure;

/// An attack on a valid block, and how it went.
#[derive(Debug)]
pub(crate) struct Attack {
    /// Who does what.
    pub(crate) what: &'static str,
    /// The validator's reason, `None` if the block was accepted.
    pub(crate) refusal: Option<String>,
}

/// The valid block, with all that an attacker may know: even the author's secret.
pub(crate) struct Target<'a> {
    pub(crate) parent_head: &'a [u8],
    pub(crate) relay: &'a RelayContext,
    pub(crate) key: &'a PreparedKey,
    pub(crate) pov: &'a [u8],
    pub(crate) author: &'a SecretKey,
}

/// Mounts every attack.
///
/// # Errors
/// When the target itself is not a block.
pub(crate) fn attacks(target: &Target<'_>) -> Result<Vec<Attack>, Failure> {
    let block = ProvenBlock::decode(target.pov)?;
    let accepted = validate_block(target.parent_head, target.relay, target.key, target.pov)?;
    let (_, rest) = target.pov.split_first().unwrap_or((&0, &[]));
    let truncated = target
        .pov
        .strip_suffix(rest.last().map(std::slice::from_ref).unwrap_or_default())
        .unwrap_or_default();
    Ok(vec![
        check("a byte is lost on the way", target, target.parent_head, target.key, truncated),
        check(
            "a bit of an amount flips on the way",
            target,
            target.parent_head,
            target.key,
            &raised(&block).encode(),
        ),
        resigned("the author raises an amount and signs again", target, raised(&block)),
        resigned("the author claims another state, and signs", target, with_other_root(&block)),
        resigned(
            "the author directs the fees to another account, and signs",
            target,
            with_other_author(&block),
        ),
        on_itself(target, &block, &accepted),
        in_another_chain(target, &block)?,
    ])
}

fn check(what: &'static str, target: &Target<'_>, parent: &[u8], key: &PreparedKey, pov: &[u8]) -> Attack {
    let verdict = validate_block(parent, target.relay, key, pov);
    Attack { what, refusal: verdict.err().map(|reason| reason.to_string()) }
}

/// The author is the attacker: the signature is always right, so only the proof stands in the way.
pub(super) fn resigned(what: &'static str, target: &Target<'_>, block: ProvenBlock) -> Attack {
    match sign(target, target.parent_head, target.key, block) {
        Ok(pov) => check(what, target, target.parent_head, target.key, &pov),
        Err(refusal) => Attack { what, refusal: Some(refusal) },
    }
}

fn sign(
    target: &Target<'_>,
    parent: &[u8],
    key: &PreparedKey,
    mut block: ProvenBlock,
) -> Result<Vec<u8>, String> {
    let parent = Head::decode(parent).map_err(|error| error.to_string())?;
    let (tier, _) = key.tier(block.proven.tier).ok_or("the key has no such tier")?;
    let (chain, proven) = (&key.key().chain, &block.proven);
    let exchange = proven
        .exchange(chain, key.key().messages, &parent, target.relay)
        .map_err(|error| error.to_string())?;
    let parent = parent.as_parent();
    let statement = proven
        .statement(chain, &parent, target.relay, key.key().body_format, &tier.lanes, &exchange)
        .map_err(|error| error.to_string())?;
    let message = author_message(&parent.hash, statement.digest(), &block.scheduled.hash());
    block.signature = target.author.sign(message);
    Ok(block.encode())
}

/// The same block with a larger amount: the lowest bit of an amount's second byte flips in the first call.
fn raised(block: &ProvenBlock) -> ProvenBlock {
    /// A transfer's body element begins with two account indices of three bytes.
    const AMOUNT_AT: usize = 6;
    let mut block = block.clone();
    if let Some(byte) = block.proven.body.get_mut(AMOUNT_AT + 1) {
        *byte ^= 1;
    }
    block
}

fn with_other_root(block: &ProvenBlock) -> ProvenBlock {
    let mut block = block.clone();
    block.proven.state_root += Fr::from(1u64);
    block
}

fn with_other_author(block: &ProvenBlock) -> ProvenBlock {
    let mut block = block.clone();
    block.proven.author ^= 1;
    block
}

fn on_itself(target: &Target<'_>, block: &ProvenBlock, accepted: &Transition) -> Attack {
    let what = "the author submits the block a second time, on top of itself";
    match sign(target, &accepted.head_data, target.key, block.clone()) {
        Ok(pov) => check(what, target, &accepted.head_data, target.key, &pov),
        Err(refusal) => Attack { what, refusal: Some(refusal) },
    }
}

/// The same circuit and keys under another para id: what a proof is worth in a sister chain.
fn in_another_chain(target: &Target<'_>, block: &ProvenBlock) -> Result<Attack, Failure> {
    let what = "the author submits the block to a sister chain with the same keys";
    let mut key = target.key.key().clone();
    key.chain.para_id = key.chain.para_id.wrapping_add(1);
    let key = PreparedKey::new(key, KeyPolicy { allow_dev_setup: true })?;
    Ok(match sign(target, target.parent_head, &key, block.clone()) {
        Ok(pov) => check(what, target, target.parent_head, &key, &pov),
        Err(refusal) => Attack { what, refusal: Some(refusal) },
    })
}
