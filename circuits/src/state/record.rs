//! What a storage holds: typed records with a canonical encoding and a leaf value.

use codec::{Decode, Encode};
use zkpov_verifier::{field::Fr, poseidon};

use super::value::{Value, pack};

/// A record of a pallet's storage: [`record!`](crate::record) declares one.
pub trait Record: Value + Encode + Decode {
    /// The storage that holds records of this kind.
    const STORAGE: u8;

    /// What an error calls it.
    const NAME: &'static str;

    /// From its elements, the 1 to 16 whose hash is the record's leaf: an injective packing of elements within their
    /// widths. Plain field arithmetic, so that it is defined outside the widths too and follows a circuit there.
    fn leaf_elements(elements: &[Fr]) -> Vec<Fr> {
        pack(&Self::widths(), elements)
    }

    /// The record's value in the tree. Never 0, which is the leaf of an empty place: a record that
    /// hashed to 0 would be a preimage of it.
    fn leaf(&self) -> Fr {
        hash_leaf(&Self::leaf_elements(&self.elements()))
    }

    /// What of the record is to be found by something else than its place: names and values of what the state keeps
    /// outside its root when the record is written at `index`. See [`State::auxiliary`](super::State::auxiliary).
    fn derived(&self, index: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let _ = index;
        Vec::new()
    }
}

/// The leaf over a record's elements.
///
/// # Panics
///
/// If there are not 1 to 16 of them: a record has at least one element and at most 16 when packed.
pub(super) fn hash_leaf(elements: &[Fr]) -> Fr {
    poseidon::hash_slice(elements).expect("a record's leaf is the hash of 1 to 16 elements")
}
