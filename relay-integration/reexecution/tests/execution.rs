//! The block executed again comes to the state of the chain's own code, and one that is tampered with comes to none.

#[path = "../examples/table/payments.rs"]
#[allow(dead_code, reason = "proofs are the table's")]
mod payments;

use payments::Sample;
use zkpov_relay_reexecution::{Block, Invalid, execute};
use zkpov_verifier::field::{self, Fr};

const TRANSFERS: u32 = 3;
const ACCOUNTS: u32 = 64;

/// Number of the block, the first.
const NUMBER: u32 = 1;

fn sample() -> Sample {
    Sample::new(TRANSFERS, ACCOUNTS).expect("a block")
}

/// What the block comes to when it was changed.
fn changed(sample: &Sample, change: impl FnOnce(&mut Block)) -> Result<Fr, Invalid> {
    let mut block = sample.witness.clone();
    change(&mut block);
    execute(&sample.roots()[0], NUMBER, &block)
}

#[test]
fn a_block_comes_to_the_state_of_the_chains_own_code() {
    let sample = sample();
    assert_eq!(changed(&sample, |_| ()), Ok(sample.roots()[1]));
}

#[test]
fn a_witness_that_does_not_lead_to_the_parents_state_is_refused() {
    let sample = sample();
    let refused = |change: &dyn Fn(&mut Block)| {
        assert_eq!(changed(&sample, change), Err(Invalid::Witness));
    };
    refused(&|block| block.accounts[0].1.balance += 1);
    refused(&|block| block.accounts[0].1.nonce += 1);
    refused(&|block| block.parameters.existential_deposit += 1);
    refused(&|block| block.beside.nodes[0] = field::encode(&Fr::from(1u64)));
    refused(&|block| block.beside.nodes.truncate(1));
    refused(&|block| block.beside.given.push(0));
    refused(&|block| block.accounts.swap(0, 1));
    refused(&|block| block.accounts.truncate(1));
    let mut parent = sample.roots()[0];
    parent += Fr::from(1u64);
    assert_eq!(execute(&parent, NUMBER, &sample.witness), Err(Invalid::Witness));
}

#[test]
fn a_transfer_that_its_sender_did_not_sign_or_cannot_make_is_refused() {
    let sample = sample();
    let refused = |change: &dyn Fn(&mut Block), why| assert_eq!(changed(&sample, change), Err(why));
    refused(&|block| block.transfers[1].amount += 1, Invalid::Signature(1));
    refused(&|block| block.transfers[2].fee += 1, Invalid::Signature(2));
    refused(&|block| block.chain.para_id += 1, Invalid::Signature(0));
    // Signed, and made already.
    let twice = TRANSFERS as usize;
    refused(&|block| block.transfers.push(block.transfers[0]), Invalid::Transfer(twice));
    let late = sample.witness.transfers[0].expiry + 1;
    assert_eq!(execute(&sample.roots()[0], late, &sample.witness), Err(Invalid::Transfer(0)));
    refused(&|block| block.author = ACCOUNTS, Invalid::Author);
}
