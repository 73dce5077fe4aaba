//! A chain comes on board: its validity key is its validation code.

use frame_support::assert_ok;
use pallet_broker::CoreAssignment;
use polkadot_runtime_parachains::paras::ParaLifecycle;

use crate::{
    parachain::{BALANCE, FEE, Parachain},
    town::Town,
    validators::Refusal,
};

const PARA: u32 = 2000;

#[test]
fn a_validity_key_is_registered_checked_and_brought_on_board_and_its_first_block_included() {
    let mut town = Town::new();
    let mut para = Parachain::new(PARA);
    let genesis = para.tip().head;
    assert_ok!(town.register(para.code.clone(), genesis.clone()));
    assert_eq!(town.lifecycle(para.id), Some(ParaLifecycle::Onboarding));
    town.vote();
    town.wait_until("on board", |town| town.lifecycle(para.id) == Some(ParaLifecycle::Parathread));
    assert_eq!(town.head(para.id), Some(genesis.clone()));

    assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(PARA));
    town.wait_until("a core", |town| town.assignment(para.id).is_ok());

    let transfer = para.transfer(1, 0, 2, 500);
    town.author(&mut para, &[transfer]);
    let head = para.tip().head;
    assert_eq!(town.candidate_events(), (vec![head.clone()], vec![]));
    assert_eq!(town.head(para.id), Some(genesis), "backed is not included");
    town.wait(1);
    assert_eq!(town.candidate_events().1, [(0.into(), head.clone())]);
    assert_eq!(town.head(para.id), Some(head));
    assert_eq!(para.balance(2), u128::from(BALANCE + 500));
    assert_eq!(para.balance(1), u128::from(BALANCE - 500 - FEE));
}
