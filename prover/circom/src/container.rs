//! The container that `.r1cs`, `.wtns`, `.zkey` and `.ptau` share (iden3's binary file).
//!
//! ```text
//!   magic 4 │ version u32 │ number of sections u32 │ section: id u32, length u64, bytes │ section …      little-endian
//! ```
//! Sections come in any order, and unknown ones are passed over. Nothing may follow the last one.

use std::io::{self, Write};

use crate::bytes::Cursor;
use crate::error::FormatError;

/// More sections than any writer makes (a `.ptau` has 11, a PLONK key 14); it bounds the table.
const MAX_SECTIONS: u32 = 64;

/// The sections of a file.
#[derive(Debug)]
pub(crate) struct Sections<'a>(Vec<(u32, &'a [u8])>);

impl<'a> Sections<'a> {
    /// Reads the table of a file whose magic is `magic` and whose version is at most `most`.
    pub(crate) fn parse(bytes: &'a [u8], magic: &'static str, most: u32) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        if !bytes.starts_with(magic.as_bytes()) {
            return Err(FormatError::Magic { expected: magic });
        }
        cursor.take(magic.len() as u64, "the magic")?;
        let version = cursor.u32("the version")?;
        if version == 0 || version > most {
            return Err(FormatError::Version { found: version, most });
        }
        let count = cursor.u32("the number of sections")?;
        if count > MAX_SECTIONS {
            return Err(FormatError::SectionCount { found: count, most: MAX_SECTIONS });
        }
        let mut sections = Vec::new();
        for _ in 0..count {
            let id = cursor.u32("a section's number")?;
            let length = cursor.u64("a section's length")?;
            sections.push((id, cursor.take(length, "a section")?));
        }
        let read = (bytes.len() - cursor.rest().len()) as u64;
        cursor.end("the file", read)?;
        Ok(Self(sections))
    }

    /// The only section with this number.
    pub(crate) fn get(&self, id: u32, name: &'static str) -> Result<&'a [u8], FormatError> {
        self.find(id, name)?.ok_or(FormatError::Missing { id, name })
    }

    /// The only section with this number, if there is one.
    pub(crate) fn find(&self, id: u32, name: &'static str) -> Result<Option<&'a [u8]>, FormatError> {
        let mut found = self.0.iter().filter(|(other, _)| *other == id);
        let first = found.next().map(|(_, bytes)| *bytes);
        if found.next().is_some() { Err(FormatError::Duplicate { id, name }) } else { Ok(first) }
    }

    /// The only section with this number, which has `count` items of `size` bytes.
    pub(crate) fn items(
        &self,
        id: u32,
        name: &'static str,
        count: u64,
        size: usize,
    ) -> Result<&'a [u8], FormatError> {
        let bytes = self.get(id, name)?;
        let expected = count.saturating_mul(size as u64);
        if bytes.len() as u64 == expected {
            Ok(bytes)
        } else {
            Err(FormatError::Length { what: name, found: bytes.len() as u64, expected })
        }
    }
}

/// Writes the head of a file.
pub(crate) fn write_head(out: &mut dyn Write, magic: &str, version: u32, sections: u32) -> io::Result<()> {
    out.write_all(magic.as_bytes())?;
    out.write_all(&version.to_le_bytes())?;
    out.write_all(&sections.to_le_bytes())
}

/// Writes the head of a section; its bytes follow.
pub(crate) fn write_section_head(out: &mut dyn Write, id: u32, length: u64) -> io::Result<()> {
    out.write_all(&id.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())
}

/// Writes a section.
pub(crate) fn write_section(out: &mut dyn Write, id: u32, bytes: &[u8]) -> io::Result<()> {
    write_section_head(out, id, bytes.len() as u64)?;
    out.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sections: &[(u32, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        write_head(&mut out, "wtns", 2, sections.len() as u32).unwrap();
        for (id, bytes) in sections {
            write_section(&mut out, *id, bytes).unwrap();
        }
        out
    }

    #[test]
    fn sections_are_found_in_any_order_and_unknown_ones_are_passed_over() {
        let bytes = file(&[(9, b"x"), (2, b"two"), (1, b"")]);
        let sections = Sections::parse(&bytes, "wtns", 2).unwrap();
        assert_eq!(sections.get(2, "two"), Ok(&b"two"[..]));
        assert_eq!(sections.get(1, "one"), Ok(&b""[..]));
        assert_eq!(sections.get(3, "three"), Err(FormatError::Missing { id: 3, name: "three" }));
        assert!(sections.items(2, "two", 3, 1).is_ok());
        assert!(matches!(sections.items(2, "two", u64::MAX, 32), Err(FormatError::Length { .. })));
    }

    #[test]
    fn every_lie_about_the_sections_is_refused() {
        let good = file(&[(1, b"one"), (2, b"two")]);
        for cut in 0..good.len() {
            assert!(Sections::parse(&good[..cut], "wtns", 2).is_err(), "cut at {cut}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(matches!(Sections::parse(&longer, "wtns", 2), Err(FormatError::Length { .. })));
        let mut huge = good.clone();
        huge[16..24].copy_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(matches!(
            Sections::parse(&huge, "wtns", 2),
            Err(FormatError::Truncated { needed, .. }) if needed == 1 << 60
        ));
        let mut many = good.clone();
        many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Sections::parse(&many, "wtns", 2), Err(FormatError::SectionCount { .. })));
        assert!(matches!(Sections::parse(&good, "zkey", 2), Err(FormatError::Magic { expected: "zkey" })));
        assert!(matches!(Sections::parse(&good, "wtns", 1), Err(FormatError::Version { found: 2, most: 1 })));
        let twice = file(&[(1, b"one"), (1, b"two")]);
        assert!(matches!(
            Sections::parse(&twice, "wtns", 2).unwrap().get(1, "one"),
            Err(FormatError::Duplicate { id: 1, .. })
        ));
    }
}
