//! The Miller loop of the optimal ate pairing, and what it tells on its way: whether a point is in G2.
//!
//! ```text
//!   Q ∈ E'(𝔽p²) ──► Lines: a tangent or chord for each step ──┬─► multiply ─► f ─► final exponentiation
//!                     └► ends in −ψ³(Q) ⟺ Q in the subgroup   │
//!   P ∈ E(𝔽p)   ──► Ratios: x/y and 1/y ──────────────────────┘
//! ```
//!
//! Vercauteren, *Optimal Pairings* (2010): with x the curve's parameter, ψ the untwist-Frobenius-twist endomorphism, f the function of
//! [6x+2]Q and ℓ lines,
//!
//! ```text
//!   e(P, Q) = ( f(P) · ℓ[6x+2]Q,ψ(Q)(P) · ℓ[6x+2]Q+ψ(Q),−ψ²(Q)(P) ) ^ (p¹²−1)/r
//! ```
//!
//! # One loop for many pairs
//!
//! All pairs go through the same [steps](STEPS), so their lines are multiplied into one f, which is squared once for all of them.
//!
//! # Lines
//!
//! A line through points of the untwisted curve, at P: y·P.y + x·P.x·w + free·w³, in 𝔽p¹² = 𝔽p²(w). The final exponentiation kills
//! every factor from 𝔽p², so a line may be divided by what is in 𝔽p²: by P.y always, so that two products with elements of 𝔽p are left; and
//! by its own y where a point is used again and again ([`FixedLines`]), so that the constant term is 1 and a multiplication by the line
//! has ten products in 𝔽p² for thirteen.
//!
//! # The subgroup of prime order
//!
//! The walk ends in T = [6x+2]Q + ψ(Q) − ψ²(Q). On the subgroup ψ is multiplication by p, and 6x+2 + p − p² + p³ is a multiple of r: so
//! T = −ψ³(Q). No other point of the twist has T = −ψ³(Q): ψ satisfies ψ² − tψ + p = 0, so whatever 6x+2 + ψ − ψ² + ψ³ maps to zero, its
//! norm a² + abt + b²p maps to zero as well, where a + bψ is what is left of it modulo ψ² − tψ + p; and the greatest common divisor
//! of this norm and the twist's order r(2p − r) is r (a test computes it). The order of such a Q divides both, hence r. It is
//! the method of El Housni, Guillevic, Piellard, *Co-factor clearing and subgroup membership testing on pairing-friendly curves*
//! (2022), section 3, for the one equation whose multiple of Q is already there.
//!
//! The formulas for a chord are none for T = ±Q. In the subgroup that never happens, for T = kQ with a k that the schedule fixes
//! and that is not ±1 modulo r (nor, for the last two, that of ψ(Q) or ψ²(Q)). Outside of it, it can: T = Q gives (0, 0, 0), T = −Q gives infinity, with which the next chord
//! gives (0, 0, 0), and that stays what it is. So Z = 0 at the end means that Q is not in the subgroup, and without it no step was an exception.

use alloc::vec::Vec;

use ark_bn254::{Config, Fq, Fq2, Fq12, Fq12Config, G1Affine, G1Projective, G2Affine, g2};
use ark_ec::bn::BnConfig;
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::fields::fp12_2over3over2::Fp12Config;
use ark_ff::{AdditiveGroup, Field, One, Zero, batch_inversion};

/// What a line is through.
#[derive(Clone, Copy)]
enum Step {
    /// T and T: f is squared before.
    Double,
    /// T and Q.
    Add,
    /// T and −Q.
    Subtract,
    /// T and ψ(Q).
    AddFrobenius,
    /// T and −ψ²(Q).
    SubtractFrobeniusSquare,
}

/// Digits of 6x+2, least first; the leading one is 1 and where T begins.
const DIGITS: &[i8] = Config::ATE_LOOP_COUNT;

/// Lines of a Miller loop: one for each doubling and each addition, and two for the Frobenius images.
pub(super) const LINES: usize = {
    let mut lines = 2;
    let mut index = 0;
    while index + 1 < DIGITS.len() {
        lines += if DIGITS[index] == 0 { 1 } else { 2 };
        index += 1;
    }
    lines
};

/// The schedule.
const STEPS: [Step; LINES] = {
    let mut steps = [Step::SubtractFrobeniusSquare; LINES];
    let (mut index, mut at) = (DIGITS.len() - 1, 0);
    while index > 0 {
        index -= 1;
        steps[at] = Step::Double;
        at += 1;
        if DIGITS[index] != 0 {
            steps[at] = if DIGITS[index] > 0 { Step::Add } else { Step::Subtract };
            at += 1;
        }
    }
    steps[at] = Step::AddFrobenius;
    steps
};

const _: () = assert!(!Config::X_IS_NEGATIVE, "6x+2 is the loop count itself");

/// A line, but for what depends on P.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Coefficient of P.y, never zero for a point of the subgroup: no line is vertical.
    y: Fq2,
    /// Coefficient of P.x·w.
    x: Fq2,
    /// Coefficient of w³.
    free: Fq2,
}

/// The lines of a point of the subgroup of prime order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// The lines of `q`, a point of the twist; `None` if it is not in the subgroup, or at infinity.
    pub(super) fn of(q: &G2Affine) -> Option<Self> {
        let (lines, in_subgroup) = Self::walk(q);
        in_subgroup.then_some(lines)
    }

    /// The lines of a point that is known to be in the subgroup and not at infinity.
    pub(super) fn of_subgroup(q: &G2Affine) -> Self {
        Self::walk(q).0
    }

    /// The lines, and whether `q` is in the subgroup and not at infinity.
    fn walk(q: &G2Affine) -> (Self, bool) {
        let mut at = Walk { x: q.x, y: q.y, z: Fq2::ONE };
        let first = endomorphism(q);
        let second = endomorphism(&first);
        let lines = STEPS
            .iter()
            .map(|step| match step {
                Step::Double => at.double(),
                Step::Add => at.add(q),
                Step::Subtract => at.add(&-*q),
                Step::AddFrobenius => at.add(&first),
                Step::SubtractFrobeniusSquare => at.add(&-second),
            })
            .collect();
        (Self(lines), !q.is_zero() && at.is(&-endomorphism(&second)))
    }
}

/// ψ: Frobenius of each coordinate, and the twist's factors.
fn endomorphism(point: &G2Affine) -> G2Affine {
    let frobenius = |mut coordinate: Fq2| {
        coordinate.frobenius_map_in_place(1);
        coordinate
    };
    G2Affine::new_unchecked(
        frobenius(point.x) * Config::TWIST_MUL_BY_Q_X,
        frobenius(point.y) * Config::TWIST_MUL_BY_Q_Y,
    )
}

/// The lines of a point that is used again and again, each divided by its coefficient of P.y.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FixedLines(Vec<UnitLine>);

/// A line whose coefficient of P.y is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnitLine {
    /// Coefficient of P.x·w.
    pub(super) x: Fq2,
    /// Coefficient of w³.
    pub(super) free: Fq2,
}

impl From<Lines> for FixedLines {
    fn from(lines: Lines) -> Self {
        let mut inverses: Vec<_> = lines.0.iter().map(|line| line.y).collect();
        batch_inversion(&mut inverses);
        let unit =
            |(line, inverse): (&Line, &Fq2)| UnitLine { x: line.x * inverse, free: line.free * inverse };
        Self(lines.0.iter().zip(&inverses).map(unit).collect())
    }
}

impl FixedLines {
    /// The lines of γ, G2's generator.
    pub(super) fn of_gamma() -> Self {
        Lines::of_subgroup(&G2Affine::generator()).into()
    }

    /// Takes [`LINES`] lines that were computed before, and *trusts* them.
    pub(super) fn from_computed(lines: Vec<UnitLine>) -> Self {
        Self(lines)
    }

    /// The lines, in the order of the loop.
    pub(super) fn iter(&self) -> impl Iterator<Item = &UnitLine> {
        self.0.iter()
    }
}

/// The point that a walk is at, in homogeneous coordinates: x/z, y/z.
struct Walk {
    x: Fq2,
    y: Fq2,
    z: Fq2,
}

impl Walk {
    /// Doubles the point; its tangent. Costello, Lange, Naehrig, *Faster Pairing Computations on Curves with High-Degree Twists* (2010),
    /// section 5, for y² = x³ + b; the coordinates four times theirs, which saves the halving.
    fn double(&mut self) -> Line {
        let (xx, yy, zz) = (self.x.square(), self.y.square(), self.z.square());
        let bzz = <g2::Config as SWCurveConfig>::COEFF_B * (zz.double() + zz);
        let bzz3 = bzz.double() + bzz;
        let xy2 = (self.x + self.y).square() - xx - yy;
        let yz2 = (self.y + self.z).square() - yy - zz;
        let bzz_squared = bzz.square();
        self.x = xy2 * (yy - bzz3);
        self.y = (yy + bzz3).square() - (bzz_squared.double() + bzz_squared).double().double();
        self.z = (yy * yz2).double().double();
        Line { y: -yz2, x: xx.double() + xx, free: bzz - yy }
    }

    /// Adds `q`; the chord. The same paper, section 5. See the [module](self) for what it gives where there is no chord.
    fn add(&mut self, q: &G2Affine) -> Line {
        let rise = self.y - q.y * self.z;
        let run = self.x - q.x * self.z;
        let run_squared = run.square();
        let run_cubed = run * run_squared;
        let x_scaled = self.x * run_squared;
        let x = run_cubed + self.z * rise.square() - x_scaled.double();
        self.x = run * x;
        self.y = rise * (x_scaled - x) - run_cubed * self.y;
        self.z *= run_cubed;
        Line { y: run, x: -rise, free: rise * q.x - run * q.y }
    }

    /// Whether it is at `point`, and not at infinity.
    fn is(&self, point: &G2Affine) -> bool {
        !self.z.is_zero() && self.x == point.x * self.z && self.y == point.y * self.z
    }
}

/// A point of G1 as a line takes it: x/y and 1/y. There is no point with y = 0: it would be of order two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratios {
    x_by_y: Fq,
    y_inverse: Fq,
}

impl Ratios {
    /// Those of many points with two inversions for all; `None` for infinity.
    pub(super) fn of(points: &[G1Projective]) -> Vec<Option<Self>> {
        let affine = G1Projective::normalize_batch(points);
        let mut inverses: Vec<_> = affine.iter().map(|point| point.y).collect();
        batch_inversion(&mut inverses);
        let ratios = |(point, inverse): (&G1Affine, &Fq)| {
            (!point.is_zero()).then(|| Self { x_by_y: point.x * inverse, y_inverse: *inverse })
        };
        affine.iter().zip(&inverses).map(ratios).collect()
    }
}

/// Π f(Pᵢ, Qᵢ), before the final exponentiation and up to factors that it kills. A pair whose P is at infinity counts as 1.
pub(super) fn miller_loop(
    pairs: &[(Option<Ratios>, &Lines)],
    fixed: &[(Option<Ratios>, &FixedLines)],
) -> Fq12 {
    let mut pairs: Vec<_> = pairs.iter().filter_map(|(at, lines)| Some(((*at)?, lines.0.iter()))).collect();
    let mut fixed: Vec<_> = fixed.iter().filter_map(|(at, lines)| Some(((*at)?, lines.0.iter()))).collect();
    let mut f = Fq12::one();
    for step in STEPS {
        if matches!(step, Step::Double) {
            f.square_in_place();
        }
        for (at, lines) in &mut pairs {
            if let Some(line) = lines.next() {
                f.mul_by_034(&line.y, &by(line.x, &at.x_by_y), &by(line.free, &at.y_inverse));
            }
        }
        for (at, lines) in &mut fixed {
            if let Some(line) = lines.next() {
                multiply(&mut f, &by(line.x, &at.x_by_y), &by(line.free, &at.y_inverse));
            }
        }
    }
    f
}

fn by(mut element: Fq2, factor: &Fq) -> Fq2 {
    element.mul_assign_by_fp(factor);
    element
}

/// f · (1 + x·w + free·w³).
fn multiply(f: &mut Fq12, x: &Fq2, free: &Fq2) {
    let (mut of_c0, mut of_c1) = (f.c0, f.c1);
    of_c0.mul_by_01(x, free);
    of_c1.mul_by_01(x, free);
    f.c0 += Fq12Config::mul_fp6_by_nonresidue_in_place(&mut of_c1);
    f.c1 += of_c0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Bn254, Fr};
    use ark_ec::PrimeGroup;
    use ark_ec::pairing::{MillerLoopOutput, Pairing};
    use ark_ff::PrimeField;
    use num_bigint::{BigInt, BigUint};
    use proptest::prelude::*;

    /// The smallest prime factor of the twist's cofactor 2p − r: points of this order make the walk meet itself.
    const SMALL_ORDER: u32 = 10_069;

    /// The point of the twist whose x coordinate is the first from this one on that is of a point.
    fn on_the_twist(c0: u64, c1: u64) -> G2Affine {
        (c0..)
            .find_map(|c0| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(c0), Fq::from(c1)), false))
            .expect("every second x is of a point")
    }

    fn agrees(point: &G2Affine) -> bool {
        let contained = Lines::of(point).is_some();
        assert_eq!(contained, point.is_in_correct_subgroup_assuming_on_curve());
        assert_eq!(contained, point.mul_bigint(Fr::MODULUS).is_zero(), "the definition");
        contained
    }

    fn parameters() -> [BigInt; 4] {
        let x = BigInt::from(Config::X[0]);
        let [p, r] = [Fq::MODULUS, Fr::MODULUS].map(|modulus| BigInt::from(BigUint::from(modulus)));
        let t = &p + 1 - &r;
        [x, p, r, t]
    }

    #[test]
    fn only_a_point_of_the_subgroup_can_end_where_the_walk_has_to() {
        let [x, p, r, t] = parameters();
        // 6x+2 + ψ − ψ² + ψ³ = a + bψ, by ψ² = tψ − p and ψ³ = (t² − p)ψ − tp.
        let a = 6 * &x + 2 + &p - &t * &p;
        let b = 1 - &t + &t * &t - &p;
        let norm: BigInt = &a * &a + &a * &b * &t + &b * &b * &p;
        let (mut gcd, mut rest) = (&r * (2 * &p - &r), norm);
        while rest != BigInt::ZERO {
            (gcd, rest) = (rest.clone(), gcd % rest);
        }
        assert!(gcd == r || gcd == -r);
    }

    proptest! {
        #[test]
        fn points_of_the_subgroup_are_in_it_and_others_of_the_twist_are_not(c0: u32, c1: u64, scalar: u64) {
            let inside = (G2Affine::generator() * Fr::from(scalar)).into_affine();
            prop_assert!(inside.is_zero() || agrees(&inside));
            let outside = on_the_twist(c0.into(), c1);
            prop_assert!(!agrees(&outside));
            // What is left of it when the part in the subgroup is gone.
            let torsion = outside.mul_bigint(Fr::MODULUS).into_affine();
            prop_assert!(torsion.is_zero() || !agrees(&torsion));
            prop_assert!(!agrees(&(inside + torsion).into_affine()));
        }

        #[test]
        fn a_loop_over_many_pairs_is_the_product_of_arkworks_pairings(scalars in prop::collection::vec(any::<(u64, u64)>(), 0..5), fixed in prop::collection::vec(any::<(u64, u64)>(), 0..4)) {
            let points = |scalars: &[(u64, u64)]| -> Vec<(G1Projective, G2Affine)> {
                let points = |(p, q): &(u64, u64)| (
                    G1Projective::generator() * Fr::from(*p),
                    (G2Affine::generator() * (Fr::from(*q) + Fr::ONE)).into_affine(),
                );
                // A pair whose first is at infinity, in each.
                scalars.iter().chain([&(0, 1)]).map(points).collect()
            };
            let (pairs, fixed) = (points(&scalars), points(&fixed));
            let all: Vec<_> = pairs.iter().chain(&fixed).copied().collect();
            let (p, q): (Vec<_>, Vec<_>) = all.iter().copied().unzip();
            let expected = Bn254::multi_pairing(G1Projective::normalize_batch(&p), q);
            let ratios = Ratios::of(&p);
            let lines: Vec<_> = pairs.iter().map(|(_, q)| Lines::of(q).expect("in the subgroup")).collect();
            let of_fixed: Vec<FixedLines> = fixed.iter().map(|(_, q)| Lines::of_subgroup(q).into()).collect();
            let (first, second) = ratios.split_at(pairs.len());
            let f = miller_loop(
                &first.iter().copied().zip(&lines).collect::<Vec<_>>(),
                &second.iter().copied().zip(&of_fixed).collect::<Vec<_>>(),
            );
            prop_assert_eq!(Bn254::final_exponentiation(MillerLoopOutput(f)), Some(expected));
        }
    }

    #[test]
    fn points_of_small_order_and_infinity_are_not_in_the_subgroup() {
        let [_, p, r, _] = parameters();
        let cofactor: BigInt = 2 * p - r;
        assert_eq!(&cofactor % SMALL_ORDER, BigInt::ZERO);
        let others: BigInt = cofactor / SMALL_ORDER;
        let (_, others) = others.to_u64_digits();
        let mut seen = 0;
        for c1 in 1..5 {
            let torsion = on_the_twist(3, c1).mul_bigint(Fr::MODULUS).into_affine();
            let small = torsion.mul_bigint(&others).into_affine();
            if !small.is_zero() {
                assert!(small.mul_bigint([u64::from(SMALL_ORDER)]).is_zero());
                assert!(!agrees(&small));
                assert!(!agrees(&(small + G2Affine::generator()).into_affine()));
                seen += 1;
            }
        }
        assert!(seen > 0);
        assert!(Lines::of(&G2Affine::zero()).is_none());
    }

    /// The chords of a point with itself and with its opposite end in zeros, and stay there.
    #[test]
    fn a_walk_that_meets_its_point_ends_nowhere() {
        let q = G2Affine::generator();
        for meet in [q, -q] {
            let mut at = Walk { x: meet.x, y: meet.y, z: Fq2::ONE };
            at.add(&q);
            at.double();
            at.add(&q);
            at.double();
            assert!(at.x.is_zero() && at.y.is_zero() && at.z.is_zero());
            assert!(!at.is(&q));
        }
    }
}
