//! The identity chain, small, with people who hold attestations.

use serde_json::json;
use zkpov_verifier::field::Fr;

use super::{
    Identity, Presentation,
    attest::{Appointee, Statement, Withdrawal},
    commitment,
    prove::Holder,
};
use crate::{
    chains::identity_of,
    runtime::{
        Extrinsic,
        testing::{self, key, secret},
    },
    state::{Element, Value},
};

/// The identity chain in memory.
pub(crate) type TestChain = testing::TestChain;

/// Base-2 logarithm that stands for the domain of the test tier.
pub(crate) const TIER: u8 = 17;

/// Who appoints registrars, whose account registrar 1 is, and whose registrar 2.
pub(crate) const ADMINISTRATOR: u8 = 1;
pub(crate) const REGISTRAR: u8 = 2;
pub(crate) const OTHER_REGISTRAR: u8 = 3;

/// The last block in which attestations can be shown.
pub(crate) const EXPIRY: u32 = 50;

/// What registrar 1 says of everybody's age.
pub(crate) const AGE: u64 = 41;

/// The context of presentations, unless another is given.
pub(crate) const CONTEXT: u64 = 7;

/// The holder's secret number `i`, of whom key number 100 + `i` is.
pub(crate) fn holder_secret(i: u8) -> Fr {
    Fr::from(1_000 + u64::from(i))
}

/// The identity of holder `i`.
pub(crate) fn identity_of_holder(i: u8) -> Fr {
    Holder { key: &secret(100 + i), secret: holder_secret(i) }.identity()
}

/// What registrar `registrar` says of holder `i`.
pub(crate) fn statement(i: u8, registrar: u32) -> Statement {
    let commitment = commitment(identity_of_holder(i), registrar, EXPIRY, AGE);
    Statement { commitment: Element(commitment), until: EXPIRY, registrar: registrar.into() }
}

/// A chain of `accounts` accounts in trees of `levels` levels, with these slots. Registrar 1 attested holders 0 to 2 at
/// places 0 to 2, registrar 2 holder 3 at place 3.
pub(crate) fn chain(levels: usize, slots: [u32; 6], accounts: u8) -> TestChain {
    let pallet = Identity { registrars: 1, attestations: levels, nullifiers: levels };
    let chain = identity_of(levels, pallet, vec![(TIER, slots.to_vec())]);
    let attestations: Vec<_> = (0..4).map(|i| statement(i, if i < 3 { 1 } else { 2 }).to_json()).collect();
    let pallets = json!({ "identity": {
        "administrator": key(ADMINISTRATOR).to_json(),
        "registrars": [key(REGISTRAR).to_json(), key(OTHER_REGISTRAR).to_json()],
        "attestations": attestations,
    }});
    TestChain::new(chain, &testing::spec("identity", accounts, true, pallets))
}

/// A chain with one slot of each lane, six accounts.
pub(crate) fn small() -> TestChain {
    chain(1, [1; 6], 6)
}

/// The administrator appoints key number `to`.
pub(crate) fn appoint(on: &TestChain, sender: u8, nonce: u32, to: u8) -> Extrinsic {
    on.call("appoint_registrar", sender, nonce, &Appointee { key: key(to) })
}

/// Account `sender` attests for registrar `registrar` of holder `i`.
pub(crate) fn attest(on: &TestChain, sender: u8, nonce: u32, i: u8, registrar: u32) -> Extrinsic {
    on.call("attest", sender, nonce, &statement(i, registrar))
}

/// Account `sender` takes back what registrar 1 said of holder `i` at place `i`.
pub(crate) fn revoke(on: &TestChain, sender: u8, nonce: u32, i: u8) -> Extrinsic {
    let commitment = statement(i, 1).commitment;
    on.call("revoke", sender, nonce, &Withdrawal { place: u32::from(i).into(), commitment })
}

/// The presentation of holder `i`, of registrar `registrar`'s attestation at place `place`, in `context`.
pub(crate) fn presentation(
    on: &TestChain,
    i: u8,
    place: u32,
    (registrar, low, high): (u32, u64, u64),
    context: u64,
) -> Presentation {
    let (key, tag) = (secret(100 + i), crate::runtime::chain_tag(&on.context.identity));
    let holder = Holder { key: &key, secret: holder_secret(i) };
    holder.present(tag, place, AGE, (registrar, low, high, context.into()))
}

/// Account `sender` pays for showing that holder `i` is between 18 and 65, in [`CONTEXT`].
pub(crate) fn prove(on: &TestChain, sender: u8, nonce: u32, i: u8) -> Extrinsic {
    on.call("prove_attribute", sender, nonce, &presentation(on, i, i.into(), (1, 18, 65), CONTEXT))
}
