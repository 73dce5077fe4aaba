//! Pseudo-random field elements and points, drawn as snarkjs draws them, so that both derive the same from the same seed.
//!
//! ```text
//!   32 bytes ─► eight big-endian words ─► ChaCha20 (counter from 0, no nonce) ─► words of 32 bits
//!   u64          two words, the high one first
//!   element      four u64, the low one first, 254 bits of them kept, drawn again until below the modulus; these are *Montgomery limbs*
//!   point        x, a bit for the larger y, drawn again until x is on the curve; in G2 times the cofactor
//! ```

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, Fp, MontBackend, MontConfig};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a seed.
pub(crate) const SEED_BYTES: usize = 32;
const BLOCK_WORDS: usize = 16;
const DOUBLE_ROUNDS: usize = 10;
/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// Bits of both moduli above 192: 62.
const TOP_LIMB_MASK: u64 = (1 << 62) - 1;

/// A stream of pseudo-random words, erased when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Words {
    state: [u32; BLOCK_WORDS],
    block: [u32; BLOCK_WORDS],
    used: usize,
}

impl Words {
    pub(crate) fn new(seed: &[u8; SEED_BYTES]) -> Self {
        let mut state = [0; BLOCK_WORDS];
        let (constants, rest) = state.split_at_mut(CONSTANTS.len());
        constants.copy_from_slice(&CONSTANTS);
        for (word, bytes) in rest.iter_mut().zip(seed.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        Self { state, block: [0; BLOCK_WORDS], used: BLOCK_WORDS }
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == BLOCK_WORDS {
            self.next_block();
        }
        let word = self.block[self.used % BLOCK_WORDS];
        self.used += 1;
        word
    }

    fn next_block(&mut self) {
        const COUNTER: usize = 12;
        self.block = self.state;
        for _ in 0..DOUBLE_ROUNDS {
            for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
                quarter_round(&mut self.block, a, b, c, d);
            }
            for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
                quarter_round(&mut self.block, a, b, c, d);
            }
        }
        for (word, start) in self.block.iter_mut().zip(self.state) {
            *word = word.wrapping_add(start);
        }
        self.used = 0;
        // A counter over four words; nobody draws the 2^32 blocks of the first one.
        for word in &mut self.state[COUNTER..] {
            *word = word.wrapping_add(1);
            if *word != 0 {
                break;
            }
        }
    }

    fn next_u64(&mut self) -> u64 {
        let high = self.next_u32();
        u64::from(high) << u32::BITS | u64::from(self.next_u32())
    }

    fn next_bool(&mut self) -> bool {
        self.next_u32() & 1 == 1
    }

    fn element<P: MontConfig<4>>(&mut self) -> Fp<MontBackend<P, 4>, 4> {
        loop {
            let mut limbs = [0; 4].map(|_: u64| self.next_u64());
            limbs[3] &= TOP_LIMB_MASK;
            let limbs = BigInt(limbs);
            if limbs < P::MODULUS {
                return Fp::new_unchecked(limbs);
            }
        }
    }

    /// A scalar.
    pub(crate) fn scalar(&mut self) -> Fr {
        self.element()
    }

    /// A point of G1.
    pub(crate) fn g1(&mut self) -> G1Affine {
        loop {
            let x: Fq = self.element();
            let larger = self.next_bool();
            if let Some(point) = G1Affine::get_point_from_x_unchecked(x, larger) {
                return point;
            }
        }
    }

    /// A point of G2.
    pub(crate) fn g2(&mut self) -> G2Affine {
        loop {
            let c0 = self.element();
            let x = Fq2::new(c0, self.element());
            let larger = self.next_bool();
            if let Some(point) = G2Affine::get_point_from_x_unchecked(x, larger) {
                return point.mul_by_cofactor();
            }
        }
    }
}

fn quarter_round(block: &mut [u32; BLOCK_WORDS], a: usize, b: usize, c: usize, d: usize) {
    for [x, y, z, by] in [[a, b, d, 16], [c, d, b, 12], [a, b, d, 8], [c, d, b, 7]] {
        block[x] = block[x].wrapping_add(block[y]);
        block[z] = (block[z] ^ block[x]).rotate_left(by as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_chacha20s() {
        // RFC 8439, appendix A.1, test vectors 1 and 2: a key of zeros, counters 0 and 1.
        let mut words = Words::new(&[0; SEED_BYTES]);
        let first: Vec<u32> = (0..BLOCK_WORDS).map(|_| words.next_u32()).collect();
        assert_eq!(first[..4], [0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653]);
        let second: Vec<u32> = (0..BLOCK_WORDS).map(|_| words.next_u32()).collect();
        assert_eq!(second[..4], [0xbee7079f, 0x7a385155, 0x7c97ba98, 0x0d082d73]);
    }

    #[test]
    fn points_are_in_their_groups() {
        let mut words = Words::new(&[7; SEED_BYTES]);
        for _ in 0..4 {
            let p = words.g1();
            assert!(p.is_on_curve());
            let q = words.g2();
            assert!(q.is_on_curve() && q.is_in_correct_subgroup_assuming_on_curve());
        }
    }
}
