//! Compiled kernels and measurements, kept between runs.
//!
//! A file for each device, driver and source; its name says which. It appears whole or not at all, and its contents begin with a digest
//! of the rest, so that a damaged one is compiled anew. Where there is no directory to keep them, nothing is kept.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process;

use super::source::{digest, hexadecimal};
use crate::device::DeviceInfo;

/// Names another directory; empty for none.
const DIRECTORY: &str = "ZKPOV_GPU_CACHE";
const DIGEST_BYTES: usize = 32;

/// A compiled program, where one is kept.
#[derive(Debug)]
pub(super) struct Kept(Option<PathBuf>);

impl Kept {
    /// The kernels of a device.
    pub(super) fn of(info: &DeviceInfo) -> Self {
        Self::named(info, "", "kernels")
    }

    /// What was measured of a device and of a CPU.
    pub(super) fn measurement(info: &DeviceInfo, cpu: &str) -> Self {
        Self::named(info, cpu, "rates")
    }

    fn named(info: &DeviceInfo, more: &str, extension: &str) -> Self {
        let key = format!("{}\n{}\n{}\n{}\n{more}\n", info.interface, info.name, info.driver, digest());
        let name = hexadecimal(&Blake2b::<U32>::digest(key));
        Self(directory().map(|directory| directory.join(format!("{name}.{extension}"))))
    }

    /// The program, if it was kept and is whole.
    pub(super) fn load(&self) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.0.as_ref()?).ok()?;
        let program = bytes.split_off_checked(DIGEST_BYTES)?;
        (bytes[..] == Blake2b::<U32>::digest(&program)[..]).then_some(program)
    }

    /// Keeps a program. Whether that succeeds changes nothing but the time of the next start.
    pub(super) fn store(&self, program: &[u8]) {
        if let Some(path) = &self.0
            && let Err(error) = write(path, program)
        {
            tracing::debug!(path = %path.display(), %error, "the compiled kernels were not kept");
        }
    }
}

trait SplitOffChecked: Sized {
    fn split_off_checked(&mut self, at: usize) -> Option<Self>;
}

impl SplitOffChecked for Vec<u8> {
    fn split_off_checked(&mut self, at: usize) -> Option<Self> {
        (at <= self.len()).then(|| self.split_off(at))
    }
}

fn write(path: &PathBuf, program: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    // Two processes that start at once write two files; the later one replaces the other, which has the same contents.
    let temporary = path.with_extension(format!("{}.new", process::id()));
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(&Blake2b::<U32>::digest(program))?;
        file.write_all(program)?;
        file.sync_all()
    });
    let end = written.and_then(|()| fs::rename(&temporary, path));
    if end.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    end
}

fn directory() -> Option<PathBuf> {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return (!directory.is_empty()).then(|| directory.into());
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("zkpov").join("kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_what_is_damaged_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let kept = Kept(Some(directory.path().join("new").join("x.kernels")));
        assert_eq!(kept.load(), None);
        kept.store(b"program");
        assert_eq!(kept.load().as_deref(), Some(&b"program"[..]));
        let path = kept.0.clone().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(kept.load(), None);
        fs::write(&path, b"short").unwrap();
        assert_eq!(kept.load(), None);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        Kept(None).store(b"nowhere");
    }
}
