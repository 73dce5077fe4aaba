//! A block of transfers with everything of the parent state that they touch.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use zkpov_verifier::{
    eddsa::{PublicKey, Signature},
    field::{self, Fr},
    hashing::Hash,
    poseidon,
};

use crate::tree::Beside;

/// Storages under a state root.
pub const STORAGES: usize = 16;

/// Storage of accounts, a tree.
pub const ACCOUNTS: usize = 0;

/// Storage of the parameters, one record.
pub const PARAMETERS: usize = 1;

/// Where an account's nonce begins in its last element, and where its flag does.
const NONCE_AND_FLAG: [u32; 2] = [128, 160];

/// Where a header's parts begin: call, sender, nonce, expiry, fee.
const HEADER: [u32; 5] = [0, 8, 40, 72, 104];

/// Where the parameters' fee and flag begin in their first element.
const FEE_AND_FLAG: [u32; 2] = [128, 192];

/// Why a block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Bytes that are no parameters, no parent head or no block.
    #[error("not a block with its witness")]
    Form,
    /// The witness does not lead to the parent's state root.
    #[error("the witness does not lead to the parent's state root")]
    Witness,
    /// A transfer is not its sender's.
    #[error("transfer {0} is not signed by its sender")]
    Signature(usize),
    /// A transfer's turn is another, or it cannot be paid.
    #[error("transfer {0} is not valid here")]
    Transfer(usize),
    /// The author's account cannot take the fees.
    #[error("the author's account cannot take the fees")]
    Author,
}

/// What binds signatures to a chain. Its own validation function would have it built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Chain {
    /// The para id.
    pub para_id: u32,
    /// Hash of the genesis head.
    pub genesis_hash: Hash,
    /// Version of what users sign.
    pub transaction_version: u32,
}

impl Chain {
    /// The first element of every message that is signed for the chain.
    pub fn tag(&self) -> Fr {
        let [low, high] = field::limbs_of_hash(self.genesis_hash);
        let Self { para_id, transaction_version, .. } = *self;
        poseidon::hash(&[
            field::domain("zkpov/chain/1"),
            para_id.into(),
            low,
            high,
            transaction_version.into(),
        ])
    }
}

/// An account, as the state has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// Whose signature moves it.
    pub key: PublicKey,
    /// Everything it holds.
    pub balance: u128,
    /// The nonce of its next transfer.
    pub nonce: u32,
    /// Whether it may author.
    pub may_author: bool,
}

impl Account {
    /// The leaf that stands for it.
    pub fn leaf(&self) -> Fr {
        let [x, y] = self.key.coordinates();
        let [nonce, flag] = NONCE_AND_FLAG.map(shift);
        let rest = Fr::from(self.balance) + nonce * Fr::from(self.nonce) + flag * Fr::from(self.may_author);
        poseidon::hash(&[x, y, rest])
    }
}

/// The chain's parameters, as the state has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Parameters {
    /// What every account keeps.
    pub existential_deposit: u128,
    /// The least fee.
    pub minimum_fee: u64,
    /// Whether only accounts that may author do.
    pub permissioned_authors: bool,
    /// All there is of the token.
    pub total_issuance: u128,
}

impl Parameters {
    /// The leaf that stands for them.
    pub fn leaf(&self) -> Fr {
        let [fee, flag] = FEE_AND_FLAG.map(shift);
        let first = Fr::from(self.existential_deposit)
            + fee * Fr::from(self.minimum_fee)
            + flag * Fr::from(self.permissioned_authors);
        poseidon::hash(&[first, Fr::from(self.total_issuance)])
    }
}

/// A transfer as users sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Transfer {
    /// Kind of the call: 0.
    pub call: u8,
    /// The paying account.
    pub sender: u32,
    /// Its nonce.
    pub nonce: u32,
    /// The last block in which it is valid.
    pub expiry: u32,
    /// What the author gets.
    pub fee: u64,
    /// What the receiver gets.
    pub amount: u128,
    /// The receiver's key.
    pub receiver: PublicKey,
    /// The sender's.
    pub signature: Signature,
}

impl Transfer {
    /// What its sender signs.
    pub fn message(&self, tag: Fr) -> Fr {
        let Self { call, sender, nonce, expiry, fee, .. } = *self;
        let parts: [Fr; HEADER.len()] = [call.into(), sender.into(), nonce.into(), expiry.into(), fee.into()];
        let header = HEADER.into_iter().zip(parts).map(|(bits, part)| shift(bits) * part).sum();
        let [x, y] = self.receiver.coordinates();
        poseidon::hash(&[tag, header, Fr::from(self.amount), x, y])
    }
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// The chain.
    pub chain: Chain,
    /// The author's account.
    pub author: u32,
    /// The parameters.
    pub parameters: Parameters,
    /// Roots of the storages; those of accounts and parameters are computed.
    pub roots: Vec<Hash>,
    /// The touched accounts by their place, ascending.
    pub accounts: Vec<(u32, Account)>,
    /// What stands beside their paths.
    pub beside: Beside,
    /// The transfers.
    pub transfers: Vec<Transfer>,
}

/// 2^bits, for what is packed into one element.
fn shift(bits: u32) -> Fr {
    let half = Fr::from(1u128 << (bits / 2));
    if bits.is_multiple_of(2) { half * half } else { half * half + half * half }
}
