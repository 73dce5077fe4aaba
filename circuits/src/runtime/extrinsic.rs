//! Signed calls as users write them: a header that every call has, and the call's own arguments.
//!
//! | | bits | |
//! |---|---|---|
//! | call kind | 0 .. 8 | position among the chain's lanes |
//! | sender | 8 .. 40 | index of the paying account |
//! | nonce | 40 .. 72 | that account's |
//! | expiry | 72 .. 104 | last block number in which the extrinsic is valid |
//! | fee | 104 .. 168 | what the author gets |
//!
//! The header is one element; the signed message is Poseidon over the chain tag, the header and the packed arguments.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use zkpov_verifier::{
    eddsa::Signature,
    field::{Fr, domain, limbs_of_hash},
    poseidon,
    statement::ChainIdentity,
};

use crate::{
    codec::{Decode, Encode},
    decimal::{self, FieldElement, PointJson},
    gadgets,
    integer::{field_to_scalar, scalar_to_field},
    runtime::ExtrinsicError,
    state::{pack, pack_variables},
};

/// Tag of a chain's signing domain.
pub const CHAIN_TAG: &str = "zkpov/chain/1";

/// Widths of the header's parts: call kind, sender, nonce, expiry, fee.
pub const HEADER_WIDTHS: [usize; 5] = [8, 32, 32, 32, 64];

/// Most elements that packed arguments have: a Poseidon call takes 16, and two are the tag and the header.
pub const MAX_ARGUMENT_ELEMENTS: usize = poseidon::MAX_INPUTS - 2;

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

/// What every signed call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// What is called.
    pub call: u8,
    /// Index of the paying account, whose key signs.
    pub sender: u32,
    /// That account's nonce.
    pub nonce: u32,
    /// The last block number in which it is valid.
    pub expiry: u32,
    /// What the block's author gets.
    pub fee: u64,
}

impl Header {
    /// The header as one element.
    pub fn element(&self) -> Fr {
        let Self { call, sender, nonce, expiry, fee } = *self;
        let parts = [call.into(), sender.into(), nonce.into(), expiry.into(), fee.into()];
        pack(&HEADER_WIDTHS, &parts).into_iter().sum()
    }
}

/// The element that a sender signs; `arguments` are packed.
///
/// # Panics
///
/// If there are more than [`MAX_ARGUMENT_ELEMENTS`]: a chain is composed of calls that have no more.
pub fn message(chain_tag: Fr, header: Fr, arguments: &[Fr]) -> Fr {
    let inputs = [&[chain_tag, header], arguments].concat();
    poseidon::hash_slice(&inputs).expect("a call's arguments fit one Poseidon call")
}

/// The message in a circuit. The parts of the header must be in their widths, so that it says one thing.
pub(crate) fn message_variable(
    chain_tag: &FpVar<Fr>,
    header: [&FpVar<Fr>; 5],
    arguments: Vec<FpVar<Fr>>,
) -> gr1cs::Result<FpVar<Fr>> {
    let mut inputs = vec![chain_tag.clone()];
    inputs.extend(pack_variables(&HEADER_WIDTHS, &header.map(Clone::clone))?);
    inputs.extend(arguments);
    gadgets::poseidon::hash(&inputs)
}

/// A signed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extrinsic {
    /// What every call says.
    pub header: Header,
    /// The call's own arguments in SCALE.
    pub arguments: Vec<u8>,
    /// The sender's signature over the [`message`].
    pub signature: Signature,
}

impl Extrinsic {
    /// SCALE bytes: header, arguments, signature.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.header.encode();
        bytes.extend_from_slice(&self.arguments);
        self.signature.encode_to(&mut bytes);
        bytes
    }

    /// Decodes SCALE bytes, with nothing left over; `arguments` says how many bytes at the beginning of its input are
    /// the arguments of a call kind. The signature is not checked.
    pub fn decode(
        bytes: &[u8],
        arguments: impl FnOnce(u8, &[u8]) -> Result<usize, ExtrinsicError>,
    ) -> Result<Self, ExtrinsicError> {
        let scale = |error: codec::Error| ExtrinsicError::Scale(error.to_string());
        let input = &mut &*bytes;
        let header = Header::decode(input).map_err(scale)?;
        let length = arguments(header.call, input)?;
        let Some((arguments, mut rest)) = input.split_at_checked(length) else {
            return Err(ExtrinsicError::Scale("not enough bytes for the arguments".into()));
        };
        let signature = Signature::decode(&mut rest).map_err(scale)?;
        if !rest.is_empty() {
            return Err(ExtrinsicError::Scale("bytes are left over".into()));
        }
        Ok(Self { header, arguments: arguments.to_vec(), signature })
    }
}

/// The members of an extrinsic in JSON that every call has.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeaderJson {
    pub(crate) call: String,
    pub(crate) sender: u32,
    pub(crate) nonce: u32,
    pub(crate) expiry: u32,
    #[serde(with = "decimal")]
    pub(crate) fee: u64,
}

/// Names of the members of [`HeaderJson`], and of the signature.
pub(crate) const COMMON_MEMBERS: [&str; 6] = ["call", "sender", "nonce", "expiry", "fee", "signature"];

/// An extrinsic in JSON: what every call has, the call's arguments, and the signature if there is one.
pub(crate) type SplitJson = (HeaderJson, Map<String, Json>, Option<Json>);

/// Splits an extrinsic's JSON object.
pub(crate) fn split_json(mut members: Map<String, Json>) -> Result<SplitJson, ExtrinsicError> {
    let signature = members.remove("signature");
    let (common, arguments): (Map<_, _>, Map<_, _>) =
        members.into_iter().partition(|(name, _)| COMMON_MEMBERS.contains(&name.as_str()));
    let header =
        serde_json::from_value(Json::Object(common)).map_err(|e| ExtrinsicError::Json(e.to_string()))?;
    Ok((header, arguments, signature))
}

/// A signature in JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureJson {
    r8: PointJson,
    /// Below the order of the prime subgroup, hence below the field's modulus.
    s: FieldElement,
}

impl SignatureJson {
    pub(crate) fn signature(self) -> Result<Signature, String> {
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
