//! The soundness kit on small instances of the arcade's circuit. `scripts/soundness` runs the full form.

use crate::{
    pallets::arcade::{
        Game,
        testing::{TestChain, claim, join_game, open_game, play, resign, with_game, with_lanes},
    },
    runtime::{
        AccountIndex,
        testing::kit::{UNUSED, audit},
    },
    soundness::Audit,
};

const UNPAID: &str = "nobody but the sender is paid: the account is not accessed, and written nowhere";

const FIRST: &str = "no game was at the place before: what was read is multiplied by 0";

/// A chain with one slot of each lane and a game of accounts 1 and 2.
fn with_slots() -> TestChain {
    with_game(with_lanes([1; 7]), |_| ())
}

/// The chain, and games that are open, and that nobody has moved in for long.
fn with_games() -> TestChain {
    let on = with_slots();
    let game: Game = on.read(0).expect("a game");
    let patient = |game: Game| Game { patience: 0, ..game };
    let opened = Game { joined: false, next: AccountIndex::from(3), other: AccountIndex::from(3), ..game };
    on.with(1, &opened).with(2, &patient(game)).with(3, &patient(game))
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_all_kinds_of_calls_but_one() {
    let on = with_games();
    let calls =
        [open_game(&on, 4, 5_000), join_game(&on, 5, 1, 0, 3), play(&on, 1, 0, 0, 3), resign(&on, 2, 2, 0)];
    let audited = Audit::new("arcade, all calls but one")
        .except("open_game/slot[0]/before/*", FIRST)
        .except("play/slot[0]/paid/*", UNPAID)
        .except("transfer/slot[0]/*", UNUSED)
        .except("open/slot[0]/*", UNUSED)
        .except("claim/slot[0]/*", UNUSED);
    audit(audited, &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_a_claim() {
    let on = with_games();
    let audited = ["transfer", "open", "open_game", "join_game", "play", "resign"]
        .into_iter()
        .fold(Audit::new("arcade, a claim"), |audit, call| audit.except(format!("{call}/slot[0]/*"), UNUSED));
    audit(audited, &on, &[claim(&on, 2, 3, 0)]);
}
