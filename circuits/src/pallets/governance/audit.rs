//! The soundness kit on small instances of the council circuit, one call kind after the other: every hint replaced with all that
//! follows from it, every variable perturbed in place. `scripts/soundness` runs the full form.

use super::{testing::*, *};
use crate::{
    runtime::testing::kit::{QUOTIENT, SPARE, UNUSED, audit},
    soundness::Audit,
};

/// Why the account is free that an enactment reads which concerns none.
const NO_ACCOUNT: &str =
    "the action concerns no account: the access is not in force, and nothing follows from it";

fn lanes(number: usize) -> Slots {
    core::array::from_fn(|lane| u32::from(lane == number))
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_proposal() {
    let on = chain(lanes(2), 4);
    let calls = [propose(&on, 1, Action::Spend { to: holder(3), amount: 700 })];
    audit(Audit::new("council, propose"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_vote() {
    let on = with_proposal(chain(lanes(3), 4), &proposed(Action::Spend { to: holder(3), amount: 700 }));
    let calls = [vote(&on, 2, 0, Opinion { aye: true, conviction: 3, stake: 900 })];
    audit(Audit::new("council, vote"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_vote_with_a_stake_that_was_locked() {
    let on = with_proposal(chain(lanes(3), 4), &proposed(Action::Burn { amount: 700 }));
    let on = on.with(2, &Ballot { number: 8, until: 99, stake: 400 });
    let calls = [vote(&on, 2, 0, Opinion { aye: false, conviction: 6, stake: 900 })];
    audit(Audit::new("council, second vote"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_an_unlock() {
    let on = chain(lanes(4), 4).with(2, &Ballot { number: 8, until: 1, stake: 400 });
    let calls = [unlock(&on, 2, 0, 8)];
    audit(Audit::new("council, unlock"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_count() {
    let closable =
        Proposal { due: 0, ayes: 10_000_000, turnout: 1_000_000, ..proposed(Action::Burn { amount: 700 }) };
    let on = with_proposal(chain(lanes(6), 4), &closable);
    assert_eq!(on.execute(&[]).used_slots[6], 1);
    audit(Audit::new("council, close"), &on, &[]);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_an_enactment() {
    let on = with_passed(chain(lanes(7), 4), Action::Mint { to: holder(3), amount: 700 });
    let calls = [enact(&on, 2, 0)];
    audit(Audit::new("council, enact").except("*/eddsa/at_most", QUOTIENT), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_an_upgrade_and_a_parameter_change_but_the_account_that_is_not_read() {
    let parameters =
        Action::Parameters { existential_deposit: 7, minimum_fee: 3, permissioned_authors: false };
    for action in [Action::Upgrade { code_hash: [0xc5; 32] }, parameters] {
        let on = with_passed(chain(lanes(7), 4), action);
        let calls = [enact(&on, 2, 0)];
        let audited = Audit::new("council, enact")
            .except("*/eddsa/at_most", QUOTIENT)
            .except("enact/slot[0]/*", NO_ACCOUNT);
        audit(audited, &on, &calls);
    }
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_insides_of_unused_slots_survive_in_an_empty_block() {
    let on = chain(ONE_OF_EACH, 4);
    let audited = ["transfer", "open", "propose", "vote", "unlock", "donate", "close", "enact"]
        .into_iter()
        .fold(Audit::new("council, no slot used"), |audit, lane| {
            audit.except(format!("{lane}/slot[0]/*"), UNUSED)
        });
    let audited = audited.except(format!("state/tree[{BALLOTS}]/place[1]/index/bit"), SPARE);
    audit(audited, &on, &[]);
}
