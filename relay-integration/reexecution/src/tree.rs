//! An 8-ary Poseidon tree, of which some leaves are known and the nodes beside their paths: each node once, those that can be computed
//! not at all, and of empty subtrees none.

use alloc::{collections::BTreeMap, vec::Vec};

use codec::{Decode, Encode};
use zkpov_verifier::{
    field::{self, Fr},
    hashing::Hash,
    poseidon,
};

/// Children of a node.
pub const ARITY: usize = 8;

/// Bits of an index that a level takes.
pub const BITS_PER_LEVEL: u32 = ARITY.ilog2();

/// Levels between leaf and root: 2²⁴ places.
pub const LEVELS: usize = 8;

/// The nodes beside the paths, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Beside {
    /// For every node above a known one, from the lowest level up and from the left: which of its children follow.
    pub given: Vec<u8>,
    /// Those children.
    pub nodes: Vec<Hash>,
}

/// The nodes above known leaves, with all of their children but the known ones.
#[derive(Clone, Debug)]
pub struct Tree {
    families: Vec<[Fr; ARITY]>,
}

impl Tree {
    /// Reads what stands beside the paths of leaves at these places; `None` if it is not exactly that.
    pub fn read(beside: &Beside, places: impl Iterator<Item = u32>) -> Option<Self> {
        let (mut given, mut nodes) = (beside.given.iter(), beside.nodes.iter());
        let mut families = Vec::with_capacity(beside.given.len());
        let mut known: Vec<u32> = places.collect();
        let mut empty = Fr::from(0u64);
        for _ in 0..LEVELS {
            for place in &mut known {
                *place >>= BITS_PER_LEVEL;
            }
            known.dedup();
            for _ in &known {
                let mut family = [empty; ARITY];
                let given = *given.next()?;
                for (index, child) in family.iter_mut().enumerate() {
                    if given >> index & 1 == 1 {
                        *child = field::decode(nodes.next()?).ok()?;
                    }
                }
                families.push(family);
            }
            empty = poseidon::hash(&[empty; ARITY]);
        }
        (given.next().is_none() && nodes.next().is_none()).then_some(Self { families })
    }

    /// The root with these leaves, at the places that were given to [`Self::read`].
    pub fn root(&self, leaves: impl Iterator<Item = (u32, Fr)>) -> Option<Fr> {
        let mut families = self.families.iter();
        let mut known: Vec<(u32, Fr)> = leaves.collect();
        for _ in 0..LEVELS {
            let mut parents = BTreeMap::<u32, [Fr; ARITY]>::new();
            for (place, node) in known {
                let family = match parents.entry(place >> BITS_PER_LEVEL) {
                    alloc::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                    alloc::collections::btree_map::Entry::Vacant(entry) => entry.insert(*families.next()?),
                };
                *family.get_mut(place as usize % ARITY)? = node;
            }
            known = parents.into_iter().map(|(parent, family)| (parent, poseidon::hash(&family))).collect();
        }
        match known[..] {
            [(0, root)] => Some(root),
            _ => None,
        }
    }
}
