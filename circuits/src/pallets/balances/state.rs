//! What the pallet keeps: accounts and the chain's parameters.

use codec::{Decode, Encode};
use zkpov_verifier::{eddsa::PublicKey, field::Fr};

use crate::{integer::pack, state::Record};

/// Storage of accounts.
pub const ACCOUNTS: u8 = 0;

/// Storage of the parameters.
pub const PARAMETERS: u8 = 1;

/// Bits of a balance, an amount, the deposit and the issuance.
pub const BALANCE_BITS: u32 = 128;

/// Bits of a nonce, an expiry and a block number.
pub const NONCE_BITS: u32 = 32;

/// Bits of a fee.
pub const FEE_BITS: u32 = 64;

/// Where a leaf packs the nonce: above the balance.
pub const NONCE_SHIFT: u32 = BALANCE_BITS;

/// Where a leaf packs the author flag: above the nonce.
pub const AUTHOR_SHIFT: u32 = NONCE_SHIFT + NONCE_BITS;

/// Where the parameters pack the minimum fee: above the existential deposit.
pub const MINIMUM_FEE_SHIFT: u32 = BALANCE_BITS;

/// Where the parameters pack whether authors are permissioned: above the minimum fee.
pub const PERMISSIONED_SHIFT: u32 = MINIMUM_FEE_SHIFT + FEE_BITS;

/// An account. It never closes: a nonce that restarted would let old signatures in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// Whose signature moves it.
    pub key: PublicKey,
    /// The nonce of its next extrinsic.
    pub nonce: u32,
    /// Whether it may author where authors are permissioned.
    pub may_author: bool,
    /// Everything it holds, the existential deposit among it.
    pub balance: u128,
}

impl Account {
    /// A newly opened account.
    pub fn opened(key: PublicKey, balance: u128) -> Self {
        Self { key, nonce: 0, may_author: false, balance }
    }
}

impl Record for Account {
    const STORAGE: u8 = ACCOUNTS;
    const NAME: &'static str = "an account";
    /// Key x, key y, balance, nonce, author flag.
    const FIELDS: usize = 5;

    fn fields(&self) -> Vec<Fr> {
        let [x, y] = self.key.coordinates();
        vec![x, y, self.balance.into(), self.nonce.into(), self.may_author.into()]
    }

    fn leaf_elements(fields: &[Fr]) -> Vec<Fr> {
        match fields {
            [x, y, balance, nonce, may_author] => {
                vec![*x, *y, pack(&[(*balance, 0), (*nonce, NONCE_SHIFT), (*may_author, AUTHOR_SHIFT)])]
            }
            _ => Vec::new(),
        }
    }
}

/// What holds for the whole chain. Constant: no call of this pallet writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Parameters {
    /// What every account keeps as long as it lives, which is for ever.
    pub existential_deposit: u128,
    /// The least fee of an extrinsic.
    pub minimum_fee: u64,
    /// Whether only accounts that may author do.
    pub permissioned_authors: bool,
    /// Sum of all balances.
    pub total_issuance: u128,
}

impl Record for Parameters {
    const STORAGE: u8 = PARAMETERS;
    const NAME: &'static str = "the parameters";
    /// Existential deposit, minimum fee, permissioned, total issuance.
    const FIELDS: usize = 4;

    fn fields(&self) -> Vec<Fr> {
        vec![
            self.existential_deposit.into(),
            self.minimum_fee.into(),
            self.permissioned_authors.into(),
            self.total_issuance.into(),
        ]
    }

    fn leaf_elements(fields: &[Fr]) -> Vec<Fr> {
        match fields {
            [deposit, fee, permissioned, issuance] => {
                let rules =
                    pack(&[(*deposit, 0), (*fee, MINIMUM_FEE_SHIFT), (*permissioned, PERMISSIONED_SHIFT)]);
                vec![rules, *issuance]
            }
            _ => Vec::new(),
        }
    }
}

/// The largest total issuance: half of what a balance can hold, so that an author whose fees are
/// credited before they are paid cannot overflow.
pub const MAX_ISSUANCE: u128 = 1 << (BALANCE_BITS - 1);
