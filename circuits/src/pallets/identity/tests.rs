//! What the pallet does, and what it says to users.

use std::collections::BTreeSet;

use super::{
    Attestation, Bucket, Registrar,
    records::bucket_of,
    testing::{
        ADMINISTRATOR, CONTEXT, OTHER_REGISTRAR, REGISTRAR, TestChain, appoint, attest, chain, holder_secret,
        presentation, prove, revoke, small,
    },
};
use crate::{pallets::identity::nullifier, runtime::Chain, state::Element};

#[test]
fn attested_shown_and_revoked() {
    let mut on = chain(2, [1; 6], 8);
    let calls = [
        appoint(&on, ADMINISTRATOR, 0, 5),
        attest(&on, REGISTRAR, 0, 4, 1),
        revoke(&on, REGISTRAR, 1, 0),
        on.call("prove_attribute", 4, 0, &presentation(&on, 4, 4, (1, 41, 41), CONTEXT)),
    ];
    let block = on.prove_and_advance(&calls);
    assert_eq!(block.used_slots, [0, 0, 1, 1, 1, 1]);
    assert_eq!(on.read::<Registrar>(3).map(|registrar| registrar.account.0), Some(5));
    assert_eq!(on.read::<Attestation>(0).map(|attestation| attestation.revoked), Some(true));
    let spent = nullifier(holder_secret(4), CONTEXT.into());
    let bucket: Bucket = on.read(bucket_of(&spent, 64)).expect("entered");
    assert_eq!(bucket.nullifiers[0], Element(spent));
    // And the new registrar attests in its turn.
    on.prove_and_advance(&[attest(&on, 5, 0, 5, 3)]);
}

#[test]
fn a_body_says_nothing_of_the_holder() {
    let on = small();
    let bodies: Vec<Vec<u8>> = [0, 1]
        .map(|i| {
            let block = on.execute(&[prove(&on, 4, 0, i)]);
            assert_eq!(block.included, [0]);
            // All but the nullifier, the last element.
            block.body[..block.body.len() - 32].to_vec()
        })
        .to_vec();
    assert_eq!(bodies[0], bodies[1]);
}

#[test]
fn nullifiers_differ_by_context_and_by_secret() {
    let all: BTreeSet<_> = (0..4u8)
        .flat_map(|i| (0..4u64).map(move |context| nullifier(holder_secret(i), context.into())))
        .collect();
    assert_eq!(all.len(), 16);
}

#[test]
fn refusals_name_their_cause() {
    let mut on = small();
    let shown = |on: &TestChain, i, place, claim| {
        on.refusal(&on.call("prove_attribute", 4, 0, &presentation(on, i, place, claim, CONTEXT)))
    };
    assert!(shown(&on, 0, 7, (1, 18, 65)).contains("place 7 has no attestation"));
    assert!(shown(&on, 1, 0, (1, 18, 65)).contains("not of this holder"));
    assert!(shown(&on, 0, 0, (2, 18, 65)).contains("of registrar 1"));
    assert!(shown(&on, 0, 0, (1, 42, 65)).contains("not within 42 and 65"));
    assert!(shown(&on, 0, 0, (1, 18, 40)).contains("not within 18 and 40"));
    assert!(on.refusal(&attest(&on, 4, 0, 0, 1)).contains("account 2 signs for registrar 1"));
    assert!(on.refusal(&attest(&on, REGISTRAR, 0, 0, 6)).contains("no registrar 6"));
    assert!(on.refusal(&revoke(&on, OTHER_REGISTRAR, 0, 0)).contains("account 2 signs"));
    assert!(on.refusal(&appoint(&on, REGISTRAR, 0, 5)).contains("account 1 appoints"));
    assert!(on.refusal(&appoint(&on, ADMINISTRATOR, 0, 60)).contains("no account"));
    let mut presented = presentation(&on, 0, 0, (1, 18, 65), CONTEXT);
    presented.claim.nullifier = presentation(&on, 0, 0, (1, 18, 65), 8).claim.nullifier;
    assert!(on.refusal(&on.call("prove_attribute", 4, 0, &presented)).contains("nullifier is not"));
    on.prove_and_advance(&[revoke(&on, REGISTRAR, 0, 1), prove(&on, 4, 0, 0)]);
    assert!(on.refusal(&prove(&on, 4, 1, 1)).contains("revoked"));
    assert!(on.refusal(&prove(&on, 4, 1, 0)).contains("nullifier is used"));
    assert!(on.refusal(&revoke(&on, REGISTRAR, 1, 1)).contains("revoked already"));
    on.context.parent.number = 50;
    assert!(on.refusal(&prove(&on, 4, 1, 2)).contains("expired with block 50"));
}

#[test]
fn a_presentation_signed_by_another_key_is_refused() {
    let on = small();
    let mut presented = presentation(&on, 0, 0, (1, 18, 65), CONTEXT);
    let other = presentation(&on, 1, 0, (1, 18, 65), CONTEXT);
    (presented.opening.0.r8_x, presented.opening.0.r8_y, presented.opening.0.s) =
        (other.opening.0.r8_x, other.opening.0.r8_y, other.opening.0.s);
    assert!(on.refusal(&on.call("prove_attribute", 4, 0, &presented)).contains("eddsa/equation"));
}

#[test]
fn what_a_block_revokes_is_not_shown_in_it() {
    let on = small();
    let block = on.execute(&[prove(&on, 4, 0, 0), revoke(&on, REGISTRAR, 0, 0)]);
    assert_eq!(block.included, [1]);
    assert!(block.refused[0].1.to_string().contains("revoked"));
}

#[test]
fn an_importer_refuses_a_nullifier_that_is_used() {
    let mut on = small();
    let block = on.execute(&[prove(&on, 4, 0, 0)]);
    on.advance(&block);
    let again = on.chain.apply(&on.state, &on.context, block.tier, &block.used_slots, &block.body);
    assert!(again.map(drop).expect_err("used").to_string().contains("nullifier is used"));
}
