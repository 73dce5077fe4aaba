//! A small chain for tests: few levels, few slots, keys whose secrets are known.

use serde_json::json;
use zkpov_verifier::{
    eddsa::PublicKey,
    field::Fr,
    head::{Head, ParentHead},
    lane::TierId,
    statement::ChainIdentity,
};

use super::{CallKind, Extrinsic, Ledger, chain_tag};
use crate::{
    chains::{Payments, PaymentsShape, TierShape},
    keys::SecretKey,
    runtime::{BlockContext, BlockWitness, Chain, Execution, Tier},
    state::ChangeSet,
};

/// The existential deposit of the test chain.
pub(crate) const DEPOSIT: u128 = 1_000;

/// Its minimum fee.
pub(crate) const MINIMUM_FEE: u64 = 10;

/// What each first account holds.
pub(crate) const BALANCE: u128 = 1_000_000;

/// The tier of the test chain.
pub(crate) const TIER: TierId = TierId(16);

/// A chain in memory.
pub(crate) struct TestChain {
    pub(crate) chain: Payments,
    pub(crate) state: ChangeSet,
    pub(crate) context: BlockContext,
}

/// The secret key number `i`.
pub(crate) fn secret(i: u8) -> SecretKey {
    SecretKey::from_seed([i + 1; 32])
}

/// The public key number `i`.
pub(crate) fn key(i: u8) -> PublicKey {
    secret(i).public_key()
}

/// A key in the JSON of a spec.
pub(crate) fn key_json(key: &PublicKey) -> serde_json::Value {
    let [x, y] = key.coordinates().map(|c| c.to_string());
    json!({"x": x, "y": y})
}

/// A spec in which accounts 0.. hold [`BALANCE`]; account 0 may author.
pub(crate) fn spec(accounts: u8, permissioned: bool) -> String {
    let account =
        |i: u8| json!({"key": key_json(&key(i)), "balance": BALANCE.to_string(), "may_author": i == 0});
    json!({
        "chain": "payments",
        "parameters": {
            "existential_deposit": DEPOSIT.to_string(),
            "minimum_fee": MINIMUM_FEE.to_string(),
            "permissioned_authors": permissioned,
        },
        "accounts": (0..accounts).map(account).collect::<Vec<_>>(),
    })
    .to_string()
}

impl TestChain {
    /// A chain of `accounts` accounts in a tree of `levels` levels, with this many slots of each lane.
    pub(crate) fn new(levels: usize, transfers: u32, opens: u32, accounts: u8) -> Self {
        Self::with_spec(levels, transfers, opens, &spec(accounts, true))
    }

    pub(crate) fn with_spec(levels: usize, transfers: u32, opens: u32, spec: &str) -> Self {
        let tier = TierShape { id: TIER.0, transfers, opens };
        let chain = Payments::new(&PaymentsShape { account_levels: levels, tiers: vec![tier] });
        let genesis = chain.genesis(spec).expect("a sound spec");
        let head = Head::genesis(genesis.state_root);
        let identity = ChainIdentity {
            para_id: 2_000,
            genesis_hash: head.hash(),
            runtime_version: chain.runtime_version(),
            transaction_version: chain.transaction_version(),
        };
        let context = BlockContext {
            identity,
            parent: head.as_parent(),
            relay_parent_number: 100,
            author: 0,
            author_key: key(0),
            context: [7; 32],
        };
        Self { chain, state: genesis.changes, context }
    }

    pub(crate) fn tier(&self) -> &Tier {
        &self.chain.tiers()[0]
    }

    /// A call of account `sender` to key number `to`, signed by it for this chain.
    pub(crate) fn call(&self, call: CallKind, sender: u8, nonce: u32, to: u8, amount: u128) -> Extrinsic {
        self.signed(Extrinsic {
            call,
            sender: sender.into(),
            nonce,
            expiry: 1_000,
            fee: MINIMUM_FEE + 1,
            amount,
            receiver: key(to),
            signature: secret(0).sign(Fr::from(0u64)),
        })
    }

    /// `extrinsic` signed by its sender for this chain.
    pub(crate) fn signed(&self, mut extrinsic: Extrinsic) -> Extrinsic {
        let message = extrinsic.message(chain_tag(&self.context.identity));
        extrinsic.signature = secret(extrinsic.sender as u8).sign(message);
        extrinsic
    }

    pub(crate) fn execute(&self, extrinsics: &[Extrinsic]) -> Execution {
        let encoded: Vec<_> = extrinsics.iter().map(Extrinsic::encode).collect();
        self.chain.execute(&self.state, &self.context, Some(TIER), &encoded).expect("an executable block")
    }

    /// The place of a call's receiver: that of its account, or the first free one.
    pub(crate) fn index_of(&self, call: &Extrinsic) -> u32 {
        let ledger = Ledger::open_state(self.chain.layout(), &self.state).expect("memory");
        let known = ledger.index_of(&call.receiver).expect("memory");
        known.or(ledger.next_place().expect("memory")).expect("a free place")
    }

    /// Goes on to the block after `execution`.
    pub(crate) fn advance(&mut self, execution: &Execution) {
        self.state.extend(execution.changes.clone());
        let number = self.context.parent.number + 1;
        self.context.parent =
            ParentHead { hash: [number as u8; 32], number, state_root: execution.state_root };
    }

    /// Whether the circuit is satisfied by a witness.
    pub(crate) fn is_satisfied(&self, witness: &BlockWitness) -> bool {
        let r1cs =
            crate::r1cs::R1cs::synthesize(|cs| self.chain.synthesize(TIER, None, cs)).expect("a shape");
        let assignment =
            crate::r1cs::assignment(|cs| self.chain.synthesize(TIER, Some(witness), cs)).expect("values");
        r1cs.is_satisfied(&assignment)
    }
}
