//! A chain's next validity key: enacted by its council, announced by a block, checked by the validators, in force from the first head
//! after the delay.
//!
//! Blocks in which something happens are proven by the circuit; those that only wait, by the secret of its set-up.

use codec::Decode;
use pallet_broker::CoreAssignment;
use polkadot_primitives::{
    UpgradeGoAhead, UpgradeRestriction, ValidationCode, ValidationCodeHash, well_known_keys,
};
use polkadot_runtime_parachains::{
    paras::{CurrentCodeHash, UpgradeRestrictionSignal},
    runtime_api_impl::v13::{pvfs_require_precheck, validation_code_by_hash},
};
use serde_json::{Value, json};
use zkpov_circuits::{chains::council_of, pallets::governance::Governance, runtime::Chain};
use zkpov_collator::{author::AuthorError, setup, validity::ValidationCodeError};
use zkpov_relay::Invalid;
use zkpov_verifier::{
    exchange::{ExchangeError, UpgradeError},
    hashing::blake2b_256,
    key::{KEY_MAGIC, ValidityKey},
    lane::TierId,
    validate,
};

use crate::{
    circuits::CircuitKeys,
    parachain::Parachain,
    runtime::Runtime,
    town::Town,
    validators::{self, Refusal},
};

const PARA: u32 = 2000;
const TIER: TierId = TierId(16);
/// Versions of the council's state machine: the one it begins with and the next, which differ in nothing else.
const VERSIONS: [u32; 2] = [7, 8];

/// A council with few accounts, and one slot for each call that an upgrade takes.
fn council(runtime_version: u32) -> &'static dyn Chain {
    let governance = Governance { account_levels: 1, proposal_levels: 1 };
    let tiers = vec![(TIER.0, vec![0, 0, 1, 1, 0, 0, 1, 1])];
    Box::leak(Box::new(council_of(1, governance, runtime_version, tiers)))
}

fn chain_on_a_core() -> (Town, Parachain) {
    let mut town = Town::new();
    let governance = json!({ "governance": {
        "treasury": "0", "deposit": "10", "voting_period": 1, "enactment_delay": 0, "enactment_window": 100,
        "lock_period": 1, "quorum_per_mille": 1,
    } });
    let para = Parachain::of(PARA, council(VERSIONS[0]), TIER, governance);
    town.take_on_board(&[&para]);
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(PARA));
    town.ready(&[para.id]);
    (town, para)
}

/// The validity key of the next version.
fn next_key(para: &Parachain) -> Vec<u8> {
    let mut info = *para.collator.info();
    info.chain = council(VERSIONS[1]);
    info.identity.runtime_version = VERSIONS[1];
    setup::validity_key(&info, vec![CircuitKeys::of(info.chain, TIER).tier.clone()]).encode()
}

/// A relay block in which the chain authors and proves.
fn step(town: &mut Town, para: &mut Parachain, extrinsics: &[Vec<u8>], upgrade: Option<&[u8]>) {
    town.ready(&[para.id]);
    let assignment = town.assignment(para.id).expect("a core");
    let candidate = para.try_author(&town.relay, town.tip, &assignment, extrinsics, upgrade);
    town.block(&[candidate.expect("a block")], || ());
}

/// A relay block in which the chain does nothing but wait.
fn idle(town: &mut Town, para: &mut Parachain) {
    town.ready(&[para.id]);
    let assignment = town.assignment(para.id).expect("a core");
    let candidate = para.simulate(&town.relay, town.tip, &assignment, &[]);
    town.block(&[candidate], || ());
}

/// The council proposes this code, votes, and enacts it: the last of these blocks announces it.
fn announce(town: &mut Town, para: &mut Parachain, code: &[u8]) {
    let hash = blake2b_256(code).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let action = json!({ "upgrade": { "code_hash": format!("0x{hash}") } });
    let call = |para: &Parachain, from, nonce, call, arguments: &Value| {
        vec![para.signed(from, nonce, call, arguments)]
    };
    let propose = call(para, 1, 0, "propose", &json!({ "action": action }));
    step(town, para, &propose, None);
    let vote = json!({
        "proposal": 0, "number": 1, "aye": true, "conviction": 1, "stake": "500000", "action": action,
    });
    let vote = call(para, 2, 0, "vote", &vote);
    step(town, para, &vote, None);
    let enact = call(para, 1, 1, "enact", &json!({ "proposal": 0, "number": 1 }));
    step(town, para, &enact, Some(code));
}

/// The validation code in force, the go-ahead signal, and whether the chain may announce nothing.
fn state(town: &Town, para: &Parachain) -> (Vec<u8>, Option<UpgradeGoAhead>, Option<UpgradeRestriction>) {
    town.ask(|| {
        let hash = CurrentCodeHash::<Runtime>::get(para.id).expect("on board");
        let code = validation_code_by_hash::<Runtime>(hash).expect("stored").0;
        let signal = sp_io::storage::get(&well_known_keys::upgrade_go_ahead_signal(para.id));
        let signal = signal.map(|bytes| UpgradeGoAhead::decode(&mut &bytes[..]).expect("a signal"));
        (code, signal, UpgradeRestrictionSignal::<Runtime>::get(para.id))
    })
}

/// The code that judges the chain's next block.
fn code_for_next(town: &mut Town, para: &Parachain) -> ValidationCodeHash {
    town.ready(&[para.id]);
    town.assignment(para.id).expect("a core").code_hash
}

/// Why validators refuse a block that announces this code now, whatever its author's program thinks; `None` if the relay chain would let it.
/// The collator's own program answers the same.
fn why_not(town: &mut Town, para: &mut Parachain, code: &[u8]) -> Option<UpgradeError> {
    town.ready(&[para.id]);
    let assignment = town.assignment(para.id).expect("a core");
    let mut block = para.draft(&town.relay, town.tip, &assignment, &[]);
    block.proven.upgrade = Some(code.to_vec());
    let refused =
        validators::commitments(&assignment, &para.code, &block.encode()).expect_err("no proof of it");
    let Refusal::Invalid(invalid) = refused else { panic!("{refused:?}") };
    let error = match *invalid {
        Invalid::Block(validate::Invalid::Exchange(ExchangeError::Upgrade(error))) => Some(error),
        // Nothing but that nobody signed or proved it.
        Invalid::Block(validate::Invalid::AuthorSignature(_) | validate::Invalid::ProofRejected(_)) => None,
        other => panic!("{other}"),
    };
    if let Some(expected) = error {
        let own = para.try_author(&town.relay, town.tip, &assignment, &[], Some(code));
        let own = *own.expect_err("refused before it is proven");
        assert!(matches!(own, AuthorError::Upgrade(error) if error == expected), "{own}");
    }
    error
}

#[test]
fn an_upgrade_waits_for_votes_and_delay_comes_into_force_with_a_head_and_is_followed_by_a_cooldown() {
    let (mut town, mut para) = chain_on_a_core();
    let (old, new) = (para.code.clone(), next_key(&para));
    announce(&mut town, &mut para, &new);
    let announced = town.number();
    // The block that announces is included; nothing has changed but that nothing more may be announced.
    idle(&mut town, &mut para);
    assert_eq!(town.ask(pvfs_require_precheck::<Runtime>), [ValidationCode(new.clone()).hash()]);
    assert_eq!(state(&town, &para), (old.clone(), None, Some(UpgradeRestriction::Present)));
    assert_eq!(why_not(&mut town, &mut para, &new), Some(UpgradeError::Restricted));
    town.vote();
    // The old key goes on through the delay.
    let mut blocks = 0;
    while state(&town, &para).1.is_none() {
        idle(&mut town, &mut para);
        blocks += 1;
        assert!(blocks < 40, "no go-ahead");
    }
    assert!(town.number() >= announced + 5, "not before the delay: {} after {announced}", town.number());
    assert_eq!(state(&town, &para).1, Some(UpgradeGoAhead::GoAhead));
    assert_eq!(why_not(&mut town, &mut para, &new), Some(UpgradeError::InProgress));
    // The first block that sees the signal is still one of the old key; its head brings the new one into force.
    step(&mut town, &mut para, &[], None);
    while code_for_next(&mut town, &para) == ValidationCode(old.clone()).hash() {
        town.wait(1);
        blocks += 1;
        assert!(blocks < 50, "no enactment");
    }
    let enacted = para.tip().number;
    // A block under the old key is one no more: the collator makes none, and of one that is made validators want nothing.
    let assignment = town.assignment(para.id).expect("a core");
    let refused = para.try_author(&town.relay, town.tip, &assignment, &[], None).expect_err("another key");
    assert!(
        matches!(*refused, AuthorError::ValidationCode(ValidationCodeError::OtherKey { .. })),
        "{refused}"
    );
    let stale = para.draft(&town.relay, town.tip, &assignment, &[]).encode();
    let commitments = validators::commitments(&assignment, &old, &stale).expect("valid under the old key");
    let stale = validators::candidate(para.id, town.tip, &assignment, commitments, stale);
    assert!(matches!(validators::back(&town.relay, &stale), Err(Refusal::Invalid(_))));
    para = para.upgraded(council(VERSIONS[1]));
    assert_eq!(para.code, new);
    step(&mut town, &mut para, &[], None);
    idle(&mut town, &mut para);
    assert_eq!(state(&town, &para).0, new);
    assert_eq!(para.tip().number, enacted + 2);
    // The cooldown ends, and the chain may announce again.
    assert_eq!(why_not(&mut town, &mut para, &old), Some(UpgradeError::Restricted));
    while state(&town, &para).2.is_some() {
        idle(&mut town, &mut para);
        assert!(town.number() < announced + 60, "no end of the cooldown");
    }
    assert_eq!(why_not(&mut town, &mut para, &old), None);
    town.wait(1);
    assert_eq!(town.head(para.id), Some(para.tip().head));
}

#[test]
fn an_upgrade_to_what_is_no_validity_key_is_voted_down_and_the_chain_goes_on_with_the_old_one() {
    let (mut town, mut para) = chain_on_a_core();
    let old = para.code.clone();
    let mut bad = old.clone();
    let points = bad.len() - 100;
    bad[points..].fill(0xff);
    assert!(bad.starts_with(KEY_MAGIC) && ValidityKey::decode(&bad).is_err());
    announce(&mut town, &mut para, &bad);
    idle(&mut town, &mut para);
    town.vote();
    assert_eq!(
        state(&town, &para),
        (old.clone(), Some(UpgradeGoAhead::Abort), Some(UpgradeRestriction::Present))
    );
    // The block that sees the signal ends it, under the old key as all that follow.
    step(&mut town, &mut para, &[], None);
    for _ in 0..25 {
        idle(&mut town, &mut para);
    }
    assert_eq!(state(&town, &para), (old, None, None));
    town.wait(1);
    assert_eq!(town.head(para.id), Some(para.tip().head));
}
