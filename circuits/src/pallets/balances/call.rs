//! The pallet's calls as users write and sign them.

use codec::{DecodeAll, Encode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zkpov_verifier::{
    babyjubjub::Point,
    eddsa::{PublicKey, Signature},
    field::domain,
    field::{Fr, limbs_of_hash},
    poseidon,
    statement::ChainIdentity,
};

use super::{
    ledger::Movement,
    state::{BALANCE_BITS, FEE_BITS, NONCE_BITS},
};
use crate::{
    decimal::{self, FieldElement},
    integer::{field_to_scalar, pack, scalar_to_field, unpack},
    keys::SecretKey,
    runtime::ExtrinsicError,
};

/// Bits of an account index.
pub const INDEX_BITS: u32 = 24;

/// Tag of a chain's signing domain.
pub const CHAIN_TAG: &str = "zkpov/chain/1";

/// Where the header of a signed message packs the sender: above the call kind.
pub const HEADER_SENDER_SHIFT: u32 = 8;
/// The nonce: above the sender, which has 32 bits there.
pub const HEADER_NONCE_SHIFT: u32 = HEADER_SENDER_SHIFT + 32;
/// The expiry: above the nonce.
pub const HEADER_EXPIRY_SHIFT: u32 = HEADER_NONCE_SHIFT + NONCE_BITS;
/// The fee: above the expiry.
pub const HEADER_FEE_SHIFT: u32 = HEADER_EXPIRY_SHIFT + NONCE_BITS;

/// Where a body element packs the receiver: above the sender.
pub const BODY_RECEIVER_SHIFT: u32 = INDEX_BITS;
/// The amount: above the receiver.
pub const BODY_AMOUNT_SHIFT: u32 = BODY_RECEIVER_SHIFT + INDEX_BITS;
/// The fee: above the amount.
pub const BODY_FEE_SHIFT: u32 = BODY_AMOUNT_SHIFT + BALANCE_BITS;

/// Bytes of the packed body element.
pub const BODY_ELEMENT_BYTES: u8 = ((BODY_FEE_SHIFT + FEE_BITS) / 8) as u8;

/// The kinds of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CallKind {
    /// Moves an amount to an account that exists.
    Transfer = 0,
    /// Moves an amount to a new account, opened for a key.
    Open = 1,
}

impl CallKind {
    /// All kinds, in the order of their lanes.
    pub const ALL: [Self; 2] = [Self::Transfer, Self::Open];

    /// The name in JSON and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Open => "open",
        }
    }

    /// Widths of the body elements of a slot.
    pub fn element_bytes(self) -> Vec<u8> {
        const KEY_COORDINATE: u8 = 32;
        match self {
            Self::Transfer => vec![BODY_ELEMENT_BYTES],
            Self::Open => vec![BODY_ELEMENT_BYTES, KEY_COORDINATE, KEY_COORDINATE],
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A signed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extrinsic {
    /// What is called.
    pub call: CallKind,
    /// Index of the paying account, whose key signs.
    pub sender: u32,
    /// That account's nonce.
    pub nonce: u32,
    /// The last block number in which it is valid.
    pub expiry: u32,
    /// What the block's author gets.
    pub fee: u64,
    /// What the receiver gets.
    pub amount: u128,
    /// The receiver's key: an index alone could change owner after a revert.
    pub receiver: PublicKey,
    /// The sender's signature over [`message`](Self::message).
    pub signature: Signature,
}

/// What binds a signature to one chain and one format: para id, genesis and transaction version.
pub fn chain_tag(identity: &ChainIdentity) -> Fr {
    let [low, high] = limbs_of_hash(identity.genesis_hash);
    poseidon::hash(&[
        domain(CHAIN_TAG),
        identity.para_id.into(),
        low,
        high,
        identity.transaction_version.into(),
    ])
}

impl Extrinsic {
    /// The header of the signed message: everything small, packed.
    pub fn header(&self) -> Fr {
        pack(&[
            (Fr::from(self.call as u8), 0),
            (self.sender.into(), HEADER_SENDER_SHIFT),
            (self.nonce.into(), HEADER_NONCE_SHIFT),
            (self.expiry.into(), HEADER_EXPIRY_SHIFT),
            (self.fee.into(), HEADER_FEE_SHIFT),
        ])
    }

    /// The field element that the sender signs.
    pub fn message(&self, chain_tag: Fr) -> Fr {
        let [rx, ry] = self.receiver.coordinates();
        poseidon::hash(&[chain_tag, self.header(), self.amount.into(), rx, ry])
    }

    /// The body elements of the slot that executes it, `receiver` being the place of the receiver's account.
    pub fn body_elements(&self, receiver: u32) -> Vec<Fr> {
        let mut elements = vec![body_element(self.sender, receiver, self.amount, self.fee)];
        if self.call == CallKind::Open {
            elements.extend(self.receiver.coordinates());
        }
        elements
    }

    /// SCALE bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        (self.call as u8, self.sender, self.nonce, self.expiry, self.fee, self.amount).encode_to(&mut bytes);
        (self.receiver, self.signature).encode_to(&mut bytes);
        bytes
    }

    /// Decodes SCALE bytes, with nothing left over. Neither the signature nor whether the receiver's key
    /// is in the prime subgroup is checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, ExtrinsicError> {
        type Parts = (u8, u32, u32, u32, u64, u128, PublicKey, Signature);
        let (call, sender, nonce, expiry, fee, amount, receiver, signature) =
            Parts::decode_all(&mut &*bytes).map_err(|e| ExtrinsicError::Scale(e.to_string()))?;
        let call = CallKind::from_byte(call)
            .ok_or_else(|| ExtrinsicError::Scale(format!("no call of kind {call}")))?;
        Ok(Self { call, sender, nonce, expiry, fee, amount, receiver, signature })
    }

    /// One line of JSON.
    pub fn from_json(line: &str) -> Result<Self, ExtrinsicError> {
        let json: Json = serde_json::from_str(line).map_err(|e| ExtrinsicError::Json(e.to_string()))?;
        let receiver = json.receiver.key().map_err(|e| ExtrinsicError::Json(format!("receiver: {e}")))?;
        let signature =
            json.signature.signature().map_err(|e| ExtrinsicError::Json(format!("signature: {e}")))?;
        let Json { call, sender, nonce, expiry, fee, amount, .. } = json;
        Ok(Self { call, sender, nonce, expiry, fee, amount, receiver, signature })
    }

    /// The extrinsic of a JSON object that lacks the signature, signed by `key` for the chain of `chain_tag`.
    pub fn signed_from_json(
        mut unsigned: Map<String, Value>,
        chain_tag: Fr,
        key: &SecretKey,
    ) -> Result<Self, ExtrinsicError> {
        // What is signed does not depend on the signature, so any will do until then.
        let placeholder = SignatureJson::from(key.sign(chain_tag));
        let placeholder =
            serde_json::to_value(placeholder).map_err(|e| ExtrinsicError::Json(e.to_string()))?;
        unsigned.insert("signature".into(), placeholder);
        let mut extrinsic = Self::from_json(&Value::Object(unsigned).to_string())?;
        extrinsic.signature = key.sign(extrinsic.message(chain_tag));
        Ok(extrinsic)
    }

    /// The JSON that [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> Value {
        let Self { call, sender, nonce, expiry, fee, amount, receiver, signature } = *self;
        let signature = SignatureJson::from(signature);
        let json =
            Json { call, sender, nonce, expiry, fee, amount, receiver: receiver.point().into(), signature };
        serde_json::to_value(json).unwrap_or_default()
    }
}

/// The packed body element of a call.
pub fn body_element(sender: u32, receiver: u32, amount: u128, fee: u64) -> Fr {
    pack(&[
        (sender.into(), 0),
        (receiver.into(), BODY_RECEIVER_SHIFT),
        (amount.into(), BODY_AMOUNT_SHIFT),
        (fee.into(), BODY_FEE_SHIFT),
    ])
}

/// What a packed body element says.
pub fn movement_of(element: &Fr) -> Movement {
    // The widths are those of the types.
    Movement {
        sender: unpack(element, 0, INDEX_BITS) as u32,
        receiver: unpack(element, BODY_RECEIVER_SHIFT, INDEX_BITS) as u32,
        amount: unpack(element, BODY_AMOUNT_SHIFT, BALANCE_BITS),
        fee: unpack(element, BODY_FEE_SHIFT, FEE_BITS) as u64,
    }
}

/// A point of Baby Jubjub in JSON, in circomlib's coordinates.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointJson {
    /// Abscissa.
    pub x: FieldElement,
    /// Ordinate.
    pub y: FieldElement,
}

impl PointJson {
    /// The point as a public key.
    pub fn key(self) -> Result<PublicKey, String> {
        PublicKey::new(self.point()).map_err(|e| e.to_string())
    }

    fn point(self) -> Point {
        Point { x: self.x.0, y: self.y.0 }
    }
}

impl From<&Point> for PointJson {
    fn from(point: &Point) -> Self {
        Self { x: FieldElement(point.x), y: FieldElement(point.y) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson {
    r8: PointJson,
    /// Below the order of the prime subgroup, hence below the field's modulus.
    s: FieldElement,
}

impl SignatureJson {
    fn signature(self) -> Result<Signature, String> {
        let s = field_to_scalar(&self.s.0).ok_or("S is not below the order of the prime subgroup")?;
        let r8 = self.r8.point();
        if !r8.is_on_curve() {
            return Err("R8 is not on Baby Jubjub".into());
        }
        Ok(Signature { r8, s })
    }
}

impl From<Signature> for SignatureJson {
    fn from(signature: Signature) -> Self {
        Self { r8: (&signature.r8).into(), s: FieldElement(scalar_to_field(&signature.s)) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    call: CallKind,
    sender: u32,
    nonce: u32,
    expiry: u32,
    #[serde(with = "decimal")]
    fee: u64,
    #[serde(with = "decimal")]
    amount: u128,
    receiver: PointJson,
    signature: SignatureJson,
}
