//! Peak memory of a piece of work, as Linux counts it.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// How often the memory that no file backs is looked at: Linux keeps no maximum of it.
const INTERVAL: Duration = Duration::from_millis(2);

/// The most memory that a process held, in MiB.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Peak {
    /// All of it, pages of mapped files included (VmHWM).
    pub(super) peak_rss_mb: f64,
    /// What no file backs (RssAnon).
    pub(super) peak_anonymous_mb: f64,
}

/// The peak of this process from here to the end of `work`. What it holds already counts, what it has given back does not.
pub(super) fn peak_during<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Peak)> {
    std::fs::write("/proc/self/clear_refs", "5").context("the peak cannot be reset")?;
    let done = AtomicBool::new(false);
    let (result, anonymous) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = field("RssAnon")?;
            while !done.load(Ordering::Relaxed) {
                thread::sleep(INTERVAL);
                most = most.max(field("RssAnon")?);
            }
            anyhow::Ok(most)
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watch.join())
    });
    let anonymous = anonymous.map_err(|_| anyhow::anyhow!("the watching thread panicked"))??;
    Ok((result?, Peak { peak_rss_mb: field("VmHWM")?, peak_anonymous_mb: anonymous }))
}

/// A field of this process's status, in MiB.
fn field(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix("kB")).context("not in the process's status")?;
    Ok(kilobytes.trim().parse::<f64>()? / 1024.0)
}

/// The peak of one proof by `system` in a process of its own, with the key at `key`.
pub(super) fn of_a_proof(system: &str, log2: u32, threads: usize, key: &Path) -> anyhow::Result<Peak> {
    let output = Command::new(std::env::current_exe()?)
        .args(["memory", system, &log2.to_string(), &threads.to_string()])
        .arg(key)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the proof whose memory is measured failed: {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
