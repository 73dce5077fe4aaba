//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Removes the temporary file unless it was renamed.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nothing can be done about a file that cannot be removed; the error that led here is the one to report.
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes the file `path` with what `fill` writes: into a new file beside it, which is synced, then renamed over `path`; the
/// directory is synced last. A reader sees the old file or the new one, also after a crash.
pub(super) fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary_name = OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{:016x}.tmp", rand::random::<u64>()));
    let temporary = directory.join(temporary_name);

    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let mut guard = Temporary(Some(temporary.clone()));
    fill(&mut file)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    guard.0 = None;
    sync_directory(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Elsewhere a directory cannot be opened as a file; the rename itself is atomic.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_write_that_fails_half_way_leaves_the_directory_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let fail = |file: &mut File| {
            file.write_all(b"half")?;
            Err(io::Error::other("no space"))
        };
        assert!(write_atomically(&path, fail).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

        write_atomically(&path, |file| file.write_all(b"whole")).unwrap();
        assert!(write_atomically(&path, fail).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_file_is_not_visible_before_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_atomically(&path, |file| {
            file.write_all(b"half")?;
            assert!(!path.exists());
            file.write_all(b"whole")
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"halfwhole");
    }

    #[test]
    fn a_replaced_file_does_not_change_under_its_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        let mut reader = File::open(&path).unwrap();
        write_atomically(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "old");
    }
}
