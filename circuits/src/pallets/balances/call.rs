//! The pallet's calls as users write and sign them, typed.

use codec::{DecodeAll, Encode};
use serde::{Deserialize, Serialize};
use zkpov_verifier::{
    eddsa::{PublicKey, Signature},
    field::Fr,
};

use super::circuit::Payment;
use crate::{
    keys::SecretKey,
    runtime::{
        ExtrinsicError, Header,
        extrinsic::{self, message},
    },
    state::{Value, pack},
};

/// The kinds of call, with their numbers in a chain whose first pallet this is: all that ship.
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
}

/// A signed call of this pallet.
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
    /// The receiver's key.
    pub receiver: PublicKey,
    /// The sender's signature over [`message`](Self::message).
    pub signature: Signature,
}

impl Extrinsic {
    fn header(&self) -> Header {
        let Self { call, sender, nonce, expiry, fee, .. } = *self;
        Header { call: call as u8, sender, nonce, expiry, fee }
    }

    fn payment(&self) -> Payment {
        Payment { amount: self.amount, receiver: self.receiver }
    }

    /// The field element that the sender signs.
    pub fn message(&self, chain_tag: Fr) -> Fr {
        let arguments = pack(&Payment::widths(), &self.payment().elements());
        message(chain_tag, self.header().element(), &arguments)
    }

    /// The extrinsic, signed by `key` for the chain of `chain_tag`.
    #[must_use]
    pub fn signed(mut self, chain_tag: Fr, key: &SecretKey) -> Self {
        self.signature = key.sign(self.message(chain_tag));
        self
    }

    /// SCALE bytes, as any call's.
    pub fn encode(&self) -> Vec<u8> {
        let arguments = self.payment().encode();
        extrinsic::Extrinsic { header: self.header(), arguments, signature: self.signature }.encode()
    }

    /// Decodes SCALE bytes, with nothing left over. Neither the signature nor whether the receiver's key
    /// is in the prime subgroup is checked.
    ///
    /// # Errors
    ///
    /// [`ExtrinsicError::Scale`] for other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ExtrinsicError> {
        type Parts = (Header, Payment, Signature);
        let (header, payment, signature) =
            Parts::decode_all(&mut &*bytes).map_err(|e| ExtrinsicError::Scale(e.to_string()))?;
        let Header { call: number, sender, nonce, expiry, fee } = header;
        let call = CallKind::ALL.into_iter().find(|kind| *kind as u8 == number);
        let call = call.ok_or_else(|| ExtrinsicError::Scale(format!("no call of kind {number}")))?;
        let Payment { amount, receiver } = payment;
        Ok(Self { call, sender, nonce, expiry, fee, amount, receiver, signature })
    }
}
