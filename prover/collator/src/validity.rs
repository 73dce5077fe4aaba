//! Which validation code the relay chain has for the chain, block by block.
//!
//! ```text
//!   block n     announces code B          (an upgrade that the state enacted: `new_validation_code`)
//!   …           under code A              the relay chain checks B and waits
//!   block m     under code A, sees the go-ahead signal under its relay parent
//!   block m+1   under code B              a block under A is refused from here on
//! ```
//!
//! What a collator has learned of it is a value beside the state, under a name that no root covers; so it is changed with each block and
//! changed back when a block is undone. It follows from the blocks alone, hence is the same for every collator.
//!
//! The signal is the relay chain's `Paras::UpgradeGoAheadSignal`, proven by the storage proof of the block that sees it, which is the last one
//! that the relay chain checks with the old code. So once an upgrade is announced, every block needs a storage proof.

use codec::{Decode, DecodeAll, Encode};
use zkpov_circuits::state::{ChangeSet, StateError, StateReader, keys};
use zkpov_verifier::{
    hashing::{Hash, blake2b_256},
    key::ValidityKey,
    relay::keys::upgrade_go_ahead,
    statement::RelayValue,
};

/// The name of the value.
const NAME: &[u8] = b"collator/validation-code";

/// A code that a block announced.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Announced {
    /// The block's number.
    number: u32,
    /// The hash of the validity key that it is; `None` of other code, for example a PVF that embeds one.
    key: Option<Hash>,
}

/// The validation code in force, as far as the blocks tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ValidationCode {
    /// The hash of the validity key of the next block; `None` if no block told, or the code is not a key.
    key: Option<Hash>,
    /// The last block under another code.
    since: u32,
    announced: Option<Announced>,
}

/// The relay chain's word on an announced upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It is given up.
    Abort,
    /// The next block is under the new code.
    GoAhead,
}

/// Why a block is not made or taken under a validity key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidationCodeError {
    /// Another key is in force.
    #[error(
        "the chain's validity key is 0x{} since block {since}, not 0x{}: the relay chain refuses blocks under another; use the keys of that one",
        hex::encode(expected),
        hex::encode(found)
    )]
    OtherKey {
        /// The hash of the key in force.
        expected: Hash,
        /// The last block under another.
        since: u32,
        /// The hash of the key given.
        found: Hash,
    },
    /// An upgrade is on its way and the block would not see the relay chain's word on it.
    #[error(
        "block {announced} announced an upgrade: the relay file needs a storage proof, in which the relay chain's go-ahead signal shows"
    )]
    Unseen {
        /// The block that announced it.
        announced: u32,
    },
}

impl ValidationCode {
    /// As the newest block left it.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn read(state: &dyn StateReader) -> Result<Self, StateError> {
        let key = keys::auxiliary(NAME);
        match state.get(&key)? {
            None => Ok(Self::default()),
            Some(bytes) => Self::decode_all(&mut bytes.as_slice())
                .map_err(|_| StateError::corrupt(&key, "the validation code in force")),
        }
    }

    /// Whether the next block can be under the validity key of this hash.
    ///
    /// # Errors
    /// [`ValidationCodeError::OtherKey`].
    pub fn check_key(&self, key: Hash) -> Result<(), ValidationCodeError> {
        match self.key {
            Some(expected) if expected != key => {
                Err(ValidationCodeError::OtherKey { expected, since: self.since, found: key })
            }
            _ => Ok(()),
        }
    }

    /// Whether an upgrade was announced and the relay chain's word on it was not seen yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.announced.is_some()
    }

    /// Whether the next block, which reads these values of the relay chain's state, sees what the relay chain says of an
    /// upgrade, where one is on its way.
    ///
    /// # Errors
    /// [`ValidationCodeError::Unseen`].
    pub fn check_seen(&self, values: &[RelayValue]) -> Result<(), ValidationCodeError> {
        match &self.announced {
            Some(announced) if values.is_empty() => {
                Err(ValidationCodeError::Unseen { announced: announced.number })
            }
            _ => Ok(()),
        }
    }

    /// As block `number` leaves it, which was made under the validity key of hash `key`.
    #[must_use]
    pub fn after(self, number: u32, key: Hash, upgrade: Option<&[u8]>, signal: Option<Signal>) -> Self {
        let mut after = Self { key: Some(key), ..self };
        match (signal, after.announced.take()) {
            (Some(Signal::GoAhead), Some(announced)) => {
                (after.key, after.since) = (announced.key, number);
            }
            (Some(Signal::Abort), _) | (None, None) | (Some(Signal::GoAhead), None) => (),
            (None, waiting) => after.announced = waiting,
        }
        if let Some(code) = upgrade {
            let key = ValidityKey::decode(code).ok().map(|_| blake2b_256(code));
            after.announced = Some(Announced { number, key });
        }
        after
    }

    /// Adds it to what a block changes.
    pub fn put(&self, changes: &mut ChangeSet) {
        changes.put(keys::auxiliary(NAME), self.encode());
    }
}

/// The relay chain's word on an upgrade of chain `para`, among the values that a block read of its state.
#[must_use]
pub fn signal(para: u32, values: &[RelayValue]) -> Option<Signal> {
    /// `UpgradeGoAhead::GoAhead` in SCALE.
    const GO_AHEAD: &[u8] = &[1];
    let key = upgrade_go_ahead(para);
    let (_, value) = values.iter().find(|(name, _)| *name == key)?;
    value.as_deref().map(|value| if value == GO_AHEAD { Signal::GoAhead } else { Signal::Abort })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Hash = [1; 32];

    fn announced() -> ValidationCode {
        // No validity key: code of another kind.
        ValidationCode::default().after(1, OLD, None, None).after(2, OLD, Some(b"a PVF"), None)
    }

    #[test]
    fn a_key_is_in_force_from_the_first_block_on() {
        assert_eq!(ValidationCode::default().check_key(OLD), Ok(()));
        let known = ValidationCode::default().after(1, OLD, None, None);
        assert_eq!((known.check_key(OLD), known.check_seen(&[])), (Ok(()), Ok(())));
        let other = known.check_key([2; 32]).expect_err("another key");
        assert!(other.to_string().contains("since block 0"), "{other}");
    }

    #[test]
    fn an_upgrade_waits_for_a_signal_that_a_block_sees() {
        let waiting = announced();
        assert_eq!(waiting.check_seen(&[]), Err(ValidationCodeError::Unseen { announced: 2 }));
        let values = [(vec![0], None)];
        assert_eq!((waiting.check_key(OLD), waiting.check_seen(&values)), (Ok(()), Ok(())));
        let still = waiting.clone().after(3, OLD, None, None);
        assert_eq!(still, waiting);
        let given_up = waiting.clone().after(3, OLD, None, Some(Signal::Abort));
        assert_eq!((given_up.check_key(OLD), given_up.check_seen(&[])), (Ok(()), Ok(())));
        let enacted = waiting.after(3, OLD, None, Some(Signal::GoAhead));
        // What key a PVF embeds is its own affair.
        assert_eq!((enacted.check_key([3; 32]), enacted.check_seen(&[])), (Ok(()), Ok(())));
    }

    #[test]
    fn the_signal_is_the_chains_own() {
        let go = |para: u32, value: Option<&[u8]>| vec![(upgrade_go_ahead(para), value.map(<[u8]>::to_vec))];
        assert_eq!(signal(2000, &go(2000, Some(&[1]))), Some(Signal::GoAhead));
        assert_eq!(signal(2000, &go(2000, Some(&[0]))), Some(Signal::Abort));
        assert_eq!(signal(2000, &go(2000, None)), None);
        assert_eq!(signal(2000, &go(2001, Some(&[1]))), None);
        assert_eq!(signal(2000, &[]), None);
    }
}
