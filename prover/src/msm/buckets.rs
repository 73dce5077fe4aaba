//! From digits to bucket sums, for one chunk and some windows.
//!
//! ```text
//!   sort     digits by bucket, buckets by size ─► a list in which each bucket has a region of 2^k places, large regions first
//!               7 points: [p p p p p p p -]   3 points: [p p p -]  [p p p -]   1 point: [p]
//!   reduce   places 2j and 2j + 1 ─► place j, until a region is one place: that is added to the bucket's sum
//!               all additions of a level are independent, and its pairs are found without a search
//! ```
//!
//! A segment is a run of buckets with enough points for full batches and few enough for the cache; segments and windows are tasks.
//! A bucket with very many points is a task of its own, or several.

use rayon::prelude::*;

use super::chunk::{Chunk, Windows};
use super::pool::{Pool, erase};
use crate::curve::{Accumulate, Add, Coordinate, NEGATIVE, Pair, Pairs, Point};
use crate::vector::{Backend, prefetch};

/// A segment ends with the bucket that brings it to this many points…
const SEGMENT_POINTS: u32 = 8192;
/// …and a bucket with more than this many is cut into tasks of so many.
const HEAVY: usize = 4096;
/// Sizes of regions: 2^0 to [`HEAVY`] places.
const CLASSES: usize = HEAVY.ilog2() as usize + 1;
/// So many points are copied between announcing that one is read and reading it.
const AHEAD: usize = 16;
/// Stands in the list where a region has no point.
const NONE: u32 = u32::MAX;

/// A run of buckets in the sorted list.
#[derive(Clone, Debug)]
struct Segment {
    /// First bucket and how many.
    buckets: usize,
    /// Places in the list.
    list: usize,
    /// Buckets that are not empty.
    order: usize,
    /// Regions of each size.
    classes: [u32; CLASSES],
}

/// Digits sorted by bucket, and working memory for that.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// First the number of points of each bucket, then the place for its next point.
    places: Vec<u32>,
    /// Points of each region, and [`NONE`].
    list: Vec<u32>,
    /// The bucket of each region, counted from the segment's first.
    order: Vec<u32>,
    segments: Vec<Segment>,
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
        erase(&mut self.heavy);
        self.segments.clear();
    }

    /// Sorts the digits of some windows. Bucket b of the i-th of them is bucket i · 2^(c-1) + b here.
    fn sort<R: Coordinate>(&mut self, chunk: &Chunk<R>, windows: core::ops::Range<usize>, buckets: usize) {
        self.places.clear();
        self.places.resize(windows.len() * buckets, 0);
        for (window, places) in windows.clone().zip(self.places.chunks_exact_mut(buckets)) {
            for digits in chunk.digits(window) {
                for &slot in digits.slots {
                    places[usize::from(slot)] += 1;
                }
            }
        }
        self.lay_out();
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

    /// Cuts the buckets into segments and gives each bucket its region.
    fn lay_out(&mut self) {
        // Empty and heavy buckets have no region.
        const NO_CLASS: usize = CLASSES;
        let class = |points: u32| match points {
            0 => NO_CLASS,
            points if points as usize > HEAVY => NO_CLASS,
            points => (u32::BITS - (points - 1).leading_zeros()) as usize,
        };
        self.segments.clear();
        self.heavy.clear();
        self.order.clear();
        self.order.resize(self.places.len() + 1, 0);
        let (mut place, mut ordered, mut start) = (0, 0, 0);
        while start < self.places.len() {
            let mut sizes = [0u32; CLASSES + 1];
            let mut points = 0;
            let mut end = start;
            while end < self.places.len() && points < SEGMENT_POINTS {
                let count = self.places[end];
                let class = class(count);
                sizes[class] += 1;
                if class == NO_CLASS && count > 0 {
                    self.heavy.push((end, count as usize));
                } else {
                    points += count;
                }
                end += 1;
            }
            let mut classes = [0; CLASSES];
            classes.copy_from_slice(&sizes[..CLASSES]);
            let (list_start, order_start) = (place, ordered);
            let mut next = [(0u32, 0u32); CLASSES + 1];
            for class in (0..CLASSES).rev() {
                next[class] = (place as u32, ordered as u32);
                place += (classes[class] as usize) << class;
                ordered += classes[class] as usize;
            }
            // Where the buckets without a region are noted, and overwritten.
            next[NO_CLASS].1 = ordered as u32;
            for bucket in start..end {
                let class = class(self.places[bucket]);
                let (place, at) = &mut next[class];
                self.order[*at as usize] = (bucket - start) as u32;
                if class != NO_CLASS {
                    self.places[bucket] = *place;
                    *place += 1 << class;
                    *at += 1;
                }
            }
            let segment = Segment {
                buckets: end - start,
                list: place - list_start,
                order: ordered - order_start,
                classes,
            };
            self.segments.push(segment);
            start = end;
        }
        self.heavy_start = place;
        for (bucket, end) in &mut self.heavy {
            self.places[*bucket] = place as u32;
            place += *end;
            *end = place;
        }
        self.list.clear();
        self.list.resize(place, NONE);
    }
}

/// Working memory of the reduction of a segment.
#[derive(Debug)]
pub(super) struct Tree<R> {
    /// The points of a level and of the next.
    levels: [Vec<Point<R>>; 2],
    lists: [Vec<u32>; 2],
    pairs: Vec<Pair>,
    copies: Vec<(u32, u32)>,
    /// What is added to bucket sums, and which.
    totals: Vec<Point<R>>,
    entries: Vec<(u32, u32)>,
}

impl<R> Default for Tree<R> {
    fn default() -> Self {
        Self {
            levels: [Vec::new(), Vec::new()],
            lists: [Vec::new(), Vec::new()],
            pairs: Vec::new(),
            copies: Vec::new(),
            totals: Vec::new(),
            entries: Vec::new(),
        }
    }
}

impl<R: Coordinate> Tree<R> {
    fn wipe(&mut self) {
        self.levels.iter_mut().for_each(erase);
        self.lists.iter_mut().for_each(erase);
        erase(&mut self.pairs);
        erase(&mut self.copies);
        erase(&mut self.totals);
        erase(&mut self.entries);
    }

    /// Adds a bucket's total, or a point in it, to the bucket's sum: at once if that is infinity, else with the others.
    #[inline(always)]
    fn finish(&mut self, sums: &mut [Point<R>], bucket: u32, total: &Point<R>, sign: u32) {
        let sum = &mut sums[bucket as usize];
        if sum.is_infinity() {
            *sum = if sign == 0 { *total } else { total.negated() };
        } else {
            self.entries.push((bucket, self.totals.len() as u32 | sign));
            self.totals.push(*total);
        }
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
            sorted.sort(chunk, first..windows.total().min(first + group), windows.buckets());
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
                classes: &segment.classes,
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
    let mut padded = list.to_vec();
    padded.resize(list.len().next_power_of_two(), NONE);
    let mut classes = [0; CLASSES];
    classes[padded.len().ilog2() as usize] = 1;
    let sums = core::slice::from_mut(sum);
    let task = Reduce { points, list: &padded, order: &[0], classes: &classes, sums };
    trees.with(|tree| reduce(backend, task, tree));
    erase(&mut padded);
}

/// The reduction of a segment.
struct Reduce<'a, R> {
    points: &'a [Point<R>],
    list: &'a [u32],
    order: &'a [u32],
    classes: &'a [u32; CLASSES],
    sums: &'a mut [Point<R>],
}

/// Reduces a segment.
fn reduce<B: Backend, R: Coordinate>(backend: B, task: Reduce<'_, R>, tree: &mut Tree<R>) {
    let Reduce { points, list, mut order, classes, sums } = task;
    tree.totals.clear();
    tree.entries.clear();
    // The regions of one place are at the end of the list, and their buckets at the end of `order`.
    let singles = classes[0] as usize;
    let (active, last) = list.split_at(list.len() - singles);
    let finished;
    (order, finished) = order.split_at(order.len() - singles);
    let point = |index: u32| &points[(index & !NEGATIVE) as usize];
    for (at, (&index, &bucket)) in last.iter().zip(finished).enumerate() {
        if let Some((&index, &bucket)) = last.get(at + AHEAD).zip(finished.get(at + AHEAD)) {
            prefetch(point(index));
            prefetch(&sums[bucket as usize]);
        }
        tree.finish(sums, bucket, point(index), index & NEGATIVE);
    }
    let [mut here, mut next] = core::mem::take(&mut tree.levels);
    let [mut list_here, mut list_next] = core::mem::take(&mut tree.lists);
    list_here.clear();
    list_here.extend_from_slice(active);
    for (level, &regions) in classes.iter().enumerate().skip(1) {
        if list_here.is_empty() {
            break;
        }
        let half = list_here.len() / 2;
        if next.len() < half {
            next.resize(half, Point::default());
        }
        let source = if level == 1 { points } else { &here };
        let (pairs, copies) = halve(&list_here, &mut list_next, tree);
        let copies = &tree.copies[..copies];
        for (at, &(from, to)) in copies.iter().enumerate() {
            if let Some(&(from, _)) = copies.get(at + AHEAD) {
                prefetch(&source[from as usize]);
            }
            next[to as usize] = source[from as usize];
        }
        let entries = &tree.pairs[..pairs];
        backend.run(Add::new(&mut Pairs { source, out: &mut next, entries, far: level == 1 }));
        core::mem::swap(&mut here, &mut next);
        core::mem::swap(&mut list_here, &mut list_next);

        let left = half - regions as usize;
        let finished;
        (order, finished) = order.split_at(order.len() - regions as usize);
        for (place, &bucket) in (left..half).zip(finished) {
            tree.finish(sums, bucket, &here[place], list_here[place] & NEGATIVE);
        }
        list_here.truncate(left);
    }
    let Tree { totals, entries, .. } = &*tree;
    backend.run(Add::new(&mut Accumulate { accumulators: sums, table: totals, entries }));
    tree.levels = [here, next];
    tree.lists = [list_here, list_next];
}

/// The pairs of a level, what is copied for want of a partner (how many of each is returned), and the list of the next level. A sum
/// has its first term's sign taken out: ± (a ± b).
fn halve<R>(list: &[u32], next: &mut Vec<u32>, tree: &mut Tree<R>) -> (usize, usize) {
    let half = list.len() / 2;
    next.clear();
    next.resize(half, NONE);
    // Each place is written, and kept if it is a pair or a copy.
    if tree.pairs.len() <= half {
        tree.pairs.resize(half + 1, Pair::default());
        tree.copies.resize(half + 1, (0, 0));
    }
    let (mut pairs, mut copies) = (0, 0);
    for (place, ([a, b], next)) in list.as_chunks().0.iter().zip(next).enumerate() {
        let (sign, place) = (a & NEGATIVE, place as u32);
        let (some, both) = (*a != NONE, *b != NONE);
        *next = if some { place | sign } else { NONE };
        tree.pairs[pairs] = Pair { first: a & !NEGATIVE, second: b ^ sign, place };
        tree.copies[copies] = (a & !NEGATIVE, place);
        pairs += usize::from(both);
        copies += usize::from(some & !both);
    }
    (pairs, copies)
}
