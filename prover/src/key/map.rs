//! The bytes of a key: a mapped file, or memory of its own with the same layout. One of the few places with `unsafe`.
//!
//! What the map rests on, since the operating system does not keep others from writing to a mapped file:
//!
//! - This crate never writes to a key file that has its final name: [`super::write`] makes a new file and renames it, so that a
//!   map keeps the file it was opened on. Programs that overwrite or truncate a key *in place* while it is mapped are outside
//!   what an operator may do (truncation ends the process with SIGBUS on Unix).
//! - Only bytes and `u32` are read through the map, and every bit pattern is a value of these types. Nothing is a reference to an
//!   arkworks type: their layout is not specified. Points are copied out, and each coordinate is compared with the modulus.
//! - No index, length or coordinate read from the map is trusted beyond the expression it is checked in, so that a file that
//!   changes after it was opened gives an error or a proof that its own verification refuses.

#![allow(unsafe_code)]

#[cfg(unix)]
use memmap2::Advice;
#[cfg(target_os = "linux")]
use memmap2::UncheckedAdvice;
use memmap2::{Mmap, MmapMut};
use std::fs::File;
use std::io;
use std::ops::Range;

#[cfg(target_endian = "big")]
compile_error!("key files are little-endian and their index tables are read in place");

/// The bytes of a whole key, at a page boundary.
#[derive(Debug)]
pub(crate) struct Image {
    map: Mmap,
    /// Whether a file has the bytes.
    of_file: bool,
}

impl Image {
    /// Maps `file` for reading.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the map is read-only and private to this value. The module's documentation says why a change of the file by
        // another process, which no program can exclude, is not taken for granted anywhere.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self { map, of_file: true })
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Asks the operating system to read the file ahead, and does not wait for it. Advice: what comes of it changes no result.
    pub(crate) fn read_ahead(&self) {
        #[cfg(unix)]
        let _ = self.map.advise(Advice::WillNeed);
    }

    /// Says that a range will not be read for a while: its pages no longer count as memory of this process. They stay in the system's
    /// cache of files while there is room, and come back when they are read. Of a key that is not in a file all stays.
    pub(crate) fn release(&self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        if self.of_file && range.end <= self.map.len() && !range.is_empty() {
            // SAFETY: the map is a shared map of a file that is never written through it, so that a page that is dropped has
            // the file's bytes when it is read again: those it had, or others if another process wrote to the file, which the
            // module's documentation deals with.
            let _ = unsafe {
                self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
    }
}

/// Bytes of a key in the making.
#[derive(Debug)]
pub(crate) struct ImageMut(MmapMut);

impl ImageMut {
    /// `length` zero bytes.
    pub(crate) fn zeroed(length: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(length)?;
        // Large pages, where there are any, save a fault for every 4 KiB. A refusal changes nothing else.
        #[cfg(target_os = "linux")]
        let _ = map.advise(Advice::HugePage);
        Ok(Self(map))
    }

    /// All bytes.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Ends the making.
    pub(crate) fn freeze(self) -> io::Result<Image> {
        Ok(Image { map: self.0.make_read_only()?, of_file: false })
    }
}

/// `bytes` as little-endian words, in place. `None` if they do not begin at a multiple of four or do not end in a whole word.
pub(crate) fn words(bytes: &[u8]) -> Option<&[u32]> {
    // SAFETY: every four bytes are a `u32`, and `align_to` gives only aligned ones in its middle part.
    let (before, words, after) = unsafe { bytes.align_to::<u32>() };
    (before.is_empty() && after.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_released_is_read_again() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        io::Write::write_all(&mut file, &bytes).unwrap();
        let mapped = Image::map(&file).unwrap();
        let mut made = ImageMut::zeroed(bytes.len()).unwrap();
        made.bytes_mut().copy_from_slice(&bytes);
        for image in [mapped, made.freeze().unwrap()] {
            for range in [0..bytes.len(), 5..70_001, 9..9, 1..bytes.len() + 1] {
                assert!(image.bytes() == bytes);
                image.release(range);
            }
            assert!(image.bytes() == bytes);
        }
    }

    #[test]
    fn words_are_given_only_where_they_are_whole_and_aligned() {
        let mut image = ImageMut::zeroed(64).unwrap();
        image.bytes_mut()[4..8].copy_from_slice(&0x0102_0304u32.to_le_bytes());
        let image = image.freeze().unwrap();
        assert_eq!(words(&image.bytes()[..12]), Some(&[0, 0x0102_0304, 0][..]));
        assert_eq!(words(&image.bytes()[1..5]), None);
        assert_eq!(words(&image.bytes()[..7]), None);
        assert_eq!(words(&[]), Some(&[][..]));
    }
}
