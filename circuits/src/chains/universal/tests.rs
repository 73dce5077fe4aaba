//! The chain as a whole: every call of every pallet in the one lane, forged choices, and the soundness kit.

use serde_json::json;
use zkpov_verifier::field::Fr;

use super::*;
use crate::{
    pallets::{
        arcade::testing::{PATIENCE, claim, join_game, open_game, play, resign},
        balances::testing::{open, transfer},
        governance::{
            Action, Claim, ProposalIndex,
            testing::{DELAY, Opinion, PERIOD, TREASURY, donate, holder, propose, unlock, vote},
        },
        identity::testing::{REGISTRAR, appoint, attest, prove, revoke, statement},
        messaging::testing::{AWAY, HOME, counters, packed, payment, send_to},
        pools::testing::{
            add_liquidity, create_asset, create_pool, mint_asset, nonce, remove_liquidity, swap,
            transfer_asset,
        },
    },
    runtime::{
        ACCOUNTS, Account, Chain, Extrinsic, SlotWitness, Witness,
        testing::{
            self, BALANCE, DEPOSIT, Forgery, TestChain, key,
            kit::{self, QUOTIENT},
        },
    },
    soundness::{Audit, with_hints},
    state::{Access, Value},
};

/// How many accounts there are first.
const PEOPLE: u8 = 6;
/// What the first five hold of the asset.
const HELD: u128 = 500_000;
/// What everybody stakes on a vote, and on a game.
const STAKE: u128 = 5_000;
/// What one votes with: enough for the quorum.
const VOTED: u128 = 50_000;

/// A chain of eight places of everything, with so many slots: an asset and a pool of it, registrars, a treasury, a peer.
pub(super) fn chain(slots: u32) -> TestChain {
    let identity = Identity { registrars: 1, attestations: 1, nullifiers: 1 };
    let governance = Governance { account_levels: 1, proposal_levels: 1 };
    let chain = universal_of((1, 1, 1), identity, governance, vec![(17, vec![slots])]);
    let holding = |account: u8| json!({ "account": account, "amount": HELD.to_string() });
    let pallets = json!({
        "assets": [{ "symbol": "USD", "decimals": 6, "owner": 1, "holdings": (0..5).map(holding).collect::<Vec<_>>() }],
        "pools": [{ "creator": 2, "asset": 0, "native": "100000", "assets": "50000" }],
        "messaging": { "token": HOME, "peers": [{ "para": AWAY, "allowance": "0" }] },
        "identity": {
            "administrator": key(1).to_json(),
            "registrars": [key(REGISTRAR).to_json()],
            "attestations": [statement(0, 1).to_json(), statement(1, 1).to_json()],
        },
        "governance": {
            "treasury": TREASURY.to_string(), "deposit": "2000", "voting_period": PERIOD, "enactment_delay": DELAY,
            "enactment_window": 3, "lock_period": 2, "quorum_per_mille": 1,
        },
    });
    let mut on = TestChain::new(chain, &testing::spec("universal", PEOPLE, true, pallets));
    on.context.identity.para_id = HOME;
    on.context.messages.room = [(AWAY, 8)].into();
    on
}

/// Votes for the proposal at place 0 with all that it takes.
fn aye(on: &TestChain, sender: u8) -> Extrinsic {
    vote(on, sender, 0, Opinion { aye: true, conviction: 0, stake: VOTED })
}

#[test]
fn every_call_of_every_pallet_is_authored_proven_and_imported_in_one_lane() {
    let mut on = chain(3);
    let go = |on: &mut TestChain, calls: &[Extrinsic]| on.prove_and_advance(calls);
    let calls = [transfer(&on, 3, 0, 4, 500), open(&on, 4, 0, 9, DEPOSIT), create_asset(&on, 5, 0, 77)];
    assert_eq!(go(&mut on, &calls).used_slots, [3]);
    let calls = [
        mint_asset(&on, 1, 0, 0, 70),
        transfer_asset(&on, 4, 1, 0, 5, 5),
        swap(&on, 3, 1, 1, true, [7_000, 1]),
    ];
    go(&mut on, &calls);
    let calls = [
        create_pool(&on, 4, nonce(&on, 4), 0, [5_000, 300]),
        add_liquidity(&on, 3, nonce(&on, 3), 1, 333, [1_000; 2]),
        remove_liquidity(&on, 2, nonce(&on, 2), 1, 777, [1, 1]),
    ];
    go(&mut on, &calls);
    let spend = Action::Spend { to: holder(5), amount: 700 };
    let calls = [open_game(&on, 3, STAKE), propose(&on, 4, spend), appoint(&on, 1, nonce(&on, 1), 5)];
    go(&mut on, &calls);
    let calls =
        [join_game(&on, 4, 0, 0, 3), aye(&on, 5), attest(&on, REGISTRAR, nonce(&on, REGISTRAR), 2, 1)];
    go(&mut on, &calls);
    let calls = [play(&on, 3, 0, 0, 3), donate(&on, 5, 9), prove(&on, 1, nonce(&on, 1), 0)];
    go(&mut on, &calls);
    // Time to count: the author does, before anybody's calls.
    let to = (AWAY, packed(&key(1)));
    let calls = [revoke(&on, REGISTRAR, nonce(&on, REGISTRAR), 1), send_to(&on, 5, nonce(&on, 5), to, 40)];
    assert_eq!(go(&mut on, &calls).used_slots, [3]);
    assert_eq!(counters(&on).sequence, 1);
    on.context.messages.inbox = vec![payment(AWAY, 1, packed(&key(3)), 30)];
    let calls = [resign(&on, 4, 0, 0), transfer(&on, 3, nonce(&on, 3), 1, 5)];
    assert_eq!(go(&mut on, &calls).used_slots, [3]);
    on.context.messages.inbox.clear();
    let enact = Claim { proposal: ProposalIndex::from(0), number: 1 };
    let calls = [on.call("enact", 2, nonce(&on, 2), &enact), unlock(&on, 5, 0, 1), open_game(&on, 3, STAKE)];
    go(&mut on, &calls);
    let joins = join_game(&on, 4, 0, 1, 3);
    go(&mut on, &[joins]);
    on.context.relay_parent_number += u32::from(PATIENCE);
    let claims = claim(&on, 4, 0, 1);
    go(&mut on, &[claims]);
    go(&mut on, &[]);
}

#[test]
fn json_and_bytes_of_a_call_say_the_same() {
    let on = chain(1);
    for call in [transfer(&on, 3, 0, 4, 500), swap(&on, 3, 1, 1, true, [7_000, 1]), donate(&on, 5, 9)] {
        let bytes = call.encode();
        let json = on.chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        assert!(on.chain.extrinsic_to_json(&bytes[1..]).is_err());
    }
}

#[test]
fn what_a_block_shows_privately_it_does_not_revoke() {
    let on = chain(2);
    let nonce = nonce(&on, REGISTRAR);
    let block = on.execute(&[prove(&on, 3, 0, 0), revoke(&on, REGISTRAR, nonce, 0)]);
    assert_eq!((block.included.as_slice(), block.deferred.as_slice()), ([0].as_slice(), [1].as_slice()));
    on.check(&block);
    let block = on.execute(&[revoke(&on, REGISTRAR, nonce, 0), prove(&on, 3, 0, 0)]);
    assert_eq!(block.included, [0]);
    on.check(&block);
}

#[test]
fn a_body_is_of_one_call_and_has_nothing_beyond_it() {
    let on = chain(1);
    let block = on.execute(&[transfer(&on, 3, 0, 4, 500)]);
    let apply = |body: &[u8]| on.chain.apply(&on.state, &on.context, block.tier, &block.used_slots, body);
    assert!(apply(&block.body).is_ok());
    for (place, byte) in block.body.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        let mut other = block.body.clone();
        other[place] = byte + 1;
        let applied = apply(&other).map(|applied| applied.state_root);
        assert_ne!(applied.ok(), Some(block.state_root), "byte {place}");
    }
}

/// The calls, in the order of their numbers, and where the inputs of each begin in a slot's.
const CALLS: [(&str, usize); 26] = [
    ("transfer", 1),
    ("open", 3),
    ("create_asset", 7),
    ("mint_asset", 11),
    ("transfer_asset", 13),
    ("create_pool", 16),
    ("add_liquidity", 20),
    ("remove_liquidity", 26),
    ("swap", 32),
    ("receive", 37),
    ("send", 50),
    ("open_game", 54),
    ("join_game", 58),
    ("play", 59),
    ("resign", 61),
    ("claim", 63),
    ("appoint_registrar", 64),
    ("attest", 66),
    ("revoke", 70),
    ("prove_attribute", 71),
    ("propose", 84),
    ("vote", 96),
    ("unlock", 100),
    ("donate", 101),
    ("close", 102),
    ("enact", 103),
];

/// The number of a call, and where its inputs begin.
fn numbered(name: &str) -> (usize, usize) {
    let number = CALLS.iter().position(|(call, _)| *call == name).expect("a call");
    (number, CALLS[number].1)
}

/// The slot selects the call of this number.
fn select(slot: &mut SlotWitness, number: usize) {
    slot.inputs[0] = Fr::from(number as u64);
}

/// Selectors of these calls.
fn selectors(calls: &[&str]) -> Vec<Fr> {
    CALLS.iter().map(|(call, _)| Fr::from(calls.contains(call))).collect()
}

/// Where the selectors are.
const SELECTORS: &str = "universal/slot[0]/choice/selector";

/// Number of the first slot's access to an account through a port, among all to accounts: the author's and the sender's come before.
const FIRST_PORT: usize = 2;

/// The access to an account through the first port.
fn ported(witness: &mut Witness) -> &mut Access {
    let mut accounts = witness.openings.accesses.iter_mut().filter(|access| access.storage == ACCOUNTS);
    accounts.nth(FIRST_PORT).expect("a port")
}

/// What a slot signs, pays and accesses is a sum over the selectors too, so that two of them break more than the one constraint: there is
/// no witness in which all else holds. Of no selector `a_used_slot_of_no_call_is_refused` has one.
#[test]
fn two_calls_in_a_slot_are_refused() {
    let on = chain(1);
    let witness = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]).witness();
    let broken = |calls: &[&str]| with_hints(SELECTORS, &selectors(calls), || on.violations(&witness));
    assert_eq!(broken(&["transfer"]), Vec::<&str>::new());
    for other in ["receive", "donate", "swap"] {
        let broken = broken(&["transfer", other]);
        assert!(broken.contains(&"universal/one call"), "{other}: {broken:?}");
    }
}

#[test]
fn a_used_slot_of_no_call_is_refused() {
    let on = chain(1);
    let nothing = |slot: &mut SlotWitness| {
        select(slot, CALLS.len());
        (slot.sender, slot.fee) = (0, Fr::from(0u64));
    };
    let forgery = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]).changed(nothing);
    forgery.refused_only_by("universal/one call");
}

#[test]
fn another_call_than_was_signed_is_refused() {
    let on = chain(1);
    let mut forgery = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]);
    forgery.sign();
    forgery.changed(|slot| select(slot, numbered("donate").0)).refused_only_by("eddsa/equation");
    // The same where it is signed.
    let mut forgery = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]);
    select(forgery.slot(), numbered("donate").0);
    forgery.accepted();
}

#[test]
fn what_a_selected_call_asks_is_not_lost() {
    let on = chain(1);
    let mint = || Forgery::of(&on, &[mint_asset(&on, 1, 0, 0, 70)]);
    mint().changed(|slot| slot.sender = 3).refused_only_by("assets/minter");
    let (_, inputs) = numbered("transfer");
    let pay = || Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]);
    let more = |slot: &mut SlotWitness| slot.inputs[inputs + 1] = Fr::from(2 * BALANCE);
    pay().changed(more).refused_by(["runtime/sender keeps the deposit", "runtime/sender balance"]);
    let nobody = |slot: &mut SlotWitness| slot.inputs[inputs] = Fr::from(7u64);
    pay().changed(nobody).refused_only_by("state/record is there");
    let (_, inputs) = numbered("swap");
    let swaps = || Forgery::of(&on, &[swap(&on, 3, 0, 1, true, [7_000, 1])]);
    let a_unit_more = |slot: &mut SlotWitness| slot.inputs[inputs + 4] += Fr::from(1u64);
    swaps().changed(a_unit_more).refused_by(["division/remainder", "division/carry"]);
}

#[test]
fn a_fee_that_an_inherent_pays_is_refused() {
    let mut on = chain(1);
    on.context.messages.inbox = vec![payment(AWAY, 1, packed(&key(3)), 30)];
    // Nobody's calls: the author receives.
    let pays = |slot: &mut SlotWitness| slot.fee = Fr::from(testing::FEE);
    Forgery::of(&on, &[]).accepted();
    let mut forgery = Forgery::of(&on, &[]).changed(pays);
    // Nobody has paid it.
    forgery.extra_fees = -Fr::from(testing::FEE);
    forgery.refused_only_by("runtime/nobody pays");
}

/// An account opened over account 3, whose record the access says is there: the state has nothing against it.
#[test]
fn an_account_opened_where_there_is_one_is_refused() {
    let on = chain(1);
    let (_, inputs) = numbered("open");
    let over = |slot: &mut SlotWitness| slot.inputs[inputs] = Fr::from(3u64);
    let mut witness = Forgery::of(&on, &[open(&on, 4, 0, 9, DEPOSIT)]).changed(over).witness();
    testing::refused_by(&on, &witness, ["state/memory"]);
    let taken: Account = on.read(3).expect("an account");
    let access = ported(&mut witness);
    assert!(!access.there, "it is said to be vacant");
    (access.there, access.fields) = (true, taken.elements());
    testing::refused_by(&on, &witness, ["state/place is vacant"]);
}

/// The slot's inputs are changed and the call's copies are not: it does what it did, in a slot that is given something else.
#[test]
fn a_selected_call_has_the_slots_inputs() {
    let on = chain(1);
    let witness = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]).witness();
    let copies = [0u64, 0, 1, 500].map(Fr::from);
    for (input, other) in
        [("[1]/input[0]", 1u64), ("[1]/input[1]", 1), ("[1]/input[2]", 0), ("[128]/input[0]", 501)]
    {
        with_hints("universal/slot[0]/transfer/input/copy", &copies, || {
            with_hints(&format!("universal/slot[0]/shared/inputs{input}/atom"), &[Fr::from(other)], || {
                testing::refused_by(&on, &witness, ["state/copy"]);
            });
        });
    }
}

/// A receiver that would have had more: the port reads what is there, the call a copy that says otherwise.
#[test]
fn a_selected_call_has_the_slots_records() {
    let on = chain(1);
    let honest: Account = on.read(4).expect("an account");
    let richer = Account { balance: honest.balance + 1_000, ..honest };
    let mut forgery = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]);
    forgery.pretend::<Account>(4, richer.elements());
    let mut witness = forgery.witness();
    testing::refused_by(&on, &witness, ["state/memory"]);
    ported(&mut witness).fields = honest.elements();
    with_hints("universal/slot[0]/transfer/an account/copy", &richer.elements(), || {
        testing::refused_by(&on, &witness, ["state/copy"]);
    });
}

/// Another place, key, balance, nonce or right than the sender's.
#[test]
fn a_selected_call_has_the_slots_sender() {
    let on = chain(1);
    let witness = Forgery::of(&on, &[transfer(&on, 3, 0, 4, 500)]).witness();
    let sender: Account = on.read(3).expect("an account");
    let honest = [&[1u64, 1, 0].map(Fr::from), sender.elements().as_slice()].concat();
    for place in 0..honest.len() {
        let mut copies = honest.clone();
        copies[place] += Fr::from(1u64);
        // A transfer asks nothing of its sender: only that it is the slot's.
        with_hints("universal/slot[0]/transfer/sender/copy", &copies, || {
            testing::refused_by(&on, &witness, ["state/copy"]);
        });
    }
}

/// Why what a call that is not selected holds is free.
pub(super) const UNSELECTED: &str = "a call that is not selected: whatever it says, accesses, takes, gives and sends is multiplied by its selector, which is 0";

/// Why an input that the selected call does not take is free.
pub(super) const UNTAKEN: &str =
    "an input that the selected call does not take: its copies are of calls that are not selected";

/// Bits and whole elements that calls of the small chain take at most.
const BITS: usize = 12;
const WHOLE_ELEMENTS: usize = 9;

/// The paths of the other calls.
pub(super) fn unselected_calls(name: &str) -> impl Iterator<Item = String> {
    let others = CALLS.iter().map(|(call, _)| *call).filter(move |call| *call != name);
    others.map(|call| format!("universal/slot[0]/{call}/*"))
}

/// Audits the block of a call that takes so many bits and whole elements.
fn audit(name: &str, call: impl FnOnce(&TestChain) -> Extrinsic, takes: [usize; 2], quotients: &[&str]) {
    let on = chain(1);
    let calls = [call(&on)];
    let audited = Audit::new(format!("universal, {name}")).perturbing();
    let audited = unselected_calls(name).fold(audited, |audit, path| audit.except(path, UNSELECTED));
    let untaken = (takes[0]..BITS).map(|number| (1, number));
    let untaken = untaken.chain((takes[1]..WHOLE_ELEMENTS).map(|number| (254, number)));
    let audited = untaken.fold(audited, |audit, (width, number)| {
        let path = format!("universal/slot[0]/shared/inputs[{width}]/input[{number}]/atom");
        audit.except(path, UNTAKEN)
    });
    kit::audit(quotients.iter().fold(audited, |audit, path| audit.except(*path, QUOTIENT)), &on, &calls);
}

#[test]
fn nothing_survives_a_change_in_a_block_with_a_transfer() {
    audit("transfer", |on| transfer(on, 3, 0, 4, 500), [3, 0], &[]);
}

#[test]
fn nothing_survives_a_change_in_a_block_with_a_presentation() {
    audit("prove_attribute", |on| prove(on, 3, 0, 0), [6, WHOLE_ELEMENTS], &["*/private/eddsa/at_most"]);
}

#[test]
fn nothing_survives_a_change_in_a_block_with_a_swap() {
    audit("swap", |on| swap(on, 3, 0, 1, true, [7_000, 1]), [4, 0], &[]);
}
