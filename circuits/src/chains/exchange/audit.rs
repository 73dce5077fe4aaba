//! The soundness kit on small instances of the exchange's circuit: every hint replaced with all that follows from it, every
//! variable perturbed in place. `scripts/soundness` runs the full form.

use crate::{
    pallets::pools::testing::*,
    runtime::testing::kit::{UNUSED, audit},
    soundness::Audit,
};

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_a_swap() {
    let on = market(only(&[SWAP]));
    audit(Audit::new("exchange, a swap"), &on, &[swap(&on, STRANGER, 0, POOL, true, [7_000, 1])]);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_liquidity_added_and_removed() {
    let on = market(only(&[ADD_LIQUIDITY, REMOVE_LIQUIDITY]));
    let calls = [
        add_liquidity(&on, 3, 0, POOL, 333, [1_000; 2]),
        remove_liquidity(&on, CREATOR, 0, POOL, 777, [1, 1]),
    ];
    audit(Audit::new("exchange, liquidity"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_assets() {
    let on = market(only(&[CREATE_ASSET, MINT_ASSET, TRANSFER_ASSET]));
    let calls = [
        create_asset(&on, 3, 0, 1_000),
        mint_asset(&on, OWNER, 0, ASSET, 70),
        transfer_asset(&on, 4, 0, ASSET, STRANGER, 5),
    ];
    audit(Audit::new("exchange, assets"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_with_a_new_pool() {
    let on = market(only(&[CREATE_POOL]));
    audit(Audit::new("exchange, a pool"), &on, &[create_pool(&on, 1, 0, ASSET, [5_000, 300])]);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_insides_of_unused_slots_survive_in_an_empty_block() {
    let on = market(only(&[TRANSFER_ASSET, SWAP]));
    let audited = Audit::new("exchange, no slot used")
        .except("transfer_asset/slot[0]/*", UNUSED)
        .except("swap/slot[0]/*", UNUSED);
    audit(audited, &on, &[]);
}
