//! Reading the relay chain's state: a proof of trie nodes under a storage root.
//!
//! ```text
//!   storage root ──hash──► node ──nibbles of the key──► node ─ … ─► value, or nothing there
//!                           ▲                            ▲            ▲
//!          proof:        node 0                       node 1       node 2      in the order they are first needed
//! ```
//!
//! The trie is substrate's, state version 0 and 1: branches of sixteen children over the key's nibbles, children shorter
//! than a hash inline, values of 33 bytes and more (version 1) by their hash, blake2b-256 throughout.
//!
//! A node is believed because its hash is the one that its parent names, and the root's is given. So whatever
//! nodes a proof holds, what is read is what the relay chain has, and that nothing is there is proven just as well. A proof
//! holds its nodes in the order in which the reads first need them, each once, and no others: one set of reads has
//! one proof, so that nobody on the way can make a second block of the same content.
//!
//! Source: the Polkadot protocol specification, "State storage trie"; substrate's `sp-trie`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

use crate::hashing::{HASH_BYTES, Hash, blake2b_256};
use crate::scale::{DecodeCause, DecodeError, Read, Reader};

/// Children of a branch: one for each nibble.
const CHILDREN: usize = 16;

/// Why a proof does not prove what is read under a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TrieError {
    /// The proof ends before the reads do.
    #[error("storage proof of {nodes} nodes ends before everything is read")]
    Missing {
        /// Nodes there are.
        nodes: usize,
    },
    /// A node is not the one that its place under the root demands.
    #[error("node {node} of the storage proof has another hash than the path to it names")]
    Hash {
        /// Its place in the proof.
        node: usize,
    },
    /// A node with the right hash is no trie node: the root is none of a state trie.
    #[error("before node {node} of the storage proof: {cause}")]
    Node {
        /// How many nodes were taken from the proof when this one was read.
        node: usize,
        /// What is wrong with it.
        cause: DecodeError,
    },
    /// The proof has nodes that no read needs.
    #[error("storage proof has {left} nodes that nothing needs")]
    Surplus {
        /// How many.
        left: usize,
    },
}

/// Where the nodes of a trie come from.
pub trait Nodes<'p> {
    /// The bytes with this hash.
    ///
    /// # Errors
    ///
    /// There are none.
    fn node(&mut self, hash: &Hash) -> Result<&'p [u8], TrieError>;

    /// How many different nodes were given so far.
    fn taken(&self) -> usize;
}

/// A proof as a block carries it: nodes in the order they are first needed.
#[derive(Debug)]
pub struct ProofNodes<'p> {
    taken: BTreeMap<Hash, &'p [u8]>,
    rest: core::slice::Iter<'p, Vec<u8>>,
}

impl<'p> ProofNodes<'p> {
    /// The nodes of `proof`.
    pub fn new(proof: &'p [Vec<u8>]) -> Self {
        Self { taken: BTreeMap::new(), rest: proof.iter() }
    }

    /// Ends the reading: no node may be left over.
    ///
    /// # Errors
    ///
    /// [`TrieError::Surplus`].
    pub fn finish(self) -> Result<(), TrieError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(TrieError::Surplus { left }),
        }
    }
}

impl<'p> Nodes<'p> for ProofNodes<'p> {
    fn node(&mut self, hash: &Hash) -> Result<&'p [u8], TrieError> {
        if let Some(bytes) = self.taken.get(hash) {
            return Ok(bytes);
        }
        let node = self.taken.len();
        let bytes = self.rest.next().ok_or(TrieError::Missing { nodes: node })?;
        if blake2b_256(bytes) != *hash {
            return Err(TrieError::Hash { node });
        }
        self.taken.insert(*hash, bytes);
        Ok(bytes)
    }

    fn taken(&self) -> usize {
        self.taken.len()
    }
}

/// Nodes in any order, as a relay node's `state_getReadProof` gives them, put into the order of a block's proof.
#[derive(Debug)]
pub struct UnorderedNodes<'p> {
    all: BTreeMap<Hash, &'p [u8]>,
    taken: Vec<Hash>,
}

impl<'p> UnorderedNodes<'p> {
    /// These nodes.
    pub fn new(nodes: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let all = nodes.into_iter().map(|node| (blake2b_256(node), node)).collect();
        Self { all, taken: Vec::new() }
    }

    /// What was read, in the order it was first needed: the proof of those reads.
    pub fn into_proof(self) -> Vec<Vec<u8>> {
        self.taken.iter().filter_map(|hash| self.all.get(hash)).map(|node| node.to_vec()).collect()
    }
}

impl<'p> Nodes<'p> for UnorderedNodes<'p> {
    fn node(&mut self, hash: &Hash) -> Result<&'p [u8], TrieError> {
        let bytes = self.all.get(hash).copied().ok_or(TrieError::Missing { nodes: self.taken.len() })?;
        if !self.taken.contains(hash) {
            self.taken.push(*hash);
        }
        Ok(bytes)
    }

    fn taken(&self) -> usize {
        self.taken.len()
    }
}

/// The value of `key` under `root`; `None` is proven absence.
///
/// # Errors
///
/// [`TrieError`], when `nodes` lacks a node on the way or has one that is none.
pub fn read<'p>(root: &Hash, key: &[u8], nodes: &mut impl Nodes<'p>) -> Result<Option<&'p [u8]>, TrieError> {
    let mut path = Nibbles { bytes: key, from: 0 };
    let mut bytes = nodes.node(root)?;
    // A branch takes at least one nibble of the path, so this ends.
    loop {
        let node = Node::decode(bytes).map_err(|cause| TrieError::Node { node: nodes.taken(), cause })?;
        let Node { partial, value, children } = match node {
            Some(node) => node,
            None => return Ok(None),
        };
        if !path.strip(&partial) {
            return Ok(None);
        }
        let Some(nibble) = path.next() else {
            return match value {
                None => Ok(None),
                Some(Value::Inline(bytes)) => Ok(Some(bytes)),
                Some(Value::Hash(hash)) => nodes.node(&hash).map(Some),
            };
        };
        bytes = match children.get(nibble).copied().flatten() {
            None => return Ok(None),
            Some(child) => match <&Hash>::try_from(child) {
                Ok(hash) => nodes.node(hash)?,
                Err(_) => child,
            },
        };
    }
}

/// A leaf is a node without children.
struct Node<'p> {
    partial: Nibbles<'p>,
    value: Option<Value<'p>>,
    /// Each a hash, or a shorter node's bytes.
    children: [Option<&'p [u8]>; CHILDREN],
}

enum Value<'p> {
    Inline(&'p [u8]),
    Hash(Hash),
}

impl<'p> Node<'p> {
    /// `None` is the empty trie's only node.
    fn decode(bytes: &'p [u8]) -> Read<Option<Self>> {
        let mut reader = Reader::new("trie node", bytes, usize::MAX)?;
        let first = reader.u8("trie node header")?;
        // Kinds by the leading bits: 01 leaf, 10 branch, 11 branch with a value, 001 leaf and 0001 branch with the
        // hash of a value; the other bits begin the number of nibbles.
        let (kind_bits, has_children, value) = match first {
            0 => {
                reader.finish("trie node")?;
                return Ok(None);
            }
            0b0100_0000..=0b0111_1111 => (2, false, Some(false)),
            0b1000_0000..=0b1011_1111 => (2, true, None),
            0b1100_0000..=0b1111_1111 => (2, true, Some(false)),
            0b0010_0000..=0b0011_1111 => (3, false, Some(true)),
            0b0001_0000..=0b0001_1111 => (4, true, Some(true)),
            other => {
                let cause = DecodeCause::Variant(other);
                return Err(DecodeError { what: "trie node header", offset: 0, cause });
            }
        };
        let partial = Nibbles::decode(&mut reader, first, u8::MAX >> kind_bits)?;
        let bitmap = match has_children {
            true => u16::from_le_bytes(reader.array("trie node children")?),
            false => 0,
        };
        let value = match value {
            None => None,
            Some(true) => Some(Value::Hash(reader.array("trie value hash")?)),
            Some(false) => Some(Value::Inline(reader.slice("trie value", usize::MAX)?)),
        };
        let mut children = [None; CHILDREN];
        for (nibble, child) in children.iter_mut().enumerate() {
            if bitmap >> nibble & 1 == 1 {
                *child = Some(reader.slice("trie node child", HASH_BYTES)?);
            }
        }
        reader.finish("trie node")?;
        Ok(Some(Self { partial, value, children }))
    }
}

/// Half bytes, the upper of a byte first, from the one numbered `from` on.
#[derive(Clone)]
struct Nibbles<'p> {
    bytes: &'p [u8],
    from: usize,
}

impl<'p> Nibbles<'p> {
    /// The nibbles of a node: their number begins in the low bits (`mask`) of the header and goes on, when these are all
    /// set, in bytes up to the first that is not 255. An odd number begins in the lower half of the first byte.
    fn decode(reader: &mut Reader<'p>, header: u8, mask: u8) -> Read<Self> {
        let mut count = usize::from(header & mask);
        if header & mask == mask {
            loop {
                let more = reader.u8("trie node nibbles")?;
                count = count.saturating_add(usize::from(more));
                if more != u8::MAX {
                    break;
                }
            }
        }
        let offset = reader.offset();
        let bytes = reader.take("trie node nibbles", count.div_ceil(2))?;
        let from = count % 2;
        if from == 1 && bytes.first().is_some_and(|first| first >> 4 != 0) {
            return Err(DecodeError { what: "trie node nibbles", offset, cause: DecodeCause::Fixed });
        }
        Ok(Self { bytes, from })
    }

    /// Removes `prefix` from the front if it is there.
    fn strip(&mut self, prefix: &Self) -> bool {
        let mut stripped = self.clone();
        if !prefix.clone().all(|nibble| stripped.next() == Some(nibble)) {
            return false;
        }
        *self = stripped;
        true
    }
}

impl Iterator for Nibbles<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let byte = self.bytes.get(self.from / 2)?;
        let nibble = if self.from.is_multiple_of(2) { byte >> 4 } else { byte & 0xf };
        self.from += 1;
        Some(usize::from(nibble))
    }
}
