//! The 32 bytes that name a recipient on another chain.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use serde_json::Value as Json;
use zkpov_verifier::{
    eddsa::PublicKey,
    field::{Fr, limbs_of_hash},
};

use crate::{
    hint,
    integer::to_u128,
    runtime::messages::bytes_of_limbs,
    state::{Atoms, Fields, Label, Layout, Value, WHOLE},
};

/// A packed key, or any 32 bytes that are an account of the other chain.
///
/// In a circuit two limbs, which are held to nothing here: the outbox root is the verifier's of a message's bytes, and so are they.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, codec::Encode, codec::Decode)]
pub struct Recipient(pub [u8; 32]);

impl From<&PublicKey> for Recipient {
    fn from(key: &PublicKey) -> Self {
        Self(key.point().pack())
    }
}

impl Value for Recipient {
    type Var = [FpVar<Fr>; 2];

    fn widths() -> Vec<usize> {
        vec![WHOLE; 2]
    }

    fn elements(&self) -> Vec<Fr> {
        limbs_of_hash(self.0).to_vec()
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [low, high] => Some(Self(bytes_of_limbs([to_u128(low)?, to_u128(high)?]))),
            _ => None,
        }
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        _: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<[FpVar<Fr>; 2]> {
        let limb = |i| hint::field(cs, label.variable, || fields.get(i));
        Ok([limb(0)?, limb(1)?])
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<[FpVar<Fr>; 2]> {
        Ok([atom(WHOLE, fields.get(0))?, atom(WHOLE, fields.get(1))?])
    }

    fn variables(value: &[FpVar<Fr>; 2]) -> Vec<FpVar<Fr>> {
        value.to_vec()
    }

    fn to_json(&self) -> Json {
        format!("0x{}", hex::encode(self.0)).into()
    }

    /// `"0x"` and 64 hexadecimal digits, or a key as `{"x": "…", "y": "…"}`.
    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let Some(text) = json.as_str() else { return PublicKey::from_json(json).map(|key| Self::from(&key)) };
        let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not \"0x\" and 64 hexadecimal digits, nor a key"))
    }
}
