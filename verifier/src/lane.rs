//! Lanes and tiers: the shape of a block.
//!
//! A block is not a list of any-calls: it has *lanes*, each with a fixed number of slots of one
//! call kind. A chain has a few capacity *tiers*; each tier is one circuit with its own lanes.

use alloc::vec::Vec;
use core::fmt;

use codec::Encode;

use crate::scale::{DecodeCause, DecodeError, Read, Reader};

/// Most lanes of a tier; the statement's list of used slots is padded to this many.
pub const MAX_LANES: usize = 16;

/// Most slots of one lane.
pub const MAX_LANE_CAPACITY: u32 = 1 << 16;

/// Most body elements of one slot.
pub const MAX_SLOT_ELEMENTS: usize = 64;

/// Length in bytes of the widest body element: a field element.
pub const MAX_ELEMENT_BYTES: u8 = 32;

/// A capacity tier of a chain, named by the base-2 logarithm of its evaluation domain: 17, 18,
/// 20. 0 is no tier; only a genesis head carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct TierId(pub u8);

impl TierId {
    /// The tier of a genesis head, which no circuit made.
    pub const GENESIS: Self = Self(0);

    /// Largest tier: the two-adicity of BN254's scalar field, hence its largest domain.
    pub const MAX: Self = Self(28);
}

impl fmt::Display for TierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One lane: `capacity` slots of one call kind; none in a tier that takes no such calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode)]
pub struct Lane {
    /// The call kind its slots take.
    pub call: u8,
    /// Number of slots, up to [`MAX_LANE_CAPACITY`]; 0 where a tier does without the call.
    pub capacity: u32,
    /// Width in bytes (1 to 32) of each element that a used slot puts into the body; at most
    /// [`MAX_SLOT_ELEMENTS`]. Empty for calls that leave nothing there.
    pub element_bytes: Vec<u8>,
}

impl Lane {
    /// Bytes a used slot takes in the body.
    pub fn slot_bytes(&self) -> usize {
        self.element_bytes.iter().map(|&width| usize::from(width)).sum()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let call = reader.u8("lane call kind")?;
        let offset = reader.offset();
        let capacity = reader.u32("lane capacity")?;
        in_range("lane capacity", offset, capacity, 0, MAX_LANE_CAPACITY)?;
        let element_bytes = reader.list("lane element widths", MAX_SLOT_ELEMENTS, |reader| {
            let offset = reader.offset();
            let width = reader.u8("body element width")?;
            in_range("body element width", offset, width, 1, MAX_ELEMENT_BYTES)?;
            Ok(width)
        })?;
        Ok(Self { call, capacity, element_bytes })
    }
}

/// Refuses a `value` outside `least..=most`.
pub(crate) fn in_range<T: Into<u64> + Copy>(
    what: &'static str,
    offset: usize,
    value: T,
    least: T,
    most: T,
) -> Read<()> {
    let (value, least, most) = (value.into(), least.into(), most.into());
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(DecodeError { what, offset, cause: DecodeCause::Range { value, least, most } })
}
