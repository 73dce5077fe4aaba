//! The body: what anyone needs to rebuild the state after a block from the state before it.
//!
//! ```text
//!   lane 0                       lane 1            …
//!   ├ used slot 0: e0 e1 …       ├ used slot 0: …        bytes: used slots only, each element in
//!   ├ used slot 1: e0 e1 …       └ …                     its lane's width, little-endian
//!   └ (unused slots: nothing)
//!
//!   root = chain(tag, tier, used[0..16], every slot of every lane: its elements, zero if unused)
//! ```
//!
//! The encoding is injective: tier and used slots (hence the length) are hashed with the elements,
//! every element has one encoding, and nothing is left over. So one root stands for one body.
//!
//! A *private* body is encrypted in the circuit. Here it is a nonce and 32-byte elements, of which a body of a tier has always the same
//! number, whatever its slots hold: every slot counts as used, and which are is the first encrypted element.
//!
//! ```text
//!   nonce, encrypted: number of used slots of each lane, every slot of every lane
//! ```

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use thiserror::Error;

use crate::field::{self, domain};
use crate::lane::{Lane, MAX_ELEMENT_BYTES, MAX_LANES, TierId};
use crate::poseidon;

/// First element of a body's chain.
pub const BODY_DOMAIN: Fr = domain("zkpov/body/1");

/// Most elements of a tier's full body: what bounds the hashing of a validator (about 2,200
/// Poseidon calls).
pub const MAX_BODY_ELEMENTS: usize = 1 << 15;

/// Who can read a chain's bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyFormat {
    /// Everybody.
    Public,
    /// Whoever holds the chain's key: the body is encrypted in the circuit.
    Private,
}

impl BodyFormat {
    /// Elements of a body before those of its slots: of a private one the nonce and the numbers of used slots.
    pub const fn leading_elements(self) -> usize {
        match self {
            Self::Public => 0,
            Self::Private => 2,
        }
    }
}

/// Bytes of a body, or a shape, that a tier does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The list of used slots is not one entry for each of the tier's lanes.
    #[error("used slots are listed for {found} lanes, the tier has {expected}")]
    LaneCount {
        /// Entries found.
        found: usize,
        /// The tier's lanes.
        expected: usize,
    },
    /// A lane uses more slots than it has.
    #[error("lane {lane} uses {used} slots, its capacity is {capacity}")]
    Capacity {
        /// The lane.
        lane: usize,
        /// Slots used.
        used: u32,
        /// Slots there are.
        capacity: u32,
    },
    /// A private body does not count all of a lane's slots as used.
    #[error("a private body counts all {capacity} slots of lane {lane} as used, this one {used}")]
    Uncovered {
        /// The lane.
        lane: usize,
        /// Slots counted as used.
        used: u32,
        /// Slots there are.
        capacity: u32,
    },
    /// The lanes' slots together are more than any tier may have.
    #[error("a full body would have more than {MAX_BODY_ELEMENTS} elements")]
    TooManyElements,
    /// The body is not as long as its used slots say.
    #[error("body of {found} bytes, its used slots take {expected}")]
    Length {
        /// Length found.
        found: usize,
        /// Length the used slots give.
        expected: usize,
    },
    /// An element of 32 bytes is not below the modulus.
    #[error("body element {index}, at byte {offset}, is not a canonical field element")]
    ElementNotCanonical {
        /// Which of the body's elements.
        index: usize,
        /// Where it begins.
        offset: usize,
    },
    /// An element is wider than its lane allows (when encoding).
    #[error("body element {index} does not fit {width} bytes")]
    ElementTooWide {
        /// Which of the body's elements.
        index: usize,
        /// Bytes it should fit.
        width: u8,
    },
    /// The number of elements is not what the used slots give (when encoding).
    #[error("body of {found} elements, its used slots take {expected}")]
    ElementCount {
        /// Elements found.
        found: usize,
        /// Elements the used slots give.
        expected: usize,
    },
}

/// The shape of one block's body: a tier's lanes, and how many slots of each are used.
#[derive(Clone, Copy, Debug)]
pub struct BodyLayout<'a> {
    format: BodyFormat,
    tier: TierId,
    lanes: &'a [Lane],
    used_slots: &'a [u32],
}

impl<'a> BodyLayout<'a> {
    /// The layout of a block of `tier` that uses `used_slots` of `lanes`.
    ///
    /// # Errors
    ///
    /// A used-slot list that is not one entry for each lane, a lane used beyond its capacity or, in a private body, below it, or
    /// lanes that no tier may have (more than [`MAX_LANES`], or [`MAX_BODY_ELEMENTS`] exceeded).
    pub fn new(
        format: BodyFormat,
        tier: TierId,
        lanes: &'a [Lane],
        used_slots: &'a [u32],
    ) -> Result<Self, BodyError> {
        if lanes.len() != used_slots.len() || lanes.len() > MAX_LANES {
            let (found, expected) = (used_slots.len(), lanes.len().min(MAX_LANES));
            return Err(BodyError::LaneCount { found, expected });
        }
        if !matches!(full_elements(format, lanes), Some(count) if count <= MAX_BODY_ELEMENTS) {
            return Err(BodyError::TooManyElements);
        }
        for (lane, (shape, &used)) in lanes.iter().zip(used_slots).enumerate() {
            let capacity = shape.capacity;
            if used > capacity {
                return Err(BodyError::Capacity { lane, used, capacity });
            }
            if format == BodyFormat::Private && used < capacity {
                return Err(BodyError::Uncovered { lane, used, capacity });
            }
        }
        Ok(Self { format, tier, lanes, used_slots })
    }

    /// Used slots of each lane, padded with zeros to [`MAX_LANES`].
    pub fn padded_used_slots(&self) -> [u32; MAX_LANES] {
        let mut padded = [0; MAX_LANES];
        padded.iter_mut().zip(self.used_slots).for_each(|(slot, &used)| *slot = used);
        padded
    }

    /// Widths in bytes of the body's elements, in order.
    fn widths(&self) -> impl Iterator<Item = u8> + '_ {
        let of_slot = |lane: &'a Lane| lane.element_bytes.iter().map(|width| self.width(*width));
        let leading = core::iter::repeat_n(MAX_ELEMENT_BYTES, self.format.leading_elements());
        let lanes = self.lanes.iter().zip(self.used_slots);
        leading.chain(lanes.flat_map(move |(lane, &used)| (0..used).flat_map(move |_| of_slot(lane))))
    }

    /// Width in bytes of an element that has `plain` bytes in a public body.
    fn width(&self, plain: u8) -> u8 {
        match self.format {
            BodyFormat::Public => plain,
            BodyFormat::Private => MAX_ELEMENT_BYTES,
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        let per_lane = self.lanes.iter().zip(self.used_slots);
        let slots: usize = per_lane.map(|(lane, &used)| lane.element_bytes.len() * used as usize).sum();
        self.format.leading_elements() + slots
    }

    /// Length of the body in bytes.
    pub fn byte_length(&self) -> usize {
        match self.format {
            BodyFormat::Public => {
                let per_lane = self.lanes.iter().zip(self.used_slots);
                per_lane.map(|(lane, &used)| lane.slot_bytes() * used as usize).sum()
            }
            BodyFormat::Private => self.elements() * usize::from(MAX_ELEMENT_BYTES),
        }
    }

    /// The elements: those that lead, then those of the used slots, lane by lane, slot by slot.
    ///
    /// # Errors
    ///
    /// A length other than [`Self::byte_length`], or a 32-byte element at or above the modulus.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Fr>, BodyError> {
        let expected = self.byte_length();
        let wrong_length = BodyError::Length { found: bytes.len(), expected };
        if bytes.len() != expected {
            return Err(wrong_length);
        }
        let mut elements = Vec::with_capacity(self.elements());
        let mut rest = bytes;
        for (index, width) in self.widths().enumerate() {
            let offset = expected.saturating_sub(rest.len());
            let (taken, left) = rest.split_at_checked(width.into()).ok_or(wrong_length)?;
            rest = left;
            let mut padded = [0; field::ENCODED_LEN];
            padded.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
            let not_canonical = |_| BodyError::ElementNotCanonical { index, offset };
            elements.push(field::decode(&padded).map_err(not_canonical)?);
        }
        Ok(elements)
    }

    /// The bytes of a body with these elements in its used slots. Inverse of [`Self::decode`].
    ///
    /// # Errors
    ///
    /// A number of elements other than [`Self::elements`], or an element that does not fit its
    /// width.
    pub fn encode(&self, elements: &[Fr]) -> Result<Vec<u8>, BodyError> {
        self.expect_count(elements)?;
        let mut bytes = Vec::with_capacity(self.byte_length());
        for (index, (element, width)) in elements.iter().zip(self.widths()).enumerate() {
            let encoded = field::encode(element);
            match encoded.split_at_checked(width.into()) {
                Some((low, high)) if high.iter().all(|&byte| byte == 0) => bytes.extend(low),
                _ => return Err(BodyError::ElementTooWide { index, width }),
            }
        }
        Ok(bytes)
    }

    /// The body root: the Poseidon chain of tag, tier, used slots, and every slot's elements
    /// (zero in unused slots).
    ///
    /// # Errors
    ///
    /// A number of elements other than [`Self::elements`].
    pub fn root(&self, elements: &[Fr]) -> Result<Fr, BodyError> {
        self.expect_count(elements)?;
        let mut chain = Vec::with_capacity(2 + MAX_LANES + MAX_BODY_ELEMENTS.min(1 << 10));
        chain.push(BODY_DOMAIN);
        chain.push(Fr::from(self.tier.0));
        chain.extend(self.padded_used_slots().map(Fr::from));
        let mut elements = elements.iter();
        chain.extend(elements.by_ref().take(self.format.leading_elements()));
        for (lane, &used) in self.lanes.iter().zip(self.used_slots) {
            let width = lane.element_bytes.len();
            let unused = width * lane.capacity.saturating_sub(used) as usize;
            chain.extend(elements.by_ref().take(width * used as usize));
            chain.extend(core::iter::repeat_n(Fr::ZERO, unused));
        }
        Ok(poseidon::chain(&chain))
    }

    fn expect_count(&self, elements: &[Fr]) -> Result<(), BodyError> {
        let (found, expected) = (elements.len(), self.elements());
        if found != expected {
            return Err(BodyError::ElementCount { found, expected });
        }
        Ok(())
    }
}

/// Elements of a full body of these lanes; `None` when the count overflows.
pub fn full_elements(format: BodyFormat, lanes: &[Lane]) -> Option<usize> {
    lanes.iter().try_fold(format.leading_elements(), |sum, lane| {
        sum.checked_add(lane.element_bytes.len().checked_mul(lane.capacity.try_into().ok()?)?)
    })
}

/// Bytes of a full body of these lanes; `None` when the count overflows.
pub fn full_bytes(format: BodyFormat, lanes: &[Lane]) -> Option<usize> {
    if format == BodyFormat::Private {
        return full_elements(format, lanes)?.checked_mul(MAX_ELEMENT_BYTES.into());
    }
    lanes.iter().try_fold(0usize, |sum, lane| {
        sum.checked_add(lane.slot_bytes().checked_mul(lane.capacity.try_into().ok()?)?)
    })
}
