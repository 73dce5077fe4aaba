//! BLAKE2b-512 (RFC 7693) continued from a state that somebody else stored.
//!
//! A `.ptau` holds of each contribution the state of a hash over all its points, which are no longer there, and the hash that its
//! contributor announced is finished from it. (The crate `blake2` has no way in for such a state.)
//!
//! ```text
//!   216 bytes:  buffer 128 │ h 8 × u64 │ bytes hashed u64 │ bytes in the buffer u64 │ 8 bytes unused       little-endian
//! ```

use crate::bytes::Cursor;
use crate::contribution::Hash;
use crate::error::FormatError;

/// Bytes of a stored state.
pub(super) const STATE_BYTES: usize = 216;
const BLOCK_BYTES: usize = 128;
const WORDS: usize = 8;
const WHAT: &str = "a contribution's state of the hash";

/// The initial value of SHA-512.
const IV: [u64; WORDS] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

/// The order of a block's words in each round; rounds 10 and 11 are those of 0 and 1.
const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const ROUNDS: usize = 12;

/// A hash of which a part has been computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Midstate {
    h: [u64; WORDS],
    hashed: u64,
    buffer: [u8; BLOCK_BYTES],
    /// Bytes in the buffer.
    buffered: usize,
}

impl Midstate {
    /// Reads a stored state.
    pub(super) fn parse(bytes: &[u8; STATE_BYTES]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let mut buffer = [0; BLOCK_BYTES];
        buffer.copy_from_slice(cursor.take(BLOCK_BYTES as u64, WHAT)?);
        let mut h = [0; WORDS];
        for word in &mut h {
            *word = cursor.u64(WHAT)?;
        }
        let (hashed, buffered) = (cursor.u64(WHAT)?, cursor.u64(WHAT)?);
        match usize::try_from(buffered) {
            Ok(buffered) if buffered <= BLOCK_BYTES && hashed.is_multiple_of(BLOCK_BYTES as u64) => {
                Ok(Self { h, hashed, buffer, buffered })
            }
            _ => {
                let rule = "more than a block holds, or after something else than whole blocks";
                Err(FormatError::Value { what: "the bytes in a stored hash's buffer", found: buffered, rule })
            }
        }
    }

    /// The hash of what it has taken so far and of `more`.
    pub(super) fn finish(mut self, more: &[u8]) -> Hash {
        for byte in more {
            if self.buffered == BLOCK_BYTES {
                self.hashed = self.hashed.wrapping_add(BLOCK_BYTES as u64);
                self.compress(false);
                self.buffered = 0;
            }
            // The remainder changes nothing: there is room now.
            self.buffer[self.buffered % BLOCK_BYTES] = *byte;
            self.buffered += 1;
        }
        self.hashed = self.hashed.wrapping_add(self.buffered as u64);
        self.buffer.iter_mut().skip(self.buffered).for_each(|byte| *byte = 0);
        self.compress(true);
        let mut hash = [0; 64];
        hash.as_chunks_mut().0.iter_mut().zip(self.h).for_each(|(out, word)| *out = word.to_le_bytes());
        hash
    }

    fn compress(&mut self, last: bool) {
        let mut m = [0; 16];
        m.iter_mut()
            .zip(self.buffer.as_chunks().0)
            .for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
        let [h, iv] = [self.h, IV];
        let mut v = [
            h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], iv[0], iv[1], iv[2], iv[3], iv[4], iv[5], iv[6],
            iv[7],
        ];
        v[12] ^= self.hashed;
        v[14] ^= if last { u64::MAX } else { 0 };
        for round in 0..ROUNDS {
            let s = &SIGMA[round % SIGMA.len()];
            for (k, [a, b, c, d]) in [
                [0, 4, 8, 12],
                [1, 5, 9, 13],
                [2, 6, 10, 14],
                [3, 7, 11, 15],
                [0, 5, 10, 15],
                [1, 6, 11, 12],
                [2, 7, 8, 13],
                [3, 4, 9, 14],
            ]
            .into_iter()
            .enumerate()
            {
                for (word, [by_d, by_b]) in [(s[2 * k], [32, 24]), (s[2 * k + 1], [16, 63])] {
                    v[a] = v[a].wrapping_add(v[b]).wrapping_add(m[word]);
                    v[d] = (v[d] ^ v[a]).rotate_right(by_d);
                    v[c] = v[c].wrapping_add(v[d]);
                    v[b] = (v[b] ^ v[c]).rotate_right(by_b);
                }
            }
        }
        for (i, word) in self.h.iter_mut().enumerate() {
            *word ^= v[i] ^ v[i + WORDS];
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use blake2::{Blake2b512, Digest};

    /// The state of a hash that has taken `bytes`, as snarkjs stores it.
    pub(in crate::ptau) fn stored(bytes: &[u8]) -> [u8; STATE_BYTES] {
        // No key, 64 bytes of output.
        const PARAMETERS: u64 = 0x0101_0040;
        let mut h = IV;
        h[0] ^= PARAMETERS;
        let mut state = Midstate { h, hashed: 0, buffer: [0; BLOCK_BYTES], buffered: 0 };
        let whole = bytes.len().saturating_sub(1) / BLOCK_BYTES * BLOCK_BYTES;
        for block in bytes[..whole].chunks(BLOCK_BYTES) {
            state.buffer.copy_from_slice(block);
            state.hashed += BLOCK_BYTES as u64;
            state.compress(false);
        }
        let rest = &bytes[whole..];
        state.buffer[..rest.len()].copy_from_slice(rest);
        let mut out = state.buffer.to_vec();
        state.h.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out.extend_from_slice(&state.hashed.to_le_bytes());
        out.extend_from_slice(&(rest.len() as u64).to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.try_into().unwrap()
    }

    #[test]
    fn a_hash_continued_from_a_stored_state_is_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..700u32).map(|i| (i * i % 251) as u8).collect();
        for taken in [0, 1, 64, 127, 128, 129, 255, 256, 257, 400] {
            for end in [taken, taken + 1, taken + 127, taken + 128, taken + 300] {
                let state = Midstate::parse(&stored(&bytes[..taken])).unwrap();
                assert_eq!(
                    state.finish(&bytes[taken..end])[..],
                    Blake2b512::digest(&bytes[..end])[..],
                    "{taken} of {end} bytes"
                );
            }
        }
    }

    #[test]
    fn a_stored_state_that_cannot_be_is_refused() {
        let buffered_at = BLOCK_BYTES + 8 * WORDS + 8;
        let mut state = stored(b"abc");
        state[buffered_at] = 129;
        assert!(matches!(Midstate::parse(&state), Err(FormatError::Value { found: 129, .. })));
        state[buffered_at..buffered_at + 8].fill(255);
        assert!(Midstate::parse(&state).is_err());
        let mut state = stored(b"abc");
        state[buffered_at - 8] = 1;
        assert!(Midstate::parse(&state).is_err());
    }
}
