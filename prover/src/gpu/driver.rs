//! A device: memory within a limit, kernels by name, an end to every wait.
//!
//! ```text
//!   Device   limits, time-outs, loss of the device; the same for both interfaces and tested with one
//!     │
//!   Driver   what an interface does: opencl, cuda
//! ```
//!
//! Every call of a driver that waits for the device does so after [`Device::wait`] has seen it finish, so that no call can hang.
//! A device that did not finish in time, or whose driver reported an error, is lost: nothing is asked of it again, and its memory is
//! left to the driver, since a kernel may still be writing to it.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::device::{DeviceError, DeviceInfo};

/// A driver's name for a piece of the device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(pub(super) u64);

/// An argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg<'a> {
    /// A 32-bit number.
    Number(u32),
    /// Memory of the device.
    Memory(&'a Memory),
}

/// Threads of a group of most kernels.
pub(super) const GROUP: u32 = 64;
/// Threads of a group of those that use local memory.
pub(super) const WIDE_GROUP: u32 = 256;

/// What an interface does. Work is done in the order in which it is given.
pub(super) trait Driver: Send {
    /// The device.
    fn info(&self) -> &DeviceInfo;
    /// Memory, or `None` if the device has none left. Its contents are undefined.
    fn allocate(&mut self, bytes: usize) -> Result<Option<Handle>, DeviceError>;
    /// Gives memory back, when the work given so far is done.
    fn free(&mut self, memory: Handle);
    /// Zeros, when the work given so far is done.
    fn clear(&mut self, memory: Handle, bytes: usize) -> Result<(), DeviceError>;
    /// Copies to the device. Waits for the work given so far.
    fn write(&mut self, memory: Handle, offset: usize, bytes: &[u8]) -> Result<(), DeviceError>;
    /// Copies from the device. Waits for the work given so far.
    fn read(&mut self, memory: Handle, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError>;
    /// Starts `groups` groups of `threads` threads.
    fn launch(
        &mut self,
        kernel: &'static str,
        groups: u32,
        threads: u32,
        args: &[Arg<'_>],
    ) -> Result<(), DeviceError>;
    /// Puts a mark behind the work given so far.
    fn mark(&mut self) -> Result<(), DeviceError>;
    /// Whether the last mark has been reached.
    fn reached(&mut self) -> Result<bool, DeviceError>;
}

/// How a device is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The most bytes of its memory.
    pub(super) memory: u64,
    /// How long one wait may take.
    pub(super) wait: Duration,
}

/// The longest pause between two looks at a device that is working.
const LONGEST_PAUSE: Duration = Duration::from_millis(2);
/// For how long a wait only looks, without pauses.
const WITHOUT_PAUSES: Duration = Duration::from_micros(200);

/// A device in use.
pub(super) struct Device {
    /// None after the device was dropped.
    driver: Mutex<Option<Box<dyn Driver>>>,
    info: DeviceInfo,
    limits: Limits,
    used: AtomicU64,
    lost: Mutex<Option<String>>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Device {
    pub(super) fn new(driver: Box<dyn Driver>, limits: Limits) -> Arc<Self> {
        let info = driver.info().clone();
        Arc::new(Self {
            driver: Mutex::new(Some(driver)),
            info,
            limits,
            used: AtomicU64::new(0),
            lost: Mutex::new(None),
        })
    }

    pub(super) fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Bytes that can still be had.
    pub(super) fn free_memory(&self) -> u64 {
        self.limits.memory.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    fn is_lost(&self) -> bool {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Does something with the driver, unless the device is lost; it is lost if that fails.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut dyn Driver) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reason) = lost {
            return Err(DeviceError::Lost(reason));
        }
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        let driver = driver.as_deref_mut().ok_or_else(|| DeviceError::Lost("closed".to_owned()))?;
        work(driver).inspect_err(|error| self.lose(error))
    }

    fn lose(&self, error: &DeviceError) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert_with(|| error.to_string());
    }

    /// Memory with undefined contents. `secret` memory is overwritten before it is given back.
    pub(super) fn allocate(self: &Arc<Self>, bytes: usize, secret: bool) -> Result<Memory, DeviceError> {
        let bytes = bytes.max(1);
        let needed = bytes as u64;
        let limit = self.limits.memory;
        let refused = |used| DeviceError::OutOfMemory { needed, used, limit };
        if needed > self.info.largest_allocation {
            return Err(refused(self.used.load(Ordering::Relaxed)));
        }
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(needed).filter(|sum| *sum <= limit)
            })
            .map_err(refused)?;
        let handle = self.with(|driver| driver.allocate(bytes));
        match handle {
            Ok(Some(handle)) => Ok(Memory { device: Arc::clone(self), handle, bytes, secret }),
            refused_or_failed => {
                let used = self.used.fetch_sub(needed, Ordering::Relaxed) - needed;
                refused_or_failed.and(Err(refused(used)))
            }
        }
    }

    /// Memory that holds these bytes.
    pub(super) fn upload(self: &Arc<Self>, bytes: &[u8], secret: bool) -> Result<Memory, DeviceError> {
        let memory = self.allocate(bytes.len(), secret)?;
        self.write(&memory, 0, bytes)?;
        Ok(memory)
    }

    /// Memory of zeros.
    pub(super) fn zeros(self: &Arc<Self>, bytes: usize, secret: bool) -> Result<Memory, DeviceError> {
        let memory = self.allocate(bytes, secret)?;
        self.with(|driver| driver.clear(memory.handle, memory.bytes))?;
        Ok(memory)
    }

    /// Copies to the device.
    pub(super) fn write(&self, memory: &Memory, offset: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        memory.check(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.wait("a copy to the device")?;
        self.with(|driver| driver.write(memory.handle, offset, bytes))
    }

    /// Copies from the device.
    pub(super) fn read(&self, memory: &Memory, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        memory.check(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.wait("a copy from the device")?;
        self.with(|driver| driver.read(memory.handle, offset, bytes))
    }

    /// Starts a kernel with at least `threads` threads, in groups of `group`.
    pub(super) fn launch(
        &self,
        kernel: &'static str,
        threads: usize,
        group: u32,
        args: &[Arg<'_>],
    ) -> Result<(), DeviceError> {
        let groups =
            u32::try_from(threads.div_ceil(group as usize)).ok().filter(|&groups| groups <= i32::MAX as u32);
        let groups =
            groups.ok_or(DeviceError::Driver { what: "a kernel", code: "too many threads".to_owned() })?;
        if groups == 0 {
            return Ok(());
        }
        self.with(|driver| driver.launch(kernel, groups, group, args))
    }

    /// Waits until all work given so far is done.
    pub(super) fn wait(&self, what: &'static str) -> Result<(), DeviceError> {
        self.with(|driver| driver.mark())?;
        let start = Instant::now();
        let mut pause = Duration::from_micros(20);
        while !self.with(|driver| driver.reached())? {
            let waited = start.elapsed();
            if waited > self.limits.wait {
                let seconds = self.limits.wait.as_secs();
                let error = DeviceError::TimedOut { kernel: what.to_owned(), seconds };
                self.lose(&error);
                return Err(error);
            }
            if waited > WITHOUT_PAUSES {
                thread::sleep(pause);
                pause = (2 * pause).min(LONGEST_PAUSE);
            } else {
                thread::yield_now();
            }
        }
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let driver = self.driver.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.is_lost() {
            // Giving back what a device that hangs may be using can hang in its turn.
            core::mem::forget(driver);
        }
    }
}

/// Memory of a device.
pub(super) struct Memory {
    device: Arc<Device>,
    handle: Handle,
    bytes: usize,
    secret: bool,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Memory {
    pub(super) fn handle(&self) -> Handle {
        self.handle
    }

    fn check(&self, offset: usize, length: usize) -> Result<(), DeviceError> {
        let fits = offset.checked_add(length).is_some_and(|end| end <= self.bytes);
        let outside = || DeviceError::Driver { what: "a copy", code: "it leaves the memory".to_owned() };
        if fits { Ok(()) } else { Err(outside()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.device.used.fetch_sub(self.bytes as u64, Ordering::Relaxed);
        if self.device.is_lost() {
            return;
        }
        // A failure here shows at the next call.
        let _ = self.device.with(|driver| {
            if self.secret {
                driver.clear(self.handle, self.bytes)?;
            }
            driver.free(self.handle);
            Ok(())
        });
    }
}
