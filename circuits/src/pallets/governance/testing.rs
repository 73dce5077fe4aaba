//! A small chain with governance, and its calls, typed.

use serde_json::json;

pub(crate) use crate::runtime::testing::{BALANCE, DEPOSIT, FEE, key};
use crate::{
    chains::council_of,
    pallets::{
        balances::circuit::Payment,
        governance::{
            Action, Charter, Claim, Conviction, Coordinates, Donation, Governance, Holder, Motion, Proposal,
            ProposalIndex, Voice,
        },
    },
    runtime::{Account, AccountIndex, Extrinsic, testing},
    state::Element,
};

pub(crate) use crate::runtime::testing::TestChain;

/// What the treasury begins with.
pub(crate) const TREASURY: u128 = 50_000;
/// What a proposer deposits.
pub(crate) const BOND: u128 = 2_000;
/// Blocks after a proposal's in which it takes votes.
pub(crate) const PERIOD: u32 = 2;
/// Blocks from the count to the enactment.
pub(crate) const DELAY: u32 = 2;
/// Blocks in which it can be enacted.
pub(crate) const WINDOW: u32 = 3;
/// A lock period.
pub(crate) const LOCK: u32 = 2;
/// Thousandths of the issuance.
pub(crate) const QUORUM: u16 = 50;

/// Slots of each lane: transfers, opens, proposals, votes, unlocks, donations, closes, enactments.
pub(crate) type Slots = [u32; 8];

/// One slot in every lane.
pub(crate) const ONE_OF_EACH: Slots = [1; 8];

/// The council chain with `accounts` accounts in a tree of one level, and eight places for proposals.
pub(crate) fn chain(slots: Slots, accounts: u8) -> TestChain {
    let governance = Governance { account_levels: 1, proposal_levels: 1 };
    let chain = council_of(1, governance, 1, vec![(17, slots.to_vec())]);
    TestChain::new(chain, &spec(accounts))
}

/// Its spec.
pub(crate) fn spec(accounts: u8) -> String {
    let governance = json!({
        "treasury": TREASURY.to_string(),
        "deposit": BOND.to_string(),
        "voting_period": PERIOD,
        "enactment_delay": DELAY,
        "enactment_window": WINDOW,
        "lock_period": LOCK,
        "quorum_per_mille": QUORUM,
    });
    testing::spec("council", accounts, true, json!({ "governance": governance }))
}

/// Account number `i`, of key number `i`.
pub(crate) fn holder(i: u8) -> Holder {
    let [x, y] = key(i).coordinates().map(Element);
    Holder { account: AccountIndex::from(u32::from(i)), key: Coordinates { x, y } }
}

/// The nonce of an account.
pub(crate) fn nonce(on: &TestChain, account: u8) -> u32 {
    on.read::<Account>(account.into()).map_or(0, |account| account.nonce)
}

pub(crate) fn transfer(on: &TestChain, sender: u8, to: u8, amount: u128) -> Extrinsic {
    on.call("transfer", sender, nonce(on, sender), &Payment { amount, receiver: key(to) })
}

pub(crate) fn propose(on: &TestChain, sender: u8, action: Action) -> Extrinsic {
    on.call("propose", sender, nonce(on, sender), &Motion { action })
}

/// What an account says of a proposal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opinion {
    pub(crate) aye: bool,
    pub(crate) conviction: u8,
    pub(crate) stake: u128,
}

/// A vote on the proposal at `place`, as it is in the state.
pub(crate) fn vote(on: &TestChain, sender: u8, place: u32, opinion: Opinion) -> Extrinsic {
    let Proposal { number, action, .. } = on.read(place).expect("a place");
    vote_on(on, sender, (place, number, action), opinion)
}

/// A vote on a proposal at `place`, with this number and action.
pub(crate) fn vote_on(
    on: &TestChain,
    sender: u8,
    (place, number, action): (u32, u32, Action),
    Opinion { aye, conviction, stake }: Opinion,
) -> Extrinsic {
    let conviction = Conviction::new(conviction).expect("a conviction");
    let proposal = ProposalIndex::from(place);
    let voice = Voice { proposal, number, aye, conviction, stake, action };
    on.call("vote", sender, nonce(on, sender), &voice)
}

pub(crate) fn unlock(on: &TestChain, sender: u8, place: u32, number: u32) -> Extrinsic {
    on.call("unlock", sender, nonce(on, sender), &Claim { proposal: ProposalIndex::from(place), number })
}

pub(crate) fn donate(on: &TestChain, sender: u8, amount: u128) -> Extrinsic {
    on.call("donate", sender, nonce(on, sender), &Donation { amount })
}

pub(crate) fn enact(on: &TestChain, sender: u8, place: u32) -> Extrinsic {
    let Proposal { number, .. } = on.read(place).expect("a place");
    on.call("enact", sender, nonce(on, sender), &Claim { proposal: ProposalIndex::from(place), number })
}

/// The charter.
pub(crate) fn charter(on: &TestChain) -> Charter {
    on.read(0).expect("a charter")
}

/// An open proposal in block 1 or later, of account 1 at place 0: what propose leaves there.
pub(crate) fn proposed(action: Action) -> Proposal {
    Proposal {
        action,
        number: 1,
        due: 1 + PERIOD,
        proposer: AccountIndex::from(1),
        lock_period: LOCK,
        open: true,
        deposit: BOND,
        ..Proposal::none()
    }
}

/// The chain with this proposal at place 0; numbers go on after it.
pub(crate) fn with_proposal(on: TestChain, proposal: &Proposal) -> TestChain {
    let charter = Charter { next_number: proposal.number + 1, ..charter(&on) };
    on.with(0, proposal).with(0, &charter)
}

/// The chain with this proposal passed, to be enacted in the next block, at place 0.
pub(crate) fn with_passed(on: TestChain, action: Action) -> TestChain {
    let due = on.context.parent.number + 1;
    with_proposal(on, &Proposal { open: false, passed: true, due, deposit: 0, ..proposed(action) })
}
