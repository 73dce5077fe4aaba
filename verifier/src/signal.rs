//! UMP signals: what a candidate says to the relay chain about itself, and not what the block does.
//!
//! ```text
//!   select core     0 │ selector │ claim queue offset
//!   approved peer   1 │ compact length │ peer id, at most 64 bytes
//! ```
//!
//! They depend on when the candidate is submitted, so the author signs them with the scheduled part and no proof covers them. The
//! relay chain finds them behind an empty upward message, the *separator*, and acts on no other upward message in them. Backers
//! and the runtime hold the selected core against the claim queue; what is checked here is that the bytes are signals at all, of
//! different kinds, so that nothing rides along on the author's signature that is not one.
//!
//! Source: polkadot's `UMPSignal` and `CandidateCommitments::ump_signals` (RFC-103 and its extension for peers).

use alloc::vec::Vec;

use thiserror::Error;

use crate::scale::{DecodeCause, DecodeError, Read, Reader};

/// Longest peer id in bytes (polkadot's `ApprovedPeerId`).
pub const MAX_PEER_ID_BYTES: usize = 64;

/// Longest signal in bytes: kind, length (compact, two bytes), peer id.
const MAX_SIGNAL_BYTES: usize = 1 + 2 + MAX_PEER_ID_BYTES;

/// What stands between upward messages and signals.
const SEPARATOR: Vec<u8> = Vec::new();

/// The kinds of signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalKind {
    /// Chooses the core on which the candidate is.
    SelectCore,
    /// Recommends a collator's peer to the backers.
    ApprovedPeer,
}

/// Why a block's signals are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignalError {
    /// Not the encoding of a signal.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Two of one kind.
    #[error("two UMP signals of the kind {0:?}")]
    Twice(SignalKind),
}

/// The kind of the signal that `bytes` are.
fn kind(bytes: &[u8]) -> Read<SignalKind> {
    let mut reader = Reader::new("UMP signal", bytes, MAX_SIGNAL_BYTES)?;
    let kind = match reader.u8("kind of a UMP signal")? {
        0 => {
            reader.u8("core selector")?;
            reader.u8("claim queue offset")?;
            SignalKind::SelectCore
        }
        1 => {
            reader.slice("approved peer", MAX_PEER_ID_BYTES)?;
            SignalKind::ApprovedPeer
        }
        other => {
            let cause = DecodeCause::Variant(other);
            return Err(DecodeError { what: "kind of a UMP signal", offset: 0, cause });
        }
    };
    reader.finish("UMP signal")?;
    Ok(kind)
}

/// Checks that `signals` are signals, at most one of each kind.
///
/// # Errors
///
/// [`SignalError`].
pub fn check(signals: &[Vec<u8>]) -> Result<(), SignalError> {
    let mut seen = Vec::new();
    for signal in signals {
        let kind = kind(signal)?;
        if seen.contains(&kind) {
            return Err(SignalError::Twice(kind));
        }
        seen.push(kind);
    }
    Ok(())
}

/// The upward messages of a candidate: the block's own, and behind the separator its signals, if it has any.
pub fn append(mut upward: Vec<Vec<u8>>, signals: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if !signals.is_empty() {
        upward.push(SEPARATOR);
        upward.extend(signals);
    }
    upward
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const CORE: [u8; 3] = [0, 7, 1];

    fn peer(length: u8) -> Vec<u8> {
        let mut bytes = codec::Encode::encode(&vec![9u8; length.into()]);
        bytes.insert(0, 1);
        bytes
    }

    fn accepted(signals: &[Vec<u8>]) -> bool {
        check(signals).is_ok()
    }

    #[test]
    fn none_one_and_one_of_each_kind_in_either_order_are_signals() {
        assert!(accepted(&[]));
        assert!(accepted(&[CORE.to_vec()]));
        assert!(accepted(&[peer(0)]));
        assert!(accepted(&[CORE.to_vec(), peer(38)]));
        assert!(accepted(&[peer(MAX_PEER_ID_BYTES as u8), CORE.to_vec()]));
    }

    #[test]
    fn two_of_a_kind_are_refused() {
        let other_core = vec![0, 0, 0];
        assert_eq!(check(&[CORE.to_vec(), other_core]), Err(SignalError::Twice(SignalKind::SelectCore)));
        assert_eq!(check(&[peer(1), peer(2)]), Err(SignalError::Twice(SignalKind::ApprovedPeer)));
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for bytes in [&[][..], &[0], &[0, 7], &[0, 7, 1, 0], &[2], &[1], &[1, 4], &[1, 0, 0]] {
            assert!(!accepted(&[bytes.to_vec()]), "{bytes:?}");
        }
        assert!(!accepted(&[peer(MAX_PEER_ID_BYTES as u8 + 1)]));
    }

    #[test]
    fn signals_stand_behind_the_separator_and_without_signals_there_is_none() {
        let own = vec![vec![5], vec![6]];
        assert_eq!(append(own.clone(), vec![]), own);
        assert_eq!(append(own, vec![CORE.to_vec()]), [vec![5], vec![6], vec![], CORE.to_vec()]);
    }
}
