//! Inversion in Fq: Bernstein and Yang's division steps ("Fast constant-time gcd computation and modular inversion", 2019), 62 at a
//! time on 62-bit limbs.
//!
//! ```text
//!   f = p, g = a;   d = 0, e = 1;   at all times  f = d a,  g = e a  (mod p)
//!   62 division steps on the low words of f and g ─► a matrix;  (f, g) and (d, e) times the matrix / 2^62;  until g = 0
//!   then f = ±1 (p is prime) and the inverse is ±d
//! ```
//!
//! The time varies with the argument. Arguments are products of differences of coordinates over a whole batch of additions, of
//! which the time reveals next to nothing; and the additions themselves are of variable time.

use ark_bn254::Fq;
use ark_ff::{BigInt, Zero};

use crate::vector::{Base, Modulus, Row, modulus::power_of_two};

/// Division steps that are done on one word, and bits of a limb.
const STEPS: u32 = 62;
const MASK: u64 = u64::MAX >> (u64::BITS - STEPS);

/// A signed number, least limb first; all but the last limb lie in 0..2^62.
type Limbs = [i64; 5];

const P: Limbs = split(&Base::P);
/// p^-1 mod 2^62.
const P_INVERSE: u64 = Base::MINUS_INVERSE.wrapping_neg() & MASK;
/// The raw inverse of a R is a^-1 / R; a Montgomery multiplication with R³ makes a^-1 R of it.
const R_CUBED: Fq = Fq::new_unchecked(BigInt(power_of_two(&Base::P, 3 * 256)));

/// 1 / a, and zero for zero.
pub(crate) fn invert(a: &Fq) -> Fq {
    if a.is_zero() {
        return *a;
    }
    let (mut f, mut g) = (P, split(&a.0.0));
    let (mut d, mut e): (Limbs, Limbs) = ([0; 5], [1, 0, 0, 0, 0]);
    // -δ of the paper, which begins with δ = 1.
    let mut eta = -1;
    while g != [0; 5] {
        let matrix = division_steps(&mut eta, f[0] as u64, g[0] as u64);
        apply_mod_p(&mut d, &mut e, &matrix);
        apply(&mut f, &mut g, &matrix);
    }
    let inverse = canonical(d, f[4] < 0);
    Fq::new_unchecked(BigInt(inverse)) * R_CUBED
}

const fn split(a: &Row) -> Limbs {
    [
        (a[0] & MASK) as i64,
        ((a[0] >> 62 | a[1] << 2) & MASK) as i64,
        ((a[1] >> 60 | a[2] << 4) & MASK) as i64,
        ((a[2] >> 58 | a[3] << 6) & MASK) as i64,
        (a[3] >> 56) as i64,
    ]
}

/// 2^62 times the transition of (f, g), row by row. Entries are at most 2^62 in magnitude.
struct Matrix([[i64; 2]; 2]);

/// 62 division steps, for which the low 62 bits of f (odd) and g suffice.
fn division_steps(eta: &mut i64, mut f: u64, mut g: u64) -> Matrix {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let mut left = STEPS;
    loop {
        // Steps on an even g halve it; the matrix stays over a common denominator by doubling the other row.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        *eta -= i64::from(zeros);
        left -= zeros;
        if left == 0 {
            break;
        }
        // g + w f has several zero bits at the bottom, as many as steps stay of the same kind.
        let swap = *eta < 0;
        if swap {
            *eta = -*eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
        }
        let same_kind = left.min((*eta + 1) as u32);
        let low = u64::MAX >> (u64::BITS - same_kind);
        let w = if swap {
            // f (2 - f²) is 1/f mod 2^6.
            f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & low & 63
        } else {
            // 1/f mod 2^4.
            let inverse = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            inverse.wrapping_neg().wrapping_mul(g) & low & 15
        };
        g = g.wrapping_add(f.wrapping_mul(w));
        q = q.wrapping_add(u.wrapping_mul(w));
        r = r.wrapping_add(v.wrapping_mul(w));
    }
    Matrix([[u as i64, v as i64], [q as i64, r as i64]])
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// (f, g) times the matrix, divided by 2^62, which is exact.
fn apply(f: &mut Limbs, g: &mut Limbs, Matrix(rows): &Matrix) {
    let (old_f, old_g) = (*f, *g);
    for ([a, b], out) in rows.iter().zip([f, g]) {
        let mut carry = (product(*a, old_f[0]) + product(*b, old_g[0])) >> STEPS;
        for i in 1..5 {
            carry += product(*a, old_f[i]) + product(*b, old_g[i]);
            out[i - 1] = (carry as u64 & MASK) as i64;
            carry >>= STEPS;
        }
        out[4] = carry as i64;
    }
}

/// (d, e) times the matrix, divided by 2^62 modulo p. In and out: between -2p and p.
fn apply_mod_p(d: &mut Limbs, e: &mut Limbs, Matrix(rows): &Matrix) {
    let (old_d, old_e) = (*d, *e);
    for ([a, b], out) in rows.iter().zip([d, e]) {
        // A multiple of p that makes negative arguments positive, and of those that do, the one that makes the sum divisible.
        let positive = (a & (old_d[4] >> 63)) + (b & (old_e[4] >> 63));
        let mut carry = product(*a, old_d[0]) + product(*b, old_e[0]);
        let odd = P_INVERSE.wrapping_mul(carry as u64).wrapping_add(positive as u64) & MASK;
        let multiple = positive - odd as i64;
        carry = (carry + product(P[0], multiple)) >> STEPS;
        for i in 1..5 {
            carry += product(*a, old_d[i]) + product(*b, old_e[i]) + product(P[i], multiple);
            out[i - 1] = (carry as u64 & MASK) as i64;
            carry >>= STEPS;
        }
        out[4] = carry as i64;
    }
}

/// ±d mod p in 0..p, for d between -2p and p.
fn canonical(d: Limbs, negate: bool) -> Row {
    let mut limbs = d;
    if limbs[4] < 0 {
        limbs = multiply_add(limbs, 1, 1);
    }
    // Between -p and p now.
    if negate {
        limbs = multiply_add(limbs, -1, 0);
    }
    if limbs[4] < 0 {
        limbs = multiply_add(limbs, 1, 1);
    }
    let [a, b, c, d, e] = limbs.map(|limb| limb as u64);
    [a | b << 62, b >> 2 | c << 60, c >> 4 | d << 58, d >> 6 | e << 56]
}

/// sign · a + multiple · p.
fn multiply_add(a: Limbs, sign: i64, multiple: i64) -> Limbs {
    let mut carry = 0i64;
    let mut out = [0; 5];
    for (i, out) in out.iter_mut().enumerate() {
        carry += sign * a[i] + multiple * P[i];
        *out = if i < 4 { carry & MASK as i64 } else { carry };
        carry >>= STEPS;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{Field, One, PrimeField, UniformRand};

    #[test]
    fn inverses_are_those_of_ark_ff() {
        let mut rng = ark_std::test_rng();
        let mut values: Vec<Fq> = (0..20_000).map(|_| Fq::rand(&mut rng)).collect();
        // Raw limbs at their edges: powers of two, their neighbours, and the ends of the field.
        for bit in 0..254 {
            let power = Fq::from(2u64).pow([bit]);
            values.extend([power, power - Fq::one(), power + Fq::one(), -power]);
            let mut raw = BigInt([0u64; 4]);
            raw.0[bit as usize / 64] = 1 << (bit % 64);
            if raw < Fq::MODULUS {
                values.push(Fq::new_unchecked(raw));
            }
        }
        values.extend([Fq::one(), -Fq::one()]);
        for value in values.into_iter().filter(|value| !value.is_zero()) {
            assert_eq!(Some(invert(&value)), value.inverse());
        }
        assert_eq!(invert(&Fq::zero()), Fq::zero());
    }
}
