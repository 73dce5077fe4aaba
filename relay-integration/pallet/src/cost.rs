//! What a benchmark finds: time as a linear function of bytes, and storage.

/// The cost of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Picoseconds without bytes.
    pub(crate) base: u64,
    /// Picoseconds of a byte.
    pub(crate) per_byte: u64,
    /// The most bytes that were measured: a call that brings more of them brings no more of what takes time.
    pub(crate) most_bytes: u32,
    /// Entries of the storage that are read.
    pub(crate) reads: u64,
    /// Entries of the storage that are written.
    pub(crate) writes: u64,
}

impl Cost {
    /// Picoseconds for so many bytes.
    pub(crate) fn time(&self, bytes: u32) -> u64 {
        self.base.saturating_add(self.time_of_bytes(bytes))
    }

    /// The bytes' part of it.
    pub(crate) fn time_of_bytes(&self, bytes: u32) -> u64 {
        self.per_byte.saturating_mul(bytes.into())
    }

    /// The bytes that can take time, of so many.
    pub(crate) fn at_most(&self, bytes: u32) -> u32 {
        bytes.min(self.most_bytes)
    }
}
