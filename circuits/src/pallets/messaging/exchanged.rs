//! Two chains that exchange native tokens through a relay chain that only routes bytes, over random schedules.
//!
//! ```text
//!   pallet of 2000 ── outbox ─► XCM bytes ─► validate_block ─► relay chain ─► validate_block ─► inbox ─► pallet of 2001
//!        │                                        ▲
//!        └── circuit: satisfied ── statement ═════╛ the one that the verifier recomputes
//! ```
//!
//! Every block is executed natively, held to its circuit, imported from its body, and validated as a relay chain's validator
//! does, with a proof by a set-up whose secret is known.

use proptest::prelude::*;
use zkpov_verifier::{
    block::{Proven, ProvenBlock, Scheduled},
    body::{BodyFormat, BodyLayout},
    exchange::{Intake, outbound},
    head::Head,
    key::PreparedKey,
    lane::TierId,
    message::{Inbound, MessageFormat},
    statement::{author_message, context},
    testing::{self as verifier, relay::TestRelay},
    validate::validate_block,
    xcm,
};

use super::testing::*;
use crate::{
    integer::scalar_to_field,
    r1cs::{R1cs, assignment},
    runtime::{
        Chain, Extrinsic,
        testing::{proven_cases, secret},
    },
};

/// Slots for what arrives, and for what is sent.
const RECEIVES: u32 = 2;
const SENDS: u32 = 2;

/// What may arrive in the beginning: at the home all that is abroad, so that what comes back is never beyond it, whatever else came before.
fn first_allowance(para: u32) -> u128 {
    if para == HOME { u128::from(ACCOUNTS) * BALANCE } else { ALLOWANCE }
}

/// A chain, its validity key and its head.
struct Side {
    para: u32,
    peer: u32,
    on: TestChain,
    verifier: verifier::TestChain,
    key: PreparedKey,
    head: Head,
    shape: R1cs,
    /// Records that arrived and are not delivered.
    waiting: u128,
}

impl Side {
    fn new(para: u32) -> Self {
        let mut on = chain_with(para, first_allowance(para), 1, [RECEIVES, SENDS]);
        let head = Head::genesis(on.context.parent.state_root);
        on.context.parent = head.as_parent();
        let mut verifier = verifier::TestChain::new(para).with_transfers();
        verifier.key.chain = on.context.identity;
        verifier.key.tiers.truncate(1);
        let tier = on.tier().clone();
        let key = &mut verifier.key.tiers[0];
        (key.tier, key.lanes, key.body_limit) = (tier.id, tier.lanes, tier.body_limit);
        let shape = R1cs::synthesize(|cs| on.circuit(None, &cs)).expect("a shape");
        let (key, peer) = (verifier.prepared(), HOME + AWAY - para);
        Self { para, peer, on, verifier, key, head, shape, waiting: 0 }
    }

    fn tier(&self) -> TierId {
        self.on.tier_id()
    }

    /// Authors a block on the latest relay block, taking what was sent until `until` if it may stop there, and has the relay chain include
    /// it.
    fn author(&mut self, relay: &mut TestRelay, until: u32, sends: &[(u8, u128, [u8; 32])]) {
        let (relay_context, storage_proof) = (relay.context(), relay.storage_proof(self.para));
        let format = MessageFormat::Transfers;
        let intake = |inbound: &Inbound| {
            Intake::new(self.para, format, &self.head, &relay_context, &storage_proof, inbound)
        };
        let (some, all) = (relay.inbound(self.para, until), relay.inbound(self.para, u32::MAX));
        let (inbound, taken) = match intake(&some) {
            Ok(taken) => (some, taken),
            Err(_) => (all.clone(), intake(&all).expect("all that waits")),
        };
        let on = &mut self.on;
        on.context.relay_parent_number = relay.number;
        on.context.context = context(&self.head.hash(), &taken.values);
        on.context.messages.inbox.clone_from(&taken.records);
        on.context.messages.room = taken.room();
        let nonce = |account: u8| on.read::<crate::runtime::Account>(account.into()).map_or(0, |a| a.nonce);
        let mut counts: [u32; ACCOUNTS as usize] = core::array::from_fn(|i| nonce(i as u8));
        let calls: Vec<Vec<u8>> = sends
            .iter()
            .map(|(sender, amount, recipient)| {
                let count = &mut counts[usize::from(*sender)];
                *count += 1;
                let call: Extrinsic = send_to(on, *sender, *count - 1, (self.peer, *recipient), *amount);
                call.encode()
            })
            .collect();
        let block = on.chain.execute(&on.state, &on.context, Some(on.tier_id()), &calls).expect("a block");

        // Satisfied, and of the statement that the verifier recomputes.
        let values = assignment(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs));
        assert!(self.shape.is_satisfied(&values.expect("values")));
        let applied = on
            .chain
            .apply(&on.state, &on.context, block.tier, &block.used_slots, &block.body)
            .expect("a body");
        assert_eq!((applied.state_root, &applied.changes), (block.state_root, &block.changes));
        let layout = BodyLayout::new(BodyFormat::Public, block.tier, &on.tier().lanes, &block.used_slots)
            .expect("slots");
        assert!(layout.decode(&block.body).is_ok());
        let mut proven = Proven {
            tier: block.tier,
            used_slots: block.used_slots.clone(),
            state_root: block.state_root,
            author: on.context.author,
            author_key: on.context.author_key,
            body: block.body.clone(),
            storage_proof,
            inbound,
            outbound: outbound(self.para, &block.outbox),
            upgrade: None,
            proof: Vec::new(),
        };
        let statement = self.verifier.statement(&proven, &self.head, &relay_context);
        assert_eq!(statement, block.statement);
        let digest = statement.digest();
        proven.proof = self.verifier.simulate(block.tier, digest).encode().to_vec();
        let scheduled = Scheduled::default();
        let signature = secret(0).sign(author_message(&self.head.hash(), digest, &scheduled.hash()));
        assert_ne!(scalar_to_field(&signature.s), 0u64.into());
        let pov = ProvenBlock { proven, scheduled, signature }.encode();
        let transition = validate_block(&self.head.encode(), &relay_context, &self.key, &pov).expect("valid");
        relay.include(self.para, &transition);
        self.head = Head::decode(&transition.head_data).expect("a head");

        // What is in the queue: what arrived, less what came into balances or went back.
        let arrived: u128 = taken.records.iter().map(|record| record.transfer.amount).sum();
        let sum = |on: &TestChain| balances(on).iter().sum::<u128>() as i128;
        let before = sum(on);
        on.state.extend(block.changes.clone());
        on.context.parent = self.head.as_parent();
        let sent: u128 = block.outbox.iter().map(|record| record.transfer.amount).sum();
        self.waiting = (self.waiting + arrived)
            .checked_add_signed(before - sum(on) - sent as i128)
            .expect("no more leaves the queue than is in it");
        assert_eq!(self.tier(), block.tier);
    }

    fn held(&self) -> u128 {
        balances(&self.on).iter().sum()
    }
}

/// What waits in the relay chain's channels.
fn on_the_way(relay: &TestRelay) -> u128 {
    let channels = relay.channels.iter();
    let messages = channels.flat_map(|((from, to), (_, queue))| queue.iter().map(move |m| (*from, *to, m)));
    let transfers = messages.flat_map(|(from, to, message)| {
        xcm::read_message(&message.data, from, to).expect("a message of the template")
    });
    transfers.map(|transfer| transfer.amount).sum()
}

#[derive(Clone, Debug)]
enum Step {
    /// The relay chain goes on without a para block.
    Wait(u8),
    /// A chain authors; how many of the latest relay blocks' messages it leaves, and who sends what to whom.
    Author { away: bool, leave: u8, sends: Vec<(u8, u128, [u8; 32])> },
}

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let recipient = prop_oneof![6 => (0u8..7).prop_map(|i| packed(&key(i))), 1 => any::<[u8; 32]>()];
    let amount = prop_oneof![1u128..30, 1u128..2_000, 1u128..2 * BALANCE];
    let sends = prop::collection::vec((0..ACCOUNTS, amount, recipient), 0..4);
    let author =
        (any::<bool>(), 0u8..3, sends).prop_map(|(away, leave, sends)| Step::Author { away, leave, sends });
    prop::collection::vec(prop_oneof![1 => (1u8..4).prop_map(Step::Wait), 6 => author], 1..longest)
}

fn conserved(steps: Vec<Step>) {
    let mut relay = TestRelay::new();
    relay.open(HOME, AWAY, 4, 8_192);
    relay.open(AWAY, HOME, 4, 8_192);
    let mut sides = [Side::new(HOME), Side::new(AWAY)];
    let total: u128 = sides.iter().map(Side::held).sum();
    let check = |relay: &TestRelay, sides: &[Side; 2]| {
        let held: u128 = sides.iter().map(|side| side.held() + side.waiting).sum();
        assert_eq!(held + on_the_way(relay), total);
        for side in sides {
            // Nothing is minted or burned: what is not in accounts is what may still come.
            let constant = u128::from(ACCOUNTS) * BALANCE + first_allowance(side.para);
            assert_eq!(side.held() + allowances(&side.on), constant);
        }
    };
    for step in steps {
        match step {
            Step::Wait(blocks) => relay.number += u32::from(blocks),
            Step::Author { away, leave, sends } => {
                relay.number += 1;
                let until = relay.number - u32::from(leave) - 1;
                sides[usize::from(away)].author(&mut relay, until, &sends);
            }
        }
        check(&relay, &sides);
    }
    // Nothing more is sent: everything comes to rest.
    for _ in 0..100 {
        for side in &mut sides {
            relay.number += 1;
            side.author(&mut relay, u32::MAX, &[]);
        }
        check(&relay, &sides);
        if sides.iter().map(|side| side.waiting).sum::<u128>() + on_the_way(&relay) == 0 {
            break;
        }
    }
    assert_eq!(sides.iter().map(Side::held).sum::<u128>(), total);
    assert!(sides.iter().all(|side| queue(&side.on) == Default::default()));
}

proptest! {
    #![proptest_config(proven_cases(3))]

    /// Over random schedules, with delays, cuts, refusals and more messages than slots: at every time all tokens are in accounts, in
    /// queues or on their way, and in the end what was sent has arrived or is back.
    #[test]
    fn the_sum_over_both_chains_is_conserved(steps in steps(12)) {
        conserved(steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    #[ignore = "minutes: scripts/soundness runs it"]
    fn the_sum_over_both_chains_is_conserved_over_many_schedules(steps in steps(24)) {
        conserved(steps);
    }
}

/// Of the sends to what is no key the refund comes after a payment for as much.
#[test]
fn what_was_sent_comes_back_after_payments_for_as_much() {
    let (no_key, amount) = ([0; 32], 511_890);
    let author = |away, sends| Step::Author { away, leave: 0, sends };
    conserved(vec![
        author(false, vec![(0, amount, no_key)]),
        author(true, vec![(1, amount, packed(&key(2)))]),
    ]);
}
