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
use zkpov_verifier::message::SentMessage;
use zkpov_verifier::relay::RelayContext;
use zkpov_verifier::statement::author_message;
use zkpov_verifier::testing::relay::TestRelay;
use zkpov_verifier::testing::{TestChain, element};
use zkpov_verifier::transfer::{Purpose, Transfer};
use zkpov_verifier::validate::validate_block;
use zkpov_verifier::xcm::message;

struct Honest {
    chain: TestChain,
    key: PreparedKey,
    parent: Head,
    relay: RelayContext,
    block: ProvenBlock,
}

/// A block that takes and sends messages and upgrades.
static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let chain = TestChain::new(HERE).with_transfers();
    let mut relay_chain = TestRelay::new();
    relay_chain.open(PEER, HERE, 8, 4096);
    relay_chain.open(HERE, PEER, 8, 4096);
    let purpose = Purpose::Payment { recipient: chain.author.key().point().pack(), refund: 1 };
    let transfer = Transfer { token: HERE, amount: 5, sequence: 1, purpose };
    relay_chain.send(PEER, HERE, message(&[transfer], PEER, HERE));
    relay_chain.send_down(HERE, vec![1, 2, 3]);
    let mut proven = chain.proven();
    proven.storage_proof = relay_chain.storage_proof(HERE);
    proven.inbound = relay_chain.inbound(HERE, u32::MAX);
    proven.outbound.horizontal = vec![(PEER, message(&[transfer], HERE, PEER))];
    proven.upgrade = Some(vec![7; 20]);
    let (parent, relay) = (chain.genesis.clone(), relay_chain.context());
    let block = chain.prove(proven, &parent, &relay);
    Honest { key: chain.prepared(), chain, parent, relay, block }
});

const HERE: u32 = 2000;
const PEER: u32 = 2001;

#[derive(Arbitrary, Debug)]
enum Edit {
    Tier(u8),
    UsedSlots(Vec<u32>),
    StateRoot,
    Author(u32),
    Body { at: u16, with: Vec<u8> },
    BodyLength(u16),
    StorageProof(Vec<Vec<u8>>),
    Node { at: u8, with: Vec<u8> },
    Upward(Vec<Vec<u8>>),
    Downward { sent_at: u8, data: Vec<u8> },
    Taken { at: u8, with: Vec<u8> },
    Sent { at: u8, with: Vec<u8> },
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
        let mut block = ProvenBlock::decode(&bytes).expect("accepted bytes are a block");
        if input.sign_again {
            // The author may choose the scheduled part anew.
            block.scheduled.clone_from(&honest.block.scheduled);
            block.signature = honest.block.signature;
        }
        assert_eq!(block, honest.block, "another block");
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
        Edit::Node { at, with } => {
            let nodes = &mut proven.storage_proof;
            let count = nodes.len().max(1);
            if let Some(node) = nodes.get_mut(usize::from(*at) % count) {
                node.clone_from(with);
            }
        }
        Edit::Downward { sent_at, data } => {
            let sent_at = 95 + u32::from(*sent_at % 8);
            proven.inbound.downward.push(SentMessage { sent_at, data: data.clone() });
        }
        Edit::Taken { at, with } => {
            let data = proven.inbound.horizontal.first_mut().and_then(|channel| channel.messages.first_mut());
            if let Some(message) = data {
                overwrite(&mut message.data, usize::from(*at), with);
            }
        }
        Edit::Sent { at, with } => {
            if let Some((_, data)) = proven.outbound.horizontal.first_mut() {
                overwrite(data, usize::from(*at), with);
            }
        }
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
    let (chain, messages) = (&honest.chain.key.chain, honest.chain.key.messages);
    let format = honest.chain.key.body_format;
    let Ok(exchange) = block.proven.exchange(chain, messages, parent, relay) else { return };
    let parent = parent.as_parent();
    let Ok(statement) = block.proven.statement(chain, &parent, relay, format, &tier.lanes, &exchange) else {
        return;
    };
    let message = author_message(&parent.hash, statement.digest(), &block.scheduled.hash());
    block.signature = honest.chain.author.sign(message);
}
