//! The Jacobian of a block of the universal chain with one slot: a block's inputs determine the rest.

use super::tests::{UNSELECTED, UNTAKEN, chain, unselected_calls};
use crate::{
    pallets::balances::testing::transfer,
    runtime::testing::kit::{CONTEXT, PARENT_STATE, SIBLINGS, freedom},
    soundness::Jacobian,
};

/// The call, and what the parent state holds of the accounts that it reads and of messages: of the latter, the number of what was sent
/// last is left.
const GIVEN: [&str; 6] = [
    "universal/slot[0]/shared/inputs[128]/input[0]/atom",
    "universal/slot[0]/shared/an account[*]/atom",
    "*/terms/fee",
    "messaging/the counters of messages/token",
    "messaging/the counters of messages/para",
    "messaging/the counters of messages/allowance",
];

/// Records that no transfer reads.
const UNREAD: [&str; 6] =
    ["an asset[*]", "a pool[0]", "a game[0]", "a proposal[0]", "a ballot[0]", "the charter[0]"];

/// Why their fields may move.
const BLANK: &str = "a record that is not read: as packed it is 0, and that each of two fields in one packing is 0 is said by their \
                     ranges, which are set aside";

#[test]
fn inputs_determine_a_block_with_a_transfer_but_for_what_is_not_selected() {
    let on = chain(1);
    let jacobian = Jacobian::new("universal, transfer")
        .without_ranges()
        .free("universal/slot[0]/shared/inputs[*]/input[*]/atom", UNTAKEN)
        .free("state/private[0]/read/*", UNSELECTED);
    let jacobian =
        unselected_calls("transfer").fold(jacobian, |jacobian, path| jacobian.free(path, UNSELECTED));
    let jacobian = UNREAD.into_iter().fold(jacobian, |jacobian, record| {
        jacobian.free(format!("universal/slot[0]/shared/{record}/atom"), BLANK)
    });
    let fixed = CONTEXT.into_iter().chain(PARENT_STATE).chain(GIVEN).chain([SIBLINGS]);
    freedom(jacobian, fixed, &on, &[transfer(&on, 3, 0, 4, 500)]).assert_clean();
}
