//! `hold_key`: a collator says that it has a key.
//!
//! **Why a slot has one outcome.** The place of a new holder is the first that is free, so the rotation follows from the body and the state before.
//! What depends on the rotation is asked of used slots alone: it may be of any form when a slot is unused.

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::field::Fr;

use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, product},
    gadgets::range::{U32, enforce_inverse},
    hint,
    linear::{Linear, difference, sum},
    runtime::{
        AccountIndex, Authors, Call, Executed, Idle, IdleContext, SEATS, Slot, Unfit, View,
        authors::mark,
        vault::{RotationVar, Vault, distance},
    },
    state::{Element, StateError},
    values,
};

values! {
    /// What a collator signs, what the slot is given, and what the body says of it.
    #[derive(Copy, Eq)]
    pub struct Hold / HoldVar ("hold_key") {
        /// The key's [commitment](crate::runtime::vault::commitment).
        commitment: Element,
        /// Whether the sender brings the key, in place of any that is pending; if not, it is the pending one.
        new: bool,
    }
}

/// Says that the sender has a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct HoldKey;

impl Call for HoldKey {
    const NAME: &'static str = "hold_key";

    type Arguments = Hold;
    type Inputs = Hold;
    type Body = Hold;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Hold,
    ) -> core::result::Result<Hold, Unfit> {
        let authors: Authors = view.read(0)?.ok_or(StateError::Missing { what: "who authors when" })?;
        let vault: Vault = view.read(0)?.ok_or(StateError::Missing { what: "secrets" })?;
        let (sender, rotation) = (mark(sender.0), vault.rotation);
        let refuse = |reason: &str| Err(Unfit::because(reason));
        if !authors.roster().contains(&sender) {
            return refuse("the sender has no seat among the authors: only collators hold the chain's key");
        }
        if arguments.new {
            return Ok(*arguments);
        }
        if rotation.next != arguments.commitment {
            return refuse(
                "no key of this commitment is pending: it is in force already, or another one was brought since",
            );
        }
        if rotation.holders.contains(&sender) {
            return refuse("the sender has signed for this key already");
        }
        if !rotation.holders.contains(&0) {
            return refuse("collators who left hold this key, so it never comes into force: bring a new one");
        }
        Ok(*arguments)
    }

    fn restore(&self, _: &View<'_>, _: AccountIndex, body: &Hold) -> core::result::Result<Hold, Unfit> {
        Ok(*body)
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: HoldVar) -> Result<Executed<Hold, Hold>> {
        let cs = slot.cs();
        let zero = || Linear::new(&cs);
        let one = FpVar::Constant(Fr::ONE);
        let used = slot.used().clone();
        let before = slot.rotation()?.clone();
        let sender = sum([slot.sender()?.as_field(), &one])?;
        let stranger = distance(&sender, &slot.roster()?.each_ref())?;
        enforce_product("hold_key/seat", used.as_field(), &stranger, zero())?;

        let new = used.and(&inputs.new)?;
        // Used, and not new.
        let joins = Bit::trust(difference(used.as_field(), new.as_field())?);
        let other = difference(&inputs.commitment, &before.next)?;
        enforce_product("hold_key/pending key", joins.as_field(), &other, zero())?;

        let kept = new.not()?;
        let mut holders = before.holders.clone();
        for holder in &mut holders {
            *holder = holder.and(&kept)?;
        }
        let apart = distance(&sender, &holders.each_ref().map(U32::as_field))?;
        enforce_inverse("hold_key/not yet held", &used.select(&apart, &one)?).map(drop)?;

        let chosen = first_free(&cs, &used, &holders)?;
        for (holder, chosen) in holders.iter_mut().zip(&chosen) {
            let added = product(chosen.as_field(), &sender)?;
            // One of them is 0, the other a mark.
            *holder = U32::trust(sum([holder.as_field(), &added])?);
        }
        slot.set_rotation(&RotationVar { next: inputs.commitment.clone(), holders })?;
        Ok(Executed { signed: inputs.clone(), body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Hold> {
        Idle::new(Hold { commitment: Element(Fr::from(0u64)), new: false })
    }
}

/// The first place without a holder, as bits; none in an unused slot.
fn first_free(cs: &ConstraintSystemRef<Fr>, used: &Bit, holders: &[U32; SEATS]) -> Result<Vec<Bit>> {
    let free = || -> Result<Option<usize>> {
        let mut values = holders.iter().map(|holder| holder.as_field().value());
        let found = values.position(|value| value == Ok(Fr::from(0u64)));
        Ok(found.filter(|_| used.value() == Ok(true)))
    };
    let chosen = (0..SEATS)
        .map(|place| hint::bit(cs, "place", || Ok(free()? == Some(place))))
        .collect::<Result<Vec<Bit>>>()?;
    let zero = || Linear::new(cs);
    // Bits, and few: the sum is one of integers.
    let places = sum(chosen.iter().map(Bit::as_field))?;
    enforce_equal("hold_key/one place", &places, Linear::of(used.as_field()))?;
    let mut previous = FpVar::Constant(Fr::ONE);
    for (chosen, holder) in chosen.iter().zip(holders) {
        enforce_product("hold_key/place is free", chosen.as_field(), holder.as_field(), zero())?;
        // 1 where the place is not chosen, the holder before it where it is.
        let before = chosen.select(&previous, &FpVar::Constant(Fr::ONE))?;
        enforce_inverse("hold_key/places in order", &before).map(drop)?;
        previous = holder.as_field().clone();
    }
    Ok(chosen)
}
