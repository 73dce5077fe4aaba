//! The quotient on the device: six transforms in three passes over the memory, or two more for every ten levels above twenty.

use ark_bn254::Fr;
use ark_ff::{FftField, Field};
use std::sync::Arc;

use super::driver::{Arg, Device, GROUP, Memory, WIDE_GROUP};
use super::encode;
use crate::device::DeviceError;
use crate::encoding::FIELD_BYTES;

/// Levels that a group does in its local memory: `LOG_TILE` of the kernels.
const LOG_TILE: u32 = 10;
/// a, b and c.
const TRANSFORMED: usize = 3;

/// The factors of the transforms of one length.
#[derive(Debug)]
pub(super) struct Factors {
    log_length: u32,
    inverse: Memory,
    odd: Memory,
    /// 1 / n.
    scale: Memory,
}

impl Factors {
    /// For transforms of 2^`log_length` values. The field has roots of unity up to 2^27 for the doubled length.
    pub(super) fn new(device: &Arc<Device>, log_length: u32) -> Result<Self, DeviceError> {
        let length = 1usize << log_length;
        let no_root = || DeviceError::Driver { what: "a transform", code: "no roots of unity".to_owned() };
        let root = Fr::get_root_of_unity(2 * length as u64).ok_or_else(no_root)?;
        let inverse_root = root.square().inverse().ok_or_else(no_root)?;
        let powers = |base: Fr| {
            let squares = core::iter::successors(Some(base), |power| Some(power.square()));
            device.upload(&encode(squares.take(log_length as usize + 2)), false)
        };
        let scale = Fr::from(length as u64).inverse().ok_or_else(no_root)?;
        let factors = Self {
            log_length,
            inverse: device.allocate(FIELD_BYTES * (length / 2), false)?,
            odd: device.allocate(FIELD_BYTES * length, false)?,
            scale: device.upload(&encode([scale].into_iter()), false)?,
        };
        let (inverse_powers, powers) = (powers(inverse_root)?, powers(root)?);
        let args = [
            Arg::Number(log_length),
            Arg::Memory(&inverse_powers),
            Arg::Memory(&powers),
            Arg::Memory(&factors.inverse),
            Arg::Memory(&factors.odd),
        ];
        device.launch("transform_factors", length, GROUP, &args)?;
        Ok(factors)
    }

    /// Values of a vector.
    pub(super) fn length(&self) -> usize {
        1 << self.log_length
    }
}

/// The values of a b - c on the odd points, of a and b with these rows on the domain and c = a ∘ b. They are the first of what the
/// memory holds, one for each row.
pub(super) fn quotient(
    device: &Arc<Device>,
    factors: &Factors,
    a: &[Fr],
    b: &[Fr],
) -> Result<Memory, DeviceError> {
    let length = factors.length();
    if a.len() != length || b.len() != length {
        return Err(DeviceError::Driver { what: "a transform", code: "another length".to_owned() });
    }
    let bytes = FIELD_BYTES * length;
    let values = device.allocate(TRANSFORMED * bytes, true)?;
    super::write_elements(device, &values, 0, a)?;
    super::write_elements(device, &values, bytes, b)?;
    let count = Arg::Number(length as u32);
    device.launch("products", length, GROUP, &[count, Arg::Memory(&values)])?;
    to_odd_points(device, factors, &values, TRANSFORMED)?;
    device.launch("quotient", length, GROUP, &[count, Arg::Memory(&values), Arg::Memory(&factors.scale)])?;
    Ok(values)
}

/// Both transforms of `vectors` vectors that lie one after another. The values are n times those on the odd points.
pub(super) fn to_odd_points(
    device: &Arc<Device>,
    factors: &Factors,
    values: &Memory,
    vectors: usize,
) -> Result<(), DeviceError> {
    let log_length = factors.log_length;
    let inner = log_length.min(LOG_TILE);
    let passes = outer_passes(log_length - inner);
    let all = vectors << log_length;
    let groups_to_threads = |log_group: u32| (all >> log_group) * WIDE_GROUP as usize;
    let (values, inverse, odd) =
        (Arg::Memory(values), Arg::Memory(&factors.inverse), Arg::Memory(&factors.odd));
    let mut level = 0;
    for &levels in &passes {
        let numbers = [log_length, level, levels, LOG_TILE - levels].map(Arg::Number);
        let args = [&numbers[..], &[values, inverse]].concat();
        device.launch("inward", groups_to_threads(LOG_TILE), WIDE_GROUP, &args)?;
        level += levels;
    }
    let args = [Arg::Number(log_length), Arg::Number(inner), values, inverse, odd];
    device.launch("across", groups_to_threads(inner), WIDE_GROUP, &args)?;
    let mut log_half = inner;
    for &levels in passes.iter().rev() {
        let numbers = [log_half, levels, LOG_TILE - levels].map(Arg::Number);
        let args = [&numbers[..], &[values, odd]].concat();
        device.launch("outward", groups_to_threads(LOG_TILE), WIDE_GROUP, &args)?;
        log_half += levels;
    }
    Ok(())
}

/// The levels of each pass over columns: at most a tile's, as even as can be, so that tiles are as many columns wide as can be.
fn outer_passes(levels: u32) -> Vec<u32> {
    let passes = levels.div_ceil(LOG_TILE);
    (0..passes).map(|pass| (levels + pass) / passes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_have_all_the_levels_and_none_more_than_a_tile() {
        for levels in 0..=17 {
            let passes = outer_passes(levels);
            assert_eq!(passes.iter().sum::<u32>(), levels);
            assert!(passes.iter().all(|levels| (1..=LOG_TILE).contains(levels)));
            assert_eq!(passes.len(), (levels as usize).div_ceil(LOG_TILE as usize));
        }
    }
}
