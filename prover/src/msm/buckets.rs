//! From digits to bucket sums, for one chunk and some windows.
//!
//! ```text
//!   sort     digits by bucket ─► a list in which each bucket has a row: its sum so far, if it has one, and its points;
//!            rows of equally many terms are together, long ones first
//!               s p p p p   s p p p p   s p p p   s p
//!   reduce   terms 2j and 2j + 1 of a row are added, a last one without a partner stays: rows of half as many
//!               i i p       i i p       i i       ─► the bucket's sum
//!            all additions of a level are independent; no point is moved, a term is known by where it is
//! ```
//!
//! A segment is a run of buckets with enough points for full batches and few enough for the cache; segments and windows are tasks.
//! A bucket with very many points is a task of its own, or several.

use rayon::prelude::*;

use super::CHUNK;
use super::chunk::{Chunk, Windows};
use super::pool::{Pool, erase, grow};
use crate::curve::{Add, Additions, Coordinate, NEGATIVE, Pair, Point};
use crate::vector::{Backend, prefetch};

/// A segment ends with the bucket that brings its points to so many bytes…
const SEGMENT_BYTES: usize = 1 << 19;
/// …and a bucket with more than this many points is cut into tasks of so many.
const HEAVY: usize = 4096;
/// So many points are copied between announcing that one is read and reading it.
const AHEAD: usize = 16;

/// A term is the chunk's point of this number, …
const INDEX: u32 = SUM - 1;
/// … with this bit the sum of the segment's bucket of that number, …
const SUM: u32 = INNER >> 1;
/// … with this one a sum of the same reduction; and with [`NEGATIVE`] what is meant is its negative.
const INNER: u32 = NEGATIVE >> 1;
const _: () = assert!(2 * CHUNK <= INDEX as usize);

/// A run of buckets in the sorted list.
#[derive(Clone, Debug)]
struct Segment {
    /// First bucket and how many.
    buckets: usize,
    /// Terms in the list.
    list: usize,
    /// Buckets with points.
    order: usize,
    /// Their rows.
    groups: core::ops::Range<usize>,
}

/// Rows of equally many terms.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    rows: usize,
    /// Of each.
    terms: usize,
}

/// Digits sorted by bucket, and working memory for that.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// First the number of points of each bucket, then the place for its next point.
    places: Vec<u32>,
    /// The terms of each row.
    list: Vec<u32>,
    /// The bucket of each row, counted from the segment's first.
    order: Vec<u32>,
    segments: Vec<Segment>,
    groups: Vec<Group>,
    /// For each number of terms how many rows have so many, then the places for the next one's terms and bucket.
    rows: Vec<(u32, u32)>,
    /// Heavy buckets and where their points end in the list; they begin where the one before ends.
    heavy: Vec<(usize, usize)>,
    /// Where the heavy buckets' points begin.
    heavy_start: usize,
}

impl Sorted {
    fn wipe(&mut self) {
        erase(&mut self.places);
        erase(&mut self.list);
        erase(&mut self.order);
        erase(&mut self.rows);
        erase(&mut self.heavy);
        self.segments.clear();
        erase(&mut self.groups);
    }

    /// Sorts the digits of some windows, of which these are the sums. Bucket b of the i-th of them is bucket i · 2^(c-1) + b here.
    fn sort<R: Coordinate>(
        &mut self,
        chunk: &Chunk<R>,
        windows: core::ops::Range<usize>,
        buckets: usize,
        sums: &[Point<R>],
    ) {
        self.places.clear();
        self.places.resize(windows.len() * buckets, 0);
        for (window, places) in windows.clone().zip(self.places.chunks_exact_mut(buckets)) {
            for digits in chunk.digits(window) {
                for &slot in digits.slots {
                    places[usize::from(slot)] += 1;
                }
            }
        }
        self.lay_out(sums);
        for (window, places) in windows.zip(self.places.chunks_exact_mut(buckets)) {
            for digits in chunk.digits(window) {
                for (&slot, &index) in digits.slots.iter().zip(digits.indices) {
                    let place = &mut places[usize::from(slot)];
                    self.list[*place as usize] = index;
                    *place += 1;
                }
            }
        }
    }

    /// Cuts the buckets into segments and gives each bucket its row, with its sum.
    fn lay_out<R: Coordinate>(&mut self, sums: &[Point<R>]) {
        let most = SEGMENT_BYTES / size_of::<Point<R>>();
        self.segments.clear();
        self.groups.clear();
        self.heavy.clear();
        self.list.clear();
        self.order.clear();
        let mut start = 0;
        while start < self.places.len() {
            let (mut points, mut end) = (0, start);
            self.rows.clear();
            self.rows.resize(HEAVY + 2, (0, 0));
            while end < self.places.len() && points < most {
                let count = self.places[end] as usize;
                if count > HEAVY {
                    self.heavy.push((end, count));
                } else if count > 0 {
                    points += count;
                    self.rows[count + usize::from(!sums[end].is_infinity())].0 += 1;
                }
                end += 1;
            }
            self.lay_out_segment(start..end, sums);
            start = end;
        }
        self.heavy_start = self.list.len();
        let mut place = self.heavy_start;
        for (bucket, end) in &mut self.heavy {
            self.places[*bucket] = place as u32;
            place += *end;
            *end = place;
        }
        self.list.resize(place, 0);
    }

    /// The rows of a segment, of which there are as many as `rows` says.
    fn lay_out_segment<R: Coordinate>(&mut self, buckets: core::ops::Range<usize>, sums: &[Point<R>]) {
        let (list_start, order_start, groups_start) = (self.list.len(), self.order.len(), self.groups.len());
        let (mut place, mut ordered) = (list_start, order_start);
        for (terms, row) in self.rows.iter_mut().enumerate().rev() {
            let rows = row.0 as usize;
            if rows > 0 {
                self.groups.push(Group { rows, terms });
                *row = (place as u32, ordered as u32);
                place += rows * terms;
                ordered += rows;
            }
        }
        self.list.resize(place, 0);
        self.order.resize(ordered, 0);
        for bucket in buckets.clone() {
            let count = self.places[bucket] as usize;
            if count == 0 || count > HEAVY {
                continue;
            }
            let number = (bucket - buckets.start) as u32;
            let has_sum = !sums[bucket].is_infinity();
            let terms = count + usize::from(has_sum);
            let (place, at) = &mut self.rows[terms];
            self.list[*place as usize] = number | SUM;
            self.places[bucket] = *place + u32::from(has_sum);
            self.order[*at as usize] = number;
            *place += terms as u32;
            *at += 1;
        }
        self.segments.push(Segment {
            buckets: buckets.len(),
            list: place - list_start,
            order: ordered - order_start,
            groups: groups_start..self.groups.len(),
        });
    }
}

/// Working memory of the reduction of a segment.
#[derive(Debug)]
pub(super) struct Tree<R> {
    /// Sums that are terms of others.
    inner: Vec<Point<R>>,
    /// The terms of a level and of the next.
    lists: [Vec<u32>; 2],
    pairs: Vec<Pair>,
    groups: Vec<Group>,
}

impl<R> Default for Tree<R> {
    fn default() -> Self {
        Self { inner: Vec::new(), lists: [Vec::new(), Vec::new()], pairs: Vec::new(), groups: Vec::new() }
    }
}

impl<R: Coordinate> Tree<R> {
    fn wipe(&mut self) {
        erase(&mut self.inner);
        self.lists.iter_mut().for_each(erase);
        erase(&mut self.pairs);
        erase(&mut self.groups);
    }
}

/// Working memory of every task.
#[derive(Debug)]
pub(super) struct Spaces<R> {
    sorted: Pool<Sorted>,
    trees: Pool<Tree<R>>,
}

impl<R> Default for Spaces<R> {
    fn default() -> Self {
        Self { sorted: Pool::default(), trees: Pool::default() }
    }
}

impl<R: Coordinate> Spaces<R> {
    pub(super) fn wipe(&mut self) {
        self.sorted.for_each(Sorted::wipe);
        self.trees.for_each(Tree::wipe);
    }
}

/// Adds the digits of a chunk to the bucket sums: those of window w are at w · 2^(c-1), slot by slot. `group` windows make a task.
pub(super) fn add_chunk<B: Backend, R: Coordinate>(
    backend: B,
    chunk: &Chunk<R>,
    windows: Windows,
    group: usize,
    sums: &mut [Point<R>],
    spaces: &Spaces<R>,
) {
    sums.par_chunks_mut(group * windows.buckets()).enumerate().for_each(|(task, sums)| {
        let first = task * group;
        spaces.sorted.with(|sorted| {
            sorted.sort(chunk, first..windows.total().min(first + group), windows.buckets(), sums);
            add_sorted(backend, chunk.points(), sorted, sums, &spaces.trees);
        });
    });
}

fn add_sorted<B: Backend, R: Coordinate>(
    backend: B,
    points: &[Point<R>],
    sorted: &Sorted,
    sums: &mut [Point<R>],
    trees: &Pool<Tree<R>>,
) {
    let (mut rest, mut list, mut order) = (&mut *sums, &sorted.list[..], &sorted.order[..]);
    let mut tasks = Vec::with_capacity(sorted.segments.len());
    for segment in &sorted.segments {
        let (sums, list_here, order_here);
        (sums, rest) = core::mem::take(&mut rest).split_at_mut(segment.buckets);
        (list_here, list) = list.split_at(segment.list);
        (order_here, order) = order.split_at(segment.order);
        if !list_here.is_empty() {
            tasks.push(Reduce {
                points,
                list: list_here,
                order: order_here,
                groups: &sorted.groups[segment.groups.clone()],
                sums,
            });
        }
    }
    let run = |task: Reduce<'_, R>| trees.with(|tree| reduce(backend, task, tree));
    if sorted.heavy.is_empty() {
        tasks.into_par_iter().for_each(run);
        return;
    }
    let (_, heavy) =
        rayon::join(|| tasks.into_par_iter().for_each(run), || heavy_totals(backend, points, sorted, trees));
    // A few points for each heavy bucket: one for each task it was cut into.
    for (bucket, totals) in heavy {
        let list: Vec<u32> = (0..totals.len() as u32).collect();
        reduce_one(backend, &totals, &list, &mut sums[bucket], trees);
    }
}

/// The sums of the parts of each heavy bucket.
fn heavy_totals<B: Backend, R: Coordinate>(
    backend: B,
    points: &[Point<R>],
    sorted: &Sorted,
    trees: &Pool<Tree<R>>,
) -> Vec<(usize, Vec<Point<R>>)> {
    let starts = core::iter::once(sorted.heavy_start).chain(sorted.heavy.iter().map(|(_, end)| *end));
    let buckets: Vec<_> = starts.zip(&sorted.heavy).collect();
    let parts = |(start, (bucket, end)): (usize, &(usize, usize))| {
        let totals = sorted.list[start..*end].par_chunks(HEAVY).map(|list| {
            let mut sum = Point::default();
            reduce_one(backend, points, list, &mut sum, trees);
            sum
        });
        (*bucket, totals.collect())
    };
    buckets.into_par_iter().map(parts).collect()
}

/// Adds at most [`HEAVY`] points to a sum.
fn reduce_one<B: Backend, R: Coordinate>(
    backend: B,
    points: &[Point<R>],
    list: &[u32],
    sum: &mut Point<R>,
    trees: &Pool<Tree<R>>,
) {
    let mut row = list.to_vec();
    if !sum.is_infinity() {
        row.push(SUM);
    }
    let groups = &[Group { rows: 1, terms: row.len() }];
    let sums = core::slice::from_mut(sum);
    trees.with(|tree| reduce(backend, Reduce { points, list: &row, order: &[0], groups, sums }, tree));
    erase(&mut row);
}

/// The reduction of a segment.
struct Reduce<'a, R> {
    points: &'a [Point<R>],
    list: &'a [u32],
    order: &'a [u32],
    groups: &'a [Group],
    sums: &'a mut [Point<R>],
}

/// Reduces a segment.
fn reduce<B: Backend, R: Coordinate>(backend: B, task: Reduce<'_, R>, tree: &mut Tree<R>) {
    let Reduce { points, mut list, mut order, groups, sums } = task;
    tree.groups.clear();
    tree.groups.extend_from_slice(groups);
    if let Some(&Group { rows, terms: 1 }) = groups.last() {
        // Buckets that have one point and no sum.
        tree.groups.pop();
        let (singles, buckets);
        (list, singles) = list.split_at(list.len() - rows);
        (order, buckets) = order.split_at(order.len() - rows);
        let point = |term: u32| &points[(term & !NEGATIVE) as usize];
        for (at, (&term, &bucket)) in singles.iter().zip(buckets).enumerate() {
            if let Some((&term, &bucket)) = singles.get(at + AHEAD).zip(buckets.get(at + AHEAD)) {
                prefetch(point(term));
                prefetch(&sums[bucket as usize]);
            }
            sums[bucket as usize] = point(term).negated_if(term & NEGATIVE != 0);
        }
    }
    let [mut here, mut next] = core::mem::take(&mut tree.lists);
    here.clear();
    here.extend_from_slice(list);
    let mut inner = 0;
    while !tree.groups.is_empty() {
        let pairs = halve(&here, order, &mut next, &mut inner, tree);
        grow(&mut tree.inner, inner);
        let entries = &tree.pairs[..pairs];
        backend.run(Add::new(&mut Level { points, inner: &mut tree.inner, sums, entries }));
        core::mem::swap(&mut here, &mut next);
    }
    tree.lists = [here, next];
}

/// The additions of a level, of which the number is returned, and the list of the next. There are `inner` inner sums, before and after.
fn halve<R>(
    mut list: &[u32],
    order: &[u32],
    next: &mut Vec<u32>,
    inner: &mut usize,
    tree: &mut Tree<R>,
) -> usize {
    let Tree { pairs, groups, .. } = tree;
    grow(pairs, list.len() / 2);
    grow(next, list.len());
    let (mut free_pairs, mut free_next) = (&mut pairs[..], &mut next[..]);
    let (mut row, mut additions, mut length) = (0, 0, 0);
    let mut place = *inner as u32 | INNER;
    for Group { rows, terms } in groups.iter_mut() {
        let half = *terms / 2;
        let (here, pairs);
        (here, list) = list.split_at(*rows * *terms);
        (pairs, free_pairs) = free_pairs.split_at_mut(*rows * half);
        additions += pairs.len();
        if *terms == 2 {
            for ((pair, &[first, second]), bucket) in
                pairs.iter_mut().zip(here.as_chunks().0).zip(&order[row..])
            {
                *pair = Pair { first, second, place: bucket | SUM };
            }
        } else {
            let kept = terms.div_ceil(2);
            let next;
            (next, free_next) = free_next.split_at_mut(*rows * kept);
            length += next.len();
            let rows =
                here.chunks_exact(*terms).zip(pairs.chunks_exact_mut(half)).zip(next.chunks_exact_mut(kept));
            for ((terms, pairs), next) in rows {
                for ((pair, &[first, second]), next) in
                    pairs.iter_mut().zip(terms.as_chunks().0).zip(&mut *next)
                {
                    *pair = Pair { first, second, place };
                    *next = place;
                    place += 1;
                }
                if let ([.., last], true) = (terms, kept > half) {
                    next[half] = *last;
                }
            }
        }
        row += *rows;
        *terms = terms.div_ceil(2);
    }
    *inner = (place & INDEX) as usize;
    next.truncate(length);
    // Rows that are finished are the last.
    while groups.pop_if(|group| group.terms == 1).is_some() {}
    additions
}

/// Additions of terms.
struct Level<'a, R> {
    points: &'a [Point<R>],
    inner: &'a mut [Point<R>],
    sums: &'a mut [Point<R>],
    entries: &'a [Pair],
}

impl<R> Level<'_, R> {
    #[inline(always)]
    fn term(&self, term: u32) -> &Point<R> {
        let points: &[Point<R>] = match term & (SUM | INNER) {
            0 => self.points,
            SUM => self.sums,
            _ => self.inner,
        };
        &points[(term & INDEX) as usize]
    }
}

impl<R> Additions<R> for Level<'_, R> {
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
        self.term(entry.first)
    }

    #[inline(always)]
    fn second(&self, entry: Pair) -> &Point<R> {
        self.term(entry.second)
    }

    #[inline(always)]
    fn are_negative(entry: Pair) -> [bool; 2] {
        entry.are_negative()
    }

    #[inline(always)]
    fn are_far(&self) -> bool {
        true
    }

    #[inline(always)]
    fn put(&mut self, entry: Pair, sum: Point<R>) {
        let points = if entry.place & SUM == 0 { &mut *self.inner } else { &mut *self.sums };
        points[(entry.place & INDEX) as usize] = sum;
    }
}
