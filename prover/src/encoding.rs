//! Field elements and points as they lie in a key file: Montgomery limbs (R = 2^256), little-endian, uncompressed, as in snarkjs's
//! `.zkey`. A point is x then y; an element of Fq2 is c0 then c1; the point at infinity is all zero, which is on neither curve.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, Fp, MontBackend, MontConfig, Zero};

/// Bytes of a field element.
pub const FIELD_BYTES: usize = 32;
/// Bytes of a point of G1.
pub const G1_BYTES: usize = 2 * FIELD_BYTES;
/// Bytes of a point of G2.
pub const G2_BYTES: usize = 4 * FIELD_BYTES;
/// Bytes of a limb.
const LIMB_BYTES: usize = 8;

/// A value with a fixed number of bytes in a key file.
pub trait Encoding: Sized + Copy + Send + Sync {
    /// How many.
    const BYTES: usize;

    /// Writes the first `BYTES` bytes of `out`, which has at least as many.
    fn encode(&self, out: &mut [u8]);

    /// Reads the first `BYTES` bytes. `None` if there are fewer, or if a field element is not below its modulus. Whether a
    /// point is on its curve is *not* looked at.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl<P: MontConfig<4>> Encoding for Fp<MontBackend<P, 4>, 4> {
    const BYTES: usize = FIELD_BYTES;

    fn encode(&self, out: &mut [u8]) {
        for (chunk, limb) in out.chunks_exact_mut(LIMB_BYTES).zip(self.0.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut limbs = [0u64; 4];
        for (i, limb) in limbs.iter_mut().enumerate() {
            let chunk = bytes.get(i * LIMB_BYTES..(i + 1) * LIMB_BYTES)?;
            *limb = u64::from_le_bytes(chunk.try_into().ok()?);
        }
        let limbs = BigInt(limbs);
        // Montgomery form is a bijection of 0..p, so the same bound holds for it as for the value.
        (limbs < P::MODULUS).then(|| Self::new_unchecked(limbs))
    }
}

impl Encoding for Fq2 {
    const BYTES: usize = 2 * FIELD_BYTES;

    fn encode(&self, out: &mut [u8]) {
        let (c0, c1) = out.split_at_mut(FIELD_BYTES);
        self.c0.encode(c0);
        self.c1.encode(c1);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self::new(Fq::decode(bytes)?, Fq::decode(bytes.get(FIELD_BYTES..)?)?))
    }
}

impl<C: SWCurveConfig> Encoding for Affine<C>
where
    C::BaseField: Encoding,
{
    const BYTES: usize = 2 * C::BaseField::BYTES;

    fn encode(&self, out: &mut [u8]) {
        let zero = C::BaseField::zero();
        let (x, y) = self.xy().unwrap_or((zero, zero));
        let (out_x, out_y) = out.split_at_mut(C::BaseField::BYTES);
        x.encode(out_x);
        y.encode(out_y);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let x = C::BaseField::decode(bytes)?;
        let y = C::BaseField::decode(bytes.get(C::BaseField::BYTES..)?)?;
        Some(if x.is_zero() && y.is_zero() { Self::zero() } else { Self::new_unchecked(x, y) })
    }
}

const _: () = assert!(<G1Affine as Encoding>::BYTES == G1_BYTES && <G2Affine as Encoding>::BYTES == G2_BYTES);
/// The scalars are encoded as Fq is; named here so that a reader need not know that both are the same backend.
const _: () = assert!(<Fr as Encoding>::BYTES == FIELD_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{PrimeField, UniformRand};

    #[test]
    fn decoding_gives_back_what_was_encoded() {
        let mut rng = ark_std::test_rng();
        for _ in 0..20 {
            let (p, q, s) = (G1Affine::rand(&mut rng), G2Affine::rand(&mut rng), Fr::rand(&mut rng));
            let mut bytes = [0u8; G2_BYTES];
            p.encode(&mut bytes[..G1_BYTES]);
            assert_eq!(G1Affine::decode(&bytes), Some(p));
            q.encode(&mut bytes);
            assert_eq!(G2Affine::decode(&bytes), Some(q));
            s.encode(&mut bytes[..FIELD_BYTES]);
            assert_eq!(Fr::decode(&bytes), Some(s));
        }
        let mut bytes = [1u8; G1_BYTES];
        G1Affine::zero().encode(&mut bytes);
        assert_eq!(bytes, [0u8; G1_BYTES]);
        assert_eq!(G1Affine::decode(&bytes), Some(G1Affine::zero()));
    }

    #[test]
    fn limbs_that_are_not_below_the_modulus_are_refused() {
        let mut bytes = [0u8; FIELD_BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(LIMB_BYTES).zip(Fq::MODULUS.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        assert_eq!(Fq::decode(&bytes), None);
        bytes[0] -= 1;
        assert!(Fq::decode(&bytes).is_some());
        assert_eq!(Fq::decode(&bytes[..FIELD_BYTES - 1]), None);
    }
}
