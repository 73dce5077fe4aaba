//! Many affine additions at once: one inversion for a batch (Montgomery's trick), a vector of them abreast.
//!
//! ```text
//!   forward   the terms loaded, once; d = x2 - x1 and n = ± y1 - (± y2), and the product of all d before        1 M
//!             ─► a vector of additions that waits, in the backend's limbs, one after the other
//!   invert    the product of all d in each lane, together
//!   backward  1/d = (inverse so far) (product before);  λ = n/d;  x3 = λ² - x1 - x2;  y3 = λ (x1 - x3) - y1   4 M + 1 S
//!             meanwhile the terms of the next batch come into the cache, if they are far
//! ```
//!
//! Points lie here and there and what waits does not: going back reads it as it was written, without addresses to be computed, and
//! rows are transposed into limbs once.
//!
//! Special pairs are exact: P + P takes its slope from the tangent, in its lane like the others; where the sum is infinity or
//! one of the terms, d is one and the lane's result is replaced. All sums of a call must be independent: a batch may read its
//! terms after the results of others have been put.

use ark_ff::Field;
use core::marker::PhantomData;
use zeroize::DefaultIsZeroes;

use super::{Coordinate, Lanes, Point};
use crate::vector::{Backend, Kernel, LANES, prefetch};

/// Additions that share an inversion. More spread its cost thinner but leave the second-level cache: 768 that wait are 190 KiB in G1, twice that in G2.
pub(crate) const BATCH: usize = 768;

/// So many additions of the first batch are between announcing their terms and reading them.
const AHEAD: usize = 64;

/// Bit of an index: the point's negative is meant.
pub(crate) const NEGATIVE: u32 = 1 << 31;

/// Independent additions and subtractions of points in the backend's form.
pub(crate) trait Additions<R> {
    /// What is known of one without a look at the points.
    type Entry: Copy;
    /// How many.
    fn len(&self) -> usize;
    /// One of them.
    fn entry(&self, k: usize) -> Self::Entry;
    /// Its first term.
    fn first(&self, entry: Self::Entry) -> &Point<R>;
    /// Its second.
    fn second(&self, entry: Self::Entry) -> &Point<R>;
    /// Which of the two have a minus.
    fn are_negative(entry: Self::Entry) -> [bool; 2];
    /// Whether terms are likely not in the second-level cache.
    fn are_far(&self) -> bool {
        false
    }
    /// Takes the sum. Comes once for each, in no particular order.
    fn put(&mut self, entry: Self::Entry, sum: Point<R>);
}

/// ± source\[first\] ± source\[second\] ─► out\[place\], for each entry. Places are distinct.
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
    /// Index of the first term, with [`NEGATIVE`] or without.
    pub(crate) first: u32,
    /// Index of the second, with [`NEGATIVE`] or without.
    pub(crate) second: u32,
    /// Index of the sum.
    pub(crate) place: u32,
}

impl DefaultIsZeroes for Pair {}

impl Pair {
    /// Which of the terms have a minus.
    #[inline(always)]
    pub(crate) fn are_negative(self) -> [bool; 2] {
        [self.first & NEGATIVE != 0, self.second & NEGATIVE != 0]
    }
}

impl<R> Additions<R> for Pairs<'_, R> {
    type Entry = Pair;

    #[inline(always)]
    fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline(always)]
    fn entry(&self, k: usize) -> Pair {
        self.entries[k]
    }

    #[inline(always)]
    fn first(&self, entry: Pair) -> &Point<R> {
        &self.source[(entry.first & !NEGATIVE) as usize]
    }

    #[inline(always)]
    fn second(&self, entry: Pair) -> &Point<R> {
        &self.source[(entry.second & !NEGATIVE) as usize]
    }

    #[inline(always)]
    fn are_negative(entry: Pair) -> [bool; 2] {
        entry.are_negative()
    }

    #[inline(always)]
    fn are_far(&self) -> bool {
        self.far
    }

    #[inline(always)]
    fn put(&mut self, entry: Pair, sum: Point<R>) {
        self.out[entry.place as usize] = sum;
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
pub(crate) struct Scratch<B: Backend, R: Coordinate> {
    waiting: Vec<Waiting<B, R>>,
}

impl<B: Backend, R: Coordinate> Default for Scratch<B, R> {
    fn default() -> Self {
        Self { waiting: Vec::with_capacity(BATCH / B::LANES) }
    }
}

/// Does all the additions, in batches.
#[inline(always)]
pub(crate) fn add_all<B: Backend, R: Coordinate, A: Additions<R>>(
    backend: B,
    additions: &mut A,
    scratch: &mut Scratch<B, R>,
) {
    let mut start = 0;
    announce(additions, 0, AHEAD);
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
            let entry = additions.entry(k);
            prefetch(additions.first(entry));
            prefetch(additions.second(entry));
        }
    }
}

/// A vector of coordinates as they were loaded.
type CanonicalOf<B, R> = <<R as Coordinate>::Lanes<B> as Lanes<B, R>>::Canonical;

/// Sums or differences of coordinates.
type SumOf<B, R> = <<R as Coordinate>::Lanes<B> as Lanes<B, R>>::Sum;

/// The terms of an addition for each lane, as they were loaded.
struct Terms<B: Backend, R: Coordinate> {
    x1: CanonicalOf<B, R>,
    y1: CanonicalOf<B, R>,
    x2: CanonicalOf<B, R>,
    y2: CanonicalOf<B, R>,
    /// Lanes whose first and whose second term has a minus.
    negative: [u8; 2],
}

/// A vector of additions that awaits the inverse of its denominator.
#[derive(Clone, Copy, Debug)]
struct Waiting<B: Backend, R: Coordinate> {
    x1: CanonicalOf<B, R>,
    x2: CanonicalOf<B, R>,
    y1: CanonicalOf<B, R>,
    /// Lanes where y1 has a minus.
    negative: u8,
    numerator: SumOf<B, R>,
    denominator: SumOf<B, R>,
    /// The product of the denominators before.
    prefix: R::Lanes<B>,
    /// Whether a lane may be special.
    special: bool,
}

/// The additions in each lane. Lanes beyond the last repeat it.
#[inline(always)]
fn entries<B: Backend, R, A: Additions<R>>(additions: &A, start: usize, end: usize) -> B::Each<A::Entry> {
    B::each(|lane| additions.entry((start + lane).min(end - 1)))
}

impl<B: Backend, R: Coordinate> Terms<B, R> {
    #[inline(always)]
    fn load<A: Additions<R>>(backend: B, additions: &A, entries: &B::Each<A::Entry>) -> Self {
        let entries = entries.as_ref();
        let (x1, y1) = load_points::<B, R>(backend, &B::each(|lane| additions.first(entries[lane])));
        let (x2, y2) = load_points::<B, R>(backend, &B::each(|lane| additions.second(entries[lane])));
        let mut negative = [0; 2];
        for (lane, entry) in entries.iter().enumerate() {
            let [first, second] = A::are_negative(*entry);
            negative = [negative[0] | u8::from(first) << lane, negative[1] | u8::from(second) << lane];
        }
        Self { x1, y1, x2, y2, negative }
    }
}

#[inline(always)]
fn load_points<B: Backend, R: Coordinate>(
    backend: B,
    points: &B::Each<&Point<R>>,
) -> (CanonicalOf<B, R>, CanonicalOf<B, R>) {
    let points = points.as_ref();
    let x = R::Lanes::<B>::load_canonical(backend, B::each(|lane| &points[lane].x));
    (x, R::Lanes::<B>::load_canonical(backend, B::each(|lane| &points[lane].y)))
}

/// What becomes of each lane.
fn cases<B: Backend, R: Coordinate, A: Additions<R>>(
    additions: &A,
    entries: &B::Each<A::Entry>,
) -> B::Each<Case> {
    B::each(|lane| {
        let entry = entries.as_ref()[lane];
        Case::of(additions.first(entry), additions.second(entry), A::are_negative(entry))
    })
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
    fn of<R: Coordinate>(first: &Point<R>, second: &Point<R>, negative: [bool; 2]) -> Self {
        if second.is_infinity() {
            return Self::First;
        }
        if first.is_infinity() {
            return Self::Second;
        }
        if first.x != second.x {
            return Self::Add;
        }
        let y = if negative[0] == negative[1] { second.y } else { second.y.negated() };
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
    scratch: &mut Scratch<B, R>,
) {
    let zero = R::default();
    let infinity: CanonicalOf<B, R> = R::Lanes::<B>::load_canonical(backend, B::each(|_| &zero));
    let meet = <R::Lanes<B> as Lanes<B, R>>::lowest_limbs_meet;
    let mut product = <R::Lanes<B> as Lanes<B, R>>::one(backend);
    scratch.waiting.clear();
    for at in (start..end).step_by(B::LANES) {
        if start == 0 {
            announce(additions, at + AHEAD, (at + AHEAD + B::LANES).min(BATCH));
        }
        let entries = entries::<B, R, A>(additions, at, end);
        let terms = Terms::<B, R>::load(backend, additions, &entries);
        let Terms { x1, x2, y1, y2, negative } = terms;
        let special = meet(x1, x2) | meet(x1, infinity) | meet(x2, infinity);
        let mut denominator = x2.into().sub(x1.into());
        let mut numerator = R::Lanes::signed_difference(negative, y1, y2);
        if special {
            let cases = cases::<B, R, A>(additions, &entries);
            [numerator, denominator] =
                special_slopes::<B, R>(backend, &terms, cases.as_ref(), [numerator, denominator]);
        }
        scratch.waiting.push(Waiting {
            x1,
            x2,
            y1,
            negative: negative[0],
            numerator,
            denominator,
            prefix: product,
            special,
        });
        product = product.mul_sum(denominator);
    }

    let mut inverse = invert_lanes::<B, R>(backend, product);
    for (vector, waiting) in scratch.waiting.iter().enumerate().rev() {
        let at = start + vector * B::LANES;
        announce(additions, at + BATCH, at + BATCH + B::LANES);
        let here = inverse.mul(waiting.prefix);
        inverse = inverse.mul_sum(waiting.denominator);
        let slope = here.mul_sum(waiting.numerator);
        let [x3, step] = slope.square().sub_once_and_twice(waiting.x1, waiting.x2);
        let y3 = R::Lanes::add_or_sub(waiting.negative, slope.mul_sum(step), waiting.y1.into());
        let mut sums = R::Lanes::store_points(x3, y3);
        if waiting.special {
            replace::<B, R, A>(additions, &entries::<B, R, A>(additions, at, end), sums.as_mut());
        }
        for (k, sum) in (at..end).zip(sums.as_ref()) {
            additions.put(additions.entry(k), *sum);
        }
    }
}

/// Numerators and denominators of the slopes, where lanes may be special: those of the tangent, 3 x1² and -2 (± y1), where a point is
/// doubled; a denominator of one where the result is replaced. Elsewhere those of the chord.
///
/// Slopes have the opposite sign, (± y1 - (± y2)) / (x2 - x1), by which nothing is to be negated after.
#[inline(always)]
fn special_slopes<B: Backend, R: Coordinate>(
    backend: B,
    terms: &Terms<B, R>,
    cases: &[Case],
    [numerator, denominator]: [SumOf<B, R>; 2],
) -> [SumOf<B, R>; 2] {
    let doubled = mask(cases, |case| case == Case::Double);
    let zero = <R::Lanes<B> as Lanes<B, R>>::zero(backend);
    let minus_y1 = R::Lanes::reduce(R::Lanes::add_or_sub(terms.negative[0], zero, terms.y1.into()));
    let tangent = R::Lanes::select(doubled, minus_y1.add(minus_y1), denominator);
    let one = <R::Lanes<B> as Lanes<B, R>>::one(backend).into();
    let square = terms.x1.into().square();
    let triple = R::Lanes::reduce(square.add(square)).add(square);
    [
        R::Lanes::select(doubled, triple, numerator),
        R::Lanes::select(mask(cases, Case::is_replaced), one, tangent),
    ]
}

/// Puts the results that are not computed in their places.
fn replace<B: Backend, R: Coordinate, A: Additions<R>>(
    additions: &A,
    entries: &B::Each<A::Entry>,
    sums: &mut [Point<R>],
) {
    let cases = cases::<B, R, A>(additions, entries);
    for ((case, &entry), sum) in cases.into_iter().zip(entries.as_ref()).zip(sums) {
        let [first_negative, second_negative] = A::are_negative(entry);
        match case {
            Case::Add | Case::Double => {}
            Case::First => *sum = additions.first(entry).negated_if(first_negative),
            Case::Second => *sum = additions.second(entry).negated_if(second_negative),
            Case::Infinity => *sum = Point::default(),
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
