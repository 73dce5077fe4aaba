//! Messages between `payments` and `exchange`, carried by the relay chain's `hrmp`. Their circuits prove what they send and receive.

use pallet_broker::CoreAssignment;
use polkadot_runtime_parachains::hrmp;
use serde_json::json;
use zkpov_relay::Invalid;
use zkpov_verifier::{block::ProvenBlock, transfer::Purpose, validate};

use crate::{
    parachain::{BALANCE, Dealings, FEE, NOBODY, Parachain, key_json, person},
    runtime::Runtime,
    town::Town,
    validators::{self, Candidate, Refusal},
};

const HOME: u32 = 2000;
const AWAY: u32 = 2001;

/// A relay chain with the two chains on cores, and channels both ways.
fn two_chains() -> (Town, Parachain, Parachain) {
    let mut town = Town::new();
    let (home, away) = (Parachain::home(HOME, AWAY), Parachain::away(AWAY, HOME));
    town.take_on_board(&[&home, &away]);
    town.open_channels(home.id, away.id);
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(HOME));
    town.assign_core(1, begin, CoreAssignment::Task(AWAY));
    town.ready(&[home.id, away.id]);
    (town, home, away)
}

/// A relay block in which both chains author, with these extrinsics, and prove. What either takes and sends.
fn step(
    town: &mut Town,
    chains: [&mut Parachain; 2],
    extrinsics: [&[Vec<u8>]; 2],
) -> [(Candidate, Dealings); 2] {
    town.ready(&[chains[0].id, chains[1].id]);
    let mut pairs = chains.into_iter().zip(extrinsics);
    let done = [(); 2].map(|()| {
        let (chain, extrinsics) = pairs.next().expect("two");
        let assignment = town.assignment(chain.id).expect("a core");
        let candidate = chain.author(&town.relay, town.tip, &assignment, extrinsics);
        let dealings = chain.dealings(&assignment, &candidate.block_data);
        (candidate, dealings)
    });
    town.block(&done.each_ref().map(|(candidate, _)| candidate.clone()), || ());
    done
}

#[test]
fn tokens_go_from_payments_to_exchange_and_home_and_what_is_refused_comes_back() {
    let (mut town, mut home, mut away) = two_chains();
    let (begin, fee) = (u128::from(BALANCE), u128::from(FEE));
    let sends =
        [home.send(1, AWAY, 5_000, &key_json(&person(2))), home.send(2, AWAY, 700, &key_json(&person(3)))];
    let to_nobody = [home.send(3, AWAY, 40, &json!(NOBODY))];
    let mut arrived = Vec::new();
    let mut back = Vec::new();
    // Two blocks send. What arrives at `exchange` goes on from there: one payment is refused, one goes home again.
    for block in 0..7 {
        let from_home: &[Vec<u8>] = match block {
            0 => &sends,
            1 => &to_nobody,
            _ => &[],
        };
        let from_away = match block {
            3 => vec![away.send(2, HOME, 2_000, &key_json(&person(1)))],
            _ => Vec::new(),
        };
        let [(_, at_home), (_, elsewhere)] = step(&mut town, [&mut home, &mut away], [from_home, &from_away]);
        arrived.extend(elsewhere.taken);
        back.extend(at_home.taken);
    }
    let amounts = |records: &[zkpov_verifier::transfer::InboxRecord]| {
        records.iter().map(|record| (record.transfer.sequence, record.transfer.amount)).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&arrived), [(1, 5_000), (2, 700), (3, 40)], "whole, in order and once");
    assert_eq!(amounts(&back).iter().map(|(_, amount)| *amount).sum::<u128>(), 2_040);
    assert!(back.iter().any(|record| matches!(record.transfer.purpose, Purpose::Refund { refused: 3, .. })));
    assert_eq!(home.balance(1), begin - 5_000 - fee + 2_000);
    assert_eq!(home.balance(2), begin - 700 - fee);
    assert_eq!(away.balance(2), begin + 5_000 - 2_000 - fee);
    // Person 3 lost 40 and has them again, got what the other authored fees of, and what was sent.
    assert_eq!(home.balance(3), begin - fee);
    assert_eq!(away.balance(3), begin + 700);
    assert_eq!(home.total() + away.total(), 8 * begin, "nothing is lost or made");

    town.wait(1);
    for chain in [&home, &away] {
        assert_eq!(town.head(chain.id), Some(chain.tip().head));
        assert_eq!(chain.tip().number, 7);
    }
    town.ask(|| {
        let waiting = hrmp::HrmpChannels::<Runtime>::iter().map(|(_, channel)| channel.msg_count);
        assert_eq!(waiting.sum::<u32>(), 0);
    });
}

#[test]
fn a_message_altered_left_out_or_invented_makes_the_block_invalid() {
    let (mut town, mut home, mut away) = two_chains();
    let assignment = town.assignment(home.id).expect("a core");
    let send = home.send(1, AWAY, 5_000, &key_json(&person(2)));
    let candidate = home.author(&town.relay, town.tip, &assignment, &[send]);
    town.block(&[candidate], || ());
    town.wait(1);
    town.ready(&[away.id]);
    let assignment = town.assignment(away.id).expect("a core");
    let candidate = away.author(&town.relay, town.tip, &assignment, &[]);
    let block = ProvenBlock::decode(&candidate.block_data).expect("a block");
    assert_eq!(block.proven.inbound.horizontal.len(), 1);
    assert!(!block.proven.inbound.downward.is_empty(), "the relay chain's notices of the channels");

    let changed = |change: &dyn Fn(&mut ProvenBlock)| {
        let mut block = block.clone();
        change(&mut block);
        validators::commitments(&assignment, &away.code, &block.encode()).expect_err("invalid")
    };
    for refused in [
        changed(&|block| {
            *block.proven.inbound.horizontal[0].messages[0].data.last_mut().expect("bytes") ^= 1;
        }),
        changed(&|block| block.proven.inbound.horizontal.clear()),
        changed(&|block| {
            let messages = &mut block.proven.inbound.horizontal[0].messages;
            messages.push(messages[0].clone());
        }),
        changed(&|block| block.proven.inbound.downward.clear()),
        changed(&|block| block.proven.storage_proof.clear()),
    ] {
        let Refusal::Invalid(invalid) = refused else { panic!("{refused:?}") };
        assert!(matches!(*invalid, Invalid::Block(validate::Invalid::Exchange(_))), "{invalid}");
    }
    assert_eq!(away.dealings(&assignment, &candidate.block_data).taken.len(), 1);
    town.block(&[candidate], || ());
    town.wait(1);
    assert_eq!(town.head(away.id), Some(away.tip().head));
    assert_eq!(away.balance(2), u128::from(BALANCE) + 5_000);
}
