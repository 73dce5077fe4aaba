//! The shape of a chain's state: which storages there are and how deep their trees go.

use std::sync::LazyLock;

use zkpov_verifier::{field::Fr, poseidon};

/// Children of a tree node. Eight measures cheapest: a Poseidon of width 9 absorbs three index bits
/// for 139 constraints a bit and root, where a 4-ary tree pays 152 and a binary one 242.
pub const ARITY: usize = 8;

/// Index bits that one tree level consumes.
pub const BITS_PER_LEVEL: usize = ARITY.ilog2() as usize;

/// Storages under a state root: the inputs of its one Poseidon call.
pub const STORAGES: usize = 16;

/// The deepest tree: its indices still fit `u32`.
pub const MAX_LEVELS: usize = u32::BITS as usize / BITS_PER_LEVEL;

/// How a storage is committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Not there: its root is 0.
    Absent,
    /// One record, whose leaf value is the root.
    Single,
    /// An 8-ary Merkle tree of `8^levels` places.
    Tree {
        /// Levels between leaf and root.
        levels: usize,
    },
}

impl Shape {
    /// How many levels lie above a leaf.
    pub fn levels(self) -> usize {
        match self {
            Self::Absent | Self::Single => 0,
            Self::Tree { levels } => levels,
        }
    }

    /// How many records fit.
    pub fn places(self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Single => 1,
            Self::Tree { levels } => 1 << (BITS_PER_LEVEL * levels),
        }
    }
}

/// The storages of a chain, by storage number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout(pub [Shape; STORAGES]);

impl Layout {
    /// The given storages, every other one absent.
    ///
    /// # Panics
    ///
    /// If a number is not below [`STORAGES`] or a tree is deeper than [`MAX_LEVELS`].
    pub const fn new(storages: &[(u8, Shape)]) -> Self {
        let mut shapes = [Shape::Absent; STORAGES];
        let mut i = 0;
        while i < storages.len() {
            let (number, shape) = storages[i];
            if let Shape::Tree { levels } = shape {
                assert!(levels <= MAX_LEVELS, "a tree's indices must fit u32");
            }
            shapes[number as usize] = shape;
            i += 1;
        }
        Self(shapes)
    }

    /// The shape of storage `number`; absent if there is none.
    pub fn shape(&self, number: u8) -> Shape {
        self.0.get(usize::from(number)).copied().unwrap_or(Shape::Absent)
    }
}

/// The hash of a subtree without any record, `level` levels above the leaves; an empty leaf is 0.
pub fn empty_subtree(level: usize) -> Fr {
    static EMPTY: LazyLock<[Fr; MAX_LEVELS + 1]> = LazyLock::new(|| {
        let mut hashes = [Fr::from(0u64); MAX_LEVELS + 1];
        for level in 1..hashes.len() {
            hashes[level] = hash_node(&[hashes[level - 1]; ARITY]);
        }
        hashes
    });
    EMPTY[level.min(MAX_LEVELS)]
}

/// The hash of a tree node over its children.
pub fn hash_node(children: &[Fr; ARITY]) -> Fr {
    poseidon::hash(children)
}

/// The state root over the roots of all storages.
pub fn hash_storages(roots: &[Fr; STORAGES]) -> Fr {
    poseidon::hash(roots)
}
