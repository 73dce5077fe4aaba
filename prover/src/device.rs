//! What can be said of a device, and what can go wrong with one, whether or not this build can drive any.

use core::fmt;

/// The programming interface that a device is driven by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// OpenCL 1.2 or later.
    OpenCl,
    /// CUDA: the driver's interface, kernels compiled by NVRTC.
    Cuda,
}

impl Interface {
    /// Its name in selections and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenCl => "opencl",
            Self::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A device as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What drives it.
    pub interface: Interface,
    /// Its number among the devices of its interface, from 0.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Its driver's version.
    pub driver: String,
    /// Whether it is a graphics processor or an accelerator, and not this machine's own processor behind the same interface.
    pub is_accelerator: bool,
    /// Bytes of its memory.
    pub memory: u64,
    /// The most bytes of one allocation.
    pub largest_allocation: u64,
    /// Bytes of memory that the threads of a group share.
    pub local_memory: u64,
    /// Multiprocessors.
    pub units: u32,
}

impl DeviceInfo {
    /// What selects it on a command line: `cuda:0`, `opencl:1`.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{}:{}", self.interface, self.number)
    }
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.selector(), self.name)
    }
}

/// Why a device did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device that could be used.
    #[error(
        "there is no GPU to prove on: no CUDA driver and no OpenCL platform with a GPU was found; install the device's driver (and, \
         for OpenCL, the loader libOpenCL.so.1), or use --backend cpu"
    )]
    None,
    /// No device has the name that was asked for.
    #[error("there is no device {asked}; there are: {present}")]
    Unknown {
        /// The selector.
        asked: String,
        /// The selectors that there are.
        present: String,
    },
    /// The kernels could not be compiled for it.
    #[error("the kernels do not compile for {device}: {log}")]
    Compilation {
        /// The device.
        device: String,
        /// The compiler's log, or its end.
        log: String,
    },
    /// Memory that is not to be had.
    #[error(
        "the device has no room for {needed} bytes: {used} of the {limit} bytes that it may use are taken"
    )]
    OutOfMemory {
        /// Bytes asked for.
        needed: u64,
        /// Bytes taken before.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// A kernel did not end in time. The device is not used again.
    #[error("the device did not finish `{kernel}` within {seconds} s; it is not used again in this process")]
    TimedOut {
        /// What it was doing.
        kernel: String,
        /// The time that it had.
        seconds: u64,
    },
    /// A call of the driver failed: among others, a device that was lost.
    #[error("the device's driver refused {what}: {code}")]
    Driver {
        /// The call.
        what: &'static str,
        /// Its error.
        code: String,
    },
    /// An earlier error left the device in a state that is not trusted.
    #[error("the device failed before in this process and is not used again: {0}")]
    Lost(String),
    /// A computation had another result than on the CPU.
    #[error("the device computes wrongly: {what} is not what the CPU computes; do not use this device")]
    Wrong {
        /// What was compared.
        what: String,
    },
}
