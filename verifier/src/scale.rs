//! Strict decoding of SCALE bytes that nobody vouches for.
//!
//! Encoding is `parity-scale-codec`'s. Decoding is a cursor written out here, because a relay
//! validator needs more of it than the derive gives: a limit at every list *before* memory is
//! taken, no second encoding of the same value, nothing left over, and an error that says which
//! field at which offset is wrong. Tests hold the two together: what this cursor accepts,
//! `parity-scale-codec` encodes back to the same bytes.

use alloc::vec::Vec;

use ark_bn254::Fr;
use thiserror::Error;

use crate::eddsa::{PublicKey, PublicKeyError, Signature, SignatureDecodeError};
use crate::field;

/// Bytes that are not the encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}: {cause}")]
pub struct DecodeError {
    /// The field being read.
    pub what: &'static str,
    /// Where that field begins, in bytes from the start of the input.
    pub offset: usize,
    /// What is wrong with it.
    pub cause: DecodeCause,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeCause {
    /// The input ends inside the field.
    #[error("needs {needed} bytes, {left} are left")]
    Truncated {
        /// Bytes (at least) the field still needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// The value is complete and bytes follow it.
    #[error("{left} bytes follow the end")]
    Trailing {
        /// Bytes that follow.
        left: usize,
    },
    /// The input is longer than anything of this kind may be.
    #[error("{length} bytes, at most {limit} are allowed")]
    TooLong {
        /// Length found.
        length: usize,
        /// Longest length allowed.
        limit: usize,
    },
    /// A list has more items than its limit.
    #[error("{count} items, at most {limit} are allowed")]
    TooMany {
        /// Items declared.
        count: usize,
        /// Most items allowed.
        limit: usize,
    },
    /// A list has fewer items than it must have.
    #[error("{count} items, at least {least} are required")]
    TooFew {
        /// Items declared.
        count: usize,
        /// Fewest items allowed.
        least: usize,
    },
    /// A compact integer in a longer form than its value needs.
    #[error("compact integer not in its shortest form")]
    CompactNotMinimal,
    /// A compact integer wider than its field: 32 bits, 128 where an amount stands.
    #[error("compact integer too wide")]
    CompactTooLarge,
    /// A field element that is not below the modulus.
    #[error("not a canonical field element: at or above the modulus")]
    FieldNotCanonical,
    /// The magic bytes are those of something else.
    #[error("not this kind of file: the magic bytes differ")]
    Magic,
    /// A version of the format that this verifier does not know.
    #[error("format version {found} is unknown, this verifier reads {known}")]
    Version {
        /// Version found.
        found: u8,
        /// Version this verifier reads.
        known: u8,
    },
    /// An enumeration's index that has no meaning.
    #[error("unknown variant {0}")]
    Variant(u8),
    /// Items that must strictly ascend do not.
    #[error("not strictly ascending")]
    Order,
    /// A number outside its range.
    #[error("{value} is outside {least}..={most}")]
    Range {
        /// Value found.
        value: u64,
        /// Least value allowed.
        least: u64,
        /// Greatest value allowed.
        most: u64,
    },
    /// Bytes that are no public key.
    #[error(transparent)]
    PublicKey(PublicKeyError),
    /// Bytes that are no signature.
    #[error(transparent)]
    Signature(SignatureDecodeError),
    /// Fixed bytes differ from what the format puts there.
    #[error("differs from the bytes the format fixes")]
    Fixed,
}

/// Result of reading a field.
pub(crate) type Read<T> = Result<T, DecodeError>;

/// A cursor over bytes that nobody vouches for.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`, which may be at most `limit` long.
    pub(crate) fn new(what: &'static str, bytes: &'a [u8], limit: usize) -> Read<Self> {
        let reader = Self { rest: bytes, length: bytes.len() };
        if bytes.len() > limit {
            let cause = DecodeCause::TooLong { length: bytes.len(), limit };
            return Err(DecodeError { what, offset: 0, cause });
        }
        Ok(reader)
    }

    /// Bytes read so far.
    pub(crate) fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Ends the reading: nothing may be left over.
    pub(crate) fn finish(self, what: &'static str) -> Read<()> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError { what, offset: self.offset(), cause: DecodeCause::Trailing { left } }),
        }
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, what: &'static str, count: usize) -> Read<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => {
                let cause = DecodeCause::Truncated { needed: count, left: self.rest.len() };
                Err(DecodeError { what, offset: self.offset(), cause })
            }
        }
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Read<[u8; N]> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => {
                let cause = DecodeCause::Truncated { needed: N, left: self.rest.len() };
                Err(DecodeError { what, offset: self.offset(), cause })
            }
        }
    }

    /// One byte.
    pub(crate) fn u8(&mut self, what: &'static str) -> Read<u8> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// Four bytes, little-endian.
    pub(crate) fn u32(&mut self, what: &'static str) -> Read<u32> {
        self.array::<4>(what).map(u32::from_le_bytes)
    }

    /// A SCALE compact integer of at most 32 bits, in its only (shortest) form.
    pub(crate) fn compact_u32(&mut self, what: &'static str) -> Read<u32> {
        let offset = self.offset();
        let fail = |cause| Err(DecodeError { what, offset, cause });
        let first = self.u8(what)?;
        let (value, least) = match first & 0b11 {
            0b00 => (u32::from(first >> 2), 0),
            0b01 => {
                let second = self.u8(what)?;
                (u32::from(u16::from_le_bytes([first, second]) >> 2), 1 << 6)
            }
            0b10 => {
                let [b, c, d] = self.array::<3>(what)?;
                (u32::from_le_bytes([first, b, c, d]) >> 2, 1 << 14)
            }
            // Big-integer mode: the upper six bits are the number of bytes less four.
            _ if first == 0b11 => (self.u32(what)?, 1 << 30),
            _ => return fail(DecodeCause::CompactTooLarge),
        };
        if value < least {
            return fail(DecodeCause::CompactNotMinimal);
        }
        Ok(value)
    }

    /// A SCALE compact integer of at most 128 bits, in its only (shortest) form.
    pub(crate) fn compact_u128(&mut self, what: &'static str) -> Read<u128> {
        let offset = self.offset();
        let fail = |cause| Err(DecodeError { what, offset, cause });
        match self.rest.first() {
            // Big-integer mode of more than four bytes: little-endian, the last not zero.
            Some(first) if first & 0b11 == 0b11 && *first != 0b11 => {
                self.take(what, 1)?;
                let mut bytes = [0; 16];
                let given = self.take(what, usize::from(first >> 2).saturating_add(4))?;
                let Some(to) = bytes.get_mut(..given.len()) else {
                    return fail(DecodeCause::CompactTooLarge);
                };
                to.copy_from_slice(given);
                match given.last() {
                    Some(0) => fail(DecodeCause::CompactNotMinimal),
                    _ => Ok(u128::from_le_bytes(bytes)),
                }
            }
            _ => self.compact_u32(what).map(u128::from),
        }
    }

    /// Bytes that are always these.
    pub(crate) fn literal(&mut self, what: &'static str, expected: &[u8]) -> Read<()> {
        let offset = self.offset();
        if self.take(what, expected.len())? != expected {
            return Err(DecodeError { what, offset, cause: DecodeCause::Fixed });
        }
        Ok(())
    }

    /// Whether everything is read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A list's length: between `least` and `limit`, and no more than the bytes that are left
    /// (every item has at least one), so that a declared length never takes memory of its own.
    pub(crate) fn count(&mut self, what: &'static str, least: usize, limit: usize) -> Read<usize> {
        let offset = self.offset();
        let fail = |cause| Err(DecodeError { what, offset, cause });
        let count = self.compact_u32(what)? as usize;
        if count > limit {
            return fail(DecodeCause::TooMany { count, limit });
        }
        if count < least {
            return fail(DecodeCause::TooFew { count, least });
        }
        if count > self.rest.len() {
            return fail(DecodeCause::Truncated { needed: count, left: self.rest.len() });
        }
        Ok(count)
    }

    /// A byte string of at most `limit` bytes.
    pub(crate) fn bytes(&mut self, what: &'static str, limit: usize) -> Read<Vec<u8>> {
        self.slice(what, limit).map(<[u8]>::to_vec)
    }

    /// A byte string of at most `limit` bytes, where it stands.
    pub(crate) fn slice(&mut self, what: &'static str, limit: usize) -> Read<&'a [u8]> {
        let count = self.count(what, 0, limit)?;
        self.take(what, count)
    }

    /// A list of at most `limit` items.
    pub(crate) fn list<T>(
        &mut self,
        what: &'static str,
        limit: usize,
        item: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        self.list_of(what, 0, limit, item)
    }

    /// A list of `least` to `limit` items.
    pub(crate) fn list_of<T>(
        &mut self,
        what: &'static str,
        least: usize,
        limit: usize,
        mut item: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let count = self.count(what, least, limit)?;
        (0..count).map(|_| item(self)).collect()
    }

    /// A list of at most `limit` items whose keys strictly ascend.
    pub(crate) fn ascending<T, K: Ord>(
        &mut self,
        what: &'static str,
        limit: usize,
        item: impl FnMut(&mut Self) -> Read<T>,
        key: impl Fn(&T) -> K,
    ) -> Read<Vec<T>> {
        let offset = self.offset();
        let items = self.list(what, limit, item)?;
        if !items.is_sorted_by(|a, b| key(a) < key(b)) {
            return Err(DecodeError { what, offset, cause: DecodeCause::Order });
        }
        Ok(items)
    }

    /// An optional item.
    pub(crate) fn option<T>(
        &mut self,
        what: &'static str,
        item: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        let offset = self.offset();
        match self.u8(what)? {
            0 => Ok(None),
            1 => item(self).map(Some),
            other => Err(DecodeError { what, offset, cause: DecodeCause::Variant(other) }),
        }
    }

    /// A canonical field element of 32 bytes, little-endian.
    pub(crate) fn field(&mut self, what: &'static str) -> Read<Fr> {
        let offset = self.offset();
        let bytes = self.array(what)?;
        field::decode(&bytes).map_err(|field::NonCanonical| DecodeError {
            what,
            offset,
            cause: DecodeCause::FieldNotCanonical,
        })
    }

    /// A public key of 64 bytes.
    pub(crate) fn public_key(&mut self, what: &'static str) -> Read<PublicKey> {
        let offset = self.offset();
        PublicKey::from_bytes(&self.array(what)?).map_err(|error| DecodeError {
            what,
            offset,
            cause: DecodeCause::PublicKey(error),
        })
    }

    /// A signature of 96 bytes.
    pub(crate) fn signature(&mut self, what: &'static str) -> Read<Signature> {
        let offset = self.offset();
        Signature::from_bytes(&self.array(what)?).map_err(|error| DecodeError {
            what,
            offset,
            cause: DecodeCause::Signature(error),
        })
    }

    /// Magic bytes and the version of a file format.
    pub(crate) fn preamble(&mut self, magic: &[u8; MAGIC_BYTES], version: u8) -> Read<()> {
        if &self.array::<MAGIC_BYTES>("magic bytes")? != magic {
            return Err(DecodeError { what: "magic bytes", offset: 0, cause: DecodeCause::Magic });
        }
        let found = self.u8("format version")?;
        if found != version {
            let cause = DecodeCause::Version { found, known: version };
            return Err(DecodeError { what: "format version", offset: MAGIC_BYTES, cause });
        }
        Ok(())
    }
}

/// Length of the magic bytes that open a file.
pub const MAGIC_BYTES: usize = 8;
