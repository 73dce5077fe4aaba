//! What an asset is called.

use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use serde_json::Value as Json;
use zkpov_verifier::field::Fr;

use crate::{
    FpVar,
    gadgets::range::U64,
    state::{Atoms, Fields, Label, Layout, Value},
};

/// What JSON begins a symbol with that is not letters and digits.
const HEXADECIMAL: &str = "0x";

/// Up to eight letters and digits, the first in the lowest byte, zeros behind them. A chain does not look at it: whatever has
/// 64 bits is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, codec::Encode, codec::Decode)]
pub struct Symbol(pub u64);

impl Symbol {
    /// The symbol of one to eight ASCII letters and digits.
    pub fn new(letters: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..letters.len())?.copy_from_slice(letters.as_bytes());
        let is_sound = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_sound.then_some(Self(u64::from_le_bytes(bytes)))
    }
}

impl core::fmt::Display for Symbol {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let bytes = self.0.to_le_bytes();
        let letters = String::from_utf8_lossy(&bytes);
        let letters = letters.trim_end_matches('\0');
        if Self::new(letters) == Some(*self) {
            f.write_str(letters)
        } else {
            write!(f, "{HEXADECIMAL}{:016x}", self.0)
        }
    }
}

impl Value for Symbol {
    type Var = U64;

    fn widths() -> Vec<usize> {
        u64::widths()
    }

    fn elements(&self) -> Vec<Fr> {
        self.0.elements()
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        u64::from_elements(elements).map(Self)
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, layout: &Layout, label: Label, fields: Fields<'_>) -> Result<U64> {
        u64::hint(cs, layout, label, fields)
    }

    fn assume(layout: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<U64> {
        u64::assume(layout, fields, atom)
    }

    fn variables(value: &U64) -> Vec<FpVar<Fr>> {
        u64::variables(value)
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let refuse = || format!("{json} is not one to eight letters and digits");
        let text = json.as_str().ok_or_else(refuse)?;
        match text.strip_prefix(HEXADECIMAL).filter(|digits| digits.len() == 16) {
            Some(digits) => u64::from_str_radix(digits, 16).map(Self).map_err(|error| error.to_string()),
            None => Self::new(text).ok_or_else(refuse),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn json_of_any_symbol_says_which(number: u64, letters in "[A-Za-z0-9]{1,8}") {
            prop_assert_eq!(Symbol::from_json(&Symbol(number).to_json()), Ok(Symbol(number)));
            let named = Symbol::new(&letters).expect("letters");
            prop_assert_eq!(named.to_string(), letters);
            prop_assert_eq!(Symbol::from_json(&named.to_json()), Ok(named));
        }
    }

    #[test]
    fn what_is_not_letters_and_digits_is_no_symbol() {
        for other in ["", "ninechars", "a b", "é", "a\0"] {
            assert_eq!(Symbol::new(other), None, "{other:?}");
        }
    }
}
