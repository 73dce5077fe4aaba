//! Transfers between chains: the fixed-size records that a circuit sends and receives.
//!
//! ```text
//!   sending chain                                   receiving chain
//!   slots ─► outbox records ─► outbox root          inbox records ─► inbox root ─► queue in state ─► inbox lane
//!                 │  the statement's ▲                     ▲  the statement's ▲
//!                 └► XCM bytes ──────┼─── relay chain ─────┘                  │
//!                                    verifier: bytes ─► records ─► roots ─────┘
//! ```
//!
//! **Outbox root**: the records in the order of their sequence numbers, which is the order in which the circuit makes them, folded
//! from the left: `root = Poseidon6(tag, root so far, header, amount, beneficiary's two limbs)`, from 0.
//!
//! **Inbox root**: folded from the *right*: `root = Poseidon6(tag, header, amount, key x, key y, root of the records behind)`, the
//! last one's being 0. So whoever holds a root takes the first record off it with one hash and holds the root of the others: a
//! block appends any number of records to the queue in state as *one* element, and its inbox lane takes as many
//! records as it has slots.
//!
//! `docs/messages.md` has the records element by element, and the reasons.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use crate::babyjubjub::{PACKED_LEN, Point};
use crate::eddsa::PublicKey;
use crate::field::{domain, limbs_of_hash};
use crate::poseidon;
use crate::statement::NO_MESSAGES;

/// First element of an inbox record's hash.
pub const INBOX_DOMAIN: Fr = domain("zkpov/inbox/1");

/// First element of an outbox record's hash.
pub const OUTBOX_DOMAIN: Fr = domain("zkpov/outbox/1");

/// Bits of a header before the para id: the kind.
const KIND_BITS: u32 = 8;

/// Bits of a para id, and of an account index.
const INDEX_BITS: u32 = 32;

/// Bits of a sequence number.
const SEQUENCE_BITS: u32 = 64;

/// Native tokens on their way from one chain to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Para id of the chain whose native token it is.
    pub token: u32,
    /// How much, in the token's smallest unit; never 0.
    pub amount: u128,
    /// The sending chain's number for it: one counter over everything that chain ever sends, to whomever.
    pub sequence: u64,
    /// For whom, and why.
    pub purpose: Purpose,
}

/// Why tokens are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Somebody sends them.
    Payment {
        /// The recipient's public key, packed ([`Point::pack`]); on a chain of another kind, an `AccountId32`. Any bytes: whether
        /// they are a key is for the recipient's chain to see.
        recipient: [u8; PACKED_LEN],
        /// The sender's account on the sending chain, which gets them back if the recipient's chain refuses them.
        refund: u32,
    },
    /// The sending chain refused them and gives them back.
    Refund {
        /// The account of the receiving chain that sent them.
        account: u32,
        /// The sequence number that the receiving chain had given them.
        refused: u64,
    },
}

/// A transfer as the receiving chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InboxRecord {
    /// Who sent it: the sender of the HRMP channel it came through, never what the message says.
    pub origin: u32,
    /// The transfer.
    pub transfer: Transfer,
}

/// A transfer as the sending chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxRecord {
    /// Where it goes.
    pub destination: u32,
    /// The transfer.
    pub transfer: Transfer,
}

impl Transfer {
    /// One element: kind (8 bits; 0 payment, 1 refund), the other chain's para id (32), token (32), account (32: where a refused
    /// payment returns to, or whose a refund is), sequence (64), refused sequence (64; 0 in a payment), from the lowest bit.
    pub fn header(&self, para: u32) -> Fr {
        let (kind, account, refused) = match self.purpose {
            Purpose::Payment { refund, .. } => (0, refund, 0),
            Purpose::Refund { account, refused } => (1u64, account, refused),
        };
        let parts = [
            (kind, KIND_BITS),
            (para.into(), INDEX_BITS),
            (self.token.into(), INDEX_BITS),
            (account.into(), INDEX_BITS),
            (self.sequence, SEQUENCE_BITS),
            (refused, SEQUENCE_BITS),
        ];
        let (mut header, mut place) = (Fr::ZERO, Fr::from(1u64));
        for (part, bits) in parts {
            header += place * Fr::from(part);
            place *= Fr::from(1u128 << bits);
        }
        header
    }
}

impl InboxRecord {
    /// The recipient's key, if the payment has one that may own an account; a refund has none.
    pub fn recipient(&self) -> Option<PublicKey> {
        match self.transfer.purpose {
            Purpose::Payment { recipient, .. } => {
                Point::unpack(&recipient).and_then(|point| PublicKey::new(point).ok())
            }
            Purpose::Refund { .. } => None,
        }
    }

    /// Header, amount, and the recipient's key: its coordinates, or (0, 0), which is on no curve and nobody's, for a refund
    /// and for bytes that are no key.
    pub fn elements(&self) -> [Fr; 4] {
        let [x, y] = self.recipient().map_or([Fr::ZERO; 2], |key| key.coordinates());
        [self.transfer.header(self.origin), Fr::from(self.transfer.amount), x, y]
    }
}

impl OutboxRecord {
    /// Header, amount, and the recipient's packed key as two limbs (0, 0 in a refund).
    pub fn elements(&self) -> [Fr; 4] {
        let [low, high] = match self.transfer.purpose {
            Purpose::Payment { recipient, .. } => limbs_of_hash(recipient),
            Purpose::Refund { .. } => [Fr::ZERO; 2],
        };
        [self.transfer.header(self.destination), Fr::from(self.transfer.amount), low, high]
    }
}

/// The inbox root of one record in front of those of root `behind`.
pub fn inbox_node(elements: &[Fr; 4], behind: Fr) -> Fr {
    let [header, amount, x, y] = *elements;
    poseidon::hash(&[INBOX_DOMAIN, header, amount, x, y, behind])
}

/// The statement's inbox root of these records; 0 for none.
pub fn inbox_root(records: &[InboxRecord]) -> Fr {
    records.iter().rev().fold(NO_MESSAGES, |behind, record| inbox_node(&record.elements(), behind))
}

/// The outbox root of the records of root `before` and one more.
pub fn outbox_node(before: Fr, elements: &[Fr; 4]) -> Fr {
    let [header, amount, low, high] = *elements;
    poseidon::hash(&[OUTBOX_DOMAIN, before, header, amount, low, high])
}

/// The statement's outbox root of these records, which are put in the order of their sequence numbers; 0 for none.
pub fn outbox_root(records: &[OutboxRecord]) -> Fr {
    let mut ordered: Vec<_> = records.iter().collect();
    ordered.sort_by_key(|record| record.transfer.sequence);
    ordered.into_iter().fold(NO_MESSAGES, |before, record| outbox_node(before, &record.elements()))
}
