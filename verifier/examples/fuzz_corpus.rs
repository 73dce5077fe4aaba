//! Writes the inputs that the fuzz targets start from: `cargo run -p zkpov-verifier --features testing
//! --example fuzz_corpus`.

use std::{error::Error, fs, path::Path};

use zkpov_verifier::head::MqcHeads;
use zkpov_verifier::key::Setup;
use zkpov_verifier::message::{ChannelMessages, SentMessage};
use zkpov_verifier::testing::relay::TestRelay;
use zkpov_verifier::testing::{TestChain, Trapdoor};
use zkpov_verifier::transfer::{Purpose, Transfer};
use zkpov_verifier::xcm::message;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    let chain = TestChain::new(2000);
    let (parent, _, block) = chain.first_block();

    write("head", "genesis", &parent.encode())?;
    let mut head = parent;
    head.number = 70_000;
    head.digest.mqc = MqcHeads { downward: [1; 32], horizontal: vec![(5, [2; 32]), (9, [3; 32])] };
    write("head", "channels", &head.encode())?;

    write("validity_key", "two_tiers", &chain.key.encode())?;
    let mut key = chain.key.clone();
    key.tiers.truncate(1);
    for tier in &mut key.tiers {
        tier.setup = Setup::Ceremony([4; 32]);
    }
    write("validity_key", "ceremony", &key.encode())?;

    write("proven_block", "first", &block.encode())?;
    let mut full = block.clone();
    let sent = SentMessage { sent_at: 7, data: vec![1, 2, 3] };
    full.proven.storage_proof = vec![vec![1; 40], vec![]];
    full.proven.inbound.downward = vec![sent.clone()];
    full.proven.inbound.downward_rest = vec![(8, [9; 32])];
    let channel = ChannelMessages { sender: 1, messages: vec![sent], rest: vec![(8, [9; 32])] };
    full.proven.inbound.horizontal = vec![channel];
    full.proven.outbound.upward = vec![vec![5]];
    full.proven.outbound.horizontal = vec![(2001, vec![6])];
    full.proven.upgrade = Some(key.encode());
    full.scheduled.ump_signals = vec![vec![0, 1]];
    write("proven_block", "every_field", &full.encode())?;

    let keys = [&Trapdoor::new("fuzz").verifying_key().encode()[..], &block.proven.proof].concat();
    write("proof", "proof", &block.proven.proof)?;
    write("proof", "verifying_key", &keys)?;
    write("eddsa", "key", &[block.proven.author_key.to_bytes(), [0; 64]].concat())?;
    write("eddsa", "signature", &block.signature.to_bytes())?;
    // Structured input, of the generator's own reading: shapes in front, the body behind.
    write("body", "body", &[&[3, 2, 30, 1, 1, 30, 32, 32][..], &block.proven.body].concat())?;
    let purpose = Purpose::Payment { recipient: block.proven.author_key.point().pack(), refund: 1 };
    let transfer = Transfer { token: 2000, amount: 1 << 70, sequence: 1, purpose };
    let peers = [2001u16, 2000].map(u16::to_le_bytes).concat();
    write("xcm", "transfers", &[&peers[..], &message(&[transfer; 2], 2001, 2000)].concat())?;
    write("storage_proof", "nodes", &TestRelay::new().storage_proof(2000).concat())?;
    write("inbound", "unchanged", &[0; 16])?;
    write("validate_block", "unchanged", &[0; 16])?;
    write("validate_block", "edits", &[0x1f; 96])?;
    Ok(())
}
