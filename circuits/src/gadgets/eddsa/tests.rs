use ark_ff::Field;
use proptest::prelude::*;
use zkpov_verifier::eddsa;

use super::*;
use crate::{
    keys::SecretKey,
    r1cs::{self, R1cs},
};

#[derive(Clone, Copy)]
struct Case {
    enabled: bool,
    key: Point,
    signature: SignatureValues,
    message: Fr,
}

impl Case {
    fn signed(seed: u8, message: Fr) -> Self {
        let secret = SecretKey::from_seed([seed; 32]);
        let signature = secret.sign(message);
        assert!(eddsa::verify(&secret.public_key(), message, &signature).is_ok());
        Self { enabled: true, key: *secret.public_key().point(), signature: (&signature).into(), message }
    }

    fn circuit(self) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
        move |cs| {
            let enabled = hint::bit(&cs, "enabled", || Ok(self.enabled))?;
            let key = EdwardsPoint::hint(&cs, "key", || Ok(self.key))?;
            let signature = SignatureVar::hint(&cs, || Ok(self.signature))?;
            let message = hint::field(&cs, "message", || Ok(self.message))?;
            verify(&enabled, &key, &signature, &message)
        }
    }

    fn is_accepted(self) -> bool {
        let r1cs = R1cs::synthesize(self.circuit()).expect("has a shape");
        r1cs.is_satisfied(&r1cs::assignment(self.circuit()).expect("computes"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn what_is_signed_is_accepted_and_nothing_near_it(seed: u8, message: u128) {
        let case = Case::signed(seed, Fr::from(message));
        prop_assert!(case.is_accepted());
        let mut off = case;
        off.message += Fr::ONE;
        prop_assert!(!off.is_accepted());
        off.enabled = false;
        prop_assert!(off.is_accepted());
        let mut off = case;
        off.signature.s += Fr::ONE;
        prop_assert!(!off.is_accepted());
        let mut off = case;
        off.signature.r8 = off.signature.r8.neg();
        prop_assert!(!off.is_accepted());
        let mut off = case;
        off.key = Point::BASE8;
        prop_assert!(!off.is_accepted());
    }
}

#[test]
fn a_response_at_or_above_the_order_is_refused_by_its_constraint() {
    let order = Fr::from_bigint(Scalar::MODULUS).expect("below p");
    // Some S + l need a 252nd bit, and are refused by the decomposition: take one that does not.
    let fits = |case: &Case| (case.signature.s + order).into_bigint().num_bits() as usize <= SCALAR_BITS;
    let cases = (0..100).map(|seed| Case::signed(seed, Fr::from(11u64)));
    let mut case = cases.into_iter().find(fits).expect("a third of them fit");
    case.signature.s += order;
    assert!(!case.is_accepted());
    assert!(crate::soundness::without(&["eddsa/s_below_order"], || case.is_accepted()));
}

#[test]
fn an_empty_slot_is_accepted_whatever_it_holds() {
    let nothing = Case {
        enabled: false,
        key: Point { x: Fr::from(0u64), y: Fr::from(0u64) },
        signature: SignatureValues { r8: Point { x: Fr::from(0u64), y: Fr::from(0u64) }, s: Fr::from(0u64) },
        message: Fr::from(0u64),
    };
    assert!(nothing.is_accepted());
    assert!(!Case { enabled: true, ..nothing }.is_accepted());
}

#[test]
fn counts_are_pinned() {
    let size = R1cs::synthesize(Case::signed(1, Fr::ONE).circuit()).expect("has a shape").size();
    // One of them is the booleanity of `enabled`.
    assert_eq!((size.constraints, size.non_zeros), (3009, 22321));
}
