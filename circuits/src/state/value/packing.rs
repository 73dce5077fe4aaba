//! Packing: elements into few elements.
//!
//! Elements are packed in their order, each above the one before, as long as 253 bits hold them; the next begins another packed
//! element. A whole field element (a key's coordinate) stands by itself. The packing is injective on elements within
//! their widths: two lists that pack alike are alike. Both sides hold every element to its width that shares a packed one, so it is
//! injective wherever it is used. An element that has a packed one to itself is that one, whatever its width: [`lone`] tells which.

use ark_ff::{BigInteger, PrimeField};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::field::Fr;

use super::WHOLE;
use crate::{gadgets::range::MAX_UNIQUE_BITS, integer::power_of_two, linear::Linear};

/// Packs elements of these widths.
pub fn pack(widths: &[usize], elements: &[Fr]) -> Vec<Fr> {
    let mut packed: Vec<Fr> = Vec::new();
    for ((slot, shift), element) in places(widths).into_iter().zip(elements) {
        let part = power_of_two(shift) * element;
        match packed.get_mut(slot) {
            Some(sum) => *sum += part,
            None => packed.push(part),
        }
    }
    packed
}

/// Packs variables of these widths. No constraint.
///
/// # Errors
///
/// None but those of allocation.
pub fn pack_variables(widths: &[usize], variables: &[FpVar<Fr>]) -> Result<Vec<FpVar<Fr>>> {
    let mut packed: Vec<Linear> = Vec::new();
    for ((slot, shift), variable) in places(widths).into_iter().zip(variables) {
        if packed.len() == slot {
            packed.push(Linear::new(&ConstraintSystemRef::None));
        }
        if let Some(sum) = packed.get_mut(slot) {
            sum.add(power_of_two(shift), variable);
        }
    }
    packed.into_iter().map(Linear::finish).collect()
}

/// The elements that pack to `packed`: `None` if none of these widths do.
pub fn unpack(widths: &[usize], packed: &[Fr]) -> Option<Vec<Fr>> {
    let mut rest: Vec<_> = packed.iter().map(|element| element.into_bigint()).collect();
    let mut elements = Vec::with_capacity(widths.len());
    for (slot, _) in places(widths) {
        let remaining = rest.get_mut(slot)?;
        let width = *widths.get(elements.len())?;
        let mut low = *remaining;
        if width < WHOLE {
            for bit in width..u64::BITS as usize * low.0.len() {
                if let Some(limb) = low.0.get_mut(bit / 64) {
                    *limb &= !(1 << (bit % 64));
                }
            }
            *remaining >>= width as u32;
        } else {
            *remaining = 0u64.into();
        }
        elements.push(Fr::from_bigint(low)?);
    }
    (packed.len() == packed_widths(widths).len() && rest.iter().all(|rest| rest.is_zero()))
        .then_some(elements)
}

/// How many bits each packed element of these widths has.
pub fn packed_widths(widths: &[usize]) -> Vec<usize> {
    let mut totals: Vec<usize> = Vec::new();
    for ((slot, shift), width) in places(widths).into_iter().zip(widths) {
        let end = shift as usize + width;
        match totals.get_mut(slot) {
            Some(total) => *total = end,
            None => totals.push(end),
        }
    }
    totals
}

/// For each element of these widths whether it has a packed one to itself.
pub fn lone(widths: &[usize]) -> Vec<bool> {
    let places = places(widths);
    let sharing = |slot| places.iter().filter(|(other, _)| *other == slot).count();
    places.iter().map(|(slot, _)| sharing(*slot) == 1).collect()
}

/// For each element which packed one it goes into, and at which bit.
fn places(widths: &[usize]) -> Vec<(usize, u32)> {
    let mut places = Vec::with_capacity(widths.len());
    let (mut slot, mut used) = (0, 0);
    for width in widths {
        if used > 0 && used + width > MAX_UNIQUE_BITS {
            slot += 1;
            used = 0;
        }
        // Below 253.
        places.push((slot, used as u32));
        used += width;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn narrow_elements_share_a_packed_one_and_whole_ones_stand_alone() {
        assert_eq!(packed_widths(&[WHOLE, WHOLE, 128, 32, 1]), [WHOLE, WHOLE, 161]);
        assert_eq!(packed_widths(&[128, 64, 1, 128]), [193, 128]);
        assert_eq!(packed_widths(&[24, 64, WHOLE, 24]), [88, WHOLE, 24]);
        assert!(packed_widths(&[]).is_empty());
    }

    #[test]
    fn an_element_is_lone_if_no_other_shares_its_packed_one() {
        assert_eq!(lone(&[WHOLE, 128, 32, 1, 128, 128]), [true, false, false, false, true, true]);
        assert_eq!(lone(&[128]), [true]);
        assert_eq!(lone(&[128, 125]), [false, false]);
        assert_eq!(lone(&[128, 126]), [true, true]);
        assert!(lone(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn unpacking_inverts_packing(a: u32, b: u128, c: bool, d: [u8; 31], e: u64, f: u128) {
            let whole = Fr::from_le_bytes_mod_order(&d) - Fr::from(77u64);
            let widths = [32, 128, 1, WHOLE, 64, 128];
            let elements = [a.into(), b.into(), Fr::from(c), whole, e.into(), f.into()];
            let packed = pack(&widths, &elements);
            prop_assert_eq!(packed.len(), 3);
            prop_assert_eq!(unpack(&widths, &packed), Some(elements.to_vec()));
        }
    }

    #[test]
    fn what_no_packing_gives_does_not_unpack() {
        let beyond = power_of_two(33);
        assert_eq!(unpack(&[32, 1], &[beyond]), None);
        assert_eq!(unpack(&[32], &[]), None);
        assert_eq!(unpack(&[32], &[Fr::from(1u64), Fr::from(0u64)]), None);
    }
}
