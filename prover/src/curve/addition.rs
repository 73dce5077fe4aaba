//! Many affine additions at once: one inversion for a batch (Montgomery's trick), eight lanes abreast.
//!
//! ```text
//!   look      the lowest limbs of both x of every pair: pairs that may be special are marked; what was far away is now near
//!   forward   d = x2 - x1 of eight pairs, their prefix product stored                                       1 M
//!   invert    the eight products of all d, together
//!   backward  1/d = (inverse so far) (prefix);  λ = (y2 - y1)/d;  x3 = λ² - x1 - x2;  y3 = λ (x1 - x3) - y1   4 M + 1 S
//! ```
//!
//! Special pairs are exact: P + P takes its slope from the tangent, in its lane like the others; where the sum is infinity or
//! one of the terms, d is one and the lane's result is replaced. All sums of a call must be independent: a batch may read its
//! terms after the results of others have been put.

use core::marker::PhantomData;
use zeroize::DefaultIsZeroes;

use super::{Coordinate, Lanes, Point};
use crate::vector::{Backend, Kernel, LANES};

/// Additions that share an inversion. More spread its cost thinner but leave the cache: 768 pairs of points of G1 are 96 KiB.
pub(crate) const BATCH: usize = 768;

/// Bit of an index: the point's negative is meant.
pub(crate) const NEGATIVE: u32 = 1 << 31;

/// Independent additions and subtractions of points in the backend's form.
pub(crate) trait Additions<R> {
    /// How many.
    fn len(&self) -> usize;
    /// The terms of one, and whether the second is subtracted.
    fn terms(&self, k: usize) -> (&Point<R>, &Point<R>, bool);
    /// Takes the sum. Comes once for each, in no particular order.
    fn put(&mut self, k: usize, sum: Point<R>);
}

/// accumulators\[slot\] ± table\[index\] ─► accumulators\[slot\], for each entry. Slots are distinct.
#[derive(Debug)]
pub(crate) struct Accumulate<'a, R> {
    /// The sums.
    pub(crate) accumulators: &'a mut [Point<R>],
    /// The points that are added.
    pub(crate) table: &'a [Point<R>],
    /// Slot, and index with [`NEGATIVE`] or without.
    pub(crate) entries: &'a [(u32, u32)],
}

impl<R> Additions<R> for Accumulate<'_, R> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline(always)]
    fn terms(&self, k: usize) -> (&Point<R>, &Point<R>, bool) {
        let (slot, index) = self.entries[k];
        let second = &self.table[(index & !NEGATIVE) as usize];
        (&self.accumulators[slot as usize], second, index & NEGATIVE != 0)
    }

    #[inline(always)]
    fn put(&mut self, k: usize, sum: Point<R>) {
        self.accumulators[self.entries[k].0 as usize] = sum;
    }
}

/// source\[first\] ± source\[second\] ─► out\[place\], for each entry. Places are distinct.
#[derive(Debug)]
pub(crate) struct Pairs<'a, R> {
    /// Where the terms are.
    pub(crate) source: &'a [Point<R>],
    /// Where the sums go.
    pub(crate) out: &'a mut [Point<R>],
    /// The additions.
    pub(crate) entries: &'a [Pair],
}

/// An addition of [`Pairs`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    /// Index of the first term.
    pub(crate) first: u32,
    /// Index of the second, with [`NEGATIVE`] or without.
    pub(crate) second: u32,
    /// Index of the sum.
    pub(crate) place: u32,
}

impl DefaultIsZeroes for Pair {}

impl<R> Additions<R> for Pairs<'_, R> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline(always)]
    fn terms(&self, k: usize) -> (&Point<R>, &Point<R>, bool) {
        let Pair { first, second, .. } = self.entries[k];
        let (index, negative) = ((second & !NEGATIVE) as usize, second & NEGATIVE != 0);
        (&self.source[first as usize], &self.source[index], negative)
    }

    #[inline(always)]
    fn put(&mut self, k: usize, sum: Point<R>) {
        self.out[self.entries[k].place as usize] = sum;
    }
}

/// Runs additions on a backend. Compiled once for each kind of additions, so better called than [`add_all`] where that does.
#[derive(Debug)]
pub(crate) struct Add<'a, A, R>(&'a mut A, PhantomData<R>);

impl<'a, A, R> Add<'a, A, R> {
    /// All of them.
    pub(crate) fn new(additions: &'a mut A) -> Self {
        Self(additions, PhantomData)
    }
}

impl<A: Additions<R>, R: Coordinate> Kernel for Add<'_, A, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        add_all(backend, self.0, &mut Scratch::default());
    }
}

/// Working memory of [`add_all`].
#[derive(Debug)]
pub(crate) struct Scratch<L> {
    prefixes: Vec<L>,
}

impl<L> Default for Scratch<L> {
    fn default() -> Self {
        Self { prefixes: Vec::with_capacity(BATCH / LANES) }
    }
}

/// Does all the additions, in batches.
#[inline(always)]
pub(crate) fn add_all<B: Backend, R: Coordinate, A: Additions<R>>(
    backend: B,
    additions: &mut A,
    scratch: &mut Scratch<R::Lanes<B>>,
) {
    let mut start = 0;
    while start < additions.len() {
        let end = additions.len().min(start + BATCH);
        add_batch(backend, additions, start, end, scratch);
        start = end;
    }
}

/// The terms of up to eight additions. Lanes beyond the last repeat it.
struct Terms<'a, R> {
    first: [&'a Point<R>; LANES],
    second: [&'a Point<R>; LANES],
    /// Lanes whose second term is subtracted.
    negative: u8,
}

impl<'a, R: Coordinate> Terms<'a, R> {
    #[inline(always)]
    fn new<A: Additions<R>>(additions: &'a A, start: usize, end: usize) -> Self {
        let mut negative = 0;
        let terms: [_; LANES] = core::array::from_fn(|lane| {
            let (first, second, minus) = additions.terms((start + lane).min(end - 1));
            negative |= u8::from(minus) << lane;
            (first, second)
        });
        Self { first: terms.map(|(first, _)| first), second: terms.map(|(_, second)| second), negative }
    }

    #[inline(always)]
    fn x<B: Backend>(&self, backend: B) -> (R::Lanes<B>, R::Lanes<B>) {
        let first = Lanes::load(backend, self.first.map(|point| &point.x));
        (first, Lanes::load(backend, self.second.map(|point| &point.x)))
    }

    #[inline(always)]
    fn y<B: Backend>(&self, backend: B) -> (R::Lanes<B>, R::Lanes<B>) {
        let first = Lanes::load(backend, self.first.map(|point| &point.y));
        (first, Lanes::load(backend, self.second.map(|point| &point.y)))
    }

    /// What becomes of each lane.
    fn cases(&self) -> [Case; LANES] {
        core::array::from_fn(|lane| {
            Case::of(self.first[lane], self.second[lane], self.negative >> lane & 1 == 1)
        })
    }
}

/// What an addition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// The slope of the chord.
    Add,
    /// The slope of the tangent.
    Double,
    /// The second term is infinity.
    First,
    /// The first term is infinity.
    Second,
    /// P - P, or a point of order two doubled.
    Infinity,
}

impl Case {
    fn of<R: Coordinate>(first: &Point<R>, second: &Point<R>, negative: bool) -> Self {
        if second.is_infinity() {
            return Self::First;
        }
        if first.is_infinity() {
            return Self::Second;
        }
        if first.x != second.x {
            return Self::Add;
        }
        let y = if negative { second.y.negated() } else { second.y };
        // Points that are not on the curve, of a damaged key, may differ in y any way: they have no sum, and get infinity.
        if first.y == y && !y.is_zero() { Self::Double } else { Self::Infinity }
    }

    /// Whether the lane's result is not computed but put in its place.
    fn is_replaced(self) -> bool {
        matches!(self, Self::First | Self::Second | Self::Infinity)
    }
}

/// The lanes for which a condition holds.
fn mask(cases: &[Case; LANES], condition: impl Fn(Case) -> bool) -> u8 {
    cases.iter().enumerate().fold(0, |mask, (lane, &case)| mask | u8::from(condition(case)) << lane)
}

#[inline(always)]
fn add_batch<B: Backend, R: Coordinate, A: Additions<R>>(
    backend: B,
    additions: &mut A,
    start: usize,
    end: usize,
    scratch: &mut Scratch<R::Lanes<B>>,
) {
    let mut special = [false; BATCH / LANES];
    for (vector, special) in special.iter_mut().enumerate().take((end - start).div_ceil(LANES)) {
        let first = start + vector * LANES;
        for k in first..end.min(first + LANES) {
            let (a, b, _) = additions.terms(k);
            let (a, b) = (a.x.lowest_limb(), b.x.lowest_limb());
            *special |= (a == b) | (a == 0) | (b == 0);
        }
    }

    let mut product = <R::Lanes<B> as Lanes<B, R>>::one(backend);
    scratch.prefixes.clear();
    for (at, &special) in (start..end).step_by(LANES).zip(&special) {
        let terms = Terms::new(additions, at, end);
        scratch.prefixes.push(product);
        product = product.mul_sum(denominator::<B, R>(backend, &terms, special));
    }

    let mut inverse = invert_lanes::<B, R>(backend, product);
    for (vector, &prefix) in scratch.prefixes.iter().enumerate().rev() {
        let at = start + vector * LANES;
        let sums = {
            let terms = Terms::new(additions, at, end);
            let special = special[vector];
            let denominator = denominator::<B, R>(backend, &terms, special);
            let inverse_here = inverse.mul(prefix);
            inverse = inverse.mul_sum(denominator);
            finish::<B, R>(backend, &terms, special, inverse_here)
        };
        for (k, sum) in (at..end).zip(sums) {
            additions.put(k, sum);
        }
    }
}

/// x2 - x1; -2 y1 where a point is doubled; one where the result is replaced.
#[inline(always)]
fn denominator<B: Backend, R: Coordinate>(
    backend: B,
    terms: &Terms<'_, R>,
    special: bool,
) -> <R::Lanes<B> as Lanes<B, R>>::Sum {
    let (x1, x2) = terms.x(backend);
    let difference = x2.sub(x1);
    if !special {
        return difference;
    }
    let cases = terms.cases();
    let (y1, _) = terms.y(backend);
    let minus_y1 = R::Lanes::reduce(<R::Lanes<B> as Lanes<B, R>>::zero(backend).sub(y1));
    let tangent =
        R::Lanes::select(mask(&cases, |case| case == Case::Double), minus_y1.add(minus_y1), difference);
    R::Lanes::select(
        mask(&cases, Case::is_replaced),
        <R::Lanes<B> as Lanes<B, R>>::one(backend).into(),
        tangent,
    )
}

/// The sums, from the inverses of the denominators. The slope is computed with the opposite sign, by which a subtraction costs one
/// addition more and no negation: (y1 - y2)/d, or (y1 + y2)/d where the second term is subtracted.
#[inline(always)]
fn finish<B: Backend, R: Coordinate>(
    backend: B,
    terms: &Terms<'_, R>,
    special: bool,
    inverse: R::Lanes<B>,
) -> [Point<R>; LANES] {
    let (x1, x2) = terms.x(backend);
    let (y1, y2) = terms.y(backend);
    let mut numerator = R::Lanes::select(terms.negative, y1.add(y2), y1.sub(y2));
    if special {
        let doubled = mask(&terms.cases(), |case| case == Case::Double);
        let square = x1.square();
        let tangent = R::Lanes::reduce(square.add(square)).add(square);
        numerator = R::Lanes::select(doubled, tangent, numerator);
    }
    let slope = inverse.mul_sum(numerator);
    let x3 = R::Lanes::reduce(R::Lanes::reduce(slope.square().sub(x1)).sub(x2));
    let y3 = slope.mul_sum(x3.sub(x1)).sub(y1);
    let (x3, y3) = (R::Lanes::store(x3.into()), R::Lanes::store(y3));
    let mut sums = core::array::from_fn(|lane| Point { x: x3[lane], y: y3[lane] });
    if special {
        replace(terms, &mut sums);
    }
    sums
}

/// Puts the results that are not computed in their places.
fn replace<R: Coordinate>(terms: &Terms<'_, R>, sums: &mut [Point<R>; LANES]) {
    for (lane, case) in terms.cases().into_iter().enumerate() {
        match case {
            Case::Add | Case::Double => {}
            Case::First => sums[lane] = *terms.first[lane],
            Case::Second if terms.negative >> lane & 1 == 1 => sums[lane] = terms.second[lane].negated(),
            Case::Second => sums[lane] = *terms.second[lane],
            Case::Infinity => sums[lane] = Point::default(),
        }
    }
}

/// The inverses of eight values, none of them zero, by one inversion.
#[inline(always)]
fn invert_lanes<B: Backend, R: Coordinate>(backend: B, values: R::Lanes<B>) -> R::Lanes<B> {
    let mut rows = R::Lanes::store_ark(backend, values.into());
    invert_together(&mut rows);
    R::Lanes::load_ark(backend, rows.each_ref())
}

/// Inverts values in arkworks's form, none of them zero.
fn invert_together<R: Coordinate>(rows: &mut [R; LANES]) {
    let values = rows.each_ref().map(Coordinate::to_ark);
    let mut prefixes = values;
    for i in 1..LANES {
        prefixes[i] = prefixes[i - 1] * values[i];
    }
    let mut inverse = R::invert(&prefixes[LANES - 1]);
    for i in (1..LANES).rev() {
        rows[i] = R::from_ark(&(inverse * prefixes[i - 1]));
        inverse *= values[i];
    }
    rows[0] = R::from_ark(&inverse);
}
