//! The place in the wasm where the validity key stands, and beside it what was computed of it.
//!
//! ```text
//!   mark 32 │ length of the key, u32 │ length of the prepared key, u32 │ key │ prepared key │ zeros
//! ```
//!
//! Numbers are little-endian. The slot is a constant of the program, so it lies whole in the module's data section, and
//! filling it changes neither the length of any section nor an address. The padding costs what zeros cost: nothing, once the
//! code is compressed as relay chains accept it.
//!
//! The prepared key ([`PreparedKey::encode_prepared`]) spares every execution the decompression of points, their subgroup
//! checks and a pairing for each tier. The running program trusts it, as it trusts its own instructions, and all of them are under
//! the hash that a relay chain registers. [`embed`] computes it, and [`check`] computes it again and compares.

use alloc::vec::Vec;

use zkpov_verifier::key::{KeyError, KeyPolicy, MAX_KEY_BYTES, MAX_PREPARED_BYTES, PreparedKey};

/// Bytes of [`MARK`].
pub const MARK_BYTES: usize = 32;

/// First bytes of the slot. They occur once in the wasm.
pub const MARK: [u8; MARK_BYTES] = *b"zkpov PVF: the validity key is:\0";

/// Bytes of a length.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Bytes for the key and the prepared key.
const ROOM: usize = MAX_KEY_BYTES + MAX_PREPARED_BYTES;

/// Bytes of the slot.
pub const SLOT_BYTES: usize = MARK_BYTES + 2 * LENGTH_BYTES + ROOM;

/// Why a key cannot be put into a wasm, or taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// The wasm has no slot, or more than one: it was not built by `scripts/pvf`.
    #[error(
        "{found} slots for a validity key in the wasm, one is needed: is it the PVF that scripts/pvf builds?"
    )]
    Slots {
        /// Slots found.
        found: usize,
    },
    /// The slot declares more bytes than it has.
    #[error("the slot declares {0} bytes, {ROOM} fit")]
    Length(usize),
    /// The key is none, or none that may be built in.
    #[error("validity key: {0}")]
    Key(#[from] KeyError),
    /// What stands beside the key is not what is computed of it: a verifier with this slot accepts other proofs than the
    /// key's. Do not register the code.
    #[error("the prepared key in the slot is not that of its validity key: do not register this code")]
    Prepared,
}

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents<'a> {
    /// The validity key; empty if nobody has put one in.
    pub key: &'a [u8],
    /// What was computed of it.
    pub prepared: &'a [u8],
}

impl<'a> Contents<'a> {
    /// Reads a slot whose mark `bytes` begin with.
    ///
    /// # Errors
    ///
    /// Bytes that are no slot.
    pub fn read(bytes: &'a [u8]) -> Result<Self, SlotError> {
        let (lengths, room) = Self::parts(bytes).ok_or(SlotError::Slots { found: 0 })?;
        let [key, prepared] = lengths.map(|length| u32::from_le_bytes(length) as usize);
        let too_long = SlotError::Length(key.saturating_add(prepared));
        let (key, rest) = room.split_at_checked(key).ok_or(too_long)?;
        Ok(Self { key, prepared: rest.get(..prepared).ok_or(too_long)? })
    }

    fn parts(bytes: &'a [u8]) -> Option<([[u8; LENGTH_BYTES]; 2], &'a [u8])> {
        let rest = bytes.strip_prefix(&MARK)?;
        let (key, rest) = rest.split_first_chunk()?;
        let (prepared, rest) = rest.split_first_chunk()?;
        Some(([*key, *prepared], rest.get(..ROOM)?))
    }

    fn of(wasm: &'a [u8]) -> Result<Self, SlotError> {
        Self::read(wasm.get(find(wasm)?..).unwrap_or_default())
    }
}

/// Where the slot begins in a wasm.
fn find(wasm: &[u8]) -> Result<usize, SlotError> {
    let mut places =
        wasm.windows(MARK_BYTES).enumerate().filter_map(|(at, window)| (window == MARK).then_some(at));
    match (places.next(), places.count()) {
        (Some(at), 0) if wasm.len() - at >= SLOT_BYTES => Ok(at),
        (Some(_), 0) | (None, _) => Err(SlotError::Slots { found: 0 }),
        (Some(_), more) => Err(SlotError::Slots { found: 1 + more }),
    }
}

/// The wasm with `key`, and what is computed of it, in its slot, whatever was there: the validation code of the key's
/// parachain.
///
/// # Errors
///
/// A wasm without a slot, or a key that `policy` does not accept: validators do not look at it again.
pub fn embed(wasm: &[u8], key: &[u8], policy: KeyPolicy) -> Result<Vec<u8>, SlotError> {
    let prepared = PreparedKey::decode(key, policy)?.encode_prepared();
    fill(wasm, Contents { key, prepared: &prepared })
}

/// Computes again what stands beside the key in a wasm's slot, and compares. What is in the code of others was put there by
/// others: look before such code is registered.
///
/// # Errors
///
/// A wasm without a slot or without a key, a key that is none, and a prepared key that is not the key's.
pub fn check(wasm: &[u8]) -> Result<PreparedKey, SlotError> {
    let Contents { key, prepared } = Contents::of(wasm)?;
    let computed = PreparedKey::decode(key, KeyPolicy { allow_dev_setup: true })?;
    if computed.encode_prepared() == prepared { Ok(computed) } else { Err(SlotError::Prepared) }
}

/// The wasm with nothing in its slot: equal for all codes that were made from one build.
///
/// # Errors
///
/// A wasm without a slot.
pub fn template_of(wasm: &[u8]) -> Result<Vec<u8>, SlotError> {
    fill(wasm, Contents { key: &[], prepared: &[] })
}

/// The key in a wasm's slot; `None` if nobody has put one in.
///
/// # Errors
///
/// A wasm without a slot.
pub fn embedded_key(wasm: &[u8]) -> Result<Option<&[u8]>, SlotError> {
    let key = Contents::of(wasm)?.key;
    Ok((!key.is_empty()).then_some(key))
}

fn fill(wasm: &[u8], contents: Contents<'_>) -> Result<Vec<u8>, SlotError> {
    let at = find(wasm)?;
    let Contents { key, prepared } = contents;
    let too_long = SlotError::Length(key.len().saturating_add(prepared.len()));
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| too_long);
    let (before, slot) = wasm.split_at(at);
    let mut out = Vec::with_capacity(wasm.len());
    out.extend_from_slice(before);
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length(key)?.to_le_bytes());
    out.extend_from_slice(&length(prepared)?.to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(prepared);
    if out.len() > at + SLOT_BYTES {
        return Err(too_long);
    }
    out.resize(at + SLOT_BYTES, 0);
    out.extend_from_slice(slot.get(SLOT_BYTES..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Contents<'_> = Contents { key: b"a key", prepared: b"of it" };
    const LONGER: Contents<'_> = Contents { key: b"a longer key", prepared: b"more of it" };

    fn wasm() -> Vec<u8> {
        [b"before".as_slice(), &MARK, &[0; SLOT_BYTES - MARK_BYTES], b"after"].concat()
    }

    #[test]
    fn a_key_put_in_is_found_and_taken_out_leaves_the_template() {
        assert_eq!(embedded_key(&wasm()), Ok(None));
        let filled = fill(&wasm(), KEY).unwrap();
        assert_eq!(filled.len(), wasm().len());
        assert_eq!(embedded_key(&filled), Ok(Some(KEY.key)));
        assert_eq!(Contents::of(&filled), Ok(KEY));
        assert_eq!(template_of(&filled), Ok(wasm()));
        let refilled = fill(&fill(&wasm(), LONGER).unwrap(), KEY).unwrap();
        assert_eq!(refilled, filled);
    }

    #[test]
    fn nothing_but_the_slot_changes() {
        let filled = fill(&wasm(), KEY).unwrap();
        assert!(filled.starts_with(b"before") && filled.ends_with(b"after"));
    }

    #[test]
    fn a_wasm_with_no_slot_two_slots_or_half_a_slot_is_refused() {
        assert_eq!(fill(b"\0asm", KEY), Err(SlotError::Slots { found: 0 }));
        let two = [wasm(), wasm()].concat();
        assert_eq!(fill(&two, KEY), Err(SlotError::Slots { found: 2 }));
        assert_eq!(fill(&wasm()[..SLOT_BYTES], KEY), Err(SlotError::Slots { found: 0 }));
    }

    #[test]
    fn the_longest_contents_fit_and_one_byte_more_does_not() {
        let key = [1; MAX_KEY_BYTES];
        let prepared = [2; MAX_PREPARED_BYTES + 1];
        let (longest, _) = prepared.split_at(MAX_PREPARED_BYTES);
        assert!(fill(&wasm(), Contents { key: &key, prepared: longest }).is_ok());
        let long = Contents { key: &key, prepared: &prepared };
        assert_eq!(fill(&wasm(), long), Err(SlotError::Length(ROOM + 1)));
    }

    #[test]
    fn a_slot_that_declares_more_than_it_holds_is_refused() {
        let mut wasm = wasm();
        let at = find(&wasm).unwrap() + MARK_BYTES;
        wasm[at..at + LENGTH_BYTES].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(embedded_key(&wasm), Err(SlotError::Length(u32::MAX as usize)));
        wasm[at..at + LENGTH_BYTES].fill(0);
        let (_, prepared) = wasm[at..].split_at_mut(LENGTH_BYTES);
        prepared[..LENGTH_BYTES].copy_from_slice(&(ROOM as u32 + 1).to_le_bytes());
        assert_eq!(embedded_key(&wasm), Err(SlotError::Length(ROOM + 1)));
    }

    #[test]
    fn what_is_no_validity_key_is_not_built_in() {
        let policy = KeyPolicy { allow_dev_setup: true };
        assert!(matches!(embed(&wasm(), KEY.key, policy), Err(SlotError::Key(_))));
    }
}
