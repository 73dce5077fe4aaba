//! The place in the wasm where the validity key stands.
//!
//! ```text
//!   mark 32 │ length of the key, u32 little-endian │ key, padded with zeros to MAX_KEY_BYTES
//! ```
//!
//! The slot is a constant of the program, so it lies whole in the module's data section, and filling it changes
//! neither the length of any section nor an address. The padding costs what zeros cost: nothing, once the code is
//! compressed as relay chains accept it.

use alloc::vec::Vec;

use zkpov_verifier::key::{KeyError, KeyPolicy, MAX_KEY_BYTES, PreparedKey};

/// Bytes of [`MARK`].
pub const MARK_BYTES: usize = 32;

/// First bytes of the slot. They occur once in the wasm.
pub const MARK: [u8; MARK_BYTES] = *b"zkpov PVF: the validity key is:\0";

/// Bytes of the key's length.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Bytes of the slot.
pub const SLOT_BYTES: usize = MARK_BYTES + LENGTH_BYTES + MAX_KEY_BYTES;

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
    /// The slot declares a key longer than itself.
    #[error("the slot declares a key of {0} bytes, at most {MAX_KEY_BYTES} fit")]
    Length(usize),
    /// The key is none, or none that may be built in.
    #[error("validity key: {0}")]
    Key(#[from] KeyError),
}

/// The parts of a slot.
struct Slot<'a> {
    length: usize,
    key: &'a [u8],
}

impl<'a> Slot<'a> {
    /// `bytes` begin at the mark.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MARK)?;
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        Some(Self { length, key: rest.get(..MAX_KEY_BYTES)? })
    }

    /// The key; empty if nobody has put one in.
    fn key(&self) -> Result<&'a [u8], SlotError> {
        self.key.get(..self.length).ok_or(SlotError::Length(self.length))
    }
}

/// The key in a slot's bytes, from its mark on.
///
/// # Errors
///
/// Bytes that are no slot.
pub fn key_in(slot: &[u8]) -> Result<&[u8], SlotError> {
    Slot::read(slot).ok_or(SlotError::Slots { found: 0 })?.key()
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

/// The wasm with `key` in its slot, whatever was there: the validation code of the key's parachain.
///
/// # Errors
///
/// A wasm without a slot, or a key that `policy` does not accept: validators do not look at it again.
pub fn embed(wasm: &[u8], key: &[u8], policy: KeyPolicy) -> Result<Vec<u8>, SlotError> {
    PreparedKey::decode(key, policy)?;
    fill(wasm, key)
}

/// The wasm with nothing in its slot: equal for all codes that were made from one build.
///
/// # Errors
///
/// A wasm without a slot.
pub fn template_of(wasm: &[u8]) -> Result<Vec<u8>, SlotError> {
    fill(wasm, &[])
}

/// The key in a wasm's slot; `None` if nobody has put one in.
///
/// # Errors
///
/// A wasm without a slot.
pub fn embedded_key(wasm: &[u8]) -> Result<Option<&[u8]>, SlotError> {
    let slot = wasm.get(find(wasm)?..).ok_or(SlotError::Slots { found: 0 })?;
    let key = key_in(slot)?;
    Ok((!key.is_empty()).then_some(key))
}

fn fill(wasm: &[u8], key: &[u8]) -> Result<Vec<u8>, SlotError> {
    let at = find(wasm)?;
    let too_long = SlotError::Length(key.len());
    let length = u32::try_from(key.len()).map_err(|_| too_long)?;
    let padding = MAX_KEY_BYTES.checked_sub(key.len()).ok_or(too_long)?;
    let (before, slot) = wasm.split_at(at);
    let mut out = Vec::with_capacity(wasm.len());
    out.extend_from_slice(before);
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(key);
    out.resize(out.len() + padding, 0);
    out.extend_from_slice(slot.get(SLOT_BYTES..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key";

    fn wasm() -> Vec<u8> {
        [b"before".as_slice(), &MARK, &[0; SLOT_BYTES - MARK_BYTES], b"after"].concat()
    }

    #[test]
    fn a_key_put_in_is_found_and_taken_out_leaves_the_template() {
        assert_eq!(embedded_key(&wasm()), Ok(None));
        let filled = fill(&wasm(), KEY).unwrap();
        assert_eq!(filled.len(), wasm().len());
        assert_eq!(embedded_key(&filled), Ok(Some(KEY)));
        assert_eq!(template_of(&filled), Ok(wasm()));
        let refilled = fill(&fill(&wasm(), b"a longer key").unwrap(), KEY).unwrap();
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
    fn the_longest_key_fits_and_one_byte_more_does_not() {
        assert!(fill(&wasm(), &[1; MAX_KEY_BYTES]).is_ok());
        let long = [1; MAX_KEY_BYTES + 1];
        assert_eq!(fill(&wasm(), &long), Err(SlotError::Length(long.len())));
    }

    #[test]
    fn a_slot_that_declares_more_than_it_holds_is_refused() {
        let mut wasm = wasm();
        let at = find(&wasm).unwrap() + MARK_BYTES;
        wasm[at..at + LENGTH_BYTES].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(embedded_key(&wasm), Err(SlotError::Length(u32::MAX as usize)));
    }

    #[test]
    fn what_is_no_validity_key_is_not_built_in() {
        let policy = KeyPolicy { allow_dev_setup: true };
        assert!(matches!(embed(&wasm(), KEY, policy), Err(SlotError::Key(_))));
    }
}
