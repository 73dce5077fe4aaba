//! A chain's next validity key: announced by a block, checked by the validators, in force from the first head after the delay.

use codec::Decode;
use frame_support::assert_ok;
use pallet_broker::CoreAssignment;
use polkadot_primitives::{
    UpgradeGoAhead, UpgradeRestriction, ValidationCode, ValidationCodeHash, well_known_keys,
};
use polkadot_runtime_parachains::{
    paras::{CurrentCodeHash, ParaLifecycle, UpgradeRestrictionSignal},
    runtime_api_impl::v13::{pvfs_require_precheck, validation_code_by_hash},
};
use zkpov_relay::Invalid;
use zkpov_verifier::{
    exchange::{ExchangeError, UpgradeError},
    key::{KEY_MAGIC, ValidityKey},
    message::Inbound,
    validate,
};

use crate::{
    runtime::Runtime,
    simulated::{Doings, Simulated},
    town::Town,
    validators::Refusal,
};

const PARA: u32 = 2000;

fn chain_on_a_core() -> (Town, Simulated) {
    let mut town = Town::new();
    let chain = Simulated::new(PARA);
    assert_ok!(town.register(chain.code(), chain.head.encode()));
    town.vote();
    town.wait_until("on board", |town| town.lifecycle(chain.id) == Some(ParaLifecycle::Parathread));
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(PARA));
    town.wait_until("a core", |town| town.assignment(chain.id).is_ok());
    (town, chain)
}

/// A relay block in which the chain authors.
fn step(town: &mut Town, chain: &mut Simulated, upgrade: Option<Vec<u8>>) {
    town.ready(&[chain.id]);
    let assignment = town.assignment(chain.id).expect("a core");
    let doings = Doings { upgrade, ..Doings::default() };
    let (candidate, _) = chain.author(&town.relay, town.tip, &assignment, doings);
    town.block(&[candidate], || ());
}

/// The validation code in force, the go-ahead signal, and whether the chain may announce nothing.
fn state(town: &Town, chain: &Simulated) -> (Vec<u8>, Option<UpgradeGoAhead>, Option<UpgradeRestriction>) {
    town.ask(|| {
        let hash = CurrentCodeHash::<Runtime>::get(chain.id).expect("on board");
        let code = validation_code_by_hash::<Runtime>(hash).expect("stored").0;
        let signal = sp_io::storage::get(&well_known_keys::upgrade_go_ahead_signal(chain.id));
        let signal = signal.map(|bytes| UpgradeGoAhead::decode(&mut &bytes[..]).expect("a signal"));
        (code, signal, UpgradeRestrictionSignal::<Runtime>::get(chain.id))
    })
}

/// The code that judges the chain's next block.
fn code_for_next(town: &mut Town, chain: &Simulated) -> ValidationCodeHash {
    town.ready(&[chain.id]);
    town.assignment(chain.id).expect("a core").code_hash
}

fn refuse_upgrade(town: &mut Town, chain: &mut Simulated, code: &[u8]) -> UpgradeError {
    town.ready(&[chain.id]);
    let assignment = town.assignment(chain.id).expect("a core");
    let doings = Doings { upgrade: Some(code.to_vec()), ..Doings::default() };
    let refused = chain
        .author_taking(&town.relay, town.tip, &assignment, Inbound::default(), doings)
        .expect_err("no upgrade now");
    match refused {
        Refusal::Invalid(invalid) => match *invalid {
            Invalid::Block(validate::Invalid::Exchange(ExchangeError::Upgrade(error))) => error,
            other => panic!("{other}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upgrade_waits_for_votes_and_delay_comes_into_force_with_a_head_and_is_followed_by_a_cooldown() {
    let (mut town, mut chain) = chain_on_a_core();
    let old = chain.code();
    let mut next = chain.chain.key.clone();
    next.chain.runtime_version += 1;
    let new = next.encode();

    step(&mut town, &mut chain, Some(new.clone()));
    let announced = town.number();
    // The block that announces is included; nothing has changed but that nothing more may be announced.
    step(&mut town, &mut chain, None);
    assert_eq!(town.ask(pvfs_require_precheck::<Runtime>), [ValidationCode(new.clone()).hash()]);
    assert_eq!(state(&town, &chain), (old.clone(), None, Some(UpgradeRestriction::Present)));
    assert_eq!(refuse_upgrade(&mut town, &mut chain, &new), UpgradeError::Restricted);
    town.vote();
    // The old key goes on through the delay.
    let mut blocks = 0;
    while state(&town, &chain).1.is_none() {
        step(&mut town, &mut chain, None);
        blocks += 1;
        assert!(blocks < 40, "no go-ahead");
    }
    assert!(town.number() >= announced + 5, "not before the delay: {} after {announced}", town.number());
    assert_eq!(state(&town, &chain).1, Some(UpgradeGoAhead::GoAhead));
    assert_eq!(refuse_upgrade(&mut town, &mut chain, &new), UpgradeError::InProgress);
    // The first block that sees the signal is still one of the old key; its head brings the new one into force.
    while code_for_next(&mut town, &chain) == ValidationCode(old.clone()).hash() {
        step(&mut town, &mut chain, None);
        blocks += 1;
        assert!(blocks < 50, "no enactment");
    }
    let enacted = chain.head.number;
    // A block under the old key is one no more.
    let assignment = town.assignment(chain.id).expect("a core");
    let inbound = chain.waiting(&town.relay, town.tip);
    let mut stale = Simulated { chain: chain.chain.clone(), head: chain.head.clone(), id: chain.id };
    let (stale, _) = stale
        .author_taking(&town.relay, town.tip, &assignment, inbound, Doings::default())
        .expect("valid under the old key");
    assert!(matches!(crate::validators::back(&town.relay, &stale), Err(Refusal::Invalid(_))));
    chain.chain.key = next;
    step(&mut town, &mut chain, None);
    step(&mut town, &mut chain, None);
    assert_eq!(state(&town, &chain).0, new);
    assert_eq!(chain.head.number, enacted + 2);
    // The cooldown ends, and the chain may announce again.
    while state(&town, &chain).2.is_some() {
        assert_eq!(refuse_upgrade(&mut town, &mut chain, &old), UpgradeError::Restricted);
        step(&mut town, &mut chain, None);
        assert!(town.number() < announced + 60, "no end of the cooldown");
    }
    let mut third = chain.chain.key.clone();
    third.chain.runtime_version += 1;
    step(&mut town, &mut chain, Some(third.encode()));
    town.wait(1);
    assert_eq!(town.head(chain.id), Some(chain.head.encode()));
}

#[test]
fn an_upgrade_to_what_is_no_validity_key_is_voted_down_and_the_chain_goes_on_with_the_old_one() {
    let (mut town, mut chain) = chain_on_a_core();
    let old = chain.code();
    let mut bad = old.clone();
    let points = bad.len() - 100;
    bad[points..].fill(0xff);
    assert!(bad.starts_with(KEY_MAGIC) && ValidityKey::decode(&bad).is_err());
    step(&mut town, &mut chain, Some(bad));
    step(&mut town, &mut chain, None);
    town.vote();
    assert_eq!(
        state(&town, &chain),
        (old.clone(), Some(UpgradeGoAhead::Abort), Some(UpgradeRestriction::Present))
    );
    for _ in 0..25 {
        step(&mut town, &mut chain, None);
    }
    assert_eq!(state(&town, &chain), (old, None, None));
    town.wait(1);
    assert_eq!(town.head(chain.id), Some(chain.head.encode()));
}
