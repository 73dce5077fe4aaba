//! Multi-scalar multiplication on the device.
//!
//! ```text
//!   scalars ─► digits: count ─► scan ─► digits: place ─► sum_entries ─► sum_partial … ─► reduce … ─► one point a window ─► fold (CPU)
//!   of a chunk                         entries by bucket  (kernels/sum.cl)                (kernels/bucket.cl)
//! ```
//!
//! The list of entries has 8 bytes for each digit that is not zero. Threads share it evenly, so that a bucket with all the points costs
//! no more than many buckets. Where the list of all pairs does not fit, it is made for one chunk of them after another, and
//! the sums of their buckets are added; points that are not resident are copied chunk by chunk.

use ark_bn254::{Fq, Fq2, Fr, g1, g2};
use ark_ec::AdditiveGroup;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ff::{Field, PrimeField, Zero};
use core::ops::Range;
use std::sync::Arc;

use super::driver::{Arg, Device, GROUP, Memory, WIDE_GROUP};
use crate::device::DeviceError;
use crate::encoding::{Encoding, FIELD_BYTES};

/// Bits of a scalar's magnitude, and one for the carry of the highest digit.
const BITS: u32 = 254;
/// The widest window: 2^15 buckets.
const MOST_BITS: u32 = 16;
/// Scalars that the choice of windows looks at.
const SAMPLE: usize = 512;
/// Multiplications of an addition into a bucket, and of one of the two additions that the reduction spends on a bucket.
const ADD_COST: usize = 10;
const REDUCE_COST: usize = 2 * 14;
/// Numbers that a group of the scan adds up.
const SCANNED: usize = 256;
/// Entries of a thread: few enough that all processors have work, many enough that partial sums are few.
const ENTRIES_PER_THREAD: (usize, usize) = (8, 64);
/// Threads that a device should have at the least.
const THREADS: usize = 1 << 17;
/// Partial sums of a thread.
const PARTIALS_PER_THREAD: usize = 16;
/// Pairs (R, A) that a step of the reduction makes one of.
const LOG_FAN: u32 = 4;
/// Chunks are not made smaller than this to fit into memory.
const SMALLEST_CHUNK: usize = 64;

/// A group, as the kernels name it.
pub(super) trait Group: SWCurveConfig<ScalarField = Fr> {
    const SUM_ENTRIES: &'static str;
    const SUM_PARTIAL: &'static str;
    const REDUCE: &'static str;
    const MERGE: &'static str;
    /// Bytes of a coordinate.
    const COORDINATE: usize;

    /// A coordinate from its bytes, if it is canonical.
    fn coordinate(bytes: &[u8]) -> Option<Self::BaseField>;
}

impl Group for g1::Config {
    const SUM_ENTRIES: &'static str = "g1_sum_entries";
    const SUM_PARTIAL: &'static str = "g1_sum_partial";
    const REDUCE: &'static str = "g1_reduce";
    const MERGE: &'static str = "g1_merge";
    const COORDINATE: usize = FIELD_BYTES;

    fn coordinate(bytes: &[u8]) -> Option<Fq> {
        Fq::decode(bytes)
    }
}

impl Group for g2::Config {
    const SUM_ENTRIES: &'static str = "g2_sum_entries";
    const SUM_PARTIAL: &'static str = "g2_sum_partial";
    const REDUCE: &'static str = "g2_reduce";
    const MERGE: &'static str = "g2_merge";
    const COORDINATE: usize = 2 * FIELD_BYTES;

    fn coordinate(bytes: &[u8]) -> Option<Fq2> {
        Fq2::decode(bytes)
    }
}

/// The windows of all scalars of a multiplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    bits: u32,
    count: u32,
}

impl Windows {
    fn new(bits: u32) -> Self {
        Self { bits, count: BITS.div_ceil(bits) }
    }

    /// Buckets of all windows.
    fn buckets(self) -> usize {
        (self.count as usize) << (self.bits - 1)
    }

    /// The cheapest for `count` scalars of which `sample` are some.
    pub(super) fn choose<'a>(count: usize, sample: impl Iterator<Item = &'a Fr>) -> Self {
        let lengths: Vec<u32> = sample.map(bits_of_magnitude).collect();
        let most = MOST_BITS.min(count.max(2).ilog2().max(2));
        let cost = |bits: &u32| {
            let windows = Self::new(*bits);
            let digits: usize =
                lengths.iter().map(|&length| length.div_ceil(*bits).min(windows.count) as usize).sum();
            let additions = digits * count / lengths.len().max(1);
            ADD_COST * additions + REDUCE_COST * windows.buckets()
        };
        Self::new((2..=most).min_by_key(cost).unwrap_or(2))
    }

    /// The cheapest for scalars of full size.
    pub(super) fn for_uniform(count: usize) -> Self {
        Self::choose(count, [-Fr::from(2u64).inverse().unwrap_or_default()].iter())
    }
}

/// Some of `count` scalars, evenly spread.
pub(super) fn sample<'a>(
    count: usize,
    scalar: impl Fn(usize) -> Option<&'a Fr>,
) -> impl Iterator<Item = &'a Fr> {
    (0..count).step_by(count.div_ceil(SAMPLE).max(1)).filter_map(scalar)
}

fn bits_of_magnitude(scalar: &Fr) -> u32 {
    let (one, other) = (scalar.into_bigint(), (-*scalar).into_bigint());
    ark_ff::BigInteger::num_bits(&one.min(other))
}

/// Where the points are: all of them on the device, or in memory of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bases<'a> {
    /// x and y of each, as they lie in a key.
    Resident(&'a Memory),
    /// The same bytes.
    Streamed(&'a [u8]),
}

/// Where the scalars are: values on the device from number `first` on, or those that the index list names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalars<'a> {
    pub(super) values: &'a Memory,
    pub(super) first: usize,
    pub(super) indices: Option<&'a Memory>,
}

/// Σ scalar · base over the pairs of a range, in chunks of `chunk` pairs, or of as many as there is memory for.
pub(super) fn multiply<C: Group>(
    device: &Arc<Device>,
    bases: Bases<'_>,
    scalars: Scalars<'_>,
    range: Range<usize>,
    windows: Windows,
    chunk: Option<usize>,
) -> Result<Projective<C>, DeviceError> {
    if range.is_empty() {
        return Ok(Projective::zero());
    }
    let run = Run { device, bases, scalars, windows, group: core::marker::PhantomData::<C> };
    let chunk = chunk.unwrap_or_else(|| run.largest_chunk(range.len())).clamp(1, range.len());
    let sums = run.bucket_sums(range.start, chunk)?;
    let mut start = range.start + chunk;
    while start < range.end {
        let more = run.bucket_sums(start, chunk.min(range.end - start))?;
        let args = [Arg::Number(windows.buckets() as u32), Arg::Memory(&sums), Arg::Memory(&more)];
        device.launch(C::MERGE, windows.buckets(), GROUP, &args)?;
        start += chunk;
    }
    run.reduce(sums)
}

struct Run<'a, C> {
    device: &'a Arc<Device>,
    bases: Bases<'a>,
    scalars: Scalars<'a>,
    windows: Windows,
    group: core::marker::PhantomData<C>,
}

impl<C: Group> Run<'_, C> {
    const AFFINE: usize = 2 * C::COORDINATE;
    const SUM: usize = 4 * C::COORDINATE;

    fn per_thread(entries: usize) -> usize {
        let (least, most) = ENTRIES_PER_THREAD;
        (entries / THREADS).clamp(least, most)
    }

    /// Bytes of working memory for a chunk, above the sums of its buckets.
    fn bytes_for(&self, chunk: usize) -> usize {
        let entries = chunk * self.windows.count as usize;
        let partials = 2 * entries.div_ceil(Self::per_thread(entries));
        let point = if matches!(self.bases, Bases::Streamed(_)) { Self::AFFINE } else { 0 };
        // The second list of partial sums has an eighth of the first's places.
        8 * entries + (Self::SUM + 4) * (partials + partials / 4) + chunk * point
    }

    /// The largest chunk that fits beside two sets of bucket sums and the counts of the sort.
    fn largest_chunk(&self, count: usize) -> usize {
        let buckets = self.windows.buckets() * (2 * Self::SUM + 5);
        let free = usize::try_from(self.device.free_memory()).unwrap_or(usize::MAX).saturating_sub(buckets);
        let largest = usize::try_from(self.device.info().largest_allocation).unwrap_or(usize::MAX);
        let fits = |chunk: usize| {
            let entries = chunk * self.windows.count as usize;
            let partials = 2 * entries.div_ceil(Self::per_thread(entries));
            self.bytes_for(chunk) <= free && (8 * entries).max(partials * Self::SUM) <= largest
        };
        // Keys and entries are 32-bit numbers.
        let mut chunk = count.min((u32::MAX / 2 / self.windows.count) as usize);
        while chunk > SMALLEST_CHUNK && !fits(chunk) {
            chunk = chunk.div_ceil(2);
        }
        chunk
    }

    /// The sums of all buckets over the pairs start .. start + count.
    fn bucket_sums(&self, start: usize, count: usize) -> Result<Memory, DeviceError> {
        let (device, buckets) = (self.device, self.windows.buckets());
        let streamed;
        let (bases, first_base) = match self.bases {
            Bases::Resident(memory) => (memory, start),
            Bases::Streamed(bytes) => {
                let chunk = bytes.get(start * Self::AFFINE..(start + count) * Self::AFFINE);
                streamed = device.upload(chunk.unwrap_or_default(), false)?;
                (&streamed, 0)
            }
        };
        let sums = device.zeros(buckets * Self::SUM, true)?;
        let (entries, number) = self.sort(start, count, first_base)?;
        let Some(entries) = entries else { return Ok(sums) };
        let mut list =
            self.add_list(C::SUM_ENTRIES, &entries, bases, number, Self::per_thread(number), &sums)?;
        drop(entries);
        while let Some((keys, points, number)) = list {
            list = self.add_list(C::SUM_PARTIAL, &keys, &points, number, PARTIALS_PER_THREAD, &sums)?;
        }
        Ok(sums)
    }

    /// The entries of the pairs start .. start + count, sorted by key, and how many there are.
    fn sort(
        &self,
        start: usize,
        count: usize,
        first_base: usize,
    ) -> Result<(Option<Memory>, usize), DeviceError> {
        let device = self.device;
        let keys = self.windows.buckets();
        // One place more, which after the scan has the number of all entries.
        let places = device.zeros(4 * (keys + 1), true)?;
        let no_entries = device.allocate(8, false)?;
        let digits = |pass: u32, entries: &Memory| {
            let Scalars { values, first, indices } = self.scalars;
            let args = [
                Arg::Number(count as u32),
                Arg::Number(pass),
                Arg::Number(self.windows.bits),
                Arg::Number(self.windows.count),
                Arg::Memory(values),
                Arg::Number((first + start) as u32),
                Arg::Number(u32::from(indices.is_some())),
                Arg::Memory(indices.unwrap_or(values)),
                Arg::Number(first_base as u32),
                Arg::Memory(&places),
                Arg::Memory(entries),
            ];
            device.launch("digits", count, GROUP, &args)
        };
        digits(0, &no_entries)?;
        scan(device, &places, keys + 1)?;
        let mut number = [0; 4];
        device.read(&places, 4 * keys, &mut number)?;
        let number = u32::from_le_bytes(number) as usize;
        if number == 0 {
            return Ok((None, 0));
        }
        if number > count * self.windows.count as usize {
            return Err(DeviceError::Wrong { what: "the number of digits".to_owned() });
        }
        let entries = device.allocate(8 * number, true)?;
        digits(1, &entries)?;
        Ok((Some(entries), number))
    }

    /// Adds up a sorted list; what is left is a shorter one, or nothing if one thread did it all.
    fn add_list(
        &self,
        kernel: &'static str,
        keys: &Memory,
        points: &Memory,
        number: usize,
        per_thread: usize,
        sums: &Memory,
    ) -> Result<Option<(Memory, Memory, usize)>, DeviceError> {
        let threads = number.div_ceil(per_thread);
        let next_keys = self.device.allocate(4 * 2 * threads, true)?;
        let next_points = self.device.allocate(Self::SUM * 2 * threads, true)?;
        let args = [
            Arg::Number(number as u32),
            Arg::Number(per_thread as u32),
            Arg::Memory(keys),
            Arg::Memory(points),
            Arg::Memory(sums),
            Arg::Memory(&next_keys),
            Arg::Memory(&next_points),
        ];
        self.device.launch(kernel, threads, GROUP, &args)?;
        Ok((threads > 1).then_some((next_keys, next_points, 2 * threads)))
    }

    /// The sum of the windows, from the sums of their buckets.
    fn reduce(&self, sums: Memory) -> Result<Projective<C>, DeviceError> {
        let Windows { bits, count: windows } = self.windows;
        let windows = windows as usize;
        let mut weighted = self.device.allocate(1, true)?;
        let (mut sums, mut done) = (sums, 0);
        while done < bits - 1 {
            let fan = LOG_FAN.min(bits - 1 - done);
            let count = windows << (bits - 1 - done - fan);
            let next_sums = self.device.allocate(Self::SUM * count, true)?;
            let next_weighted = self.device.allocate(Self::SUM * count, true)?;
            let args = [
                Arg::Number(count as u32),
                Arg::Number(fan),
                Arg::Number(done),
                Arg::Memory(&sums),
                Arg::Memory(&weighted),
                Arg::Memory(&next_sums),
                Arg::Memory(&next_weighted),
            ];
            self.device.launch(C::REDUCE, count, GROUP, &args)?;
            (sums, weighted, done) = (next_sums, next_weighted, done + fan);
        }
        let (plain, weighted) = (self.points(&sums, windows)?, self.points(&weighted, windows)?);
        Ok(plain.into_iter().zip(weighted).rev().fold(Projective::zero(), |mut sum, (plain, weighted)| {
            for _ in 0..bits {
                sum.double_in_place();
            }
            sum + plain + weighted
        }))
    }

    /// Points that the device has as sums.
    fn points(&self, memory: &Memory, count: usize) -> Result<Vec<Affine<C>>, DeviceError> {
        let mut bytes = zeroize::Zeroizing::new(vec![0; count * Self::SUM]);
        self.device.read(memory, 0, &mut bytes)?;
        let point = |bytes: &[u8]| from_sum::<C>(bytes);
        let points = bytes.chunks_exact(Self::SUM).map(point).collect::<Option<_>>();
        points.ok_or_else(|| DeviceError::Wrong { what: "a coordinate".to_owned() })
    }
}

/// The point (X / ZZ, Y / ZZZ); infinity if ZZ is zero. `None` if a coordinate is not canonical.
pub(super) fn from_sum<C: Group>(bytes: &[u8]) -> Option<Affine<C>> {
    let mut coordinates = bytes.chunks_exact(C::COORDINATE);
    let mut coordinate = || C::coordinate(coordinates.next()?);
    let (x, y, zz, zzz) = (coordinate()?, coordinate()?, coordinate()?, coordinate()?);
    Some(match (zz.inverse(), zzz.inverse()) {
        (Some(zz), Some(zzz)) => Affine::new_unchecked(x * zz, y * zzz),
        _ => Affine::identity(),
    })
}

/// Each number becomes the sum of those before it.
fn scan(device: &Arc<Device>, numbers: &Memory, count: usize) -> Result<(), DeviceError> {
    let groups = count.div_ceil(SCANNED);
    let totals = device.allocate(4 * groups, true)?;
    let args = [Arg::Number(count as u32), Arg::Memory(numbers), Arg::Memory(&totals)];
    device.launch("scan", count, WIDE_GROUP, &args)?;
    if groups > 1 {
        scan(device, &totals, groups)?;
        device.launch("scan_add", count, WIDE_GROUP, &args)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_every_digit_and_grow_with_the_number_of_scalars() {
        let mut before = 0;
        for log in 0..=24 {
            let windows = Windows::for_uniform(1 << log);
            assert!(windows.bits * windows.count >= BITS && windows.bits >= before);
            before = windows.bits;
        }
        assert_eq!(before, MOST_BITS);
    }

    #[test]
    fn a_small_number_and_its_negative_are_equally_short() {
        for value in [0u64, 1, 5, u64::MAX] {
            let scalar = Fr::from(value);
            assert_eq!(bits_of_magnitude(&scalar), u64::BITS - value.leading_zeros());
            assert_eq!(bits_of_magnitude(&-scalar), bits_of_magnitude(&scalar));
        }
        assert_eq!(bits_of_magnitude(&(Fr::from(2u64).inverse().unwrap())), 253);
    }
}
