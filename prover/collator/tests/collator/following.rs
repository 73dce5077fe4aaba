//! Collators and a local relay chain in one process: cores, forks, finality, several collators, archives.

use std::{path::Path, sync::Arc};

use tempfile::TempDir;
use zkpov_collator::{
    db::ReadDatabase,
    pool::{Limits, Pool},
    relay::{
        Relay, RelayError,
        interface::{BlockData, Candidate, Core, Hash},
        local::{Config, LocalRelay},
        shared::SharedRelay,
    },
    service::node::{Archive, Conduct, Done, Node, NodeError, Undone},
};
use zkpov_prover::Options;

use crate::stage::{PARA_ID, collator, encoded, keys, person, signed};

const FINALITY_LAG: u32 = 5;

fn relay(config: Config) -> SharedRelay {
    SharedRelay::new(LocalRelay::new(Config { finality_lag: FINALITY_LAG, ..config }))
}

fn opened(directory: &Path, relay: &SharedRelay, conduct: Conduct) -> Node {
    let collator = match directory.join("chain.redb").exists() {
        true => zkpov_collator::Collator::open(directory).expect("a chain"),
        false => collator(directory),
    };
    let pool = Pool::open(collator.handle(), *collator.info(), Limits::default()).expect("a pool");
    let keys = keys(&collator);
    Node::new(collator, keys, Some(person(0)), Arc::new(pool), Arc::new(relay.clone()), conduct)
}

/// A collator whose parachain is registered and has a core, all of it final.
fn at_work(config: Config) -> (TempDir, SharedRelay, Node) {
    let (directory, relay) = (tempfile::tempdir().expect("a directory"), relay(config));
    let mut node = opened(directory.path(), &relay, Conduct { register: true, ..Conduct::default() });
    step(&mut node, &relay);
    relay.with(|relay| relay.lease(PARA_ID, 1000)).expect("a core");
    produce(&relay, FINALITY_LAG + 1);
    (directory, relay, node)
}

fn produce(relay: &SharedRelay, blocks: u32) {
    for _ in 0..blocks {
        relay.with(LocalRelay::produce);
    }
}

fn step(node: &mut Node, relay: &SharedRelay) -> Vec<Done> {
    node.step(&relay.heads().expect("heads"), &Options::default()).expect("a step")
}

fn submit(node: &Node, from: u8, nonce: u32) -> Vec<u8> {
    let extrinsic = encoded(&signed(node.collator(), from, nonce, "transfer", &person(0), 5));
    node.pool().submit(&extrinsic).expect("taken");
    extrinsic
}

fn on_relay(relay: &SharedRelay) -> Vec<u8> {
    let best = relay.heads().expect("heads").best;
    relay.para_head(PARA_ID, &best).expect("an answer").expect("a head")
}

fn tip(node: &Node) -> (u32, Vec<u8>) {
    let tip = node.collator().database().tip().expect("a tip");
    (tip.number, tip.head)
}

fn authored(done: &[Done]) -> Option<u32> {
    done.iter().find_map(|done| match done {
        Done::Authored { number, .. } => Some(*number),
        _ => None,
    })
}

#[test]
fn without_a_core_there_is_no_block_and_with_one_that_was_paid_for_it_is_included_and_final() {
    let (directory, relay) = (tempfile::tempdir().unwrap(), relay(Config::default()));
    let mut node = opened(directory.path(), &relay, Conduct::default());
    assert!(matches!(
        node.step(&relay.heads().unwrap(), &Options::default()),
        Err(NodeError::NotRegistered(PARA_ID))
    ));
    drop(node);
    let conduct = Conduct { register: true, order_for: None, ..Conduct::default() };
    let mut node = opened(directory.path(), &relay, conduct);
    step(&mut node, &relay);
    produce(&relay, 1);
    let extrinsic = submit(&node, 1, 0);
    assert!(step(&mut node, &relay).is_empty(), "nobody paid for a core");
    assert_eq!(relay.core(PARA_ID, &relay.heads().unwrap().best).unwrap(), Core::None);

    drop(node);
    let conduct = Conduct { order_for: Some(u64::MAX), ..conduct };
    let mut node = opened(directory.path(), &relay, conduct);
    let before = relay.with(|relay| relay.purse(PARA_ID));
    assert!(matches!(step(&mut node, &relay)[..], [Done::Ordered { .. }]));
    assert!(relay.with(|relay| relay.purse(PARA_ID)) < before, "it was paid");
    assert_eq!(authored(&step(&mut node, &relay)), Some(1));
    assert_eq!(node.collator().database().tip().unwrap().extrinsics, [extrinsic]);
    produce(&relay, 1);
    assert_ne!(on_relay(&relay), tip(&node).1, "backed, and not yet included");
    produce(&relay, 1);
    assert_eq!(on_relay(&relay), tip(&node).1);
    step(&mut node, &relay);
    assert_eq!(
        node.collator().database().finalized().unwrap(),
        0,
        "final when its relay block is, not before"
    );
    produce(&relay, FINALITY_LAG);
    step(&mut node, &relay);
    assert_eq!(node.collator().database().finalized().unwrap(), 1);
    assert_eq!(node.pool().status(), Default::default(), "what is final leaves the pool");
}

#[test]
fn a_fork_undoes_the_block_and_its_extrinsics_are_in_the_block_that_follows() {
    let (_directory, relay, mut node) = at_work(Config::default());
    let extrinsics = [submit(&node, 1, 0), submit(&node, 2, 0)];
    assert_eq!(authored(&step(&mut node, &relay)), Some(1));
    produce(&relay, 2);
    step(&mut node, &relay);
    let undone = tip(&node);
    assert_eq!(on_relay(&relay), undone.1);
    assert_eq!((node.pool().status().ready, node.pool().status().in_blocks), (0, 2));

    // The relay parent goes too.
    relay.with(|relay| relay.fork(3)).unwrap();
    let done = node.follow(&relay.heads().unwrap()).unwrap();
    assert!(
        matches!(done[..], [Done::RolledBack { from: 1, to: 0, why: Undone::Reverted }]),
        "no step by hand: {done:?}"
    );
    assert_eq!((tip(&node).0, node.pool().status().ready), (0, 2));
    assert_eq!(authored(&step(&mut node, &relay)), Some(1));
    assert_ne!(tip(&node).1, undone.1, "another block: it has another relay parent");
    let mut again = node.collator().database().tip().unwrap().extrinsics;
    again.sort();
    let mut wanted = extrinsics.to_vec();
    wanted.sort();
    assert_eq!(again, wanted);
    produce(&relay, 2 + FINALITY_LAG);
    step(&mut node, &relay);
    assert_eq!(node.collator().database().finalized().unwrap(), 1);
}

#[test]
fn a_fork_that_keeps_the_relay_parent_costs_no_second_proof() {
    let (_directory, relay, mut node) = at_work(Config::default());
    submit(&node, 1, 0);
    assert_eq!(authored(&step(&mut node, &relay)), Some(1));
    let block = tip(&node);
    produce(&relay, 2);
    relay.with(|relay| relay.fork(2)).unwrap();
    let done = step(&mut node, &relay);
    assert!(done.is_empty(), "{done:?}");
    produce(&relay, 2);
    assert_eq!((on_relay(&relay), tip(&node)), (block.1.clone(), block));
}

#[test]
fn a_block_that_is_not_included_in_time_is_given_up_and_made_again() {
    let (_directory, relay, mut node) = at_work(Config { allowed_ancestry: 2, ..Config::default() });
    submit(&node, 1, 0);
    let heads = relay.heads().unwrap();
    // The relay chain goes on while the block is proven.
    produce(&relay, 2);
    let done = node.step(&heads, &Options::default()).unwrap();
    assert!(
        matches!(done.last(), Some(Done::RolledBack { from: 1, to: 0, why: Undone::Refused })),
        "too late when it was offered: {done:?}"
    );
    assert_eq!((tip(&node).0, node.pool().status().ready), (0, 1));
    assert_eq!(authored(&step(&mut node, &relay)), Some(1));
    produce(&relay, 2);
    assert_eq!(on_relay(&relay), tip(&node).1);
}

#[test]
fn a_forged_candidate_is_refused_and_the_true_one_taken() {
    let (_directory, relay, mut node) = at_work(Config::default());
    submit(&node, 1, 0);
    let relay_parent = relay.heads().unwrap().best;
    let parent_head = on_relay(&relay);
    step(&mut node, &relay);
    let block = node.collator().database().tip().unwrap();
    let candidate =
        |pov: Vec<u8>| Candidate { para: PARA_ID, relay_parent, parent_head: parent_head.clone(), pov };
    let mut flipped = block.pov.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (pov, word) in [(flipped, ""), (Vec::new(), ""), (vec![0; 11 << 20], "PoV")] {
        let refused = relay.submit(&candidate(pov)).unwrap_err();
        assert!(matches!(&refused, RelayError::Refused(reason) if reason.contains(word)), "{refused}");
    }
    let other = Candidate { parent_head: block.head.clone(), ..candidate(block.pov.clone()) };
    assert!(matches!(relay.submit(&other), Err(RelayError::Refused(_))), "on another parent");
    relay.submit(&candidate(block.pov.clone())).expect("the block itself, once more");
    produce(&relay, 2);
    assert_eq!(on_relay(&relay), block.head);
}

#[test]
fn collators_of_one_chain_take_turns_follow_each_other_and_one_goes_on_where_the_other_died() {
    let relay = relay(Config::default());
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let conduct = |mine| Conduct { register: true, turn: Some((mine, 2)), ..Conduct::default() };
    let mut nodes = [opened(a.path(), &relay, conduct(0)), opened(b.path(), &relay, conduct(1))];
    step(&mut nodes[0], &relay);
    relay.with(|relay| relay.lease(PARA_ID, 1000)).unwrap();
    produce(&relay, FINALITY_LAG + 1);
    let mut makers = Vec::new();
    for nonce in 0..3 {
        for node in &nodes {
            submit(node, 1, nonce);
        }
        while !nodes.iter_mut().enumerate().any(|(number, node)| {
            let made = authored(&step(node, &relay)).is_some();
            if made {
                makers.push(number);
            }
            made
        }) {
            produce(&relay, 1);
        }
        produce(&relay, 2);
        nodes.iter_mut().for_each(|node| drop(node.follow(&relay.heads().unwrap()).unwrap()));
        assert_eq!(tip(&nodes[0]), tip(&nodes[1]));
        assert_eq!(tip(&nodes[0]).0, nonce + 1);
    }
    assert!(makers.contains(&0) && makers.contains(&1), "{makers:?}");

    // The block's maker dies, the block is reverted: the other makes it from its own pool.
    let [survivor, dead] = nodes;
    drop(dead);
    drop(b);
    relay.with(|relay| relay.fork(3)).unwrap();
    drop(survivor);
    let mut survivor = opened(a.path(), &relay, Conduct { turn: None, ..conduct(0) });
    let mut made = false;
    for _ in 0..4 {
        made |= authored(&step(&mut survivor, &relay)).is_some();
        produce(&relay, 1);
    }
    survivor.follow(&relay.heads().unwrap()).unwrap();
    assert!(made && tip(&survivor).0 == 3 && on_relay(&relay) == tip(&survivor).1);
}

/// A collator's database as an archive.
#[derive(Debug)]
struct Kept(Vec<(Hash, BlockData)>);

impl Archive for Kept {
    fn block(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError> {
        Ok(self.0.iter().find(|(hash, _)| hash == head_hash).map(|(_, data)| data.clone()))
    }
}

#[test]
fn a_late_collator_gets_what_is_no_longer_available_from_an_archive_and_believes_no_byte_of_it() {
    let (_directory, relay, mut node) = at_work(Config { availability_window: 2, ..Config::default() });
    for nonce in 0..2 {
        submit(&node, 1, nonce);
        assert!(authored(&step(&mut node, &relay)).is_some());
        produce(&relay, 2);
    }
    produce(&relay, FINALITY_LAG + 3);
    step(&mut node, &relay);
    let database = node.collator().database();
    let mut blocks: Vec<_> = (1..=2)
        .map(|number| {
            let block = database.block(number).unwrap().unwrap();
            let context = zkpov_collator::relay_file::RelayFile::parse(&block.relay).unwrap().context;
            let data = BlockData {
                head: block.head,
                pov: block.pov,
                relay_parent_number: context.relay_parent_number,
                relay_parent_storage_root: context.relay_parent_storage_root,
            };
            (block.hash, data)
        })
        .collect();
    let late = tempfile::tempdir().unwrap();
    let heads = relay.heads().unwrap();
    let mut alone = opened(late.path(), &relay, Conduct::default());
    assert!(matches!(alone.follow(&heads), Err(NodeError::NotAvailable(_))));

    let good = blocks.clone();
    blocks[0].1.pov[60] ^= 1;
    let mut deceived = alone.with_archives(vec![Arc::new(Kept(blocks))]);
    assert!(matches!(deceived.follow(&heads), Err(NodeError::Import { number: 1, .. })));
    assert_eq!(tip(&deceived).0, 0);

    let mut helped = deceived.with_archives(vec![Arc::new(Kept(good))]);
    helped.follow(&heads).unwrap();
    assert_eq!((tip(&helped), helped.collator().database().finalized().unwrap()), (tip(&node), 2));
}

#[test]
fn a_database_of_another_relay_chain_is_never_rolled_back_below_its_final_block() {
    let (directory, first, mut node) = at_work(Config::default());
    submit(&node, 1, 0);
    step(&mut node, &first);
    produce(&first, 2 + FINALITY_LAG);
    step(&mut node, &first);
    assert_eq!(node.collator().database().finalized().unwrap(), 1);
    drop(node);
    let (other_directory, other, _) = at_work(Config { seed: 2, ..Config::default() });
    let mut node = opened(directory.path(), &other, Conduct::default());
    let failed = node.follow(&other.heads().unwrap()).unwrap_err();
    assert!(matches!(failed, NodeError::OtherChain(1)) && !failed.is_passing(), "{failed}");
    assert_eq!(tip(&node).0, 1);
    drop(other_directory);
}
