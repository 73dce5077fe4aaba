//! What every chain keeps: accounts and parameters.

use zkpov_verifier::eddsa::PublicKey;

use crate::{
    codec::Encode,
    state::{Record, circuit::At},
    values,
};

/// Storage of accounts.
pub const ACCOUNTS: u8 = 0;

/// Storage of the parameters.
pub const PARAMETERS: u8 = 1;

/// Bits of an account's index where it is packed.
pub const INDEX_BITS: usize = 24;

/// Bits of the largest total issuance: one less than a balance has, so that an author whose fees are
/// credited before they are paid cannot overflow.
pub const ISSUANCE_BITS: usize = 127;

/// The largest total issuance.
pub const MAX_ISSUANCE: u128 = 1 << ISSUANCE_BITS;

/// The place of an account.
pub type AccountIndex = At<ACCOUNTS, INDEX_BITS>;

values! {
    /// An account. It never closes: a nonce that restarted would let old signatures in again.
    #[derive(Copy, Eq)]
    pub struct Account / AccountVar ("account") {
        /// Whose signature moves it.
        key: PublicKey,
        /// Everything it holds, the existential deposit among it.
        balance: u128,
        /// The nonce of its next extrinsic.
        nonce: u32,
        /// Whether it may author where authors are permissioned.
        may_author: bool,
    }
}

impl Record for Account {
    const STORAGE: u8 = ACCOUNTS;
    const NAME: &'static str = "an account";

    /// Its place by its key: that of the account opened last, should one key have several.
    fn derived(&self, index: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![(index_name(&self.key), index.encode())]
    }
}

/// Name of the derived value that tells a key's index.
pub(crate) fn index_name(key: &PublicKey) -> Vec<u8> {
    [b"key/".as_slice(), &key.to_bytes()].concat()
}

impl Account {
    /// A newly opened account.
    pub fn opened(key: PublicKey, balance: u128) -> Self {
        Self { key, balance, nonce: 0, may_author: false }
    }
}

values! {
    /// What holds for the whole chain.
    #[derive(Copy, Eq)]
    pub struct Parameters / ParametersVar ("parameters") {
        /// What every account keeps as long as it lives, which is for ever.
        existential_deposit: u128,
        /// The least fee of an extrinsic.
        minimum_fee: u64,
        /// Whether only accounts that may author do.
        permissioned_authors: bool,
        /// All there is of the native token: balances, and what pallets hold.
        total_issuance: u128,
    }
}

impl Record for Parameters {
    const STORAGE: u8 = PARAMETERS;
    const NAME: &'static str = "the parameters";
}
