//! Transfers as XCM programs: one fixed template, written and read here byte by byte.
//!
//! ```text
//!   message:   00 (concatenated versioned XCM) │ program │ … │ program             1 to 8, nothing behind
//!   program:   05 (version 5) │ 18 (six instructions)
//!     WithdrawAsset(asset), if the token is the recipient chain's own; else ReserveAssetDeposited(asset)
//!     ClearOrigin
//!     SetHints([AssetClaimer(who gets the asset if this program fails)])
//!     BuyExecution { fees: asset, weight_limit: Unlimited }
//!     DepositAsset { assets: Wild(AllCounted(1)), beneficiary }
//!     SetTopic("zkpov/xfer/1" │ sender u32 │ sequence u64 │ refused sequence u64)
//! ```
//!
//! Any parachain with an XCM executor of version 5 understands such a program: it passes the usual paid-execution
//! barrier, and deposits to an `AccountId32` (the recipient's packed key) or, for a refund, to an `AccountIndex64`. Of what
//! arrives, exactly this template is recognised: a program that differs in any byte that is no field, or whose
//! fields contradict each other or the channel, is none of ours.
//!
//! Source: the XCM format, version 5; SCALE indices of `staging-xcm`.

use alloc::vec::Vec;

use codec::{Compact, Encode};

use crate::babyjubjub::PACKED_LEN;
use crate::scale::{DecodeCause, DecodeError, Read, Reader};
use crate::transfer::{Purpose, Transfer};

/// Most transfers of one message. A validator checks a key for each, in tenths of a millisecond, and a block may bring a message on each of
/// [`MAX_CHANNELS`](crate::head::MAX_CHANNELS) channels.
pub const MAX_TRANSFERS: usize = 8;

/// Longest program in bytes: every compact integer at its longest.
pub const MAX_PROGRAM_BYTES: usize = 192;

/// First byte of a message that is a list of XCM programs (`XcmpMessageFormat::ConcatenatedVersionedXcm`).
const CONCATENATED_XCM: u8 = 0;

/// `VersionedXcm::V5`, and SCALE's length of six instructions.
const PROGRAM: [u8; 2] = [5, 6 << 2];

const WITHDRAW_ASSET: u8 = 0;
const RESERVE_ASSET_DEPOSITED: u8 = 1;

/// Of a list of one item.
const ONE: u8 = 1 << 2;

/// `AssetId`: `Location { parents: 0, interior: Here }`.
const HERE: [u8; 2] = [0, 0];

/// `Location { parents: 1, interior: X1([Parachain(…)]) }`.
const SIBLING: [u8; 3] = [1, 1, 0];

/// `Fungibility::Fungible`.
const FUNGIBLE: u8 = 0;

/// `ClearOrigin`, and `SetHints` of one `AssetClaimer`.
const CLEAR_ORIGIN_SET_CLAIMER: [u8; 4] = [10, 51, ONE, 0];

/// `Location { parents: 0, … }` and `{ parents: 1, … }`.
const NO_PARENT: u8 = 0;
const PARENT: u8 = 1;

/// `X1([…])`.
const X1: u8 = 1;

/// `X2([Parachain(…), …])`.
const X2_PARACHAIN: [u8; 2] = [2, 0];

/// `AccountId32 { network: None, … }`.
const ACCOUNT_ID: [u8; 2] = [1, 0];

/// `AccountIndex64 { network: None, … }`.
const ACCOUNT_INDEX: [u8; 2] = [2, 0];

const BUY_EXECUTION: u8 = 19;

/// `WeightLimit::Unlimited`, and `DepositAsset` of `Wild(AllCounted(1))`.
const UNLIMITED_DEPOSIT: [u8; 5] = [0, 13, 1, 2, ONE];

const SET_TOPIC: u8 = 44;

/// First bytes of a topic.
const TOPIC_TAG: &[u8; 12] = b"zkpov/xfer/1";

/// The message that carries `transfers` from chain `from` to chain `to`.
pub fn message(transfers: &[Transfer], from: u32, to: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + transfers.len() * MAX_PROGRAM_BYTES);
    out.push(CONCATENATED_XCM);
    for transfer in transfers {
        program(transfer, from, to, &mut out);
    }
    out
}

/// The transfers of a message from chain `from` to chain `to`.
///
/// # Errors
///
/// Where the message first differs from the template; no or more than [`MAX_TRANSFERS`] transfers.
pub fn read_message(bytes: &[u8], from: u32, to: u32) -> Result<Vec<Transfer>, DecodeError> {
    let mut reader = Reader::new("message", bytes, 1 + MAX_TRANSFERS * MAX_PROGRAM_BYTES)?;
    reader.literal("message format", &[CONCATENATED_XCM])?;
    let mut transfers = Vec::new();
    while transfers.len() < MAX_TRANSFERS {
        transfers.push(read_program(&mut reader, from, to)?);
        if reader.is_empty() {
            return Ok(transfers);
        }
    }
    reader.finish("message")?;
    Ok(transfers)
}

fn program(transfer: &Transfer, from: u32, to: u32, out: &mut Vec<u8>) {
    out.extend(PROGRAM);
    out.push(if transfer.token == to { WITHDRAW_ASSET } else { RESERVE_ASSET_DEPOSITED });
    out.push(ONE);
    asset(transfer, to, out);
    out.extend(CLEAR_ORIGIN_SET_CLAIMER);
    let refused = match transfer.purpose {
        Purpose::Payment { refund, .. } => {
            out.push(PARENT);
            out.extend(X2_PARACHAIN);
            Compact(from).encode_to(out);
            account_index(refund, out);
            0
        }
        Purpose::Refund { account, refused } => {
            out.extend([NO_PARENT, X1]);
            account_index(account, out);
            refused
        }
    };
    out.push(BUY_EXECUTION);
    asset(transfer, to, out);
    out.extend(UNLIMITED_DEPOSIT);
    out.extend([NO_PARENT, X1]);
    match transfer.purpose {
        Purpose::Payment { recipient, .. } => {
            out.extend(ACCOUNT_ID);
            out.extend(recipient);
        }
        Purpose::Refund { account, .. } => account_index(account, out),
    }
    out.push(SET_TOPIC);
    out.extend(TOPIC_TAG);
    (from, transfer.sequence, refused).encode_to(out);
}

fn asset(transfer: &Transfer, to: u32, out: &mut Vec<u8>) {
    if transfer.token == to {
        out.extend(HERE);
    } else {
        out.extend(SIBLING);
        Compact(transfer.token).encode_to(out);
    }
    out.push(FUNGIBLE);
    Compact(transfer.amount).encode_to(out);
}

fn account_index(index: u32, out: &mut Vec<u8>) {
    out.extend(ACCOUNT_INDEX);
    Compact(u64::from(index)).encode_to(out);
}

fn read_program(reader: &mut Reader<'_>, from: u32, to: u32) -> Read<Transfer> {
    reader.literal("XCM version and length", &PROGRAM)?;
    let own = choice(reader, "XCM: first instruction", RESERVE_ASSET_DEPOSITED, WITHDRAW_ASSET)?;
    reader.literal("XCM: number of assets", &[ONE])?;
    let (token, amount) = read_asset(reader, own, to)?;
    reader.literal("XCM: ClearOrigin, SetHints", &CLEAR_ORIGIN_SET_CLAIMER)?;
    // A payment's claimer is on the sending chain, a refund's here.
    let refund = choice(reader, "XCM: claimer", PARENT, NO_PARENT)?;
    if refund {
        reader.literal("XCM: claimer", &[X1])?;
    } else {
        reader.literal("XCM: claimer", &X2_PARACHAIN)?;
        repeated(reader, "XCM: claimer's chain", from)?;
    }
    let claimer = read_account_index(reader)?;
    reader.literal("XCM: BuyExecution", &[BUY_EXECUTION])?;
    let offset = reader.offset();
    if read_asset(reader, own, to)? != (token, amount) {
        return Err(DecodeError { what: "XCM: fees", offset, cause: DecodeCause::Fixed });
    }
    reader.literal("XCM: DepositAsset", &UNLIMITED_DEPOSIT)?;
    reader.literal("XCM: beneficiary", &[NO_PARENT, X1])?;
    let recipient = match refund {
        true => {
            let offset = reader.offset();
            if read_account_index(reader)? != claimer {
                return Err(DecodeError { what: "XCM: beneficiary", offset, cause: DecodeCause::Fixed });
            }
            [0; PACKED_LEN]
        }
        false => {
            reader.literal("XCM: beneficiary", &ACCOUNT_ID)?;
            reader.array("XCM: beneficiary")?
        }
    };
    reader.literal("XCM: SetTopic", &[SET_TOPIC])?;
    reader.literal("XCM: topic", TOPIC_TAG)?;
    reader.literal("XCM: topic's sender", &from.to_le_bytes())?;
    let sequence = u64::from_le_bytes(reader.array("XCM: topic's sequence")?);
    let offset = reader.offset();
    let refused = u64::from_le_bytes(reader.array("XCM: topic's refused sequence")?);
    let purpose = match refund {
        true => Purpose::Refund { account: claimer, refused },
        false if refused == 0 => Purpose::Payment { recipient, refund: claimer },
        false => {
            let cause = DecodeCause::Fixed;
            return Err(DecodeError { what: "XCM: topic's refused sequence", offset, cause });
        }
    };
    Ok(Transfer { token, amount, sequence, purpose })
}

/// Token and amount of an asset, the recipient's own (`Here`) or another.
fn read_asset(reader: &mut Reader<'_>, own: bool, to: u32) -> Read<(u32, u128)> {
    let token = if own {
        reader.literal("XCM: asset", &HERE)?;
        to
    } else {
        reader.literal("XCM: asset", &SIBLING)?;
        let offset = reader.offset();
        let token = reader.compact_u32("XCM: asset's chain")?;
        // The recipient's own token is `Here` and has no second name.
        if token == to {
            return Err(DecodeError { what: "XCM: asset's chain", offset, cause: DecodeCause::Fixed });
        }
        token
    };
    reader.literal("XCM: fungible", &[FUNGIBLE])?;
    let offset = reader.offset();
    let amount = reader.compact_u128("XCM: amount")?;
    if amount == 0 {
        // An XCM executor refuses it too.
        return Err(DecodeError { what: "XCM: amount", offset, cause: DecodeCause::Fixed });
    }
    Ok((token, amount))
}

fn read_account_index(reader: &mut Reader<'_>) -> Read<u32> {
    reader.literal("XCM: account index", &ACCOUNT_INDEX)?;
    reader.compact_u32("XCM: account index")
}

/// A compact integer that is known.
fn repeated(reader: &mut Reader<'_>, what: &'static str, expected: u32) -> Read<()> {
    let offset = reader.offset();
    match reader.compact_u32(what)? {
        found if found == expected => Ok(()),
        _ => Err(DecodeError { what, offset, cause: DecodeCause::Fixed }),
    }
}

/// Whether the next byte is the second of two.
fn choice(reader: &mut Reader<'_>, what: &'static str, first: u8, second: u8) -> Read<bool> {
    let offset = reader.offset();
    match reader.u8(what)? {
        found if found == first => Ok(false),
        found if found == second => Ok(true),
        other => Err(DecodeError { what, offset, cause: DecodeCause::Variant(other) }),
    }
}
