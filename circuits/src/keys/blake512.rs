//! BLAKE-512: the SHA-3 finalist of 2010, of which BLAKE2 is a later, different function.
//!
//! circomlib derives keys and nonces by it. The crates that had it are no longer kept up, so it stands here, for
//! short inputs of this crate alone. Everything that may depend on a secret is erased before it returns.
//!
//! Source: Aumasson, Henzen, Meier and Phan, "SHA-3 proposal BLAKE", version 1.3.

use zeroize::Zeroizing;

/// Bytes of a digest.
pub(super) const DIGEST_LEN: usize = 64;

const BLOCK_LEN: usize = 128;
const ROUNDS: usize = 16;

/// The place of the message's length in its last block: 16 bytes, big-endian, in bits.
const LENGTH_AT: usize = BLOCK_LEN - 16;

/// SHA-512's initial value.
const INITIAL: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

/// The first digits of π's fraction.
const CONSTANTS: [u64; 16] = [
    0x243f6a8885a308d3,
    0x13198a2e03707344,
    0xa4093822299f31d0,
    0x082efa98ec4e6c89,
    0x452821e638d01377,
    0xbe5466cf34e90c6c,
    0xc0ac29b7c97c50dd,
    0x3f84d5b5b5470917,
    0x9216d5d98979fb1b,
    0xd1310ba698dfb5ac,
    0x2ffd72dbd01adfb7,
    0xb8e1afed6a267e96,
    0xba7c9045f12c7f99,
    0x24a19947b3916cf7,
    0x0801f2e2858efc16,
    0x636920d871574e69,
];

/// The order in which each round takes the message's words; after ten rounds from the start again.
const PERMUTATIONS: [[usize; 16]; 10] = [
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

/// The words that each of a round's eight steps mixes: columns, then diagonals.
const LANES: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// The digest of the parts, one after the other.
pub(super) fn digest(parts: &[&[u8]]) -> Zeroizing<[u8; DIGEST_LEN]> {
    let message = Zeroizing::new(parts.concat());
    let bits = 8 * message.len() as u128;
    let mut state = Zeroizing::new(INITIAL);

    let (blocks, rest) = message.as_chunks::<BLOCK_LEN>();
    let mut hashed = 0;
    for block in blocks {
        hashed += 8 * BLOCK_LEN as u128;
        compress(&mut state, block, hashed);
    }

    // A one after the message, a one before its length. The counter is the bits of the message so far, and 0
    // in a block that holds none.
    let mut last = Zeroizing::new([0; BLOCK_LEN]);
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let mut counter = if rest.is_empty() { 0 } else { bits };
    if rest.len() >= LENGTH_AT {
        compress(&mut state, &last, counter);
        *last = [0; BLOCK_LEN];
        counter = 0;
    }
    last[LENGTH_AT - 1] |= 1;
    last[LENGTH_AT..].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, &last, counter);

    let mut digest = Zeroizing::new([0; DIGEST_LEN]);
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state.iter()) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// One block; `counter` is the number of the message's bits up to its end.
fn compress(state: &mut [u64; 8], block: &[u8; BLOCK_LEN], counter: u128) {
    let mut words = Zeroizing::new([0; 16]);
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    let mut v = Zeroizing::new([0; 16]);
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&CONSTANTS[..8]);
    let (low, high) = (counter as u64, (counter >> 64) as u64);
    for (word, count) in v[12..].iter_mut().zip([low, low, high, high]) {
        *word ^= count;
    }
    for permutation in PERMUTATIONS.iter().cycle().take(ROUNDS) {
        for ([a, b, c, d], [i, j]) in LANES.into_iter().zip(permutation.as_chunks().0.iter().copied()) {
            for (word, rotations) in
                [(words[i] ^ CONSTANTS[j], [32, 25]), (words[j] ^ CONSTANTS[i], [16, 11])]
            {
                v[a] = v[a].wrapping_add(v[b]).wrapping_add(word);
                v[d] = (v[d] ^ v[a]).rotate_right(rotations[0]);
                v[c] = v[c].wrapping_add(v[d]);
                v[b] = (v[b] ^ v[c]).rotate_right(rotations[1]);
            }
        }
    }
    for (i, word) in state.iter_mut().enumerate() {
        *word ^= v[i] ^ v[i + 8];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one-byte and the 144-byte message are the proposal's own; npm's `blake-hash` made the others.
    #[test]
    fn digests_are_those_of_the_proposal_and_of_blake_hash() {
        let zeros = [
            (
                0,
                "a8cfbbd73726062df0c6864dda65defe58ef0cc52a5625090fa17601e1eecd1b628e94f396ae402a00acc9eab77b4d4c2e852aaaa25a636d80af3fc7913ef5b8",
            ),
            (
                1,
                "97961587f6d970faba6d2478045de6d1fabd09b61ae50932054d52bc29d31be4ff9102b9f69e2bbdb83be13d4b9c06091e5fa0b48bd081b634058be0ec49beb3",
            ),
            (
                111,
                "125695c5cc01de48d8b107c101778fc447a55ad3440a17dc153c6c652faecdbf017aed68f4f48826b9dfc413ef8f14ae7dfd8b74a0afcf47b61ce7dcb1058976",
            ),
            (
                112,
                "aa42836448c9db34e0e45a49f916b54c25c9eefe3f9f65db0c13654bcbd9a938c24251f3bedb7105fa4ea54292ce9ebf5adea15ce530fb71cdf409387a78c6ff",
            ),
            (
                127,
                "d6bd99cb8f201c5e777f25859cca7b21b4659fce0e19d04de85be6566cae87b9b15e4b82f9e80eea894aaaea15e26f08ce6cd2af9f0fef1a15486cdf9c8ca8df",
            ),
            (
                128,
                "0f6f3a3a91f752d37e3d37141d5459aca9a88ed2d5b88f71120fbe39387b635ecf6402a5bcb7b18f216ea9a8137d28954098e586014c4d435c979d8860d3a977",
            ),
            (
                144,
                "313717d608e9cf758dcb1eb0f0c3cf9fc150b2d500fb33f51c52afc99d358a2f1374b8a38bba7974e7f6ef79cab16f22ce1e649d6e01ad9589c213045d545dde",
            ),
            (
                300,
                "644986260d0b003dc642f3d038ed3972be1a24fe07fa56f5677c31738f7ceb4cac1b93ddc99e1c939f10e15687164ee6ee2c06cb7afb16fbc1c98648527a2f79",
            ),
        ];
        for (length, expected) in zeros {
            assert_eq!(hex::encode(digest(&[&vec![0; length]])), expected, "{length} zeros");
        }
        let ascending: Vec<u8> = (0..200).collect();
        let (start, end) = ascending.split_at(77);
        let expected = "e327afcd4b6113e8f9571f030f60b4b85ea29df58c35ac1d0daceefe9edb17c6ce5a8bf5934214da6a3746f72c8b96cfce9625f4edf157408d67a6d3071d5980";
        assert_eq!(hex::encode(digest(&[start, end])), expected);
    }
}
