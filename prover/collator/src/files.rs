//! Files written whole or not at all, and read within a limit.
//!
//! ```text
//!  bytes ──► temporary file beside the target ──► fsync ──► rename over the target ──► fsync of the directory
//!                        │ any failure
//!                        └──► temporary file removed, target as it was
//! ```
//!
//! A rename within one directory is atomic on the file systems a collator runs on, so a reader sees the
//! old file or the new one, whole, and after a power failure the same holds.

use std::{
    ffi::OsString,
    fs::{File, Permissions},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Why a file was not read or not written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
    /// The file is longer than the caller allows.
    #[error("{} is longer than {limit} bytes, the most such a file may hold; check that this is the right file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most bytes allowed.
        limit: u64,
    },
    /// The file could not be written; what was there before is untouched, unless `step` says otherwise.
    #[error("cannot write {} ({step}): {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The step that failed.
        step: &'static str,
        /// What the operating system answered.
        source: io::Error,
    },
    /// A secret is never written over another.
    #[error("{} exists and a secret is never overwritten; move it away or choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

/// Replaces the file at `path` by `bytes`, or leaves it as it was.
///
/// The file gets the mode that the process's umask gives new files.
///
/// # Errors
/// [`FileError::Write`], naming the file and the step.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// As [`write_atomically`], for content too large to hold in memory: `fill` writes it.
///
/// # Errors
/// [`FileError::Write`], also when `fill` fails.
pub fn write_atomically_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let temporary = fill_temporary(path, Access::Umask, fill)?;
    temporary.persist(path).map_err(|e| write_error(path, "putting it into place")(e.error))?;
    sync_parent(path)
}

/// Writes a secret to a new file at `path` that only its owner may read (mode 0600).
///
/// # Errors
/// [`FileError::Exists`] when `path` exists (it is left alone), otherwise [`FileError::Write`].
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = fill_temporary(path, Access::OwnerOnly, |file| file.write_all(bytes))?;
    temporary.persist_noclobber(path).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_owned() },
        _ => write_error(path, "putting it into place")(e.error),
    })?;
    sync_parent(path)
}

/// Reads the file at `path`, which may hold at most `limit` bytes.
///
/// No more than `limit + 1` bytes are read, whatever the file's length is said to be.
///
/// # Errors
/// [`FileError::Read`] and [`FileError::TooLong`].
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    read_into(path, limit, &mut bytes)?;
    Ok(bytes)
}

/// As [`read_bounded`], into memory that is wiped when dropped; for key files.
///
/// # Errors
/// [`FileError::Read`] and [`FileError::TooLong`].
pub fn read_secret(path: &Path, limit: u16) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // Room for all that can be read, twice over, so that the buffer never moves and leaves a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * (usize::from(limit) + 1)));
    read_into(path, limit.into(), &mut bytes)?;
    Ok(bytes)
}

/// Makes the names in `directory` durable: a created or renamed file is found there after a power failure.
///
/// # Errors
/// What the operating system answers.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // Only Unix lets a directory be opened and synced; elsewhere the rename itself is all there is.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[derive(Clone, Copy)]
enum Access {
    Umask,
    OwnerOnly,
}

fn read_into(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> Result<(), FileError> {
    let read_error = |source| FileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read_error)?;
    let read = file.take(limit.saturating_add(1)).read_to_end(bytes).map_err(read_error)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > limit {
        return Err(FileError::TooLong { path: path.to_owned(), limit });
    }
    Ok(())
}

/// Fills and syncs a temporary file beside `path`; it is removed when the returned guard is dropped.
fn fill_temporary(
    path: &Path,
    access: Access,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<NamedTempFile, FileError> {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().ok_or_else(|| {
        write_error(path, "naming it")(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))
    })?);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    if let Some(permissions) = permissions(access) {
        builder.permissions(permissions);
    }
    let mut temporary =
        builder.tempfile_in(parent(path)).map_err(write_error(path, "making a temporary file beside it"))?;
    let mut buffered = BufWriter::new(temporary.as_file_mut());
    fill(&mut buffered).and_then(|()| buffered.flush()).map_err(write_error(path, "writing"))?;
    drop(buffered);
    temporary.as_file().sync_all().map_err(write_error(path, "syncing"))?;
    Ok(temporary)
}

#[cfg(unix)]
fn permissions(access: Access) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    // The modes an ordinary new file (before the umask) and a secret have.
    Some(Permissions::from_mode(match access {
        Access::Umask => 0o666,
        Access::OwnerOnly => 0o600,
    }))
}

#[cfg(not(unix))]
fn permissions(_: Access) -> Option<Permissions> {
    None
}

fn sync_parent(path: &Path) -> Result<(), FileError> {
    sync_directory(parent(path)).map_err(write_error(
        path,
        "the file is in place, but its directory could not be synced, so a power failure may lose it",
    ))
}

/// The directory `path` is in; the working directory for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn write_error<'a>(path: &'a Path, step: &'static str) -> impl Fn(io::Error) -> FileError + 'a {
    move |source| FileError::Write { path: path.to_owned(), step, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_written_file_holds_the_bytes_and_leaves_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("head");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(directory.path()), ["head"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("head");
        write_atomically(&path, b"old").unwrap();
        let error = write_atomically_with(&path, |file| {
            file.write_all(&[7; 100_000])?;
            Err(io::Error::other("disk full"))
        })
        .unwrap_err();
        assert!(matches!(error, FileError::Write { step: "writing", .. }), "{error}");
        assert!(error.to_string().contains("disk full") && error.to_string().contains("head"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(directory.path()), ["head"]);
    }

    #[test]
    fn a_failed_rename_leaves_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("inside"), b"kept").unwrap();
        assert!(matches!(
            write_atomically(&path, b"x"),
            Err(FileError::Write { step: "putting it into place", .. })
        ));
        assert_eq!(names(directory.path()), ["taken"]);
        assert_eq!(std::fs::read(path.join("inside")).unwrap(), b"kept");
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = write_atomically(&directory.path().join("no/where"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/where"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_for_its_owner_alone_and_is_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("author.key");
        write_secret(&path, b"secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(write_secret(&path, b"another"), Err(FileError::Exists { .. })));
        assert_eq!(*read_secret(&path, 6).unwrap(), b"secret");
        assert_eq!(names(directory.path()), ["author.key"]);
    }

    #[cfg(unix)]
    #[test]
    fn an_ordinary_file_follows_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (directory.path().join("ours"), directory.path().join("plain"));
        write_atomically(&ours, b"x").unwrap();
        std::fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_file_longer_than_its_limit_is_refused_by_name_and_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pov");
        std::fs::write(&path, [1; 10]).unwrap();
        assert_eq!(read_bounded(&path, 10).unwrap(), [1; 10]);
        let error = read_bounded(&path, 9).unwrap_err();
        assert!(matches!(error, FileError::TooLong { limit: 9, .. }));
        assert!(error.to_string().contains("pov") && error.to_string().contains('9'), "{error}");
        assert!(matches!(read_secret(&path, 9), Err(FileError::TooLong { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_an_end_is_read_no_further_than_its_limit() {
        assert!(matches!(
            read_bounded(Path::new("/dev/zero"), 1 << 20),
            Err(FileError::TooLong { limit: 1_048_576, .. })
        ));
    }
}
