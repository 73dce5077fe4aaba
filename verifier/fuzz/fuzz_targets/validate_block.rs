//! `validate_block`, all of it: no panic on any head, relay context and block data, and nothing but the honest
//! block is accepted. The input is a program of edits to a valid block and its parent head, so that a run gets
//! past the decoders; after the edits of fields the author may sign again, for an author is not to be trusted.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zkpov_verifier::block::ProvenBlock;
use zkpov_verifier::head::Head;
use zkpov_verifier::key::PreparedKey;
use zkpov_verifier::lane::TierId;
use zkpov_verifier::relay::RelayContext;
use zkpov_verifier::statement::author_message;
use zkpov_verifier::testing::{TestChain, element};
use zkpov_verifier::validate::validate_block;

struct Honest {
    chain: TestChain,
    key: PreparedKey,
    parent: Head,
    relay: RelayContext,
    block: ProvenBlock,
}

static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let chain = TestChain::new(2000);
    let (parent, relay, block) = chain.first_block();
    Honest { key: chain.prepared(), chain, parent, relay, block }
});

#[derive(Arbitrary, Debug)]
enum Edit {
    Tier(u8),
    UsedSlots(Vec<u32>),
    StateRoot,
    Author(u32),
    Body { at: u16, with: Vec<u8> },
    BodyLength(u16),
    StorageProof(Vec<Vec<u8>>),
    Upward(Vec<Vec<u8>>),
    Upgrade(Option<Vec<u8>>),
    Proof { at: u8, with: Vec<u8> },
    ProofOfAnother(u8),
    Signals(Vec<Vec<u8>>),
}

#[derive(Arbitrary, Debug)]
struct Input {
    edits: Vec<Edit>,
    sign_again: bool,
    parent_number: Option<u32>,
    relay_parent_number: Option<u32>,
    /// Bytes written over the encoded block.
    overwrite: Vec<(u16, u8)>,
    cut: Option<u16>,
    append: Vec<u8>,
    /// A parent head of its own.
    head: Option<Vec<u8>>,
}

fuzz_target!(|input: Input| {
    let honest = &*HONEST;
    let mut parent = honest.parent.clone();
    let mut relay = honest.relay;
    parent.number = input.parent_number.unwrap_or(parent.number);
    relay.relay_parent_number = input.relay_parent_number.unwrap_or(relay.relay_parent_number);
    let head = input.head.clone().unwrap_or_else(|| parent.encode());

    let mut block = honest.block.clone();
    for edit in &input.edits {
        apply(edit, &mut block);
    }
    if input.sign_again {
        sign_again(honest, &parent, &relay, &mut block);
    }
    let mut bytes = block.encode();
    for &(at, value) in &input.overwrite {
        let length = bytes.len();
        bytes[usize::from(at) % length] = value;
    }
    if let Some(cut) = input.cut {
        bytes.truncate(usize::from(cut));
    }
    bytes.extend(&input.append);

    if validate_block(&head, &relay, &honest.key, &bytes).is_ok() {
        assert_eq!(head, honest.parent.encode(), "a block on another parent");
        assert_eq!(relay, honest.relay, "a block at another relay parent");
        assert_eq!(bytes, honest.block.encode(), "another block");
    }
});

fn apply(edit: &Edit, block: &mut ProvenBlock) {
    let proven = &mut block.proven;
    match edit {
        Edit::Tier(tier) => proven.tier = TierId(*tier),
        Edit::UsedSlots(used) => proven.used_slots.clone_from(used),
        Edit::StateRoot => proven.state_root += element("one more"),
        Edit::Author(author) => proven.author = *author,
        Edit::Body { at, with } => overwrite(&mut proven.body, usize::from(*at), with),
        Edit::BodyLength(length) => proven.body.resize(usize::from(*length), 0),
        Edit::StorageProof(nodes) => proven.storage_proof.clone_from(nodes),
        Edit::Upward(messages) => proven.outbound.upward.clone_from(messages),
        Edit::Upgrade(code) => proven.upgrade.clone_from(code),
        Edit::Proof { at, with } => overwrite(&mut proven.proof, usize::from(*at), with),
        Edit::ProofOfAnother(which) => {
            let statement = element("another statement") + ark_bn254::Fr::from(*which);
            proven.proof = HONEST.chain.simulate(TestChain::SMALL, statement).encode().to_vec();
        }
        Edit::Signals(signals) => block.scheduled.ump_signals.clone_from(signals),
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(with) {
        *to = *from;
    }
}

/// As an author would who changed the block and has no proof of it.
fn sign_again(honest: &Honest, parent: &Head, relay: &RelayContext, block: &mut ProvenBlock) {
    let Some(tier) = honest.chain.key.tier(block.proven.tier) else { return };
    let (parent, chain) = (parent.as_parent(), &honest.chain.key.chain);
    let Ok(statement) = block.proven.statement(chain, &parent, relay, &tier.lanes) else { return };
    let message = author_message(&parent.hash, statement.digest(), &block.scheduled.hash());
    block.signature = honest.chain.author.sign(message);
}
