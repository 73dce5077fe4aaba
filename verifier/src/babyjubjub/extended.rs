//! Extended twisted Edwards coordinates, in which a multiplication by a scalar needs no inversion.
//!
//! ```text
//!  circomlib's curve  a·x² + y² = 1 + d·x²y²          u = √(-a)·x
//!                                                    ────────────►   -u² + y² = 1 + d'·u²y²,  d' = -d/a
//! ```
//!
//! The curve on the right is computed on: with a = -1 an addition costs 8 multiplications (Hisil, Wong, Carter
//! and Dawson, "Twisted Edwards Curves Revisited", ASIACRYPT 2008). As -1 is a square and `d'` is not, the
//! formulas are complete: they hold for every pair of points on the curve, equal, opposite or of small order,
//! so there is no special case to get wrong.

use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, MontFp};

use crate::field::Fr;

/// A square root of `-a = -168700`: the factor from circomlib's abscissa to the one used here.
const ROOT_OF_MINUS_A: Fr =
    MontFp!("6360561867910373094066688120553762416144456282423235903351243436111059670888");

/// Twice `d' = -168696/168700`.
const TWICE_D: Fr = MontFp!("2475045175004185027501911298141836274980133961483913877536377848625489762075");

/// Bits of a window of the signed recoding: eight precomputed multiples for each point.
const WINDOW: u32 = 5;
const MULTIPLES: usize = 1 << (WINDOW - 2);

/// Digits of a recoded scalar below 2^255.
const DIGITS: usize = 256;

/// A point (X/Z, Y/Z), and T = XY/Z.
#[derive(Clone, Copy)]
pub(super) struct Extended {
    x: Fr,
    y: Fr,
    z: Fr,
    t: Fr,
}

/// A point prepared for being added: Y + X, Y - X, 2Z and 2d'T.
#[derive(Clone, Copy)]
struct Cached {
    sum: Fr,
    difference: Fr,
    twice_z: Fr,
    twice_dt: Fr,
}

impl Cached {
    fn neg(&self) -> Self {
        Self { sum: self.difference, difference: self.sum, twice_z: self.twice_z, twice_dt: -self.twice_dt }
    }
}

impl Extended {
    pub(super) const IDENTITY: Self = Self { x: Fr::ZERO, y: Fr::ONE, z: Fr::ONE, t: Fr::ZERO };

    /// The point of circomlib's coordinates (x, y).
    pub(super) fn from_affine(x: &Fr, y: &Fr) -> Self {
        let u = ROOT_OF_MINUS_A * x;
        Self { x: u, y: *y, z: Fr::ONE, t: u * y }
    }

    /// circomlib's coordinates (x, y). Z of a point on the curve is never 0.
    pub(super) fn to_affine(self) -> (Fr, Fr) {
        match (self.z * ROOT_OF_MINUS_A).inverse() {
            Some(inverse) => (self.x * inverse, self.y * inverse * ROOT_OF_MINUS_A),
            None => (Fr::ZERO, Fr::ZERO),
        }
    }

    /// Whether this is the point of circomlib's coordinates (x, y), without an inversion.
    pub(super) fn is_affine(&self, x: &Fr, y: &Fr) -> bool {
        self.x == ROOT_OF_MINUS_A * x * self.z && self.y == self.z * y
    }

    pub(super) fn neg(&self) -> Self {
        Self { x: -self.x, y: self.y, z: self.z, t: -self.t }
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        self.add_cached(&other.cached())
    }

    pub(super) fn double(&self) -> Self {
        let (e, f, g, h) = self.double_factors();
        Self { x: e * f, y: g * h, z: f * g, t: e * h }
    }

    /// For when the next step is again a doubling, which reads no T: T is left wrong.
    fn double_before_double(&self) -> Self {
        let (e, f, g, h) = self.double_factors();
        Self { x: e * f, y: g * h, z: f * g, t: self.t }
    }

    fn double_factors(&self) -> (Fr, Fr, Fr, Fr) {
        let a = self.x.square();
        let b = self.y.square();
        let e = (self.x + self.y).square() - a - b;
        let g = b - a;
        let f = g - self.z.square().double();
        (e, f, g, -(a + b))
    }

    fn cached(&self) -> Cached {
        Cached {
            sum: self.y + self.x,
            difference: self.y - self.x,
            twice_z: self.z.double(),
            twice_dt: self.t * TWICE_D,
        }
    }

    fn add_cached(&self, other: &Cached) -> Self {
        let a = (self.y - self.x) * other.difference;
        let b = (self.y + self.x) * other.sum;
        let c = self.t * other.twice_dt;
        let d = self.z * other.twice_z;
        let (e, f, g, h) = (b - a, d - c, d + c, b + a);
        Self { x: e * f, y: g * h, z: f * g, t: e * h }
    }

    /// P, 3P, 5P, …
    fn odd_multiples(&self) -> [Cached; MULTIPLES] {
        let twice = self.double().cached();
        let mut next = *self;
        core::array::from_fn(|_| {
            let multiple = next;
            next = multiple.add_cached(&twice);
            multiple.cached()
        })
    }

    /// The point times a scalar below 2^255, by a sequence of operations that does not depend on the scalar.
    pub(super) fn multiply_secret(&self, scalar: BigInt<4>) -> Self {
        let addends = [Self::IDENTITY.cached(), self.cached()];
        (0..DIGITS).rev().fold(Self::IDENTITY, |product, position| {
            product.double().add_cached(&addends[usize::from(scalar.get_bit(position))])
        })
    }

    /// The sum of each point times its scalar (below 2^255): Straus's method, one chain of doublings for all.
    pub(super) fn sum_of_multiples<const N: usize>(terms: [(&Self, BigInt<4>); N]) -> Self {
        let terms = terms.map(|(point, scalar)| (point.odd_multiples(), recode(scalar)));
        let mut sum = Self::IDENTITY;
        let mut started = false;
        for position in (0..DIGITS).rev() {
            let nothing_to_add = terms.iter().all(|(_, digits)| digits[position] == 0);
            if nothing_to_add && !started {
                continue;
            }
            sum = if nothing_to_add && position > 0 { sum.double_before_double() } else { sum.double() };
            for (multiples, digits) in &terms {
                let digit = digits[position];
                let multiple = &multiples[usize::from(digit.unsigned_abs()) / 2];
                match digit {
                    0 => {}
                    1.. => sum = sum.add_cached(multiple),
                    ..0 => sum = sum.add_cached(&multiple.neg()),
                }
            }
            started = true;
        }
        sum
    }
}

/// The scalar in digits that are 0 or odd, between -2^(w-1) and 2^(w-1), of which at most one in `w`
/// consecutive ones is not 0; the least significant first.
fn recode(mut scalar: BigInt<4>) -> [i8; DIGITS] {
    let mut digits = [0; DIGITS];
    for digit in &mut digits {
        let [low, ..] = scalar.0;
        if low & 1 == 1 {
            let window = (low & ((1 << WINDOW) - 1)) as i8;
            *digit = if window < 1 << (WINDOW - 1) { window } else { window - (1 << WINDOW) };
            let magnitude = BigInt::from(u64::from(digit.unsigned_abs()));
            // Neither wraps: the window is part of the scalar, and a scalar below 2^255 has room above.
            let _ = if *digit > 0 {
                scalar.sub_with_borrow(&magnitude)
            } else {
                scalar.add_with_carry(&magnitude)
            };
        }
        scalar.div2();
    }
    digits
}
