//! What a storage holds: typed records with a canonical encoding and a leaf value.

use codec::{Decode, Encode};
use zkpov_verifier::{field::Fr, poseidon};

/// A record of a pallet's storage.
pub trait Record: Clone + core::fmt::Debug + PartialEq + Encode + Decode {
    /// The storage that holds records of this kind.
    const STORAGE: u8;

    /// What an error calls it.
    const NAME: &'static str;

    /// How many values a circuit is given for a record.
    const FIELDS: usize;

    /// Those values, in the order in which the record's variable form takes them.
    fn fields(&self) -> Vec<Fr>;

    /// From its [`FIELDS`](Self::FIELDS) fields, the 1 to 16 elements whose hash is the record's leaf: an
    /// injective packing of fields within their ranges. Plain field arithmetic, so that it is defined
    /// outside the ranges too and follows a circuit there.
    fn leaf_elements(fields: &[Fr]) -> Vec<Fr>;

    /// The record's value in the tree. Never 0, which is the leaf of an empty place: a record that
    /// hashed to 0 would be a preimage of it.
    fn leaf(&self) -> Fr {
        hash_leaf(&Self::leaf_elements(&self.fields()))
    }
}

/// The leaf over a record's elements.
///
/// # Panics
///
/// If there are not 1 to 16 of them, against the contract of [`Record::leaf_elements`].
pub(super) fn hash_leaf(elements: &[Fr]) -> Fr {
    poseidon::hash_slice(elements).expect("a record's leaf is the hash of 1 to 16 elements")
}
