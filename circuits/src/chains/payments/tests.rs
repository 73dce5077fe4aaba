use super::*;
use crate::pallets::balances::testing::{DEPOSIT, TestChain};

fn a_block(chain: &TestChain) -> Execution {
    chain.execute(&[
        chain.call(CallKind::Transfer, 1, 0, 2, 500),
        chain.call(CallKind::Open, 2, 0, 9, DEPOSIT),
    ])
}

#[test]
fn an_executed_block_satisfies_the_circuit() {
    let chain = TestChain::new(2, 2, 1, 4);
    let block = a_block(&chain);
    assert_eq!(block.included, [0, 1]);
    assert_eq!(block.used_slots, [1, 1]);
    assert!(chain.is_satisfied(&block.witness));
}

#[test]
fn an_empty_and_a_full_block_satisfy_the_circuit() {
    let chain = TestChain::new(2, 2, 1, 4);
    assert!(chain.is_satisfied(&chain.execute(&[]).witness));
    let full = chain.execute(&[
        chain.call(CallKind::Transfer, 0, 0, 2, 500),
        chain.call(CallKind::Transfer, 1, 0, 0, 500),
        chain.call(CallKind::Open, 2, 0, 9, DEPOSIT),
        chain.call(CallKind::Open, 2, 1, 10, DEPOSIT),
    ]);
    assert_eq!(full.used_slots, [2, 1]);
    assert_eq!(full.deferred, [3]);
    assert!(chain.is_satisfied(&full.witness));
}
