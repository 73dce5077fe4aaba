//! Dishonest witnesses of the pallet's calls: each is consistent in all that follows from its lie, refused by the named
//! constraints and by no other, and accepted without them.

use ark_ff::{AdditiveGroup, Field};
use zkpov_verifier::{
    babyjubjub::Point,
    field::{Fr, domain},
    poseidon,
};

use super::{
    Attestation, Claim, nullifier,
    records::{Bucket, IDENTITY_DOMAIN, Registrar, bucket_of, commitment},
    testing::{
        ADMINISTRATOR, AGE, CONTEXT, EXPIRY, OTHER_REGISTRAR, REGISTRAR, TestChain, appoint, attest, chain,
        holder_secret, identity_of_holder, presentation, prove, revoke, small,
    },
};
use crate::{
    runtime::{
        Account, SlotWitness, chain_tag,
        testing::{FEE, Forgery, secret},
    },
    soundness::violated,
    state::{Element, Value},
};

// Inputs of a presentation's slot.
const REGISTRAR_CLAIMED: usize = 0;
const LOW: usize = 1;
const HIGH: usize = 2;
const CONTEXT_CLAIMED: usize = 3;
const NULLIFIER: usize = 4;
const PLACE: usize = 5;
const ATTRIBUTE: usize = 6;
const SECRET: usize = 7;
const KEY: usize = 8;
const SIGNATURE: usize = 10;

/// A presentation of holder 0, paid by account 4, changed before the payer signs it.
fn shown(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[prove(on, 4, 0, 0)]).changed(change)
}

/// The holder's signature, by key number 100 + `signer`, of what the slot claims.
fn sign(on: &TestChain, slot: &mut SlotWitness, signer: u8) {
    let [registrar, low, high] = [REGISTRAR_CLAIMED, LOW, HIGH].map(|i| slot.inputs[i]);
    let small = |value: Fr| crate::integer::to_u128(&value).expect("small");
    let claim = Claim {
        registrar: (small(registrar) as u32).into(),
        low: small(low) as u64,
        high: small(high) as u64,
        context: Element(slot.inputs[CONTEXT_CLAIMED]),
        nullifier: Element(slot.inputs[NULLIFIER]),
    };
    let signature = secret(100 + signer).sign(claim.message(chain_tag(&on.context.identity)));
    slot.inputs[SIGNATURE] = signature.r8.x;
    slot.inputs[SIGNATURE + 1] = signature.r8.y;
    slot.inputs[SIGNATURE + 2] = crate::integer::scalar_to_field(&signature.s);
}

/// Elements of an attestation of holder `i`.
fn attestation(i: u8, registrar: u32, expiry: u32, attribute: u64, revoked: bool) -> Vec<Fr> {
    let commitment = Element(commitment(identity_of_holder(i), registrar, expiry, attribute));
    Attestation { commitment, expiry, registrar: registrar.into(), revoked }.elements()
}

#[test]
fn the_honest_block_is_accepted() {
    let on = small();
    let calls = [
        appoint(&on, ADMINISTRATOR, 0, 5),
        attest(&on, REGISTRAR, 0, 4, 1),
        revoke(&on, REGISTRAR, 1, 1),
        prove(&on, 4, 0, 0),
    ];
    let witness = Forgery::of(&on, &calls).witness();
    assert_eq!(violated(|cs| on.circuit(Some(&witness), &cs)), Ok(vec![]));
    assert_eq!(witness.statement, on.execute(&calls).statement.elements());
}

// Whose attestation it is.

#[test]
fn another_holders_attestation_is_refused() {
    let on = small();
    shown(&on, |slot| slot.inputs[PLACE] = Fr::ONE).refused_only_by("identity/holder");
}

#[test]
fn the_holders_secret_under_another_key_is_refused() {
    let on = small();
    let forgery = shown(&on, |slot| {
        let [x, y] = secret(101).public_key().coordinates();
        [slot.inputs[KEY], slot.inputs[KEY + 1]] = [x, y];
        sign(&on, slot, 1);
    });
    forgery.refused_only_by("identity/holder");
}

#[test]
fn a_presentation_that_the_holder_did_not_sign_is_refused() {
    let on = small();
    shown(&on, |slot| sign(&on, slot, 1)).refused_only_by("eddsa/equation");
}

#[test]
fn a_signature_for_another_claim_is_refused() {
    let on = small();
    shown(&on, |slot| slot.inputs[LOW] += Fr::ONE).refused_only_by("eddsa/equation");
    shown(&on, |slot| slot.inputs[HIGH] += Fr::ONE).refused_only_by("eddsa/equation");
    let on = small();
    shown(&on, |slot| {
        slot.inputs[CONTEXT_CLAIMED] = Fr::from(8u64);
        slot.inputs[NULLIFIER] = nullifier(holder_secret(0), Fr::from(8u64));
    })
    .refused_only_by("eddsa/equation");
}

#[test]
fn a_holders_signature_for_another_chain_is_refused() {
    let on = small();
    let mut other = small();
    other.context.identity.para_id += 1;
    shown(&on, |slot| sign(&other, slot, 0)).refused_only_by("eddsa/equation");
}

#[test]
fn a_holders_key_with_a_part_of_low_order_is_refused() {
    // Attested by a registrar that did not look: the holder's key and a point of order 2.
    let [x, y] = secret(100).public_key().coordinates();
    let twisted = Point { x, y }.add(&Point { x: Fr::ZERO, y: -Fr::ONE });
    let identity = poseidon::hash(&[domain(IDENTITY_DOMAIN), twisted.x, twisted.y, holder_secret(0)]);
    let commitment = Element(commitment(identity, 1, EXPIRY, AGE));
    let attested = Attestation { commitment, expiry: EXPIRY, registrar: 1.into(), revoked: false };
    let on = small();
    let mut forgery = shown(&on, |slot| [slot.inputs[KEY], slot.inputs[KEY + 1]] = [twisted.x, twisted.y]);
    let careless = small().with(0, &attested);
    forgery.on = &careless;
    forgery.refused_by(["key/prime_subgroup", "eddsa/equation"]);
}

#[test]
fn an_attestation_that_is_not_there_is_refused() {
    let on = small();
    let mut forgery = shown(&on, |slot| slot.inputs[PLACE] = Fr::from(6u64));
    forgery.pretend::<Attestation>(6, attestation(0, 1, EXPIRY, AGE, false));
    forgery.refused_only_by("state/private read");
}

// What it says.

#[test]
fn an_attribute_out_of_range_is_refused() {
    let on = small();
    let above = shown(&on, |slot| {
        slot.inputs[HIGH] = Fr::from(AGE - 1);
        sign(&on, slot, 0);
    });
    above.refused_only_by("identity/at most");
    let below = shown(&on, |slot| {
        slot.inputs[LOW] = Fr::from(AGE + 1);
        sign(&on, slot, 0);
    });
    below.refused_only_by("identity/at least");
}

#[test]
fn another_attribute_than_the_attested_is_refused() {
    let on = small();
    shown(&on, |slot| slot.inputs[ATTRIBUTE] = Fr::from(20u64)).refused_only_by("identity/holder");
}

#[test]
fn an_expired_attestation_is_refused() {
    let mut on = small();
    on.context.parent.number = EXPIRY - 1;
    shown(&on, |_| ()).accepted();
    let mut forgery = shown(&on, |_| ());
    let mut late = small();
    late.context.parent.number = EXPIRY;
    forgery.on = &late;
    forgery.refused_only_by("identity/not expired");
}

/// The commitment and the record have the expiry: a later one is not the record's.
#[test]
fn an_attestation_that_expires_later_than_the_states_is_refused() {
    let on = small();
    let mut forgery = shown(&on, |_| ());
    forgery.pretend::<Attestation>(0, attestation(0, 1, EXPIRY + 1, AGE, false));
    forgery.refused_only_by("state/private read");
}

#[test]
fn a_revoked_attestation_is_refused() {
    let on = small();
    let mut forgery = shown(&on, |_| ());
    let revoked =
        small().with(0, &Attestation::from_elements(&attestation(0, 1, EXPIRY, AGE, true)).expect("one"));
    forgery.on = &revoked;
    forgery.refused_only_by("identity/not revoked");
}

#[test]
fn an_attestation_revoked_in_the_same_block_is_refused() {
    let on = small();
    // The presentation as if nothing were revoked, after the revocation.
    let [revocation, presentation] = [revoke(&on, REGISTRAR, 0, 0), prove(&on, 4, 0, 0)];
    let mut forgery = Forgery::of(&on, &[revocation]);
    let mut shown = Forgery::of(&on, &[presentation]);
    forgery.lanes[5] = std::mem::take(&mut shown.lanes[5]);
    forgery.refused_only_by("identity/not revoked");
}

#[test]
fn an_attestation_of_another_registrar_is_refused() {
    let on = small();
    // Holder 3 is attested by registrar 2.
    let call = on.call("prove_attribute", 4, 0, &presentation(&on, 3, 3, (2, 18, 65), CONTEXT));
    let forgery = Forgery::of(&on, &[call]).changed(|slot| {
        slot.inputs[REGISTRAR_CLAIMED] = Fr::ONE;
        sign(&on, slot, 3);
    });
    forgery.refused_only_by("identity/claimed registrar");
}

// Nullifiers.

#[test]
fn a_second_presentation_in_a_context_is_refused() {
    let on = chain(1, [1, 1, 1, 1, 1, 2], 6);
    let mut forgery = shown(&on, |_| ());
    let again = forgery.lanes[5][0].clone();
    forgery.lanes[5].push(again);
    forgery.refused_only_by("bucket/element is new");
}

#[test]
fn a_presentation_in_a_context_of_an_earlier_block_is_refused() {
    let on = small();
    let mut forgery = shown(&on, |_| ());
    let spent = nullifier(holder_secret(0), CONTEXT.into());
    let mut nullifiers = Bucket::empty();
    nullifiers.nullifiers[0] = Element(spent);
    let later = small().with(bucket_of(&spent, 8), &nullifiers);
    forgery.on = &later;
    forgery.refused_only_by("bucket/element is new");
}

/// As if nothing had been in the bucket.
#[test]
fn a_bucket_taken_for_an_empty_place_is_refused() {
    let on = small();
    let spent = nullifier(holder_secret(0), CONTEXT.into());
    let mut nullifiers = Bucket::empty();
    nullifiers.nullifiers[0] = Element(spent);
    let later = small().with(bucket_of(&spent, 8), &nullifiers);
    let mut forgery = shown(&on, |_| ());
    forgery.on = &later;
    forgery.pretend::<Bucket>(bucket_of(&spent, 8), vec![]);
    forgery.refused_only_by("state/memory");
}

#[test]
fn another_contexts_nullifier_is_refused() {
    let on = small();
    let forgery = shown(&on, |slot| {
        slot.inputs[NULLIFIER] = nullifier(holder_secret(0), Fr::from(8u64));
        sign(&on, slot, 0);
    });
    forgery.refused_only_by("identity/nullifier");
}

#[test]
fn the_nullifier_of_another_secret_is_refused() {
    let on = small();
    let forgery = shown(&on, |slot| {
        slot.inputs[NULLIFIER] = nullifier(holder_secret(1), CONTEXT.into());
        sign(&on, slot, 0);
    });
    forgery.refused_only_by("identity/nullifier");
    // And with that secret the attestation is not the holder's.
    let forgery = shown(&on, |slot| {
        slot.inputs[SECRET] = holder_secret(1);
        slot.inputs[NULLIFIER] = nullifier(holder_secret(1), CONTEXT.into());
        sign(&on, slot, 0);
    });
    forgery.refused_only_by("identity/holder");
}

#[test]
fn an_unused_slot_that_enters_a_nullifier_is_refused() {
    let on = small();
    let mut forgery = shown(&on, |_| ());
    forgery.slot().used = false;
    forgery.refused_only_by("state/memory");
}

// Registrars.

#[test]
fn attesting_for_another_registrar_is_refused() {
    let on = small();
    let forgery = Forgery::of(&on, &[attest(&on, REGISTRAR, 0, 4, 1)]);
    forgery.changed(|slot| slot.sender = u32::from(OTHER_REGISTRAR)).refused_only_by("identity/registrar");
}

#[test]
fn attesting_for_a_registrar_that_is_not_there_is_refused() {
    let on = small();
    let mut forgery = Forgery::of(&on, &[attest(&on, REGISTRAR, 0, 4, 1)]);
    forgery.pretend::<Registrar>(1, vec![Fr::from(4u64)]);
    forgery.changed(|slot| slot.sender = 4).refused_only_by("state/memory");
}

#[test]
fn an_attestation_over_another_is_refused() {
    let on = small();
    let forgery = Forgery::of(&on, &[attest(&on, REGISTRAR, 0, 4, 1)]);
    forgery.changed(|slot| slot.inputs[0] = Fr::ONE).refused_only_by("state/memory");
}

#[test]
fn revoking_another_registrars_attestation_is_refused() {
    let on = small();
    let forgery = Forgery::of(&on, &[revoke(&on, REGISTRAR, 0, 1)]);
    forgery.changed(|slot| slot.sender = u32::from(OTHER_REGISTRAR)).refused_only_by("identity/registrar");
}

#[test]
fn a_revocation_signed_for_another_attestation_is_refused() {
    let on = small();
    let mut forgery = Forgery::of(&on, &[revoke(&on, REGISTRAR, 0, 1)]);
    forgery.sign();
    forgery.slot().inputs[0] = Fr::from(2u64);
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn registrars_appointed_by_others_than_the_administrator_are_refused() {
    let on = small();
    let forgery = Forgery::of(&on, &[appoint(&on, ADMINISTRATOR, 0, 5)]);
    forgery.changed(|slot| slot.sender = u32::from(REGISTRAR)).refused_only_by("identity/administrator");
}

/// Of an administrator who appoints themselves: nobody could import the block.
#[test]
fn an_appointment_of_the_account_that_pays_for_it_is_refused() {
    let on = small();
    let of_oneself = || {
        Forgery::of(&on, &[appoint(&on, ADMINISTRATOR, 0, 5)])
            .changed(|slot| slot.inputs[1] = Fr::from(ADMINISTRATOR))
    };
    of_oneself().refused_by(["state/one view of a place", "state/memory"]);
    let before: Account = on.read(ADMINISTRATOR.into()).expect("an account");
    let after = Account { balance: before.balance - u128::from(FEE), nonce: 1, ..before };
    let mut forgery = of_oneself();
    forgery.foresee::<Account>(ADMINISTRATOR.into(), after.elements());
    forgery.refused_only_by("state/one view of a place");
}

#[test]
fn what_is_revoked_again_is_imported() {
    let on = small();
    let mut revoked: Attestation = on.read(1).expect("an attestation");
    revoked.revoked = true;
    let later = small().with(1, &revoked);
    let mut forgery = Forgery::of(&on, &[revoke(&on, REGISTRAR, 0, 1)]);
    forgery.on = &later;
    forgery.accepted();
}

#[test]
fn an_appointment_over_another_registrar_is_refused() {
    let on = small();
    let forgery = Forgery::of(&on, &[appoint(&on, ADMINISTRATOR, 0, 5)]);
    forgery.changed(|slot| slot.inputs[0] = Fr::from(2u64)).refused_only_by("state/memory");
}

#[test]
fn an_appointment_of_another_account_than_was_signed_is_refused() {
    let on = small();
    let mut forgery = Forgery::of(&on, &[appoint(&on, ADMINISTRATOR, 0, 5)]);
    forgery.sign();
    forgery.slot().inputs[1] = Fr::from(4u64);
    forgery.refused_only_by("eddsa/equation");
}
