//! A block executed on its witness: the work of a validator without a proof.

use alloc::{collections::BTreeMap, vec::Vec};

use codec::{Decode, DecodeAll, Encode};
use zkpov_verifier::{
    eddsa,
    field::{self, Fr},
    hashing::{Hash, blake2b_256},
    head::Head,
    poseidon,
};

use crate::{
    block::{ACCOUNTS, Account, Block, Invalid, PARAMETERS, STORAGES, Transfer},
    tree::Tree,
};

/// polkadot's `ValidationParams`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Params {
    /// The para's head that the relay chain has.
    pub parent_head: Vec<u8>,
    /// The block.
    pub block_data: Vec<u8>,
    /// Number of the relay parent.
    pub relay_parent_number: u32,
    /// Storage root of the relay parent.
    pub relay_parent_storage_root: Hash,
}

/// polkadot's `ValidationResult` of a block without messages.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Valid {
    head_data: Vec<u8>,
    new_validation_code: Option<Vec<u8>>,
    upward_messages: Vec<Vec<u8>>,
    horizontal_messages: Vec<(u32, Vec<u8>)>,
    processed_downward_messages: u32,
    hrmp_watermark: u32,
}

/// The whole of the validation function: parameters in, result out.
///
/// # Errors
///
/// [`Invalid`].
pub fn validate(params: &[u8]) -> Result<Vec<u8>, Invalid> {
    let params = Params::decode_all(&mut &*params).map_err(|_| Invalid::Form)?;
    let parent = Head::decode(&params.parent_head).map_err(|_| Invalid::Form)?;
    let block = Block::decode_all(&mut params.block_data.as_slice()).map_err(|_| Invalid::Form)?;
    let number = parent.number.checked_add(1).ok_or(Invalid::Form)?;
    let state_root = execute(&parent.state_root, number, &block)?;
    let head = Head {
        parent_hash: parent.hash(),
        number,
        state_root,
        extrinsics_root: Fr::from(u128::from_le_bytes(body_hash(&block.transfers))),
        digest: parent.digest,
    };
    Ok(Valid {
        head_data: head.encode(),
        new_validation_code: None,
        upward_messages: Vec::new(),
        horizontal_messages: Vec::new(),
        processed_downward_messages: 0,
        hrmp_watermark: params.relay_parent_number,
    }
    .encode())
}

/// Half of blake2b-256 over the transfers.
fn body_hash(transfers: &[Transfer]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(blake2b_256(&transfers.encode()).split_at(16).0);
    half
}

/// The state root after the block: its witness led to `parent`, every transfer is signed and can be paid.
///
/// # Errors
///
/// [`Invalid`].
pub fn execute(parent: &Fr, number: u32, block: &Block) -> Result<Fr, Invalid> {
    let mut accounts: BTreeMap<u32, Account> = block.accounts.iter().copied().collect();
    let ascending = block.accounts.is_sorted_by(|(one, _), (next, _)| one < next);
    let tree = Tree::read(&block.beside, accounts.keys().copied()).filter(|_| ascending);
    let tree = tree.ok_or(Invalid::Witness)?;
    if state_root(block, &tree, &accounts)? != *parent {
        return Err(Invalid::Witness);
    }
    let tag = block.chain.tag();
    for (index, transfer) in block.transfers.iter().enumerate() {
        let sender = accounts.get(&transfer.sender).ok_or(Invalid::Transfer(index))?;
        eddsa::verify(&sender.key, transfer.message(tag), &transfer.signature)
            .map_err(|_| Invalid::Signature(index))?;
    }
    let places: BTreeMap<_, _> =
        accounts.iter().map(|(place, account)| (account.key.to_bytes(), *place)).collect();
    let mut fees = 0u128;
    for (index, transfer) in block.transfers.iter().enumerate() {
        let receiver = places.get(&transfer.receiver.to_bytes()).ok_or(Invalid::Transfer(index))?;
        pay(&mut accounts, block, number, transfer, *receiver).ok_or(Invalid::Transfer(index))?;
        fees = fees.checked_add(transfer.fee.into()).ok_or(Invalid::Author)?;
    }
    let author = accounts.get_mut(&block.author).ok_or(Invalid::Author)?;
    author.balance = author.balance.checked_add(fees).ok_or(Invalid::Author)?;
    state_root(block, &tree, &accounts)
}

/// A transfer; `None` if it cannot be.
fn pay(
    accounts: &mut BTreeMap<u32, Account>,
    block: &Block,
    number: u32,
    transfer: &Transfer,
    receiver: u32,
) -> Option<()> {
    let sender = accounts.get_mut(&transfer.sender)?;
    let due = transfer.call == 0 && sender.nonce == transfer.nonce && transfer.expiry >= number;
    if !due || transfer.fee < block.parameters.minimum_fee || transfer.sender == receiver {
        return None;
    }
    let needed = transfer.amount.checked_add(transfer.fee.into())?;
    let left = sender.balance.checked_sub(needed)?;
    if left < block.parameters.existential_deposit {
        return None;
    }
    sender.balance = left;
    sender.nonce = sender.nonce.checked_add(1)?;
    let receiver = accounts.get_mut(&receiver)?;
    receiver.balance = receiver.balance.checked_add(transfer.amount)?;
    Some(())
}

/// The state root with these accounts.
fn state_root(block: &Block, tree: &Tree, accounts: &BTreeMap<u32, Account>) -> Result<Fr, Invalid> {
    let mut roots = [Fr::from(0u64); STORAGES];
    for (root, bytes) in roots.iter_mut().zip(&block.roots) {
        *root = field::decode(bytes).map_err(|_| Invalid::Form)?;
    }
    let leaves = accounts.iter().map(|(place, account)| (*place, account.leaf()));
    roots[ACCOUNTS] = tree.root(leaves).ok_or(Invalid::Witness)?;
    roots[PARAMETERS] = block.parameters.leaf();
    Ok(poseidon::hash(&roots))
}
