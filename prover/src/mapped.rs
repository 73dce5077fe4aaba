//! Files of other programs, mapped for reading.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::key::Image;

/// A file's bytes, mapped.
///
/// The operating system does not keep other programs from writing to a file that is mapped: a reader must check each value where
/// it is used, and take nothing for granted that it has read before. A file that is truncated while it is mapped ends the process.
#[derive(Debug)]
pub struct MappedFile(Option<Image>);

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// What the operating system answers.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // An empty map is an error of its own.
        if metadata.len() == 0 { Ok(Self(None)) } else { Image::map(&file).map(Some).map(Self) }
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref().map(Image::bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_has_the_files_bytes_also_when_there_are_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for bytes in [&b""[..], b"some"] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(MappedFile::open(&path).unwrap().bytes(), bytes);
        }
        assert!(MappedFile::open(directory.path()).is_err());
    }
}
