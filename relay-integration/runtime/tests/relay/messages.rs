//! Messages between two chains, carried by the relay chain's `hrmp`.

use frame_support::assert_ok;
use pallet_broker::CoreAssignment;
use polkadot_primitives::Id;
use polkadot_runtime_parachains::{hrmp, origin, paras::ParaLifecycle};
use sp_runtime::{MultiAddress, traits::AccountIdConversion};
use zkpov_relay::Invalid;
use zkpov_verifier::{
    testing::Author,
    transfer::{InboxRecord, Purpose, Transfer},
    validate,
};

use crate::{
    chain::account,
    runtime::{Balances, Hrmp, Runtime, RuntimeOrigin, UNIT},
    simulated::{Doings, Simulated},
    town::{MANAGER, Town},
    validators::Refusal,
};

const HOME: u32 = 2000;
const AWAY: u32 = 2001;

fn of_para(para: u32) -> RuntimeOrigin {
    origin::Origin::Parachain(para.into()).into()
}

/// A relay chain with the two chains on cores, and channels both ways.
fn two_chains() -> (Town, Simulated, Simulated) {
    let mut town = Town::new();
    let (home, away) = (Simulated::new(HOME), Simulated::new(AWAY));
    for chain in [&home, &away] {
        assert_ok!(town.register(chain.code(), chain.head.encode()));
    }
    town.vote();
    town.wait_until("on board", |town| town.lifecycle(away.id) == Some(ParaLifecycle::Parathread));
    town.call(|| {
        for para in [HOME, AWAY] {
            let sovereign = MultiAddress::Id(Id::from(para).into_account_truncating());
            let manager = RuntimeOrigin::signed(account(MANAGER));
            assert_ok!(Balances::transfer_allow_death(manager, sovereign, 10 * UNIT));
        }
        for (from, to) in [(HOME, AWAY), (AWAY, HOME)] {
            assert_ok!(Hrmp::hrmp_init_open_channel(of_para(from), to.into(), 4, 2048));
            assert_ok!(Hrmp::hrmp_accept_open_channel(of_para(to), from.into()));
        }
    });
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(HOME));
    town.assign_core(1, begin, CoreAssignment::Task(AWAY));
    town.wait_until("channels and cores", |town| {
        let open = town.ask(|| hrmp::HrmpChannels::<Runtime>::iter().count() == 2);
        open && town.assignment(home.id).is_ok() && town.assignment(away.id).is_ok()
    });
    (town, home, away)
}

fn payment(amount: u128, sequence: u64) -> Transfer {
    let recipient = Author::new("recipient").key().point().pack();
    Transfer { token: HOME, amount, sequence, purpose: Purpose::Payment { recipient, refund: 3 } }
}

/// A relay block in which both chains author, the home with these doings. What the other chain takes.
fn step(town: &mut Town, home: &mut Simulated, away: &mut Simulated, doings: Doings) -> Vec<InboxRecord> {
    town.ready(&[home.id, away.id]);
    let [at_home, elsewhere] = [home.id, away.id].map(|id| town.assignment(id).expect("a core"));
    let (from_home, _) = home.author(&town.relay, town.tip, &at_home, doings);
    let (from_away, taken) = away.author(&town.relay, town.tip, &elsewhere, Doings::default());
    town.block(&[from_home, from_away], || ());
    taken
}

#[test]
fn transfers_arrive_whole_in_order_and_once_through_the_relay_chains_channel() {
    let (mut town, mut home, mut away) = two_chains();
    let sent: Vec<_> = (1..=5).map(|sequence| payment(u128::from(100 * sequence), sequence)).collect();
    let mut taken = Vec::new();
    for block in 0..8 {
        // Two blocks send, one of them several; the others send nothing.
        let transfers = match block {
            1 => sent[..3].to_vec(),
            2 => sent[3..].to_vec(),
            _ => Vec::new(),
        };
        let sends = if transfers.is_empty() { Vec::new() } else { vec![(AWAY, transfers)] };
        taken.extend(step(&mut town, &mut home, &mut away, Doings { sends, upgrade: None }));
    }
    let expected: Vec<_> =
        sent.iter().map(|transfer| InboxRecord { origin: HOME, transfer: *transfer }).collect();
    assert_eq!(taken, expected);
    town.wait(1);
    assert_eq!(town.head(home.id), Some(home.head.encode()));
    assert_eq!(town.head(away.id), Some(away.head.encode()));
    assert_eq!((home.head.number, away.head.number), (8, 8));
    town.ask(|| {
        assert_eq!(
            hrmp::HrmpChannels::<Runtime>::iter().map(|(_, channel)| channel.msg_count).sum::<u32>(),
            0
        )
    });
}

#[test]
fn a_message_altered_left_out_or_invented_makes_the_block_invalid() {
    let (mut town, mut home, mut away) = two_chains();
    // The relay chain's own notices of the channels are taken first.
    step(&mut town, &mut home, &mut away, Doings::default());
    let doings = Doings { sends: vec![(AWAY, vec![payment(100, 1)])], upgrade: None };
    step(&mut town, &mut home, &mut away, doings);
    town.wait(1);
    town.ready(&[away.id]);
    let assignment = town.assignment(away.id).expect("a core");
    let waiting = away.waiting(&town.relay, town.tip);
    assert_eq!(waiting.horizontal.len(), 1);

    let mut altered = waiting.clone();
    *altered.horizontal[0].messages[0].data.last_mut().expect("bytes") ^= 1;
    let mut left_out = waiting.clone();
    left_out.horizontal.clear();
    let mut invented = waiting.clone();
    let twice = invented.horizontal[0].messages[0].clone();
    invented.horizontal[0].messages.push(twice);
    for inbound in [altered, left_out, invented] {
        let refused = away
            .author_taking(&town.relay, town.tip, &assignment, inbound, Doings::default())
            .expect_err("invalid");
        let Refusal::Invalid(invalid) = refused else { panic!("{refused:?}") };
        assert!(matches!(*invalid, Invalid::Block(validate::Invalid::Exchange(_))), "{invalid}");
    }
    let (candidate, taken) = away.author(&town.relay, town.tip, &assignment, Doings::default());
    assert_eq!(taken.len(), 1);
    town.block(&[candidate], || ());
    town.wait(1);
    assert_eq!(town.head(away.id), Some(away.head.encode()));
}
