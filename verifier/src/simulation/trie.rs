//! A state trie of the relay chain's layout, built whole: what [`crate::relay::trie`] reads.
//!
//! Written apart from the reader, from the same specification; the relay integration's tests hold its roots to
//! substrate's `sp-trie`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use codec::{Compact, Encode};

use crate::hashing::{Hash, blake2b_256};

/// Values from this many bytes on stand in the trie by their hash (state version 1).
const HASHED_VALUE_BYTES: usize = 33;

/// A trie and its nodes.
#[derive(Clone, Debug, Default)]
pub struct Trie {
    root: Hash,
    nodes: BTreeMap<Hash, Vec<u8>>,
}

impl Trie {
    /// The trie of these keys and values.
    pub fn new(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let nibbles = |key: &[u8]| key.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).collect::<Vec<u8>>();
        let entries: Vec<_> = entries.iter().map(|(key, value)| (nibbles(key), value.as_slice())).collect();
        let mut trie = Self::default();
        let root = if entries.is_empty() { Vec::from([0]) } else { trie.node(&entries, 0) };
        trie.root = trie.keep(root);
        trie
    }

    /// The storage root.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// All nodes, and values that stand by their hash.
    pub fn nodes(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.values().map(Vec::as_slice)
    }

    fn keep(&mut self, bytes: Vec<u8>) -> Hash {
        let hash = blake2b_256(&bytes);
        self.nodes.insert(hash, bytes);
        hash
    }

    /// The node of entries that agree in their first `from` nibbles; at least one.
    fn node(&mut self, entries: &[(Vec<u8>, &[u8])], from: usize) -> Vec<u8> {
        let (first, last) = (&entries[0].0, &entries[entries.len() - 1].0);
        // Sorted, so that what first and last share all do.
        let shared = first[from..].iter().zip(&last[from..]).take_while(|(a, b)| a == b).count();
        let (partial, at) = (&first[from..from + shared], from + shared);
        if entries.len() == 1 {
            let value = entries[0].1;
            let (kind, bits) =
                if value.len() < HASHED_VALUE_BYTES { (0b01 << 6, 2) } else { (0b001 << 5, 3) };
            let mut out = header(kind, bits, partial);
            self.value(value, &mut out);
            return out;
        }
        let (value, below) = match first.len() == at {
            true => (Some(entries[0].1), &entries[1..]),
            false => (None, entries),
        };
        let (kind, bits) = match value {
            None => (0b10 << 6, 2),
            Some(value) if value.len() < HASHED_VALUE_BYTES => (0b11 << 6, 2),
            Some(_) => (0b0001 << 4, 4),
        };
        let mut out = header(kind, bits, partial);
        let (mut bitmap, mut children) = (0u16, Vec::new());
        for group in below.chunk_by(|(a, _), (b, _)| a[at] == b[at]) {
            bitmap |= 1 << group[0].0[at];
            let child = self.node(group, at + 1);
            match child.len() < size_of::<Hash>() {
                true => child.encode_to(&mut children),
                false => self.keep(child).to_vec().encode_to(&mut children),
            }
        }
        bitmap.encode_to(&mut out);
        if let Some(value) = value {
            self.value(value, &mut out);
        }
        out.extend(children);
        out
    }

    fn value(&mut self, value: &[u8], out: &mut Vec<u8>) {
        if value.len() < HASHED_VALUE_BYTES {
            Compact(value.len() as u32).encode_to(out);
            out.extend(value);
        } else {
            out.extend(self.keep(value.to_vec()));
        }
    }
}

/// Kind in the leading bits, then the number of nibbles, then the nibbles.
fn header(kind: u8, kind_bits: u32, nibbles: &[u8]) -> Vec<u8> {
    let most = usize::from(u8::MAX >> kind_bits);
    let mut out = Vec::new();
    if nibbles.len() < most {
        out.push(kind | nibbles.len() as u8);
    } else {
        out.push(kind | most as u8);
        let mut rest = nibbles.len() - most;
        while rest >= usize::from(u8::MAX) {
            out.push(u8::MAX);
            rest -= usize::from(u8::MAX);
        }
        out.push(rest as u8);
    }
    let (odd, pairs) = nibbles.split_at(nibbles.len() % 2);
    out.extend(odd);
    out.extend(pairs.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    out
}
