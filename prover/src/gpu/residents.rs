//! The points of a key that stay on the device from one proof to the next.

use core::num::NonZero;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use super::GpuError;
use super::driver::{Device, Memory};
use crate::encoding::{Encoding, FIELD_BYTES};
use crate::key::{KeyError, ProvingKey, Section};
use ark_bn254::Fq;

/// Sections of one key.
#[derive(Debug, Default)]
pub(super) struct Residents {
    key: Option<[u8; 32]>,
    sections: BTreeMap<Section, Arc<Memory>>,
}

impl Residents {
    /// Forgets another key's sections.
    pub(super) fn make_room_for(&mut self, key: &ProvingKey) {
        let identity = key.identity();
        if self.key != Some(identity) {
            self.sections.clear();
            self.key = Some(identity);
        }
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        self.sections.clear();
    }

    /// The points of a section, if they are on the device or fit there beside what a multiplication needs: half of the memory is
    /// left to it.
    ///
    /// Coordinates are compared with the modulus when they are copied; a section that does not stay is compared each time.
    pub(super) fn points(
        &mut self,
        device: &Arc<Device>,
        key: &ProvingKey,
        section: Section,
    ) -> Result<Option<Arc<Memory>>, GpuError> {
        if let Some(memory) = self.sections.get(&section) {
            return Ok(Some(Arc::clone(memory)));
        }
        let bytes = key.section(section);
        check_coordinates(section, bytes)?;
        let length = bytes.len() as u64;
        if length > device.info().largest_allocation || 2 * length > device.free_memory() {
            return Ok(None);
        }
        self.keep(device, section, bytes).map(Some)
    }

    /// An index list, which a device has whole.
    pub(super) fn indices(
        &mut self,
        device: &Arc<Device>,
        key: &ProvingKey,
        section: Section,
    ) -> Result<Arc<Memory>, GpuError> {
        if let Some(memory) = self.sections.get(&section) {
            return Ok(Arc::clone(memory));
        }
        // The device does not look whether an index leads out of the assignment. A copy is looked at and sent: the file may change.
        let variables = key.num_instance() + key.num_witness();
        let indices = key.indices(section).to_vec();
        if let Some(index) = indices.iter().position(|&index| index as usize >= variables) {
            return Err(KeyError::Index { section, index }.into());
        }
        let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
        self.keep(device, section, &bytes)
    }

    fn keep(
        &mut self,
        device: &Arc<Device>,
        section: Section,
        bytes: &[u8],
    ) -> Result<Arc<Memory>, GpuError> {
        let memory = Arc::new(device.upload(bytes, false)?);
        self.sections.insert(section, Arc::clone(&memory));
        Ok(memory)
    }
}

/// Compares every coordinate with the modulus, over all cores: by threads of its own, since the lock of the device is held, and a
/// thread of rayon's that waits may take up another proof, which waits for the lock.
fn check_coordinates(section: Section, bytes: &[u8]) -> Result<(), KeyError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let items = (bytes.len() / FIELD_BYTES).div_ceil(threads).max(1);
    let first_bad = thread::scope(|scope| {
        let parts: Vec<_> = bytes
            .chunks(items * FIELD_BYTES)
            .map(|part| {
                scope.spawn(|| part.chunks_exact(FIELD_BYTES).position(|bytes| Fq::decode(bytes).is_none()))
            })
            .collect();
        let found = parts.into_iter().map(|part| part.join().unwrap_or(Some(0)));
        found.enumerate().find_map(|(part, at)| at.map(|at| part * items + at))
    });
    let coordinates = if section == Section::BG2 { 4 } else { 2 };
    first_bad.map_or(Ok(()), |at| Err(KeyError::NotReduced { section, index: at / coordinates }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_that_is_not_below_the_modulus_is_found_wherever_it_is() {
        let mut bytes = vec![0; 37 * 2 * FIELD_BYTES];
        check_coordinates(Section::A, &bytes).unwrap();
        for point in [0, 1, 17, 36] {
            bytes[point * 2 * FIELD_BYTES + FIELD_BYTES - 1] = 0xff;
            let error = check_coordinates(Section::A, &bytes).unwrap_err();
            assert!(matches!(error, KeyError::NotReduced { index, .. } if index == point), "{error}");
            bytes[point * 2 * FIELD_BYTES + FIELD_BYTES - 1] = 0;
        }
    }
}
