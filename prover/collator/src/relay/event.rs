//! What happens on a local relay chain.

use super::{candidate::NotBacked, coretime::Lease, interface::Hash};

/// Something that a person who watches wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayEvent {
    /// A relay block was made; it is the best one, or one below it.
    Block {
        /// Its number.
        number: u32,
        /// Its hash.
        hash: Hash,
    },
    /// A parachain was registered.
    Registered {
        /// Which.
        para: u32,
    },
    /// A core was leased.
    LeaseSold {
        /// The lease.
        lease: Lease,
        /// What was paid.
        price: u64,
    },
    /// A lease is over.
    LeaseEnded {
        /// The lease.
        lease: Lease,
    },
    /// A core was ordered for one candidate.
    Ordered {
        /// For whom.
        para: u32,
        /// What was paid.
        price: u64,
    },
    /// A candidate is backed: its core is occupied until it is included.
    Backed {
        /// Whose.
        para: u32,
        /// Number of the para block.
        block: u32,
        /// On which core.
        core: u16,
    },
    /// A candidate is included: it is the parachain's head.
    Included {
        /// Whose.
        para: u32,
        /// Number of the para block.
        block: u32,
        /// Hash of its head.
        head: Hash,
    },
    /// A candidate was offered that is not valid.
    Refused {
        /// Whose.
        para: u32,
        /// Why.
        reason: NotBacked,
    },
    /// The chain went another way.
    Reverted {
        /// How many relay blocks were abandoned.
        depth: u32,
        /// Number of the last block that both ways have.
        ancestor: u32,
        /// Parachains whose head went back: para, block before, block after.
        heads: Vec<(u32, u32, u32)>,
    },
    /// Relay blocks are final, and with them what they included.
    Finalized {
        /// Number of the highest.
        number: u32,
        /// Parachains of which a further block is final: para, block.
        heads: Vec<(u32, u32)>,
    },
    /// A parachain's next validity key is in force.
    Upgraded {
        /// Which.
        para: u32,
    },
    /// A channel for messages is open.
    ChannelOpened {
        /// Who sends through it.
        sender: u32,
        /// Who takes from it.
        recipient: u32,
    },
    /// An included block sent a message: it waits in its channel.
    MessageQueued {
        /// Who sent it.
        sender: u32,
        /// Who is to take it.
        recipient: u32,
        /// Its length.
        bytes: usize,
    },
    /// An included block took messages: they are gone from their channel.
    MessagesTaken {
        /// Who had sent them.
        sender: u32,
        /// Who took them.
        recipient: u32,
        /// How many.
        messages: usize,
    },
}
