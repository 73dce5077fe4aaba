//! What the benchmarks found, natively on one core of this processor: AMD EPYC.
//!
//! Written by `scripts/weights`, and not by hand.
//! Each benchmark at 10 sizes, 20 times each; times in picoseconds.

use crate::cost::Cost;

/// `register`, of a key of so many bytes.
pub(crate) const REGISTER: Cost =
    Cost { base: 255_034_072, per_byte: 873_085, most_bytes: 4_391, reads: 2, writes: 3 };

/// `submit`, of a block of so many bytes, with the largest body.
pub(crate) const SUBMIT: Cost =
    Cost { base: 328_741_917_062, per_byte: 0, most_bytes: 33_121, reads: 2, writes: 1 };

/// `submit`, of a block of so many bytes, with a small body and transfers of other chains.
pub(crate) const SUBMIT_MESSAGES: Cost =
    Cost { base: 1_081_667_438, per_byte: 1_014_745, most_bytes: 133_389, reads: 2, writes: 1 };

/// `submit`, of a block of so many bytes, with a small body and messages that are dropped.
pub(crate) const SUBMIT_QUEUE: Cost =
    Cost { base: 4_786_023_324, per_byte: 107_776, most_bytes: 42_414, reads: 2, writes: 1 };

/// `submit`, of a block with a small body and a new key of so many bytes.
pub(crate) const SUBMIT_UPGRADE: Cost =
    Cost { base: 37_199_681_868, per_byte: 1_569_734, most_bytes: 4_391, reads: 4, writes: 4 };

/// `deregister`.
pub(crate) const DEREGISTER: Cost =
    Cost { base: 35_583_000, per_byte: 0, most_bytes: 0, reads: 2, writes: 3 };
