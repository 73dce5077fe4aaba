//! Many affine additions at once: one inversion for a batch (Montgomery's trick), a vector of them abreast.
//!
//! ```text
//!   forward   d = x2 - x1, the product of all before it stored; pairs that may be special are marked      1 M
//!   invert    the products of all d, one for each lane, together
//!   backward  1/d = (inverse so far) (prefix);  λ = (y2 - y1)/d;  x3 = λ² - x1 - x2;  y3 = λ (x1 - x3) - y1   4 M + 1 S
//!             meanwhile the terms of the next batch come into the cache, if they are far
//! ```
//!
//! Special pairs are exact: P + P takes its slope from the tangent, in its lane like the others; where the sum is infinity or
//! one of the terms, d is one and the lane's result is replaced. All sums of a call must be independent: a batch may read its
//! terms after the results of others have been put.

use ark_ff::Field;
use core::marker::PhantomData;
use zeroize::DefaultIsZeroes;

use super::{Coordinate, Lanes, Point};
use crate::vector::{Backend, Kernel, LANES, prefetch};

/// Additions that share an inversion. More spread its cost thinner but leave the cache: 768 pairs of points of G1 are 96 KiB.
pub(crate) const BATCH: usize = 768;

/// Bit of an index: the point's negative is meant.
pub(crate) const NEGATIVE: u32 = 1 << 31;

/// Independent additions and subtractions of points in the backend's form.
pub(crate) trait Additions<R> {
    /// How many.
    fn len(&self) -> usize;
    /// The first term of one.
    fn first(&self, k: usize) -> &Point<R>;
    /// The second.
    fn second(&self, k: usize) -> &Point<R>;
    /// Whether the second is subtracted.
    fn is_subtraction(&self, k: usize) -> bool;
    /// Whether terms are likely not in the second-level cache.
    fn are_far(&self) -> bool {
        false
    }
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
    fn first(&self, k: usize) -> &Point<R> {
        &self.accumulators[self.entries[k].0 as usize]
    }

    #[inline(always)]
    fn second(&self, k: usize) -> &Point<R> {
        &self.table[(self.entries[k].1 & !NEGATIVE) as usize]
    }

    #[inline(always)]
    fn is_subtraction(&self, k: usize) -> bool {
        self.entries[k].1 & NEGATIVE != 0
    }

    #[inline(always)]
    fn are_far(&self) -> bool {
        true
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
    /// Whether the terms lie here and there in more than the second-level cache.
    pub(crate) far: bool,
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
    fn first(&self, k: usize) -> &Point<R> {
        &self.source[self.entries[k].first as usize]
    }

    #[inline(always)]
    fn second(&self, k: usize) -> &Point<R> {
        &self.source[(self.entries[k].second & !NEGATIVE) as usize]
    }

    #[inline(always)]
    fn is_subtraction(&self, k: usize) -> bool {
        self.entries[k].second & NEGATIVE != 0
    }

    #[inline(always)]
    fn are_far(&self) -> bool {
        self.far
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
    announce(additions, 0, BATCH);
    while start < additions.len() {
        let end = additions.len().min(start + BATCH);
        add_batch(backend, additions, start, end, scratch);
        start = end;
    }
}

/// Announces the terms of some additions, if they are far.
#[inline(always)]
fn announce<R, A: Additions<R>>(additions: &A, start: usize, end: usize) {
    if additions.are_far() {
        for k in start..end.min(additions.len()) {
            prefetch(additions.first(k));
            prefetch(additions.second(k));
        }
    }
}

/// A vector of coordinates as they were loaded.
type CanonicalOf<B, R> = <<R as Coordinate>::Lanes<B> as Lanes<B, R>>::Canonical;

/// The terms of an addition for each lane. Lanes beyond the last repeat it.
struct Terms<'a, B: Backend, R: Coordinate> {
    first: B::Each<&'a Point<R>>,
    second: B::Each<&'a Point<R>>,
    /// Lanes whose second term is subtracted.
    negative: u8,
}

impl<'a, B: Backend, R: Coordinate> Terms<'a, B, R> {
    #[inline(always)]
    fn new<A: Additions<R>>(additions: &'a A, start: usize, end: usize) -> Self {
        let place = |lane: usize| (start + lane).min(end - 1);
        let (mut first, mut second) =
            (B::each(|_| additions.first(start)), B::each(|_| additions.second(start)));
        for (lane, first) in first.as_mut().iter_mut().enumerate() {
            *first = additions.first(place(lane));
        }
        for (lane, second) in second.as_mut().iter_mut().enumerate() {
            *second = additions.second(place(lane));
        }
        let negative = (0..B::LANES)
            .fold(0, |negative, lane| negative | u8::from(additions.is_subtraction(place(lane))) << lane);
        Self { first, second, negative }
    }

    #[inline(always)]
    fn x(&self, backend: B) -> [CanonicalOf<B, R>; 2] {
        let (first, second) = (self.first.as_ref(), self.second.as_ref());
        let first = R::Lanes::<B>::load_canonical(backend, B::each(|lane| &first[lane].x));
        [first, R::Lanes::<B>::load_canonical(backend, B::each(|lane| &second[lane].x))]
    }

    #[inline(always)]
    fn y(&self, backend: B) -> (R::Lanes<B>, R::Lanes<B>) {
        let (first, second) = (self.first.as_ref(), self.second.as_ref());
        let first = Lanes::load(backend, B::each(|lane| &first[lane].y));
        (first, Lanes::load(backend, B::each(|lane| &second[lane].y)))
    }

    /// What becomes of each lane.
    fn cases(&self) -> B::Each<Case> {
        let (first, second) = (self.first.as_ref(), self.second.as_ref());
        B::each(|lane| Case::of(first[lane], second[lane], self.negative >> lane & 1 == 1))
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
fn mask(cases: &[Case], condition: impl Fn(Case) -> bool) -> u8 {
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
    // Whether a lane may be special, for as many vectors as there are, at least one lane in each.
    let mut special = [false; BATCH];
    let zero = R::default();
    let infinity: CanonicalOf<B, R> = R::Lanes::<B>::load_canonical(backend, B::each(|_| &zero));
    let meet = <R::Lanes<B> as Lanes<B, R>>::lowest_limbs_meet;
    let mut product = <R::Lanes<B> as Lanes<B, R>>::one(backend);
    scratch.prefixes.clear();
    for (at, special) in (start..end).step_by(B::LANES).zip(&mut special) {
        let terms = Terms::new(additions, at, end);
        let [x1, x2] = terms.x(backend);
        *special = meet(x1, x2) | meet(x1, infinity) | meet(x2, infinity);
        scratch.prefixes.push(product);
        product = product.mul_sum(denominator::<B, R>(backend, &terms, [x1, x2], *special));
    }

    let mut inverse = invert_lanes::<B, R>(backend, product);
    for (vector, &prefix) in scratch.prefixes.iter().enumerate().rev() {
        let at = start + vector * B::LANES;
        announce(additions, at + BATCH, at + BATCH + B::LANES);
        let sums = {
            let terms = Terms::new(additions, at, end);
            let special = special[vector];
            let x = terms.x(backend);
            let denominator = denominator::<B, R>(backend, &terms, x, special);
            let inverse_here = inverse.mul(prefix);
            inverse = inverse.mul_sum(denominator);
            finish::<B, R>(backend, &terms, x, special, inverse_here)
        };
        for (k, sum) in (at..end).zip(sums.as_ref()) {
            additions.put(k, *sum);
        }
    }
}

/// x2 - x1; -2 y1 where a point is doubled; one where the result is replaced.
#[inline(always)]
fn denominator<B: Backend, R: Coordinate>(
    backend: B,
    terms: &Terms<'_, B, R>,
    [x1, x2]: [CanonicalOf<B, R>; 2],
    special: bool,
) -> <R::Lanes<B> as Lanes<B, R>>::Sum {
    let difference = x2.into().sub(x1.into());
    if !special {
        return difference;
    }
    let cases = terms.cases();
    let cases = cases.as_ref();
    let (y1, _) = terms.y(backend);
    let minus_y1 = R::Lanes::reduce(<R::Lanes<B> as Lanes<B, R>>::zero(backend).sub(y1));
    let tangent =
        R::Lanes::select(mask(cases, |case| case == Case::Double), minus_y1.add(minus_y1), difference);
    R::Lanes::select(
        mask(cases, Case::is_replaced),
        <R::Lanes<B> as Lanes<B, R>>::one(backend).into(),
        tangent,
    )
}

/// The sums, from the inverses of the denominators. The slope is computed with the opposite sign, by which a subtraction costs one
/// addition more and no negation: (y1 - y2)/d, or (y1 + y2)/d where the second term is subtracted.
#[inline(always)]
fn finish<B: Backend, R: Coordinate>(
    backend: B,
    terms: &Terms<'_, B, R>,
    [x1, x2]: [CanonicalOf<B, R>; 2],
    special: bool,
    inverse: R::Lanes<B>,
) -> B::Each<Point<R>> {
    let (y1, y2) = terms.y(backend);
    let mut numerator = R::Lanes::add_or_sub(terms.negative, y1, y2);
    if special {
        let doubled = mask(terms.cases().as_ref(), |case| case == Case::Double);
        let square = x1.into().square();
        let tangent = R::Lanes::reduce(square.add(square)).add(square);
        numerator = R::Lanes::select(doubled, tangent, numerator);
    }
    let slope = inverse.mul_sum(numerator);
    let [x3, step] = slope.square().sub_once_and_twice(x1, x2);
    let y3 = slope.mul_sum(step).sub(y1);
    let mut sums = R::Lanes::store_points(x3, y3);
    if special {
        replace(terms, sums.as_mut());
    }
    sums
}

/// Puts the results that are not computed in their places.
fn replace<B: Backend, R: Coordinate>(terms: &Terms<'_, B, R>, sums: &mut [Point<R>]) {
    let (first, second) = (terms.first.as_ref(), terms.second.as_ref());
    for (lane, case) in terms.cases().into_iter().enumerate() {
        match case {
            Case::Add | Case::Double => {}
            Case::First => sums[lane] = *first[lane],
            Case::Second if terms.negative >> lane & 1 == 1 => sums[lane] = second[lane].negated(),
            Case::Second => sums[lane] = *second[lane],
            Case::Infinity => sums[lane] = Point::default(),
        }
    }
}

/// The inverses of the values in the lanes, none of them zero, by one inversion.
#[inline(always)]
fn invert_lanes<B: Backend, R: Coordinate>(backend: B, values: R::Lanes<B>) -> R::Lanes<B> {
    let mut rows = R::Lanes::store_ark(backend, values.into());
    invert_together(rows.as_mut());
    R::Lanes::load_ark(backend, B::each(|lane| &rows.as_ref()[lane]))
}

/// Inverts values in arkworks's form, none of them zero.
fn invert_together<R: Coordinate>(rows: &mut [R]) {
    // What is before each, multiplied.
    let mut prefixes = [R::Ark::ONE; LANES];
    let mut product = R::Ark::ONE;
    for (prefix, row) in prefixes.iter_mut().zip(&*rows) {
        *prefix = product;
        product *= row.to_ark();
    }
    let mut inverse = R::invert(&product);
    for (prefix, row) in prefixes.iter().zip(rows).rev() {
        let value = row.to_ark();
        *row = R::from_ark(&(inverse * prefix));
        inverse *= value;
    }
}
